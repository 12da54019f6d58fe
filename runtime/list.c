/* xenc list: the containers below --root, in the order of their ids. */
#include "runtime/runtime.h"

#include <dirent.h>
#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

struct listing {
    bool quiet, json;
    size_t shown;
    struct buf out;
};

/* As runc's table: cells as wide as their widest, at least 12, with 3 spaces between. */
enum { COLUMNS = 6, WIDTH_MIN = 12, GAP = 3 };

static const char *const titles[COLUMNS] = { "ID", "PID", "STATUS", "BUNDLE", "CREATED",
                                             "OWNER" };

static void put_row(struct buf *b, const char *const cell[COLUMNS])
{
    for (int i = 0; i < COLUMNS; i++)
        buf_printf(b, "%s%c", cell[i], i + 1 < COLUMNS ? '\t' : '\n');
}

/* NSS is out of reach of a static binary; the local file is what matters here. */
static const char *owner_name(uid_t uid, char room[static 64])
{
    FILE *f = fopen("/etc/passwd", "re");
    struct passwd *p;

    snprintf(room, 64, "#%u", (unsigned)uid);
    if (!f)
        return room;
    while ((p = fgetpwent(f))) {
        if (p->pw_uid == uid) {
            snprintf(room, 64, "%s", p->pw_name);
            break;
        }
    }
    fclose(f);
    return room;
}

static void show(struct listing *l, const struct rt_state *s)
{
    enum rt_status st = rt_state_status(s);
    char pid[16], owner[64];

    if (l->quiet) {
        buf_printf(&l->out, "%s\n", s->id);
    } else if (l->json) {
        buf_puts(&l->out, l->shown ? "," : "");
        rt_state_json(&l->out, s, st, true);
    } else {
        snprintf(pid, sizeof(pid), "%d", st == RT_STOPPED ? 0 : (int)s->pid);
        const char *const row[COLUMNS] = { s->id, pid, rt_status_name(st), s->bundle,
                                           s->created, owner_name(s->owner, owner) };
        put_row(&l->out, row);
    }
    l->shown++;
}

static void visit(struct rt *rt, const char *id, struct listing *l)
{
    struct rt_dir d = RT_DIR_NONE;
    struct rt_state s;
    struct err e = { 0 };

    /* One that is just being made or deleted has no state: not a container. */
    if (rt_id_check(id, &e) < 0 || rt_dir_open(rt->root, id, false, &d, &e) < 0)
        return;
    if (rt_state_read(&d, &s, &e) == 0) {
        show(l, &s);
        rt_state_dispose(&s);
    } else if (e.code != ENOENT) {
        fprintf(stderr, "xenc: %s: %s\n", id, e.text);
    }
    rt_dir_close(&d);
}

static size_t cell_width(const char *text, int column)
{
    size_t widest = WIDTH_MIN - GAP;

    for (const char *line = text; *line; line = strchr(line, '\n') + 1) {
        const char *p = line;
        for (int i = 0; i < column; i++)
            p = strchr(p, '\t') + 1;
        size_t n = strcspn(p, "\t\n");
        widest = n > widest ? n : widest;
    }
    return widest;
}

static void print_table(char *text)
{
    size_t width[COLUMNS];
    int column = 0;

    for (int i = 0; i < COLUMNS; i++)
        width[i] = cell_width(text, i);
    for (char *p = text; *p; column = (column + 1) % COLUMNS) {
        size_t n = strcspn(p, "\t\n");
        printf("%.*s", (int)n, p);
        printf(p[n] == '\t' ? "%*s" : "\n", (int)(width[column] + GAP - n), "");
        p += n + 1;
    }
}

static int walk(struct rt *rt, struct listing *l, struct err *e)
{
    struct dirent **names = NULL;
    int n = rt_root_check(rt->root, e);

    if (n < 0)
        return n;
    n = scandir(rt->root, &names, NULL, alphasort);
    if (n < 0 && errno != ENOENT)
        return err_sys(e, errno, "state root %s", rt->root);
    for (int i = 0; i < n; i++) {
        if (names[i]->d_name[0] != '.' || strlen(names[i]->d_name) > 2)
            visit(rt, names[i]->d_name, l);
        free(names[i]);
    }
    free(names);
    return 0;
}

int rt_cmd_list(struct rt *rt, struct rt_args *a, struct err *e)
{
    struct listing l = { 0 };
    const char *format = "table";
    const struct rt_flag flags[] = {
        { "format", 'f', NULL, &format, "FORMAT", "table (default) or json" },
        { "quiet", 'q', &l.quiet, NULL, NULL, "ids only" },
        { NULL, 0, NULL, NULL, NULL, NULL },
    };
    int r = rt_flags_verb(flags, a, e);

    if (r != 0)
        return r < 0 ? r : 0;
    if (a->argc)
        return err_set(e, EINVAL, "list takes no arguments, got \"%s\"", a->argv[0]);
    l.json = strcmp(format, "json") == 0;
    if (!l.json && strcmp(format, "table") != 0)
        return err_set(e, EINVAL, "--format takes table or json, not \"%s\"", format);
    if (!l.quiet && !l.json)
        put_row(&l.out, titles);
    r = walk(rt, &l, e);
    if (r == 0 && l.out.failed)
        r = err_set(e, ENOMEM, "out of memory");
    char *text = r == 0 ? buf_cstr(&l.out) : NULL;
    if (text && l.quiet)
        printf("%s", text);
    else if (text && l.json)
        printf(l.shown ? "[%s]\n" : "null\n", text);
    else if (text)
        print_table(text);
    buf_dispose(&l.out);
    return r;
}
