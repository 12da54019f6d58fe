/* Handlers, masks, siginfo, alternate stacks, restarts, queues, waiting. */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <setjmp.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>
#include "guest.h"

static volatile sig_atomic_t hits, order[32], last_code, last_value, on_alt;
static volatile pid_t last_pid;
static char altstack[65536];
static volatile double fp_sum;

static void count(int sig) { order[hits++ & 31] = sig; }

static void info(int sig, siginfo_t *si, void *ctx)
{
    volatile char here;
    volatile double x = 3.25;

    for (int i = 0; i < 100; i++) x *= 1.0001;          /* uses the FPU */
    fp_sum += x;
    order[hits++ & 31] = sig;
    last_code = si->si_code;
    last_pid = si->si_pid;
    last_value = si->si_value.sival_int;
    on_alt = &here >= altstack && &here < altstack + sizeof altstack;
}

static void set(int sig, void (*fn)(int, siginfo_t *, void *), int flags)
{
    struct sigaction sa = { .sa_flags = flags };

    if (flags & SA_SIGINFO) sa.sa_sigaction = fn;
    else sa.sa_handler = (void (*)(int))fn;
    sigaction(sig, &sa, NULL);
}
#define set_info(sig, flags) set(sig, info, SA_SIGINFO | (flags))
#define set_count(sig, flags) set(sig, (void *)count, flags)

static void basics(void)
{
    sigset_t s, old, pend;
    double keep = 1.5;

    set_info(SIGUSR1, 0);
    raise(SIGUSR1);
    check(hits == 1 && last_code == SI_TKILL && last_pid == getpid(), "raise");
    kill(getpid(), SIGUSR1);
    check(hits == 2 && last_code == SI_USER, "kill of oneself");
    check(keep + 1 == 2.5, "floating point survives");
    sigqueue(getpid(), SIGUSR1, (union sigval){ .sival_int = 1234 });
    check(hits == 3 && last_code == SI_QUEUE && last_value == 1234, "sigqueue");

    sigemptyset(&s);
    sigaddset(&s, SIGUSR1);
    sigaddset(&s, SIGRTMIN);
    sigprocmask(SIG_BLOCK, &s, &old);
    raise(SIGUSR1);
    raise(SIGUSR1);
    check(hits == 3, "blocked");
    sigpending(&pend);
    check(sigismember(&pend, SIGUSR1) == 1 && !sigismember(&pend, SIGUSR2), "sigpending");
    set_info(SIGRTMIN, 0);
    for (int i = 0; i < 3; i++) sigqueue(getpid(), SIGRTMIN, (union sigval){ .sival_int = i });
    sigprocmask(SIG_SETMASK, &old, NULL);
    check(hits == 7, "once the standard one, thrice the realtime one");
    check(order[3] == SIGUSR1 || order[6] == SIGUSR1, "the standard one came");

    set_info(SIGUSR2, SA_ONSTACK);
    stack_t ss = { .ss_sp = altstack, .ss_size = sizeof altstack }, got;
    check(sigaltstack(&ss, NULL) == 0, "sigaltstack");
    raise(SIGUSR2);
    check(on_alt, "the handler ran there");
    sigaltstack(NULL, &got);
    check(got.ss_sp == altstack && got.ss_flags == 0, "and is off it again");
    raise(SIGUSR1);
    check(!on_alt, "others don't");

    set_count(SIGUSR2, SA_RESETHAND);
    raise(SIGUSR2);
    struct sigaction sa;
    sigaction(SIGUSR2, NULL, &sa);
    check(sa.sa_handler == SIG_DFL, "SA_RESETHAND");
    check(sigaction(SIGKILL, &sa, NULL) == -1 && errno == EINVAL, "SIGKILL can't be caught");
    check(kill(getpid(), 65) == -1 && errno == EINVAL, "no signal 65");
    check(kill(999999, 0) == -1 && errno == ESRCH, "no such process");
    check(kill(getpid(), 0) == 0, "signal 0");
}

static void tick(int usec)
{
    struct itimerval it = { .it_value = { 0, usec } };
    setitimer(ITIMER_REAL, &it, NULL);
}

/* Again and again: the first may come before the call that it is to interrupt. usec 0: no more */
static void ticks(int usec)
{
    struct itimerval it = { { 0, usec }, { 0, usec } };
    setitimer(ITIMER_REAL, &it, NULL);
}

static volatile int *seen;              /* hits, for a child to look at */
static void tell(int sig) { *seen = ++hits; }

