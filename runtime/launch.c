/* From flags to a domain: the way that create and run share. Each step undoes nothing;
 * rt_launch undoes all of them when one fails. */
#include "runtime/runtime.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "base/fd.h"
#include "base/log.h"

/* Flags --------------------------------------------------------------------------------- */

int rt_launch_flags(struct rt_launch *l, struct rt_args *a, struct err *e)
{
    const char *preserve = NULL;
    bool ignored = false;
    const struct rt_flag flags[] = {
        { "bundle", 'b', NULL, &l->bundle, "DIR", "the bundle (default: working directory)" },
        { "console-socket", 0, NULL, &l->console_socket, "SOCKET",
          "send the terminal's master to this socket" },
        { "pid-file", 0, NULL, &l->pid_file, "FILE", "write the container's process id to FILE" },
        { "image", 0, NULL, &l->image, "LAYOUT[:TAG]", "unpack this image instead of --bundle" },
        { "domain", 0, NULL, &l->domain, "KIND", "auto, pv or pvh, as the global flag" },
        { "strace", 0, &l->strace, NULL, NULL, "print the guest's system calls" },
        { "no-pivot", 0, &ignored, NULL, NULL, "accepted for runc's callers, no meaning" },
        { "no-new-keyring", 0, &ignored, NULL, NULL, "accepted for runc's callers, no meaning" },
        { "preserve-fds", 0, NULL, &preserve, "N", "not supported" },
        /* run only, so last */
        { l->create ? NULL : "detach", 'd', &l->detach, NULL, NULL, "do not wait for its end" },
        { "keep", 0, &l->keep, NULL, NULL, "do not delete the container at its end" },
        { "no-subreaper", 0, &ignored, NULL, NULL, "accepted for runc's callers, no meaning" },
        { NULL, 0, NULL, NULL, NULL, NULL },
    };
    int r = rt_flags_verb(flags, a, e);

    if (r != 0)
        return r;
    if (preserve && strcmp(preserve, "0") != 0)
        return err_set(e, ENOTSUP, "--preserve-fds is not supported: a domain does not inherit "
                       "the host's descriptors");
    if (l->domain && rt_domain_kind(l->domain, &l->kind) < 0)
        return err_set(e, EINVAL, "--domain takes auto, pv or pvh, not \"%s\"", l->domain);
    if (l->image && l->bundle)
        return err_set(e, EINVAL, "--image and --bundle exclude each other");
    if (a->rest && a->rest[0])
        l->args = a->rest;
    if (!l->bundle)
        l->bundle = ".";
    if (l->image && a->argc == 0) {
        struct timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        snprintf(l->id_made, sizeof(l->id_made), "xenc-%d-%lx%05lx", (int)getpid(),
                 (unsigned long)now.tv_sec, (unsigned long)now.tv_nsec / 1000);
        l->id = l->id_made;
        return 0;
    }
    return rt_one_id(a, &l->id, e);
}

/* Steps ---------------------------------------------------------------------------------- */

/* Root file systems are large: not below the state root, which is in memory. */
static int unpack_image(struct rt_launch *l, struct err *e)
{
    const char *tmp = getenv("TMPDIR");
    char *path = NULL;

    if (asprintf(&path, "%s/xenc-image-XXXXXX", tmp && tmp[0] == '/' ? tmp : "/var/tmp") < 0)
        return err_set(e, ENOMEM, "out of memory");
    if (!mkdtemp(path)) {
        int code = errno;
        err_sys(e, code, "temporary bundle %s", path);
        free(path);
        return -code;
    }
    l->temp_bundle = path;
    l->bundle = path;
    return image_prepare(l->image, path, e);
}

/* The same combinations as runc's are possible. */
static int check_terminal(const struct rt_launch *l, struct err *e)
{
    bool terminal = l->b.spec->process.terminal, away = l->create || l->detach;

    if (!terminal && l->console_socket)
        return err_set(e, EINVAL, "--console-socket given, but process.terminal is false");
    if (terminal && away && !l->console_socket)
        return err_set(e, EINVAL, "process.terminal is true: a detached container needs "
                       "--console-socket");
    if (terminal && !away && l->console_socket)
        return err_set(e, EINVAL, "--console-socket needs create or --detach");
    if (terminal && !away && !isatty(STDIN_FILENO))
        return err_set(e, ENOTTY, "process.terminal is true, but standard input is not a "
                       "terminal");
    return 0;
}

