/* Who traces whom, and what wait4 tells of tracees. procs_lock is held in all of this. */
#include <asm/siginfo.h>
#include <linux/ptrace.h>
#include <linux/wait.h>
#include "mm.h"
#include "proc.h"
#include "ptrace.h"
#include "sigq.h"

int ptrace_link(struct task *t, struct proc *tracer, bool seize, u32 options)
{
    struct ptrace *pt = t->ptrace;
    struct ptrace_end *end;

    if (task_traced(t) || t->exiting || t->state >= TASK_ZOMBIE) return -EPERM;
    if (!pt) {
        pt = kzalloc(sizeof *pt);
        if (!pt) return -ENOMEM;
        pt->task = t;
        pt->nr = NO_SYSCALL;
    }
    end = pt->end ? pt->end : kzalloc(sizeof *end);
    pt->end = end;
    t->ptrace = pt;
    if (!end) return -ENOMEM;
    pt->options = options;
    pt->seized = seize;
    pt->stopped = pt->listening = pt->syscalls = pt->step = pt->trap = false;
    list_add_tail(&tracer->tracees, &pt->link);
    __atomic_store_n(&pt->tracer, tracer, __ATOMIC_RELEASE);
    __atomic_add_fetch(&syscall_watch, 1, __ATOMIC_RELAXED);
    return 0;
}

void ptrace_resume(struct ptrace *pt, int sig)
{
    pt->sig = sig;
    pt->listening = false;
    WRITE_ONCE(pt->stopped, false);
    task_wake(pt->task);
}

void ptrace_unlink(struct ptrace *pt)
{
    list_del(&pt->link);
    __atomic_store_n(&pt->tracer, NULL, __ATOMIC_RELEASE);
    pt->syscalls = pt->step = pt->trap = false;
    __atomic_sub_fetch(&syscall_watch, 1, __ATOMIC_RELAXED);
}

void ptrace_tell(struct proc *tracer, struct task *t, int code, int status)
{
    const struct ksigaction *sa = &tracer->leader->sighand->action[SIGCHLD - 1];
    struct cred *cred = task_cred_get(t);
    const struct ksiginfo info = { .signo = SIGCHLD, .code = code, .uid = cred->uid,
                                   .pid = pid_nr_in(tracer->pidns, t->tid),
                                   .status = status & 0x7f };

    cred_put(cred);
    if (sa->handler != HANDLER_IGN && !(sa->flags & SA_NOCLDSTOP))
        signal_send_proc(tracer, SIGCHLD, &info);
    waitq_wake_all(&tracer->child_wq, 0);
}

/* -- ends -- */

void ptrace_task_gone(struct task *t)
{
    struct ptrace *pt = t->ptrace;
    struct proc *p = t->proc, *tracer = pt->tracer;
    struct ptrace_end *end = pt->end;
    struct cred *cred;

    ptrace_unlink(pt);
    /* its parent will be told as ever */
    if (t == p->leader && tracer == p->parent) return;
    cred = task_cred_get(t);
    *end = (struct ptrace_end){ .tid = t->tid, .uid = cred->uid,
                                .status = p->group_exit ? p->group_code : t->exit_code };
    cred_put(cred);
    pt->end = NULL;
    list_add_tail(&tracer->ended, &end->link);
    ptrace_tell(tracer, t, CLD_EXITED, end->status >> 8);
}

void ptrace_tracer_gone(struct proc *p)
{
    struct ptrace_end *e, *tmp;

    while (!list_empty(&p->tracees)) {
        struct ptrace *pt = list_first(&p->tracees, struct ptrace, link);

        ptrace_unlink(pt);
        if (pt->options & PTRACE_O_EXITKILL) proc_kill(pt->task->proc, SIGKILL);
        if (pt->stopped) ptrace_resume(pt, 0);
    }
    list_for_each_safe(e, tmp, &p->ended, link) {
        list_del(&e->link);
        kfree(e);
    }
}

void ptrace_free(struct task *t)
{
    if (!t->ptrace) return;
    kfree(t->ptrace->end);
    kfree(t->ptrace);
}

/* -- wait4 -- */

static bool wanted(const struct wait_req *rq, int tid, const struct proc *p)
{
    if (rq->type == P_PID) return rq->id == tid;
    return rq->type != P_PGID || (p && p->pgid == rq->id);
}

static void tell_end(const struct ptrace_end *e, struct wait_req *rq)
{
    int sig = e->status & 0x7f;

    rq->pid = pid_nr(e->tid);
    rq->uid = e->uid;
    rq->code = !sig ? CLD_EXITED : (e->status & 0x80) ? CLD_DUMPED : CLD_KILLED;
    rq->status = sig ? sig : e->status >> 8 & 0xff;
    rq->wstatus = e->status;
    memset(&rq->usage, 0, sizeof rq->usage);
}

static void tell_stop(struct ptrace *pt, struct wait_req *rq)
{
    struct cred *cred = task_cred_get(pt->task);

    rq->pid = pid_nr(pt->task->tid);
    rq->uid = cred->uid;
    rq->code = CLD_TRAPPED;
    rq->status = pt->code;
    rq->wstatus = pt->code << 8 | 0x7f;
    memset(&rq->usage, 0, sizeof rq->usage);
    cred_put(cred);
    if (!(rq->options & WNOWAIT)) pt->reported = true;
}

bool ptrace_report(struct proc *p, struct wait_req *rq, bool *any_r)
{
    struct ptrace_end *e;
    struct ptrace *pt;

    list_for_each(e, &p->ended, link) {
        if (!wanted(rq, e->tid, NULL)) continue;
        *any_r = true;
        if (!(rq->options & WEXITED)) continue;
        tell_end(e, rq);
        if (!(rq->options & WNOWAIT)) {
            list_del(&e->link);
            kfree(e);
        }
        return true;
    }
    list_for_each(pt, &p->tracees, link) {
        if (!wanted(rq, pt->task->tid, pt->task->proc)) continue;
        *any_r = true;
        if (!pt->stopped || pt->listening || pt->reported) continue;
        tell_stop(pt, rq);
        return true;
    }
    return false;
}