static void read_interrupted(void)
{
    int p[2];
    char c;

    if (pipe(p)) return;
    set_count(SIGALRM, 0);
    ticks(20000);
    check(read(p[0], &c, 1) == -1 && errno == EINTR, "read: EINTR");
    ticks(0);
    set(SIGALRM, (void *)tell, SA_RESTART);
    hits = 0;
    ticks(20000);
    if (fork() == 0) {
        while (*seen < 3) usleep(1000);
        _exit(write(p[1], "x", 1) != 1);
    }
    check(read(p[0], &c, 1) == 1 && hits >= 3, "read: restarted");
    ticks(0);
    wait(NULL);
}

static void sleeps_interrupted(void)
{
    struct timespec ts = { 0, 60000000 }, lng = { 100, 0 }, rem = { 0, 0 };

    ticks(20000);
    check(nanosleep(&lng, &rem) == -1 && errno == EINTR && rem.tv_sec > 0, "nanosleep: EINTR, rest");
    ticks(0);
    signal(SIGALRM, SIG_IGN);
    tick(10000);
    check(nanosleep(&ts, &rem) == 0, "nanosleep: an ignored signal");
    set_count(SIGALRM, SA_RESTART);
    hits = 0;
    ticks(10000);
    check(pause() == -1 && errno == EINTR && hits >= 1, "pause");
    ticks(0);
}

static void taken(void)
{
    sigset_t s, none, chld;
    siginfo_t si;
    struct timespec shrt = { 0, 5000000 };

    sigemptyset(&s);
    sigaddset(&s, SIGALRM);
    sigprocmask(SIG_BLOCK, &s, NULL);
    hits = 1;
    tick(10000);
    usleep(20000);
    check(hits == 1, "blocked SIGALRM");
    sigemptyset(&none);
    check(sigsuspend(&none) == -1 && errno == EINTR && hits == 2, "sigsuspend");
    sigprocmask(SIG_BLOCK, NULL, &none);
    check(sigismember(&none, SIGALRM) == 1, "the mask is back");
    tick(10000);
    check(sigwaitinfo(&s, &si) == SIGALRM && si.si_code == SI_KERNEL, "sigwaitinfo");
    check(sigtimedwait(&s, &si, &shrt) == -1 && errno == EAGAIN, "sigtimedwait: time");
    sigprocmask(SIG_UNBLOCK, &s, NULL);
    sigemptyset(&chld);
    sigaddset(&chld, SIGCHLD);
    sigprocmask(SIG_BLOCK, &chld, NULL);
    if (fork() == 0) _exit(3);
    check(sigwaitinfo(&chld, &si) == SIGCHLD && si.si_code == CLD_EXITED && si.si_status == 3,
          "sigwaitinfo of a signal ignored by default");
    wait(NULL);
    sigprocmask(SIG_UNBLOCK, &chld, NULL);
}

static void restarts(void)
{
    seen = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    read_interrupted();
    sleeps_interrupted();
    taken();
}

static sigjmp_buf env;
static volatile void *fault_addr;
static volatile int fault_code;

static void fault(int sig, siginfo_t *si, void *ctx)
{
    fault_addr = si->si_addr;
    fault_code = si->si_code;
    siglongjmp(env, sig);
}

static void faults(void)
{
    char *p = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    set(SIGSEGV, fault, SA_SIGINFO);
    set(SIGILL, fault, SA_SIGINFO);
    set(SIGFPE, fault, SA_SIGINFO);
    if (!sigsetjmp(env, 1)) *(volatile char *)(p + 10) = 1;
    check(fault_addr == p + 10 && fault_code == SEGV_ACCERR, "SIGSEGV: read only");
    munmap(p, 4096);
    if (!sigsetjmp(env, 1)) *(volatile char *)p = 1;
    check(fault_addr == p && fault_code == SEGV_MAPERR, "SIGSEGV: not mapped");
    if (!sigsetjmp(env, 1)) *(volatile int *)8 = 1;
    check(fault_addr == (void *)8, "SIGSEGV: null pointer");
    check(sigsetjmp(env, 1) == SIGILL || (__extension__({ __asm__ volatile("ud2"); 0; })),
          "SIGILL");
    volatile int zero = 0, one = 1;
    int r = sigsetjmp(env, 1);
    if (!r) one = one / zero;
    check(r == SIGFPE && fault_code == FPE_INTDIV, "SIGFPE");
    signal(SIGSEGV, SIG_DFL);
}

static int status_of(void (*fn)(void))
{
    int st = -1;
    pid_t pid = fork();

    if (!pid) {
        fn();
        _exit(99);
    }
    waitpid(pid, &st, 0);
    return st;
}

