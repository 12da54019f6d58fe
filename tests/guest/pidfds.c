/* pidfd_open, pidfd_send_signal, waitid(P_PIDFD), poll. */
#include "say.h"
#include <poll.h>
#include <sys/syscall.h>
#ifndef P_PIDFD
#define P_PIDFD 3
#endif
/* The folder /proc/PID may be signalled, too. */
static void folders(void)
{
    char name[40];
    siginfo_t si;
    pid_t p = fork();
    if (!p) { pause(); _exit(0); }
    snprintf(name, sizeof name, "/proc/%d", p);
    int fd = open(name, O_RDONLY | O_DIRECTORY), other = open("/proc", O_RDONLY);
    say("folder, signal 0", syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0));
    say("another folder", syscall(SYS_pidfd_send_signal, other, 0, NULL, 0));
    say("waitid", waitid(P_PIDFD, fd, &si, WEXITED));
    say("folder, kill", syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0));
    say_wait("killed", p);
    say("afterwards", syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0));
}

int main(void)
{
    pid_t p = fork();
    if (!p) { pause(); _exit(0); }
    int fd = syscall(SYS_pidfd_open, p, 0);
    did("pidfd_open", fd);
    say("cloexec", fcntl(fd, F_GETFD));
    say("bad flags", syscall(SYS_pidfd_open, p, 77));
    say("no such", syscall(SYS_pidfd_open, 999999, 0));
    struct pollfd pf = { fd, POLLIN, 0 };
    say("alive", poll(&pf, 1, 0));
    say("signal 0", syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0));
    say("kill", syscall(SYS_pidfd_send_signal, fd, SIGTERM, NULL, 0));
    say("poll", poll(&pf, 1, 2000));
    note("%x", pf.revents);
    siginfo_t si;
    say("waitid", waitid(P_PIDFD, fd, &si, WEXITED));
    note("code %d status %d", si.si_code, si.si_status);
    say("afterwards", syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0));
    say("wait again", waitid(P_PIDFD, fd, &si, WEXITED));
    say("read", read(fd, &si, 1));
    folders();
    return 0;
}
