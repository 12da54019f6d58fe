/* Ways into and out of the kernel of a PV domain.
 *
 *   pv_syscall_fast   from a patched call site's stub: rax number, rcx return address
 *   pv_host_handler   from the host: a trapped call, a fault, a kick
 *   pv_return_user    out: restores everything from struct regs
 *
 * Between pv_exit_fast and pv_exit_end a kick from another task makes the host
 * handler start again at pv_exit_check (pv_signal_entry), so that work posted after
 * the test is not overlooked. Everything there only reads the frame. */
#include "plat_task.h"
#define TASK_WORK PVT_WORK

#define R_RDI 0
#define R_RSI 8
#define R_RDX 16
#define R_R10 24
#define R_R8  32
#define R_R9  40
#define R_RAX 48
#define R_RBX 56
#define R_RCX 64
#define R_RBP 72
#define R_R11 80
#define R_R12 88
#define R_R13 96
#define R_R14 104
#define R_R15 112
#define R_RIP 120
#define R_FLAGS 128
#define R_RSP 136
#define R_NR  144
#define R_HOST 152
#define R_SIZE 160
#define FLAGS_PLAIN 0x202
#define FLAGS_AC 0x40000
#define XSTATE_MASK 0xe7                /* x87 SSE AVX AVX-512: fp.c */
#define NO_SYSCALL_ -1
#define FIRST_KSTACK 0x7800            /* PV_TASK_BLOCK - PV_TASK_SPACE */

    .section .text.entry, "ax"
    .globl pv_entry
pv_entry:                               /* from the loader; nothing of its stack is kept */
    lea pv_first_block + FIRST_KSTACK(%rip), %rsp
    xor %ebp, %ebp
    call pv_boot
    ud2

    .globl pv_syscall_fast
    .align 64
pv_syscall_fast:
    mov %rsp, %r11
    mov %gs:PV_GS_OFF + PVT_KSTACK, %rsp        /* faults when the program has moved %gs */
    .globl pv_fast_on_stack
pv_fast_on_stack:
    sub $R_SIZE, %rsp
    cld
    mov %rdi, R_RDI(%rsp)
    mov %rsi, R_RSI(%rsp)
    mov %rdx, R_RDX(%rsp)
    mov %r10, R_R10(%rsp)
    mov %r8, R_R8(%rsp)
    mov %r9, R_R9(%rsp)
    mov %rbx, R_RBX(%rsp)
    mov %rcx, R_RCX(%rsp)
    mov %rbp, R_RBP(%rsp)
    movq $FLAGS_PLAIN, R_R11(%rsp)      /* as the instruction leaves it */
    mov %r12, R_R12(%rsp)
    mov %r13, R_R13(%rsp)
    mov %r14, R_R14(%rsp)
    mov %r15, R_R15(%rsp)
    mov %rcx, R_RIP(%rsp)
    movq $FLAGS_PLAIN, R_FLAGS(%rsp)
    mov %r11, R_RSP(%rsp)
    mov %rax, R_NR(%rsp)
    movq $0, R_HOST(%rsp)
    mov %rsp, %rdi
    xor %ebp, %ebp
    call syscall_dispatch
    mov %rax, R_RAX(%rsp)

    /* As a rule the frame is as it was made (regs.h, nr): what C code preserves is there, and
     * rcx is where to go, as the instruction would leave it. */
    .globl pv_exit_fast, pv_exit_check, pv_exit_end
pv_exit_fast:
    cmpl $0, %gs:PV_GS_OFF + TASK_WORK
    jne 2f
    cmpq $NO_SYSCALL_, R_NR(%rsp)
    je 1f
    mov R_RIP(%rsp), %rcx
    mov R_RDI(%rsp), %rdi
    mov R_RSI(%rsp), %rsi
    mov R_RDX(%rsp), %rdx
    mov R_R10(%rsp), %r10
    mov R_R8(%rsp), %r8
    mov R_R9(%rsp), %r9
    mov R_RBP(%rsp), %rbp               /* the one that was cleared */
    mov $FLAGS_PLAIN, %r11d
    mov R_RSP(%rsp), %rsp
    jmp *%rcx

pv_exit_check:
    cmpl $0, %gs:PV_GS_OFF + TASK_WORK
    jne 2f
1:  mov R_RIP(%rsp), %rcx
    mov %rcx, %gs:PV_GS_OFF + PVT_RIP
    cmpq $FLAGS_PLAIN, R_FLAGS(%rsp)
    jne 3f
4:  mov R_RDI(%rsp), %rdi
    mov R_RSI(%rsp), %rsi
    mov R_RDX(%rsp), %rdx
    mov R_R10(%rsp), %r10
    mov R_R8(%rsp), %r8
    mov R_R9(%rsp), %r9
    mov R_RAX(%rsp), %rax
    mov R_RBX(%rsp), %rbx
    mov R_RCX(%rsp), %rcx
    mov R_RBP(%rsp), %rbp
    mov R_R11(%rsp), %r11
    mov R_R12(%rsp), %r12
    mov R_R13(%rsp), %r13
    mov R_R14(%rsp), %r14
    mov R_R15(%rsp), %r15
    mov R_RSP(%rsp), %rsp
    jmp *%gs:PV_GS_OFF + PVT_RIP
