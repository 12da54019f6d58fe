/* Futexes of the host: the slow path of every lock and every sleep. */
#include "host.h"
#include "mm.h"
#include "pv.h"

#define FUTEX_WAIT 0
#define FUTEX_WAKE 1
#define FUTEX_WAIT_BITSET 9

long host_futex_wait(u32 *v, u32 seen, u64 deadline)
{
    if (deadline == WAIT_FOREVER)
        return host4(__NR_futex, (u64)v, FUTEX_WAIT, seen, 0);
    struct host_timespec ts = { deadline / NSEC_PER_SEC, deadline % NSEC_PER_SEC };
    return host6(__NR_futex, (u64)v, FUTEX_WAIT_BITSET, seen, (u64)&ts, 0, ~0u);
}

void host_futex_wake(u32 *v, int n)
{
    host3(__NR_futex, (u64)v, FUTEX_WAKE, n);
}

void plat_lock_wait(u32 *v, u32 seen)
{
    /* A holder that the host killed would keep us here for ever: come back now and
     * then, so that the caller can look (core/lockslow.c). */
    host_futex_wait(v, seen, plat_clock_mono() + NSEC_PER_SEC);
}

void plat_lock_wake(u32 *v)
{
    host_futex_wake(v, 1);
}

#define SPIN_CYCLES 65000
#define AWAY_CYCLES 6000        /* between two looks: the host ran something else */
#define SPIN_PROBE  16          /* a hopeless one tries again every so many sleeps */
#define SPIN_LUCK   4

bool pv_spin(struct pv_spin *s, const u32 *word, u32 seen)
{
    if (BOOT->ncpus < 2 || (!s->luck && ++s->skips % SPIN_PROBE))
        return false;
    u64 t0 = __builtin_ia32_rdtsc(), last = t0, t;
    do {
        t = __builtin_ia32_rdtsc();
        if (READ_ONCE(*word) != seen) {
            /* Off the CPU meanwhile: whoever changed it needed the CPU. That was no luck. */
            s->luck = t - last > AWAY_CYCLES ? 0 : SPIN_LUCK;
            return true;
        }
        last = t;
        __builtin_ia32_pause();
    } while (t - t0 < SPIN_CYCLES);
    if (s->luck)
        s->luck--;
    return false;
}

/* A process that sleeps for long gives its program text back to the host's page cache,
 * the kernel's included: most of what an idle container would hold. It comes back with
 * a few faults. */
#define IDLE_NS NSEC_PER_SEC
#define MADV_DONTNEED_ 4

static void trim(struct task *self)
{
    if (self->proc->nthreads != 1)
        return;
    mm_trim(self->mm);
    pv_windows_drop(self);
    host3(__NR_madvise, PV_TEXT_BASE, (u64)pv_text_end - PV_TEXT_BASE, MADV_DONTNEED_);
}

bool plat_task_wait(struct task *self, u64 deadline)
{
    struct plat_task *p = &self->plat;

    if (!READ_ONCE(p->token)) {
        self->counts.nvcsw++;
        pv_spin(&p->spin, &p->token, 0);
    }
    /* The first second may turn out to be the beginning of a long sleep. */
    u64 idle = self->mm ? plat_clock_mono() + IDLE_NS : deadline;
    for (;;) {
        if (__atomic_exchange_n(&p->token, 0, __ATOMIC_SEQ_CST))
            return true;
        if (unlikely(p->unsettled)) {
            if (plat_settle() == 0)
                continue;
            plat_yield();
            return true;        /* it is being killed */
        }
        __atomic_store_n(&p->asleep, 1, __ATOMIC_SEQ_CST);
        long r = host_futex_wait(&p->token, 0, min(deadline, idle));
        __atomic_store_n(&p->asleep, 0, __ATOMIC_SEQ_CST);
        if (r != -ETIMEDOUT)
            continue;
        if (idle >= deadline)
            return __atomic_exchange_n(&p->token, 0, __ATOMIC_SEQ_CST);
        idle = WAIT_FOREVER;
        trim(self);
    }
}

void plat_task_wake(struct task *t)
{
    struct plat_task *self = &current()->plat;

    if (__atomic_exchange_n(&t->plat.token, 1, __ATOMIC_SEQ_CST) ||
        !__atomic_load_n(&t->plat.asleep, __ATOMIC_SEQ_CST))
        return;
    if (self->hold_wakes && !self->held_wake)
        self->held_wake = &t->plat.token;
    else
        host_futex_wake(&t->plat.token, 1);
}

void plat_wakes_hold(void)
{
    current()->plat.hold_wakes = 1;
}

void plat_wakes_release(void)
{
    struct plat_task *self = &current()->plat;
    u32 *word = self->held_wake;

    self->hold_wakes = 0;
    self->held_wake = NULL;
    if (word)
        host_futex_wake(word, 1);       /* if that task has ended: a word like any other */
}

/* The host schedules, and does not tell us where. */
void plat_sched_changed(struct task *t) { }
unsigned plat_cpu(void) { return 0; }

void plat_yield(void)
{
    host3(__NR_sched_yield, 0, 0, 0);
}
