/* Futexes (futex(2)): waiters in a hash table by the identity of the word.
 *
 * A bucket's lock is a mutex, as the word is read with it held and may have to be
 * brought in. A waiter lives on its task's stack; `bucket` and `woken` change only with
 * the bucket's lock, and once `woken` is set nobody but its task touches it. */
#include <linux/futex.h>
#include "futex_i.h"
#include "mm.h"
#include "user.h"

enum { BUCKETS = 256 };
static struct futex_bucket table[BUCKETS];

int futex_key(uptr_t addr, bool shared, struct futex_key *key_r)
{
    if (addr & 3) return -EINVAL;
    if (shared) return mm_futex_key(addr, true, key_r->k);
    key_r->k[0] = (u64)current()->mm;
    key_r->k[1] = addr;
    return 0;
}

struct futex_bucket *futex_bucket(const struct futex_key *key)
{
    u64 h = (key->k[0] >> 4 ^ key->k[1] >> 2) * 0x9e3779b97f4a7c15ull;

    return &table[h >> 56];
}

void futex_bucket_lock(struct futex_bucket *b)
{
    mutex_lock(&b->lock);
    if (unlikely(!b->head.next)) list_init(&b->head);
}

void futex_lock_two(struct futex_bucket *a, struct futex_bucket *b)
{
    futex_bucket_lock(a < b ? a : b);
    if (a != b) futex_bucket_lock(a < b ? b : a);
}

void futex_unlock_two(struct futex_bucket *a, struct futex_bucket *b)
{
    mutex_unlock(&a->lock);
    if (a != b) mutex_unlock(&b->lock);
}

static bool same(const struct futex_key *a, const struct futex_key *b)
{
    return a->k[0] == b->k[0] && a->k[1] == b->k[1];
}

/* -- waking: the tasks are gathered under the lock and woken after it -- */

void wakeups_add(struct wakeups *w, struct task *t)
{
    if (w->n == ARRAY_SIZE(w->task)) wakeups_run(w);
    ref_get(&t->ref);
    w->task[w->n++] = t;
}

void wakeups_run(struct wakeups *w)
{
    for (u32 i = 0; i < w->n; i++) {
        task_wake(w->task[i]);
        task_put(w->task[i]);
    }
    w->n = 0;
}

void futex_unqueue(struct futex_waiter *q)
{
    list_del(&q->link);
    __atomic_sub_fetch(&q->bucket->waiters, 1, __ATOMIC_RELAXED);
}

static void wake_waiter(struct futex_waiter *q, struct wakeups *w)
{
    futex_unqueue(q);
    wakeups_add(w, q->task);
    __atomic_store_n(&q->woken, true, __ATOMIC_RELEASE);        /* q may be gone now */
}

/* Up to n waiters of the key with a bit of the set. Bucket locked. */
static int wake_some(struct futex_bucket *b, const struct futex_key *key, u32 n, u32 bitset,
                     struct wakeups *w)
{
    struct futex_waiter *q, *tmp;
    u32 done = 0;

    list_for_each_safe(q, tmp, &b->head, link) {
        if (done >= n) break;
        if (!same(&q->key, key) || !(q->bitset & bitset)) continue;
        if (q->pi) return -EINVAL;
        wake_waiter(q, w);
        done++;
    }
    return (int)done;
}

/* A waiter counts itself before it reads the word, a waker looks after it wrote it. */
static bool nobody_waits(const struct futex_bucket *b)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    return !READ_ONCE(b->waiters);
}

static int wake_key(const struct futex_key *key, u32 n, u32 bitset)
{
    struct futex_bucket *b = futex_bucket(key);
    struct wakeups w = { .n = 0 };
    int r;

    if (nobody_waits(b)) return 0;
    futex_bucket_lock(b);
    r = wake_some(b, key, n, bitset, &w);
    mutex_unlock(&b->lock);
    wakeups_run(&w);
    return r;
}

int futex_wake_bitset(uptr_t addr, bool shared, u32 n, u32 bitset)
{
    struct futex_key key;
    int r;

    if (!bitset) return -EINVAL;
    r = futex_key(addr, shared, &key);
    return r < 0 ? r : wake_key(&key, n, bitset);
}

int futex_wake(uptr_t addr, bool shared, u32 n)
{
    return futex_wake_bitset(addr, shared, n, FUTEX_BITSET_MATCH_ANY);
}

/* -- waiting -- */

void futex_queue(struct futex_waiter *q, struct futex_bucket *b)
{
    q->bucket = b;
    list_add_tail(&b->head, &q->link);
}

/* True: it had not been woken and is out of the queue now. */
static bool leave_queue(struct futex_waiter *q)
{
    for (;;) {
        struct futex_bucket *b = __atomic_load_n(&q->bucket, __ATOMIC_ACQUIRE);
        bool moved, woken;

        mutex_lock(&b->lock);
        moved = q->bucket != b;         /* requeued meanwhile */
        woken = q->woken;
        if (!moved && !woken) futex_unqueue(q);
        mutex_unlock(&b->lock);
        if (!moved) return !woken;
    }
}

int futex_sleep(struct futex_waiter *q, u64 deadline)
{
    int r = 0;

    while (!__atomic_load_n(&q->woken, __ATOMIC_ACQUIRE) && !r)
        r = task_sleep(deadline, true);
    if (!r || !leave_queue(q)) return 0;
    return r;
}

