/* The scheduler: switching between tasks, deadlines, sleeping and waking. Who runs next
 * and where is runq.c's. A CPU's timer ticks only while somebody waits for it. One lock
 * guards all of it: sections are short, and what a woken task finds is never half done. */
#include "mm.h"
#include "runq.h"

#define SPREAD_NS  100000ull    /* after this long a task goes to a CPU that is idle */
#define BALANCE_NS 10000000ull

static struct { u32 lock; u32 idle; } sched;    /* idle: a bit a CPU */

u64 pvh_sched_lock(void)
{
    u64 f = irq_save();

    while (__atomic_exchange_n(&sched.lock, 1, __ATOMIC_ACQUIRE))
        while (READ_ONCE(sched.lock))
            __builtin_ia32_pause();
    return f;
}

void pvh_sched_unlock(u64 f)
{
    __atomic_store_n(&sched.lock, 0, __ATOMIC_RELEASE);
    irq_restore(f);
}

static struct task *of_timer(struct rbnode *n)
{
    return n ? container_of(n, struct task, plat.timer) : NULL;
}

/* -- deadlines -- */

static void timer_add(struct cpu *c, struct task *t, u64 deadline)
{
    struct rbnode **link = &c->timers.root, *parent = NULL;

    t->plat.wake_at = deadline;
    t->plat.timed = 1;
    t->plat.cpu = (u16)c->id;
    while (*link) {
        parent = *link;
        link = deadline < of_timer(parent)->plat.wake_at ? &parent->left : &parent->right;
    }
    rb_insert(&c->timers, &t->plat.timer, parent, link);
}

static void timer_remove(struct task *t)
{
    if (!t->plat.timed)
        return;
    t->plat.timed = 0;
    rb_erase(&pvh_cpus[t->plat.cpu].timers, &t->plat.timer);
}

static void program_timer(struct cpu *c)
{
    const struct task *first = of_timer(rb_first(&c->timers));
    u64 at = first ? first->plat.wake_at : WAIT_FOREVER;

    if (c->q.n && c->task != c->idle) {
        at = min(at, c->slice_end);
        if (sched.idle)
            at = min(at, c->spread_at);
    }
    /* One that comes too early looks again: cheaper than to set it anew each time. */
    if (at >= c->armed)
        return;
    c->armed = at;
    pvh_timer_arm(at);
}

/* -- becoming ready -- */

static void poke(struct cpu *c)
{
    if (c != this_cpu())
        pvh_apic_send(c->apic_id, VEC_WAKE);
}

/* t has come into c's queue: c must hear of it if it is idle, if t should run at once, or
 * if its timer does not tick. */
static void arrived(struct cpu *c, const struct task *t, u64 now)
{
    if (sched.idle >> c->id & 1) {
        sched.idle &= ~(1u << c->id);
        poke(c);
        return;
    }
    bool first = c->q.n == 1;
    if (first) {
        c->slice_end = now + pvh_slice(c, c->task);
        c->spread_at = now + SPREAD_NS;
    }
    if (pvh_takes_over(c, t, now)) {
        c->resched = true;
        poke(c);
    } else if (first && c != this_cpu()) {
        poke(c);
    }
    if (c == this_cpu())
        program_timer(c);
}

void pvh_ready(struct task *t, bool irq)
{
    if (t->plat.state != PVH_BLOCKED)
        return;
    timer_remove(t);
    struct cpu *c = pvh_choose_cpu(t, sched.idle, irq);
    pvh_slept(t, c);
    pvh_enqueue(c, t, false);
    arrived(c, t, plat_clock_mono());
}

/* Another CPU wants this one to look: at its task's work, for a task, or at the queue. */
void pvh_wake_irq(void)
{
    u64 f = pvh_sched_lock();

    program_timer(this_cpu());
    pvh_sched_unlock(f);
}

/* While others wait for c. */
static void tick(struct cpu *c, u64 now)
{
    if (now >= c->balance_at || (sched.idle && now >= c->spread_at)) {
        const struct task *t = pvh_push(c, sched.idle);
        if (t)
            arrived(&pvh_cpus[t->plat.cpu], t, now);
        c->balance_at = now + BALANCE_NS;
        c->spread_at = now + SPREAD_NS;
    }
    if (c->q.n && now >= c->slice_end)
        c->resched = true;
}

void pvh_timer_irq(void)
{
    u64 f = pvh_sched_lock(), now = plat_clock_mono();
    struct cpu *c = this_cpu();
    struct task *t;

    c->armed = WAIT_FOREVER;
    while ((t = of_timer(rb_first(&c->timers))) && t->plat.wake_at <= now)
        pvh_ready(t, true);
    if (c->task != c->idle && c->q.n)
        tick(c, now);
    program_timer(c);
    pvh_sched_unlock(f);
}

/* -- switching -- */

bool plat_tells_moves(void) { return true; }

void pvh_finish_switch(void)
{
    struct cpu *c = this_cpu();
    struct task *prev = c->prev;

    c->prev = NULL;
    if (prev && prev->plat.state == PVH_DEAD)
        __atomic_store_n(&prev->plat.live, 0, __ATOMIC_RELEASE);
}

