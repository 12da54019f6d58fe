/* Signals in numbers: storms over system calls, copies, the vDSO and vector registers;
 * many children; threads that come and go; cancellation. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <immintrin.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>
#include "guest.h"

static volatile sig_atomic_t hits;
static void hit(int s)
{
    volatile float f[32];
    for (int i = 0; i < 32; i++) f[i] = i * 1.25f;
    hits += f[31] > 1;
}

static void storm_start(int usec)
{
    struct itimerval it = { { 0, usec }, { 0, usec } };
    struct sigaction sa = { .sa_handler = hit, .sa_flags = SA_RESTART };
    sigaction(SIGALRM, &sa, NULL);
    hits = 0;
    setitimer(ITIMER_REAL, &it, NULL);
}
static void storm_stop(void)
{
    struct itimerval off = { { 0, 0 }, { 0, 0 } };
    setitimer(ITIMER_REAL, &off, NULL);
}

static void copies(void)
{
    static char a[1 << 16], b[1 << 16];
    int p[2], bad = 0;

    if (pipe(p)) return;
    fcntl(p[1], F_SETPIPE_SZ, 1 << 17);
    for (unsigned i = 0; i < sizeof a; i++) a[i] = (char)(i * 7 + i / 251);
    storm_start(200);
    for (int k = 0; k < 400 || hits < 50; k++) {
        if (write(p[1], a, sizeof a) != sizeof a) { bad++; break; }
        size_t n = 0;
        memset(b, 0, sizeof b);
        while (n < sizeof b) {
            ssize_t r = read(p[0], b + n, sizeof b - n);
            if (r <= 0) { bad++; break; }
            n += (size_t)r;
        }
        if (memcmp(a, b, sizeof a)) bad++;
    }
    storm_stop();
    check(!bad, "reads and writes are whole");
}

static void vdso(void)
{
    struct timespec t, last = { 0, 0 };
    int back = 0;

    storm_start(200);
    while (hits < 200) {
        clock_gettime(CLOCK_MONOTONIC, &t);
        if (t.tv_sec < last.tv_sec || (t.tv_sec == last.tv_sec && t.tv_nsec < last.tv_nsec)) back++;
        last = t;
    }
    storm_stop();
    check(!back, "the clock goes forward");
}

__attribute__((target("avx2"))) static void avx(void)
{
    __m256i v = _mm256_set_epi64x(1, 2, 3, 4), one = _mm256_set1_epi64x(1);
    long long n = 0, out[4];

    if (!__builtin_cpu_supports("avx2")) {
        check(1, "vector registers survive");
        return;
    }
    storm_start(200);
    while (hits < 200) {
        __asm__ volatile("vpaddq %1, %0, %0" : "+x"(v) : "x"(one));
        n++;
        if ((n & 127) == 0) getppid();
    }
    storm_stop();
    _mm256_storeu_si256((__m256i *)out, v);
    check(out[0] == 4 + n && out[1] == 3 + n && out[2] == 2 + n && out[3] == 1 + n,
          "vector registers survive");
}

static volatile sig_atomic_t reaped;
static void reap(int s)
{
    int e = errno;
    while (waitpid(-1, NULL, WNOHANG) > 0) reaped++;
    errno = e;
}

static void children(void)
{
    sigset_t s, old;

    signal(SIGCHLD, reap);
    for (int i = 0; i < 100; i++) {
        pid_t p = fork();
        if (!p) {
            if (i % 3 == 0) for (;;) pause();
            _exit(0);
        }
        if (i % 3 == 0) kill(p, i % 2 ? SIGKILL : SIGTERM);
    }
    sigemptyset(&s);
    sigaddset(&s, SIGCHLD);
    sigprocmask(SIG_BLOCK, &s, &old);
    while (reaped < 100) sigsuspend(&old);
    sigprocmask(SIG_SETMASK, &old, NULL);
    signal(SIGCHLD, SIG_DFL);
    check(reaped == 100, "100 children reaped in a handler");
}

static volatile int next_val, out_of_order;
static void rt(int s, siginfo_t *si, void *c)
{
    if (si->si_value.sival_int != next_val++) out_of_order++;
}

static void queue(void)
{
    struct sigaction sa = { .sa_sigaction = rt, .sa_flags = SA_SIGINFO };
    pid_t me = getpid();
    int st;

    sigaction(SIGRTMIN + 3, &sa, NULL);
    if (fork() == 0) {
        for (int i = 0; i < 1000; i++)
            while (sigqueue(me, SIGRTMIN + 3, (union sigval){ .sival_int = i })) usleep(100);
        _exit(0);
    }
    while (wait(&st) < 0);
    check(next_val == 1000 && !out_of_order, "1000 queued in order");
}

static void *napper(void *a) { usleep(200); return NULL; }
static void *sleeper(void *a) { for (;;) sleep(100); return NULL; }

static void threads(void)
{
    pthread_t t[8];
    void *r;
    int ok = 1;

    storm_start(300);
    for (int k = 0; k < 50; k++) {
        for (int i = 0; i < 8; i++) if (pthread_create(&t[i], NULL, napper, NULL)) ok = 0;
        for (int i = 0; i < 8; i++) pthread_join(t[i], NULL);
    }
    storm_stop();
    check(ok, "threads come and go in a storm");
    pthread_create(&t[0], NULL, sleeper, NULL);
    usleep(10000);
    pthread_cancel(t[0]);
    pthread_join(t[0], &r);
    check(r == PTHREAD_CANCELED, "pthread_cancel");
}

static volatile int thread_ticks;
static void ticked(union sigval v) { thread_ticks += v.sival_int; }

static void timer_thread(void)
{
    struct sigevent ev = { .sigev_notify = SIGEV_THREAD, .sigev_notify_function = ticked,
                           .sigev_value.sival_int = 5 };
    struct itimerspec it = { { 0, 0 }, { 0, 2000000 } };
    timer_t t;

    if (!check(timer_create(CLOCK_REALTIME, &ev, &t) == 0, "SIGEV_THREAD")) return;
    timer_settime(t, 0, &it, NULL);
    for (int i = 0; i < 1000 && !thread_ticks; i++) usleep(1000);
    check(thread_ticks == 5, "its thread ran");
    timer_delete(t);
}

static char alt[65536];
static volatile sig_atomic_t deep;
#pragma GCC diagnostic ignored "-Winfinite-recursion"
static int recurse(int n) { volatile char b[4096]; b[0] = (char)n; return recurse(n + 1) + b[0]; }
static void overflow(int s) { deep = 1; _exit(42); }

static void stack_overflow(void)
{
    int st;

    if (fork() == 0) {
        stack_t ss = { .ss_sp = alt, .ss_size = sizeof alt };
        struct sigaction sa = { .sa_handler = overflow, .sa_flags = SA_ONSTACK };
        struct rlimit rl = { 1 << 20, 1 << 20 };
        setrlimit(RLIMIT_STACK, &rl);
        sigaltstack(&ss, NULL);
        sigaction(SIGSEGV, &sa, NULL);
        recurse(0);
        _exit(1);
    }
    wait(&st);
    check(WIFEXITED(st) && WEXITSTATUS(st) == 42, "a stack overflow is caught");
}

static ucontext_t ctx_main, ctx_co;
static char co_stack[65536];
static int steps;
static void co(void) { for (int i = 0; i < 100; i++) { steps++; swapcontext(&ctx_co, &ctx_main); } }

static void contexts(void)
{
    getcontext(&ctx_co);
    ctx_co.uc_stack.ss_sp = co_stack;
    ctx_co.uc_stack.ss_size = sizeof co_stack;
    ctx_co.uc_link = &ctx_main;
    makecontext(&ctx_co, co, 0);
    for (int i = 0; i < 100; i++) swapcontext(&ctx_main, &ctx_co);
    check(steps == 100, "swapcontext");
}

static int pingpong_n;
static void pong(int s) { pingpong_n++; }

static void pingpong(void)
{
    sigset_t s, old;
    pid_t me = getpid(), kid;

    signal(SIGUSR1, pong);
    sigemptyset(&s);
    sigaddset(&s, SIGUSR1);
    sigprocmask(SIG_BLOCK, &s, &old);
    kid = fork();
    for (int i = 0; i < 500; i++) {
        if (!kid) kill(me, SIGUSR1);
        while (pingpong_n <= i) sigsuspend(&old);
        if (kid) kill(kid, SIGUSR1);
    }
    if (!kid) _exit(0);
    wait(NULL);
    sigprocmask(SIG_SETMASK, &old, NULL);
    check(pingpong_n == 500, "500 signals to and fro");
}

int main(void)
{
    copies();
    vdso();
    avx();
    children();
    queue();
    threads();
    timer_thread();
    stack_overflow();
    contexts();
    pingpong();
    return guest_end();
}
