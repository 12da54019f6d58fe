/* Scheduling parameters. On pvh the platform heeds them. On pv the host schedules, and a
 * domain's tasks may not ask it for priorities: they are kept and reported, no more. */
#include <linux/capability.h>
#include <linux/resource.h>
#include <linux/sched.h>
#include <linux/sched/types.h>
#include "proc.h"
#include "sys.h"
#include "time.h"
#include "user.h"

enum { RT_PRIO_MAX = 99, IOPRIO_WHO_PROCESS = 1, IOPRIO_WHO_PGRP, IOPRIO_WHO_USER };

long sys_sched_yield(const u64 *a)
{
    plat_yield();
    return 0;
}

/* pid 0: the caller. Counted. */
static struct task *target(int pid)
{
    return pid < 0 ? NULL : task_by_id(pid ? pid_id(pid) : current()->tid);
}

/* May the caller change t's scheduling? */
static bool may_set(struct task *t)
{
    const struct cred *me = current()->cred;
    struct cred *c;
    bool ok;

    if (capable(CAP_SYS_NICE)) return true;
    c = task_cred_get(t);
    ok = me->euid == c->uid || me->euid == c->euid;
    cred_put(c);
    return ok;
}

/* -- processors -- */

static u64 all_cpus(void)
{
    unsigned n = plat_ncpus();

    return n >= 64 ? ~0ull : (1ull << n) - 1;
}

long sys_sched_setaffinity(const u64 *a)
{
    struct task *t;
    u64 mask = 0;
    long r = 0;

    if (copy_from_user(&mask, a[2], min(a[1], (u64)sizeof mask)) < 0) return -EFAULT;
    t = target((int)a[0]);
    if (!t) return -ESRCH;
    mask &= all_cpus();
    if (!may_set(t)) r = -EPERM;
    else if (!mask) r = -EINVAL;
    else t->cpu_affinity = mask;
    if (!r) plat_sched_changed(t);
    task_put(t);
    return r;
}

long sys_sched_getaffinity(const u64 *a)
{
    struct task *t;
    u64 mask;

    if (a[1] < sizeof mask || (a[1] & 7)) return -EINVAL;
    t = target((int)a[0]);
    if (!t) return -ESRCH;
    mask = t->cpu_affinity ? t->cpu_affinity : all_cpus();
    task_put(t);
    return copy_to_user(a[2], &mask, sizeof mask) < 0 ? -EFAULT : (long)sizeof mask;
}

long sys_getcpu(const u64 *a)
{
    u32 cpu = plat_cpu(), zero = 0;

    if (a[0] && put_user(cpu, a[0]) < 0) return -EFAULT;
    if (a[1] && put_user(zero, a[1]) < 0) return -EFAULT;
    return 0;
}

/* -- policies -- */

static bool is_rt(int policy) { return policy == SCHED_FIFO || policy == SCHED_RR; }

/* Lowest and highest static priority; -EINVAL: no such policy. */
static long prio_range(int policy, bool highest)
{
    switch (policy) {
    case SCHED_FIFO: case SCHED_RR: return highest ? RT_PRIO_MAX : 1;
    case SCHED_NORMAL: case SCHED_BATCH: case SCHED_IDLE: case SCHED_DEADLINE: return 0;
    }
    return -EINVAL;
}

long sys_sched_get_priority_max(const u64 *a) { return prio_range((int)a[0], true); }
long sys_sched_get_priority_min(const u64 *a) { return prio_range((int)a[0], false); }

static long set_policy(struct task *t, int policy, int prio)
{
    long low = prio_range(policy, false), high = prio_range(policy, true);

    if (low < 0 || policy == SCHED_DEADLINE || prio < low || prio > high) return -EINVAL;
    if (!may_set(t)) return -EPERM;
    if (is_rt(policy) && !capable(CAP_SYS_NICE) &&
        (u64)prio > rlimit(t->proc, RLIMIT_RTPRIO) && prio > t->rt_prio)
        return -EPERM;
    t->policy = policy;
    t->rt_prio = prio;
    plat_sched_changed(t);
    return 0;
}

/* policy -1: as it is. */
static long set_for(int pid, int policy, uptr_t param)
{
    struct task *t;
    int prio;
    long r;

    if (!param || pid < 0) return -EINVAL;
    if (get_user(prio, param) < 0) return -EFAULT;
    t = target(pid);
    if (!t) return -ESRCH;
    r = set_policy(t, policy < 0 ? t->policy : policy & ~SCHED_RESET_ON_FORK, prio);
    task_put(t);
    return r;
}

long sys_sched_setscheduler(const u64 *a)
{
    return (int)a[1] < 0 ? -EINVAL : set_for((int)a[0], (int)a[1], a[2]);
}

long sys_sched_setparam(const u64 *a) { return set_for((int)a[0], -1, a[1]); }

long sys_sched_getscheduler(const u64 *a)
{
    struct task *t;
    int policy;

    if ((int)a[0] < 0) return -EINVAL;
    t = target((int)a[0]);
    if (!t) return -ESRCH;
    policy = t->policy;
    task_put(t);
    return policy;
}

long sys_sched_getparam(const u64 *a)
{
    struct task *t;
    int prio;

    if ((int)a[0] < 0 || !a[1]) return -EINVAL;
    t = target((int)a[0]);
    if (!t) return -ESRCH;
    prio = t->rt_prio;
    task_put(t);
    return put_user(prio, a[1]);
}

