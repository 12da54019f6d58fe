/* Processes as a whole: waiting for children, sessions, limits, pidfds, identity of the
 * container. core/wait.c, session.c, rlimit.c, pidfd.c, uts.c. */
#ifndef PROC_H
#define PROC_H
#include "ns.h"
#include "task.h"

enum { KTHREAD_TID = 0x40000000, KTHREADS_MAX = 8 };     /* kernel threads have no number */
extern struct task *kthreads[KTHREADS_MAX];

void task_init(struct task *t);                 /* of zeroed memory: lists, ref, defaults */
struct task *task_new(void);                    /* allocated and initialized */
struct proc *proc_new(void);
void kworker_forked(void);                      /* there is a second process */
void tasks_check_alive(void);                   /* ends the domain if the host killed one */
void task_reap_dead(void);                      /* frees tasks whose host context has gone */
extern struct proc kthread_proc;                /* what kernel threads belong to */

/* -- other tasks' objects (core/objs.c): counted, or NULL after its exit. Whoever changes
 *    t->mm, files, fs, ns or p->exe of a living task does it by task_obj_swap. -- */
struct mm *task_mm_get(struct task *t);
struct fdtable *task_files_get(struct task *t);
struct fsctx *task_fs_get(struct task *t);
struct nsset *task_nsset_get(struct task *t);     /* NULL: the first ones */
struct file *proc_exe_get(struct proc *p);
/* ptrace(2)'s rule: may the current task look into p? procs_lock held. */
bool proc_inspectable(struct proc *p);
/* Stores obj in the pointer at slot: the old one, for the caller to put. */
void *task_obj_swap(void *slot, void *obj);
/* At most n bytes of the command line (env: environment): its whole length. */
size_t proc_text_copy(struct proc *p, bool env, char *buf, size_t n);
/* Takes both over, frees the old. */
void proc_texts_set(struct proc *p, char *cmd, size_t cmd_len, char *env, size_t env_len);

/* -- the ends of threads and processes -- */
/* Makes every thread of p leave with code; procs_lock held. */
void proc_kill(struct proc *p, int code);
/* Takes a dead process out of the tree and frees it; procs_lock held. */
void proc_release(struct proc *p);
/* Tells the parent that p stopped, continued or died (SIGCHLD and wait4). code: CLD_*;
 * procs_lock held. True: the parent does not want zombies. */
bool proc_notify_parent(struct proc *p, int code, int status);

/* -- waiting (core/wait.c) -- */
struct kusage { u64 utime, stime, minflt, maxrss; struct counts counts; };
struct wait_req {
    int type, id;               /* P_ALL, P_PID, P_PGID; an id (pid.h) */
    u32 options;                /* WEXITED WSTOPPED WCONTINUED WNOHANG WNOWAIT __W* */
    /* results */
    int pid; u32 uid;           /* pid: its number for the caller */
    int code, status;           /* CLD_*, and exit code or signal */
    int wstatus;                /* as wait4 reports it */
    struct kusage usage;
};
/* 1: rq's results hold; 0: WNOHANG and nothing to tell; else -errno. */
int proc_wait(struct wait_req *rq);
/* CPU time used by a task, ns: in programs, in the system. procs_lock held, or it is us. */
void task_times(struct task *t, u64 *user_r, u64 *sys_r);
void proc_usage(struct proc *p, struct kusage *u_r);    /* living and dead threads */

/* -- sessions and groups (core/session.c); procs_lock held -- */
struct session *session_new(int sid);
void session_put(struct session *s);
void proc_set_pgid(struct proc *p, int pgid);
int session_start(struct proc *p);              /* setsid(2): sid or -EPERM */
/* A process of group pgid left or lost its parent: if that orphans the group and it has
 * stopped members, they get SIGHUP and SIGCONT (POSIX). */
void pgrp_check_orphaned(int pgid, const struct proc *leaving);

/* -- limits (core/rlimit.c) -- */
void rlimit_init(struct proc *p);
static inline u64 rlimit(const struct proc *p, unsigned res) { return READ_ONCE(p->rlim[res].cur); }
int rlimit_set(struct proc *p, unsigned res, u64 cur, u64 max);

/* -- pidfds (core/pidfd.c) -- */
int pidfd_new(struct proc *p, u32 flags, struct file **file_r);
struct proc *pidfd_proc(const struct file *f);  /* borrowed; NULL: not a pidfd */
/* fs/procfs.c: of an open folder /proc/PID. 0 (*p_r counted), -EBADF: it is none, -ESRCH. */
int procfs_folder_proc(const struct file *f, struct proc **p_r);

/* -- what uname says of the kernel; ns.h has the container's names -- */
#define UTS_SYSNAME "Linux"
#define UTS_RELEASE "6.1.0-xenc"
#define UTS_VERSION "#1 SMP xenc"
#define UTS_MACHINE "x86_64"

/* -- seccomp (core/seccomp.c) -- */
struct sock_filter;
struct seccomp;
int seccomp_attach(const struct sock_filter *f, unsigned n);    /* current task */
/* The same for all threads of its process; > 0: one, by its id, has filters of its own. */
int seccomp_attach_all(const struct sock_filter *f, unsigned n);
/* Strict mode: what the program does not allow kills the thread. */
int seccomp_attach_strict(const struct sock_filter *f, unsigned n);
/* c was copied from t and is about to be seen by others; procs_lock held. */
void seccomp_new_thread(struct task *c, const struct task *t);
struct seccomp *seccomp_get(struct seccomp *s);
void seccomp_put(struct seccomp *s);
/* Runs the filters: true: go on with the call; else r->rax (or a signal) is set. */
bool seccomp_check(struct regs *r);
int seccomp_mode(const struct task *t);
extern u32 syscall_watch;               /* nonzero: watched_dispatch for all */
extern bool trace_enabled;              /* --strace (sys/strace.c) */

/* -- boot -- */
/* Ends the domain with one clear line; status: 127, 126 or 1. */
void boot_fail(int status, const char *fmt, ...)
    __attribute__((format(printf, 2, 3), noreturn));
int kworker_start(void);
#endif