static int make_plan(const struct rt *rt, struct rt_launch *l, struct err *e)
{
    struct rt_options o = { .domain = l->domain ? l->kind : rt->domain,
                            .strace = l->strace, .debug = rt->debug, .args = l->args };
    struct rt_facts f;
    struct err why = { 0 };
    int r = rt_config_check(rt, l->b.spec, e);

    if (r < 0)
        return r;
    rt_bundle_facts(&l->b, &f);
    if (o.domain != HV_PV && hv_probe(HV_PVH_KVM, rt->libexec, &why) < 0)
        f.no_kvm = why.text;
    l->rows = l->b.spec->process.rows ? l->b.spec->process.rows : f.rows;
    l->cols = l->b.spec->process.cols ? l->b.spec->process.cols : f.cols;
    r = rt_plan_make(l->b.spec, &o, &f, &l->plan, e);
    if (r < 0)
        return err_add(e, "config.json");
    log_info("domain: %s", l->plan.why);
    r = rt_bundle_shares(&l->b, &l->plan, e);
    if (r == 0)
        rt_bundle_mountpoints(&l->b, &l->plan);
    return r;
}

static int open_console(struct rt_launch *l, struct err *e)
{
    int r;

    if (!l->b.spec->process.terminal)
        return 0;
    r = rt_console_open(&l->console, l->rows, l->cols, e);
    if (r == 0 && l->console_socket) {
        r = rt_console_send(&l->console, l->console_socket, e);
        close(fd_steal(&l->console.master));
    }
    return r;
}

/* Messages of the domain belong where its errors go; a terminal in raw mode shows them
 * right only through the pty. */
static int message_fd(const struct rt_launch *l)
{
    if (l->console.slave < 0)
        return STDERR_FILENO;
    return l->create || l->detach || isatty(STDERR_FILENO) ? l->console.slave : STDERR_FILENO;
}

static bool hooks_before_start(const struct oci_spec *s)
{
    return s->hooks[OCI_HOOK_PRESTART].n || s->hooks[OCI_HOOK_CREATE_RUNTIME].n ||
           s->hooks[OCI_HOOK_CREATE_CONTAINER].n;
}

static int start_domain(const struct rt *rt, struct rt_launch *l, struct err *e)
{
    struct hv_spec *hv = &l->plan.hv;
    _cleanup_close_ int ctl = -1;
    int slave = l->console.slave, r = rt_dir_listen(&l->dir, &ctl, e);

    if (r < 0)
        return r;
    hv->id = l->id;
    hv->libexec = rt->libexec;
    hv->autostart = !l->create && !hooks_before_start(l->b.spec);
    hv->root.fd = l->b.rootfs;
    hv->shares = l->b.shares;
    hv->nshares = l->b.nshares;
    for (int i = 0; i < 3; i++)
        hv->stdio[i] = slave >= 0 ? slave : i;
    hv->log_fd = message_fd(l);
    hv->ctl_fd = ctl;
    hv->cgroup_procs = l->cgroup.procs;
    hv->ncgroup_procs = l->cgroup.n;
    r = hv_start(hv, &l->state.pid, e);
    if (r < 0) {
        l->state.pid = 0;
        return r;
    }
    l->state.started = hv->autostart;
    if (slave >= 0)
        close(fd_steal(&l->console.slave));
    if (!rt_proc_alive(l->state.pid, &l->state.start_time))
        l->state.start_time = 0;        /* a short program has ended already */
    return 0;
}

/* RFC 3339. Not gmtime: it would read the time zone file, at ten times the price. The
 * days are counted in years that begin in March, as a leap day is the last one then. */
static void format_time(char out[static 72], const struct timespec *t)
{
    long days = t->tv_sec / 86400 + 719468, second = t->tv_sec % 86400;
    long era = days / 146097, doe = days % 146097;
    long yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    long doy = doe - (365 * yoe + yoe / 4 - yoe / 100), m = (5 * doy + 2) / 153;
    long month = m < 10 ? m + 3 : m - 9;

    snprintf(out, 72, "%04ld-%02ld-%02ldT%02ld:%02ld:%02ld.%09ldZ",
             era * 400 + yoe + (month <= 2), month, doy - (153 * m + 2) / 5 + 1, second / 3600,
             second / 60 % 60, second % 60, t->tv_nsec);
}

static void fill_state(struct rt_launch *l)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    format_time(l->created, &now);
    l->state.id = l->id;
    l->state.bundle = l->b.path;
    l->state.rootfs = l->b.rootfs_path;
    l->state.created = l->created;
    l->state.version = l->b.spec->version;
    l->state.annotations = l->b.spec->annotations;
    l->state.owner = geteuid();
    l->state.temp_bundle = l->temp_bundle ? l->temp_bundle : "";
}

static int run_hooks(struct rt_launch *l, struct err *e)
{
    static const enum oci_hook_kind kinds[] = { OCI_HOOK_PRESTART, OCI_HOOK_CREATE_RUNTIME,
                                                OCI_HOOK_CREATE_CONTAINER };

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        int r = rt_hooks_run(l->b.spec, kinds[i], &l->state, RT_CREATING, e);
        if (r < 0)
            return r;
    }
    return 0;
}

