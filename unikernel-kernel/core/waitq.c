/* Wait queues and sleeping (wait.h). */
#include "errand.h"
#include "task.h"

void waitq_init(struct waitq *q)
{
    q->lock.v = 0;
    list_init(&q->head);
}

static void wake_waiter_task(struct waiter *w, u32 events)
{
    task_wake(w->task);
}

void waiter_init(struct waiter *w)
{
    list_init(&w->link);
    w->task = current();
    w->fn = wake_waiter_task;
    w->exclusive = false;
}

void waitq_add(struct waitq *q, struct waiter *w)
{
    spin_lock(&q->lock);
    /* exclusive ones stand at the end, so that every shared one is woken before */
    if (w->exclusive) list_add_tail(&q->head, &w->link);
    else list_add(&q->head, &w->link);
    spin_unlock(&q->lock);
}

void waitq_remove(struct waitq *q, struct waiter *w)
{
    spin_lock(&q->lock);
    list_del(&w->link);
    spin_unlock(&q->lock);
}

static void wake(struct waitq *q, u32 events, bool all)
{
    struct waiter *w, *tmp;

    /* The caller changed a condition, then looks who waits; a waiter puts itself in the
     * list, then looks at the condition. One of the two must see the other. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (list_empty(&q->head)) return;
    spin_lock(&q->lock);
    list_for_each_safe(w, tmp, &q->head, link) {
        bool last = w->exclusive && !all;

        w->fn(w, events);
        if (last) break;
    }
    spin_unlock(&q->lock);
}

void waitq_wake(struct waitq *q, u32 events) { wake(q, events, false); }
void waitq_wake_all(struct waitq *q, u32 events) { wake(q, events, true); }

static bool interrupted(const struct task *t)
{
    u32 work = READ_ONCE(t->work);

    if (likely(!work)) return false;
    if (work & (WORK_EXIT | WORK_STOP | WORK_TRAP)) return true;
    return (work & WORK_SIGNAL) && signal_pending(t);
}

int task_sleep(u64 deadline, bool intr)
{
    struct task *t = current();
    bool woken;

    /* A sender sets WORK_* before it wakes: what this test misses leaves a token. */
    if (intr && interrupted(t)) return -ERESTARTSYS;
    WRITE_ONCE(t->state, intr ? TASK_SLEEPING : TASK_DSLEEP);
    woken = plat_task_wait(t, deadline);
    WRITE_ONCE(t->state, TASK_RUNNING);
    if (unlikely(READ_ONCE(t->work) & WORK_ERRAND) && intr) errand_serve();
    return woken ? 0 : -ETIMEDOUT;
}

void task_wake(struct task *t)
{
    plat_task_wake(t);
}
