/* Processes and threads: making, ending, waiting, numbers, groups and sessions. */
#include <linux/capability.h>
#include <linux/fcntl.h>
#include <linux/sched.h>
#include <linux/signal.h>
#include <linux/resource.h>
#include <linux/wait.h>
#include "proc.h"
#include "rusage.h"
#include "sys.h"
#include "user.h"
#include "vfs.h"

/* -- making -- */

long sys_fork(const u64 *a)
{
    struct clone_req rq = { .exit_signal = SIGCHLD };

    return task_clone(&rq);
}

long sys_vfork(const u64 *a)
{
    struct clone_req rq = { .flags = CLONE_VM | CLONE_VFORK, .exit_signal = SIGCHLD };

    return task_clone(&rq);
}

long sys_clone(const u64 *a)
{
    struct clone_req rq = {
        .flags = (u32)a[0] & ~(u64)CSIGNAL, .stack = a[1], .parent_tid = a[2],
        .child_tid = a[3], .tls = a[4], .exit_signal = (int)(a[0] & CSIGNAL),
    };

    if (rq.flags & CLONE_PIDFD) {       /* the pidfd goes where the tid would */
        if (rq.flags & CLONE_PARENT_SETTID) return -EINVAL;
        rq.pidfd = a[2];
    }
    if (rq.exit_signal > 64) return -EINVAL;
    return task_clone(&rq);
}

/* Fields beyond what we know must be zero. */
static int read_clone_args(struct clone_args *ca, uptr_t p, u64 size)
{
    char rest;

    if (size < CLONE_ARGS_SIZE_VER0) return -EINVAL;
    if (size > PAGE_SIZE) return -E2BIG;
    memset(ca, 0, sizeof *ca);
    if (copy_from_user(ca, p, min(size, (u64)sizeof *ca)) < 0) return -EFAULT;
    for (u64 i = sizeof *ca; i < size; i++) {
        if (get_user(rest, p + i) < 0) return -EFAULT;
        if (rest) return -E2BIG;
    }
    return 0;
}

long sys_clone3(const u64 *a)
{
    struct clone_args ca;
    struct clone_req rq;
    int set_tid[PID_LEVELS_MAX + 1], r = read_clone_args(&ca, a[0], a[1]);

    if (r < 0) return r;
    if (ca.flags & (CLONE_DETACHED | (CSIGNAL & ~(u64)CLONE_NEWTIME))) return -EINVAL;
    if (ca.exit_signal > 64 || !ca.stack != !ca.stack_size) return -EINVAL;
    if ((ca.flags & (CLONE_THREAD | CLONE_PARENT)) && ca.exit_signal) return -EINVAL;
    if (ca.set_tid_size > PID_LEVELS_MAX || !ca.set_tid != !ca.set_tid_size) return -EINVAL;
    rq = (struct clone_req){
        .flags = ca.flags, .stack = ca.stack ? ca.stack + ca.stack_size : 0, .tls = ca.tls,
        .parent_tid = ca.parent_tid, .child_tid = ca.child_tid, .pidfd = ca.pidfd,
        .exit_signal = (int)ca.exit_signal, .set_tid = set_tid,
        .set_tid_n = (u32)ca.set_tid_size,
    };
    if (ca.set_tid_size) {
        if (!capable(CAP_SYS_ADMIN) && !capable(CAP_CHECKPOINT_RESTORE)) return -EPERM;
        if (copy_from_user(set_tid, ca.set_tid, ca.set_tid_size * sizeof set_tid[0]) < 0)
            return -EFAULT;
        for (u64 k = 0; k < ca.set_tid_size; k++)
            if (set_tid[k] < 1) return -EINVAL;
    }
    return task_clone(&rq);
}

/* -- ending -- */

long sys_exit(const u64 *a) { task_exit((int)(a[0] & 0xff) << 8); }
long sys_exit_group(const u64 *a) { task_exit_group((int)(a[0] & 0xff) << 8); }

/* -- waiting -- */

long sys_wait4(const u64 *a)
{
    int pid = (int)a[0];
    u32 options = (u32)a[2];
    struct wait_req rq = { .id = pid, .options = options | WEXITED };
    int r;

    if (options & ~(u32)(WNOHANG | WUNTRACED | WCONTINUED | __WNOTHREAD | __WCLONE | __WALL))
        return -EINVAL;
    if (pid == (int)0x80000000) return -ESRCH;
    if (pid > 0) rq.type = P_PID;
    else if (pid == -1) rq.type = P_ALL;
    else rq.type = P_PGID;
    if (pid > 0) rq.id = pid_id(pid);
    if (pid == 0) rq.id = current()->proc->pgid;
    if (pid < -1) rq.id = pid_id(-pid);
    r = proc_wait(&rq);
    if (r <= 0) return r;
    if (a[1] && put_user(rq.wstatus, a[1]) < 0) return -EFAULT;
    if (a[3] && rusage_to_user(a[3], &rq.usage) < 0) return -EFAULT;
    return rq.pid;
}

