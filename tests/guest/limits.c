/* Limits, priorities, affinity, names and small per-task settings. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/times.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "guest.h"

static void rlimits(void)
{
    struct rlimit r, old;
    int last = -1, fd, n = 0;
    pid_t p;

    check(getrlimit(RLIMIT_NOFILE, &old) == 0 && old.rlim_cur <= old.rlim_max, "getrlimit");
    r = (struct rlimit){ 12, old.rlim_max };
    check(setrlimit(RLIMIT_NOFILE, &r) == 0, "setrlimit");
    while ((fd = dup(1)) >= 0) last = fd, n++;
    check(last == 11 && errno == EMFILE, "is the first number not given out");
    for (; n > 0; n--) close(last--);
    r = (struct rlimit){ 20, 10 };
    check(setrlimit(RLIMIT_NOFILE, &r) < 0 && errno == EINVAL, "soft above hard");
    check(prlimit(0, RLIMIT_NOFILE, &old, &r) == 0 && r.rlim_cur == 12, "prlimit");
    check(getrlimit(99, &r) < 0 && errno == EINVAL, "no such limit");
    check(prlimit(99999, RLIMIT_NOFILE, NULL, &r) < 0 && errno == ESRCH, "no such process");
    fflush(stdout);
    p = fork();
    if (!p) {
        r = (struct rlimit){ 100, 100 };
        setrlimit(RLIMIT_NOFILE, &r);
        if (setresuid(1000, 1000, 1000)) _exit(3);
        r.rlim_max = 200;
        if (setrlimit(RLIMIT_NOFILE, &r) == 0 || errno != EPERM) _exit(1);
        _exit(0);
    }
    waitpid(p, &n, 0);
    check(n == 0, "a user can't raise a hard limit");
}

static void nproc(void)
{
    struct rlimit r = { 3, 3 };
    int status, made = 0;
    pid_t p;

    fflush(stdout);
    p = fork();
    if (!p) {
        if (setresuid(4321, 4321, 4321) || setrlimit(RLIMIT_NPROC, &r)) _exit(90);
        while (made < 10 && (p = fork()) >= 0) {
            if (!p) {
                pause();
                _exit(0);
            }
            made++;
        }
        status = errno;
        signal(SIGTERM, SIG_IGN);
        kill(0, SIGTERM);
        _exit(status == EAGAIN ? made : 91);
    }
    setpgid(p, p);
    waitpid(p, &status, 0);
    check(status == 2 << 8, "RLIMIT_NPROC counts the user's processes");
}

static void priorities(void)
{
    struct sched_param sp = { 0 };
    struct timespec ts;
    cpu_set_t set, one;
    int cpu = 0;

    check(getpriority(PRIO_PROCESS, 0) == 0, "nice value 0");
    check(setpriority(PRIO_PROCESS, 0, 7) == 0 && getpriority(PRIO_PROCESS, 0) == 7, "7");
    check(setpriority(PRIO_PROCESS, 0, 99) == 0 && getpriority(PRIO_PROCESS, 0) == 19, "clamped");
    errno = 0;
    check(getpriority(PRIO_PROCESS, 99999) == -1 && errno == ESRCH, "nobody there");
    check(setpriority(17, 0, 0) < 0 && errno == EINVAL, "no such kind");
    check(sched_getscheduler(0) == SCHED_OTHER, "the usual policy");
    check(sched_setscheduler(0, SCHED_BATCH, &sp) == 0 && sched_getscheduler(0) == SCHED_BATCH, "batch");
    sp.sched_priority = 5;
    check(sched_setscheduler(0, SCHED_OTHER, &sp) < 0 && errno == EINVAL, "no priority there");
    check(sched_get_priority_max(SCHED_FIFO) == 99 && sched_get_priority_min(SCHED_RR) == 1, "ranges");
    check(sched_get_priority_max(77) < 0 && errno == EINVAL, "no such policy");
    check(sched_rr_get_interval(0, &ts) == 0, "interval");
    check(sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0, "affinity");
    while (!CPU_ISSET(cpu, &set)) cpu++;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    check(sched_setaffinity(0, sizeof one, &one) == 0, "one processor");
    check(sched_getaffinity(0, sizeof set, &set) == 0 && CPU_EQUAL(&one, &set), "it is");
    CPU_ZERO(&one);
    check(sched_setaffinity(0, sizeof one, &one) < 0 && errno == EINVAL, "none at all");
    check(sched_yield() == 0, "yield");
}

static void names_and_flags(void)
{
    char name[17] = { 0 };
    struct utsname u;
    int v = -1;

    check(prctl(PR_SET_NAME, "a-name-that-is-too-long") == 0, "PR_SET_NAME");
    check(prctl(PR_GET_NAME, name) == 0 && !strcmp(name, "a-name-that-is-"), "cut at 15");
    check(prctl(PR_SET_PDEATHSIG, SIGUSR1) == 0 && prctl(PR_GET_PDEATHSIG, &v) == 0 && v == SIGUSR1,
          "death signal");
    check(prctl(PR_SET_PDEATHSIG, 99) < 0 && errno == EINVAL, "no such signal");
    check(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0 && prctl(PR_GET_CHILD_SUBREAPER, &v) == 0 && v == 1,
          "subreaper");
    check(prctl(PR_SET_DUMPABLE, 0) == 0 && prctl(PR_GET_DUMPABLE) == 0, "dumpable");
    check(prctl(PR_SET_TIMERSLACK, 1234) == 0 && prctl(PR_GET_TIMERSLACK) == 1234, "timer slack");
    check(prctl(12345) < 0 && errno == EINVAL, "no such option");
    check(uname(&u) == 0 && !strcmp(u.sysname, "Linux") && !strcmp(u.machine, "x86_64"), "uname");
    check(syscall(SYS_personality, 0xffffffff) == 0, "personality");
    check(syscall(1000) < 0 && errno == ENOSYS, "a call that is not there");
    check(syscall(SYS_uselib) < 0 && errno == ENOSYS, "nor this one");
}

static void usage(void)
{
    struct rusage ru, ch;
    struct sysinfo si;
    struct tms t;
    clock_t end;
    int status;
    pid_t p;

    for (end = clock() + CLOCKS_PER_SEC / 20; clock() < end;) {}
    check(getrusage(RUSAGE_SELF, &ru) == 0 &&
          ru.ru_utime.tv_sec + ru.ru_utime.tv_usec + ru.ru_stime.tv_usec >= 40000, "time was used");
    fflush(stdout);
    p = fork();
    if (!p) {
        for (end = clock() + CLOCKS_PER_SEC / 20; clock() < end;) {}
        _exit(0);
    }
    waitpid(p, &status, 0);
    check(getrusage(RUSAGE_CHILDREN, &ch) == 0 &&
          ch.ru_utime.tv_usec + ch.ru_stime.tv_usec >= 40000, "children's too");
    check(times(&t) != (clock_t)-1 && t.tms_cutime + t.tms_cstime >= 4, "times");
    check(getrusage(5, &ru) < 0 && errno == EINVAL, "whose?");
    check(sysinfo(&si) == 0 && si.totalram > 0 && si.procs > 0, "sysinfo");
}

int main(void)
{
    rlimits();
    nproc();
    priorities();
    usage();
    names_and_flags();
    return guest_end();
}
