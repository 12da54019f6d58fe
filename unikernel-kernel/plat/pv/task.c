/* Tasks as host threads: starting, lending (vfork), kicking, ending. */
#include "host.h"
#include "mm.h"
#include "pv.h"

#include <asm/prctl.h>
#include <asm/signal.h>
#include <asm/sigcontext.h>
#include <asm/ucontext.h>

_Static_assert(offsetof(struct task, work) == PVT_WORK, "entry.S");

void task_child_start(struct task *t);  /* core/fork.c */

static char *block_of(struct task *t)
{
    return (char *)((u64)t & ~(PV_TASK_BLOCK - 1));
}

/* Blocks are kept on a list when freed: a new process then finds them populated. */
static struct { struct spinlock lock; struct list free; u32 n; } pool;

static char *block_get(void)
{
    char *b = NULL;

    spin_lock(&pool.lock);
    if (pool.n) {
        struct list *l = pool.free.next;
        list_del(l);
        pool.n--;
        b = (char *)l;
    }
    spin_unlock(&pool.lock);
    if (b)
        return b;
    /* Aligned to its size: take twice as much and give the rest to the pool's like. */
    char *p = kpages(2 * PV_TASK_BLOCK / PAGE_SIZE - 1);
    if (!p)
        return NULL;
    char *a = (char *)(((u64)p + PV_TASK_BLOCK - 1) & ~(PV_TASK_BLOCK - 1));
    if (a > p)
        kpages_free(p, (a - p) / PAGE_SIZE);
    char *end = p + 2 * PV_TASK_BLOCK - PAGE_SIZE;
    if (a + PV_TASK_BLOCK < end)
        kpages_free(a + PV_TASK_BLOCK, (end - a - PV_TASK_BLOCK) / PAGE_SIZE);
    return a;
}

struct task *plat_task_alloc(void)
{
    char *b = block_get();
    if (!b)
        return NULL;
    struct task *t = (struct task *)(b + PV_TASK_BLOCK - PV_TASK_SPACE);
    memset(t, 0, sizeof *t);
    t->plat.self = t;
    t->plat.kstack_top = (u64)t;
    t->plat.altstack = (u64)b;
    return t;
}

void plat_task_free(struct task *t)
{
    /* pv_exit_thread's last store says that the stack is no longer in use. */
    while (READ_ONCE(t->plat.host_tid))
        plat_yield();
    struct list *l = (struct list *)block_of(t);
    spin_lock(&pool.lock);
    if (!pool.free.next)
        list_init(&pool.free);
    list_add(&pool.free, l);
    pool.n++;
    spin_unlock(&pool.lock);
}

struct regs *plat_task_regs(struct task *t)
{
    return (struct regs *)(t->plat.kstack_top - sizeof(struct regs));
}

/* The signal stack of the host thread that runs t. */
static void arm_stack(struct task *t, bool arm)
{
    struct { u64 sp; int flags; int pad; u64 size; } ss = {
        t->plat.altstack, arm ? (int)(1u << 31) /* SS_AUTODISARM */ : 2 /* SS_DISABLE */,
        0, PV_ALTSTACK };

    host3(__NR_sigaltstack, (u64)&ss, 0, 0);
}

void pv_own_gs(struct task *t)
{
    host3(__NR_arch_prctl, ARCH_SET_GS, (u64)t - PV_GS_OFF, 0);
}

void pv_become(struct task *t, bool arm)
{
    pv_own_gs(t);
    arm_stack(t, arm);
}

/* In a new host process: t is to be found from now on. Not before, as until pv_become the
 * process has its maker's signal stack, in memory that both see: a kick would write its
 * frame over the other's. What is kicked for meanwhile is looked at on the way out. */
static void publish(struct task *t)
{
    u32 tid = t->plat.new_tid;

    if (tid) __atomic_store_n(&t->plat.host_tid, tid, __ATOMIC_RELEASE);
    t->plat.new_tid = 0;
}

static u32 tgid_of(const struct task *t)
{
    return t->plat.host_tgid ? t->plat.host_tgid : READ_ONCE(t->plat.host_tid);
}

/* First C code of a host thread made by pv_clone_*. */
void pv_child(struct task *t);
void pv_child(struct task *t)
{
    pv_become(t, true);
    publish(t);
    if (t->plat.set_tls)
        plat_set_tls(t->plat.fs_base);
    if (t->plat.kfn) {
        t->plat.kfn(t->plat.karg);
        task_exit(0);
    }
    task_child_start(t);
    pv_return_user(t->regs);
}

