/* Spares: host processes of the domain with no program in them. When a task ends that was
 * alone in its host process, that process is emptied and kept for a second; a vfork or
 * late-fork child that calls exec goes on in it, and the host neither copies its parent
 * for it nor throws the copy away. To the host a spare is like any guest process: the same
 * filter, the same descriptors, kernel text and the domain's memory mapped.
 *
 * A kernel stack is domain memory, so a task moves by leaving its host thread with its
 * registers saved on its stack, and another thread's loading them from there. Code that
 * runs in a spare has no current(): %gs leads to the task that ended. */
#include "host.h"
#include "mm.h"
#include "proc.h"
#include "pv.h"

#define SPARES      4u
#define STACK_SIZE  8192ul      /* a kick's frame fits */
#define PIECE       (PV_LEN_MAX - PAGE_SIZE)        /* the most that the filter lets pass */

/* state: FREE -> EMPTYING -> READY -> TAKEN -> GO -> FREE; READY -> FREE when unused. */
enum { FREE, EMPTYING, READY, TAKEN, GO, UNWANTED };

struct pv_spare {
    u32 state;                  /* a futex */
    u32 tid;                    /* host process */
    struct task *task;          /* TAKEN, GO: who moves in */
    u64 sp;                     /* its context */
};

static struct pv_spare spares[SPARES];
static char stacks[SPARES][STACK_SIZE] __attribute__((aligned(4096)));

static bool change(struct pv_spare *s, u32 from, u32 to)
{
    return __atomic_compare_exchange_n(&s->state, &from, to, false, __ATOMIC_SEQ_CST,
                                       __ATOMIC_SEQ_CST);
}

static void unmap(u64 start, u64 end)
{
    for (; start < end; start += PIECE)
        host3(__NR_munmap, start, min(PIECE, end - start), 0);
}

/* Waits to be used. Runs on the spare's own stack. */
static void spare_main(void *arg)
{
    struct pv_spare *s = arg;
    const struct host_timespec idle = { 1, 0 };
    u32 state;

    unmap(PV_USER_MIN, PV_USER_TOP);
    unmap(PV_WIN_BASE, PV_WIN_END);
    host3(__NR_munmap, PV_KERNEL_END, PV_USER_MAX - PV_KERNEL_END, 0);
    __atomic_store_n(&s->state, READY, __ATOMIC_SEQ_CST);
    while ((state = __atomic_load_n(&s->state, __ATOMIC_SEQ_CST)) != GO) {
        long r = host4(__NR_futex, (u64)&s->state, 0 /* FUTEX_WAIT */, state, (u64)&idle);
        if (state == UNWANTED || (r == -ETIMEDOUT && change(s, READY, UNWANTED)))
            pv_exit_thread(&s->state);
    }
    struct task *t = s->task;
    pv_become(t, true);
    t->plat.cpu_base += (s64)pv_thread_clock();
    pv_switch_to(s->sp);
}

/* The task's host process may be kept: the task is its only thread and always was, and
 * the monitor does not watch it. */
static bool fit(const struct task *t)
{
    return !t->plat.host_tgid && !t->plat.threaded && !t->plat.in_kick &&
           t->plat.host_tid != pv_first_tgid && t->proc != &kthread_proc &&
           READ_ONCE(BOOT->state) < XENC_ST_EXITED;
}

void pv_spare_from(struct task *t)
{
    static const struct { u64 sp; int flags, pad; u64 size; } none = { .flags = 2 /* DISABLE */ };

    if (!fit(t))
        return;
    for (u32 i = 0; i < SPARES; i++) {
        struct pv_spare *s = &spares[i];
        if (READ_ONCE(s->state) != FREE || !change(s, FREE, EMPTYING))
            continue;
        s->tid = t->plat.host_tid;
        /* What comes late for the task must not find a stack that is another's by then. */
        host3(__NR_sigaltstack, (u64)&none, 0, 0);
        pv_end_on(&t->plat.host_tid, stacks[i] + STACK_SIZE, spare_main, s);
    }
}

static bool alive(const struct pv_spare *s)
{
    return host3(__NR_tgkill, s->tid, s->tid, 0) == 0;
}

struct pv_spare *pv_spare_take(void)
{
    for (u32 i = 0; i < SPARES; i++) {
        struct pv_spare *s = &spares[i];
        if (READ_ONCE(s->state) != READY || !change(s, READY, TAKEN))
            continue;
        if (alive(s))
            return s;
        WRITE_ONCE(s->state, FREE);     /* the host has killed it: nothing is lost */
    }
    return NULL;
}

void pv_spare_return(struct pv_spare *s)
{
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
    __atomic_store_n(&s->state, GO, __ATOMIC_SEQ_CST);
    host_futex_wake(&s->state, 1);
}

bool pv_spares_drop(void)
{
    bool any = false;

    for (u32 i = 0; i < SPARES; i++) {
        struct pv_spare *s = &spares[i];
        if (!change(s, READY, UNWANTED))
            continue;
        host_futex_wake(&s->state, 1);
        any = true;
        for (u32 k = 0; k < 1000 && READ_ONCE(s->state) == UNWANTED && alive(s); k++)
            plat_yield();
        change(s, UNWANTED, FREE);      /* if the host killed it meanwhile */
    }
    return any;
}
