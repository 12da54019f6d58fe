/* Tasks: their blocks, starting, lending (vfork), ending. */
#include "mm.h"
#include "pvh.h"

_Static_assert(offsetof(struct task, work) == PVHT_WORK, "entry.S");
_Static_assert(offsetof(struct task, plat) == 0, "entry.S");
_Static_assert(offsetof(struct cpu, task) == CPU_TASK, "entry.S");
_Static_assert(offsetof(struct cpu, kstack) == CPU_KSTACK, "entry.S");
_Static_assert(offsetof(struct cpu, usp) == CPU_USP, "entry.S");
_Static_assert(offsetof(struct cpu, self) == CPU_SELF, "pvh.h");

#define MAX_SLOTS 65536u

/* Freed blocks keep their memory and their place. */
static struct {
    struct spinlock lock;
    struct task *free;
    u32 slots, nholes;          /* handed out so far; of these without a block again */
    u64 hole[MAX_SLOTS / 64];   /* a bit each */
} pool SPARSE;

/* pool.lock held; 0: none. */
static u32 slot_get(void)
{
    if (!pool.nholes)           /* the first ones are idle tasks' */
        return pool.slots + PVH_MAX_CPUS + 1 < MAX_SLOTS ? ++pool.slots + PVH_MAX_CPUS : 0;
    u32 w = 0;
    while (!pool.hole[w])
        w++;
    u32 bit = (u32)__builtin_ctzll(pool.hole[w]);
    pool.hole[w] &= ~(1ull << bit);
    pool.nholes--;
    return w * 64 + bit;
}

static void slot_put(u32 slot)
{
    spin_lock(&pool.lock);
    pool.hole[slot / 64] |= 1ull << slot % 64;
    pool.nholes++;
    spin_unlock(&pool.lock);
}

static struct task *block_get(void)
{
    struct task *t;
    u32 slot = 0;

    spin_lock(&pool.lock);
    t = pool.free;
    if (t)
        pool.free = t->plat.karg;
    else
        slot = slot_get();
    spin_unlock(&pool.lock);
    if (t || !slot)
        return t;
    void *p = kpages(PVH_BLOCK / PAGE_SIZE), *fpu = kpages(1);
    u8 *b = p && fpu ? pvh_stack_map(slot, p) : NULL;
    if (!b) {
        slot_put(slot);
        kpages_free(p, PVH_BLOCK / PAGE_SIZE);
        kpages_free(fpu, 1);
        return NULL;
    }
    t = (struct task *)(b + PVH_BLOCK - PVH_TASK_SPACE);
    t->plat.slot = slot;
    t->plat.fpu = fpu;
    return t;
}

struct task *plat_task_alloc(void)
{
    struct task *t = block_get();

    if (!t)
        return NULL;
    u32 slot = t->plat.slot;
    void *fpu = t->plat.fpu;
    memset(t, 0, sizeof *t);
    t->plat.kstack_top = (u64)t;
    t->plat.slot = slot;
    t->plat.fpu = fpu;
    t->plat.fp_cpu = PVH_NO_CPU;
    return t;
}

void plat_task_free(struct task *t)
{
    u32 live;

    while ((live = READ_ONCE(t->plat.live)))    /* not plat_yield: it may be less urgent */
        pvh_word_wait(&t->plat.live, live, plat_clock_mono() + 50000);
    if (!t->plat.slot)
        return;                 /* the first task's block is part of the image */
    spin_lock(&pool.lock);
    t->plat.karg = pool.free;
    pool.free = t;
    spin_unlock(&pool.lock);
}

/* All that no task needs. */
u64 plat_reclaim(void)
{
    struct task *t, *next;
    u64 n = 0;

    spin_lock(&pool.lock);
    t = pool.free;
    pool.free = NULL;
    spin_unlock(&pool.lock);
    for (; t; t = next, n += PVH_BLOCK / PAGE_SIZE + 1) {
        next = t->plat.karg;
        u32 slot = t->plat.slot;
        kpages_free(t->plat.fpu, 1);
        kpages_free(pvh_stack_unmap(slot), PVH_BLOCK / PAGE_SIZE);
        slot_put(slot);
    }
    return n;
}

struct regs *plat_task_regs(struct task *t)
{
    return (struct regs *)(t->plat.kstack_top - sizeof(struct regs));
}

