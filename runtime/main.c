/* xenc: global flags, then the verb. The only place that prints an error. */
#include "runtime/runtime.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

struct verb {
    const char *name;
    int (*run)(struct rt *rt, struct rt_args *a, struct err *e);    /* NULL: planned */
};

static const struct verb verbs[] = {
#define RT_COMMAND(v, args, help) { #v, rt_cmd_##v },
#define RT_PLANNED(v) { #v, NULL },
#include "runtime/commands.def"
#undef RT_COMMAND
#undef RT_PLANNED
};

struct global {
    const char *root, *log, *log_format, *domain, *config;
    const char *rootless, *criu;        /* runc's, without meaning here */
    bool debug, systemd, version, help;
};

static int print_version(void)
{
    printf("xenc version " RT_VERSION "\nspec: " RT_SPEC_VERSION "\n");
    return 0;
}

static int run_verb(struct rt *rt, int argc, char **argv, struct err *e)
{
    struct rt_args a = { .verb = argv[0], .argc = argc - 1, .argv = argv + 1 };

    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        if (strcmp(verbs[i].name, a.verb) != 0)
            continue;
        if (!verbs[i].run)
            return err_set(e, ENOSYS, "%s is not supported yet", a.verb);
        return verbs[i].run(rt, &a, e);
    }
    return err_set(e, EINVAL, "unknown command \"%s\" (see xenc --help)", a.verb);
}

static int choose_domain(const struct global *g, struct rt *rt, struct err *e)
{
    int r = rt_config_read(rt, g->config, e);

    if (r == 0 && g->domain && rt_domain_kind(g->domain, &rt->domain) < 0)
        r = err_set(e, EINVAL, "--domain takes auto, pv or pvh, not \"%s\"", g->domain);
    return r;
}

/* Without a file for them, lines that only inform would mix with a container's output. */
static enum log_level log_least(const struct global *g)
{
    return g->debug ? LOG_DEBUG : g->log ? LOG_INFO : LOG_WARN;
}

/* State belongs on a file system that a reboot empties, and to the user who runs us. */
static int choose_root(const char *flag, struct rt *rt, char room[static PATH_MAX],
                       struct err *e)
{
    const char *dir;

    if (flag && !flag[0])
        return err_set(e, EINVAL, "--root is empty");
    if (flag) {
        rt->root = flag;
    } else if (rt->privileged) {
        rt->root = "/run/xenc";
    } else {
        dir = getenv("XDG_RUNTIME_DIR");
        if (!dir || dir[0] != '/')
            return 0;           /* not every verb needs one: dir.c complains */
        if (snprintf(room, PATH_MAX, "%s/xenc", dir) >= PATH_MAX)
            return err_set(e, ENAMETOOLONG, "XDG_RUNTIME_DIR");
        rt->root = room;
    }
    return 0;
}

/* Beside the xenc binary (a build tree), or in the usual places next to its bin/. */
static const char *find_libexec(char room[static PATH_MAX])
{
    static const char *const below[] = { "", "/../libexec/xenc", "/../lib/xenc" };
    char exe[PATH_MAX], probe[PATH_MAX + 32];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 32);
    char *slash;

    if (n <= 0)
        return "/usr/libexec/xenc";
    exe[n] = '\0';
    slash = strrchr(exe, '/');
    if (slash)
        *slash = '\0';
    for (size_t i = 0; i < sizeof(below) / sizeof(below[0]); i++) {
        snprintf(room, PATH_MAX, "%s%s", exe, below[i]);
        snprintf(probe, sizeof(probe), "%s/xenc-hv", room);
        if (access(probe, X_OK) == 0)
            return room;
    }
    return "/usr/libexec/xenc";
}

static int set_up(const struct global *g, struct rt *rt, struct err *e)
{
    bool json = g->log_format && strcmp(g->log_format, "json") == 0;
    int r;

    if (g->log_format && !json && strcmp(g->log_format, "text") != 0)
        return err_set(e, EINVAL, "--log-format takes text or json, not \"%s\"", g->log_format);
    rt->debug = g->debug;
    rt->privileged = geteuid() == 0;
    r = log_open(g->log, json, log_least(g), e);
    if (r < 0)
        return r;
    if (g->systemd)
        return err_set(e, ENOSYS, "--systemd-cgroup is not supported: use the cgroupfs driver");
    return choose_domain(g, rt, e);
}

/* One line on standard error; in the --log file too, in the form engines read. */
static void report(const struct global *g, const struct err *e)
{
    if (g->log && log_fd() != STDERR_FILENO)
        log_error("%s", e->text);
    fprintf(stderr, "xenc: %s\n", e->text);
}

/* Descriptors 0 to 2 must be taken, or what we open would become the container's. */
static void fill_stdio(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) < 0)
            _exit(1);
    }
}

int main(int argc, char **argv)
{
    static char root_room[PATH_MAX], libexec_room[PATH_MAX];
    struct global g = { 0 };
    const struct rt_flag flags[] = {
        { "root", 0, NULL, &g.root, "DIR", "where the state of containers is kept (/run/xenc)" },
        { "log", 0, NULL, &g.log, "FILE", "write log lines to FILE as well" },
        { "log-format", 0, NULL, &g.log_format, "FORMAT", "text (default) or json" },
        { "debug", 0, &g.debug, NULL, NULL, "log more" },
        { "domain", 0, NULL, &g.domain, "KIND", "auto (default), pv or pvh" },
        { "config", 0, NULL, &g.config, "FILE", "settings (/etc/xenc/xenc.conf)" },
        { "systemd-cgroup", 0, &g.systemd, NULL, NULL, "not supported: cgroupfs is" },
        { "rootless", 0, NULL, &g.rootless, "MODE", "accepted for runc's callers, no meaning" },
        { "criu", 0, NULL, &g.criu, "FILE", "accepted for runc's callers, no meaning" },
        { "help", 'h', &g.help, NULL, NULL, "this text" },
        { "version", 'v', &g.version, NULL, NULL, "print the version" },
        { NULL, 0, NULL, NULL, NULL, NULL },
    };
    struct rt rt = { .flags = flags };
    struct err e = { 0 };
    int used, r;

    fill_stdio();
    used = rt_flags_global(flags, argc - 1, argv + 1, &e);
    r = used < 0 ? used : set_up(&g, &rt, &e);
    argc -= 1 + used;
    argv += 1 + used;
    if (r >= 0 && g.version) {
        r = print_version();
    } else if (r >= 0 && (g.help || argc == 0)) {
        rt_help_all(flags, stdout);
    } else if (r >= 0) {
        rt.libexec = find_libexec(libexec_room);
        r = choose_root(g.root, &rt, root_room, &e);
        if (r == 0)
            r = run_verb(&rt, argc, argv, &e);
    }
    free(rt.annotations);
    if (r < 0) {
        report(&g, &e);
        return 1;
    }
    /* Output longer than the buffer has failed before; the stream remembers. */
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "xenc: write to standard output: %s\n", strerror(errno));
        return 1;
    }
    return r;
}