3:  pushq R_FLAGS(%rsp)
    popfq
    jmp 4b
pv_exit_end:
2:  mov %rsp, %rdi
    call task_return_work
    jmp pv_exit_check

/* void pv_return_user(struct regs *): regs lie at the top of the kernel stack. */
    .globl pv_return_user
pv_return_user:
    mov %rdi, %rsp
    jmp pv_exit_check

/* The host delivers a signal here: rdi number, rsi siginfo, rdx ucontext. The frame
 * lies on the signal stack, or, nested, on whatever kernel stack was in use. */
    .globl pv_host_handler
pv_host_handler:
    cld
    pushfq                              /* the program's: no alignment checks for us */
    andq $~FLAGS_AC, (%rsp)
    popfq
    mov %rdi, %r13
    mov %rsi, %r14
    mov %rdx, %rbx
    xor %ebp, %ebp
    sub $8, %rsp
    call pv_signal_entry
    test %rax, %rax
    jz 1f
    mov %rax, %rsp                      /* from user mode: the kernel stack is free */
    mov %rax, %rdi
    mov %r14, %rsi
    mov %r13d, %edx
    call pv_user_trap
    /* As pv_exit_check for the trap path: a kick in here starts again at the test. */
    .globl pv_trap_check, pv_trap_end
pv_trap_check:
    mov %gs:PV_GS_OFF + PVT_SELF, %rax
    cmpl $0, TASK_WORK(%rax)
    jne 2f
    mov %rbx, %rsp
    mov $15, %eax                       /* rt_sigreturn */
    syscall
pv_trap_end:
2:  mov %rsp, %rdi
    call pv_trap_work
    jmp pv_trap_check
1:  mov %rbx, %rsp
    .globl pv_restorer
pv_restorer:
    mov $15, %eax
    syscall
    ud2

/* long pv_clone_process(flags, child_sp, tid, child): the child gets a host process of
 * its own, enters pv_child(child) on child_sp and never comes back here. */
    .globl pv_clone_process
pv_clone_process:
    mov %rcx, %r9                       /* child, survives the call */
    mov %rdx, %r10                      /* CHILD_SETTID */
    xor %edx, %edx
    xor %r8d, %r8d
    mov $56, %eax
    syscall
    test %rax, %rax
    jnz 1f
    mov %r9, %rdi
    xor %ebp, %ebp
    call pv_child
    ud2
1:  ret

/* long pv_clone_thread(flags, child_sp, tid, tls, child) */
    .globl pv_clone_thread
pv_clone_thread:
    mov %r8, %r9
    mov %rcx, %r8                       /* SETTLS; rdx: PARENT_SETTID */
    xor %r10d, %r10d
    mov $56, %eax
    syscall
    test %rax, %rax
    jnz 1b
    mov %r9, %rdi
    xor %ebp, %ebp
    call pv_child
    ud2

/* void pv_switch_call(u64 *sp_r, void *stack, void (*fn)(void *), void *arg) */
    .globl pv_switch_call
pv_switch_call:
    push %rbx
    push %rbp
    push %r12
    push %r13
    push %r14
    push %r15
    mov %rsp, (%rdi)
    mov %rsi, %rsp
    mov %rcx, %rdi
    xor %ebp, %ebp
    call *%rdx
    ud2

/* void pv_move(u64 *sp_r, u64 lender_sp, const void *frame) */
    .globl pv_move
pv_move:
    push %rbx
    push %rbp
    push %r12
    push %r13
    push %r14
    push %r15
    mov %rsp, (%rdi)
    mov %rdx, %rdi
    test %rdx, %rdx
    jnz pv_switch_frame
    mov %rsi, %rdi

/* void pv_switch_to(u64 sp) */
    .globl pv_switch_to
pv_switch_to:
    mov %rdi, %rsp
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbp
    pop %rbx
    ret

/* void pv_switch_frame(struct ucontext *): to pv_switch_to's context by rt_sigreturn */
    .globl pv_switch_frame, pv_switch_landing
pv_switch_frame:
    mov %rdi, %rsp
    mov $15, %eax
    syscall
    ud2
pv_switch_landing:                      /* rsp is the context */
    mov %rsp, %rdi
    jmp pv_switch_to

/* long pv_clone_leave(flags, tid, lender_sp, frame): the child keeps this stack. The
 * parent is off it before there is a child: a kick would put its frame where that runs. */
    .globl pv_clone_leave
