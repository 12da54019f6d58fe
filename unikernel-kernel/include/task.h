/* Tasks (threads) and processes (thread groups). core/task.c, fork.c, exit.c, wait.c. */
#ifndef TASK_H
#define TASK_H
#include "cred.h"
#include "pid.h"
#include "plat.h"
#include "regs.h"
#include "signal.h"
#include "time.h"
#include "wait.h"

struct mm;
struct fdtable;
struct fsctx;
struct nsset;
struct file;
struct tty;

/* Reasons for a task to do something before it returns to its program. */
enum {
    WORK_SIGNAL = 1u << 0,      /* signals may be pending */
    WORK_EXIT = 1u << 1,        /* group exit: leave */
    WORK_STOP = 1u << 2,        /* job control stop */
    WORK_CTL = 1u << 3,         /* temp mask to restore and the like */
    WORK_SETTLE = 1u << 4,      /* plat_settle */
    WORK_ERRAND = 1u << 5,      /* errand_serve */
    WORK_TRAP = 1u << 6,        /* ptrace_trap */
    WORK_CLOCK = 1u << 7,       /* ptimer_look */
    WORK_RSEQ = 1u << 8,        /* rseq_resume */
};

enum task_state { TASK_RUNNING, TASK_SLEEPING /* interruptible */, TASK_DSLEEP,
                  TASK_STOPPED, TASK_TRACED /* stopped for its tracer */, TASK_ZOMBIE, TASK_DEAD };

/* What a thread has done since it began. Only it adds to them, and plainly, as that is done
 * on hot paths; who reads may see one that is a little old. */
struct counts {
    u64 nvcsw, nivcsw;                  /* switches: to sleep; for another task's sake */
    u64 syscr, syscw, rchar, wchar;     /* calls that read and write, their bytes */
};

static inline void counts_add(struct counts *sum, const struct counts *c)
{
    sum->nvcsw += READ_ONCE(c->nvcsw);
    sum->nivcsw += READ_ONCE(c->nivcsw);
    sum->syscr += READ_ONCE(c->syscr);
    sum->syscw += READ_ONCE(c->syscw);
    sum->rchar += READ_ONCE(c->rchar);
    sum->wchar += READ_ONCE(c->wchar);
}

struct task {
    struct plat_task plat;              /* first: entry.S finds it */
    int tid;                            /* its id (pid.h) */
    u32 work;                           /* WORK_*, atomic */
    u32 state;                          /* enum task_state */
    struct regs *regs;                  /* user registers while in the kernel */
    struct proc *proc;
    struct list proc_link;              /* in proc->threads */
    struct list hash_link;              /* waiting to be freed (core/task.c) */
    struct ref ref;
    struct mm *mm;                      /* NULL: kernel thread or after exit */
    struct fdtable *files;
    struct fsctx *fs;
    struct nsset *ns;                   /* NULL: the first namespaces */
    struct cred *cred;
    char comm[16];

    /* signals: guarded by sighand->lock */
    struct sighand *sighand;
    struct sigpending pending;
    ksigset_t blocked, saved_blocked;   /* saved: restored by signal_restore_temp_mask */
    bool has_saved_blocked, exiting;    /* exiting: takes no more signals */
    ksigset_t awaited;                  /* in sigtimedwait: these are never dropped */
    u64 altstack_sp, altstack_size; u32 altstack_flags;
    u64 restart_deadline;               /* for ERESTART_RESTARTBLOCK */
    u64 restart_arg[4];

    uptr_t clear_tid;                   /* set_tid_address, CLONE_CHILD_CLEARTID */
    uptr_t set_tid;                     /* CLONE_CHILD_SETTID */
    uptr_t robust_list;
    uptr_t rseq; u32 rseq_len, rseq_sig;
    struct task *vfork_parent;          /* CLONE_VFORK: waits until exec or exit */
    struct waitq vfork_wq;
    bool vfork_done;
    bool no_new_privs, dumpable;        /* "keep capabilities" is in cred.securebits */
    int pdeath_sig;
    u32 timer_slack;
    int exit_code;                      /* wait(2) status of this thread */
    u64 start_time;                     /* monotonic */
    u64 utime, stime, minflt;
    struct counts counts;
    u64 cpu_affinity;
    int nice, policy, rt_prio, ioprio;
    u32 personality;
    struct seccomp *seccomp;
    u64 fault_err, fault_trap;          /* of the last fault: what a handler is shown */
    struct ptrace *ptrace;              /* NULL: was never traced (ptrace.h) */
    struct list errands;                /* what others ask of it (core/errand.c) */
    bool no_errands;
    void *poll_scratch;                 /* poll/select: buffers kept between calls */
};

struct session { struct ref ref; int sid; struct tty *tty; };

struct ktimer_set;                      /* POSIX timers of a process, core/ptimer.c */

