/* The user registers of a task while it is in the kernel. plat/pv/entry.S and
 * plat/pvh know these offsets. */
#ifndef REGS_H
#define REGS_H
#ifndef __ASSEMBLY__
#include "kernel.h"
struct regs {
    u64 arg[6];         /* rdi rsi rdx r10 r8 r9: a system call's arguments */
    u64 rax, rbx, rcx, rbp, r11, r12, r13, r14, r15;
    u64 rip, rflags, rsp;
    u64 nr;             /* system call number on entry; NO_SYSCALL otherwise: also when a
                         * call has changed more than rax, or the way back may not see it */
    u64 host;           /* platform's own (pv: the host signal frame, or 0) */
};
#define NO_SYSCALL (~0ull)
_Static_assert(offsetof(struct regs, rax) == 48, "entry.S");
_Static_assert(offsetof(struct regs, rip) == 120, "entry.S");
_Static_assert(sizeof(struct regs) == 160, "entry.S");
#endif
#endif
