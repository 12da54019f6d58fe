/* Kernel timers: a tree by deadline; the kworker runs what is due. */
#include "task.h"
#include "time.h"

static struct {
    struct spinlock lock;
    struct rbtree tree;
    struct ktimer *running;
    struct task *runner;
    u64 next;                   /* until when the kworker means to sleep */
    struct waitq done;          /* a timer's function has returned */
} kt = { .done = { .head = LIST_INIT(kt.done.head) } };

void ktimer_init(struct ktimer *t, void (*fn)(struct ktimer *t))
{
    memset(t, 0, sizeof *t);
    t->fn = fn;
}

static struct ktimer *of(struct rbnode *n)
{
    return container_of(n, struct ktimer, node);
}

static void insert(struct ktimer *t)
{
    struct rbnode **link = &kt.tree.root, *parent = NULL;

    while (*link) {
        parent = *link;
        /* equal ones keep the order in which they were set */
        link = t->when < of(parent)->when ? &parent->left : &parent->right;
    }
    rb_insert(&kt.tree, &t->node, parent, link);
    t->armed = true;
}

static void remove(struct ktimer *t)
{
    if (!t->armed) return;
    rb_erase(&kt.tree, &t->node);
    t->armed = false;
}

void ktimer_set(struct ktimer *t, u64 when)
{
    bool poke;

    spin_lock(&kt.lock);
    remove(t);
    t->when = when;
    insert(t);
    poke = when < kt.next && current() != kt.runner;
    if (poke) kt.next = when;
    spin_unlock(&kt.lock);
    if (poke) kworker_poke();
}

void ktimer_cancel(struct ktimer *t)
{
    bool busy;

    do {                /* again after its function, which may have set it */
        spin_lock(&kt.lock);
        remove(t);
        busy = kt.running == t && current() != kt.runner;
        spin_unlock(&kt.lock);
        if (busy) wait_until(&kt.done, READ_ONCE(kt.running) != t, WAIT_FOREVER, false);
    } while (busy);
}

/* The first timer that is due, taken out; NULL: none. */
static struct ktimer *take_due(u64 now)
{
    struct rbnode *n;
    struct ktimer *t = NULL;

    spin_lock(&kt.lock);
    n = rb_first(&kt.tree);
    if (n && of(n)->when <= now) {
        t = of(n);
        remove(t);
    }
    /* While it runs, others need not poke: the deadline is read again afterwards. */
    kt.next = n && !t ? of(n)->when : t ? 0 : WAIT_FOREVER;
    __atomic_store_n(&kt.running, t, __ATOMIC_SEQ_CST);
    spin_unlock(&kt.lock);
    return t;
}

u64 ktimer_run(void)
{
    u64 now = time_mono();
    struct ktimer *t;

    kt.runner = current();
    while ((t = take_due(now)) != NULL) {
        t->fn(t);
        __atomic_store_n(&kt.running, NULL, __ATOMIC_SEQ_CST);
        waitq_wake_all(&kt.done, 0);
    }
    return READ_ONCE(kt.next);
}
