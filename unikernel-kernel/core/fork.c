/* clone(2): a new task, in a new process or as a thread of this one. */
#include <linux/capability.h>
#include <linux/fcntl.h>
#include <linux/sched.h>
#include <linux/signal.h>
#include <asm/resource.h>
#include "mm.h"
#include "proc.h"
#include "ptrace.h"
#include "user.h"
#include "vfs.h"

enum { TASKS_MAX = 30000 };     /* below the host's pid_max and our own table */

u64 tasks_made;
u32 tasks_peak, tasks_refused;

static int check_flags(const struct clone_req *rq)
{
    u64 f = rq->flags;

    if ((f & CLONE_FS) && (f & (CLONE_NEWNS | CLONE_NEWUSER))) return -EINVAL;
    int r = ns_check_flags(f & ~(u64)CSIGNAL);

    if (r < 0) return r;
    if ((f & CLONE_THREAD) && (f & (CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC))) return -EINVAL;
    if ((f & (CLONE_THREAD | CLONE_NEWPID)) &&
        pidns_for_children(current()) != current()->proc->pidns)
        return -EINVAL;
    if ((f & CLONE_THREAD) && (f & CLONE_NEWPID)) return -EINVAL;
    if ((f & CLONE_SIGHAND) && !(f & CLONE_VM)) return -EINVAL;
    if ((f & CLONE_THREAD) && !(f & CLONE_SIGHAND)) return -EINVAL;
    if ((f & CLONE_CLEAR_SIGHAND) && (f & CLONE_SIGHAND)) return -EINVAL;
    if ((f & CLONE_PIDFD) && (f & (CLONE_THREAD | CLONE_DETACHED))) return -EINVAL;
    if ((f & CLONE_PARENT) && current()->proc->is_init) return -EINVAL;
    if (f & CLONE_INTO_CGROUP) return -EOPNOTSUPP;
    /* two processes that go on in one address space: not offered (docs/CAVEATS.md) */
    if ((f & CLONE_VM) && !(f & (CLONE_VFORK | CLONE_THREAD))) return -EINVAL;
    return 0;
}

/* RLIMIT_NPROC counts the tasks of a real user id. */
static bool over_nproc(void)
{
    struct task *t = current();
    u64 limit = rlimit(t->proc, RLIMIT_NPROC), n = 0;
    struct proc *p;

    if (limit == RLIM_INFINITY || !t->cred->uid) return false;
    if (capable(CAP_SYS_RESOURCE) || capable(CAP_SYS_ADMIN)) return false;
    mutex_lock(&procs_lock);
    list_for_each(p, &procs_all, all_link) {
        struct cred *c = task_cred_get(p->leader);

        if (c->uid == t->cred->uid) n += max(p->nthreads, 1u);
        cred_put(c);
    }
    mutex_unlock(&procs_lock);
    return n >= limit;
}

static void copy_plain(struct task *c, const struct task *t, const struct clone_req *rq)
{
    u64 f = rq->flags;

    c->blocked = t->blocked;
    if (!(f & CLONE_VM) || (f & CLONE_VFORK)) {
        c->altstack_sp = t->altstack_sp;
        c->altstack_size = t->altstack_size;
        c->altstack_flags = t->altstack_flags;
    }
    if (!(f & CLONE_VM)) {
        c->rseq = t->rseq;
        c->rseq_len = t->rseq_len;
        c->rseq_sig = t->rseq_sig;
    }
    memcpy(c->comm, t->comm, sizeof c->comm);
    c->no_new_privs = t->no_new_privs;
    c->dumpable = t->dumpable;
    c->timer_slack = t->timer_slack;
    c->cpu_affinity = t->cpu_affinity;
    c->nice = t->nice;
    c->policy = t->policy;
    c->rt_prio = t->rt_prio;
    c->ioprio = t->ioprio;
    c->personality = t->personality;
    c->start_time = time_mono();
    if (f & CLONE_CHILD_CLEARTID) c->clear_tid = rq->child_tid;
    if (f & CLONE_CHILD_SETTID) c->set_tid = rq->child_tid;
}

static void copy_regs(struct task *c, const struct task *t, const struct clone_req *rq)
{
    c->regs = plat_task_regs(c);
    *c->regs = *t->regs;
    c->regs->rax = 0;
    c->regs->nr = NO_SYSCALL;
    c->regs->host = 0;
    if (rq->stack) c->regs->rsp = rq->stack;
}

