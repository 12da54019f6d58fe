/* On the way back to the program: stops, default actions, handlers, restarted calls. */
#include <asm/resource.h>
#include "proc.h"
#include "ptrace.h"
#include "rseq.h"
#include "sigq.h"

#define NR_RESTART_SYSCALL 219
#define SYSCALL_INSN_LEN 2

/* No core file is written; the status says what the limit would have allowed. */
static int death_status(const struct task *t, int sig)
{
    bool core = (SIGS_CORE & SIGMASK(sig)) && t->dumpable && rlimit(t->proc, RLIMIT_CORE);

    return sig | (core ? 0x80 : 0);
}

static void default_action(struct task *t, int sig, u32 seq)
{
    if (SIGS_IGNORE & SIGMASK(sig)) return;
    /* Hard ones that got so far came from outside of the container. */
    if (proc_unkillable(t->proc) && !(SIGS_HARD & SIGMASK(sig))) return;
    if (SIGS_STOP & SIGMASK(sig)) signal_group_stop(sig, seq);
    else task_exit_group(death_status(t, sig));
}

/* The next signal with a handler, whose action is copied; 0: none is left, or the task
 * has to leave. */
static int next_handled(struct task *t, struct ksiginfo *info_r, struct ksigaction *act_r)
{
    for (;;) {
        u32 work = READ_ONCE(t->work), seq;
        struct ksigaction *a;
        int sig;

        if (work & WORK_EXIT) return 0;
        if (work & WORK_TRAP) {
            ptrace_trap();
            continue;
        }
        if (work & WORK_STOP) {
            if (task_traced(t)) ptrace_group_stop();
            else signal_stop_self();
            continue;
        }
        spin_lock(&t->sighand->lock);
        sig = signal_take(t, ~t->blocked, info_r);
        signal_recalc(t);
        if (!sig) {
            signal_retarget(t, t->blocked);
            spin_unlock(&t->sighand->lock);
            return 0;
        }
        if (task_traced(t) && sig != SIGKILL) {
            spin_unlock(&t->sighand->lock);
            sig = ptrace_signal(sig, info_r);
            if (!sig) continue;
            spin_lock(&t->sighand->lock);
        }
        a = &t->sighand->action[sig - 1];
        *act_r = *a;
        if (a->handler > HANDLER_IGN && a->flags & SA_RESETHAND) a->handler = HANDLER_DFL;
        seq = t->proc->cont_seq;
        spin_unlock(&t->sighand->lock);
        if (act_r->handler > HANDLER_IGN) return sig;
        if (act_r->handler == HANDLER_DFL) default_action(t, sig, seq);
    }
}

/* A call that a signal ended: EINTR for the program, or once more from the start.
 * act NULL: no handler runs. */
static void finish_call(struct regs *r, const struct ksigaction *act)
{
    u64 nr = r->nr;

    if (nr == NO_SYSCALL) return;
    r->nr = NO_SYSCALL;
    switch (-(s64)r->rax) {
    case ERESTARTSYS:
        if (act && !(act->flags & SA_RESTART)) r->rax = (u64)-EINTR;
        break;
    case ERESTARTNOINTR:
        break;
    case ERESTARTNOHAND:
        if (act) r->rax = (u64)-EINTR;
        break;
    case ERESTART_RESTARTBLOCK:
        if (act) r->rax = (u64)-EINTR;
        else nr = NR_RESTART_SYSCALL;
        break;
    default:
        return;
    }
    if (r->rax == (u64)-EINTR) return;
    r->rax = nr;
    r->rip -= SYSCALL_INSN_LEN;
}

static void run_handler(struct regs *r, int sig, const struct ksigaction *act,
                        const struct ksiginfo *info)
{
    struct task *t = current();
    ksigset_t saved = t->has_saved_blocked ? t->saved_blocked : t->blocked;
    ksigset_t during = t->blocked | act->mask;

    if (t->rseq) rseq_interrupt(r);
    if (signal_frame_push(r, sig, act, info, saved) < 0) {
        if (sig == SIGSEGV) {   /* its own handler can't run: the default must */
            spin_lock(&t->sighand->lock);
            t->sighand->action[SIGSEGV - 1].handler = HANDLER_DFL;
            spin_unlock(&t->sighand->lock);
        }
        signal_force(SIGSEGV, NULL);
        return;
    }
    t->has_saved_blocked = false;
    if (!(act->flags & SA_NODEFER)) during |= SIGMASK(sig);
    signal_set_blocked(during);
}

void signal_deliver(struct regs *r)
{
    struct task *t = current();
    struct ksiginfo info;
    struct ksigaction act;
    int sig;

    __atomic_and_fetch(&t->work, ~(u32)WORK_CTL, __ATOMIC_SEQ_CST);
    sig = next_handled(t, &info, &act);
    if (sig) {
        finish_call(r, &act);
        run_handler(r, sig, &act, &info);
        return;
    }
    if (READ_ONCE(t->work) & WORK_EXIT) return;
    finish_call(r, NULL);
    signal_restore_temp_mask();
}
