/* The scheduler: tasks take turns in the order in which they became ready, on any CPU
 * that their affinity allows; one that an interrupt wakes goes first. A CPU's timer ticks
 * only while somebody waits for one. One lock guards all of it. */
#include "mm.h"
#include "pvh.h"

#define SLICE_NS 4000000ull

static struct { u32 lock; u32 nready; u32 idle; struct list ready; } sched = {
    .ready = LIST_INIT(sched.ready) };      /* idle: a bit a CPU */

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

    if (sched.nready && c->task != c->idle)
        at = min(at, c->slice_end);
    if (at == c->armed)
        return;
    c->armed = at;
    pvh_timer_arm(at);
}

/* -- the queue -- */

static bool may_run(const struct task *t, u32 cpu)
{
    u64 on = READ_ONCE(t->cpu_affinity) & ((1ull << pvh_ncpus) - 1);

    return !on || on >> cpu & 1;
}

void pvh_ready(struct task *t, bool first)
{
    struct cpu *c = this_cpu();

    if (t->plat.state != PVH_BLOCKED)
        return;
    timer_remove(t);
    t->plat.state = PVH_READY;
    if (first)
        list_add(&sched.ready, &t->plat.ready);
    else
        list_add_tail(&sched.ready, &t->plat.ready);
    sched.nready++;
    for (u32 k = 0; k < pvh_ncpus; k++) {
        /* Where it last ran is as good as any: its own CPU's turn comes first. */
        u32 id = (t->plat.cpu + k) % pvh_ncpus;
        if (!(sched.idle >> id & 1) || !may_run(t, id))
            continue;
        sched.idle &= ~(1u << id);
        if (id != c->id)
            pvh_apic_send(pvh_cpus[id].apic_id, VEC_WAKE);
        return;
    }
    if (first && may_run(t, c->id))
        c->resched = true;
    program_timer(c);
    /* All are busy: those that do not tick must start to, for this one's turn to come. */
    for (u32 id = 0; id < pvh_ncpus; id++)
        if (id != c->id && may_run(t, id) && pvh_cpus[id].armed > pvh_cpus[id].slice_end &&
            (sched.nready > 1 || !may_run(t, c->id)))
            pvh_apic_send(pvh_cpus[id].apic_id, VEC_WAKE);
}

static struct task *pick(struct cpu *c)
{
    struct task *t;

    list_for_each(t, &sched.ready, plat.ready) {
        if (!may_run(t, c->id))
            continue;
        list_del(&t->plat.ready);
        sched.nready--;
        return t;
    }
    return NULL;
}

/* Another CPU wants this one to look: at its task's work, for a task, or at the queue. */
void pvh_wake_irq(void)
{
    u64 f = pvh_sched_lock();

    program_timer(this_cpu());
    pvh_sched_unlock(f);
}

void pvh_timer_irq(void)
{
    u64 f = pvh_sched_lock(), now = plat_clock_mono();
    struct cpu *c = this_cpu();
    struct task *t;

    c->armed = WAIT_FOREVER;
    while ((t = of_timer(rb_first(&c->timers))) && t->plat.wake_at <= now)
        pvh_ready(t, true);
    if (sched.nready && now >= c->slice_end)
        c->resched = true;
    program_timer(c);
    pvh_sched_unlock(f);
}

/* -- switching -- */

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
    if (self->mm && self->plat.state != PVH_DEAD)
        pvh_fp_save(self->plat.fpu);
    if (next->mm)
        pvh_fp_load(next->plat.fpu);
    c->task = next;
    program_timer(c);
    c->kstack = next->plat.kstack_top;
    c->tss.rsp0 = (u64)plat_task_regs(next);
    pvh_as_switch(c, next);
    if (next->mm)
        wrmsr(0xc0000100 /* FS_BASE */, next->plat.fs_base);
    c->prev = self;
    pvh_switch(&self->plat.sp, next->plat.sp);
    pvh_finish_switch();
}

void pvh_schedule(void)
{
    struct cpu *c = this_cpu();
    struct task *self = c->task, *next;
    u64 now = plat_clock_mono();

    self->plat.ran += now - self->plat.since;
    self->plat.since = now;
    c->resched = false;
    if (self->plat.state == PVH_RUNNING && self != c->idle) {
        self->plat.state = PVH_READY;
        list_add_tail(&sched.ready, &self->plat.ready);
        sched.nready++;
    }
    next = pick(c);
    if (!next)
        next = c->idle;
    next->plat.state = PVH_RUNNING;
    next->plat.since = now;
    if (next != c->idle)
        next->plat.cpu = (u16)c->id;
    c->slice_end = now + SLICE_NS;
    if (next != self)
        switch_to(c, self, next);
    else
        program_timer(c);
}

void pvh_preempt(void)
{
    u64 f = pvh_sched_lock();

    pvh_schedule();
    pvh_sched_unlock(f);
}

void plat_yield(void) { pvh_preempt(); }

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
        __asm__ volatile("sti; hlt; cli" : : : "memory");
    }
}

/* Locked; comes back so, when ready or at the deadline. */
static void block(u64 deadline)
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
        block(deadline);
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

/* -- sleeping on a word -- */

#define BUCKETS 64
struct word_waiter { struct word_waiter *next; u32 *v; struct task *task; bool woken; };
static struct { struct word_waiter *first; } words[BUCKETS];

static struct word_waiter **bucket(const u32 *v)
{
    return &words[((u64)v >> 2 ^ (u64)v >> 12) % BUCKETS].first;
}

/* Locked. In the order of arrival: append. */
static void word_sleep(u32 *v, u32 seen, u64 deadline)
{
    struct word_waiter w = { NULL, v, this_cpu()->task, false }, **p = bucket(v);

    if (READ_ONCE(*v) != seen)
        return;
    while (*p)
        p = &(*p)->next;
    *p = &w;
    block(deadline);
    if (w.woken)
        return;
    for (p = bucket(v); *p && *p != &w;)
        p = &(*p)->next;
    if (*p)
        *p = w.next;
}

void pvh_word_wait(u32 *v, u32 seen, u64 deadline)
{
    u64 f = pvh_sched_lock();

    word_sleep(v, seen, deadline);
    pvh_sched_unlock(f);
}

void pvh_futex_wake(u32 *v, int n)
{
    u64 f = pvh_sched_lock();
    struct word_waiter **p = bucket(v);

    while (*p && n) {
        struct word_waiter *w = *p;
        if (w->v != v) {
            p = &w->next;
            continue;
        }
        struct task *t = w->task;
        *p = w->next;
        w->woken = true;
        n--;
        pvh_ready(t, !(f & 0x200));
    }
    pvh_sched_unlock(f);
}

void plat_lock_wait(u32 *v, u32 seen) { pvh_word_wait(v, seen, WAIT_FOREVER); }
void plat_lock_wake(u32 *v) { pvh_futex_wake(v, 1); }
