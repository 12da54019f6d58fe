/* Restartable sequences (rseq(2)): a task's memory says on which CPU it runs, and code that
 * relies on that starts anew when it was preempted, moved or interrupted by a handler. */
#include <asm/signal.h>
#include "proc.h"
#include "rseq.h"
#include "user.h"

enum { CPU_ID = 0, CS = 8, NO_CPU = -1 };       /* of struct rseq: both CPU numbers; the section */

/* Leaves the section that the program was in, if any: 0 or -EFAULT, -EINVAL. */
static int leave(struct task *t, struct regs *r)
{
    struct { u32 version, flags; u64 start, len, abort; } cs;
    u64 at, none = 0;
    u32 sig;

    if (get_user(at, t->rseq + CS) < 0) return -EFAULT;
    if (!at) return 0;
    if (get_user(cs, at) < 0) return -EFAULT;
    if (cs.version || cs.start + cs.len < cs.start || cs.abort - cs.start < cs.len) return -EINVAL;
    if (get_user(sig, cs.abort - sizeof sig) < 0) return -EFAULT;
    if (sig != t->rseq_sig) return -EINVAL;
    if (put_user(none, t->rseq + CS) < 0) return -EFAULT;
    if (r->rip - cs.start < cs.len) {
        r->rip = cs.abort;
        r->nr = NO_SYSCALL;
    }
    return 0;
}

void rseq_interrupt(struct regs *r)
{
    if (leave(current(), r) < 0) signal_force(SIGSEGV, NULL);
}

void rseq_resume(struct regs *r)
{
    struct task *t = current();
    u32 id[2];

    __atomic_and_fetch(&t->work, ~(u32)WORK_RSEQ, __ATOMIC_SEQ_CST);
    if (!t->rseq) return;
    id[0] = id[1] = plat_cpu();         /* whoever moves us now has us come here again */
    if (copy_to_user(t->rseq + CPU_ID, id, sizeof id) < 0 || leave(t, r) < 0) {
        t->rseq = 0;
        signal_force(SIGSEGV, NULL);
    }
}

static int unregister(struct task *t, uptr_t addr, u32 sig)
{
    const u32 id[2] = { 0, (u32)NO_CPU };

    if (!t->rseq || t->rseq != addr) return -EINVAL;
    if (t->rseq_sig != sig) return -EPERM;
    if (copy_to_user(addr + CPU_ID, id, sizeof id) < 0) return -EFAULT;
    t->rseq = 0;
    return 0;
}

int rseq_register(uptr_t addr, u32 len, u32 flags, u32 sig)
{
    struct task *t = current();
    u64 probe;

    if (!plat_tells_moves()) return -ENOSYS;
    if (len != RSEQ_SIZE) return -EINVAL;
    if (flags == RSEQ_UNREGISTER) return unregister(t, addr, sig);
    if (flags) return -EINVAL;
    if (t->rseq) return t->rseq != addr ? -EINVAL : t->rseq_sig != sig ? -EPERM : -EBUSY;
    if (addr & (RSEQ_SIZE - 1)) return -EINVAL;
    if (get_user(probe, addr + CS) < 0) return -EFAULT;
    t->rseq_sig = sig;
    t->rseq = addr;
    __atomic_or_fetch(&t->work, WORK_RSEQ, __ATOMIC_SEQ_CST);
    return 0;
}
