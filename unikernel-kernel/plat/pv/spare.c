/* Spares: host processes of the domain with no program in them. When a task ends that was
 * alone in its host process, that process is emptied and kept for a second; a vfork or
 * late-fork child that calls exec goes on in it, and the host neither copies its parent
 * for it nor throws the copy away. To the host a spare is like any guest process: the same
 * filter, the same descriptors, kernel text and the domain's memory mapped.
 *
 * Constant parts of the program that ended stay mapped, and the spare has the bookkeeping
 * of them (mm_retire): most programs are run again soon, and find their text in place.
 *
 * A kernel stack is domain memory, so a task moves by leaving its host thread with its
 * registers saved on its stack, and another thread's loading them from there. Code that
 * runs in a spare has no current(): %gs leads to the task that ended. So others end it and
 * put what it keeps: the kworker, and who is in the way of it. */
#include "host.h"
#include "mm.h"
#include "proc.h"
#include "pv.h"

#define SPARES      4u
#define STACK_SIZE  8192ul      /* a kick's frame fits */
#define IDLE_NS     NSEC_PER_SEC

/* state: FREE -> CLAIMED -> EMPTYING -> READY -> TAKEN -> GO -> FREE; TAKEN -> UNWANTED ->
 * FREE when unused; EMPTYING -> LEFT -> FREE when it can't be one after all. While it is
 * CLAIMED the rest is still the last one's, whom the kworker would take for dead. */
enum { FREE, CLAIMED, EMPTYING, READY, TAKEN, GO, UNWANTED, LEFT };

struct pv_spare {
    u32 state;                  /* a futex */
    u32 asleep;
    u32 tid;                    /* host process */
    struct task *task;          /* TAKEN, GO: who moves in */
    u64 sp;                     /* its context */
    u64 since;                  /* EMPTYING, READY: ns */
    struct mm *mm;              /* what is mapped; NULL: nothing. Whoever sets the state has it */
    const struct inode *prog;   /* mm->prog, for those who only look */
};

static struct pv_spare spares[SPARES];
static char stacks[SPARES][STACK_SIZE] __attribute__((aligned(4096)));
static u32 watched;             /* the kworker will look */
static struct pv_spin spin;     /* of all spares */

static bool change(struct pv_spare *s, u32 from, u32 to)
{
    return __atomic_compare_exchange_n(&s->state, &from, to, false, __ATOMIC_SEQ_CST,
                                       __ATOMIC_SEQ_CST);
}

static void unmap(u64 start, u64 end)
{
    host3(__NR_munmap, start, end - start, 0);
}

/* What has been mapped between start and end: one call a unit, one for all above the kernel. */
static void unmap_units(u32 units, u64 start, u64 end)
{
    while (start < end) {
        u64 unit = start >> PV_UNIT_SHIFT;
        u64 stop = unit < PV_UNITS ? min(end, (unit + 1) << PV_UNIT_SHIFT) : end;
        if (units & PV_UNIT(unit))
            unmap(start, stop);
        start = stop;
    }
}

static void empty_range(struct mm *mm, u32 units, u64 start, u64 high)
{
    u64 end;

    while (start < high && mm_gap_next(mm, &start, &end)) {
        unmap_units(units, start, min(end, high));
        start = end;
        if (end < high && mm_gap_next(mm, &start, &end))
            pv_units_add(mm, end, start - end);
    }
}

/* All but what mm says. */
static void empty_space(struct mm *mm)
{
    u32 units = mm->units;

    mm->units = 0;
    empty_range(mm, units, PV_USER_MIN, PV_USER_TOP);
    unmap_units(units, PV_WIN_BASE, PV_WIN_END);
    empty_range(mm, units, PV_KERNEL_END, PV_USER_MAX);
}

