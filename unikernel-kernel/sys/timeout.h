/* A program's timeout to a deadline: monotonic ns, 0: don't wait, WAIT_FOREVER. */
#ifndef SYS_TIMEOUT_H
#define SYS_TIMEOUT_H
#include <linux/time_types.h>
#include "time.h"
#include "user.h"
#include "wait.h"

static inline u64 deadline_after(u64 ns)
{
    u64 now = time_mono();

    return ns == 0 ? 0 : ns > WAIT_FOREVER - now ? WAIT_FOREVER : now + ns;
}

static inline int deadline_from_parts(s64 sec, s64 nsec, u64 *deadline_r)
{
    if (sec < 0 || nsec < 0 || nsec >= (s64)NSEC_PER_SEC)
        return -EINVAL;
    *deadline_r = (u64)sec > WAIT_FOREVER / NSEC_PER_SEC / 2 ? WAIT_FOREVER :
                  deadline_after((u64)sec * NSEC_PER_SEC + (u64)nsec);
    return 0;
}

/* addr 0: forever. */
static inline int deadline_from_timespec(uptr_t addr, u64 *deadline_r)
{
    struct __kernel_timespec ts;

    *deadline_r = WAIT_FOREVER;
    if (!addr)
        return 0;
    if (get_user(ts, addr))
        return -EFAULT;
    return deadline_from_parts(ts.tv_sec, ts.tv_nsec, deadline_r);
}

static inline u64 deadline_from_ms(int ms)
{
    return ms < 0 ? WAIT_FOREVER : deadline_after((u64)ms * 1000000);
}

/* What is left, for calls that write it back. */
static inline u64 time_left(u64 deadline)
{
    u64 now = time_mono();

    return deadline > now ? deadline - now : 0;
}
#endif
