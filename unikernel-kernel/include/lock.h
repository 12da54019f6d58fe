/* Locks. Both kinds work between host processes (pv) and vCPUs (pvh); the slow path
 * is the platform's. A lock's owner is its task, so that a holder killed by the host
 * is found (the domain then ends with a report, docs/ARCHITECTURE.md "Locks").
 *
 *   spinlock  short sections; nothing in them sleeps, faults or copies user memory.
 *             May be taken by device handlers and timers.
 *   mutex     may be held over sleeps and user copies; only in task context. */
#ifndef LOCK_H
#define LOCK_H

#include "kernel.h"

/* 0 free, else the owner's tid | LOCK_WAITERS. */
#define LOCK_WAITERS 0x80000000u
struct spinlock { u32 v; };
struct mutex { u32 v; };

u32 lock_self(void);            /* the running task's id; 1 before there are tasks */
void lock_slow(u32 *v);
void unlock_slow(u32 *v);

static inline bool lock_try_(u32 *v)
{
    u32 free = 0;
    return __atomic_compare_exchange_n(v, &free, lock_self(), false, __ATOMIC_ACQUIRE,
                                       __ATOMIC_RELAXED);
}
static inline void lock_(u32 *v) { if (unlikely(!lock_try_(v))) lock_slow(v); }
static inline void unlock_(u32 *v)
{
    if (unlikely(__atomic_exchange_n(v, 0, __ATOMIC_RELEASE) & LOCK_WAITERS))
        unlock_slow(v);
}
static inline void spin_lock(struct spinlock *l) { lock_(&l->v); }
static inline void spin_unlock(struct spinlock *l) { unlock_(&l->v); }
static inline void mutex_lock(struct mutex *m) { lock_(&m->v); }
static inline bool mutex_trylock(struct mutex *m) { return lock_try_(&m->v); }
static inline void mutex_unlock(struct mutex *m) { unlock_(&m->v); }
static inline bool mutex_held(const struct mutex *m)
{
    return (READ_ONCE(m->v) & ~LOCK_WAITERS) == lock_self();
}
#endif
