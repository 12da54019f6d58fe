/* Clocks, sleeping, interval timers, POSIX timers, timerfd, signalfd. */
#define _GNU_SOURCE
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/timex.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "guest.h"

static volatile sig_atomic_t hits, value, code;
static void count(int s) { hits++; }
static void info(int s, siginfo_t *si, void *c)
{
    hits++;
    value = si->si_value.sival_int;
    code = si->si_code;
}

static long long now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000ll + t.tv_nsec;
}

static void clocks(void)
{
    static const int ids[] = { CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_PROCESS_CPUTIME_ID,
        CLOCK_THREAD_CPUTIME_ID, CLOCK_MONOTONIC_RAW, CLOCK_REALTIME_COARSE,
        CLOCK_MONOTONIC_COARSE, CLOCK_BOOTTIME, CLOCK_TAI };
    struct timespec t, u;
    struct timeval tv;
    clockid_t id;
    int ok = 1;

    for (unsigned i = 0; i < sizeof ids / sizeof *ids; i++)
        if (syscall(SYS_clock_gettime, ids[i], &t) || syscall(SYS_clock_getres, ids[i], &u) ||
            u.tv_sec || !u.tv_nsec) ok = 0;
    check(ok, "all clocks can be read");
    check(clock_gettime(99, &t) == -1 && errno == EINVAL, "no clock 99");
    gettimeofday(&tv, NULL);
    check(labs(tv.tv_sec - time(NULL)) <= 1 && tv.tv_sec > 1700000000, "time of day");
    check(clock_getcpuclockid(getpid(), &id) == 0 && clock_gettime(id, &t) == 0, "a process's clock");
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    for (volatile int i = 0; i < 20000000; i++);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &u);
    check(u.tv_sec * 1e9 + u.tv_nsec > t.tv_sec * 1e9 + t.tv_nsec + 1e6, "CPU time goes on");
    struct timex tx = { .modes = 0 };
    check(adjtimex(&tx) >= 0 && labs(tx.time.tv_sec - tv.tv_sec) <= 1, "adjtimex reads");
}

static void sleeps(void)
{
    struct timespec t = { 0, 20000000 }, bad = { 0, 1000000000 };
    long long a = now();

    nanosleep(&t, NULL);
    check(now() - a >= 20000000, "nanosleep");
    check(nanosleep(&bad, NULL) == -1 && errno == EINVAL, "bad time");
    clock_gettime(CLOCK_MONOTONIC, &t);
    a = now();
    t.tv_nsec += 20000000;
    if (t.tv_nsec >= 1000000000) { t.tv_nsec -= 1000000000; t.tv_sec++; }
    check(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == 0 && now() - a >= 19000000,
          "until a time");
    check(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &(struct timespec){ 1, 0 }, NULL) == 0,
          "until long ago");
}

static void intervals(void)
{
    struct itimerval it = { { 0, 5000 }, { 0, 5000 } }, old, off = { { 0 } };

    signal(SIGALRM, count);
    hits = 0;
    setitimer(ITIMER_REAL, &it, NULL);
    while (hits < 5) pause();
    check(1, "ITIMER_REAL repeats");
    getitimer(ITIMER_REAL, &old);
    check(old.it_interval.tv_usec == 5000 && old.it_value.tv_usec <= 5000, "getitimer");
    setitimer(ITIMER_REAL, &off, &old);
    hits = 0;
    usleep(20000);
    check(hits == 0, "disarmed");
    check(alarm(100) == 0 && alarm(0) == 100, "alarm tells what was left");
    signal(SIGVTALRM, count);
    signal(SIGPROF, count);
    it = (struct itimerval){ { 0, 0 }, { 0, 30000 } };
    setitimer(ITIMER_PROF, &it, NULL);
    long long a = now();
    while (!hits && now() - a < 3000000000ll);
    check(hits == 1, "ITIMER_PROF");
    if (fork() == 0) {
        getitimer(ITIMER_REAL, &old);
        _exit(old.it_value.tv_sec || old.it_value.tv_usec);
    }
    int st;
    wait(&st);
    check(st == 0, "not inherited");
}