static void switch_to(struct cpu *c, struct task *self, struct task *next)
{
    *(self->plat.state == PVH_BLOCKED ? &self->counts.nvcsw : &self->counts.nivcsw) += 1;
    pvh_fp_switch(c, self, next);
    c->task = next;
    program_timer(c);
    c->kstack = next->plat.kstack_top;
    c->tss.rsp0 = (u64)plat_task_regs(next);
    pvh_as_switch(c, next);
    if (next->mm)
        wrmsr(0xc0000100 /* FS_BASE */, next->plat.fs_base);
    if (unlikely(next->rseq))
        __atomic_or_fetch(&next->work, WORK_RSEQ, __ATOMIC_SEQ_CST);
    c->prev = self;
    pvh_switch(&self->plat.sp, next->plat.sp);
    pvh_finish_switch();
}

static void reschedule(bool yields)
{
    struct cpu *c = this_cpu();
    struct task *self = c->task, *next;
    u64 now = plat_clock_mono();

    pvh_account(c, self, now);
    c->resched = false;
    if (self->plat.state == PVH_RUNNING && self != c->idle) {
        if (pvh_may_run(self, c->id)) {
            pvh_requeue(c, self, now, yields);
        } else {                /* its affinity has changed */
            struct cpu *to = pvh_choose_cpu(self, sched.idle, false);
            pvh_enqueue(to, self, false);
            arrived(to, self, now);
        }
    }
    next = pvh_pick(c);
    if (!next)
        next = c->idle;
    next->plat.state = PVH_RUNNING;
    next->plat.since = now;
    c->slice_end = now + pvh_slice(c, next);
    if (next != self)
        switch_to(c, self, next);
    else
        program_timer(c);
}

void pvh_schedule(void) { reschedule(false); }

static void give_way(bool yields)
{
    u64 f = pvh_sched_lock();

    reschedule(yields);
    pvh_sched_unlock(f);
}

void pvh_preempt(void) { give_way(false); }
void plat_yield(void) { give_way(true); }

void plat_sched_changed(struct task *t)
{
    u64 f = pvh_sched_lock();

    if (t == current()) {
        reschedule(false);
    } else if (t->plat.state == PVH_RUNNING) {
        pvh_cpus[t->plat.cpu].resched = true;
        poke(&pvh_cpus[t->plat.cpu]);
    } else if (t->plat.state == PVH_READY) {
        struct cpu *c = &pvh_cpus[t->plat.cpu];
        pvh_unqueue(t);
        if (!pvh_may_run(t, c->id))
            c = pvh_choose_cpu(t, sched.idle, false);
        pvh_enqueue(c, t, false);
        arrived(c, t, plat_clock_mono());
    }
    pvh_sched_unlock(f);
}

unsigned plat_cpu(void)
{
    u32 id;

    __asm__ volatile("mov %%gs:%c1, %0" : "=r"(id) : "i"(offsetof(struct cpu, id)));
    return id;
}

/* A CPU's idle task, switched to for the first time. */
void pvh_idle_first(void);
void pvh_idle_first(void)
{
    pvh_finish_switch();
    pvh_sched_unlock(0);
    pvh_idle();
}

void pvh_idle(void)
{
    for (;;) {
        pvh_sched_lock();
        struct cpu *c = this_cpu();
        sched.idle &= ~(1u << c->id);
        pvh_schedule();
        /* Nothing to do: a wake from now on finds the bit and interrupts the halt. */
        sched.idle |= 1u << c->id;
        program_timer(c);
        pvh_sched_unlock(0);
        pvh_halt();
    }
}

/* Locked; comes back so, when ready or at the deadline. */
void pvh_block(u64 deadline)
{
    struct cpu *c = this_cpu();
    struct task *self = c->task;

    self->plat.state = PVH_BLOCKED;
    if (deadline != WAIT_FOREVER)
        timer_add(c, self, deadline);
    pvh_schedule();
}

void pvh_sched_init(struct cpu *c, void *idle_block)
{
    struct task *t = (struct task *)((u8 *)idle_block + PVH_IDLE_BLOCK - PVH_TASK_SPACE);
    u64 *sp = (u64 *)t - 2;

    t->plat.kstack_top = (u64)t;
    t->plat.state = PVH_RUNNING;
    t->plat.live = 1;
    *--sp = (u64)pvh_idle_entry;
    t->plat.sp = (u64)(sp - 6);
    c->idle = t;
    c->armed = WAIT_FOREVER;
    pvh_runq_init(&c->q);
    if (c->task)
        c->task->plat.since = plat_clock_mono();
}

/* -- sleeping for a token -- */

bool plat_task_wait(struct task *self, u64 deadline)
{
    u64 f = pvh_sched_lock();
    bool got;

    for (;;) {
        got = self->plat.token;
        self->plat.token = 0;
        if (got || (deadline != WAIT_FOREVER && plat_clock_mono() >= deadline))
            break;
        self->plat.waiting = 1;
        pvh_block(deadline);
        self->plat.waiting = 0;
    }
    pvh_sched_unlock(f);
    return got;
}

void plat_task_wake(struct task *t)
{
    u64 f = pvh_sched_lock();

    t->plat.token = 1;
    if (t->plat.waiting)
        pvh_ready(t, !(f & 0x200));     /* from an interrupt: at once */
    pvh_sched_unlock(f);
}
