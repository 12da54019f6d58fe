/* On the way back to the program: what has to be done first. */
#include "errand.h"
#include "proc.h"
#include "rseq.h"

void task_return_work(struct regs *r)
{
    struct task *t = current();
    u32 work;

    while ((work = READ_ONCE(t->work))) {
        if (work & WORK_EXIT) {
            const struct proc *p = t->proc;

            /* without group_exit another thread runs exec and this one makes way */
            task_exit(p->group_exit ? p->group_code : 0);
        }
        if (work & WORK_ERRAND) errand_serve();
        if (work & WORK_CLOCK) ptimer_look();
        if (work & WORK_RSEQ) rseq_resume(r);
        if (work & WORK_SETTLE) {
            __atomic_and_fetch(&t->work, ~(u32)WORK_SETTLE, __ATOMIC_SEQ_CST);
            plat_settle();
        }
        signal_deliver(r);
    }
}

void task_fault(struct regs *r, int sig, int code, u64 addr)
{
    struct ksiginfo info = { .signo = sig, .code = code, .addr = addr };

    signal_force(sig, &info);
}
