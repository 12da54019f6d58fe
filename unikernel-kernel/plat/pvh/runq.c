/* Queues of tasks that are ready, one a CPU, and which CPU a task goes to.
 *
 * Kernel threads come first, then SCHED_FIFO and SCHED_RR by priority, then all others
 * by virtual time: CPU time divided by the weight of the nice value, so that each gets
 * its share. Whoever has had least runs next. All with the scheduler's lock held. */
#include "runq.h"

#include <linux/sched.h>

#define WEIGHT_0     1024u      /* of nice 0; a step is a factor of 1.25 */
#define WEIGHT_IDLE  3u         /* SCHED_IDLE */
#define PERIOD_NS    8000000ull /* in which all of a queue get their turn ... */
#define SLICE_MIN    1000000ull /* ... unless that would make turns shorter than this */
#define RR_NS        100000000ull
#define SLEEP_CREDIT 3000000ull /* what one that has slept may be behind the others */
#define WAKE_GRAIN   1000000ull /* ... to take the CPU from the running one at once */
#define RT_PERIOD    1000000000ull
#define RT_MAX       950000000ull       /* of it, while others wait */
#define PRIO_KERNEL  100u
#define NICE_MIN     (-20)

static u32 weights[40];

void pvh_runq_init(struct runq *q)
{
    list_init(&q->rt);
    if (weights[0])
        return;
    u64 up = WEIGHT_0 << 16, down = up;
    for (int k = 0; k <= 20; k++, up += up / 4, down -= down / 5) {
        weights[20 - k] = (u32)(up >> 16);
        if (k < 20)
            weights[20 + k] = (u32)(down >> 16);
    }
}

static u32 weight_of(const struct task *t)
{
    return t->policy == SCHED_IDLE ? WEIGHT_IDLE : weights[max(0, min(39, t->nice - NICE_MIN))];
}

static u32 prio_of(const struct task *t)
{
    if (t->plat.kfn)
        return PRIO_KERNEL;
    return t->policy == SCHED_FIFO || t->policy == SCHED_RR ? (u32)t->rt_prio : 0;
}

static struct task *of(struct rbnode *n)
{
    return n ? container_of(n, struct task, plat.run) : NULL;
}

static struct task *leftmost(const struct runq *q) { return of(rb_first(&q->fair)); }

/* -- virtual time -- */

static u64 virtual(u64 ns, u32 weight) { return ns * WEIGHT_0 / weight; }

static void advance_min(struct cpu *c, u64 vr)
{
    const struct task *first = leftmost(&c->q);

    if (first && first->plat.vr < vr)
        vr = first->plat.vr;
    if ((s64)(vr - c->q.min_vr) > 0)
        c->q.min_vr = vr;
}

void pvh_account(struct cpu *c, struct task *t, u64 now)
{
    u64 ns = now - t->plat.since;

    t->plat.since = now;
    t->plat.ran += ns;
    if (t == c->idle)
        return;
    if (!t->plat.prio) {
        t->plat.vr += virtual(ns, weight_of(t));
        advance_min(c, t->plat.vr);
    } else if (t->plat.prio < PRIO_KERNEL) {
        if (now - c->q.rt_start > RT_PERIOD) {
            c->q.rt_start = now;
            c->q.rt_ran = 0;
        }
        c->q.rt_ran += ns;
    }
}

/* Virtual times of different queues have nothing to do with each other. */
static void rebase(struct task *t, const struct cpu *to)
{
    t->plat.vr += to->q.min_vr - pvh_cpus[t->plat.cpu].q.min_vr;
    t->plat.cpu = (u16)to->id;
}

/* -- the queue -- */

static void insert_fair(struct runq *q, struct task *t)
{
    struct rbnode **link = &q->fair.root, *parent = NULL;

    while (*link) {
        parent = *link;
        link = (s64)(t->plat.vr - of(parent)->plat.vr) < 0 ? &parent->left : &parent->right;
    }
    rb_insert(&q->fair, &t->plat.run, parent, link);
}

static void insert_rt(struct runq *q, struct task *t, bool front)
{
    struct list *at = q->rt.next;

    for (; at != &q->rt; at = at->next) {
        u32 p = container_of(at, struct task, plat.ready)->plat.prio;
        if (p < t->plat.prio || (front && p == t->plat.prio))
            break;
    }
    list_add_tail(at, &t->plat.ready);
}

void pvh_enqueue(struct cpu *c, struct task *t, bool front)
{
    t->plat.state = PVH_READY;
    t->plat.prio = (u16)prio_of(t);
    t->plat.weight = weight_of(t);
    rebase(t, c);
    if (t->plat.prio)
        insert_rt(&c->q, t, front);
    else
        insert_fair(&c->q, t);
    c->q.n++;
    c->q.load += t->plat.weight;
}

static void dequeue(struct cpu *c, struct task *t)
{
    if (t->plat.prio)
        list_del(&t->plat.ready);
    else
        rb_erase(&c->q.fair, &t->plat.run);
    c->q.n--;
    c->q.load -= t->plat.weight;
}

void pvh_requeue(struct cpu *c, struct task *self, u64 now, bool yields)
{
    const struct task *first = leftmost(&c->q);

    if (yields && first && (s64)(first->plat.vr - self->plat.vr) > 0)
        self->plat.vr = first->plat.vr;         /* behind it, then */
    pvh_enqueue(c, self, !yields && !(self->policy == SCHED_RR && now >= c->slice_end));
}

