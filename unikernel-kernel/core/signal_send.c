/* Sending signals: who gets one, what is dropped, who is woken (signal(7), kill(2)).
 * Lock order: procs_lock, then one sighand->lock. */
#include <asm/poll.h>
#include <asm/siginfo.h>
#include "proc.h"
#include "ptrace.h"
#include "sigq.h"

void signal_poke(struct task *t)
{
    u32 before = __atomic_fetch_or(&t->work, WORK_SIGNAL, __ATOMIC_SEQ_CST);

    if (t == current()) return;
    /* The token is left even for one that seems to run: it may be about to sleep. */
    task_wake(t);
    /* One kick is enough until it has looked: a flood of them would pile up on its stack. */
    if (!(before & WORK_SIGNAL) && READ_ONCE(t->state) == TASK_RUNNING) plat_task_kick(t);
}

/* A stop and a continue undo each other while they are only pending. True: p had
 * stopped and goes on. */
static bool prepare(struct proc *p, int sig)
{
    ksigset_t undone = 0;
    struct task *t;

    if (SIGS_STOP & SIGMASK(sig)) undone = SIGMASK(SIGCONT);
    else if (sig == SIGCONT) undone = SIGS_STOP;
    if (undone) {
        sigpending_flush(&p->pending, undone);
        list_for_each(t, &p->threads, proc_link) sigpending_flush(&t->pending, undone);
    }
    if (sig != SIGCONT && sig != SIGKILL) return false;
    p->cont_seq++;
    return signal_unstop(p);
}

/* Would the signal do nothing? Blocked ones are kept: the handler may change first. */
static bool ignored(const struct task *t, int sig, bool force)
{
    u64 handler = t->sighand->action[sig - 1].handler;

    if (((t->blocked | t->awaited) & SIGMASK(sig)) || (task_traced(t) && sig != SIGKILL))
        return false;
    if (proc_unkillable(t->proc) && handler == HANDLER_DFL &&
        !(force && (SIGS_HARD & SIGMASK(sig))))
        return true;
    return handler == HANDLER_IGN || (handler == HANDLER_DFL && (SIGS_IGNORE & SIGMASK(sig)));
}

static bool may_take(const struct task *t, int sig)
{
    return task_lives(t) && !(t->blocked & SIGMASK(sig)) && READ_ONCE(t->state) != TASK_STOPPED &&
           READ_ONCE(t->state) != TASK_TRACED;
}

/* Makes a thread take what is pending: t if that may, else one of the process that has
 * nothing else to take, else any that may. */
static void choose(struct task *t, int sig, bool group)
{
    struct task *o, *best = NULL;

    if (sig == SIGKILL) {
        list_for_each(o, &t->proc->threads, proc_link)
            if (task_lives(o)) signal_poke(o);
        return;
    }
    if (may_take(t, sig) && (!group || !(READ_ONCE(t->work) & WORK_SIGNAL))) {
        signal_poke(t);
        return;
    }
    if (!group) return;
    list_for_each(o, &t->proc->threads, proc_link) {
        if (!may_take(o, sig)) continue;
        best = o;
        if (!(READ_ONCE(o->work) & WORK_SIGNAL)) break;
    }
    if (best) signal_poke(best);
}

static int queue(struct task *t, struct sigpending *pend, int sig, const struct ksiginfo *info)
{
    struct sigq *q;

    if (sig < SIGRTMIN && pend->set & SIGMASK(sig)) return 0;
    q = sigq_new(t, sig < SIGRTMIN && (!info || info->code >= 0));
    if (!q && sig >= SIGRTMIN && info && info->code != SI_USER) return -EAGAIN;
    if (q) {
        if (info) q->info = *info;
        else q->info.code = SI_KERNEL;
        q->info.signo = sig;
        list_add_tail(&pend->queue, &q->link);
    }
    pend->set |= SIGMASK(sig);
    return 1;
}

struct sending {
    struct proc *p;
    struct task *t;             /* NULL: any thread */
    int sig;
    const struct ksiginfo *info;
    bool force;                 /* from the kernel or from outside of the container */
};

/* Who sends from outside of the receiver's pid namespace has no number in there, and may
 * do to its first process what others there may not. */
static bool from_above(const struct sending *s)
{
    return unlikely(s->p->pidns) && s->info && s->info->code <= SI_USER &&
           !pidns_within(current()->proc->pidns, s->p->pidns);
}

/* procs_lock held. */
static int send(const struct sending *s)
{
    struct proc *p = s->p;
    struct task *t = s->t ? s->t : p->leader;
    bool above = from_above(s);
    struct ksiginfo nameless;
    const struct ksiginfo *info = s->info;
    struct sighand *sh;
    bool continued;
    int r = 0;

    if (p->zombie || !t || !t->sighand || !p->threads.next) return 0;
    if (above) {
        nameless = *info;
        nameless.pid = 0;
        info = &nameless;
    }
    sh = t->sighand;
    spin_lock(&sh->lock);
    continued = prepare(p, s->sig);
    if (!ignored(t, s->sig, s->force || above)) {
        r = queue(t, s->t ? &t->pending : &p->pending, s->sig, info);
        if (r > 0) choose(t, s->sig, !s->t);
    }
    spin_unlock(&sh->lock);
    if (r > 0 && waitq_active(&sh->signalfd_wq)) waitq_wake_all(&sh->signalfd_wq, POLLIN);
    if (continued && s->sig == SIGCONT) {
        p->continued = true;
        proc_notify_parent(p, CLD_CONTINUED, SIGCONT);
    }
    return r < 0 ? r : 0;
}