/* What is shared or copied and counted; task_drop undoes any part of it. */
static int copy_objects(struct task *c, struct task *t, u64 f)
{
    cred_get(t->cred);
    c->cred = t->cred;
    c->seccomp = seccomp_get(t->seccomp);
    if (f & CLONE_SIGHAND) {
        ref_get(&t->sighand->ref);
        c->sighand = t->sighand;
    } else {
        c->sighand = sighand_copy(t->sighand);
        if (!c->sighand) return -ENOMEM;
        if (f & CLONE_CLEAR_SIGHAND) sighand_exec_reset(c->sighand);
    }
    if (f & CLONE_FILES) {
        ref_get(&t->files->ref);
        c->files = t->files;
    } else if (!(c->files = fdtable_copy(t->files))) {
        return -ENOMEM;
    }
    if (f & CLONE_FS) {
        ref_get(&t->fs->ref);
        c->fs = t->fs;
    } else if (!(c->fs = fsctx_copy(t->fs))) {
        return -ENOMEM;
    }
    if (f & (CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID)) {
        int r = nsset_new(t->ns, f, &c->ns);

        if (r < 0) return r;
    } else {
        c->ns = nsset_get(t->ns);
    }
    if (f & CLONE_NEWNS) {
        int r = fsctx_unshare_mounts(c->fs);

        if (r < 0) return r;
    }
    if (f & CLONE_VM) {
        mm_get(t->mm);
        c->mm = t->mm;
    }                           /* a copy is made with the pages', in start() */
    return 0;
}

static void task_drop(struct task *c)
{
    if (c->mm) mm_put(c->mm);
    if (c->fs) fsctx_put(c->fs);
    if (c->files) fdtable_put(c->files);
    nsset_put(c->ns);
    c->ns = NULL;
    c->mm = NULL;
    c->fs = NULL;
    c->files = NULL;
    if (c->tid) tid_free(c->tid);
    task_put(c);        /* the rest goes with it */
}

static char *dup_bytes(const char *s, size_t n)
{
    char *d = s ? kmalloc(n) : NULL;

    if (d) memcpy(d, s, n);
    return d;
}

static struct proc *proc_copy(struct proc *p)
{
    struct proc *n = proc_new();

    if (!n) return NULL;
    memcpy(n->rlim, p->rlim, sizeof n->rlim);
    n->oom_score_adj = p->oom_score_adj;
    n->start_time = time_mono();
    n->exe = p->exe;
    if (n->exe) file_get(n->exe);
    n->cmdline = dup_bytes(p->cmdline, p->cmdline_len);
    if (n->cmdline) n->cmdline_len = p->cmdline_len;
    n->environ = dup_bytes(p->environ, p->environ_len);
    if (n->environ) n->environ_len = p->environ_len;
    return n;
}

/* Puts the child where others see it. From here on it may be waited for and killed. */
static int link_child(struct task *c, struct task *t, const struct clone_req *rq)
{
    struct proc *p = t->proc, *n = c->proc;
    int r = 0;

    mutex_lock(&procs_lock);
    tasks_made++;
    tasks_peak = max(tasks_peak, (u32)task_count());
    spin_lock(&t->sighand->lock);
    if (p->group_exit || (p->exec_task && (rq->flags & CLONE_THREAD))) {
        r = -ERESTARTSYS;       /* the caller is about to leave */
    } else if (signal_pending(t)) {
        r = -ERESTARTNOINTR;    /* what was sent to its group would miss the child */
    } else if (pidns_ending(n->pidns)) {
        r = -ENOMEM;
    } else if (n == p) {
        seccomp_new_thread(c, t);
        list_add_tail(&p->threads, &c->proc_link);
        p->nthreads++;
    } else {
        n->pid = c->tid;
        n->leader = c;
        n->nthreads = 1;
        list_add(&n->threads, &c->proc_link);
    }
    spin_unlock(&t->sighand->lock);
    if (!r && n != p) {
        n->parent = (rq->flags & CLONE_PARENT) ? p->parent : p;
        n->ppid = pid_nr_in(n->pidns, n->parent->pid);
        pidns_join(n);
        n->exit_signal = (rq->flags & CLONE_PARENT) ? p->exit_signal : rq->exit_signal;
        n->session = p->session;
        ref_get(&n->session->ref);
        proc_set_pgid(n, p->pgid);
        list_add_tail(&n->parent->children, &n->sibling);
        list_add_tail(&procs_all, &n->all_link);
    }
    mutex_unlock(&procs_lock);
    return r;
}

static void unlink_child(struct task *c, struct task *t)
{
    struct proc *p = t->proc, *n = c->proc;

    mutex_lock(&procs_lock);
    spin_lock(&t->sighand->lock);
    list_del(&c->proc_link);
    n->nthreads--;
    spin_unlock(&t->sighand->lock);
    if (n != p) {
        proc_set_pgid(n, 0);
        session_put(n->session);
        n->session = NULL;
        list_del(&n->sibling);
        list_del(&n->all_link);
        pidns_leave(n);
    }
    mutex_unlock(&procs_lock);
}

