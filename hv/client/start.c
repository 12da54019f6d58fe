/* hv_start: the monitor becomes a child in namespaces of its own. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <unistd.h>

#include "abi/boot.h"
#include "abi/pv.h"
#include "base/buf.h"
#include "base/fd.h"
#include "hv/conf.h"

#define MAX_WORDS (32 + HV_MAX_SHARES)
#define CHILD_STACK (64 * 1024)

struct launch {
    const char *path;
    char *argv[MAX_WORDS];
    unsigned argc;
    int keep[16 + HV_MAX_SHARES];
    unsigned nkeep;
    bool userns;
    uid_t uid;
    gid_t gid;
    const struct hv_spec *spec;
    bool in_cgroup;
    int error;                  /* set by the child, which shares our memory */
};

static int word(struct launch *l, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    int r = vasprintf(&l->argv[l->argc], fmt, ap);
    va_end(ap);
    if (r < 0)
        return -ENOMEM;
    l->argc++;
    return 0;
}

static int keep(struct launch *l, int fd)
{
    if (fd > 2)
        l->keep[l->nkeep++] = fd;
    return fd;
}

static int write_map(const char *file, const char *text)
{
    int fd = open(file, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    ssize_t n = write(fd, text, strlen(text));
    close(fd);
    return n < 0 ? -1 : 0;
}

/* Between clone and exec, in the caller's memory: only system calls and `l`. */
static int child(void *arg)
{
    struct launch *l = arg;
    char map[64];

    setsid();
    for (size_t i = 0; i < l->spec->ncgroup_procs; i++) {
        if (write(l->spec->cgroup_procs[i], "0", 1) < 0)
            goto fail;
    }
    l->in_cgroup = true;
    if (l->userns) {
        snprintf(map, sizeof map, "0 %u 1", l->uid);
        if (write_map("/proc/self/uid_map", map) < 0)
            goto fail;
        write_map("/proc/self/setgroups", "deny");
        snprintf(map, sizeof map, "0 %u 1", l->gid);
        write_map("/proc/self/gid_map", map);
    }
    for (unsigned i = 0; i < l->nkeep; i++)
        fcntl(l->keep[i], F_SETFD, 0);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execv(l->path, l->argv);
fail:
    l->error = errno;
    _exit(127);
}

static uint64_t host_memory(void)
{
    struct sysinfo si;

    return sysinfo(&si) == 0 ? (uint64_t)si.totalram * si.mem_unit : 1ull << 30;
}

static int make_words(struct launch *l, const struct hv_spec *s, int record, int sync)
{
    uint64_t mem = s->mem_bytes ? s->mem_bytes : host_memory();
    unsigned flags = (s->strace ? XENC_BOOT_STRACE : 0) | (s->debug ? XENC_BOOT_DEBUG : 0);
    int r = 0;

    if (s->kind == HV_PV && mem > PV_MEM_MAX)
        mem = PV_MEM_MAX;
    r |= word(l, "xenc-hv");
    r |= word(l, "--id=%s", s->id);
    r |= word(l, "--libexec=%s", s->libexec);
    r |= word(l, "--kind=%d", s->kind);
    r |= word(l, "--mem=%llu", (unsigned long long)mem & ~4095ull);
    r |= word(l, "--cpus=%u", s->ncpus ? s->ncpus : (unsigned)get_nprocs());
    r |= word(l, "--flags=%u", flags);
    r |= word(l, "--stdio=%d,%d,%d", keep(l, s->stdio[0]), keep(l, s->stdio[1]),
              keep(l, s->stdio[2]));
    r |= word(l, "--record=%d", keep(l, record));
    r |= word(l, "--sync=%d", keep(l, sync));
    r |= word(l, "--log=%d", keep(l, s->log_fd));
    r |= word(l, "--ctl=%d", keep(l, s->ctl_fd));
    r |= word(l, "--root=%d%s", keep(l, s->root.fd), s->root.ro ? ":ro" : "");
    for (size_t i = 0; i < s->nshares; i++)
        r |= word(l, "--share=%d%s", keep(l, s->shares[i].fd), s->shares[i].ro ? ":ro" : "");
    if (s->kernel)
        r |= word(l, "--kernel=%s", s->kernel);
    if (s->initrd)
        r |= word(l, "--initrd=%s", s->initrd);
    if (s->cmdline)
        r |= word(l, "--cmdline=%s", s->cmdline);
    if (s->autostart)
        r |= word(l, "--autostart");
    if (s->terminal)
        r |= word(l, "--tty");
    if (geteuid() == 0)
        r |= word(l, "--privileged");
    return r;
}

static int wait_ready(int fd, pid_t pid, struct err *e)
{
    struct hv_sync s = { 0 };
    ssize_t n = read_full(fd, &s, sizeof s);

    if (n == (ssize_t)sizeof s && s.code == 0)
        return 0;
    int st = 0;
    waitpid(pid, &st, 0);
    if (n == (ssize_t)sizeof s) {
        s.text[sizeof s.text - 1] = 0;
        return err_set(e, s.code > 0 ? s.code : EIO, "%s", s.text);
    }
    if (WIFSIGNALED(st))
        return err_set(e, EIO, "the monitor was killed by signal %d", WTERMSIG(st));
    return err_set(e, EIO, "the monitor ended with status %d before the domain stood",
                   WEXITSTATUS(st));
}

static int launch(struct launch *l, pid_t *pid_r, struct err *e)
{
    int flags = CLONE_VM | CLONE_VFORK | CLONE_NEWPID | CLONE_NEWIPC | SIGCHLD;
    char *stack = mmap(NULL, CHILD_STACK, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);

    if (stack == MAP_FAILED)
        return err_sys(e, errno, "stack for the monitor");
    if (l->userns)
        flags |= CLONE_NEWUSER;
    pid_t pid = clone(child, stack + CHILD_STACK, flags, l);
    int en = errno;
    munmap(stack, CHILD_STACK);
    if (pid < 0 && l->userns && (en == EPERM || en == ENOSPC))
        return err_set(e, en, "not root, and the host allows no user namespaces: run as root "
                       "or set kernel.unprivileged_userns_clone=1");
    if (pid < 0)
        return err_sys(e, en, "cannot start the monitor");
    if (l->error) {
        waitpid(pid, NULL, 0);
        return l->in_cgroup ? err_sys(e, l->error, "cannot run %s", l->path)
                            : err_sys(e, l->error, "cannot join the container's cgroup");
    }
    *pid_r = pid;
    return 0;
}

int hv_start(const struct hv_spec *spec, pid_t *pid_r, struct err *e)
{
    struct launch l = { .userns = geteuid() != 0, .uid = geteuid(), .gid = getegid(),
                        .spec = spec };
    _cleanup_free_ char *path = NULL;
    _cleanup_close_ int record = -1, rd = -1, wr = -1;
    int p[2], r;

    if (spec->nshares > HV_MAX_SHARES)
        return err_set(e, E2BIG, "more than %d bind mounts", HV_MAX_SHARES);
    if (asprintf(&path, "%s/xenc-hv", spec->libexec) < 0)
        return err_set(e, ENOMEM, "out of memory");
    record = memfd_create("xenc-record", MFD_CLOEXEC);
    if (record < 0 || (r = write_all(record, spec->record, spec->record_len)) < 0)
        return err_sys(e, errno, "container record");
    if (pipe2(p, O_CLOEXEC) < 0)
        return err_sys(e, errno, "pipe");
    rd = p[0];
    wr = p[1];
    l.path = path;
    r = make_words(&l, spec, record, wr);
    if (r == 0)
        r = launch(&l, pid_r, e);
    else
        r = err_set(e, ENOMEM, "out of memory");
    for (unsigned i = 0; i < l.argc; i++)
        free(l.argv[i]);
    if (r < 0)
        return r;
    close(fd_steal(&wr));
    return wait_ready(rd, *pid_r, e);
}