void pvh_slept(struct task *t, const struct cpu *c)
{
    rebase(t, c);
    if ((s64)(t->plat.vr - (c->q.min_vr - SLEEP_CREDIT)) < 0)
        t->plat.vr = c->q.min_vr - SLEEP_CREDIT;
}

static struct task *first_of(struct cpu *c)
{
    struct runq *q = &c->q;
    struct task *fair = leftmost(q);

    if (list_empty(&q->rt))
        return fair;
    struct task *t = list_first(&q->rt, struct task, plat.ready);
    return fair && t->plat.prio < PRIO_KERNEL && q->rt_ran > RT_MAX ? fair : t;
}

/* Something for a CPU that has nothing: from the longest queue. */
static struct task *steal(struct cpu *c)
{
    struct cpu *from = NULL;
    struct task *t;

    for (struct cpu *o = pvh_cpus; o < pvh_cpus + pvh_ncpus; o++)
        if (o != c && o->q.n && (!from || o->q.n > from->q.n))
            from = o;
    if (!from)
        return NULL;
    for (struct rbnode *n = rb_first(&from->q.fair); n; n = rb_next(n))
        if (pvh_may_run(of(n), c->id)) {
            dequeue(from, of(n));
            rebase(of(n), c);
            return of(n);
        }
    list_for_each(t, &from->q.rt, plat.ready)
        if (pvh_may_run(t, c->id)) {
            dequeue(from, t);
            rebase(t, c);
            return t;
        }
    return NULL;
}

struct task *pvh_pick(struct cpu *c)
{
    struct task *t = first_of(c);

    if (!t)
        return steal(c);
    dequeue(c, t);
    return t;
}

u64 pvh_slice(const struct cpu *c, const struct task *t)
{
    if (t->plat.prio)           /* so that others that wait get their twentieth */
        return t->policy == SCHED_RR ? RR_NS : RR_NS / 2;
    u32 w = weight_of(t);
    return max(SLICE_MIN, PERIOD_NS * w / (c->q.load + w));
}

/* -- which CPU -- */

bool pvh_may_run(const struct task *t, u32 cpu)
{
    u64 on = READ_ONCE(t->cpu_affinity) & ((1ull << pvh_ncpus) - 1);

    return !on || on >> cpu & 1;
}

static u64 load_of(const struct cpu *c)
{
    return c->q.load + (c->task == c->idle ? 0 : weight_of(c->task));
}

static struct cpu *least_loaded(const struct task *t, struct cpu *best)
{
    for (struct cpu *c = pvh_cpus; c < pvh_cpus + pvh_ncpus; c++)
        if (pvh_may_run(t, c->id) && (!best || load_of(c) < load_of(best)))
            best = c;
    return best;
}

static struct cpu *idle_cpu(const struct task *t, u32 idle)
{
    for (u32 k = 0; k < pvh_ncpus; k++) {       /* where it ran last first */
        u32 id = (t->plat.cpu + k) % pvh_ncpus;
        if (idle >> id & 1 && pvh_may_run(t, id))
            return &pvh_cpus[id];
    }
    return NULL;
}

/* One that a task wakes first waits here for a moment: the waker often sleeps soon, which
 * is cheaper than to interrupt a CPU out of its halt (two exits of a virtual machine).
 * What an interrupt wakes goes to an idle CPU at once. */
struct cpu *pvh_choose_cpu(const struct task *t, u32 idle, bool irq)
{
    struct cpu *me = this_cpu(), *c;
    bool here = pvh_may_run(t, me->id);

    if (here && (irq ? me->task == me->idle : me->task != me->idle && !me->q.n))
        return me;
    c = idle_cpu(t, idle);
    if (c)
        return c;
    return least_loaded(t, pvh_may_run(t, t->plat.cpu) ? &pvh_cpus[t->plat.cpu] : NULL);
}

bool pvh_takes_over(const struct cpu *c, const struct task *t, u64 now)
{
    const struct task *cur = c->task;

    if (cur == c->idle || t->plat.prio != cur->plat.prio)
        return cur == c->idle || t->plat.prio > cur->plat.prio;
    if (t->plat.prio || t->policy == SCHED_BATCH || t->policy == SCHED_IDLE)
        return false;
    u64 vr = cur->plat.vr + virtual(now - cur->plat.since, weight_of(cur));
    return cur->policy == SCHED_IDLE || (s64)(vr - t->plat.vr) > (s64)WAKE_GRAIN;
}

/* A task of c's queue for an idle CPU, or one whose move makes loads more equal. */
struct task *pvh_push(struct cpu *c, u32 idle)
{
    for (struct rbnode *n = rb_first(&c->q.fair); n; n = rb_next(n)) {
        struct task *t = of(n);
        struct cpu *to = idle_cpu(t, idle);
        if (!to) {
            to = least_loaded(t, NULL);
            if (load_of(c) <= load_of(to) + t->plat.weight)
                continue;
        }
        dequeue(c, t);
        pvh_enqueue(to, t, false);
        return t;
    }
    return NULL;
}

void pvh_unqueue(struct task *t)
{
    dequeue(&pvh_cpus[t->plat.cpu], t);
}
