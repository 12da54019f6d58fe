/* Hooks (runtime-spec config.md, "POSIX-platform Hooks"): programs of the engine that
 * run on the host with the container's state on their input. */
#include "runtime/runtime.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/proc.h"

/* A memory file: unlike a pipe it never blocks, however little the hook reads. */
static int state_file(const struct rt_state *st, enum rt_status status, struct err *e)
{
    _cleanup_buf_ struct buf b = { 0 };
    _cleanup_close_ int fd = memfd_create("state", MFD_CLOEXEC);
    int r;

    rt_state_json(&b, st, status, false);
    if (b.failed)
        return err_set(e, ENOMEM, "out of memory");
    r = fd < 0 ? -errno : write_all(fd, b.data, b.len);
    if (r < 0 || lseek(fd, 0, SEEK_SET) < 0)
        return err_sys(e, r < 0 ? -r : errno, "state for hooks");
    return fd_steal(&fd);
}

static void last_words(int fd, char out[static 400])
{
    ssize_t n = pread(fd, out, 399, 0);

    out[n > 0 ? n : 0] = '\0';
    for (char *p = out; *p; p++) {
        if ((unsigned char)*p < 0x20)
            *p = ' ';
    }
    for (size_t len = strlen(out); len && out[len - 1] == ' '; len--)
        out[len - 1] = '\0';
}

static int run_one(const struct oci_hook *h, int cwd_fd, int state_fd, struct err *e)
{
    const char *const alone[] = { h->path, NULL };
    _cleanup_close_ int out = memfd_create("hook", MFD_CLOEXEC);
    struct proc_spec p = {
        .path = h->path,
        .argv = h->args.n ? (const char *const *)h->args.v : alone,
        .envp = h->env.n ? (const char *const *)h->env.v : NULL,
        .cwd_fd = cwd_fd,
        .stdio = { state_fd, out, out },
    };
    char words[400];
    int status, r;
    pid_t pid;

    if (out < 0)
        return err_sys(e, errno, "memory file");
    r = proc_spawn(&p, &pid, e);
    if (r == 0)
        r = proc_wait(pid, h->timeout_s ? h->timeout_s * 1000 : -1, &status, e);
    if (r < 0 || status == 0)
        return r;
    last_words(out, words);
    if (WIFSIGNALED(status))
        return err_set(e, EIO, "killed by signal %d: %s", WTERMSIG(status), words);
    return err_set(e, EIO, "exit status %d: %s", WEXITSTATUS(status), words);
}

static int run_at(const struct oci_spec *s, enum oci_hook_kind kind, size_t i,
                  const struct rt_state *st, enum rt_status status, struct err *e)
{
    const struct oci_hook *h = &s->hooks[kind].v[i];
    _cleanup_close_ int cwd = open(st->bundle, O_PATH | O_DIRECTORY | O_CLOEXEC);
    _cleanup_close_ int fd = state_file(st, status, e);

    if (fd < 0)
        return fd;
    if (run_one(h, cwd, fd, e) < 0)
        return err_add(e, "hooks.%s[%zu]: %s", oci_hook_name(kind), i, h->path);
    return 0;
}

int rt_hooks_run(const struct oci_spec *s, enum oci_hook_kind kind,
                 const struct rt_state *st, enum rt_status status, struct err *e)
{
    for (size_t i = 0; i < s->hooks[kind].n; i++) {
        int r = run_at(s, kind, i, st, status, e);
        if (r < 0)
            return r;
    }
    return 0;
}

void rt_hooks_run_all(const struct oci_spec *s, enum oci_hook_kind kind,
                      const struct rt_state *st, enum rt_status status)
{
    for (size_t i = 0; i < s->hooks[kind].n; i++) {
        struct err e = { 0 };
        if (run_at(s, kind, i, st, status, &e) < 0)
            log_warn("%s", e.text);
    }
}
