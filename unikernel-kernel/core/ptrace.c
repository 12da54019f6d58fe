/* Stops of traced tasks (ptrace(2)): what the task itself does. */
#include <asm/siginfo.h>
#include <linux/errno.h>
#include <linux/ptrace.h>
#include <linux/sched.h>
#include "errand.h"
#include "proc.h"
#include "ptrace.h"
#include "sigq.h"

#define FLAG_STEP 0x100ul               /* rflags: trap after the next instruction */
enum { SYSGOOD_BIT = 0x80 };

static bool killed(const struct task *t)
{
    return (READ_ONCE(t->work) & WORK_EXIT) ||
           ((READ_ONCE(t->pending.set) | READ_ONCE(t->proc->pending.set)) & SIGMASK(SIGKILL));
}

/* A listening one goes on by itself when the stop it is in is over, or it is interrupted. */
static bool stays(const struct task *t, const struct ptrace *pt)
{
    if (!READ_ONCE(pt->stopped) || killed(t)) return false;
    return !READ_ONCE(pt->listening) || (READ_ONCE(t->work) & (WORK_STOP | WORK_TRAP)) == WORK_STOP;
}

static bool begin(struct task *t, int code, const struct ksiginfo *info)
{
    struct ptrace *pt = t->ptrace;
    bool ok;

    mutex_lock(&procs_lock);
    ok = pt->tracer && !killed(t);
    if (ok) {
        pt->code = code;
        pt->sig = code & 0x7f;
        pt->has_info = info != NULL;
        if (info) pt->info = *info;
        pt->reported = pt->listening = pt->step = false;
        pt->stopped = true;
        t->regs->rflags &= ~FLAG_STEP;
        WRITE_ONCE(t->state, TASK_TRACED);
        ptrace_tell(pt->tracer, t, CLD_TRAPPED, code);
    }
    mutex_unlock(&procs_lock);
    return ok;
}

/* Stops until the tracer says go on: the signal to go on with. */
static int stop(int code, const struct ksiginfo *info)
{
    struct task *t = current();
    struct ptrace *pt = t->ptrace;
    int sig;

    if (!begin(t, code, info)) return 0;
    while (stays(t, pt)) {
        plat_task_wait(t, WAIT_FOREVER);
        errand_serve();
    }
    mutex_lock(&procs_lock);
    spin_lock(&t->sighand->lock);
    sig = pt->stopped ? 0 : pt->sig;
    if (pt->listening && pt->tracer) pt->trap = true;       /* to tell that it is over */
    pt->stopped = pt->listening = false;
    WRITE_ONCE(t->state, TASK_RUNNING);
    if (pt->trap) __atomic_or_fetch(&t->work, WORK_TRAP, __ATOMIC_SEQ_CST);
    signal_recalc(t);           /* stopped threads are not chosen when signals come */
    spin_unlock(&t->sighand->lock);
    mutex_unlock(&procs_lock);
    if (pt->step) t->regs->rflags |= FLAG_STEP;
    return sig;
}

static struct ksiginfo trap_info(int code)
{
    return (struct ksiginfo){ .signo = SIGTRAP, .code = code, .pid = pid_nr(current()->tid),
                              .uid = current()->cred->uid };
}

static int stop_with(int code)
{
    struct ksiginfo info = trap_info(code);

    return stop(code, &info);
}

void ptrace_event(int event, u64 msg)
{
    struct ptrace *pt = current()->ptrace;

    if (!task_traced(current()) || !(pt->options & (1u << event))) return;
    pt->msg = msg;
    stop_with(SIGTRAP | event << 8);
}

/* -- calls -- */

static void stop_at_call(u8 op)
{
    struct ptrace *pt = current()->ptrace;
    int sig;

    pt->op = op;
    pt->msg = op;
    sig = stop_with(SIGTRAP | (pt->options & PTRACE_O_TRACESYSGOOD ? SYSGOOD_BIT : 0));
    pt->op = PTRACE_SYSCALL_INFO_NONE;
    /* what the tracer gave to go on with comes as if sent by it; ours was only a sign */
    if (sig && sig != SIGTRAP) signal_send_self(sig);
}

bool ptrace_syscall_enter(struct regs *r)
{
    struct ptrace *pt = current()->ptrace;

    pt->nr = r->nr;
    if (!pt->syscalls) return true;
    r->rax = (u64)-ENOSYS;
    stop_at_call(PTRACE_SYSCALL_INFO_ENTRY);
    r->nr = pt->nr;
    return (s32)r->nr != -1;
}

static bool restarts(s64 r) { return r <= -ERESTARTSYS && r >= -ERESTART_RESTARTBLOCK; }