pv_clone_leave:
    mov %rdx, %r9                       /* lender's stack pointer */
    mov %rcx, %r8                       /* no SETTLS: the host does not look at it */
    mov %rsi, %r10
    mov %rsp, %rsi                      /* the child's, and ours after an error */
    mov %rdx, %rsp
    xor %edx, %edx
    mov $56, %eax
    syscall
    test %rax, %rax
    jz 1f
    js 2f
    mov %r8, %rdi
    test %r8, %r8
    jnz pv_switch_frame
    mov %r9, %rdi
    jmp pv_switch_to
2:  mov %rsi, %rsp
1:  ret

/* void pv_exit_thread(u32 *host_tid): after the store the task's memory is not ours. */
    .globl pv_exit_thread
pv_exit_thread:
    movl $0, (%rdi)
    xor %edi, %edi
    mov $60, %eax
    syscall
    ud2

/* void pv_end_on(u32 *host_tid, void *stack, void (*fn)(void *), void *arg) */
    .globl pv_end_on
pv_end_on:
    mov %rsi, %rsp
    movl $0, (%rdi)
    mov %rcx, %rdi
    xor %ebp, %ebp
    call *%rdx
    ud2

/* size_t pv_ucopy(void *dst, const void *src, size_t n): bytes NOT copied. */
    .globl pv_ucopy
pv_ucopy:
    mov %rdx, %rcx
1:  rep movsb
2:  mov %rcx, %rax
    ret
    .section .ex_table, "a"
    .quad 1b, 2b, 2b                    /* from, to, go on at */
    .text

/* size_t pv_uclear(void *dst, size_t n) */
    .globl pv_uclear
pv_uclear:
    mov %rsi, %rcx
    xor %eax, %eax
1:  rep stosb
2:  mov %rcx, %rax
    ret
    .section .ex_table, "a"
    .quad 1b, 2b, 2b
    .text

/* long pv_ustrcpy(char *dst, const char *src, size_t n): length, -1 fault, n: no NUL */
    .globl pv_ustrcpy
pv_ustrcpy:
    xor %eax, %eax
1:  cmp %rdx, %rax
    jae 3f
    mov (%rsi,%rax), %cl
    mov %cl, (%rdi,%rax)
    test %cl, %cl
    jz 3f
    inc %rax
    jmp 1b
2:  mov $-1, %rax
3:  ret
    .section .ex_table, "a"
    .quad 1b, 2b, 2b
    .text

/* int pv_ucmpxchg(u32 *p, u32 old, u32 new, u32 *seen): 0 or -1 */
    .globl pv_ucmpxchg
pv_ucmpxchg:
    mov %rcx, %r8
    mov %esi, %eax
1:  lock cmpxchg %edx, (%rdi)
2:  mov %eax, (%r8)
    xor %eax, %eax
    ret
3:  mov $-1, %eax
    ret
    .section .ex_table, "a"
    .quad 1b, 2b, 3b
    .text

/* int pv_uload(const u32 *p, u32 *val) */
    .globl pv_uload
pv_uload:
1:  mov (%rdi), %eax
2:  mov %eax, (%rsi)
    xor %eax, %eax
    ret
3:  mov $-1, %eax
    ret
    .section .ex_table, "a"
    .quad 1b, 2b, 3b
    .text

/* int pv_udiffers(const void *user, const void *p, size_t n): n in 32 bytes; 1, or 0 */
    .globl pv_udiffers
pv_udiffers:
    xor %eax, %eax
1:  mov (%rdi,%rax), %rcx
    xor (%rsi,%rax), %rcx
    mov 8(%rdi,%rax), %r8
    xor 8(%rsi,%rax), %r8
    or %r8, %rcx
    mov 16(%rdi,%rax), %r8
    xor 16(%rsi,%rax), %r8
    or %r8, %rcx
    mov 24(%rdi,%rax), %r8
    xor 24(%rsi,%rax), %r8
    or %r8, %rcx
2:  jnz 3f
    add $32, %rax
    cmp %rdx, %rax
    jb 1b
4:  xor %eax, %eax
    ret
3:  mov $1, %eax
    ret
    .section .ex_table, "a"
    .quad 1b, 2b, 4b
    .text

/* u64 pv_gs_base(void): where %gs points; 0: the host lets nobody ask the CPU */
    .globl pv_gs_base
pv_gs_base:
1:  rdgsbase %rax
2:  ret
3:  xor %eax, %eax
    ret
    .section .ex_table, "a"
    .quad 1b, 2b, 3b
    .text

/* void pv_xsave(void *area), int pv_xrstor(const void *area): -1: a bad image */
    .globl pv_xsave
pv_xsave:
    mov $XSTATE_MASK, %eax
    xor %edx, %edx
    xsave64 (%rdi)
    ret
    .globl pv_xrstor
pv_xrstor:
    mov $XSTATE_MASK, %eax
    xor %edx, %edx
1:  xrstor64 (%rdi)
2:  xor %eax, %eax
    ret
3:  mov $-1, %eax
    ret
    .section .ex_table, "a"
    .quad 1b, 2b, 3b
    .text

    .section .note.GNU-stack, "", @progbits
