/* System calls: clocks and sleeping (clock_gettime(2), nanosleep(2), restart_syscall(2)).
 * The domain's clocks are the host's and are never set from inside. */
#include <linux/time.h>
#include <linux/timex.h>
#include "futex.h"
#include "sys.h"
#include "task.h"
#include "user.h"

long sys_clock_gettime(const u64 *a)
{
    u64 ns;
    int r = clock_read((int)a[0], &ns);

    return r < 0 ? r : timespec_to_user(a[1], ns);
}

long sys_clock_getres(const u64 *a)
{
    u64 ns;
    int r = clock_resolution((int)a[0], &ns);

    if (r < 0) return r;
    return a[1] ? timespec_to_user(a[1], ns) : 0;
}

long sys_clock_settime(const u64 *a)
{
    u64 ns;
    int id = (int)a[0], r;

    if (id != CLOCK_REALTIME) return -EINVAL;
    r = timespec_from_user(a[1], &ns);
    return r < 0 ? r : -EPERM;
}

long sys_gettimeofday(const u64 *a)
{
    u64 now = time_real();
    const u64 tv[2] = { now / NSEC_PER_SEC, now % NSEC_PER_SEC / 1000 };
    const s32 tz[2] = { 0, 0 };

    if (a[0] && copy_to_user(a[0], tv, sizeof tv) < 0) return -EFAULT;
    return a[1] ? copy_to_user(a[1], tz, sizeof tz) : 0;
}

long sys_settimeofday(const u64 *a)
{
    u64 tv[2];

    if (a[0] && copy_from_user(tv, a[0], sizeof tv) < 0) return -EFAULT;
    if (a[0] && tv[1] >= 1000000) return -EINVAL;
    return -EPERM;
}

long sys_time(const u64 *a)
{
    s64 now = (s64)(time_real() / NSEC_PER_SEC);

    if (a[0] && put_user(now, a[0]) < 0) return -EFAULT;
    return now;
}

/* Reading works; there is no drift of our own to tell about. */
static long read_timex(uptr_t addr)
{
    struct __kernel_timex tx;
    u64 now = time_real();

    if (copy_from_user(&tx, addr, sizeof tx) < 0) return -EFAULT;
    if (tx.modes) return -EPERM;
    memset(&tx, 0, sizeof tx);
    tx.status = STA_UNSYNC;
    tx.maxerror = tx.esterror = 16000000;
    tx.constant = 2;
    tx.precision = 1;
    tx.tolerance = 32768000;
    tx.tick = 10000;
    tx.time.tv_sec = (s64)(now / NSEC_PER_SEC);
    tx.time.tv_usec = (s64)(now % NSEC_PER_SEC / 1000);
    return copy_to_user(addr, &tx, sizeof tx) < 0 ? -EFAULT : TIME_ERROR;
}

long sys_adjtimex(const u64 *a) { return read_timex(a[0]); }

long sys_clock_adjtime(const u64 *a)
{
    return (int)a[0] == CLOCK_REALTIME ? read_timex(a[1]) : -EINVAL;
}

/* -- sleeping -- */

long sys_nanosleep(const u64 *a)
{
    u64 ns;
    int r = timespec_from_user(a[0], &ns);

    return r < 0 ? r : sleep_relative(ns, a[1]);
}

long sys_clock_nanosleep(const u64 *a)
{
    int id = (int)a[0], r;
    u64 ns, deadline;

    r = clock_deadline(id, 0, &deadline);
    if (r < 0) return r;
    if (id == CLOCK_MONOTONIC_RAW || id == CLOCK_REALTIME_COARSE ||
        id == CLOCK_MONOTONIC_COARSE)
        return -EOPNOTSUPP;
    r = timespec_from_user(a[2], &ns);
    if (r < 0) return r;
    if (!(a[1] & TIMER_ABSTIME)) return sleep_relative(ns, a[3]);
    clock_deadline(id, ns, &deadline);
    return sleep_absolute(deadline);
}

long sys_restart_syscall(const u64 *a)
{
    struct task *t = current();
    u64 kind = t->restart_arg[0] & 0xff;

    if (kind == RESTART_NANOSLEEP) return sleep_restart();
    if (kind == RESTART_FUTEX) return futex_restart(t);
    return -EINTR;
}