/* Waits to be used. Runs on the spare's own stack. */
static void spare_main(void *arg)
{
    struct pv_spare *s = arg;
    u32 state;

    empty_space(s->mm);
    __atomic_store_n(&s->state, READY, __ATOMIC_SEQ_CST);
    while ((state = __atomic_load_n(&s->state, __ATOMIC_SEQ_CST)) != GO) {
        if (state == UNWANTED)
            pv_exit_thread(&s->state);
        if (pv_spin(&spin, &s->state, state))
            continue;
        __atomic_store_n(&s->asleep, 1, __ATOMIC_SEQ_CST);
        host_futex_wait(&s->state, state, WAIT_FOREVER);
        __atomic_store_n(&s->asleep, 0, __ATOMIC_SEQ_CST);
    }
    struct task *t = s->task;
    pv_become(t, true);
    t->plat.cpu_base += (s64)pv_thread_clock();
    pv_switch_to(s->sp);
}

/* -- a task's end -- */

/* The task's host process may be kept: the task is its only thread and always was, and
 * the monitor does not watch it. */
static bool fit(const struct task *t)
{
    return !t->plat.host_tgid && !t->plat.threaded && !t->plat.in_kick &&
           t->plat.host_tid != pv_first_tgid && t->proc != &kthread_proc &&
           READ_ONCE(BOOT->state) < XENC_ST_EXITED;
}

bool plat_as_keep(struct mm *mm)
{
    struct task *t = current();

    if (!fit(t) || READ_ONCE(mm->ref.n) != 1)
        return false;
    for (u32 i = 0; i < SPARES; i++) {
        struct pv_spare *s = &spares[i];
        if (READ_ONCE(s->state) != FREE || !change(s, FREE, CLAIMED))
            continue;
        mm_retire(mm);
        s->tid = t->plat.host_tid;
        s->asleep = 0;          /* the host may have killed the last one in its sleep */
        s->since = plat_clock_mono();
        s->mm = mm;
        __atomic_store_n(&s->state, EMPTYING, __ATOMIC_SEQ_CST);
        __atomic_store_n(&s->prog, mm->prog, __ATOMIC_RELAXED);
        t->plat.spare = s;
        return true;
    }
    return false;
}

void pv_spare_from(struct task *t)
{
    static const struct { u64 sp; int flags, pad; u64 size; } none = { .flags = 2 /* DISABLE */ };
    struct pv_spare *s = t->plat.spare;

    if (!s)
        return;
    assert(READ_ONCE(s->state) == EMPTYING && s->tid == t->plat.host_tid);
    if (!__atomic_exchange_n(&watched, 1, __ATOMIC_SEQ_CST))
        kworker_poke();
    if (!fit(t)) {
        WRITE_ONCE(s->state, LEFT);
        return;
    }
    /* What comes late for the task must not find a stack that is another's by then. */
    host3(__NR_sigaltstack, (u64)&none, 0, 0);
    pv_end_on(&t->plat.host_tid, stacks[s - spares] + STACK_SIZE, spare_main, s);
}

/* -- a spare's end -- */

static bool alive(const struct pv_spare *s)
{
    return host3(__NR_tgkill, s->tid, s->tid, 0) == 0;
}

static void set_state(struct pv_spare *s, u32 state)
{
    __atomic_store_n(&s->state, state, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&s->asleep, __ATOMIC_SEQ_CST))
        host_futex_wake(&s->state, 1);
}

/* To whoever has taken the slot from others: what was kept is put. */
static void put_kept(struct pv_spare *s)
{
    struct mm *mm = s->mm;

    s->mm = NULL;
    __atomic_store_n(&s->prog, NULL, __ATOMIC_RELAXED);
    mm_put(mm);
}

/* Ends one that is idle. */
static bool retire(struct pv_spare *s)
{
    if (!change(s, READY, TAKEN))
        return false;
    put_kept(s);                /* from UNWANTED on the slot is its own, and soon another's */
    set_state(s, UNWANTED);
    return true;
}

/* One that the host has killed leaves its slot, and nothing else is lost. */
static void bury(struct pv_spare *s, u32 state)
{
    if (alive(s) || !change(s, state, LEFT))
        return;
    put_kept(s);
    WRITE_ONCE(s->state, FREE);
}

