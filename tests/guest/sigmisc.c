/* Sending: groups, threads, pipes; waiting with masks; nesting; what SIGCHLD says. */
#include "say.h"
#include <pthread.h>
#include <sys/syscall.h>
#include <poll.h>
#include <sys/select.h>

static volatile sig_atomic_t hits, depth, maxdepth, log_n;
static int log_[64];
static siginfo_t last;

static void count(int s) { hits++; }
static void keep(int s, siginfo_t *si, void *u) { last = *si; hits++; }
static void nest(int s)
{
    log_[log_n++] = s;
    if (++depth > maxdepth) maxdepth = depth;
    if (s == SIGUSR1) raise(SIGUSR2);
    if (s == SIGUSR2) raise(SIGHUP);
    depth--;
    log_[log_n++] = -s;
}
static void show_log(const char *what)
{
    printf("%s:", what);
    for (int i = 0; i < log_n; i++) printf(" %d", log_[i]);
    printf(" depth %d\n", maxdepth);
    log_n = maxdepth = 0;
}

static void nesting(void)
{
    struct sigaction sa = { .sa_handler = nest };
    sigaction(SIGUSR1, &sa, NULL);
    sigaction(SIGUSR2, &sa, NULL);
    sigaction(SIGHUP, &sa, NULL);
    raise(SIGUSR1);
    show_log("nested");
    sigaddset(&sa.sa_mask, SIGHUP);
    sigaddset(&sa.sa_mask, SIGUSR2);
    sigaction(SIGUSR1, &sa, NULL);
    raise(SIGUSR1);
    show_log("masked in the handler");
    sa.sa_flags = SA_NODEFER;
    sigemptyset(&sa.sa_mask);
    sigaction(SIGHUP, &sa, NULL);
    sigset_t s, old;
    sigfillset(&s);
    sigprocmask(SIG_BLOCK, &s, &old);
    int all[] = { SIGHUP, SIGUSR2, SIGUSR1 };
    for (int i = 0; i < 3; i++) kill(getpid(), all[i]);
    sigprocmask(SIG_SETMASK, &old, NULL);
    show_log("three at once");
}

static void order(void)
{
    sigset_t s;
    siginfo_t si;
    struct timespec zero = { 0, 0 }, short_ = { 0, 20000000 };

    sigemptyset(&s);
    for (int i = 0; i < 4; i++) sigaddset(&s, SIGRTMIN + i);
    sigaddset(&s, SIGTERM);
    sigprocmask(SIG_BLOCK, &s, NULL);
    for (int i = 0; i < 8; i++)
        sigqueue(getpid(), SIGRTMIN + (7 - i) % 4, (union sigval){ .sival_int = i });
    kill(getpid(), SIGTERM);
    for (int n; (n = sigtimedwait(&s, &si, &zero)) > 0;)
        note("took %d code %d value %d mine %d", n >= SIGRTMIN ? n - SIGRTMIN + 100 : n, si.si_code,
             si.si_code == SI_QUEUE ? si.si_value.sival_int : 0, si.si_pid == getpid());
    say("no more", sigtimedwait(&s, &si, &zero));
    say("nor soon", sigtimedwait(&s, &si, &short_));
    if (!fork()) { nap(30); kill(getppid(), SIGTERM); _exit(0); }
    int n;
    say("sigwait", sigwait(&s, &n));
    note("it was %d", n);
    wait(NULL);
    signal(SIGUSR1, count);
    hits = 0;
    if (!fork()) { nap(30); kill(getppid(), SIGUSR1); _exit(0); }
    say("sigwaitinfo interrupted", sigwaitinfo(&s, &si));
    note("hits %d", hits);
    wait(NULL);
    sigprocmask(SIG_UNBLOCK, &s, NULL);
}

static void suspend(void)
{
    sigset_t block, open, cur;
    signal(SIGUSR1, count);
    sigemptyset(&block);
    sigaddset(&block, SIGUSR1);
    sigprocmask(SIG_BLOCK, &block, NULL);
    sigemptyset(&open);
    hits = 0;
    raise(SIGUSR1);
    say("sigsuspend", sigsuspend(&open));
    note("hits %d", hits);
    sigprocmask(SIG_SETMASK, NULL, &cur);
    yes("mask restored", sigismember(&cur, SIGUSR1));
    struct timespec ts = { 5, 0 };
    raise(SIGUSR1);
    say("pselect", pselect(0, NULL, NULL, NULL, &ts, &open));
    raise(SIGUSR1);
    say("ppoll", ppoll(NULL, 0, &ts, &open));
    note("hits %d", hits);
    ts.tv_sec = 0;
    raise(SIGUSR1);
    say("ppoll not waiting", ppoll(NULL, 0, &ts, &open));
    note("hits %d", hits);
    sigprocmask(SIG_UNBLOCK, &block, NULL);
    note("hits %d", hits);
}

