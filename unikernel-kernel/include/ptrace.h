/* Tracing (ptrace(2)): one process stops another's threads at events, and looks into them and
 * changes them meanwhile. core/ptrace.c: stops; core/ptrace_link.c: who traces whom;
 * sys/ptrace.c: requests. A process as a whole traces, as if it had one thread. */
#ifndef KPTRACE_H
#define KPTRACE_H
#include "task.h"

/* Made when a task is first traced, and kept until it is freed. procs_lock, but that the
 * task may read what it needs, and its tracer may change all while the task is stopped. */
struct ptrace {
    struct list link;           /* in tracer->tracees */
    struct task *task;
    struct proc *tracer;        /* not counted; NULL: not traced now */
    struct ptrace_end *end;     /* for when it ends; owned */
    u32 options;                /* PTRACE_O_* */
    bool seized;
    bool stopped, listening, reported;  /* reported: wait4 has told */
    bool syscalls, step;        /* it stops at calls; after one instruction */
    bool trap;                  /* it is to stop soon (WORK_TRAP) */
    bool has_info;
    int code;                   /* why it is stopped: bits 8 and up of its wait status */
    int sig;                    /* what it goes on with */
    u8 op;                      /* PTRACE_SYSCALL_INFO_* */
    u64 msg;                    /* PTRACE_GETEVENTMSG */
    u64 nr;                     /* the call it is in */
    struct ksiginfo info;
};

/* A tracee that has ended and was not its tracer's child, or no leader. */
struct ptrace_end { struct list link; int tid, status; u32 uid; };

static inline bool task_traced(const struct task *t)
{
    const struct ptrace *pt = t->ptrace;

    return unlikely(pt != NULL) && __atomic_load_n(&pt->tracer, __ATOMIC_RELAXED);
}

/* -- stops of the current task; no locks held -- */

/* Before and after a call. enter: false: the call is left out. */
bool ptrace_syscall_enter(struct regs *r);
void ptrace_syscall_exit(struct regs *r);
/* sig was taken to be delivered: what is to be delivered instead, or 0. */
int ptrace_signal(int sig, struct ksiginfo *info);
void ptrace_group_stop(void);           /* instead of signal_stop_self */
void ptrace_trap(void);                 /* WORK_TRAP */
void ptrace_event(int event, u64 msg);  /* if the tracer wants to know */
void ptrace_exec(int old_tid);
void ptrace_exit(int code);
/* clone(2): has child, not yet started, traced too if the tracer wants that: the event for
 * the parent's stop, or 0. */
int ptrace_clone(struct task *child, u64 flags, int exit_signal);
void ptrace_cloned(int event, int tid);
void ptrace_not_cloned(struct task *child);     /* it was not started */

/* -- who traces whom; procs_lock held -- */

/* 0, -EPERM or -ENOMEM. */
int ptrace_link(struct task *t, struct proc *tracer, bool seize, u32 options);
void ptrace_unlink(struct ptrace *pt);
/* Sets a stopped one going. */
void ptrace_resume(struct ptrace *pt, int sig);
/* t ends; p ends: lets go of all that it traces. */
void ptrace_task_gone(struct task *t);
void ptrace_tracer_gone(struct proc *p);
void ptrace_free(struct task *t);       /* with the task's memory */
/* A tracee of p that has something to tell wait4: true, in rq. *any_r: there is one to wait
 * for. */
struct wait_req;
bool ptrace_report(struct proc *p, struct wait_req *rq, bool *any_r);
/* Tells the tracer that something is there to be waited for. */
void ptrace_tell(struct proc *tracer, struct task *t, int code, int status);
#endif