u64 pv_spares_watch(u64 now)
{
    bool busy = false;

    if (!READ_ONCE(watched))
        return WAIT_FOREVER;
    __atomic_store_n(&watched, 0, __ATOMIC_SEQ_CST);
    for (u32 i = 0; i < SPARES; i++) {
        struct pv_spare *s = &spares[i];
        u32 state = READ_ONCE(s->state);
        if (state == FREE)
            continue;
        busy = true;
        if (state == LEFT) {
            put_kept(s);
            WRITE_ONCE(s->state, FREE);
        } else if (now - s->since >= IDLE_NS && now > s->since) {
            if (!retire(s) && state == EMPTYING)
                bury(s, state);
        }
    }
    if (busy)
        __atomic_store_n(&watched, 1, __ATOMIC_SEQ_CST);
    return busy ? now + IDLE_NS / 2 : WAIT_FOREVER;
}

/* Until the host process has gone, or as good as; a busy host may take long over it, and
 * the slot is its own until then. */
static void await_end(struct pv_spare *s)
{
    for (u32 k = 0; k < 1000 && READ_ONCE(s->state) == UNWANTED && alive(s); k++)
        plat_yield();
    if (!alive(s))
        change(s, UNWANTED, FREE);      /* the host killed it meanwhile */
}

bool pv_spares_drop(void)
{
    bool any = false;

    for (u32 i = 0; i < SPARES; i++) {
        if (!retire(&spares[i]))
            continue;
        await_end(&spares[i]);
        any = true;
    }
    return any;
}

bool plat_kept_drop(const struct inode *prog)
{
    bool any = false;

    for (u32 i = 0; i < SPARES; i++) {
        struct pv_spare *s = &spares[i];
        const struct inode *kept = __atomic_load_n(&s->prog, __ATOMIC_RELAXED);
        if (!kept || (prog && kept != prog))
            continue;
        for (u32 k = 0; k < 1000 && READ_ONCE(s->state) == EMPTYING; k++)
            plat_yield();
        any |= retire(s);
    }
    return any;
}

/* -- its use -- */

struct pv_spare *pv_spare_take(const struct inode *prog)
{
    /* Best one that is awake and has the program; another's is as good as an empty one. */
    for (u32 i = 0; i < 3 * SPARES; i++) {
        struct pv_spare *s = &spares[i % SPARES];
        if (i < 2 * SPARES && (!prog || __atomic_load_n(&s->prog, __ATOMIC_RELAXED) != prog))
            continue;
        if (i < SPARES && READ_ONCE(s->asleep))
            continue;
        if (READ_ONCE(s->state) != READY || !change(s, READY, TAKEN))
            continue;
        if (alive(s))
            return s;
        put_kept(s);
        WRITE_ONCE(s->state, FREE);     /* the host has killed it: nothing is lost */
    }
    return NULL;
}

struct mm *pv_spare_space(struct pv_spare *s)
{
    struct mm *mm = s->mm;

    s->mm = NULL;
    __atomic_store_n(&s->prog, NULL, __ATOMIC_RELAXED);
    return mm;
}

void pv_spare_return(struct pv_spare *s, struct mm *mm)
{
    s->mm = mm;
    __atomic_store_n(&s->prog, mm->prog, __ATOMIC_RELAXED);
    WRITE_ONCE(s->state, READY);
}

void pv_spare_move(struct task *t, struct pv_spare *s)
{
    struct task *lender = t->plat.lender;

    s->task = t;
    lender->plat.moved_to = s;
    t->plat.lender = NULL;
    t->plat.host_tgid = 0;
    t->plat.host_tid = s->tid;
    pv_move(&s->sp, t->plat.lender_sp, pv_leaving_frame(t));
    /* In the spare, which is one no longer. */
    __atomic_store_n(&s->state, FREE, __ATOMIC_SEQ_CST);
}

void pv_spare_go(struct task *lender)
{
    struct pv_spare *s = lender->plat.moved_to;

    if (!s)
        return;
    lender->plat.moved_to = NULL;
    set_state(s, GO);
}
