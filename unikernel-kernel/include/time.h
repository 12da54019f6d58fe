/* Time: nanoseconds everywhere inside; timespecs only at the system call edge. */
#ifndef TIME_H
#define TIME_H
#include "lock.h"

struct proc;

u64 time_mono(void);            /* CLOCK_MONOTONIC */
u64 time_real(void);            /* CLOCK_REALTIME */
u64 time_boot(void);            /* monotonic time at which this domain booted */

/* Conversions at the edge. Times too long for s64 nanoseconds saturate there. */
#define TIME_MAX 0x7fffffffffffffffull
u64 time_ns(u64 sec, u64 nsec);
u64 time_deadline(u64 sec, u64 nsec);   /* that long from now, CLOCK_MONOTONIC */
int timespec_from_user(uptr_t addr, u64 *ns_r);         /* 0, -EFAULT, -EINVAL */
int timespec_to_user(uptr_t addr, u64 ns);

/* Clocks by their number, CPU clocks of processes and threads too (clock_gettime(2)).
 * 0 or -EINVAL. */
int clock_read(int id, u64 *ns_r);
int clock_resolution(int id, u64 *ns_r);
/* The monotonic deadline for time `at` of a clock that counts on while we sleep: 0,
 * -EINVAL, or -EOPNOTSUPP for CPU clocks. */
int clock_deadline(int id, u64 at, u64 *deadline_r);
/* The current task sleeps (core/sleep.c): 0 or an ERESTART code. rem: where the rest of
 * an interrupted sleep is told, or 0. */
long sleep_relative(u64 ns, uptr_t rem);
long sleep_absolute(u64 deadline);
long sleep_restart(void);
/* CPU time of all threads of the process. */
u64 proc_cpu_time(struct proc *p);

/* A timer: fn runs in the kworker task at or soon after `when` (monotonic). It may
 * take spinlocks and wake tasks; it must not sleep for long. It may set itself again. */
struct ktimer {
    struct rbnode node;
    u64 when;
    void (*fn)(struct ktimer *t);
    bool armed;
};
void ktimer_init(struct ktimer *t, void (*fn)(struct ktimer *t));
void ktimer_set(struct ktimer *t, u64 when);
/* After this returns fn does not run and will not (unless called from fn itself). */
void ktimer_cancel(struct ktimer *t);
/* Sets a boot time; kmain calls it first. */
void time_init(void);
/* Wakes the kworker so that it calls ktimer_run again (core/kworker.c). */
void kworker_poke(void);

/* The end of a process: its timers are disarmed and freed. Not under procs_lock: a
 * timer that is just firing sends a signal and is waited for. */
void timers_exit(struct proc *p);
/* exec: timers of timer_create go, itimers stay. */
void timers_exec(struct proc *p);
/* RLIMIT_CPU of the process was set or inherited: procs_lock held, or p is the current
 * task's, or not running yet. */
void timers_cpu_limit(struct proc *p);
/* setitimer(2): which is ITIMER_*; 0 or -EINVAL, -ENOMEM. old_r may be NULL. */
struct itimer { u64 value, interval; };         /* ns; value 0: not armed */
int itimer_get(struct proc *p, int which, struct itimer *it_r);
int itimer_set(struct proc *p, int which, const struct itimer *it, struct itimer *old_r);

/* timer_create(2) and friends, current process; core/ptimer.c. */
/* Timers on the CPU time of the current task, which nobody else can tell: WORK_CLOCK. */
void ptimer_look(void);
struct ptimer_event { int notify, signo, tid; u64 value; };     /* struct sigevent */
/* id or -errno. ev NULL: SIGALRM with the id as its value. */
int ptimer_create(int clock, const struct ptimer_event *ev);
int ptimer_set(int id, bool absolute, const struct itimer *it, struct itimer *old_r);
int ptimer_get(int id, struct itimer *it_r);
int ptimer_overrun(int id);
int ptimer_delete(int id);

/* timerfd_create(2): fs/timerfd.c. NULL: no memory. -EINVAL: not a timerfd. */
struct file;
struct file *timerfd_new(int clock, u32 flags);
int timerfd_set(struct file *f, bool absolute, const struct itimer *it, struct itimer *old_r);
int timerfd_get(struct file *f, struct itimer *it_r);

/* kworker: runs what is due and returns the next deadline or WAIT_FOREVER. */
u64 ktimer_run(void);
#endif
