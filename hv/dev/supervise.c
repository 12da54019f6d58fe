#include "hv/dev/supervise.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "hv/dev/jail.h"
#include "hv/dev/log.h"

enum {
    STUCK_MAX = 5,              /* deaths in a row at one request, */
    STUCK_MS = 1000,            /* in so short a time */
    CRASH_MAX = 20,             /* deaths by the worker's own fault, */
    CRASH_MS = 10000,           /* in so short a time */
};

static const char SUPERVISOR[] = "xenc-sup", WORKER[] = "xenc-dev";

struct streak { unsigned n; int64_t since; };

static int64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* One more: are there now `max` within `ms`? */
static bool too_many(struct streak *s, unsigned max, int64_t ms)
{
    int64_t now = now_ms();

    if (s->n == 0 || now - s->since > ms)
        *s = (struct streak){ .since = now };
    return ++s->n >= max;
}

/* A worker is dead. Whoever killed it from outside may do so as often as he likes, but
 * a request that kills each worker must come to an end. */
static bool give_up(struct progress *p, int sig)
{
    static struct streak stuck, crashes;
    static uint64_t done;
    bool own_fault = sig != SIGKILL;

    if (p->serving && (p->done != done || !(p->busy || own_fault)))
        stuck.n = 0;
    else if (too_many(&stuck, STUCK_MAX, STUCK_MS)) {
        dlog("killed by signal %d, %u times without getting on: given up", sig, stuck.n);
        return true;
    }
    done = p->done;
    if (own_fault && too_many(&crashes, CRASH_MAX, CRASH_MS)) {
        dlog("crashed with signal %d, %u times of late: given up", sig, crashes.n);
        return true;
    }
    dlog("killed by signal %d, started again", sig);
    return false;
}

/* Like fork, but the descriptors stay one table. */
static pid_t clone_worker(void)
{
    return (pid_t)syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0);
}

static void be_worker(pid_t supervisor, struct progress *p, int (*work)(void *), void *arg)
{
    /* A death takes its worker along; the guest's end takes both. */
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (getppid() != supervisor)
        _exit(1);
    p->serving = p->busy = 0;
    if (jail_worker() < 0)
        _exit(1);
    _exit(work(arg));
}

/* To tell the two apart: the worker keeps the program's name. As a thread's name and as the
 * first argument, which has room for eight letters. */
static void be_called(char *argv0, const char *name)
{
    prctl(PR_SET_NAME, name, 0, 0, 0);
    if (strlen(argv0) == strlen(name))
        memcpy(argv0, name, strlen(name));
}

int supervise(struct progress *p, char *argv0, int (*work)(void *arg), void *arg)
{
    pid_t self = getpid();

    signal(SIGCHLD, SIG_DFL);
    for (bool first = true;; first = false) {
        pid_t pid = clone_worker();
        int st = 0;

        if (pid == 0) {
            if (!first)
                be_called(argv0, WORKER);
            be_worker(self, p, work, arg);
        }
        if (pid < 0) {
            dlog("can't start a worker: error %d", errno);
            return 1;
        }
        if (first)
            be_called(argv0, SUPERVISOR);
        while (waitpid(pid, &st, 0) < 0 && errno == EINTR)
            ;
        if (!WIFSIGNALED(st))
            return WEXITSTATUS(st);
        if (give_up(p, WTERMSIG(st)))
            return 1;
    }
}
