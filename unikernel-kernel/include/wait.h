/* Waiting and waking. A waitq is a list of waiters; waking calls each waiter's
 * function, which by default wakes its task. epoll and friends put their own in.
 *
 *     struct waiter w;
 *     waiter_init(&w);
 *     waitq_add(&wq, &w);
 *     for (;;) {
 *         if (condition) break;
 *         r = task_sleep(deadline, true);      // 0, -ETIMEDOUT, -ERESTARTSYS
 *         if (r < 0) break;
 *     }
 *     waitq_remove(&wq, &w);
 *
 * A wake between the test and the sleep is not lost: it leaves a token that the sleep
 * consumes. task_sleep may return 0 without cause: always test again. */
#ifndef WAIT_H
#define WAIT_H

#include "lock.h"

struct task;

struct waiter {
    struct list link;
    struct task *task;
    /* Called with the waitq's lock held; must not sleep. events: POLLIN etc. or 0. */
    void (*fn)(struct waiter *w, u32 events);
    bool exclusive;     /* waitq_wake stops after waking one of these */
};

struct waitq { struct spinlock lock; struct list head; };

void waitq_init(struct waitq *q);
void waiter_init(struct waiter *w);             /* of the current task */
void waitq_add(struct waitq *q, struct waiter *w);
void waitq_remove(struct waitq *q, struct waiter *w);
/* Wakes all shared waiters and one exclusive one. events tells pollers what came. */
void waitq_wake(struct waitq *q, u32 events);
void waitq_wake_all(struct waitq *q, u32 events);
static inline bool waitq_active(const struct waitq *q) { return !list_empty(&q->head); }

#define WAIT_FOREVER (~0ull)
/* Sleeps until woken, the deadline (CLOCK_MONOTONIC ns), or, if intr, a signal to
 * handle: 0, -ETIMEDOUT, -ERESTARTSYS. */
int task_sleep(u64 deadline, bool intr);
/* Leaves a token and wakes the task if it sleeps. Any context. */
void task_wake(struct task *t);

/* Sleeps until cond; evaluates to 0, -ETIMEDOUT or -ERESTARTSYS. */
#define wait_until(q, cond, deadline, intr) ({ \
    struct waiter w_; int r_ = 0; \
    waiter_init(&w_); waitq_add((q), &w_); \
    while (!(cond)) { r_ = task_sleep((deadline), (intr)); if (r_ < 0) break; } \
    if (r_ < 0 && (cond)) r_ = 0; \
    waitq_remove((q), &w_); r_; })
#endif