long futex_wait(uptr_t addr, bool shared, u32 val, u64 deadline, u32 bitset)
{
    struct futex_waiter q = { .task = current(), .bitset = bitset };
    struct task *t = current();
    struct futex_bucket *b;
    u32 seen;
    int r;

    if (!bitset) return -EINVAL;
    r = futex_key(addr, shared, &q.key);
    if (r < 0) return r;
    b = futex_bucket(&q.key);
    __atomic_add_fetch(&b->waiters, 1, __ATOMIC_SEQ_CST);
    futex_bucket_lock(b);
    r = user_load32(addr, &seen);
    if (!r && seen != val) r = -EAGAIN;
    if (!r) futex_queue(&q, b);
    else __atomic_sub_fetch(&b->waiters, 1, __ATOMIC_RELAXED);
    mutex_unlock(&b->lock);
    if (r) return r;

    r = futex_sleep(&q, deadline);
    if (r != -ERESTARTSYS || deadline == WAIT_FOREVER) return r;
    t->restart_deadline = deadline;
    t->restart_arg[0] = RESTART_FUTEX | (u64)shared << 8 | (u64)bitset << 32;
    t->restart_arg[1] = addr;
    t->restart_arg[2] = val;
    return -ERESTART_RESTARTBLOCK;
}

long futex_restart(struct task *t)
{
    return futex_wait(t->restart_arg[1], t->restart_arg[0] >> 8 & 1, (u32)t->restart_arg[2],
                      t->restart_deadline, (u32)(t->restart_arg[0] >> 32));
}

/* -- two words -- */

int futex_requeue(uptr_t from, uptr_t to, bool shared, u32 nwake, u32 nmove, const u32 *expect)
{
    struct wakeups w = { .n = 0 };
    struct futex_waiter *q, *tmp;
    struct futex_key k1, k2;
    struct futex_bucket *b1, *b2;
    u32 seen, moved = 0;
    int r = futex_key(from, shared, &k1);

    if (!r) r = futex_key(to, shared, &k2);
    if (r < 0) return r;
    b1 = futex_bucket(&k1);
    b2 = futex_bucket(&k2);
    futex_lock_two(b1, b2);
    if (expect) {
        r = user_load32(from, &seen);
        if (!r && seen != *expect) r = -EAGAIN;
    }
    if (!r) r = wake_some(b1, &k1, nwake, FUTEX_BITSET_MATCH_ANY, &w);
    if (r >= 0) {
        list_for_each_safe(q, tmp, &b1->head, link) {
            if (moved >= nmove) break;
            if (!same(&q->key, &k1) || q->pi) continue;
            moved++;
            q->key = k2;
            if (b1 == b2) continue;
            futex_unqueue(q);
            __atomic_add_fetch(&b2->waiters, 1, __ATOMIC_RELAXED);
            futex_queue(q, b2);
        }
        r += (int)moved;
    }
    futex_unlock_two(b1, b2);
    wakeups_run(&w);
    return r;
}

static u32 apply(u32 op, u32 old, u32 arg)
{
    switch (op) {
    case FUTEX_OP_SET: return arg;
    case FUTEX_OP_ADD: return old + arg;
    case FUTEX_OP_OR: return old | arg;
    case FUTEX_OP_ANDN: return old & ~arg;
    default: return old ^ arg;
    }
}

static bool compare(u32 cmp, s32 old, s32 arg)
{
    switch (cmp) {
    case FUTEX_OP_CMP_EQ: return old == arg;
    case FUTEX_OP_CMP_NE: return old != arg;
    case FUTEX_OP_CMP_LT: return old < arg;
    case FUTEX_OP_CMP_LE: return old <= arg;
    case FUTEX_OP_CMP_GT: return old > arg;
    default: return old >= arg;
    }
}

static s32 sign12(u32 v) { return (s32)(v << 20) >> 20; }

/* The word at addr becomes op(word); true_r: how its old value compared. */
static int modify(uptr_t addr, u32 enc, bool *true_r)
{
    u32 op = enc >> 28 & 7, cmp = enc >> 24 & 15, old, seen;
    s32 oparg = sign12(enc >> 12 & 0xfff), cmparg = sign12(enc & 0xfff);
    int r;

    if (enc >> 28 & FUTEX_OP_OPARG_SHIFT) oparg = (s32)(1u << (oparg & 31));
    if (op > FUTEX_OP_XOR || cmp > FUTEX_OP_CMP_GE) return -ENOSYS;
    r = user_load32(addr, &old);
    while (!r) {
        r = user_cmpxchg32(addr, old, apply(op, old, (u32)oparg), &seen);
        if (r || seen == old) break;
        old = seen;
    }
    if (!r) *true_r = compare(cmp, (s32)old, cmparg);
    return r;
}

int futex_wake_op(uptr_t a1, uptr_t a2, bool shared, u32 n1, u32 n2, u32 enc)
{
    struct wakeups w = { .n = 0 };
    struct futex_bucket *b1, *b2;
    struct futex_key k1, k2;
    bool second = false;
    int r = futex_key(a1, shared, &k1), r2 = 0;

    if (!r) r = futex_key(a2, shared, &k2);
    if (r < 0) return r;
    b1 = futex_bucket(&k1);
    b2 = futex_bucket(&k2);
    futex_lock_two(b1, b2);
    r = modify(a2, enc, &second);
    if (!r) r = wake_some(b1, &k1, n1, FUTEX_BITSET_MATCH_ANY, &w);
    if (r >= 0 && second) r2 = wake_some(b2, &k2, n2, FUTEX_BITSET_MATCH_ANY, &w);
    futex_unlock_two(b1, b2);
    wakeups_run(&w);
    return r2 < 0 ? r2 : r < 0 ? r : r + r2;
}