static void children(void)
{
    struct sigaction sa = { .sa_sigaction = keep, .sa_flags = SA_SIGINFO | SA_RESTART };
    int st;
    pid_t p;

    sigaction(SIGCHLD, &sa, NULL);
    hits = 0;
    if (!(p = fork())) _exit(42);
    while (!hits) nap(1);
    note("exit: code %d status %d pid %d uid %d", last.si_code, last.si_status, last.si_pid == p, last.si_uid);
    waitpid(p, &st, 0);
    hits = 0;
    if (!(p = fork())) { signal(SIGUSR1, SIG_DFL); kill(getpid(), SIGUSR1); pause(); }
    while (!hits) nap(1);
    note("killed: code %d status %d", last.si_code, last.si_status);
    waitpid(p, &st, 0);
    signal(SIGCHLD, SIG_DFL);
}

static void groups(void)
{
    pid_t p[3], lead = 0;
    for (int i = 0; i < 3; i++) {
        if (!(p[i] = fork())) {
            setpgid(0, lead);
            pause();
            _exit(0);
        }
        if (!lead) lead = p[0];
        setpgid(p[i], lead);
    }
    say("signal 0 to the group", killpg(lead, 0));
    say("killpg", killpg(lead, SIGTERM));
    for (int i = 0; i < 3; i++) say_wait("member", p[i]);
    say("empty group", kill(-lead, SIGTERM));
    say("tgkill of a stranger", syscall(SYS_tgkill, getpid(), 999999, 0));
    say("tgkill bad", syscall(SYS_tgkill, getpid(), -1, 0));
    say("tgkill mismatched", syscall(SYS_tgkill, 1, getpid(), 0));
    hits = 0;
    signal(SIGUSR1, count);
    say("tgkill", syscall(SYS_tgkill, getpid(), getpid(), SIGUSR1));
    say("tkill", syscall(SYS_tkill, getpid(), SIGUSR1));
    note("hits %d", hits);
    say("rt_sigqueueinfo forged", ({
        siginfo_t si = { 0 }; si.si_code = SI_KERNEL;
        syscall(SYS_rt_sigqueueinfo, getppid(), SIGUSR1, &si); }));
}

static void pipes(void)
{
    int p[2];
    pid_t c;
    if (pipe(p)) return;
    if (!(c = fork())) { signal(SIGPIPE, SIG_DFL); close(p[0]); write(p[1], "x", 1); nap(50); if (write(p[1], "y", 1)) {} _exit(0); }
    close(p[1]);
    nap(10);
    close(p[0]);
    say_wait("SIGPIPE", c);
    pipe(p);
    close(p[0]);
    signal(SIGPIPE, SIG_IGN);
    say("ignored", write(p[1], "y", 1));
    struct sigaction sa = { .sa_sigaction = keep, .sa_flags = SA_SIGINFO };
    sigaction(SIGPIPE, &sa, NULL);
    hits = 0;
    say("caught", write(p[1], "y", 1));
    note("hits %d code %d", hits, last.si_code);
    close(p[1]);
}

static __thread int who;
static volatile int got_by[3];
static void which(int s) { got_by[who]++; }
static void *thread(void *a)
{
    sigset_t s;
    who = (int)(long)a;
    sigemptyset(&s);
    sigaddset(&s, SIGUSR1);
    pthread_sigmask(who == 1 ? SIG_BLOCK : SIG_UNBLOCK, &s, NULL);
    for (int i = 0; i < 40; i++) nap(5);
    return NULL;
}
static void threads(void)
{
    pthread_t t[2];
    sigset_t s, old;
    signal(SIGUSR1, which);
    signal(SIGUSR2, which);
    sigemptyset(&s);
    sigaddset(&s, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &s, &old);
    for (long i = 0; i < 2; i++) pthread_create(&t[i], NULL, thread, (void *)(i + 1));
    nap(30);
    kill(getpid(), SIGUSR1);
    nap(20);
    note("only the one that lets it: %d %d %d", got_by[0], got_by[1], got_by[2]);
    pthread_kill(t[0], SIGUSR2);
    nap(20);
    note("pthread_kill: %d %d %d", got_by[0], got_by[1], got_by[2]);
    for (int i = 0; i < 2; i++) pthread_join(t[i], NULL);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
}

int main(void)
{
    nesting();
    order();
    suspend();
    children();
    groups();
    pipes();
    threads();
    return 0;
}