/* First C code of a task, the scheduler's lock held. */
void pvh_child(void);
void pvh_child(void)
{
    pvh_finish_switch();
    pvh_sched_unlock(0x200);
    struct task *t = current();
    if (t->plat.kfn) {
        t->plat.kfn(t->plat.karg);
        task_exit(0);
    }
    task_child_start(t);
    pvh_return_user(t->regs);
}

/* A stack from which pvh_switch goes to pvh_task_entry. */
static void first_frame(struct task *t)
{
    u64 *sp = (u64 *)plat_task_regs(t) - 2;     /* aligned as before a call */

    *--sp = (u64)pvh_task_entry;
    sp -= 6;
    memset(sp, 0, 6 * sizeof *sp);
    t->plat.sp = (u64)sp;
}

int plat_task_start(struct task *child, enum plat_start how, u64 tls,
                    void (*fn)(void *), void *arg)
{
    struct task *self = current();

    if (tls != PLAT_KEEP_TLS && tls >= PVH_USER_MAX)
        return -EPERM;          /* as Linux: the CPU would not take it */
    if (how == PLAT_PROCESS && pvh_as_clone(child->mm, self->mm) < 0)
        return -ENOMEM;
    child->regs = plat_task_regs(child);
    child->plat.fs_base = tls == PLAT_KEEP_TLS ? self->plat.fs_base : tls;
    child->plat.kfn = fn;
    child->plat.karg = arg;
    child->plat.lender = how == PLAT_VFORK ? self : NULL;
    if (how != PLAT_KTHREAD)
        pvh_fp_save(child->plat.fpu);
    first_frame(child);
    child->plat.cpu = self->plat.cpu;
    child->plat.vr = self->plat.vr;
    child->plat.live = 1;
    child->plat.state = PVH_BLOCKED;
    u64 f = pvh_sched_lock();
    pvh_ready(child, false);
    pvh_sched_unlock(f);
    return 0;
}

/* -- vfork: the parent waits for exec or exit; both use one address space -- */

void plat_vfork_wait(struct task *child)
{
    while (READ_ONCE(child->plat.lender))
        plat_task_wait(current(), WAIT_FOREVER);
    plat_task_wake(current());  /* a token that was for somebody else */
}

static void lender_release(struct task *t)
{
    struct task *l = t->plat.lender;

    if (!l)
        return;
    __atomic_store_n(&t->plat.lender, NULL, __ATOMIC_SEQ_CST);
    plat_task_wake(l);
}

int plat_exec_detach(struct task *t)
{
    lender_release(t);
    plat_fp_from_user(0);
    return 0;
}

void plat_task_exit(void)
{
    struct task *t = current();

    lender_release(t);
    pvh_sched_lock();
    t->plat.state = PVH_DEAD;
    pvh_schedule();
    panic("a task that had ended runs again");
}

/* -- the rest -- */

void plat_enter_user(struct regs *r)
{
    pvh_return_user(r);
}

/* One that does not run looks at its work on its way out of the kernel anyway. */
void plat_task_kick(struct task *t)
{
    if (t == current())
        return;
    u64 f = pvh_sched_lock();
    if (t->plat.state == PVH_RUNNING && t->plat.cpu != this_cpu()->id)
        pvh_apic_send(pvh_cpus[t->plat.cpu].apic_id, VEC_WAKE);
    pvh_sched_unlock(f);
}

bool plat_task_alive(const struct task *t) { return READ_ONCE(t->plat.live); }
bool plat_task_killed(const struct task *t) { return false; }

void plat_set_tls(u64 fsbase)
{
    u64 f = irq_save();

    current()->plat.fs_base = fsbase;
    wrmsr(0xc0000100, fsbase);
    irq_restore(f);
}

u64 plat_get_tls(void)
{
    return current()->plat.fs_base;
}

/* Nobody counts: that would cost each call two readings of the clock. */
u64 plat_clock_sys(const struct task *t, u64 total)
{
    return 0;
}

u64 plat_clock_cpu(const struct task *t)
{
    u64 f = pvh_sched_lock(), ns = t->plat.ran;

    if (t->plat.state == PVH_RUNNING)
        ns += plat_clock_mono() - t->plat.since;
    pvh_sched_unlock(f);
    return ns;
}
