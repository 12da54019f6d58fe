/* The contended side of lock.h. The word is 0, or the owner's tid, with LOCK_WAITERS
 * when somebody may be asleep on it (a futex mutex in three states). */
#include "lock.h"
#include "plat.h"
#include "proc.h"

enum { LOCK_SPINS = 200 };

u32 lock_self(void)
{
    int tid = current()->tid;
    return tid ? (u32)tid : 1;
}

/* The host may have killed the owner in the middle of a section: what the lock guards
 * is then in an unknown state, and waiting would never end. */
static void check_owner(const u32 *v, u32 seen)
{
    u32 tid = seen & ~LOCK_WAITERS;
    const struct task *t = task_peek((int)tid);

    /* one that is on its way to another host process has none to name: not killed */
    if (!t || t == current() || !plat_task_killed(t)) return;
    if ((READ_ONCE(*v) & ~LOCK_WAITERS) != tid || task_peek((int)tid) != t) return;
    panic("task %d (%s) was killed by the host while it held a kernel lock", t->tid, t->comm);
}

void lock_slow(u32 *v)
{
    u32 self = lock_self();

    assert((READ_ONCE(*v) & ~LOCK_WAITERS) != self);
    if (plat_ncpus() > 1) {
        for (int i = 0; i < LOCK_SPINS; i++) {
            if (READ_ONCE(*v) == 0 && lock_try_(v)) return;
            __builtin_ia32_pause();
        }
    }
    for (;;) {
        u32 seen = READ_ONCE(*v);

        if (seen == 0) {
            /* others may sleep still: keep the bit, one needless wake at worst */
            if (__atomic_compare_exchange_n(v, &seen, self | LOCK_WAITERS, false,
                                            __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
                return;
            continue;
        }
        if (!(seen & LOCK_WAITERS)) {
            if (!__atomic_compare_exchange_n(v, &seen, seen | LOCK_WAITERS, false,
                                             __ATOMIC_RELAXED, __ATOMIC_RELAXED))
                continue;
            seen |= LOCK_WAITERS;
        }
        plat_lock_wait(v, seen);
        if (READ_ONCE(*v) == seen) check_owner(v, seen);
    }
}

void unlock_slow(u32 *v)
{
    plat_lock_wake(v);
}