/* start and delete come with no bundle that can be relied on: what they need of
 * config.json, the hooks, is kept. */
static int keep_config(struct rt_launch *l, struct err *e)
{
    const struct oci_hooks *h = l->b.spec->hooks;

    if (!h[OCI_HOOK_POSTSTART].n && !h[OCI_HOOK_POSTSTOP].n)
        return 0;
    return write_file_at(l->dir.fd, "config.json", l->b.text, l->b.text_len, 0600, e);
}

static int write_pid_file(const struct rt_launch *l, struct err *e)
{
    char text[16];
    int n = snprintf(text, sizeof(text), "%d", (int)l->state.pid);

    if (!l->pid_file)
        return 0;
    if (write_file_at(AT_FDCWD, l->pid_file, text, (size_t)n, 0644, e) < 0)
        return err_add(e, "--pid-file");
    return 0;
}

static int record(struct rt_launch *l, struct err *e)
{
    int r = rt_state_write(&l->dir, &l->state, e);

    if (r == 0)
        r = keep_config(l, e);
    return r < 0 ? r : write_pid_file(l, e);
}

static int start_program(struct rt_launch *l, struct err *e)
{
    int r = rt_dir_ctl(&l->dir, HV_CMD_START, 0, 0, e);

    l->state.started = r == 0;
    return r;
}

/* A bundle made for --image has a terminal when standard input is one; here is known
 * whether there is anything to show it on. */
static void adapt_terminal(struct rt_launch *l)
{
    if (l->image && !l->console_socket && (l->create || l->detach || !isatty(STDOUT_FILENO)))
        l->b.spec->process.terminal = false;
}

static int go(struct rt *rt, struct rt_launch *l, struct err *e)
{
    int r = rt_bundle_open(l->bundle, &l->b, e);

    if (r < 0)
        return r;
    adapt_terminal(l);
    r = check_terminal(l, e);
    if (r == 0)
        r = make_plan(rt, l, e);
    if (r == 0)
        r = rt_dir_create(rt->root, l->id, &l->dir, e);
    if (r < 0)
        return r;
    l->claimed = true;
    fill_state(l);
    r = rt_cgroup_make(l->b.spec, l->id, rt->privileged, &l->cgroup, e);
    if (r < 0)
        return r;
    l->state.cgroups = l->cgroup.dirs.len ? buf_cstr(&l->cgroup.dirs) : "";
    if (!l->state.cgroups)
        return err_set(e, ENOMEM, "out of memory");
    r = open_console(l, e);
    if (r == 0)
        r = start_domain(rt, l, e);
    if (r == 0)
        r = run_hooks(l, e);
    if (r == 0 && !l->create && !l->state.started)
        r = start_program(l, e);
    return r < 0 ? r : record(l, e);
}

static void undo(struct rt *rt, struct rt_launch *l)
{
    struct err e;

    if (l->state.pid > 0) {
        kill(l->state.pid, SIGKILL);
        while (waitpid(l->state.pid, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    if (l->cgroup.dirs.len && l->state.cgroups && rt_cgroup_remove(l->state.cgroups, &e) < 0)
        log_warn("%s", e.text);
    if (l->claimed && rt_dir_remove(rt->root, l->id, &l->dir, &e) < 0)
        log_warn("%s", e.text);
    if (l->temp_bundle && remove_tree_at(AT_FDCWD, l->temp_bundle) < 0)
        log_warn("could not remove %s", l->temp_bundle);
}

/* What our caller has left open must not reach the domain. */
static void seal_strays(void)
{
    if (syscall(SYS_close_range, 3u, ~0u, 4u /* CLOSE_RANGE_CLOEXEC */) == 0)
        return;
    for (int fd = 3; fd < 1024; fd++)
        fcntl(fd, F_SETFD, FD_CLOEXEC);
}

int rt_launch(struct rt *rt, struct rt_launch *l, struct err *e)
{
    int r;

    seal_strays();
    r = l->image ? unpack_image(l, e) : 0;
    if (!l->create && !l->detach)
        rt_attach_prepare();
    if (r == 0)
        r = go(rt, l, e);
    if (r < 0) {
        undo(rt, l);
        return r;
    }
    rt_dir_unlock(&l->dir);
    rt_cgroup_dispose_fds(&l->cgroup);
    if (l->state.started)
        rt_hooks_run_all(l->b.spec, OCI_HOOK_POSTSTART, &l->state, RT_RUNNING);
    return 0;
}

void rt_launch_dispose(struct rt_launch *l)
{
    rt_console_close(&l->console);
    rt_dir_close(&l->dir);
    rt_cgroup_dispose(&l->cgroup);
    rt_plan_dispose(&l->plan);
    rt_bundle_close(&l->b);
    free(l->temp_bundle);
}
