/* Inside the scheduler: the queues (runq.c) as sched.c uses them. The scheduler's lock is
 * held around all of it. Times are plat_clock_mono's. */
#ifndef PLAT_PVH_RUNQ_H
#define PLAT_PVH_RUNQ_H
#include "pvh.h"

void pvh_runq_init(struct runq *q);
bool pvh_may_run(const struct task *t, u32 cpu);
/* Counts what the running task t has used since its `since`. */
void pvh_account(struct cpu *c, struct task *t, u64 now);
/* Into c's queue; front: before others of its real-time priority. */
void pvh_enqueue(struct cpu *c, struct task *t, bool front);
/* The running task back into the queue: where its time is up, or it yields, behind those
 * that are its equals. */
void pvh_requeue(struct cpu *c, struct task *self, u64 now, bool yields);
/* t, which has slept, is to go to c: it may be behind in time, but not for long. */
void pvh_slept(struct task *t, const struct cpu *c);
/* The next one, out of the queue (perhaps another CPU's), or NULL. */
struct task *pvh_pick(struct cpu *c);
void pvh_unqueue(struct task *t);               /* a READY one out of its queue */
u64 pvh_slice(const struct cpu *c, const struct task *t);       /* ns in one go */
/* Where a task that becomes ready goes; idle: a bit a CPU. */
struct cpu *pvh_choose_cpu(const struct task *t, u32 idle, bool irq);
/* Should t run on c before the running one goes on? */
bool pvh_takes_over(const struct cpu *c, const struct task *t, u64 now);
/* Moves one task from c's queue to that of a CPU that has less to do: it, or NULL. */
struct task *pvh_push(struct cpu *c, u32 idle);
#endif
