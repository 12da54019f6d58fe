/* Between the timer files of core/: what a process has besides ITIMER_REAL. Made when
 * it first sets such a timer. */
#ifndef TIMERSET_H
#define TIMERSET_H
#include "task.h"

struct ptimer;

/* How often the CPU time is looked at while a timer waits for it. */
#define CPU_TICK 10000000ull

struct cpu_timer { u64 at, interval; };         /* CPU time of the process, ns; 0: off */

struct ktimer_set {
    struct proc *proc;
    struct mutex lock;          /* the table and, against each other, arming calls */
    struct ptimer *timer[64];   /* by id */
    struct spinlock cpu_lock;
    struct cpu_timer virt, prof;
    u64 limit_at;               /* CPU time at which RLIMIT_CPU has its next say; 0: none */
    struct ktimer tick;         /* looks at the CPU time while one is armed */
};

struct ktimer_set *timer_set_get(struct proc *p);       /* NULL: no memory */
void ptimer_delete_all(struct ktimer_set *s);
/* Is it the clock of the CPU time of the current process? */
bool clock_is_own_cpu(int id);
/* The thread of the current process whose CPU time it is: counted, or NULL. */
struct task *clock_thread(int id);
/* After an expiry at `when` with an interval: the next one, and how many were missed. */
u64 timer_advance(u64 when, u64 interval, u64 now, u32 *missed_r);
#endif
