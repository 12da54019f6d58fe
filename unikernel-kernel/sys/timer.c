/* System calls: timers (setitimer(2), timer_create(2), timerfd_create(2)). */
#include <linux/fcntl.h>
#include <linux/time.h>
#include <linux/timerfd.h>
#include "sys.h"
#include "task.h"
#include "user.h"
#include "vfs.h"

/* -- struct itimerval -- */

static int itimerval_from_user(uptr_t addr, struct itimer *it_r)
{
    s64 v[4];           /* interval, value: seconds, microseconds */

    if (copy_from_user(v, addr, sizeof v) < 0) return -EFAULT;
    if (v[0] < 0 || v[2] < 0 || (u64)v[1] >= 1000000 || (u64)v[3] >= 1000000) return -EINVAL;
    it_r->interval = time_ns((u64)v[0], (u64)v[1] * 1000);
    it_r->value = time_ns((u64)v[2], (u64)v[3] * 1000);
    return 0;
}

static int itimerval_to_user(uptr_t addr, const struct itimer *it)
{
    const u64 v[4] = { it->interval / NSEC_PER_SEC, it->interval % NSEC_PER_SEC / 1000,
                       it->value / NSEC_PER_SEC, it->value % NSEC_PER_SEC / 1000 };

    return copy_to_user(addr, v, sizeof v);
}

long sys_getitimer(const u64 *a)
{
    struct itimer it;
    int r = itimer_get(current()->proc, (int)a[0], &it);

    return r < 0 ? r : itimerval_to_user(a[1], &it);
}

long sys_setitimer(const u64 *a)
{
    struct itimer it = { 0, 0 }, old;
    int r = a[1] ? itimerval_from_user(a[1], &it) : 0;

    if (!r) r = itimer_set(current()->proc, (int)a[0], &it, &old);
    if (r < 0) return r;
    return a[2] ? itimerval_to_user(a[2], &old) : 0;
}

long sys_alarm(const u64 *a)
{
    const struct itimer it = { .value = (u64)(u32)a[0] * NSEC_PER_SEC };
    struct itimer old;
    int r = itimer_set(current()->proc, ITIMER_REAL, &it, &old);

    if (r < 0) return r;
    /* to the nearest second, but never 0 for one that was armed */
    if (old.value && old.value < NSEC_PER_SEC) return 1;
    return (long)((old.value + NSEC_PER_SEC / 2) / NSEC_PER_SEC);
}

/* -- struct itimerspec -- */

static int itimerspec_from_user(uptr_t addr, struct itimer *it_r)
{
    int r = timespec_from_user(addr, &it_r->interval);

    return r < 0 ? r : timespec_from_user(addr + 16, &it_r->value);
}

static int itimerspec_to_user(uptr_t addr, const struct itimer *it)
{
    int r = timespec_to_user(addr, it->interval);

    return r < 0 ? r : timespec_to_user(addr + 16, it->value);
}

long sys_timer_create(const u64 *a)
{
    struct { u64 value; int signo, notify, tid, pad; } se;
    struct ptimer_event ev;
    int id;

    if (a[1]) {
        if (copy_from_user(&se, a[1], sizeof se) < 0) return -EFAULT;
        ev = (struct ptimer_event){ .notify = se.notify, .signo = se.signo, .tid = se.tid,
                                    .value = se.value };
    }
    id = ptimer_create((int)a[0], a[1] ? &ev : NULL);
    if (id >= 0 && put_user(id, a[2]) < 0) {
        ptimer_delete(id);
        return -EFAULT;
    }
    return id < 0 ? id : 0;
}

long sys_timer_settime(const u64 *a)
{
    struct itimer it, old;
    int r;

    if (!a[2]) return -EINVAL;
    r = itimerspec_from_user(a[2], &it);
    if (!r) r = ptimer_set((int)a[0], a[1] & TIMER_ABSTIME, &it, &old);
    if (r < 0) return r;
    return a[3] ? itimerspec_to_user(a[3], &old) : 0;
}

long sys_timer_gettime(const u64 *a)
{
    struct itimer it;
    int r = ptimer_get((int)a[0], &it);

    return r < 0 ? r : itimerspec_to_user(a[1], &it);
}

long sys_timer_getoverrun(const u64 *a) { return ptimer_overrun((int)a[0]); }
long sys_timer_delete(const u64 *a) { return ptimer_delete((int)a[0]); }

/* -- timerfd -- */

long sys_timerfd_create(const u64 *a)
{
    int clock = (int)a[0];
    u32 flags = (u32)a[1];
    struct file *f;
    long r;

    if (flags & ~(u32)(TFD_CLOEXEC | TFD_NONBLOCK)) return -EINVAL;
    if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC && clock != CLOCK_BOOTTIME &&
        clock != CLOCK_REALTIME_ALARM && clock != CLOCK_BOOTTIME_ALARM)
        return -EINVAL;
    f = timerfd_new(clock, flags);
    if (!f) return -ENOMEM;
    r = fd_install(f, 0, flags & TFD_CLOEXEC);
    if (r < 0) file_put(f);
    return r;
}

long sys_timerfd_settime(const u64 *a)
{
    u32 flags = (u32)a[1];
    struct itimer it, old;
    struct file *f;
    int r;

    if (flags & ~(u32)(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET)) return -EINVAL;
    r = itimerspec_from_user(a[2], &it);
    if (r < 0) return r;
    f = fd_get((int)a[0]);
    if (!f) return -EBADF;
    r = timerfd_set(f, flags & TFD_TIMER_ABSTIME, &it, &old);
    file_put(f);
    if (r < 0) return r;
    return a[3] ? itimerspec_to_user(a[3], &old) : 0;
}

long sys_timerfd_gettime(const u64 *a)
{
    struct file *f = fd_get((int)a[0]);
    struct itimer it;
    int r;

    if (!f) return -EBADF;
    r = timerfd_get(f, &it);
    file_put(f);
    return r < 0 ? r : itimerspec_to_user(a[1], &it);
}
