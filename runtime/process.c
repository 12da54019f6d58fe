/* The monitor as the process table shows it. */
#include "runtime/runtime.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "base/fd.h"

/* proc(5), /proc/PID/stat: the name in field 2 may hold anything, so count from its
 * last parenthesis: field 3 is the state, field 22 the start time. */
bool rt_proc_alive(pid_t pid, uint64_t *start_time_r)
{
    char path[32], text[1024];
    char *p;
    ssize_t n;

    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    n = read(fd, text, sizeof(text) - 1);
    if (n <= 0)
        return false;
    text[n] = '\0';
    p = strrchr(text, ')');
    if (!p || p[1] != ' ' || p[2] == 'Z' || p[2] == 'X')
        return false;
    p += 2;
    for (int field = 3; field < 22; field++) {
        p = strchr(p, ' ');
        if (!p)
            return false;
        p++;
    }
    *start_time_r = strtoull(p, NULL, 10);
    return true;
}

enum { KILL_WAIT_MS = 10000 };

/* The descriptor is taken before the start time is compared: from then on it can't name
 * another process. */
static int open_monitor(const struct rt_state *s)
{
    _cleanup_close_ int fd = s->pid > 0 ? (int)syscall(SYS_pidfd_open, s->pid, 0) : -1;
    uint64_t start;

    if (fd < 0 || !rt_proc_alive(s->pid, &start) || start != s->start_time)
        return -1;
    return fd_steal(&fd);
}

int rt_state_signal_monitor(const struct rt_state *s, int sig, struct err *e)
{
    _cleanup_close_ int fd = open_monitor(s);

    if (fd < 0)
        return err_set(e, ESRCH, "container not running");
    if (syscall(SYS_pidfd_send_signal, fd, sig, NULL, 0) < 0)
        return err_sys(e, errno, "signal process %d", (int)s->pid);
    return 0;
}

int rt_state_kill(const struct rt_state *s, struct err *e)
{
    _cleanup_close_ int fd = open_monitor(s);
    struct pollfd p = { .fd = fd, .events = POLLIN };
    int n;

    if (fd < 0)
        return 0;
    if (syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0) < 0 && errno != ESRCH)
        return err_sys(e, errno, "kill process %d", (int)s->pid);
    do {
        n = poll(&p, 1, KILL_WAIT_MS);
    } while (n < 0 && errno == EINTR);
    return n == 1 ? 0 : err_set(e, ETIMEDOUT, "process %d does not end", (int)s->pid);
}
