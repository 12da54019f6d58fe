/* Job control: stopping all threads of a process and setting them going again. A stop is
 * complete, and the parent told, when the last thread has come to rest. */
#include <asm/siginfo.h>
#include "errand.h"
#include "proc.h"
#include "ptrace.h"
#include "sigq.h"

bool signal_all_stopped(const struct proc *p)
{
    const struct task *t;

    list_for_each(t, &p->threads, proc_link)
        if (task_lives(t) && t->state != TASK_STOPPED && t->state != TASK_TRACED) return false;
    return true;
}

void signal_group_stop(int sig, u32 seq)
{
    struct task *self = current(), *t;
    struct proc *p = self->proc;

    mutex_lock(&procs_lock);
    /* Nobody could continue an orphaned group (POSIX, 2.4.3). */
    if (sig != SIGSTOP && pgrp_orphaned(p->pgid)) goto out;
    spin_lock(&self->sighand->lock);
    if (!p->group_exit && p->cont_seq == seq) {
        p->stop_sig = sig;
        p->continued = false;
        list_for_each(t, &p->threads, proc_link) {
            if (!task_lives(t)) continue;
            __atomic_or_fetch(&t->work, WORK_STOP, __ATOMIC_SEQ_CST);
            if (t == self) continue;
            task_wake(t);
            if (READ_ONCE(t->state) == TASK_RUNNING) plat_task_kick(t);
        }
    }
    spin_unlock(&self->sighand->lock);
out:
    mutex_unlock(&procs_lock);
}

static bool must_rest(const struct task *t)
{
    return (READ_ONCE(t->work) & (WORK_STOP | WORK_EXIT)) == WORK_STOP;
}

void signal_stop_self(void)
{
    struct task *t = current();
    struct proc *p = t->proc;
    bool last = false;

    mutex_lock(&procs_lock);
    spin_lock(&t->sighand->lock);
    if (must_rest(t)) {
        WRITE_ONCE(t->state, TASK_STOPPED);
        last = !p->stopped && signal_all_stopped(p);
        if (last) {
            p->stopped = true;
            p->stop_reported = false;
        }
    }
    spin_unlock(&t->sighand->lock);
    if (last) proc_notify_parent(p, CLD_STOPPED, p->stop_sig);
    mutex_unlock(&procs_lock);

    while (must_rest(t) && !task_traced(t)) {
        plat_task_wait(t, WAIT_FOREVER);
        errand_serve();
    }

    spin_lock(&t->sighand->lock);
    WRITE_ONCE(t->state, TASK_RUNNING);
    if (READ_ONCE(t->work) & WORK_EXIT)
        __atomic_and_fetch(&t->work, ~(u32)WORK_STOP, __ATOMIC_SEQ_CST);
    signal_recalc(t);           /* stopped threads are not chosen when signals come */
    spin_unlock(&t->sighand->lock);
}

bool signal_unstop(struct proc *p)
{
    bool was = p->stopped;
    struct task *t;

    p->stopped = false;
    list_for_each(t, &p->threads, proc_link) {
        if (!(READ_ONCE(t->work) & WORK_STOP)) continue;
        __atomic_and_fetch(&t->work, ~(u32)WORK_STOP, __ATOMIC_SEQ_CST);
        if (t->state == TASK_STOPPED || t->state == TASK_TRACED) task_wake(t);
    }
    return was;
}