static int give_pidfd(struct task *c, const struct clone_req *rq)
{
    struct file *f;
    int fd, r = pidfd_new(c->proc, 0, &f);

    if (r < 0) return r;
    fd = fd_install(f, 0, true);
    if (fd < 0) {
        file_put(f);
        return fd;
    }
    if (put_user(fd, rq->pidfd) < 0) {
        fd_close(fd);
        return -EFAULT;
    }
    return fd;
}

static enum plat_start start_kind(u64 f)
{
    if (f & CLONE_THREAD) return PLAT_THREAD;
    return (f & CLONE_VM) ? PLAT_VFORK : PLAT_PROCESS;
}

/* Until the child, with an address space of its own, has called exec or ended. Only
 * death gets the parent out of it. */
static void wait_vfork(struct task *c)
{
    struct waiter w;

    waiter_init(&w);
    waitq_add(&c->vfork_wq, &w);
    while (!READ_ONCE(c->vfork_done) && !(READ_ONCE(current()->work) & WORK_EXIT))
        task_sleep(WAIT_FOREVER, false);
    waitq_remove(&c->vfork_wq, &w);
}

static int start(struct task *c, struct task *t, enum plat_start how, u64 tls)
{
    int r;

    if (how != PLAT_PROCESS) return plat_task_start(c, how, tls, NULL, NULL);
    /* Bookkeeping and pages are copied as one: no other thread's mmap in between. */
    struct mm *mm = mm_clone_begin(t->mm);
    if (!mm) return -ENOMEM;
    c->mm = mm;
    r = plat_task_start(c, how, tls, NULL, NULL);
    mm_clone_end(t->mm);
    return r;
}

/* The child is complete but for its place in the tree: show it and start it. */
static long launch(struct task *c, struct task *t, const struct clone_req *rq)
{
    enum plat_start how = start_kind(rq->flags);
    int tid = pid_nr(c->tid), id = c->tid, pidfd = -1, event, r;

    r = link_child(c, t, rq);
    if (r < 0) return r;
    if (rq->flags & CLONE_PIDFD) pidfd = r = give_pidfd(c, rq);
    if (r >= 0 && (rq->flags & CLONE_PARENT_SETTID) && put_user(tid, rq->parent_tid) < 0)
        r = -EFAULT;
    ref_get(&c->ref);
    event = ptrace_clone(c, rq->flags, rq->exit_signal);
    bool limited = c->proc != t->proc && c->proc->rlim[RLIMIT_CPU].cur != ~0ull;
    if (r >= 0 && limited) timers_cpu_limit(c->proc);
    if (r >= 0)
        r = start(c, t, how, (rq->flags & CLONE_SETTLS) ? rq->tls : PLAT_KEEP_TLS);
    if (r < 0) {
        if (limited) timers_exit(c->proc);
        ptrace_not_cloned(c);
        unlink_child(c, t);
        if (pidfd >= 0) fd_close(pidfd);
        task_put(c);
        return r;
    }
    kworker_forked();
    if (how == PLAT_VFORK || r == PLAT_LENT) plat_vfork_wait(c);
    if (how != PLAT_VFORK && (rq->flags & CLONE_VFORK)) wait_vfork(c);
    task_put(c);
    if (event) ptrace_cloned(event, id);
    return tid;
}

long task_clone(const struct clone_req *rq)
{
    struct task *t = current(), *c;
    long r = check_flags(rq);

    if (r < 0) return r;
    if (task_count() >= TASKS_MAX || over_nproc()) {
        tasks_refused++;
        return -EAGAIN;
    }
    c = task_new();
    if (!c) return -ENOMEM;
    copy_plain(c, t, rq);
    copy_regs(c, t, rq);
    if (rq->flags & CLONE_VFORK) c->vfork_parent = t;
    if (rq->flags & CLONE_THREAD) {
        ref_get(&t->proc->ref);
        c->proc = t->proc;
    } else {
        c->proc = proc_copy(t->proc);
        r = c->proc ? 0 : -ENOMEM;
        if (!r) ref_get(&c->proc->ref);         /* one of the task, one of the tree */
    }
    if (!r) r = copy_objects(c, t, rq->flags);
    if (!r && c->proc != t->proc) {
        c->proc->pidns = pidns_for_children(c);
        pidns_get(c->proc->pidns);
    }
    if (!r) r = tid_alloc(c, c->proc->pidns, rq->set_tid, rq->set_tid_n);
    if (!r) r = launch(c, t, rq);
    if (r < 0) {
        if (c->proc && c->proc != t->proc) proc_put(c->proc);
        task_drop(c);
        if (r == -EAGAIN) tasks_refused++;
    }
    return r;
}

void task_child_start(struct task *t)
{
    /* a vfork child uses its parent's memory, a thread its process's */
    if (t->proc->leader == t && !(t->vfork_parent && t->vfork_parent->mm == t->mm))
        mm_fork_child(t->mm);
    if (t->set_tid) put_user(pid_nr(t->tid), t->set_tid);
}
