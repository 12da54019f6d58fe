/* How threads and processes end. */
#include <linux/poll.h>
#include <linux/signal.h>
#include "console.h"
#include "errand.h"
#include "futex.h"
#include "ipc.h"
#include "mm.h"
#include "proc.h"
#include "ptrace.h"
#include "tty.h"
#include "user.h"
#include "vfs.h"

u64 switches_gone, faults_gone;

void task_vfork_release(struct task *t)
{
    if (!t->vfork_parent) return;
    t->vfork_parent = NULL;
    WRITE_ONCE(t->vfork_done, true);
    waitq_wake_all(&t->vfork_wq, 0);
}

static void exit_objects(struct task *t)
{
    errand_end();

    struct fdtable *files = task_obj_swap(&t->files, NULL);
    struct mm *mm = task_obj_swap(&t->mm, NULL);
    struct fsctx *fs;

    if (mm && mm->ref.n == 1) t->proc->maxrss = max(t->proc->maxrss, mm_resident_peak(mm));
    if (files) fdtable_put(files);
    if (mm) {
        mm_exit(mm);
        if (!plat_as_keep(mm)) mm_put(mm);
    }
    fs = task_obj_swap(&t->fs, NULL);
    if (fs) fsctx_put(fs);
    nsset_put(task_obj_swap(&t->ns, NULL));
    task_vfork_release(t);
}

/* Counts t as leaving: true when no other thread of its process stays. */
static bool begin_leaving(struct proc *p)
{
    bool last;

    mutex_lock(&procs_lock);
    last = ++p->nleaving == p->nthreads;
    mutex_unlock(&procs_lock);
    return last;
}

/* A zombie holds no files: who waits for it may write its program anew. */
static void drop_program(struct proc *p)
{
    struct file *exe = task_obj_swap(&p->exe, NULL);

    if (exe) file_put(exe);
    proc_texts_set(p, NULL, 0, NULL, 0);
}

/* Output that the host has not taken yet is waited for, however slow its reader is,
 * until somebody outside gives up and sends SIGKILL. */
static void end_domain(const struct proc *p, const struct task *last)
{
    int code = p->group_exit ? p->group_code : p->leader == last ? last->exit_code
                                                                 : p->leader->exit_code;

    while (console_tx_drain(time_mono() + NSEC_PER_SEC) == -ETIMEDOUT)
        if (code == SIGKILL || ((p->pending.set | last->pending.set) & SIGMASK(SIGKILL))) break;
    plat_halt(code);
}

/* The next subreaper up in p's namespace, else its first process. */
static struct proc *find_reaper(const struct proc *p)
{
    struct proc *q, *init = p->pidns ? p->pidns->init : init_proc;

    for (q = p->parent; q && q->pidns == p->pidns && !q->is_init; q = q->parent)
        if (q->subreaper && q->nthreads) return q;
    return init && init != p ? init : init_proc;
}

static void send_pdeath(struct proc *child)
{
    struct task *t;

    list_for_each(t, &child->threads, proc_link)
        if (t->pdeath_sig && t->state != TASK_ZOMBIE)
            signal_send_proc(child, t->pdeath_sig, NULL);
}

static void reparent_children(struct proc *p)
{
    struct proc *heir = list_empty(&p->children) ? NULL : find_reaper(p);
    struct proc *c, *tmp;

    list_for_each_safe(c, tmp, &p->children, sibling) {
        bool connected = c->pgid != p->pgid && c->session == p->session;

        list_del(&c->sibling);
        list_add_tail(&heir->children, &c->sibling);
        c->parent = heir;
        WRITE_ONCE(c->ppid, pid_nr_in(c->pidns, heir->pid));
        c->exit_signal = SIGCHLD;
        send_pdeath(c);
        if (c->zombie && proc_notify_parent(c, 0, 0)) proc_release(c);
        else if (connected) pgrp_check_orphaned(c->pgid, p);
    }
}

bool proc_notify_parent(struct proc *p, int code, int status)
{
    struct proc *parent = p->parent;
    struct ksigaction *sa = &parent->leader->sighand->action[SIGCHLD - 1];
    bool ignored = sa->handler == (u64)SIG_IGN, exited = p->zombie, discard = false;
    int sig = exited ? p->exit_signal : SIGCHLD;
    struct cred *cred = task_cred_get(p->leader);
    struct ksiginfo info = { .signo = sig, .code = code, .uid = cred->uid, .status = status,
                             .pid = pid_nr_in(parent->pidns, p->pid) };

    cred_put(cred);
    if (exited) {
        int ws = p->group_code;

        info.code = !(ws & 0x7f) ? CLD_EXITED : (ws & 0x80) ? CLD_DUMPED : CLD_KILLED;
        info.status = (ws & 0x7f) ? ws & 0x7f : (ws >> 8) & 0xff;
        info.utime = p->dead_utime / 10000000;  /* clock_t: 100 a second */
        info.stime = p->dead_stime / 10000000;
        if (sig == SIGCHLD && (ignored || (sa->flags & SA_NOCLDWAIT))) discard = true;
        if (sig == SIGCHLD && ignored) sig = 0;
    } else if (ignored || (sa->flags & SA_NOCLDSTOP)) {
        sig = 0;
    }
    if (sig) signal_send_proc(parent, sig, &info);
    waitq_wake_all(&parent->child_wq, 0);
    return discard;
}

void proc_release(struct proc *p)
{
    struct task *leader = p->leader;

    list_del(&p->sibling);
    list_del(&p->all_link);
    pidns_leave(p);
    proc_set_pgid(p, 0);
    session_put(p->session);
    p->session = NULL;
    spin_lock(&leader->sighand->lock);
    sigpending_flush(&p->pending, ~0ull);
    list_del(&leader->proc_link);
    spin_unlock(&leader->sighand->lock);
    tid_free(leader->tid);
    proc_put(p);
    task_put(leader);
}

