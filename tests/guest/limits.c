/* rlimits, priorities, usage, prctl, affinity. */
#include "say.h"
#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/times.h>
#include <sys/mman.h>

static void lim(const char *what, int r)
{
    struct rlimit l;
    if (getrlimit(r, &l)) say(what, -1);
    else note("%s: %ld %ld", what, (long)l.rlim_cur, (long)l.rlim_max);
}
static long set(int r, long cur, long max) { struct rlimit l = { cur, max }; return setrlimit(r, &l); }

static void rlimits(void)
{
    lim("NOFILE", RLIMIT_NOFILE);
    lim("CORE", RLIMIT_CORE);
    lim("STACK", RLIMIT_STACK);
    say("unknown", getrlimit(99, &(struct rlimit){ 0 }));
    say("cur above max", set(RLIMIT_CPU, 10, 5));
    say("lower", set(RLIMIT_CPU, 100, 200));
    lim("CPU", RLIMIT_CPU);
    say("prlimit self", prlimit(0, RLIMIT_CPU, NULL, &(struct rlimit){ 0 }));
    say("prlimit none", prlimit(999999, RLIMIT_CPU, NULL, &(struct rlimit){ 0 }));
    pid_t p = fork();
    if (!p) {
        lim("inherited", RLIMIT_CPU);
        setuid(1000);
        say("raise", set(RLIMIT_CPU, 100, 300));
        say("lower", set(RLIMIT_CPU, 50, 60));
        say("and not again higher", set(RLIMIT_CPU, 50, 61));
        _exit(0);
    }
    say_wait("child", p);
    /* processes of a user */
    if (!(p = fork())) {
        setgid(4444), setuid(4444);
        say("NPROC", set(RLIMIT_NPROC, 3, 3));
        int n = 0, st;
        pid_t k[10];
        while (n < 10 && (k[n] = fork()) >= 0) { if (!k[n]) { pause(); _exit(0); } n++; }
        note("%s after %d", strerror(errno), n);
        pthread_t t;
        note("thread: %s", strerror(pthread_create(&t, NULL, (void *(*)(void *))(void *)pause, NULL)));
        for (int i = 0; i < n; i++) kill(k[i], SIGKILL), waitpid(k[i], &st, 0);
        _exit(0);
    }
    say_wait("many processes", p);
    /* CPU seconds: SIGXCPU, then SIGKILL */
    if (!(p = fork())) { set(RLIMIT_CPU, 1, 10); for (;;) continue; }
    say_wait("CPU time", p);
    if (!(p = fork())) {
        set(RLIMIT_AS, 100 << 20, -1);
        void *m = mmap(NULL, 200 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        say("AS", m == MAP_FAILED ? -1 : 0);
        say("malloc", malloc(200 << 20) ? 0 : -1);
        _exit(0);
    }
    say_wait("AS", p);
}

static void priorities(void)
{
    errno = 0;
    say("getpriority", getpriority(PRIO_PROCESS, 0));
    say("nice", nice(3));
    say("getpriority", getpriority(PRIO_PROCESS, 0));
    say("too nice", (nice(100), getpriority(PRIO_PROCESS, 0)));
    say("none", getpriority(PRIO_PROCESS, 999999));
    say("bad", getpriority(9, 0));
    say("policy", sched_getscheduler(0));
    struct sched_param sp = { 0 };
    say("to batch", sched_setscheduler(0, SCHED_BATCH, &sp));
    say("policy", sched_getscheduler(0));
    say("max fifo", sched_get_priority_max(SCHED_FIFO));
    say("max other", sched_get_priority_max(SCHED_OTHER));
    cpu_set_t set;
    yes("affinity", sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) >= 1);
    yes("same as sysconf", CPU_COUNT(&set) == sysconf(_SC_NPROCESSORS_ONLN));
    CPU_ZERO(&set);
    say("none", sched_setaffinity(0, sizeof set, &set));
    CPU_SET(0, &set);
    say("first", sched_setaffinity(0, sizeof set, &set));
    sched_getaffinity(0, sizeof set, &set);
    note("count %d", CPU_COUNT(&set));
    yes("getcpu", sched_getcpu() >= 0);
    say("yield", sched_yield());
}