static int send_with_lock(const struct sending *s)
{
    bool held = mutex_held(&procs_lock);
    int r;

    if (s->sig < 1 || s->sig > 64) return -EINVAL;
    if (!held) mutex_lock(&procs_lock);
    r = send(s);
    if (!held) mutex_unlock(&procs_lock);
    return r;
}

int signal_send_task(struct task *t, int sig, const struct ksiginfo *info)
{
    struct sending s = { .p = t->proc, .t = t, .sig = sig, .info = info, .force = !info };

    return send_with_lock(&s);
}

int signal_send_proc(struct proc *p, int sig, const struct ksiginfo *info)
{
    struct sending s = { .p = p, .sig = sig, .info = info, .force = !info };

    return send_with_lock(&s);
}

int signal_send_pgrp(int pgid, int sig, const struct ksiginfo *info)
{
    bool held = mutex_held(&procs_lock);
    int r = -ESRCH;
    struct proc *p;

    if (!held) mutex_lock(&procs_lock);
    list_for_each(p, &procs_all, all_link) {
        if (p->pgid != pgid) continue;
        r = sig ? signal_send_proc(p, sig, info) : 0;
        if (r < 0) break;
    }
    if (!held) mutex_unlock(&procs_lock);
    return r;
}

int signal_from_host(int sig, bool all)
{
    const struct ksiginfo info = { .signo = sig, .code = SI_USER };
    struct sending s = { .sig = sig, .info = &info, .force = true };
    struct proc *p;

    if (sig < 1 || sig > 64) return -EINVAL;
    mutex_lock(&procs_lock);
    list_for_each(p, &procs_all, all_link) {
        if (p != init_proc && !all) continue;
        s.p = p;
        send(&s);
    }
    mutex_unlock(&procs_lock);
    return 0;
}

void signal_force(int sig, const struct ksiginfo *info)
{
    struct task *t = current();
    struct sighand *sh = t->sighand;
    struct ksigaction *a = &sh->action[sig - 1];

    spin_lock(&sh->lock);
    if (t->blocked & SIGMASK(sig) || a->handler == HANDLER_IGN) {
        a->handler = HANDLER_DFL;
        WRITE_ONCE(t->blocked, t->blocked & ~SIGMASK(sig));
    }
    if (a->handler == HANDLER_DFL) t->proc->killable = true;
    queue(t, &t->pending, sig, info);
    __atomic_or_fetch(&t->work, WORK_SIGNAL, __ATOMIC_SEQ_CST);
    spin_unlock(&sh->lock);
}

void signal_retarget(struct task *t, ksigset_t which)
{
    ksigset_t left = t->proc->pending.set & which;
    struct task *o;

    if (!left || t->proc->nthreads < 2) return;
    list_for_each(o, &t->proc->threads, proc_link) {
        if (o == t || !task_lives(o) || !(left & ~o->blocked)) continue;
        left &= o->blocked;
        if (o->state != TASK_STOPPED && o->state != TASK_TRACED) signal_poke(o);
        if (!left) return;
    }
}

void signal_task_exiting(struct task *t)
{
    bool done;

    mutex_lock(&procs_lock);
    spin_lock(&t->sighand->lock);
    t->exiting = true;
    signal_retarget(t, ~t->blocked);
    /* A stop that waited only for this thread is complete now. */
    done = !t->proc->group_exit && !t->proc->stopped && (t->work & WORK_STOP) &&
           t->proc->nthreads > 1 && signal_all_stopped(t->proc);
    if (done) {
        t->proc->stopped = true;
        t->proc->stop_reported = false;
    }
    spin_unlock(&t->sighand->lock);
    if (done) proc_notify_parent(t->proc, CLD_STOPPED, t->proc->stop_sig);
    mutex_unlock(&procs_lock);
}

/* -- POSIX timers -- */

void signal_send_timer(struct proc *p, struct task *t, struct sigq *q, u32 n)
{
    struct task *to;

    mutex_lock(&procs_lock);
    to = t ? t : p->leader;
    if (p->zombie || !to || (t && !task_lives(t))) goto out;
    spin_lock(&to->sighand->lock);
    if (!list_empty(&q->link)) {
        q->info.overrun += (int)n + 1;
    } else if (!ignored(to, q->info.signo, true)) {
        struct sigpending *pend = t ? &t->pending : &p->pending;

        q->info.overrun = (int)n;
        list_add_tail(&pend->queue, &q->link);
        pend->set |= SIGMASK(q->info.signo);
        choose(to, q->info.signo, !t);
    }
    spin_unlock(&to->sighand->lock);
    if (waitq_active(&to->sighand->signalfd_wq))
        waitq_wake_all(&to->sighand->signalfd_wq, POLLIN);
out:
    mutex_unlock(&procs_lock);
}

void signal_drop_timer(struct sigq *q)
{
    struct sighand *sh = current()->sighand;
    bool queued;

    spin_lock(&sh->lock);
    queued = !list_empty(&q->link);
    q->kept = false;
    q->overrun_r = NULL;
    spin_unlock(&sh->lock);
    if (!queued) sigq_free(q);
}

int signal_send_self(int sig)
{
    struct task *t = current();
    struct ksiginfo info = { .signo = sig, .code = 0 /* SI_USER */, .pid = pid_nr(t->proc->pid),
                             .uid = t->cred->uid };

    return signal_send_task(t, sig, &info);
}