/* P_PIDFD becomes P_PID. 1: the descriptor is non-blocking. */
static int wait_target(struct wait_req *rq)
{
    struct proc *p;
    struct file *f;
    int r;

    switch (rq->type) {
    case P_ALL: return 0;
    case P_PID:
        if (rq->id <= 0) return -EINVAL;
        rq->id = pid_id(rq->id);
        return 0;
    case P_PGID:
        if (rq->id < 0) return -EINVAL;
        rq->id = rq->id ? pid_id(rq->id) : current()->proc->pgid;
        return 0;
    case P_PIDFD:
        f = fd_get(rq->id);
        if (!f) return -EBADF;
        p = pidfd_proc(f);
        r = p ? !!(f->flags & O_NONBLOCK) : -EBADF;
        if (p) {
            rq->type = P_PID;
            rq->id = p->pid;
        }
        file_put(f);
        return r;
    }
    return -EINVAL;
}

long sys_waitid(const u64 *a)
{
    struct wait_req rq = { .type = (int)a[0], .id = (int)a[1], .options = (u32)a[3] };
    const u32 kinds = WEXITED | WSTOPPED | WCONTINUED;
    int nonblock, r, info[7] = { 0 };

    if (rq.options & ~(kinds | WNOHANG | WNOWAIT | __WNOTHREAD | __WCLONE | __WALL))
        return -EINVAL;
    if (!(rq.options & kinds)) return -EINVAL;
    nonblock = wait_target(&rq);
    if (nonblock < 0) return nonblock;
    if (nonblock) rq.options |= WNOHANG;
    r = proc_wait(&rq);
    if (r < 0) return r;
    if (!r && nonblock && !((u32)a[3] & WNOHANG)) return -EAGAIN;
    if (r) {            /* siginfo_t: signo errno code, then pid uid status at 16 */
        info[0] = SIGCHLD;
        info[2] = rq.code;
        info[4] = rq.pid;
        info[5] = (int)rq.uid;
        info[6] = rq.status;
        if (a[4] && rusage_to_user(a[4], &rq.usage) < 0) return -EFAULT;
    }
    if (a[2] && copy_to_user(a[2], info, sizeof info) < 0) return -EFAULT;
    return 0;
}

/* -- numbers -- */

long sys_getpid(const u64 *a) { return pid_nr(current()->proc->pid); }
long sys_gettid(const u64 *a) { return pid_nr(current()->tid); }
long sys_getppid(const u64 *a) { return READ_ONCE(current()->proc->ppid); }
long sys_getpgrp(const u64 *a) { return pid_nr(READ_ONCE(current()->proc->pgid)); }

long sys_set_tid_address(const u64 *a)
{
    struct task *t = current();

    t->clear_tid = a[0];
    return pid_nr(t->tid);
}

/* pid 0: the caller. Runs with procs_lock held; NULL: no such process. */
static struct proc *proc_locked(int pid)
{
    struct task *t = pid ? task_peek(pid_id(pid)) : current();

    return t && pid < KTHREAD_TID ? t->proc : NULL;
}

long sys_getpgid(const u64 *a)
{
    struct proc *p;
    long r;

    mutex_lock(&procs_lock);
    p = (int)a[0] < 0 ? NULL : proc_locked((int)a[0]);
    r = p ? pid_nr(p->pgid) : -ESRCH;
    mutex_unlock(&procs_lock);
    return r;
}

long sys_getsid(const u64 *a)
{
    struct proc *p;
    long r;

    mutex_lock(&procs_lock);
    p = (int)a[0] < 0 ? NULL : proc_locked((int)a[0]);
    r = p && p->session ? pid_nr(p->session->sid) : -ESRCH;
    mutex_unlock(&procs_lock);
    return r;
}

/* setpgid(2)'s rules in its order of checks; procs_lock held. */
static int setpgid_rules(struct proc *p, int pgid)
{
    struct proc *me = current()->proc;

    if (p != me && p->parent != me) return -ESRCH;
    if (p != me && p->session != me->session) return -EPERM;
    if (p != me && p->did_exec) return -EACCES;
    if (p->session->sid == p->pid) return -EPERM;
    if (pgid != p->pid && !pgrp_exists_in_session(pgid, me->session)) return -EPERM;
    return 0;
}

long sys_setpgid(const u64 *a)
{
    int pid = (int)a[0], pgid = (int)a[1];
    struct proc *p;
    int r = -ESRCH;

    if (pgid < 0) return -EINVAL;
    if (pid < 0) return -ESRCH;
    mutex_lock(&procs_lock);
    p = proc_locked(pid);
    if (p && (!pid || p->pid == pid_id(pid))) {
        int id = pgid ? pid_id(pgid) : p->pid;

        r = setpgid_rules(p, id);
        if (!r) proc_set_pgid(p, id);
    }
    mutex_unlock(&procs_lock);
    return r;
}

long sys_setsid(const u64 *a)
{
    long r;

    mutex_lock(&procs_lock);
    r = session_start(current()->proc);
    if (r > 0) r = pid_nr((int)r);
    mutex_unlock(&procs_lock);
    return r;
}
