/* Late forks. A forked child first runs on its parent's host thread, in its parent's
 * address space, as a vfork child does; what it could change there has been copied, and
 * is put back when it leaves. Most children call exec or exit within microseconds: they
 * never cost the host a process that is a copy of the parent (exec), or any (exit).
 *
 * Nobody but the parent's time tells the difference. The child *settles* in a host
 * process of its own, made by the host's fork in the middle of whatever it does, before
 * it changes the address space, sleeps, waits for a device, or makes a call that is not
 * on the list of sys/unsettled.c; and when it has taken a millisecond, no more than
 * other processes may keep a CPU from its parent anyway (plat_settle_watch). A parent
 * whose children do not leave that way forks the ordinary way for a while. */
#include "host.h"
#include "mm.h"
#include "proc.h"
#include "pv.h"

#include <asm/signal.h>

#define LATE_CYCLES  2500000ul          /* a child may take so long: some 1 ms */
#define WATCH_NS     1000000ul
#define FAILS_MAX    6u                 /* 64 ordinary forks between two attempts */
#define REFUSED_CYCLES 10000000000ul   /* some seconds */
#define RETRY_NS     (10 * 1000000ul)
#define RETRIES      100u

/* The copy: this page, then the bytes. */
struct pv_late {
    struct mm_copy what;
    _Alignas(64) u8 fp[FP_XSAVE_MAX];      /* the parent's registers, when they are in the CPU */
};
_Static_assert(sizeof(struct pv_late) <= PAGE_SIZE, "one page");

static struct {
    struct spinlock lock;
    struct list all;
    bool watched;
    u32 made, seen;
    u64 refused;                /* when the host last had no process for us, by the TSC */
} late;

static char *bytes_of(struct pv_late *l) { return (char *)l + PAGE_SIZE; }
static size_t pages_of(const struct pv_late *l) { return 1 + l->what.bytes / PAGE_SIZE; }

static struct pv_late *copy_parent(struct task *self)
{
    struct mm_copy what;

    if (!mm_copy_plan(self->mm, &what))
        return NULL;
    struct pv_late *l = kpages(1 + what.bytes / PAGE_SIZE);
    if (!l)
        return NULL;
    l->what = what;
    if (!mm_copy_take(&l->what, bytes_of(l))) {
        kpages_free(l, pages_of(l));
        return NULL;
    }
    if (!self->regs->host)
        pv_fp_save(l->fp);
    return l;
}

/* Puts the child on the list of those to look after; the kworker looks. */
static void watch(struct task *child)
{
    bool poke;

    child->plat.late_since = __builtin_ia32_rdtsc();
    spin_lock(&late.lock);
    if (!late.all.next)
        list_init(&late.all);
    list_add(&late.all, &child->plat.late_link);
    late.made++;
    poke = !late.watched;
    late.watched = true;
    spin_unlock(&late.lock);
    if (poke)
        kworker_poke();
}

bool pv_late_start(struct task *child)
{
    struct task *self = current();

    u64 refused = READ_ONCE(late.refused);

    if (self->plat.lender || self->proc->nthreads != 1)
        return false;
    /* At a limit of processes fork has to fail now: a child could not settle later. */
    if (refused && __builtin_ia32_rdtsc() - refused < REFUSED_CYCLES)
        return false;
    if (self->plat.late_skips) {
        self->plat.late_skips--;
        return false;
    }
    struct pv_late *l = copy_parent(self);
    if (!l)
        return false;
    self->plat.late = l;
    child->plat.unsettled = 1;
    __atomic_add_fetch(&syscall_watch, 1, __ATOMIC_RELAXED);
    watch(child);
    return true;
}

void pv_late_refused(void)
{
    WRITE_ONCE(late.refused, __builtin_ia32_rdtsc());
}

void pv_late_restore(struct task *self)
{
    struct pv_late *l = self->plat.late;

    if (!l)
        return;
    self->plat.late = NULL;
    mm_copy_back(&l->what, bytes_of(l));
    if (!self->regs->host)
        pv_fp_load(l->fp);
    kpages_free(l, pages_of(l));
}

void pv_late_end(struct task *t)
{
    if (!t->plat.unsettled)
        return;
    spin_lock(&late.lock);
    list_del(&t->plat.late_link);
    spin_unlock(&late.lock);
    t->plat.unsettled = 0;
    __atomic_sub_fetch(&syscall_watch, 1, __ATOMIC_RELAXED);
}

u64 plat_settle_watch(u64 now)
{
    struct task *t;
    bool more;
    u64 spares = pv_spares_watch(now);

    if (!READ_ONCE(late.watched))
        return spares;
    spin_lock(&late.lock);
    u64 tsc = __builtin_ia32_rdtsc();
    list_for_each(t, &late.all, plat.late_link) {
        if (tsc - t->plat.late_since < LATE_CYCLES)
            continue;
        __atomic_or_fetch(&t->work, WORK_SETTLE, __ATOMIC_SEQ_CST);
        plat_task_kick(t);
    }
    more = !list_empty(&late.all) || late.made != late.seen;
    late.seen = late.made;
    late.watched = more;
    spin_unlock(&late.lock);
    return more ? min(spares, now + WATCH_NS) : spares;
}

bool plat_unsettled(void)
{
    return current()->plat.unsettled;
}

/* The host has had no process for us for a second, and the parent has waited as long. */
static void give_up(struct task *t)
{
    if (!mutex_trylock(&procs_lock))
        return;                 /* comes here again */
    if (!t->proc->group_exit) {
        printk(3, "%s: the host refuses a process: child %d is killed", t->comm, t->tid);
        proc_kill(t->proc, SIGKILL);
        __atomic_or_fetch(&t->work, WORK_EXIT, __ATOMIC_SEQ_CST);
    }
    mutex_unlock(&procs_lock);
}

int plat_settle(void)
{
    static u32 never;
    struct task *t = current();

    if (likely(!t->plat.unsettled))
        return 0;
    struct task *lender = t->plat.lender;
    for (u32 i = 0; i < RETRIES && !(READ_ONCE(t->work) & WORK_EXIT); i++) {
        u32 fails = lender->plat.late_fails;
        lender->plat.late_skips = (u16)(1u << fails);
        lender->plat.late_fails = (u16)min(fails + 1, FAILS_MAX);
        if (pv_leave_lender(t) == 0) {
            pv_late_end(t);
            return 0;
        }
        if (pv_spares_drop())
            continue;
        pv_late_refused();
        host_futex_wait(&never, 0, plat_clock_mono() + RETRY_NS);
    }
    give_up(t);
    return -EAGAIN;
}
