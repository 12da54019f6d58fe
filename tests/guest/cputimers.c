/* Timers on the CPU clock of a process; mappings that grow down. */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <setjmp.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "guest.h"

static volatile int hits, code;
static void on(int s, siginfo_t *si, void *c) { hits++; code = si->si_code; }
static sigjmp_buf env;
static void fault(int s) { siglongjmp(env, s); }

static double cpu(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

/* A thread that works while the main one does, too, and has a timer on its own time. */
static volatile int thread_hits;
static void on_thread(int s) { thread_hits++; }
static double thread_cpu(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

static void *thread_timer(void *arg)
{
    struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2 };
    struct itimerspec it = { { 0, 30000000 }, { 0, 60000000 } }, now;
    timer_t id;
    double from = thread_cpu();

    check(timer_create(CLOCK_THREAD_CPUTIME_ID, &ev, &id) == 0, "a timer on a thread's time");
    timer_settime(id, 0, &it, NULL);
    usleep(150000);
    check(thread_hits == 0, "sleeping does not count, and what others do neither");
    timer_gettime(id, &now);
    check(now.it_value.tv_sec == 0 && now.it_value.tv_nsec > 20000000, "nearly all is left");
    while (!thread_hits && thread_cpu() < from + 5) continue;
    check(thread_hits && thread_cpu() - from > 0.05, "it fires after so much work");
    while (thread_hits < 4 && thread_cpu() < from + 5) continue;
    check(thread_hits >= 4 && thread_cpu() - from > 0.12, "again and again");
    timer_delete(id);
    return NULL;
}

static void thread_timers(void)
{
    clockid_t other;
    timer_t id;
    pthread_t t;

    signal(SIGUSR2, on_thread);
    pthread_create(&t, NULL, thread_timer, NULL);
    int r = pthread_getcpuclockid(t, &other) || timer_create(other, NULL, &id) || timer_delete(id);
    for (double from = thread_cpu(); thread_cpu() < from + 0.1;) continue;
    pthread_join(t, NULL);
    check(r == 0, "another thread's");
    for (int i = 0; i < 1000 && !timer_create(other, NULL, &id); i++) timer_delete(id), usleep(1000);
    check(timer_create(other, NULL, &id) == -1, "not when it has ended");
}

static void timers(void)
{
    struct sigaction sa = { .sa_sigaction = on, .sa_flags = SA_SIGINFO };
    struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
    struct itimerspec it = { { 0, 0 }, { 0, 50000000 } }, now;
    clockid_t own;
    timer_t id;
    double from;

    sigaction(SIGUSR1, &sa, NULL);
    check(timer_create(CLOCK_PROCESS_CPUTIME_ID, &ev, &id) == 0, "a timer on CPU time");
    timer_settime(id, 0, &it, NULL);
    usleep(150000);
    check(hits == 0, "sleeping does not count");
    timer_gettime(id, &now);
    check(now.it_value.tv_sec == 0 && now.it_value.tv_nsec > 20000000, "nearly all is left");
    from = cpu();
    while (!hits && cpu() < from + 5) continue;
    check(hits == 1 && code == SI_TIMER && cpu() - from > 0.03, "it fires after so much work");
    timer_gettime(id, &now);
    check(!now.it_value.tv_sec && !now.it_value.tv_nsec, "and is off");
    it.it_interval.tv_nsec = it.it_value.tv_nsec = 30000000;
    timer_settime(id, 0, &it, NULL);
    hits = 0;
    from = cpu();
    while (hits < 3 && cpu() < from + 5) continue;
    check(hits >= 3 && cpu() - from > 0.06, "again and again");
    timer_delete(id);
    check(!clock_getcpuclockid(getpid(), &own) && !timer_create(own, &ev, &id), "by its own number");
    it.it_interval.tv_nsec = 0;
    it.it_value.tv_nsec = 1;
    it.it_value.tv_sec = 0;
    hits = 0;
    timer_settime(id, TIMER_ABSTIME, &it, NULL);
    from = cpu();
    while (!hits && cpu() < from + 5) continue;
    check(hits == 1, "a time that has passed");
}

static int touch(volatile char *p) { int s = sigsetjmp(env, 1); if (s) return s; *p = 1; return 0; }

static void growing(void)
{
    char *area = mmap(NULL, 16 << 20, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(area, 16 << 20);
    char *p = mmap(area + (12 << 20), 8192, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN | MAP_FIXED, -1, 0);
    struct rlimit r = { 4 << 20, RLIM_INFINITY };

    signal(SIGSEGV, fault);
    signal(SIGBUS, fault);
    setrlimit(RLIMIT_STACK, &r);
    check(p == area + (12 << 20), "a mapping that grows down");
    check(touch(p - 1) == 0, "below its start");
    check(touch(p - 100000) == 0 && p[-50000] == 0, "further below");
    check(touch(p - (5 << 20)) == SIGSEGV, "not further than the limit of stacks");
    check(mmap(p - (2 << 20), 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED, "another below");
    check(touch(p - (2 << 20) + 8192) == SIGSEGV, "a gap is kept to it");
    check(touch(p - (1 << 19)) == 0, "but up to there it grows");
    check(munmap(p - (1 << 19), (1 << 19) + 8192) == 0 && touch(p - 1) == SIGSEGV, "unmapped as a whole");
}

int main(void)
{
    timers();
    thread_timers();
    growing();
    return guest_end();
}
