/* Between the signal files of core/: queued signals and what may be done with them. */
#ifndef SIGQ_H
#define SIGQ_H
#include <linux/signal.h>
#include "task.h"

/* One queued signal. Standard signals may be pending without one (no memory). */
struct sigq {
    struct list link;
    struct ksiginfo info;
    u32 *charged;               /* the user's count, or NULL */
    int *overrun_r;             /* POSIX timers: told the overrun at delivery */
    bool kept;                  /* belongs to a POSIX timer: not freed when taken */
};

#define HANDLER_DFL 0ull
#define HANDLER_IGN 1ull

#define SIGS_STOP (SIGMASK(SIGSTOP) | SIGMASK(SIGTSTP) | SIGMASK(SIGTTIN) | SIGMASK(SIGTTOU))
#define SIGS_IGNORE (SIGMASK(SIGCHLD) | SIGMASK(SIGCONT) | SIGMASK(SIGWINCH) | SIGMASK(SIGURG))
#define SIGS_CORE (SIGMASK(SIGQUIT) | SIGMASK(SIGILL) | SIGMASK(SIGTRAP) | SIGMASK(SIGABRT) | \
                   SIGMASK(SIGFPE) | SIGMASK(SIGSEGV) | SIGMASK(SIGBUS) | SIGMASK(SIGSYS) | \
                   SIGMASK(SIGXCPU) | SIGMASK(SIGXFSZ))
/* Raised by the instruction stream: taken before all others. */
#define SIGS_SYNC (SIGMASK(SIGSEGV) | SIGMASK(SIGBUS) | SIGMASK(SIGILL) | SIGMASK(SIGTRAP) | \
                   SIGMASK(SIGFPE) | SIGMASK(SIGSYS))
/* Those that a program can neither block nor catch. */
#define SIGS_HARD (SIGMASK(SIGKILL) | SIGMASK(SIGSTOP))

/* The default action of a signal does not reach the first process of a pid namespace. */
static inline bool proc_unkillable(const struct proc *p)
{
    return p->is_init && !p->killable;
}
static inline bool task_lives(const struct task *t)
{
    return t->state < TASK_ZOMBIE && !t->exiting;
}

/* All below: sighand->lock held. */
/* NULL: over RLIMIT_SIGPENDING (unless exempt) or no memory. */
struct sigq *sigq_new(struct task *t, bool exempt);
void sigq_free(struct sigq *q);
/* Takes the next signal in `which`, private ones before those of the process. */
int signal_take(struct task *t, ksigset_t which, struct ksiginfo *info_r);
/* Makes t look at its signals soon, wherever it is. */
void signal_poke(struct task *t);
/* Signals of the process that t blocks go to threads that don't. */
void signal_retarget(struct task *t, ksigset_t which);

/* A POSIX timer's expiry: q is the timer's own. If it is still queued its overrun grows
 * by n + 1, else it is queued with overrun n. t: one thread (SIGEV_THREAD_ID), or NULL. */
void signal_send_timer(struct proc *p, struct task *t, struct sigq *q, u32 n);
/* The timer, one of the current process, goes away: a queued q is left to the queue. */
void signal_drop_timer(struct sigq *q);

/* core/signal_stop.c. Starts a stop of the current process by sig, unless a SIGCONT came
 * since seq was read; no locks held. */
void signal_group_stop(int sig, u32 seq);
/* The current task's part in it: sleeps until continued or killed. */
void signal_stop_self(void);
/* Ends a stop; procs_lock held too. True: the process had stopped. */
bool signal_unstop(struct proc *p);
/* Is each living thread of p stopped? */
bool signal_all_stopped(const struct proc *p);

/* core/signal_frame.c: 0 or -EFAULT. */
int signal_frame_push(struct regs *r, int sig, const struct ksigaction *act,
                      const struct ksiginfo *info, ksigset_t saved);
int signal_frame_pop(struct regs *r);
#endif
