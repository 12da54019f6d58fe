// uses: unikernel-kernel/core/futex.c unikernel-kernel/core/futex_pi.c unikernel-kernel/core/sleep.c unikernel-kernel/core/time.c unikernel-kernel/core/signal*.c
/* Futexes: waking, requeuing, owners, robust lists, and a mutex hammered by threads. */
#include <linux/futex.h>
#include "../../unikernel-kernel/core/futex_i.h"
#include "mm.h"
#include "unitplat.h"

enum { THREADS = 6 };
static u32 word, word2;
static long result[THREADS];
static struct task *th[THREADS];
static struct mm mm = { .ref = { 9 } };

static void run_all(int count, void (*fn)(void *))
{
    for (int i = 0; i < count; i++) {
        th[i] = unit_task_new(NULL);
        th[i]->mm = &mm;
        result[i] = 99;
        unit_task_run(th[i], fn, &result[i]);
    }
}

static void join_all(int count)
{
    for (int i = 0; i < count; i++)
        unit_task_join(th[i]);
    for (int i = 0; i < count; i++)     /* one that still runs may hold another */
        unit_task_free(th[i]);
}

static u32 waiting(u32 *w)
{
    struct futex_key k;

    futex_key((uptr_t)w, false, &k);
    return READ_ONCE(futex_bucket(&k)->waiters);
}

static void until_waiting(u32 *w, u32 count)
{
    for (int i = 0; i < 5000 && waiting(w) != count; i++) unit_sleep_ns(200000);
    unit_sleep_ns(2000000);
}

static void waiter(void *arg)
{
    *(long *)arg = futex_wait((uptr_t)&word, false, 0, WAIT_FOREVER, 1u << ((long *)arg - result));
}

static void test_wake(void)
{
    word = 1;
    tap_is(futex_wait((uptr_t)&word, false, 0, WAIT_FOREVER, ~0u), -EAGAIN, "value differs");
    word = 0;
    tap_is(futex_wait((uptr_t)&word, false, 0, time_mono() + 2000000, ~0u), -ETIMEDOUT, "deadline");
    tap_is(futex_wait((uptr_t)&word + 1, false, 0, WAIT_FOREVER, ~0u), -EINVAL, "not aligned");
    tap_is(futex_wait(8, false, 0, WAIT_FOREVER, ~0u), -EFAULT, "bad address");
    tap_is(futex_wake((uptr_t)&word, false, 1), 0, "nobody waits");

    run_all(4, waiter);
    until_waiting(&word, 4);
    tap_is(futex_wake_bitset((uptr_t)&word, false, 9, 1u << 2), 1, "one with the bit");
    tap_is(futex_wake((uptr_t)&word, false, 2), 2, "two of three");
    tap_is(futex_wake((uptr_t)&word, false, 9), 1, "the last");
    join_all(4);
    tap_ok(!result[0] && !result[1] && !result[2] && !result[3], "all say 0");
    tap_is(waiting(&word), 0, "the bucket is empty");
}

static void test_requeue(void)
{
    u32 zero = 0, one = 1;

    run_all(4, waiter);
    until_waiting(&word, 4);
    tap_is(futex_requeue((uptr_t)&word, (uptr_t)&word2, false, 1, 9, &one), -EAGAIN, "value differs");
    tap_is(futex_requeue((uptr_t)&word, (uptr_t)&word2, false, 1, 2, &zero), 3, "1 woken, 2 moved");
    tap_is(futex_wake((uptr_t)&word, false, 9), 1, "one had stayed");
    tap_is(futex_wake((uptr_t)&word2, false, 9), 2, "two are at the other word");
    join_all(4);
    tap_ok(!result[0] && !result[1] && !result[2] && !result[3], "all say 0");
}

static void test_wake_op(void)
{
    word2 = 5;
    run_all(1, waiter);
    until_waiting(&word, 1);
    tap_is(futex_wake_op((uptr_t)&word2, (uptr_t)&word, false, 1, 1,
                         FUTEX_OP(FUTEX_OP_ADD, 3, FUTEX_OP_CMP_EQ, 0)), 1, "old value was 0: woken");
    tap_is(word, 3, "3 was added");
    tap_is(futex_wake_op((uptr_t)&word2, (uptr_t)&word, false, 1, 1,
                         FUTEX_OP(FUTEX_OP_ANDN, 1, FUTEX_OP_CMP_LT, 0)), 0, "not below 0");
    tap_is(word, 2, "bit 0 is clear");
    word = word2 = 0;
    join_all(1);
}