void ptrace_syscall_exit(struct regs *r)
{
    struct ptrace *pt = current()->ptrace;
    struct ksiginfo info = { .signo = SIGTRAP, .code = 2 /* TRAP_TRACE */, .addr = r->rip };

    if (pt->step) {
        r->rflags &= ~FLAG_STEP;
        signal_send_task(current(), SIGTRAP, &info);
    } else if (pt->syscalls) {
        stop_at_call(PTRACE_SYSCALL_INFO_EXIT);
    }
    /* The tracer may have changed what the short way back does not load. */
    if (!restarts((s64)r->rax)) r->nr = NO_SYSCALL;
    pt->nr = NO_SYSCALL;
}

/* -- signals -- */

int ptrace_signal(int sig, struct ksiginfo *info)
{
    struct task *t = current();
    struct ptrace *pt = t->ptrace;
    int now;

    pt->nr = t->regs->nr;
    now = stop(sig, info);
    t->regs->nr = pt->nr;
    if (!now) return 0;
    if (now == sig) *info = pt->info;
    else *info = (struct ksiginfo){ .signo = now, .code = SI_USER, .pid = pid_nr(t->proc->ppid) };
    if (!(t->blocked & SIGMASK(now))) return now;
    signal_send_task(t, now, info);
    return 0;
}

void ptrace_group_stop(void)
{
    struct task *t = current();
    struct proc *p = t->proc;
    struct ptrace *pt = t->ptrace;

    mutex_lock(&procs_lock);
    if (!p->stopped && p->nthreads == 1) {
        p->stopped = true;
        p->stop_reported = p->parent == pt->tracer;
        if (!p->stop_reported) proc_notify_parent(p, CLD_STOPPED, p->stop_sig);
    }
    mutex_unlock(&procs_lock);
    pt->nr = t->regs->nr;
    if (pt->seized) stop_with(p->stop_sig | PTRACE_EVENT_STOP << 8);
    else stop(p->stop_sig, NULL);
    t->regs->nr = pt->nr;
    /* It goes on because the tracer wants it to. */
    mutex_lock(&procs_lock);
    if (pt->tracer && (t->work & WORK_STOP)) {
        __atomic_and_fetch(&t->work, ~(u32)WORK_STOP, __ATOMIC_SEQ_CST);
        p->stopped = false;
    }
    mutex_unlock(&procs_lock);
}

void ptrace_trap(void)
{
    struct task *t = current();
    struct ptrace *pt = t->ptrace;

    __atomic_and_fetch(&t->work, ~(u32)WORK_TRAP, __ATOMIC_SEQ_CST);
    if (!task_traced(t) || !pt->trap) return;
    pt->trap = false;
    pt->nr = t->regs->nr;
    stop_with(SIGTRAP | PTRACE_EVENT_STOP << 8);
    t->regs->nr = pt->nr;
}

/* -- lives -- */

void ptrace_exec(int old_tid)
{
    struct task *t = current();

    if (!task_traced(t)) return;
    if (t->ptrace->options & PTRACE_O_TRACEEXEC)
        ptrace_event(PTRACE_EVENT_EXEC, (u64)pid_nr_in(t->ptrace->tracer->pidns, old_tid));
    else if (!t->ptrace->seized)
        signal_send_self(SIGTRAP);
}

void ptrace_exit(int code) { ptrace_event(PTRACE_EVENT_EXIT, (u64)code); }

int ptrace_clone(struct task *child, u64 flags, int exit_signal)
{
    struct task *t = current();
    struct ptrace *pt = t->ptrace;
    int event = flags & CLONE_VFORK ? PTRACE_EVENT_VFORK
                : exit_signal != SIGCHLD || (flags & CLONE_THREAD) ? PTRACE_EVENT_CLONE
                                                                   : PTRACE_EVENT_FORK;

    if (!task_traced(t) || (flags & CLONE_UNTRACED) || !(pt->options & (1u << event))) return 0;
    mutex_lock(&procs_lock);
    if (pt->tracer && ptrace_link(child, pt->tracer, pt->seized, pt->options) == 0) {
        if (pt->seized) {
            child->ptrace->trap = true;
            __atomic_or_fetch(&child->work, WORK_TRAP, __ATOMIC_SEQ_CST);
        } else {
            signal_send_task(child, SIGSTOP, NULL);
        }
    }
    mutex_unlock(&procs_lock);
    return event;
}

void ptrace_cloned(int event, int tid)
{
    struct proc *tracer = current()->ptrace->tracer;

    ptrace_event(event, tracer ? (u64)pid_nr_in(tracer->pidns, tid) : 0);
    if (event == PTRACE_EVENT_VFORK)
        ptrace_event(PTRACE_EVENT_VFORK_DONE, tracer ? (u64)pid_nr_in(tracer->pidns, tid) : 0);
}

void ptrace_not_cloned(struct task *child)
{
    mutex_lock(&procs_lock);
    if (task_traced(child)) ptrace_unlink(child->ptrace);
    mutex_unlock(&procs_lock);
}
