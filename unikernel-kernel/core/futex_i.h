/* Between core/futex*.c and sys/futex.c. */
#ifndef FUTEX_I_H
#define FUTEX_I_H
#include "futex.h"
#include "task.h"

struct futex_key { u64 k[2]; };

struct futex_bucket {
    struct mutex lock;
    u32 waiters;                /* queued here, or about to look at their word */
    struct list head;           /* of futex_waiter */
};

struct futex_waiter {
    struct list link;
    struct task *task;
    struct futex_key key;
    struct futex_bucket *bucket;
    u32 bitset;
    bool woken, pi;             /* pi: waits to own the word */
};

/* Tasks to wake once the locks are free. */
struct wakeups { u32 n; struct task *task[16]; };
void wakeups_add(struct wakeups *w, struct task *t);
void wakeups_run(struct wakeups *w);

int futex_key(uptr_t addr, bool shared, struct futex_key *key_r);
struct futex_bucket *futex_bucket(const struct futex_key *key);
void futex_bucket_lock(struct futex_bucket *b);
void futex_lock_two(struct futex_bucket *a, struct futex_bucket *b);
void futex_unlock_two(struct futex_bucket *a, struct futex_bucket *b);
/* The caller has added 1 to b->waiters; futex_unqueue takes it off. */
void futex_queue(struct futex_waiter *q, struct futex_bucket *b);
void futex_unqueue(struct futex_waiter *q);
/* Until woken: 0, or -ETIMEDOUT or -ERESTARTSYS and out of the queue. */
int futex_sleep(struct futex_waiter *q, u64 deadline);

/* futex(2)'s operations. */
long futex_wait(uptr_t addr, bool shared, u32 val, u64 deadline, u32 bitset);
int futex_wake_bitset(uptr_t addr, bool shared, u32 n, u32 bitset);
int futex_requeue(uptr_t from, uptr_t to, bool shared, u32 nwake, u32 nmove, const u32 *expect);
int futex_wake_op(uptr_t a1, uptr_t a2, bool shared, u32 n1, u32 n2, u32 enc);
/* core/futex_pi.c */
long futex_lock_pi(uptr_t addr, bool shared, u64 deadline, bool try);
int futex_unlock_pi(uptr_t addr, bool shared);
/* The word's owner died: passes the word on, or marks it. */
int futex_owner_died(uptr_t addr, bool pi);
#endif