struct proc {
    int pid;                            /* its id (pid.h) */
    struct ref ref;
    struct pid_ns *pidns;               /* counted; NULL: the first one */
    bool is_init;                       /* the first process of pidns */
    struct proc *parent;                /* procs_lock */
    int ppid;                           /* what pidns calls it; readable without the lock */
    struct list children, sibling;      /* procs_lock */
    struct list tracees, ended;         /* procs_lock: ptrace.h */
    struct list all_link;               /* procs_lock */
    /* Changed under procs_lock and the leader's sighand->lock: either is enough to
     * read. threads: a dead leader stays in it; nthreads: those that live. */
    struct list threads; u32 nthreads;
    u32 nleaving;                       /* of these, on their way out */
    struct task *leader;
    int pgid;                           /* procs_lock */
    struct session *session;            /* procs_lock */
    bool did_exec;
    bool subreaper;

    struct sigpending pending;          /* sighand->lock of the leader */
    struct waitq child_wq;              /* wait4 sleeps here */
    int exit_signal;                    /* sent to the parent at the end */
    bool group_exit; int group_code;    /* wait(2) status */
    struct task *exec_task;             /* it waits for all other threads to leave */
    bool stopped, continued, stop_reported; int stop_sig;
    bool killable;                      /* init only: it faulted, default actions hold */
    u32 cont_seq;                       /* SIGCONT and SIGKILL so far: they undo stops */
    bool zombie;
    struct waitq exit_wq;               /* pidfds */

    struct { u64 cur, max; } rlim[16];
    struct ktimer real_timer; u64 real_interval;        /* ITIMER_REAL */
    struct ktimer_set *ptimers;
    struct file *exe;                   /* /proc/PID/exe */
    u64 cutime, cstime;                 /* of waited-for children */
    u64 dead_utime, dead_stime;         /* of threads that ended */
    u64 dead_minflt, cminflt;
    struct counts dead_counts, child_counts;
    u64 maxrss, cmaxrss;                /* bytes: at exec and exit; of waited-for children */
    u64 start_time;
    int oom_score_adj;
    struct list sem_undos;              /* core/sem_op.c, under its lock */
    char *cmdline; size_t cmdline_len;  /* argv as exec saw it, NULs between; owned */
    char *environ; size_t environ_len;
};

/* The running task. */
static inline struct task *current(void);

extern struct mutex procs_lock;         /* the process tree and groups */
extern struct list procs_all;
extern struct proc *init_proc;

/* By the number in the current task's namespace: counted, or NULL. */
struct task *task_find_get(int nr);
struct proc *proc_find_get(int nr);
void task_put(struct task *t);
void proc_put(struct proc *p);
int task_count(void);
/* Since boot, for /proc/stat; procs_lock held for both. */
extern u64 tasks_made;
extern u64 switches_gone, faults_gone;  /* of threads that have ended */
extern u32 tasks_peak, tasks_refused;   /* at one time; for lack of a number or a limit */

/* New process or thread as clone(2). flags CLONE_*; regs of the parent. tid or -errno. */
struct clone_req {
    u64 flags, stack, tls;
    uptr_t parent_tid, child_tid, pidfd;
    int exit_signal;
    const int *set_tid; u32 set_tid_n;
};
long task_clone(const struct clone_req *rq);
/* A kernel thread. */
struct task *kthread_start(const char *name, void (*fn)(void *arg), void *arg);
/* Ends the current task; code is a wait(2) status. */
void task_exit(int code) __attribute__((noreturn));
void task_exit_group(int code) __attribute__((noreturn));
/* The child's side of task_clone: the platform calls it in the child's context and
 * address space, before the child first enters user mode. */
void task_child_start(struct task *t);
/* exec: ends all other threads of the process and makes this one the leader. */
int task_exec_single(void);
/* exec or exit: the vfork parent may run again. */
void task_vfork_release(struct task *t);

/* Job control and sessions (core/session.c). */
bool pgrp_orphaned(int pgid);           /* procs_lock held */
int pgrp_exists_in_session(int pgid, const struct session *s);

/* Called by the platform. kmain: first code in C, on the boot stack. */
void kmain(void) __attribute__((noreturn));
long syscall_dispatch(struct regs *r);  /* sys/dispatch.c: call, trace; what r->rax is to be */
void task_return_work(struct regs *r);  /* while (t->work): signals, stop, exit */
/* A CPU exception in user mode: becomes a signal. */
void task_fault(struct regs *r, int sig, int code, u64 addr);

#include "plat_current.h"

/* What the current task's namespace calls an id, and which id it calls so (0: none). */
static inline int pid_nr(int id)
{
    const struct pid_ns *ns = current()->proc->pidns;

    return likely(!ns) ? id : pid_nr_in(ns, id);
}
static inline int pid_id(int nr) { return pid_id_in(current()->proc->pidns, nr); }
#endif