int plat_task_start(struct task *child, enum plat_start how, u64 tls,
                    void (*fn)(void *), void *arg)
{
    struct task *self = current();
    struct regs *r = plat_task_regs(child);
    char *sp = (char *)r;
    u64 fs = tls == PLAT_KEEP_TLS ? self->plat.fs_base : tls;
    long e;

    child->regs = r;
    child->plat.fs_base = fs;
    child->plat.kfn = fn;
    child->plat.karg = arg;
    child->plat.windows = self->proc->leader->plat.windows;
    child->plat.set_tls = tls != PLAT_KEEP_TLS && how != PLAT_THREAD;
    if (how == PLAT_VFORK || (how == PLAT_PROCESS && pv_late_start(child))) {
        child->plat.lender = self;
        child->plat.host_tgid = tgid_of(self);
        child->plat.host_tid = self->plat.host_tid;
        child->plat.cpu_base = (s64)pv_thread_clock();
        return how == PLAT_VFORK ? 0 : PLAT_LENT;
    }
    if (how == PLAT_PROCESS) {
        /* The child's FPU registers are a copy of ours; on the trap path the program's
         * own are in the host's frame. */
        if (self->regs && self->regs->host)
            pv_fp_load_from_frame(self->regs);
        r->host = 0;
        do {
            e = pv_clone_process(PV_CLONE_PROCESS, sp, &child->plat.new_tid, child);
        } while (e == -EAGAIN && pv_spares_drop());
    } else {
        r->host = 0;
        child->plat.host_tgid = tgid_of(self);
        self->proc->leader->plat.threaded = 1;
        do {
            e = pv_clone_thread(PV_CLONE_THREAD, sp, &child->plat.host_tid,
                                how == PLAT_KTHREAD ? 0 : fs, child);
        } while (e == -EAGAIN && pv_spares_drop());
    }
    if (e < 0)
        pv_late_refused();
    return e < 0 ? (int)e : 0;
}

/* -- vfork, late forks: the parent's host thread runs the child until it execs, ends or
 * settles -- */

static void run_borrowed(void *arg)
{
    struct task *child = arg;

    pv_become(child, true);
    if (child->plat.set_tls)
        plat_set_tls(child->plat.fs_base);
    task_child_start(child);
    pv_return_user(child->regs);
}

void plat_vfork_wait(struct task *child)
{
    struct task *self = current();
    struct regs *r = plat_task_regs(child);

    if (self->regs->host)
        pv_fp_load_from_frame(self->regs);
    r->host = 0;
    pv_switch_call(&child->plat.lender_sp, r, run_borrowed, child);
    pv_spare_go(self);
    /* Back: the child has gone. On the trap path our frame lies on the signal stack,
     * which must stay disarmed until the host takes it from there. */
    pv_become(self, !self->regs->host);
    if (self->plat.tls_lent)
        plat_set_tls(self->plat.fs_base);
    self->plat.tls_lent = 0;
    pv_late_restore(self);
}

/* The host blocks kicks while it handles one, until rt_sigreturn. A child that leaves its
 * lender's thread from in there must see to that: a frame on the lender's stack, below
 * what is in use, leads to the lender. NULL: it is not needed. */
const void *pv_leaving_frame(const struct task *t)
{
    if (!t->plat.in_kick)
        return NULL;
    struct ucontext *uc = (struct ucontext *)((t->plat.lender_sp - sizeof *uc - 64) & ~15ul);
    struct sigcontext *c = &uc->uc_mcontext;

    memset(uc, 0, sizeof *uc);
    uc->uc_flags = UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS;
    uc->uc_stack.ss_flags = 2;   /* SS_DISABLE */
    __asm__("mov %%cs, %0" : "=r"(c->cs));
    __asm__("mov %%ss, %0" : "=r"(c->ss));
    c->rip = (u64)pv_switch_landing;
    c->rsp = t->plat.lender_sp;
    c->eflags = 0x202;
    return uc;
}

/* Is t's signal stack free for the next signal? Not while a frame lies on it that will be
 * returned through: of a trap, or of a fault in the kernel, which is being handled there. */
static bool stack_armed(const struct task *t)
{
    u64 sp = (u64)__builtin_frame_address(0);

    return !t->regs->host && (sp < t->plat.altstack || sp >= t->plat.altstack + PV_ALTSTACK);
}

/* The time that t has used on the host thread is its own, not the lender's. */
static s64 lend_end(struct task *t, struct task *lender)
{
    s64 spent = (s64)pv_thread_clock() - t->plat.cpu_base;

    lender->plat.cpu_base += spent;
    t->plat.cpu_base = -spent;
    return spent;
}

