/* Futexes with an owner: the word holds the owner's tid, and unlocking hands it to the
 * longest waiter. Priorities are not inherited: the host schedules (docs/CAVEATS.md).
 * Also the ends of owners: robust lists (set_robust_list(2)) and clear_tid. */
#include <linux/futex.h>
#include "futex_i.h"
#include "mm.h"
#include "user.h"

enum { ROBUST_MAX = 2048 };     /* entries walked: the list is the program's */

static bool owner_lives(u32 tid)
{
    struct task *t = task_find_get((int)tid);
    bool ok;

    if (!t) return false;
    ok = t->state < TASK_ZOMBIE;
    task_put(t);
    return ok;
}

/* Makes the word ours or marks that we wait. 1: ours; 0: wait; else -errno. */
static int take_or_mark(uptr_t addr, u32 self, bool try)
{
    u32 old, new, seen = 0;
    int r = user_load32(addr, &old);

    while (!r) {
        u32 owner = old & FUTEX_TID_MASK;

        if (owner == self) return -EDEADLK;
        if (!owner) new = self | (old & (FUTEX_WAITERS | FUTEX_OWNER_DIED));
        else if (try) return -EAGAIN;
        else new = old | FUTEX_WAITERS;
        if (owner && !owner_lives(owner)) {
            /* it may have let go of the word first, and then ended */
            r = user_load32(addr, &seen);
            if (!r && seen == old) return -ESRCH;
        } else {
            r = user_cmpxchg32(addr, old, new, &seen);
            if (!r && seen == old) return !owner;
        }
        old = seen;
    }
    return r;
}

long futex_lock_pi(uptr_t addr, bool shared, u64 deadline, bool try)
{
    struct futex_waiter q = { .task = current(), .bitset = FUTEX_BITSET_MATCH_ANY, .pi = true };
    struct futex_bucket *b;
    int r = futex_key(addr, shared, &q.key);

    if (r < 0) return r;
    b = futex_bucket(&q.key);
    __atomic_add_fetch(&b->waiters, 1, __ATOMIC_SEQ_CST);
    futex_bucket_lock(b);
    r = take_or_mark(addr, (u32)pid_nr(current()->tid), try);
    if (!r) futex_queue(&q, b);
    else __atomic_sub_fetch(&b->waiters, 1, __ATOMIC_RELAXED);
    mutex_unlock(&b->lock);
    if (r) return r < 0 ? r : 0;
    return futex_sleep(&q, deadline);   /* woken: the word names us */
}

/* What a waiter calls itself. */
static u32 number(const struct task *t)
{
    return (u32)pid_nr_in(t->proc->pidns, t->tid);
}

static struct futex_waiter *first_pi(struct futex_bucket *b, const struct futex_key *key,
                                     bool *more_r)
{
    struct futex_waiter *q, *found = NULL;

    *more_r = false;
    list_for_each(q, &b->head, link) {
        if (!q->pi || q->key.k[0] != key->k[0] || q->key.k[1] != key->k[1]) continue;
        if (found) {
            *more_r = true;
            break;
        }
        found = q;
    }
    return found;
}

/* Gives the word, which holds `old`, to its first waiter or to nobody. */
static int hand_over(uptr_t addr, bool shared, u32 old, u32 died)
{
    struct wakeups w = { .n = 0 };
    struct futex_bucket *b;
    struct futex_waiter *q;
    struct futex_key key;
    bool more;
    u32 seen, new;
    int r = futex_key(addr, shared, &key);

    if (r < 0) return r;
    b = futex_bucket(&key);
    futex_bucket_lock(b);
    do {
        q = first_pi(b, &key, &more);
        new = died | (q ? number(q->task) : 0) | (more ? FUTEX_WAITERS : 0);
        r = user_cmpxchg32(addr, old, new, &seen);
        if (r || seen == old) break;
        /* only the waiters' bit may change while we are the owner */
        if ((seen ^ old) & FUTEX_TID_MASK) r = -EAGAIN;
        old = seen;
    } while (!r);
    if (!r && q) {
        futex_unqueue(q);
        wakeups_add(&w, q->task);
        __atomic_store_n(&q->woken, true, __ATOMIC_RELEASE);
    }
    mutex_unlock(&b->lock);
    wakeups_run(&w);
    return r;
}

int futex_unlock_pi(uptr_t addr, bool shared)
{
    u32 old;
    int r = user_load32(addr, &old);

    if (r < 0) return r;
    if ((old & FUTEX_TID_MASK) != (u32)pid_nr(current()->tid)) return -EPERM;
    return hand_over(addr, shared, old, 0);
}

/* -- the end of a task -- */

int futex_owner_died(uptr_t addr, bool pi)
{
    u32 self = (u32)pid_nr(current()->tid), old, seen;
    int r;

    if (addr & 3) return -EINVAL;
    r = user_load32(addr, &old);
    while (!r && (old & FUTEX_TID_MASK) == self) {
        if (pi) return hand_over(addr, true, old, FUTEX_OWNER_DIED);
        r = user_cmpxchg32(addr, old, (old & FUTEX_WAITERS) | FUTEX_OWNER_DIED, &seen);
        if (r || seen == old) break;
        old = seen;
    }
    if (!r && (old & FUTEX_WAITERS)) futex_wake(addr, true, 1);
    return r;
}

static void walk_robust(uptr_t head)
{
    struct { u64 next, offset, pending; } h;
    u64 entry, next;

    if (copy_from_user(&h, head, sizeof h) < 0) return;
    entry = h.next;
    for (int i = 0; i < ROBUST_MAX && (entry & ~1ull) != head; i++) {
        u64 at = entry & ~1ull;

        if (copy_from_user(&next, at, sizeof next) < 0) return;
        if (at != (h.pending & ~1ull) && futex_owner_died(at + h.offset, entry & 1) < 0) return;
        entry = next;
    }
    if (h.pending & ~1ull) futex_owner_died((h.pending & ~1ull) + h.offset, h.pending & 1);
}

void futex_task_exit(struct task *t)
{
    uptr_t robust = t->robust_list, clear = t->clear_tid;

    t->robust_list = t->clear_tid = 0;
    if (!t->mm) return;
    if (robust) walk_robust(robust);
    if (!clear) return;
    /* Nobody else looks at it when the address space has no other user: spare the copy. */
    if (READ_ONCE(t->mm->ref.n) < 2) return;
    if (put_user((u32)0, clear) == 0) futex_wake(clear, true, 1);
}
