#include "base/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/fd.h"

static bool kept(const struct proc_spec *p, int fd)
{
    for (size_t i = 0; i < p->nkeep; i++) {
        if (p->keep[i] == fd)
            return true;
    }
    return false;
}

/* Everything from 3 on gets close-on-exec: the report pipe must live until execve. */
static void seal_fds(const struct proc_spec *p)
{
    if (syscall(SYS_close_range, 3u, ~0u, 4u /* CLOSE_RANGE_CLOEXEC */) < 0) {
        for (int fd = 3; fd < 1024; fd++) {
            if (!kept(p, fd))
                fcntl(fd, F_SETFD, FD_CLOEXEC);
        }
    }
    for (size_t i = 0; i < p->nkeep; i++)
        fcntl(p->keep[i], F_SETFD, 0);
}

/* In the child: the three descriptors may be each other's numbers, so they are moved
 * out of the way first. */
static bool place_stdio(const int want[3])
{
    int high[3];

    for (int i = 0; i < 3; i++) {
        high[i] = want[i] < 0 ? -1 : fcntl(want[i], F_DUPFD_CLOEXEC, 10);
        if (want[i] >= 0 && high[i] < 0)
            return false;
    }
    for (int i = 0; i < 3; i++) {
        if (high[i] >= 0 && dup2(high[i], i) < 0)
            return false;
    }
    return true;
}

static void __attribute__((noreturn)) child(const struct proc_spec *p, int report)
{
    sigset_t none;
    int code;

    for (int sig = 1; sig < NSIG; sig++)
        signal(sig, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (place_stdio(p->stdio) && (p->cwd_fd < 0 || fchdir(p->cwd_fd) == 0)) {
        seal_fds(p);
        execve(p->path, (char *const *)(unsigned long)p->argv,
               p->envp ? (char *const *)(unsigned long)p->envp : environ);
    }
    code = errno;
    write_all(report, &code, sizeof(code));
    _exit(127);
}

int proc_spawn(const struct proc_spec *p, pid_t *pid_r, struct err *e)
{
    int fds[2], code = 0;
    pid_t pid;

    if (pipe2(fds, O_CLOEXEC) < 0)
        return err_sys(e, errno, "pipe");
    /* Standard numbers may be free in a daemon; the pipe must not sit on them. */
    _cleanup_close_ int rd = fds[0];
    _cleanup_close_ int wr = fcntl(fds[1], F_DUPFD_CLOEXEC, 10);
    close(fds[1]);
    if (wr < 0)
        return err_sys(e, errno, "pipe");
    pid = fork();
    if (pid < 0)
        return err_sys(e, errno, "fork");
    if (pid == 0)
        child(p, wr);
    close(fd_steal(&wr));
    if (read_full(rd, &code, sizeof(code)) == sizeof(code)) {
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
            ;
        return err_sys(e, code, "execute %s", p->path);
    }
    *pid_r = pid;
    return 0;
}

int proc_wait(pid_t pid, int timeout_ms, int *status_r, struct err *e)
{
    bool late = false;

    if (timeout_ms >= 0) {
        _cleanup_close_ int pfd = (int)syscall(SYS_pidfd_open, pid, 0);
        if (pfd < 0)
            return err_sys(e, errno, "pidfd of %d", (int)pid);
        struct pollfd p = { .fd = pfd, .events = POLLIN };
        int n;
        do {
            n = poll(&p, 1, timeout_ms);
        } while (n < 0 && errno == EINTR);
        late = n == 0;
        if (late)
            kill(pid, SIGKILL);
    }
    while (waitpid(pid, status_r, 0) < 0) {
        if (errno != EINTR)
            return err_sys(e, errno, "wait for %d", (int)pid);
    }
    return late ? err_set(e, ETIMEDOUT, "process took longer than %d ms", timeout_ms) : 0;
}

int proc_exit_code(int status)
{
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