static long status_of(const char *name)
{
    char line[200];
    long kb = -1;
    FILE *f = fopen("/proc/self/status", "r");

    while (f && kb < 0 && fgets(line, sizeof line, f))
        if (!strncmp(line, name, strlen(name))) sscanf(line + strlen(name), ": %ld", &kb);
    if (f) fclose(f);
    return kb;
}

static void usage(void)
{
    struct rusage a, b, c;
    struct tms t;
    getrusage(RUSAGE_SELF, &a);
    for (volatile int i = 0; i < 60000000; i++) continue;
    getrusage(RUSAGE_SELF, &b);
    yes("user time grows", b.ru_utime.tv_sec * 1000000 + b.ru_utime.tv_usec > a.ru_utime.tv_sec * 1000000 + a.ru_utime.tv_usec);
    yes("max rss", b.ru_maxrss > 100 && b.ru_maxrss < 10000000);
    char *m = mmap(NULL, 64 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(m, 1, 64 << 20);
    munmap(m, 64 << 20);
    getrusage(RUSAGE_SELF, &b);
    yes("what was the most", b.ru_maxrss >= 64 << 10 && b.ru_maxrss < 96 << 10);
    yes("in /proc, too", status_of("VmHWM") >= 64 << 10 && status_of("VmRSS") < 32 << 10);
    getrusage(RUSAGE_CHILDREN, &a);
    pid_t p = fork();
    if (!p) { for (volatile int i = 0; i < 60000000; i++) continue; _exit(0); }
    waitpid(p, NULL, 0);
    getrusage(RUSAGE_CHILDREN, &c);
    yes("children's time grows", c.ru_utime.tv_sec * 1000000 + c.ru_utime.tv_usec >
        a.ru_utime.tv_sec * 1000000 + a.ru_utime.tv_usec);
    say("thread", getrusage(RUSAGE_THREAD, &a));
    say("bad", getrusage(55, &a));
    yes("times", times(&t) != -1 && t.tms_utime >= 0 && t.tms_cutime >= 0);
    yes("clock", clock() > 0);
}

static void prctls(void)
{
    char name[20] = "";
    int n = 0;
    say("set name", prctl(PR_SET_NAME, "a name that is too long"));
    prctl(PR_GET_NAME, name);
    note("%s", name);
    FILE *f = fopen("/proc/self/comm", "r");
    note("%s", fgets(name, 20, f));
    fclose(f);
    say("dumpable", prctl(PR_GET_DUMPABLE));
    say("set", prctl(PR_SET_DUMPABLE, 0));
    say("dumpable", prctl(PR_GET_DUMPABLE));
    say("bad", prctl(PR_SET_DUMPABLE, 7));
    say("pdeathsig", prctl(PR_SET_PDEATHSIG, SIGUSR1));
    prctl(PR_GET_PDEATHSIG, &n);
    note("%d", n);
    say("bad", prctl(PR_SET_PDEATHSIG, 99));
    say("subreaper", prctl(PR_SET_CHILD_SUBREAPER, 1));
    prctl(PR_GET_CHILD_SUBREAPER, &n);
    note("%d", n);
    pid_t p = fork();
    if (!p) { if (!fork()) { nap(30); _exit(getppid() == 1 ? 1 : 44); } _exit(0); }
    waitpid(p, NULL, 0);
    int st;
    yes("adopted", wait(&st) > 0 && WEXITSTATUS(st) == 44);
    say("timer slack", prctl(PR_GET_TIMERSLACK));
    say("unknown", prctl(12345, 0, 0, 0, 0));
    int pp[2];
    pipe(pp);
    if (!(p = fork())) {
        if (!fork()) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            write(pp[1], "r", 1);
            pause();
        }
        char c;
        read(pp[0], &c, 1);
        _exit(0);
    }
    waitpid(p, NULL, 0);
    say_wait("died with its parent", wait(&st) > 0 ? 0 : -1);
    note("signal %d", WTERMSIG(st));
}

int main(void)
{
    usage();
    prctls();
    rlimits();
    priorities();
    return 0;
}
