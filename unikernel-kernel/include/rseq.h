/* Restartable sequences (rseq(2), core/rseq.c). */
#ifndef RSEQ_H
#define RSEQ_H
#include "kernel.h"

struct regs;
enum { RSEQ_SIZE = 32, RSEQ_UNREGISTER = 1 };

/* The call: 0, -ENOSYS where the platform can't, -EINVAL, -EPERM, -EBUSY, -EFAULT. */
int rseq_register(uptr_t addr, u32 len, u32 flags, u32 sig);
/* The current task, which has t->rseq, was switched to since it last ran its program
 * (WORK_RSEQ); is about to run a handler. */
void rseq_resume(struct regs *r);
void rseq_interrupt(struct regs *r);
#endif
