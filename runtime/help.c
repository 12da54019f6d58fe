/* xenc help: from the table of verbs and the tables of flags. */
#include "runtime/runtime.h"

#include <errno.h>
#include <string.h>

struct line { const char *verb, *args, *text; };

static const struct line lines[] = {
#define RT_COMMAND(v, args, help) { #v, args, help },
#define RT_PLANNED(v)
#include "runtime/commands.def"
#undef RT_COMMAND
#undef RT_PLANNED
};
enum { NLINES = sizeof(lines) / sizeof(lines[0]) };

void rt_help_all(const struct rt_flag *global, FILE *out)
{
    fprintf(out, "xenc runs OCI containers, each in a small virtual machine (domain) of its own\n\n"
                 "Usage: xenc [global flags] VERB [flags] [arguments]\n\nVerbs:\n");
    for (size_t i = 0; i < NLINES; i++)
        fprintf(out, "  %-10s %s\n", lines[i].verb, lines[i].text);
    fprintf(out, "\nNot supported yet:");
#define RT_COMMAND(v, args, help)
#define RT_PLANNED(v) fprintf(out, " " #v);
#include "runtime/commands.def"
#undef RT_COMMAND
#undef RT_PLANNED
    fprintf(out, "\n\nGlobal flags:\n");
    rt_flags_print(global, out);
    fprintf(out, "\n\"xenc VERB --help\" shows a verb's flags.\n");
}

void rt_help_verb(const char *verb, const struct rt_flag *flags, FILE *out)
{
    for (size_t i = 0; i < NLINES; i++) {
        if (strcmp(lines[i].verb, verb) == 0)
            fprintf(out, "xenc %s: %s\n\nUsage: xenc [global flags] %s%s%s\n", verb,
                    lines[i].text, verb, lines[i].args[0] ? " " : "", lines[i].args);
    }
    if (flags->name)
        fprintf(out, "\nFlags:\n");
    rt_flags_print(flags, out);
}

int rt_cmd_help(struct rt *rt, struct rt_args *a, struct err *e)
{
    static char flag[] = "--help";
    char *argv[] = { flag, NULL };
    struct rt_args sub = { .argc = 1, .argv = argv };

    if (a->argc == 0) {
        rt_help_all(rt->flags, stdout);
        return 0;
    }
    sub.verb = a->argv[0];
#define RT_COMMAND(v, args, help) \
    if (strcmp(sub.verb, #v) == 0 && strcmp(#v, "help") != 0) \
        return rt_cmd_##v(rt, &sub, e);
#define RT_PLANNED(v) \
    if (strcmp(sub.verb, #v) == 0) \
        return err_set(e, ENOSYS, #v " is not supported yet");
#include "runtime/commands.def"
#undef RT_COMMAND
#undef RT_PLANNED
    if (strcmp(sub.verb, "help") != 0)
        return err_set(e, EINVAL, "unknown command \"%s\" (see xenc --help)", sub.verb);
    rt_help_all(rt->flags, stdout);
    return 0;
}