static void die_term(void) { kill(getpid(), SIGTERM); }
static void die_segv(void) { *(volatile int *)8 = 1; }
static void die_abort(void) { abort(); }
static void die_blocked(void)
{
    sigset_t s;
    sigfillset(&s);
    sigprocmask(SIG_SETMASK, &s, NULL);
    *(volatile int *)8 = 1;
}
static void die_badstack(void)
{
    stack_t ss = { .ss_sp = mmap(NULL, 65536, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
                   .ss_size = 65536 };
    sigaltstack(&ss, NULL);
    set_count(SIGUSR1, SA_ONSTACK);
    raise(SIGUSR1);
}
static void die_pipe(void)
{
    int p[2];
    if (pipe(p)) return;
    close(p[0]);
    if (write(p[1], "x", 1)) return;
}
static void *thread_pause(void *a)
{
    while (a != (void *)1) pause();
    return NULL;
}
static void die_threads(void)
{
    pthread_t t;
    pthread_create(&t, NULL, thread_pause, NULL);
    pthread_create(&t, NULL, thread_pause, NULL);
    kill(getpid(), SIGKILL);
    pause();
}

static void deaths(void)
{
    check(WTERMSIG(status_of(die_term)) == SIGTERM, "SIGTERM ends");
    check(WTERMSIG(status_of(die_segv)) == SIGSEGV, "SIGSEGV ends");
    check(WTERMSIG(status_of(die_abort)) == SIGABRT, "abort ends");
    check(WTERMSIG(status_of(die_blocked)) == SIGSEGV, "a blocked fault ends");
    check(WTERMSIG(status_of(die_badstack)) == SIGSEGV, "no room for a frame ends");
    check(WTERMSIG(status_of(die_pipe)) == SIGPIPE, "SIGPIPE ends");
    check(WTERMSIG(status_of(die_threads)) == SIGKILL, "SIGKILL ends all threads");
}

static pthread_t target;
static volatile sig_atomic_t in_target, spins;
static void who(int sig) { in_target = pthread_equal(pthread_self(), target) ? 1 : 2; }
static void *spin(void *a)
{
    while (!in_target) spins++;
    return NULL;
}
static void *spin_unblocked(void *a)
{
    sigset_t s;
    sigemptyset(&s);
    sigaddset(&s, SIGUSR2);
    pthread_sigmask(SIG_UNBLOCK, &s, NULL);
    return spin(a);
}

static void threads(void)
{
    sigset_t s;

    signal(SIGUSR1, who);
    signal(SIGUSR2, who);
    pthread_create(&target, NULL, spin, NULL);
    while (!spins);
    pthread_kill(target, SIGUSR1);
    pthread_join(target, NULL);
    check(in_target == 1, "pthread_kill reaches a thread that computes");
    sigemptyset(&s);
    sigaddset(&s, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &s, NULL);
    in_target = spins = 0;
    pthread_create(&target, NULL, spin_unblocked, NULL);
    while (!spins);
    kill(getpid(), SIGUSR2);
    pthread_join(target, NULL);
    check(in_target == 1, "kill finds the thread that doesn't block");
    pthread_sigmask(SIG_UNBLOCK, &s, NULL);
}

/* Signals come at any instruction: all registers must survive. */
static volatile sig_atomic_t storm_hits;
static void storm_hit(int sig) { storm_hits++; }
static void storm(void)
{
    struct itimerval it = { { 0, 300 }, { 0, 300 } }, off = { { 0 } };
    unsigned long a = 1, b = 2, c = 3, d = 4, bad = 0;
    double x = 0;

    signal(SIGALRM, storm_hit);
    setitimer(ITIMER_REAL, &it, NULL);
    for (unsigned long i = 0; storm_hits < 1000 && i < 4000000000ul; i++) {
        a = a * 3 + b; b = b * 5 + c; c = c * 7 + d; d = d * 11 + a;
        x += 0.5;
        if (x != 0.5 * (double)(i + 1)) bad++;
        if (i % 64 == 0) syscall(SYS_getppid);
        unsigned long e;
        __asm__ volatile("mov $0x1234567, %%rcx; mov $0x89abcdef, %%r11d; mov %%rcx, %0; add %%r11, %0"
                         : "=&r"(e) : : "rcx", "r11");
        if (e != 0x1234567ul + 0x89abcdeful) bad++;
    }
    setitimer(ITIMER_REAL, &off, NULL);
    check(storm_hits >= 1000 && bad == 0, "registers survive a storm of signals");
}

int main(void)
{
    basics();
    restarts();
    faults();
    deaths();
    threads();
    storm();
    return guest_end();
}
