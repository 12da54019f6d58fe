/* Clocks (clock_gettime(2)). The platform has two, the rest follows from them. */
#include <linux/time.h>
#include "proc.h"
#include "timerset.h"
#include "user.h"

static u64 boot_time;

void time_init(void) { boot_time = plat_clock_mono(); }
u64 time_mono(void) { return plat_clock_mono(); }
u64 time_real(void) { return plat_clock_real(); }
u64 time_boot(void) { return boot_time; }

u64 time_ns(u64 sec, u64 nsec)
{
    return sec >= TIME_MAX / NSEC_PER_SEC ? TIME_MAX : sec * NSEC_PER_SEC + nsec;
}

u64 time_deadline(u64 sec, u64 nsec)
{
    return time_mono() + time_ns(sec, nsec);    /* both below 2^63 */
}

int timespec_from_user(uptr_t addr, u64 *ns_r)
{
    struct { s64 sec, nsec; } ts;

    if (copy_from_user(&ts, addr, sizeof ts) < 0) return -EFAULT;
    if (ts.sec < 0 || ts.nsec < 0 || ts.nsec >= (s64)NSEC_PER_SEC) return -EINVAL;
    *ns_r = time_ns((u64)ts.sec, (u64)ts.nsec);
    return 0;
}

int timespec_to_user(uptr_t addr, u64 ns)
{
    const u64 ts[2] = { ns / NSEC_PER_SEC, ns % NSEC_PER_SEC };

    return copy_to_user(addr, ts, sizeof ts);
}

/* -- CPU clocks: ~pid << 3 | thread << 2 | kind, pid 0 the caller -- */

enum { CPU_KIND = 3, CPU_SCHED = 2, CPU_THREAD = 4 };

u64 proc_cpu_time(struct proc *p)
{
    struct kusage u;

    mutex_lock(&procs_lock);
    proc_usage(p, &u);
    mutex_unlock(&procs_lock);
    return u.utime + u.stime;
}

static int thread_clock(int tid, u64 *ns_r)
{
    struct task *t = tid ? task_find_get(tid) : NULL;

    if (tid && (!t || t->proc != current()->proc)) {
        if (t) task_put(t);
        return -EINVAL;
    }
    *ns_r = plat_clock_cpu(t ? t : current());
    if (t) task_put(t);
    return 0;
}

/* No difference between user and system time is known: the kinds PROF, VIRT and SCHED
 * read the same. */
static int cpu_clock(int id, u64 *ns_r)
{
    int pid = ~(id >> 3);
    struct proc *p;

    if ((id & CPU_KIND) > CPU_SCHED) return -EINVAL;
    if (id & CPU_THREAD) return thread_clock(pid, ns_r);
    if (!pid || pid_id(pid) == current()->proc->pid) {
        *ns_r = proc_cpu_time(current()->proc);
        return 0;
    }
    p = proc_find_get(pid);
    if (!p) return -EINVAL;
    *ns_r = proc_cpu_time(p);
    proc_put(p);
    return 0;
}

bool clock_is_own_cpu(int id)
{
    int pid = ~(id >> 3);

    if (id >= 0) return id == CLOCK_PROCESS_CPUTIME_ID;
    return (id & CPU_KIND) <= CPU_SCHED && !(id & CPU_THREAD) &&
           (!pid || pid_id(pid) == current()->proc->pid);
}

struct task *clock_thread(int id)
{
    struct task *t;

    if (id == CLOCK_THREAD_CPUTIME_ID) return task_by_id(current()->tid);
    if (id >= 0 || (id & CPU_KIND) > CPU_SCHED || !(id & CPU_THREAD)) return NULL;
    t = ~(id >> 3) ? task_find_get(~(id >> 3)) : task_by_id(current()->tid);
    if (!t || t->proc == current()->proc) return t;
    task_put(t);
    return NULL;
}

/* -- by number -- */

enum { ID_COUNT = CLOCK_TAI + 1 };
enum kind { NONE, MONO, REAL, CPU };
static const u8 kinds[ID_COUNT] = {
    [CLOCK_REALTIME] = REAL, [CLOCK_MONOTONIC] = MONO, [CLOCK_PROCESS_CPUTIME_ID] = CPU,
    [CLOCK_THREAD_CPUTIME_ID] = CPU, [CLOCK_MONOTONIC_RAW] = MONO,
    [CLOCK_REALTIME_COARSE] = REAL, [CLOCK_MONOTONIC_COARSE] = MONO, [CLOCK_BOOTTIME] = MONO,
    [CLOCK_REALTIME_ALARM] = REAL, [CLOCK_BOOTTIME_ALARM] = MONO, [CLOCK_TAI] = REAL,
};

static enum kind clock_kind(int id)
{
    if (id < 0) return CPU;
    return id < ID_COUNT ? kinds[id] : NONE;
}

int clock_read(int id, u64 *ns_r)
{
    switch (clock_kind(id)) {
    case MONO:
        *ns_r = time_mono();
        return 0;
    case REAL:
        *ns_r = time_real();
        return 0;
    case CPU:
        if (id == CLOCK_PROCESS_CPUTIME_ID) {
            *ns_r = proc_cpu_time(current()->proc);
            return 0;
        }
        if (id == CLOCK_THREAD_CPUTIME_ID) return thread_clock(0, ns_r);
        return cpu_clock(id, ns_r);
    default:
        return -EINVAL;
    }
}

int clock_resolution(int id, u64 *ns_r)
{
    u64 now;

    if (clock_kind(id) == CPU && clock_read(id, &now) < 0) return -EINVAL;
    if (clock_kind(id) == NONE) return -EINVAL;
    *ns_r = id == CLOCK_REALTIME_COARSE || id == CLOCK_MONOTONIC_COARSE ? 4000000 : 1;
    return 0;
}

int clock_deadline(int id, u64 at, u64 *deadline_r)
{
    u64 now;

    switch (clock_kind(id)) {
    case MONO:
        *deadline_r = at;
        return 0;
    case REAL:
        now = time_real();
        *deadline_r = at <= now ? 0 : time_mono() + min(at - now, TIME_MAX);
        return 0;
    case CPU:
        return -EOPNOTSUPP;
    default:
        return -EINVAL;
    }
}
