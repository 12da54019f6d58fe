/* The scheduler: tasks take turns in the order in which they became ready; one that an
 * interrupt wakes goes first. The timer ticks only while somebody waits for the CPU.
 * All of this runs with interrupts off. A CPU without work idles in the context of the
 * task that went to sleep last. */
#include "mm.h"
#include "pvh.h"

#define SLICE_NS 4000000ull

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
    while (*link) {
        parent = *link;
        link = deadline < of_timer(parent)->plat.wake_at ? &parent->left : &parent->right;
    }
    rb_insert(&c->timers, &t->plat.timer, parent, link);
}

static void timer_remove(struct cpu *c, struct task *t)
{
    if (!t->plat.timed)
        return;
    t->plat.timed = 0;
    rb_erase(&c->timers, &t->plat.timer);
}

static void program_timer(struct cpu *c)
{
    const struct task *first = of_timer(rb_first(&c->timers));
    u64 at = first ? first->plat.wake_at : WAIT_FOREVER;

    if (c->nready)
        at = min(at, c->slice_end);
    if (at == c->armed)
        return;
    c->armed = at;
    pvh_timer_arm(at);
}

/* -- the queue -- */

void pvh_ready(struct task *t, bool first)
{
    struct cpu *c = this_cpu();

    if (t->plat.state != PVH_BLOCKED)
        return;
    timer_remove(c, t);
    t->plat.state = PVH_READY;
    if (first)
        list_add(&c->ready, &t->plat.ready);
    else
        list_add_tail(&c->ready, &t->plat.ready);
    if (c->nready++ == 0)
        program_timer(c);
    if (first)
        c->resched = true;
}

static struct task *pick(struct cpu *c)
{
    if (!c->nready)
        return NULL;
    struct task *t = list_first(&c->ready, struct task, plat.ready);
    list_del(&t->plat.ready);
    c->nready--;
    return t;
}

void pvh_timer_irq(void)
{
    struct cpu *c = this_cpu();
    u64 now = plat_clock_mono();
    struct task *t;

    c->armed = WAIT_FOREVER;
    while ((t = of_timer(rb_first(&c->timers))) && t->plat.wake_at <= now)
        pvh_ready(t, true);
    if (c->nready && now >= c->slice_end)
        c->resched = true;
    program_timer(c);
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
    c->kstack = next->plat.kstack_top;
    c->tss.rsp0 = (u64)plat_task_regs(next);
    pvh_as_switch(c, next);
    if (next->mm)
        wrmsr(0xc0000100 /* FS_BASE */, next->plat.fs_base);
    c->prev = self;
    pvh_switch(&self->plat.sp, next->plat.sp);
    pvh_finish_switch();
}

/* struct task's current() is taken as constant in a task: read the CPU's word here. */
void pvh_schedule(void)
{
    struct cpu *c = this_cpu();
    struct task *self = c->task, *next;
    u64 now = plat_clock_mono();

    self->plat.ran += now - self->plat.since;
    c->resched = false;
    if (self->plat.state == PVH_RUNNING) {
        self->plat.state = PVH_READY;
        list_add_tail(&c->ready, &self->plat.ready);
        c->nready++;
    }
    while (!(next = pick(c))) {
        program_timer(c);
        __asm__ volatile("sti; hlt; cli" : : : "memory");
        now = plat_clock_mono();
    }
    next->plat.state = PVH_RUNNING;
    next->plat.since = now;
    c->slice_end = now + SLICE_NS;
    c->resched = false;
    program_timer(c);
    if (next != self)
        switch_to(c, self, next);
}

void pvh_block(u64 deadline)
{
    struct cpu *c = this_cpu();
    struct task *self = c->task;

    self->plat.state = PVH_BLOCKED;
    if (deadline != WAIT_FOREVER)
        timer_add(c, self, deadline);
    pvh_schedule();
}

void plat_yield(void)
{
    u64 f = irq_save();

    pvh_schedule();
    irq_restore(f);
}

void pvh_sched_init(void)
{
    struct cpu *c = this_cpu();

    list_init(&c->ready);
    c->armed = WAIT_FOREVER;
    c->task->plat.since = plat_clock_mono();
}

/* -- sleeping for a token -- */

bool plat_task_wait(struct task *self, u64 deadline)
{
    u64 f = irq_save();
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
    irq_restore(f);
    return got;
}

void plat_task_wake(struct task *t)
{
    u64 f = irq_save();

    t->plat.token = 1;
    if (t->plat.waiting)
        pvh_ready(t, !(f & 0x200));     /* from an interrupt: at once */
    irq_restore(f);
}

/* -- sleeping on a word -- */

#define BUCKETS 64
struct word_waiter { struct word_waiter *next; u32 *v; struct task *task; bool woken; };
static struct { struct word_waiter *first; } words[BUCKETS];

static struct word_waiter **bucket(const u32 *v)
{
    return &words[((u64)v >> 2 ^ (u64)v >> 12) % BUCKETS].first;
}

/* Off. In the order of arrival: append. */
static void word_sleep(u32 *v, u32 seen, u64 deadline)
{
    struct word_waiter w = { NULL, v, this_cpu()->task, false }, **p = bucket(v);

    if (READ_ONCE(*v) != seen)
        return;
    while (*p)
        p = &(*p)->next;
    *p = &w;
    pvh_block(deadline);
    if (w.woken)
        return;
    for (p = bucket(v); *p && *p != &w;)
        p = &(*p)->next;
    if (*p)
        *p = w.next;
}

void pvh_word_wait(u32 *v, u32 seen, u64 deadline)
{
    u64 f = irq_save();

    word_sleep(v, seen, deadline);
    irq_restore(f);
}

void pvh_futex_wake(u32 *v, int n)
{
    u64 f = irq_save();
    struct word_waiter **p = bucket(v);

    while (*p && n) {
        struct word_waiter *w = *p;
        if (w->v != v) {
            p = &w->next;
            continue;
        }
        *p = w->next;
        w->woken = true;
        n--;
        pvh_ready(w->task, !(f & 0x200));
    }
    irq_restore(f);
}

void plat_lock_wait(u32 *v, u32 seen) { pvh_word_wait(v, seen, WAIT_FOREVER); }
void plat_lock_wake(u32 *v) { pvh_futex_wake(v, 1); }
