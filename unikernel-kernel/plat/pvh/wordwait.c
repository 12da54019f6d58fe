/* Sleeping on a word of memory: the slow path of locks, and device interrupts. */
#include "pvh.h"

#define BUCKETS 64
struct word_waiter { struct word_waiter *next; u32 *v; struct task *task; bool woken; };
static struct { struct word_waiter *first; } words[BUCKETS];

static struct word_waiter **bucket(const u32 *v)
{
    return &words[((u64)v >> 2 ^ (u64)v >> 12) % BUCKETS].first;
}

/* Locked. In the order of arrival: append. */
static void word_sleep(u32 *v, u32 seen, u64 deadline)
{
    struct word_waiter w = { NULL, v, this_cpu()->task, false }, **p = bucket(v);

    if (READ_ONCE(*v) != seen)
        return;
    while (*p)
        p = &(*p)->next;
    *p = &w;
    pvh_block(deadline);
    if (w.woken)
        return;
    for (p = bucket(v); *p && *p != &w;)
        p = &(*p)->next;
    if (*p)
        *p = w.next;
}

void pvh_word_wait(u32 *v, u32 seen, u64 deadline)
{
    u64 f = pvh_sched_lock();

    word_sleep(v, seen, deadline);
    pvh_sched_unlock(f);
}

void pvh_futex_wake(u32 *v, int n)
{
    u64 f = pvh_sched_lock();
    struct word_waiter **p = bucket(v);

    while (*p && n) {
        struct word_waiter *w = *p;
        if (w->v != v) {
            p = &w->next;
            continue;
        }
        struct task *t = w->task;
        *p = w->next;
        w->woken = true;
        n--;
        pvh_ready(t, !(f & 0x200));
    }
    pvh_sched_unlock(f);
}

void plat_lock_wait(u32 *v, u32 seen) { pvh_word_wait(v, seen, WAIT_FOREVER); }
void plat_lock_wake(u32 *v) { pvh_futex_wake(v, 1); }
