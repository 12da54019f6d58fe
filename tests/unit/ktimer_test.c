// uses: unikernel-kernel/core/ktimer.c unikernel-kernel/core/itimer.c unikernel-kernel/core/ptimer.c unikernel-kernel/core/time.c unikernel-kernel/core/signal*.c unikernel-kernel/lib/rbtree.c
/* Kernel timers, interval timers and POSIX timers on a clock of the test's own. */
#include <linux/signal.h>
#include <linux/time.h>
#include "../../unikernel-kernel/core/timerset.h"
#include "unitplat.h"

static int pokes, order[64], n;
void kworker_poke(void);
void kworker_poke(void) { pokes++; }

struct probe { struct ktimer t; int id; u64 again; int slow, begun; };

static void fire(struct ktimer *t)
{
    struct probe *p = container_of(t, struct probe, t);

    __atomic_store_n(&p->begun, 1, __ATOMIC_SEQ_CST);
    if (p->slow) unit_sleep_ns(20000000);
    order[n++] = p->id;
    if (p->again) ktimer_set(t, t->when + p->again);
    p->slow = 0;
}

static void test_order(void)
{
    struct probe p[5] = { 0 };
    static const u64 when[5] = { 500, 100, 300, 100, 900 };

    unit_clock_set(50);
    tap_is(ktimer_run(), WAIT_FOREVER, "no timer: sleep on");
    unit_set_current(NULL);             /* not the kworker: setting has to wake it */
    unit_task_init();
    for (int i = 0; i < 5; i++) {
        ktimer_init(&p[i].t, fire);
        p[i].id = i;
        ktimer_set(&p[i].t, when[i]);
    }
    tap_is(pokes, 2, "only an earlier deadline wakes the kworker");
    tap_is(ktimer_run(), 100, "the first deadline");
    unit_clock_set(400);
    tap_is(ktimer_run(), 500, "the next one");
    tap_ok(n == 3 && order[0] == 1 && order[1] == 3 && order[2] == 2, "in order, equal ones as set");
    ktimer_cancel(&p[0].t);
    tap_is(ktimer_run(), 900, "cancelled");
    p[4].again = 50;
    unit_clock_set(1000);
    tap_is(ktimer_run(), 1050, "one that sets itself again");
    tap_is(n, 6, "ran for each time that passed");
    ktimer_cancel(&p[4].t);
    tap_is(ktimer_run(), WAIT_FOREVER, "empty");
}

static void worker(void *arg) { ktimer_run(); }

static void test_cancel_waits(void)
{
    struct probe p = { .slow = 1, .again = 1000000000 };
    struct task *w = unit_task_new(NULL);

    n = 0;
    ktimer_init(&p.t, fire);
    ktimer_set(&p.t, 1);
    unit_task_run(w, worker, NULL);
    while (!__atomic_load_n(&p.begun, __ATOMIC_SEQ_CST)) unit_sleep_ns(1000000);
    ktimer_cancel(&p.t);
    tap_is(n, 1, "cancelling waits for the function that runs");
    tap_ok(!p.t.armed, "and undoes what it set");
    unit_task_join(w);
    unit_task_free(w);
}

static void test_advance(void)
{
    u32 missed;

    tap_is(timer_advance(1000000, 1000000, 1000010, &missed), 2000000, "next period");
    tap_is(missed, 0, "none missed");
    tap_is(timer_advance(1000000, 1000000, 5500000, &missed), 6000000, "late by some");
    tap_is(missed, 4, "which are counted");
    tap_ok(timer_advance(1000, 1, 1000, &missed) >= 101000 && missed == 99999,
           "very short ones are gathered");
}

static void test_itimer(void)
{
    struct proc *p = current()->proc;
    struct itimer it = { .value = 1000000, .interval = 2000000 }, old;

    unit_clock_set(10000000);
    init_proc->is_init = false;         /* an ordinary process */
    init_proc = NULL;
    itimer_set(p, ITIMER_REAL, &it, NULL);
    unit_clock_advance(400000);
    itimer_get(p, ITIMER_REAL, &old);
    tap_ok(old.value == 600000 && old.interval == 2000000, "what is left of a real timer");
    ktimer_run();
    tap_is(p->pending.set, 0, "not yet");
    unit_clock_advance(700000);
    tap_is(ktimer_run(), 13000000, "its next time");
    tap_is(p->pending.set, SIGMASK(SIGALRM), "SIGALRM");
    sigpending_flush(&p->pending, ~0ull);
    it = (struct itimer){ 0, 0 };
    itimer_set(p, ITIMER_REAL, &it, &old);
    tap_is(old.value, 1900000, "the old value");

    it = (struct itimer){ .value = 50000000 };
    current()->plat.cpu_ns = 1;
    itimer_set(p, ITIMER_PROF, &it, NULL);
    unit_clock_advance(60000000);
    ktimer_run();
    tap_is(p->pending.set, 0, "ITIMER_PROF: no CPU time was used");
    current()->plat.cpu_ns = 50000002;
    unit_clock_advance(60000000);
    ktimer_run();
    tap_is(p->pending.set, SIGMASK(SIGPROF), "ITIMER_PROF: used up");
    sigpending_flush(&p->pending, ~0ull);
    tap_is(itimer_set(p, 3, &it, NULL), -EINVAL, "no such timer");
}

static void test_ptimer(void)
{
    const struct ptimer_event ev = { .notify = SIGEV_SIGNAL, .signo = SIGUSR1, .value = 77 };
    struct itimer it = { .value = 1000000, .interval = 1000000 };
    struct ksiginfo info;
    int id;

    current()->blocked = SIGMASK(SIGUSR1);
    id = ptimer_create(CLOCK_MONOTONIC, &ev);
    tap_is(id, 0, "timer_create");
    tap_is(ptimer_set(id, false, &it, NULL), 0, "timer_settime");
    unit_clock_advance(1000000);
    ktimer_run();
    unit_clock_advance(2500000);
    ktimer_run();
    tap_is(signal_dequeue(current(), ~0ull, &info), SIGUSR1, "one signal");
    tap_ok(info.code == SI_TIMER && info.value == 77 && info.timerid == 0, "its particulars");
    tap_is(info.overrun, 2, "the rest is its overrun");
    tap_is(ptimer_overrun(id), 2, "timer_getoverrun");
    unit_clock_advance(1000000);
    ktimer_run();
    tap_is(ptimer_delete(id), 0, "timer_delete");
    tap_is(signal_dequeue(current(), ~0ull, &info), SIGUSR1, "what was queued stays");
    tap_is(ptimer_delete(id), -EINVAL, "gone");
    tap_ok(ptimer_create(CLOCK_THREAD_CPUTIME_ID, &ev) >= 0, "a clock of a thread");
    ptimer_create(CLOCK_REALTIME, NULL);
    timers_exit(current()->proc);
    tap_is(ktimer_run(), WAIT_FOREVER, "the end of the process takes them all");
}

int main(void)
{
    struct task *first = unit_task_init();

    test_order();
    test_cancel_waits();
    test_advance();
    test_itimer();
    test_ptimer();
    unit_task_free(current());
    unit_task_free(first);
    tap_is(unit_blocks, 0, "nothing leaked");
    return tap_end();
}