static void posix_timers(void)
{
    struct sigaction sa = { .sa_sigaction = info, .sa_flags = SA_SIGINFO };
    struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 1,
                           .sigev_value.sival_int = 77 };
    struct itimerspec it = { { 0, 0 }, { 0, 5000000 } }, got;
    sigset_t s, old;
    timer_t t;

    sigaction(SIGRTMIN + 1, &sa, NULL);
    check(timer_create(CLOCK_MONOTONIC, &ev, &t) == 0, "timer_create");
    hits = 0;
    timer_settime(t, 0, &it, NULL);
    while (!hits) pause();
    check(value == 77 && code == SI_TIMER, "its signal");
    timer_gettime(t, &got);
    check(!got.it_value.tv_sec && !got.it_value.tv_nsec, "once");
    sigemptyset(&s);
    sigaddset(&s, SIGRTMIN + 1);
    sigprocmask(SIG_BLOCK, &s, &old);
    it.it_interval.tv_nsec = 20000000;
    timer_settime(t, 0, &it, NULL);
    usleep(170000);
    hits = 0;
    sigprocmask(SIG_SETMASK, &old, NULL);
    int over = timer_getoverrun(t);
    check(hits >= 1 && over >= 5, "overruns are counted");
    check(timer_delete(t) == 0, "timer_delete");
    check(syscall(SYS_timer_delete, 9999) == -1 && errno == EINVAL, "no such timer");
}

static void descriptors(void)
{
    int tfd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK), ep = epoll_create1(0), sfd;
    struct itimerspec it = { { 0, 5000000 }, { 0, 5000000 } };
    struct epoll_event e = { .events = EPOLLIN };
    struct signalfd_siginfo si;
    unsigned long long n;
    sigset_t s;

    check(tfd >= 0, "timerfd_create");
    check(read(tfd, &n, 8) == -1 && errno == EAGAIN, "not armed: EAGAIN");
    timerfd_settime(tfd, 0, &it, NULL);
    struct pollfd p = { tfd, POLLIN, 0 };
    check(poll(&p, 1, 1000) == 1 && read(tfd, &n, 8) == 8 && n >= 1, "poll and read");
    usleep(30000);
    check(read(tfd, &n, 8) == 8 && n >= 4, "expiries add up");
    e.data.fd = tfd;
    epoll_ctl(ep, EPOLL_CTL_ADD, tfd, &e);
    check(epoll_wait(ep, &e, 1, 1000) == 1 && e.data.fd == tfd, "epoll");
    it = (struct itimerspec){ { 0, 0 }, { 0, 0 } };
    timerfd_settime(tfd, 0, &it, NULL);

    sigemptyset(&s);
    sigaddset(&s, SIGUSR1);
    sigaddset(&s, SIGCHLD);
    sigprocmask(SIG_BLOCK, &s, NULL);
    sfd = signalfd(-1, &s, SFD_NONBLOCK);
    check(sfd >= 0 && read(sfd, &si, sizeof si) == -1 && errno == EAGAIN, "signalfd");
    kill(getpid(), SIGUSR1);
    check(read(sfd, &si, sizeof si) == sizeof si && si.ssi_signo == SIGUSR1 &&
          si.ssi_pid == (unsigned)getpid(), "a signal read");
    e.events = EPOLLIN;
    e.data.fd = sfd;
    epoll_ctl(ep, EPOLL_CTL_ADD, sfd, &e);
    if (fork() == 0) _exit(5);
    check(epoll_wait(ep, &e, 1, 2000) == 1 && e.data.fd == sfd, "epoll wakes for SIGCHLD");
    check(read(sfd, &si, sizeof si) == sizeof si && si.ssi_signo == SIGCHLD && si.ssi_status == 5,
          "with its status");
    wait(NULL);
}

int main(void)
{
    clocks();
    sleeps();
    intervals();
    posix_timers();
    descriptors();
    return guest_end();
}