long sys_sched_rr_get_interval(const u64 *a)
{
    struct task *t;
    u64 ts[2] = { 0, 4000000 };         /* of the fair policies: what Linux would say */

    if ((int)a[0] < 0) return -EINVAL;
    t = target((int)a[0]);
    if (!t) return -ESRCH;
    if (t->policy == SCHED_RR) ts[1] = 100000000;
    if (t->policy == SCHED_FIFO) ts[1] = 0;
    task_put(t);
    return copy_to_user(a[1], ts, sizeof ts);
}

long sys_sched_setattr(const u64 *a)
{
    struct sched_attr at;
    struct task *t;
    u32 size;
    long r;

    if ((int)a[0] < 0 || !a[1] || a[2]) return -EINVAL;
    if (get_user(size, a[1]) < 0) return -EFAULT;
    if (!size) size = SCHED_ATTR_SIZE_VER0;
    if (size < SCHED_ATTR_SIZE_VER0 || size > PAGE_SIZE) return -E2BIG;
    memset(&at, 0, sizeof at);
    if (copy_from_user(&at, a[1], min((size_t)size, sizeof at)) < 0) return -EFAULT;
    t = target((int)a[0]);
    if (!t) return -ESRCH;
    r = set_policy(t, (int)at.sched_policy, (int)at.sched_priority);
    if (!r && !is_rt((int)at.sched_policy)) {
        if (at.sched_nice < t->nice && !capable(CAP_SYS_NICE)) r = -EPERM;
        else t->nice = max(-20, min(19, (int)at.sched_nice));
        if (!r) plat_sched_changed(t);
    }
    task_put(t);
    return r;
}

long sys_sched_getattr(const u64 *a)
{
    struct sched_attr at;
    u32 size = (u32)a[2];
    struct task *t;

    if ((int)a[0] < 0 || !a[1] || a[3]) return -EINVAL;
    if (size < SCHED_ATTR_SIZE_VER0 || size > PAGE_SIZE) return -EINVAL;
    t = target((int)a[0]);
    if (!t) return -ESRCH;
    memset(&at, 0, sizeof at);
    at.size = min(size, (u32)sizeof at);
    at.sched_policy = (u32)t->policy;
    at.sched_priority = (u32)t->rt_prio;
    at.sched_nice = is_rt(t->policy) ? 0 : t->nice;
    task_put(t);
    return copy_to_user(a[1], &at, at.size);
}

/* -- nice values and I/O priorities: of a process, a group or a user -- */

struct pick { int which; u32 who; };

static bool picked(struct task *t, const struct pick *k)
{
    struct cred *c;
    bool yes;

    if (k->which == PRIO_PROCESS) return (u32)t->tid == k->who;
    if (k->which == PRIO_PGRP) return (u32)t->proc->pgid == k->who;
    c = task_cred_get(t);
    yes = c->uid == k->who;
    cred_put(c);
    return yes;
}

/* fn's first negative result, else its greatest; -ESRCH when nobody was picked. */
static long for_picked(struct pick k, long (*fn)(struct task *t, long v), long v)
{
    long best = -ESRCH;
    struct proc *p;
    struct task *t;

    if (k.which < PRIO_PROCESS || k.which > PRIO_USER) return -EINVAL;
    if (!k.who) {
        k.who = k.which == PRIO_PROCESS ? (u32)current()->tid
              : k.which == PRIO_PGRP ? (u32)current()->proc->pgid : current()->cred->uid;
    } else if (k.which != PRIO_USER) {
        k.who = (u32)pid_id((int)k.who);
        if (!k.who) return -ESRCH;
    }
    mutex_lock(&procs_lock);
    list_for_each(p, &procs_all, all_link) {
        list_for_each(t, &p->threads, proc_link) {
            long r;

            if (t->state == TASK_ZOMBIE || !picked(t, &k)) continue;
            r = fn(t, v);
            if (r < 0 && best >= 0) continue;
            if (best == -ESRCH || r > best) best = r;
        }
    }
    mutex_unlock(&procs_lock);
    return best;
}

static long read_nice(struct task *t, long v) { return 20 - t->nice; }

static long write_nice(struct task *t, long v)
{
    if (!may_set(t)) return -EPERM;
    if (v < t->nice && !capable(CAP_SYS_NICE) && 20 - v > (long)rlimit(t->proc, RLIMIT_NICE))
        return -EACCES;
    t->nice = (int)v;
    plat_sched_changed(t);
    return 0;
}

long sys_getpriority(const u64 *a)
{
    return for_picked((struct pick){ (int)a[0], (u32)a[1] }, read_nice, 0);
}

long sys_setpriority(const u64 *a)
{
    int nice = max(-20, min(19, (int)a[2]));

    return for_picked((struct pick){ (int)a[0], (u32)a[1] }, write_nice, nice);
}

static long read_ioprio(struct task *t, long v) { return t->ioprio; }

static long write_ioprio(struct task *t, long v)
{
    if (!may_set(t)) return -EPERM;
    t->ioprio = (int)v;
    return 0;
}

long sys_ioprio_get(const u64 *a)
{
    return for_picked((struct pick){ (int)a[0] - 1, (u32)a[1] }, read_ioprio, 0);
}

long sys_ioprio_set(const u64 *a)
{
    int class = (int)a[2] >> 13;

    if (class < 0 || class > 3) return -EINVAL;
    if (class == 1 && !capable(CAP_SYS_ADMIN) && !capable(CAP_SYS_NICE)) return -EPERM;
    return for_picked((struct pick){ (int)a[0] - 1, (u32)a[1] }, write_ioprio, (int)a[2]);
}