/* The last thread has gone; procs_lock held. */
static void proc_end(struct proc *p)
{
    if (!p->group_exit) p->group_code = p->leader->exit_code;
    reparent_children(p);
    /* only if p was what tied its group to another one of the session */
    if (p->parent->pgid != p->pgid && p->parent->session == p->session)
        pgrp_check_orphaned(p->pgid, p);
    p->stopped = false;
    WRITE_ONCE(p->zombie, true);
    waitq_wake_all(&p->exit_wq, POLLIN);
    if (proc_notify_parent(p, 0, 0)) proc_release(p);
}

/* Leaves the process: true when that was its last thread. A leader stays in its place for
 * wait4 or the next leader. */
static bool leave(struct task *t, struct proc *p, bool leader, struct session **left_r)
{
    bool last;

    mutex_lock(&procs_lock);
    if (p == init_proc && p->nthreads == 1) end_domain(p, t);
    p->dead_utime += t->utime;
    p->dead_stime += t->stime;
    p->dead_minflt += t->minflt;
    counts_add(&p->dead_counts, &t->counts);
    faults_gone += t->minflt;
    switches_gone += t->counts.nvcsw + t->counts.nivcsw;
    spin_lock(&t->sighand->lock);
    WRITE_ONCE(t->state, TASK_ZOMBIE);
    p->nthreads--;
    p->nleaving--;
    if (!leader) list_del(&t->proc_link);
    last = p->nthreads == 0;
    spin_unlock(&t->sighand->lock);
    if (task_traced(t)) ptrace_task_gone(t);
    if (!leader) tid_free(t->tid);
    if (last) ptrace_tracer_gone(p);
    if (last && p->session->sid == p->pid) {
        *left_r = p->session;
        ref_get(&p->session->ref);
    }
    if (last) proc_end(p);
    else if (p->exec_task) waitq_wake_all(&p->child_wq, 0);
    mutex_unlock(&procs_lock);
    return last;
}

void task_exit(int code)
{
    struct task *t = current();
    struct proc *p = t->proc;
    struct session *left = NULL;
    bool leader, last;

    assert(p != &kthread_proc);
    t->exit_code = code;
    if (task_traced(t)) ptrace_exit(code);
    if (p == init_proc && READ_ONCE(p->nthreads) == 1) {
        vfs_sync_all(false);    /* what others have stored through mappings */
        end_domain(p, t);
    }
    signal_task_exiting(t);
    futex_task_exit(t);
    last = begin_leaving(p);
    exit_objects(t);
    if (last) {
        drop_program(p);
        sem_exit(p);
        if (p->is_init && p->pidns) pidns_end(p);
    }
    task_times(t, &t->utime, &t->stime);
    /* only an exec in another thread changes it, and that waits for this thread */
    leader = t == p->leader;
    plat_wakes_hold();          /* a parent that waits wants procs_lock first thing */
    last = leave(t, p, leader, &left);
    plat_wakes_release();
    if (last) {
        timers_exit(p);
        if (left) {
            tty_session_leader_exit(left);
            mutex_lock(&procs_lock);
            session_put(left);
            mutex_unlock(&procs_lock);
        }
    }
    if (!leader) task_put(t);
    plat_task_exit();
}

void proc_kill(struct proc *p, int code)
{
    struct task *o, *t = current();

    if (p->group_exit) return;
    p->group_exit = true;
    p->group_code = code;
    list_for_each(o, &p->threads, proc_link) {
        if (o == t || o->state == TASK_ZOMBIE) continue;
        __atomic_or_fetch(&o->work, WORK_EXIT, __ATOMIC_SEQ_CST);
        task_wake(o);
        plat_task_kick(o);
    }
}

void task_exit_group(int code)
{
    struct proc *p = current()->proc;

    mutex_lock(&procs_lock);
    proc_kill(p, code);
    code = p->group_code;
    mutex_unlock(&procs_lock);
    task_exit(code);
}

/* The thread that called exec takes over the number and place of the leader. */
static void become_leader(struct task *t, struct proc *p)
{
    struct task *old = p->leader;

    spin_lock(&t->sighand->lock);
    list_del(&old->proc_link);
    p->leader = t;
    spin_unlock(&t->sighand->lock);
    tid_move(t, p->pid);
    task_put(old);
}

int task_exec_single(void)
{
    struct task *t = current(), *o;
    struct proc *p = t->proc;
    struct waiter w;
    int r = 0;

    if (READ_ONCE(p->nthreads) == 1 && p->leader == t) return 0;
    mutex_lock(&procs_lock);
    if (p->group_exit || p->exec_task) {
        mutex_unlock(&procs_lock);
        return -EAGAIN;
    }
    p->exec_task = t;
    waiter_init(&w);
    waitq_add(&p->child_wq, &w);
    list_for_each(o, &p->threads, proc_link) {
        if (o == t || o->state == TASK_ZOMBIE) continue;
        __atomic_or_fetch(&o->work, WORK_EXIT, __ATOMIC_SEQ_CST);
        task_wake(o);
        plat_task_kick(o);
    }
    while (p->nthreads > 1 && !p->group_exit) {
        mutex_unlock(&procs_lock);
        task_sleep(WAIT_FOREVER, false);
        mutex_lock(&procs_lock);
    }
    if (p->group_exit) r = -EAGAIN;
    else if (p->leader != t) become_leader(t, p);
    p->exec_task = NULL;
    waitq_remove(&p->child_wq, &w);
    mutex_unlock(&procs_lock);
    return r;
}
