/* waitid's options and ways of naming children; orphaned process groups. */
#include "say.h"
#include <sys/syscall.h>
#include <sys/resource.h>
#include <poll.h>
#ifndef P_PIDFD
#define P_PIDFD 3
#endif

/* Stops; ends when it is told to. */
static int go[2];
static pid_t stopper(void)
{
    pipe(go);
    pid_t p = fork();
    if (!p) {
        char c;
        raise(SIGSTOP);
        read(go[0], &c, 1);
        _exit(3);
    }
    return p;
}

static void show(const char *what, int type, id_t id, int options)
{
    siginfo_t si;
    memset(&si, 0x55, sizeof si);
    long r = waitid(type, id, &si, options);
    if (r) note("%s: %s", what, strerror(errno));
    else if (!si.si_pid) note("%s: nothing, signo %d", what, si.si_signo);
    else note("%s: signo %d code %d status %d errno %d uid %u", what, si.si_signo, si.si_code, si.si_status, si.si_errno, si.si_uid);
}

static void states(void)
{
    pid_t p = stopper();
    show("no options", P_PID, p, 0);
    show("unknown options", P_PID, p, WEXITED | 0x100);
    show("stopped, left", P_PID, p, WSTOPPED | WNOWAIT);
    show("stopped", P_PID, p, WSTOPPED);
    show("again", P_PID, p, WSTOPPED | WNOHANG);
    kill(p, SIGCONT);
    show("continued, left", P_PID, p, WCONTINUED | WNOWAIT);
    show("continued", P_PID, p, WCONTINUED);
    write(go[1], "x", 1);
    show("exited, left", P_PID, p, WEXITED | WNOWAIT);
    show("continued no longer", P_PID, p, WCONTINUED | WNOHANG);
    show("stopped no longer", P_PID, p, WSTOPPED | WNOHANG);
    show("a zombie that is not asked for", P_PID, p, WSTOPPED | WCONTINUED);
    show("exited", P_PID, p, WEXITED);
    show("gone", P_PID, p, WEXITED | WNOHANG);
    show("bad type", 9, p, WEXITED);
    show("pid 0", P_PID, 0, WEXITED);
    show("negative group", P_PGID, -1, WEXITED);
    p = fork();
    if (!p) { signal(SIGABRT, SIG_DFL); setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 }); abort(); }
    show("aborted", P_ALL, 0, WEXITED);
    p = fork();
    if (!p) pause();
    show("nothing yet", P_ALL, 0, WEXITED | WNOHANG);
    kill(p, SIGKILL);
    say("without siginfo", syscall(SYS_waitid, P_PID, p, NULL, WEXITED, NULL));
    show("no children", P_ALL, 0, WEXITED);
}

static void groups(void)
{
    pid_t a = fork();
    if (!a) { setpgid(0, 0); _exit(1); }
    setpgid(a, a);
    pid_t b = fork();
    if (!b) _exit(2);
    show("that group", P_PGID, a, WEXITED);
    show("my own", P_PGID, 0, WEXITED);
    a = fork();
    if (!a) _exit(4);
    show("my own by number", P_PGID, getpgrp(), WEXITED);
    show("none in it", P_PGID, getpgrp(), WEXITED);
    int fd, st;
    a = fork();
    if (!a) { usleep(20000); _exit(5); }
    fd = (int)syscall(SYS_pidfd_open, a, 0);
    show("not yet", P_PIDFD, (id_t)fd, WEXITED | WNOHANG);
    struct pollfd pf = { fd, POLLIN, 0 };
    note("poll %d", poll(&pf, 1, 5000));
    show("pidfd", P_PIDFD, (id_t)fd, WEXITED | WNOWAIT);
    show("pidfd", P_PIDFD, (id_t)fd, WEXITED);
    show("once more", P_PIDFD, (id_t)fd, WEXITED);
    show("not a pidfd", P_PIDFD, 0, WEXITED);
    show("no descriptor", P_PIDFD, 99, WEXITED);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    close(fd);
    a = fork();
    if (!a) pause();
    fd = (int)syscall(SYS_pidfd_open, a, O_NONBLOCK);
    show("nonblocking", P_PIDFD, (id_t)fd, WEXITED);
    kill(a, SIGTERM);
    waitpid(a, &st, 0);
    note("status %x", st);
    say("wait4 of nobody", wait4(a, &st, 0, NULL));
    say("wait4, bad options", wait4(-1, &st, 0x1000, NULL));
    say("wait4, lowest", wait4((pid_t)0x80000000, &st, 0, NULL));
}

/* A stopped group whose last tie to its session ends gets SIGHUP and SIGCONT. */
static volatile sig_atomic_t hups, conts;
static void on(int s) { if (s == SIGHUP) hups++; else conts++; }
static void orphans(void)
{
    int p[2];
    char b[20] = "";
    pipe(p);
    pid_t shell = fork();
    if (!shell) {
        setsid();
        pid_t job = fork();
        if (!job) {
            setpgid(0, 0);
            signal(SIGHUP, on), signal(SIGCONT, on);
            pid_t mate = fork();
            if (!mate) { raise(SIGSTOP); _exit(0); }
            waitpid(mate, NULL, WUNTRACED);
            write(p[1], "r", 1);
            for (int i = 0; i < 500 && (!hups || !conts); i++) usleep(10000);
            raise(SIGTSTP);             /* of an orphaned group: does nothing */
            snprintf(b, sizeof b, "%d %d", hups, conts);
            write(p[1], b, strlen(b));
            kill(mate, SIGKILL);
            _exit(0);
        }
        setpgid(job, job);
        read(p[0], b, 1);
        _exit(0);
    }
    waitpid(shell, NULL, 0);
    close(p[1]);
    memset(b, 0, sizeof b);
    say("told", read(p[0], b, sizeof b - 1));
    note("hups and conts: %s", b);
}

int main(void)
{
    states();
    groups();
    orphans();
    return 0;
}