static void test_signal(void)
{
    run_all(1, waiter);
    until_waiting(&word, 1);
    th[0]->sighand->action[9].handler = 0x1000;
    signal_send_task(th[0], 10, NULL);
    unit_task_join(th[0]);
    tap_is(result[0], -ERESTARTSYS, "a signal ends the wait");
    tap_is(waiting(&word), 0, "and leaves the queue");
    unit_task_free(th[0]);
}

/* The three-state mutex of Drepper's "Futexes Are Tricky", on the kernel's futex. */
static u32 m;
static int shared_count;

static void hammer(void *arg)
{
    for (int i = 0; i < 3000; i++) {
        u32 c = 0;

        if (!__atomic_compare_exchange_n(&m, &c, 1, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
            if (c != 2) c = __atomic_exchange_n(&m, 2, __ATOMIC_SEQ_CST);
            while (c) {
                futex_wait((uptr_t)&m, false, 2, WAIT_FOREVER, ~0u);
                c = __atomic_exchange_n(&m, 2, __ATOMIC_SEQ_CST);
            }
        }
        shared_count++;
        if (__atomic_exchange_n(&m, 0, __ATOMIC_SEQ_CST) == 2) futex_wake((uptr_t)&m, false, 1);
    }
    *(long *)arg = 0;
}

static void pi_hammer(void *arg)
{
    u32 self = (u32)current()->tid;

    for (int i = 0; i < 1000; i++) {
        u32 zero = 0, mine = self;

        if (!__atomic_compare_exchange_n(&m, &zero, self, false, __ATOMIC_SEQ_CST,
                                         __ATOMIC_SEQ_CST) &&
            futex_lock_pi((uptr_t)&m, false, WAIT_FOREVER, false)) return;
        shared_count++;
        if (!__atomic_compare_exchange_n(&m, &mine, 0, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST) &&
            futex_unlock_pi((uptr_t)&m, false)) return;
    }
    *(long *)arg = 0;
}

static void test_mutexes(void)
{
    m = 0;
    shared_count = 0;
    run_all(4, hammer);
    join_all(4);
    tap_is(shared_count, 12000, "a mutex on futexes");
    shared_count = 0;
    run_all(4, pi_hammer);
    join_all(4);
    tap_ok(shared_count == 4000 && !m, "a mutex with an owner");
    m = (u32)current()->tid;
    tap_is(futex_lock_pi((uptr_t)&m, false, WAIT_FOREVER, false), -EDEADLK, "owned already");
    m = 250;
    tap_is(futex_lock_pi((uptr_t)&m, false, WAIT_FOREVER, false), -ESRCH, "no such owner");
    tap_is(futex_unlock_pi((uptr_t)&m, false), -EPERM, "not the owner");
    m = 0;
}

static struct { u64 next; u64 pad; u32 lock; } node;
static struct { u64 next, offset, pending; } head;

static void dies(void *arg)
{
    struct task *t = current();

    node.lock = (u32)t->tid | FUTEX_WAITERS;
    node.next = (u64)&head;
    head.next = (u64)&node;
    head.offset = 16;
    t->robust_list = (u64)&head;
    t->clear_tid = (u64)&word2;
    futex_task_exit(t);
    *(long *)arg = 0;
}

static void test_robust(void)
{
    word2 = 42;
    run_all(1, dies);
    join_all(1);
    tap_is(node.lock, FUTEX_WAITERS | FUTEX_OWNER_DIED, "a dead owner is marked");
    tap_is(word2, 0, "clear_tid");
}

int main(void)
{
    unit_task_init()->mm = &mm;
    test_wake();
    test_requeue();
    test_wake_op();
    test_signal();
    test_mutexes();
    test_robust();
    unit_task_free(current());
    tap_is(unit_blocks, 0, "nothing leaked");
    return tap_end();
}
