/* fork and the ways to wait. */
#include "say.h"
#include <sys/resource.h>

static pid_t child(int code)
{
    pid_t p = fork();
    if (p == 0) _exit(code);
    return p;
}

static void statuses(void)
{
    static const int codes[] = { 0, 1, 77, 255, 256 + 3 };
    static const int sigs[] = { SIGTERM, SIGKILL, SIGABRT, SIGUSR1, 34 };
    pid_t p;

    for (unsigned i = 0; i < 5; i++) say_wait("exit", child(codes[i]));
    for (unsigned i = 0; i < 5; i++) {
        if (!(p = fork())) { kill(getpid(), sigs[i]); pause(); _exit(0); }
        say_wait("killed", p);
    }
}

static void waits(void)
{
    int st = 0;
    siginfo_t si;
    pid_t p, q;

    say("no child", waitpid(-1, &st, 0));
    say("no child, WNOHANG", waitpid(-1, &st, WNOHANG));
    say("not a child", waitpid(1, &st, 0));
    say("bad options", waitpid(-1, &st, 0x800));
    if (!(p = fork())) { nap(60); _exit(9); }
    say("not yet", waitpid(p, &st, WNOHANG));
    memset(&si, 0, sizeof si);
    say("waitid not yet", waitid(P_PID, p, &si, WEXITED | WNOHANG));
    say("its pid", si.si_pid);
    memset(&si, 0, sizeof si);
    say("waitid WNOWAIT", waitid(P_PID, p, &si, WEXITED | WNOWAIT));
    note("code %d status %d signo %d same %d uid %d", si.si_code, si.si_status, si.si_signo,
         si.si_pid == p, (int)si.si_uid);
    yes("waitid again", waitid(P_PID, p, &si, WEXITED) == 0 && si.si_pid == p);
    say("and no more", waitid(P_PID, p, &si, WEXITED));
    say("waitid of nothing", waitid(P_ALL, 0, &si, 0));
    p = child(1), q = child(2);
    yes("the second first", waitpid(q, &st, 0) == q && WEXITSTATUS(st) == 2);
    yes("then the first", waitpid(-1, &st, 0) == p && WEXITSTATUS(st) == 1);
    struct rusage ru;
    p = child(5);
    yes("wait4", wait4(p, &st, 0, &ru) == p && WEXITSTATUS(st) == 5 && ru.ru_maxrss > 0);
    if (!(p = fork())) { setpgid(0, 0); _exit(3); }
    setpgid(p, p);
    q = child(4);
    yes("by group", waitpid(-p, &st, 0) == p && WEXITSTATUS(st) == 3);
    yes("own group", waitpid(0, &st, 0) == q && WEXITSTATUS(st) == 4);
}

/* A grandchild whose parent dies goes to init or the subreaper; its end is not ours. */
static void orphans(void)
{
    int p[2], st;
    pid_t c, me = getpid();
    char got = 0;

    if (pipe(p)) return;
    if (!(c = fork())) {
        pid_t mine = getpid();
        if (!fork()) {
            close(p[0]);
            for (int i = 0; i < 200 && getppid() == mine; i++) nap(5);
            got = getppid() != mine && getppid() != me ? 'o' : 'x';
            _exit(write(p[1], &got, 1) != 1);
        }
        _exit(0);
    }
    close(p[1]);
    waitpid(c, &st, 0);
    yes("an orphan tells", read(p[0], &got, 1) == 1 && got == 'o');
    yes("then the end of the pipe", read(p[0], &got, 1) == 0);
    close(p[0]);
    say("no child of ours", waitpid(-1, &st, 0));
}

static int data = 5;
static void copies(void)
{
    char *heap = malloc(100000);
    int local = 7, st;
    pid_t p;

    memset(heap, 'a', 100000);
    if (!(p = fork())) {
        data = 6; local = 8; memset(heap, 'b', 100000);
        _exit(data == 6 && local == 8 && heap[99999] == 'b' ? 0 : 1);
    }
    waitpid(p, &st, 0);
    yes("memory is the child's own", st == 0 && data == 5 && local == 7 && heap[99999] == 'a');
    free(heap);
    /* The position of a file is shared. */
    int fd = open("pos", O_CREAT | O_RDWR | O_TRUNC, 0600);
    if (!(p = fork())) _exit(write(fd, "12345", 5) != 5);
    waitpid(p, &st, 0);
    say("shared position", lseek(fd, 0, SEEK_CUR));
    if (!(p = fork())) { lseek(fd, 2, SEEK_SET); close(fd); _exit(0); }
    waitpid(p, &st, 0);
    say("and still open here", lseek(fd, 0, SEEK_CUR));
    close(fd);
}

static void many(void)
{
    int n = 0, sum = 0, st;
    for (int i = 0; i < 60; i++) child(i);
    while (wait(&st) > 0) n++, sum += WEXITSTATUS(st);
    note("%d children, sum %d", n, sum);
    /* A chain of 30 generations, each returning one more than its child. */
    pid_t p = fork();
    if (!p) {
        int depth = 0;
        while (depth < 30) {
            if ((p = fork())) {
                waitpid(p, &st, 0);
                _exit(WEXITSTATUS(st) + 1);
            }
            depth++;
        }
        _exit(0);
    }
    say_wait("thirty generations", p);
}

static volatile sig_atomic_t chlds;
static void on_chld(int s) { chlds++; }

static void auto_reap(void)
{
    int st;
    signal(SIGCHLD, SIG_IGN);
    child(0);
    say("SIGCHLD ignored", wait(&st));
    struct sigaction sa = { .sa_handler = on_chld, .sa_flags = SA_NOCLDWAIT };
    sigaction(SIGCHLD, &sa, NULL);
    child(0);
    long r;
    while ((r = wait(&st)) == -1 && errno == EINTR) continue;
    say("SA_NOCLDWAIT", r);
    yes("with its signal", chlds == 1);
    signal(SIGCHLD, SIG_DFL);
}

int main(void)
{
    statuses();
    waits();
    orphans();
    copies();
    many();
    auto_reap();
    return 0;
}
