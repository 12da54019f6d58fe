/* Limits and what was used: rlimits, rusage, times, sysinfo. */
#include <linux/capability.h>
#include <linux/resource.h>
#include <linux/sysinfo.h>
#include <linux/times.h>
#include "mm.h"
#include "rusage.h"
#include "sys.h"
#include "user.h"

enum { TICKS = 100 };           /* USER_HZ */

/* -- rlimits -- */

static long limit_to_user(const struct proc *p, unsigned res, uptr_t dst)
{
    struct rlimit64 r = { p->rlim[res].cur, p->rlim[res].max };

    return copy_to_user(dst, &r, sizeof r);
}

long sys_getrlimit(const u64 *a)
{
    if ((u32)a[0] >= RLIM_NLIMITS) return -EINVAL;
    return limit_to_user(current()->proc, (u32)a[0], a[1]);
}

long sys_setrlimit(const u64 *a)
{
    struct rlimit64 r;

    if ((u32)a[0] >= RLIM_NLIMITS) return -EINVAL;
    if (copy_from_user(&r, a[1], sizeof r) < 0) return -EFAULT;
    return rlimit_set(current()->proc, (u32)a[0], r.rlim_cur, r.rlim_max);
}

/* Another process' limits: same user and group ids, or CAP_SYS_RESOURCE. procs_lock
 * held, p not yet waited for. */
static bool may_limit(struct proc *p)
{
    const struct cred *me = current()->cred;
    struct cred *c;
    bool ok;

    if (p == current()->proc || capable(CAP_SYS_RESOURCE)) return true;
    c = task_cred_get(p->leader);
    ok = me->uid == c->uid && me->uid == c->euid && me->uid == c->suid &&
         me->gid == c->gid && me->gid == c->egid && me->gid == c->sgid;
    cred_put(c);
    return ok;
}

long sys_prlimit64(const u64 *a)
{
    u32 res = (u32)a[1];
    struct rlimit64 new, old;
    struct proc *p;
    long r = 0;

    if (res >= RLIM_NLIMITS) return -EINVAL;
    if (a[2] && copy_from_user(&new, a[2], sizeof new) < 0) return -EFAULT;
    p = proc_by_id(a[0] ? pid_id((int)a[0]) : current()->proc->pid);
    if (!p) return -ESRCH;
    mutex_lock(&procs_lock);
    if (!p->session) r = -ESRCH;
    else if (!may_limit(p)) r = -EPERM;
    old = (struct rlimit64){ p->rlim[res].cur, p->rlim[res].max };
    if (!r && a[2]) r = rlimit_set(p, res, new.rlim_cur, new.rlim_max);
    mutex_unlock(&procs_lock);
    proc_put(p);
    if (!r && a[3]) r = copy_to_user(a[3], &old, sizeof old);
    return r;
}

/* -- usage -- */

int rusage_to_user(uptr_t dst, const struct kusage *u)
{
    struct rusage r;

    memset(&r, 0, sizeof r);
    r.ru_utime.tv_sec = (long)(u->utime / NSEC_PER_SEC);
    r.ru_utime.tv_usec = (long)(u->utime % NSEC_PER_SEC / 1000);
    r.ru_stime.tv_sec = (long)(u->stime / NSEC_PER_SEC);
    r.ru_stime.tv_usec = (long)(u->stime % NSEC_PER_SEC / 1000);
    r.ru_maxrss = (long)(u->maxrss / 1024);
    r.ru_minflt = (long)u->minflt;
    r.ru_nvcsw = (long)u->counts.nvcsw;
    r.ru_nivcsw = (long)u->counts.nivcsw;
    return copy_to_user(dst, &r, sizeof r);
}

static void own_usage(struct kusage *u)
{
    mutex_lock(&procs_lock);
    proc_usage(current()->proc, u);
    mutex_unlock(&procs_lock);
}

long sys_getrusage(const u64 *a)
{
    struct task *t = current();
    struct proc *p = t->proc;
    struct kusage u = { 0 };

    switch ((int)a[0]) {
    case RUSAGE_SELF:
        own_usage(&u);
        u.maxrss = max(u.maxrss, mm_resident_peak(t->mm));
        break;
    case RUSAGE_CHILDREN:
        u = (struct kusage){ .utime = p->cutime, .stime = p->cstime, .minflt = p->cminflt,
                              .maxrss = p->cmaxrss, .counts = p->child_counts };
        break;
    case RUSAGE_THREAD:
        u = (struct kusage){ .minflt = t->minflt, .counts = t->counts,
                              .maxrss = max(p->maxrss, mm_resident_peak(t->mm)) };
        task_times(t, &u.utime, &u.stime);
        break;
    default:
        return -EINVAL;
    }
    return rusage_to_user(a[1], &u);
}

long sys_times(const u64 *a)
{
    const struct proc *p = current()->proc;
    struct kusage u;
    struct tms t;

    if (a[0]) {
        own_usage(&u);
        t.tms_utime = (long)(u.utime / (NSEC_PER_SEC / TICKS));
        t.tms_stime = (long)(u.stime / (NSEC_PER_SEC / TICKS));
        t.tms_cutime = (long)(p->cutime / (NSEC_PER_SEC / TICKS));
        t.tms_cstime = (long)(p->cstime / (NSEC_PER_SEC / TICKS));
        if (copy_to_user(a[0], &t, sizeof t) < 0) return -EFAULT;
    }
    return (long)(time_mono() / (NSEC_PER_SEC / TICKS));
}

long sys_sysinfo(const u64 *a)
{
    struct sysinfo si;

    memset(&si, 0, sizeof si);
    si.uptime = (long)((time_mono() - time_boot()) / NSEC_PER_SEC);
    si.totalram = kmem_total_bytes();
    si.freeram = kmem_free_bytes();
    si.procs = (u16)min(task_count(), 65535);
    si.mem_unit = 1;
    return copy_to_user(a[0], &si, sizeof si);
}
