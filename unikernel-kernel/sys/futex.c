/* System call: futex(2). */
#include <linux/futex.h>
#include "../core/futex_i.h"
#include "sys.h"

/* The time of operations that take one: relative for FUTEX_WAIT, else absolute. */
static int get_deadline(int op, int cmd, uptr_t addr, u64 *deadline_r)
{
    bool real = op & FUTEX_CLOCK_REALTIME || cmd == FUTEX_LOCK_PI;
    u64 ns;
    int r;

    *deadline_r = WAIT_FOREVER;
    if (!addr) return 0;
    r = timespec_from_user(addr, &ns);
    if (r < 0) return r;
    if (cmd == FUTEX_WAIT) {
        *deadline_r = time_deadline(0, ns);
        return 0;
    }
    return clock_deadline(real ? 0 : 1, ns, deadline_r);
}

static long wait(int op, int cmd, const u64 *a, bool shared)
{
    u64 deadline;
    int r = get_deadline(op, cmd, a[3], &deadline);

    if (r < 0) return r;
    switch (cmd) {
    case FUTEX_WAIT: return futex_wait(a[0], shared, (u32)a[2], deadline, ~0u);
    case FUTEX_WAIT_BITSET: return futex_wait(a[0], shared, (u32)a[2], deadline, (u32)a[5]);
    default: return futex_lock_pi(a[0], shared, deadline, false);
    }
}

long sys_futex(const u64 *a)
{
    int op = (int)a[1], cmd = op & FUTEX_CMD_MASK;
    bool shared = !(op & FUTEX_PRIVATE_FLAG);
    u32 val3 = (u32)a[5];

    if (op & FUTEX_CLOCK_REALTIME && cmd != FUTEX_WAIT && cmd != FUTEX_WAIT_BITSET &&
        cmd != FUTEX_LOCK_PI2)
        return -ENOSYS;
    switch (cmd) {
    case FUTEX_WAIT:
    case FUTEX_WAIT_BITSET:
    case FUTEX_LOCK_PI:
    case FUTEX_LOCK_PI2:
        return wait(op, cmd, a, shared);
    case FUTEX_WAKE:
        return futex_wake(a[0], shared, max((s32)a[2], 1));
    case FUTEX_WAKE_BITSET:
        return futex_wake_bitset(a[0], shared, max((s32)a[2], 1), val3);
    case FUTEX_REQUEUE:
    case FUTEX_CMP_REQUEUE:
        if ((s32)a[2] < 0 || (s32)a[3] < 0) return -EINVAL;
        return futex_requeue(a[0], a[4], shared, (u32)a[2], (u32)a[3],
                             cmd == FUTEX_CMP_REQUEUE ? &val3 : NULL);
    case FUTEX_WAKE_OP:
        return futex_wake_op(a[0], a[4], shared, max((s32)a[2], 1), max((s32)a[3], 1), val3);
    case FUTEX_TRYLOCK_PI:
        return futex_lock_pi(a[0], shared, 0, true);
    case FUTEX_UNLOCK_PI:
        return futex_unlock_pi(a[0], shared);
    default:
        return -ENOSYS;
    }
}
