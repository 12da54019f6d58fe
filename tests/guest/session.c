/* Sessions and process groups, stops in orphaned groups. */
#include "say.h"

static void rules(void)
{
    pid_t p, q;
    int a[2];
    char c;

    if (pipe(a)) return;
    if (!(p = fork())) {
        yes("own group after setsid", setsid() == getpid() && getpgrp() == getpid() && getsid(0) == getpid());
        say("setsid again", setsid());
        say("leader can't move", setpgid(0, 0));
        say("bad group", setpgid(0, -1));
        if (!(q = fork())) {
            say("into a group that is none", setpgid(0, 999999));
            say("own", setpgid(0, 0));
            say("again", setpgid(0, 0));
            yes("it", getpgid(0) == getpid());
            say("back to the parent's", setpgid(0, getppid()));
            _exit(0);
        }
        waitpid(q, NULL, 0);
        if (!(q = fork())) {
            if (read(a[0], &c, 1)) {}
            execl("/bin/busybox", "sleep", "0.2", (char *)NULL);
            _exit(1);
        }
        write(a[1], "x", 1);
        nap(80);
        say("after its exec", setpgid(q, q));
        waitpid(q, NULL, 0);
        say("not a child", setpgid(getppid(), 0));
        say("no such", setpgid(999998, 0));
        _exit(0);
    }
    say_wait("session leader", p);
    say("getsid of none", getsid(999999));
    say("getpgid of none", getpgid(999999));
    yes("getpgid of self", getpgid(0) == getpgrp() && getpgid(getpid()) == getpgrp());
    if (!(p = fork())) { setsid(); nap(5000); _exit(0); }
    await_sleep(p);
    say("child of another session", setpgid(p, getpgrp()));
    kill(p, SIGKILL);
    waitpid(p, NULL, 0);
}

static void orphaned(void)
{
    int st;
    /* The grandchild's group is orphaned when its parent (in another group of the session)
     * ends: a stopped member gets SIGHUP and SIGCONT. */
    int p[2];
    char c = 0;
    if (pipe(p)) return;
    pid_t a = fork();
    if (!a) {
        setsid();
        pid_t b = fork();
        if (!b) {
            pid_t g = fork();
            if (!g) { setpgid(0, 0); raise(SIGSTOP); write(p[1], "?", 1); _exit(0); }
            setpgid(g, g);
            waitpid(g, &st, WUNTRACED);
            write(p[1], WIFSTOPPED(st) ? "s" : "x", 1);
            _exit(0);
        }
        waitpid(b, NULL, 0);
        nap(50);
        _exit(0);
    }
    close(p[1]);
    yes("stopped", read(p[0], &c, 1) == 1 && c == 's');
    waitpid(a, NULL, 0);
    yes("SIGHUP ended it", read(p[0], &c, 1) == 0);
    close(p[0]);
    /* SIGTSTP does nothing in an orphaned group, SIGSTOP does. */
    if (!(a = fork())) {
        setsid();
        kill(getpid(), SIGTSTP);
        kill(getpid(), SIGTTIN);
        _exit(5);
    }
    waitpid(a, &st, WUNTRACED);
    say_status("SIGTSTP in an orphaned group", st);
    if (!(a = fork())) { setsid(); kill(getpid(), SIGSTOP); _exit(6); }
    waitpid(a, &st, WUNTRACED);
    say_status("SIGSTOP", st);
    kill(a, SIGCONT);
    waitpid(a, &st, 0);
    say_status("then", st);
}

static void waitid_stops(void)
{
    siginfo_t si;
    pid_t p = fork();
    if (!p) { raise(SIGSTOP); _exit(2); }
    memset(&si, 0, sizeof si);
    say("WSTOPPED", waitid(P_PID, p, &si, WSTOPPED));
    note("code %d status %d", si.si_code, si.si_status);
    memset(&si, 0, sizeof si);
    say("again", waitid(P_PID, p, &si, WSTOPPED | WNOHANG));
    note("pid %d", si.si_pid);
    kill(p, SIGCONT);
    say("WCONTINUED", waitid(P_PID, p, &si, WCONTINUED));
    note("code %d status %d", si.si_code, si.si_status);
    say("WEXITED", waitid(P_PGID, getpgrp(), &si, WEXITED));
    note("code %d status %d", si.si_code, si.si_status);
}

int main(void)
{
    rules();
    orphaned();
    waitid_stops();
    return 0;
}