/* A lender must not run before its thread is back on its own stack; a borrower that
 * ends must not be freed while its stack is in use: both hold as the switch happens on
 * one host thread, in pv_switch_to. */
long pv_leave_lender(struct task *t)
{
    struct task *lender = t->plat.lender;
    s64 base = t->plat.cpu_base, spent = lend_end(t, lender);

    bool armed = stack_armed(t);

    t->plat.lender = NULL;
    t->plat.host_tid = t->plat.host_tgid = 0;
    arm_stack(t, false);        /* from here on it is the child's alone */
    long r = pv_clone_leave(PV_CLONE_PROCESS, &t->plat.new_tid, t->plat.lender_sp,
                            pv_leaving_frame(t));
    if (armed)
        arm_stack(t, true);
    publish(t);
    if (r < 0) {
        lender->plat.cpu_base -= spent;
        t->plat.cpu_base = base;
        t->plat.lender = lender;
        t->plat.host_tid = lender->plat.host_tid;
        t->plat.host_tgid = tgid_of(lender);
    }
    return r;
}

struct mm *plat_exec_reserve(struct task *t, const struct inode *prog)
{
    struct pv_spare *s = t->plat.lender ? pv_spare_take(prog) : NULL;

    t->plat.spare = s;
    return s ? pv_spare_space(s) : NULL;
}

void plat_exec_unreserve(struct task *t, struct mm *mm)
{
    pv_spare_return(t->plat.spare, mm);
    t->plat.spare = NULL;
}

/* The child's way from its lender's host thread, by a spare or by the host's fork. */
static long leave_for_exec(struct task *t)
{
    struct task *lender = t->plat.lender;
    u16 fails = lender->plat.late_fails;
    long r = 0;

    lender->plat.late_fails = 0;
    if (t->plat.spare) {
        struct pv_spare *s = t->plat.spare;
        t->plat.spare = NULL;
        lend_end(t, lender);
        arm_stack(t, false);    /* the host thread's that t leaves */
        pv_spare_move(t, s);
    } else {
        r = pv_leave_lender(t);
    }
    if (r < 0)
        lender->plat.late_fails = fails;
    else
        pv_late_end(t);
    return r;
}

int plat_exec_detach(struct task *t)
{
    bool rearm = t->regs->host != 0 && !t->plat.spare;

    assert(t->plat.lender || !t->plat.spare);
    if (t->plat.lender) {
        long r = leave_for_exec(t);
        if (r < 0)
            return (int)r;
    }
    /* The old program's frame, if there is one, will not be returned through. */
    if (rearm)
        pv_become(t, true);
    t->regs->host = 0;
    plat_fp_from_user(0);
    return 0;
}

void plat_task_exit(void)
{
    struct task *t = current();

    if (t->plat.lender) {
        u64 sp = t->plat.lender_sp;
        const void *frame = pv_leaving_frame(t);
        t->plat.lender->plat.late_fails = 0;
        t->plat.lender->plat.cpu_base += (s64)(t->utime + t->stime);
        t->plat.lender = NULL;
        pv_late_end(t);
        arm_stack(t, false);
        __atomic_store_n(&t->plat.host_tid, 0, __ATOMIC_RELEASE);
        if (frame)
            pv_switch_frame(frame);
        pv_switch_to(sp);
    }
    pv_spare_from(t);
    pv_exit_thread(&t->plat.host_tid);
}

/* -- the rest -- */

void plat_enter_user(struct regs *r)
{
    pv_return_user(r);
}

void plat_task_kick(struct task *t)
{
    u32 tid = READ_ONCE(t->plat.host_tid);

    if (t != current() && tid)
        host3(__NR_tgkill, tgid_of(t), tid, PV_SIG_KICK);
}

bool plat_task_alive(const struct task *t)
{
    u32 tid = READ_ONCE(t->plat.host_tid);

    return tid && host3(__NR_tgkill, tgid_of(t), tid, 0) == 0;
}

bool plat_task_killed(const struct task *t)
{
    u32 host = READ_ONCE(t->plat.host_tid);

    /* Read again: it may have ended by itself in between, or moved to a new process. */
    return host && !plat_task_alive(t) && READ_ONCE(t->plat.host_tid) == host;
}

void plat_set_tls(u64 fsbase)
{
    struct plat_task *p = &current()->plat;

    p->fs_base = fsbase;
    if (p->lender)
        p->lender->plat.tls_lent = 1;
    host3(__NR_arch_prctl, ARCH_SET_FS, fsbase, 0);
}

u64 plat_get_tls(void)
{
    return current()->plat.fs_base;
}
