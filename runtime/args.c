/* Flags as the engines write them: Go's style, so "-name" equals "--name", "--name=V"
 * equals "--name V", and flags may follow the arguments. "--" ends them. */
#include "runtime/runtime.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct rt_flag *find(const struct rt_flag *flags, const char *name, size_t len)
{
    for (const struct rt_flag *f = flags; f->name; f++) {
        if (strlen(f->name) == len && memcmp(f->name, name, len) == 0)
            return f;
        if (f->letter && len == 1 && name[0] == f->letter)
            return f;
    }
    return NULL;
}

static int set_bool(const struct rt_flag *f, const char *value, struct err *e)
{
    if (!value || strcmp(value, "true") == 0 || strcmp(value, "1") == 0)
        *f->on = true;
    else if (strcmp(value, "false") == 0 || strcmp(value, "0") == 0)
        *f->on = false;
    else
        return err_set(e, EINVAL, "flag --%s takes true or false, not \"%s\"", f->name, value);
    return 0;
}

/* Takes the flag argv[0]: the number of words used, or a negative errno. */
static int take(const struct rt_flag *flags, int argc, char **argv, struct err *e)
{
    const char *name = argv[0] + (argv[0][1] == '-' ? 2 : 1);
    const char *eq = strchr(name, '=');
    const char *value = eq ? eq + 1 : NULL;
    const struct rt_flag *f = find(flags, name, eq ? (size_t)(eq - name) : strlen(name));
    int r;

    if (!f)
        return err_set(e, EINVAL, "unknown flag %s (see xenc --help)", argv[0]);
    if (f->on) {
        r = set_bool(f, value, e);
        return r < 0 ? r : 1;
    }
    if (!value) {
        if (argc < 2)
            return err_set(e, EINVAL, "flag %s needs a value", argv[0]);
        value = argv[1];
    }
    *f->value = value;
    return eq ? 1 : 2;
}

int rt_flags_global(const struct rt_flag *flags, int argc, char **argv, struct err *e)
{
    int i = 0;

    while (i < argc && argv[i][0] == '-' && argv[i][1]) {
        if (strcmp(argv[i], "--") == 0)
            return i + 1;
        int n = take(flags, argc - i, argv + i, e);
        if (n < 0)
            return n;
        i += n;
    }
    return i;
}

int rt_flags_verb(const struct rt_flag *flags, struct rt_args *a, struct err *e)
{
    int kept = 0, i = 0;

    a->rest = NULL;
    while (i < a->argc) {
        char *w = a->argv[i];
        if (strcmp(w, "--") == 0) {
            a->rest = a->argv + i + 1;
            break;
        }
        if (w[0] != '-' || !w[1]) {
            a->argv[kept++] = w;
            i++;
            continue;
        }
        if (strcmp(w, "--help") == 0 || strcmp(w, "-h") == 0) {
            rt_help_verb(a->verb, flags, stdout);
            return 1;
        }
        int n = take(flags, a->argc - i, a->argv + i, e);
        if (n < 0)
            return n;
        i += n;
    }
    a->argc = kept;
    return 0;
}

void rt_flags_print(const struct rt_flag *flags, FILE *out)
{
    for (const struct rt_flag *f = flags; f->name; f++) {
        char left[64];
        snprintf(left, sizeof(left), "--%s%s%s", f->name, f->arg ? " " : "",
                 f->arg ? f->arg : "");
        if (f->letter)
            fprintf(out, "  -%c, %-24s %s\n", f->letter, left, f->help);
        else
            fprintf(out, "      %-24s %s\n", left, f->help);
    }
}

int rt_one_id(const struct rt_args *a, const char **id_r, struct err *e)
{
    if (a->argc != 1)
        return err_set(e, EINVAL, "%s needs exactly one container id, got %d argument%s", a->verb,
                       a->argc, a->argc == 1 ? "" : "s");
    *id_r = a->argv[0];
    return rt_id_check(*id_r, e);
}
