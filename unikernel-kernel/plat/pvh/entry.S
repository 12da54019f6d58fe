/* Ways into and out of the kernel of a PVH domain: boot, system calls, exceptions and
 * interrupts, task switches; and the copying of programs' memory. */
#include "layout.h"
#include "plat_task.h"

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
#define ENOSYS_ 38
#define FIRST_KSTACK 0x7800             /* PVH_BLOCK - PVH_TASK_SPACE */
#define USER_FLAGS 0x240dd5             /* ID AC OF DF TF SF ZF AF PF CF: a program's own */
#define PHYS(x) ((x) - PVH_KERNEL)
#define CR0  0x80050033                 /* PG AM WP NE ET MP PE */
#define EFER 0x901                      /* NXE LME SCE: x86-64 CPUs have them all */

    .section .note.Xen, "a", @note
    .align 4
    .long 4, 8, 18                      /* XEN_ELFNOTE_PHYS32_ENTRY */
    .asciz "Xen"
    .quad PHYS(pvh_start32)

    .section .text.entry, "ax"
    .code32
    .globl pvh_start32
pvh_start32:                            /* ebx: hvm_start_info */
    cld
    mov %ebx, %esi
    movl $(PHYS(boot_pdpt) + 3), PHYS(boot_pml4)
    movl $(PHYS(boot_pdpt) + 3), PHYS(boot_pml4) + 511 * 8
    movl $(PHYS(boot_pd) + 3), PHYS(boot_pdpt)
    movl $(PHYS(boot_pd) + 3), PHYS(boot_pdpt) + 510 * 8
    mov $PHYS(boot_pd), %eax
    mov $0x83, %edx
    mov $512, %ecx
1:  mov %edx, (%eax)
    add $8, %eax
    add $0x200000, %edx
    loop 1b
    /* Control registers are written whole: what they hold is known, and a look at them may
     * be an exit. */
    mov $0x20, %eax                     /* PAE */
    mov %eax, %cr4
    mov $PHYS(boot_pml4), %eax
    mov %eax, %cr3
    mov $0xc0000080, %ecx
    mov $EFER, %eax
    xor %edx, %edx
    wrmsr
    mov $CR0, %eax
    mov %eax, %cr0
    lgdt PHYS(boot_gdtr)
    ljmp $SEL_KCODE, $PHYS(boot64)
    .align 8
boot_gdt: .quad 0, 0x00af9b000000ffff, 0x00cf93000000ffff
boot_gdtr: .word 23
    .long PHYS(boot_gdt)
    .code64
boot64:
    mov $SEL_KDATA, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %ss
    xor %eax, %eax
    mov %eax, %fs
    mov %eax, %gs
    mov %esi, %edi
    movabs $2f, %rax
    jmp *%rax
2:  lea pvh_first_block + FIRST_KSTACK(%rip), %rsp
    xor %ebp, %ebp
    call pvh_boot
    ud2

/* Where further CPUs start, copied to TRAMPOLINE (smp.c): real mode, CS its segment. */
#define TRAMP 0x8000
    .globl pvh_ap_code, pvh_ap_code_end, pvh_ap_stack, pvh_ap_cpu
    .code16
pvh_ap_code:
    cli
    xor %ax, %ax
    mov %ax, %ds
    lgdtl TRAMP + (ap_gdtr - pvh_ap_code)
    mov $0x31, %eax                     /* NE ET PE, caches on */
    mov %eax, %cr0
    ljmpl $0x18, $(TRAMP + (ap32 - pvh_ap_code))
    .code32
ap32:
    mov $SEL_KDATA, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %ss
    mov PHYS(pvh_cr4), %eax
    mov %eax, %cr4
    mov $PHYS(boot_pml4), %eax
    mov %eax, %cr3
    mov $0xc0000080, %ecx
    mov $EFER, %eax
    xor %edx, %edx
    wrmsr
    mov $CR0, %eax
    mov %eax, %cr0
    ljmp $SEL_KCODE, $PHYS(ap64)
    .align 8
ap_gdt: .quad 0, 0x00af9b000000ffff, 0x00cf93000000ffff, 0x00cf9b000000ffff
ap_gdtr: .word 31
    .long TRAMP + (ap_gdt - pvh_ap_code)
pvh_ap_code_end:
    .code64
ap64:
    movabs $1f, %rax
    jmp *%rax
1:  mov pvh_kernel_cr3(%rip), %rax
    mov %rax, %cr3
    mov pvh_ap_stack(%rip), %rsp
    mov pvh_ap_cpu(%rip), %rdi
    xor %eax, %eax
    mov %eax, %fs
    mov %eax, %gs
    xor %ebp, %ebp
    call pvh_ap_main
    ud2

    .bss
pvh_ap_stack: .skip 8
pvh_ap_cpu: .skip 8
    .align 4096
boot_pml4: .skip 4096
boot_pdpt: .skip 4096
boot_pd: .skip 4096
    .section .text.entry, "ax"

/* -- system calls -- */

    .globl pvh_syscall_entry
    .align 64
pvh_syscall_entry:                      /* interrupts off by FMASK */
    swapgs
    mov %rsp, %gs:CPU_USP
    mov %gs:CPU_KSTACK, %rsp
    sub $R_SIZE, %rsp
    mov %rdi, R_RDI(%rsp)
    mov %rsi, R_RSI(%rsp)
    mov %rdx, R_RDX(%rsp)
    mov %r10, R_R10(%rsp)
    mov %r8, R_R8(%rsp)
    mov %r9, R_R9(%rsp)
    mov %rbx, R_RBX(%rsp)
    mov %rcx, R_RCX(%rsp)
    mov %rbp, R_RBP(%rsp)
    mov %r11, R_R11(%rsp)
    mov %r12, R_R12(%rsp)
    mov %r13, R_R13(%rsp)
    mov %r14, R_R14(%rsp)
    mov %r15, R_R15(%rsp)
    mov %rcx, R_RIP(%rsp)
    mov %r11, R_FLAGS(%rsp)
    mov %gs:CPU_USP, %rcx
    mov %rcx, R_RSP(%rsp)
    mov %eax, %eax
    mov %rax, R_NR(%rsp)
    movq $-ENOSYS_, R_RAX(%rsp)
    movq $0, R_HOST(%rsp)
    mov %rsp, %rdi
    xor %ebp, %ebp
    sti
    call syscall_dispatch
    mov %rax, R_RAX(%rsp)
exit_check:
    cli
    mov %gs:CPU_TASK, %rax
    cmpl $0, PVHT_WORK(%rax)
    jne exit_work
    mov R_FLAGS(%rsp), %r11
    and $USER_FLAGS, %r11d
    or $0x202, %r11d
    mov R_RIP(%rsp), %rcx
    mov R_RDI(%rsp), %rdi
    mov R_RSI(%rsp), %rsi
    mov R_RDX(%rsp), %rdx
    mov R_R10(%rsp), %r10
    mov R_R8(%rsp), %r8
    mov R_R9(%rsp), %r9
    mov R_RBX(%rsp), %rbx
    mov R_RBP(%rsp), %rbp
    mov R_R12(%rsp), %r12
    mov R_R13(%rsp), %r13
    mov R_R14(%rsp), %r14
    mov R_R15(%rsp), %r15
    /* sysret only where it gives back exactly what is asked for, and never to an
     * address that it would fault on in the kernel. */
    cmp %rcx, R_RCX(%rsp)
    jne slow_exit
    cmp %r11, R_R11(%rsp)
    jne slow_exit
    test $0x10100, %r11d                /* RF TF */
    jnz slow_exit
    mov %rcx, %rax
    shr $47, %rax
    jnz slow_exit
    mov R_RAX(%rsp), %rax
    mov R_RSP(%rsp), %rsp
    swapgs
    sysretq
slow_exit:
    mov %r11, R_FLAGS(%rsp)
    shr $47, %rcx                       /* iret would fault in the kernel: let the */
    jz 1f                               /* program fault at an address nobody has */
    movabs $PVH_USER_MAX, %rcx
    mov %rcx, R_RIP(%rsp)
1:
    mov R_R11(%rsp), %r11
    mov R_RAX(%rsp), %rax
    mov R_RCX(%rsp), %rcx
    pushq $SEL_UDATA
    pushq R_RSP+8(%rsp)
    pushq R_FLAGS+16(%rsp)
    pushq $SEL_UCODE
    pushq R_RIP+32(%rsp)
    swapgs
    iretq
exit_work:
    sti
    mov %rsp, %rdi
    call task_return_work
    jmp exit_check

/* void pvh_return_user(struct regs *): regs lie at the top of the kernel stack. */
    .globl pvh_return_user
pvh_return_user:
    mov %rdi, %rsp
    jmp exit_check

/* -- exceptions and interrupts --
 * From a program the CPU starts below the place of struct regs (tss.rsp0), so the
 * frame is copied up there. In the kernel a frame of its own lies on the stack, in the
 * same shape. Vector and error code: below the hardware's frame. */
#define HW_VEC 0
#define HW_ERR 8
#define HW_RIP 16
#define HW_CS 24
#define HW_FLAGS 32
#define HW_RSP 40

    .macro vector n
    .align 16
    .if (\n == 8) || (\n == 17) || (\n == 21) || (\n == 29) || (\n == 30)
    .elseif (\n >= 10) && (\n <= 14)  /* the CPU has pushed an error code */
    .else
    pushq $0
    .endif
    pushq $\n
    jmp trap_common
    .endm
    .globl pvh_vectors
    .align 16
pvh_vectors:
    .set n, 0
    .rept 256
    vector n
    .set n, n + 1
    .endr

trap_common:
    cld
    .pushsection .smap_table, "a"
    .quad 9f
    .popsection
9:  clac
    testb $3, HW_CS(%rsp)
    jz trap_kernel
    swapgs
    /* rsp0 is 160 below the top; the hardware and we have pushed 56 */
#define UP 56
    mov %rdi, UP+R_RDI(%rsp)
    mov %rsi, UP+R_RSI(%rsp)
    mov %rdx, UP+R_RDX(%rsp)
    mov %r10, UP+R_R10(%rsp)
    mov %r8, UP+R_R8(%rsp)
    mov %r9, UP+R_R9(%rsp)
    mov %rax, UP+R_RAX(%rsp)
    mov %rbx, UP+R_RBX(%rsp)
    mov %rcx, UP+R_RCX(%rsp)
    mov %rbp, UP+R_RBP(%rsp)
    mov %r11, UP+R_R11(%rsp)
    mov %r12, UP+R_R12(%rsp)
    mov %r13, UP+R_R13(%rsp)
    mov %r14, UP+R_R14(%rsp)
    mov %r15, UP+R_R15(%rsp)
    mov HW_RIP(%rsp), %rax
    mov %rax, UP+R_RIP(%rsp)
    mov HW_FLAGS(%rsp), %rax
    mov %rax, UP+R_FLAGS(%rsp)
    mov HW_RSP(%rsp), %rax
    mov %rax, UP+R_RSP(%rsp)
    movq $-1, UP+R_NR(%rsp)
    movq $1, UP+R_HOST(%rsp)
    mov HW_VEC(%rsp), %rsi
    mov HW_ERR(%rsp), %rdx
    lea UP(%rsp), %rdi
    mov %rdi, %rsp
    xor %ebp, %ebp
    call pvh_trap_user
    jmp exit_check

trap_kernel:
    push %rax
    push %rcx
    push %rdx
    push %rsi
    push %rdi
    push %r8
    push %r9
    push %r10
    push %r11
    push %rbp
    push %rbx
    mov %rsp, %rbx
    lea 88(%rsp), %rdi                  /* struct hw_frame */
    mov %rsp, %rbp
    and $-16, %rsp
    xor %ebp, %ebp
    call pvh_trap_kernel
    mov %rbx, %rsp
    pop %rbx
    pop %rbp
    pop %r11
    pop %r10
    pop %r9
    pop %r8
    pop %rdi
    pop %rsi
    pop %rdx
    pop %rcx
    pop %rax
    add $16, %rsp
    iretq

/* -- tasks -- */

/* void pvh_switch(u64 *save_sp, u64 sp) */
    .globl pvh_switch
pvh_switch:
    push %rbx
    push %rbp
    push %r12
    push %r13
    push %r14
    push %r15
    mov %rsp, (%rdi)
    mov %rsi, %rsp
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbp
    pop %rbx
    ret

    .globl pvh_task_entry
pvh_task_entry:                         /* a new task's first instruction */
    xor %ebp, %ebp
    call pvh_child
    ud2

/* void pvh_halt(void): until an interrupt, which it lets in; interrupts off again after. */
    .globl pvh_halt, pvh_halt_hlt
pvh_halt:
    sti
pvh_halt_hlt:                           /* pvh_trap_kernel */
    hlt
    cli
    ret

    .globl pvh_idle_entry
pvh_idle_entry:                         /* switched to with the scheduler's lock held */
    xor %ebp, %ebp
    call pvh_idle_first
    ud2

/* -- programs' memory -- */

    .macro user_on
    .pushsection .smap_table, "a"
    .quad 9f
    .popsection
9:  stac
    .endm
    .macro user_off
    .pushsection .smap_table, "a"
    .quad 9f
    .popsection
9:  clac
    .endm
    .macro except from, to, resume
    .pushsection .ex_table, "a"
    .quad \from, \to, \resume
    .popsection
    .endm

/* size_t pvh_ucopy(void *dst, const void *src, size_t n): 0, or there was a fault. */
    .globl pvh_ucopy
pvh_ucopy:
    mov %rdx, %rcx
    user_on
    cmp $8, %rdx
    je 4f
    shr $3, %rcx
    and $7, %edx
1:  rep movsq
    mov %edx, %ecx
    rep movsb
2:  user_off
    mov %rcx, %rax
    ret
4:  mov (%rsi), %rax
    mov %rax, (%rdi)
    xor %ecx, %ecx
    jmp 2b
    except 1b, 2b, 2b
    except 4b, 4b+6, 2b

/* size_t pvh_uclear(void *dst, size_t n): the same */
    .globl pvh_uclear
pvh_uclear:
    mov %rsi, %rcx
    xor %eax, %eax
    user_on
    shr $3, %rcx
    and $7, %esi
1:  rep stosq
    mov %esi, %ecx
    rep stosb
2:  user_off
    mov %rcx, %rax
    ret
    except 1b, 2b, 2b

/* long pvh_ustrcpy(char *dst, const char *src, size_t n): length, -1 fault, n: no NUL */
    .globl pvh_ustrcpy
pvh_ustrcpy:
    xor %eax, %eax
    user_on
1:  cmp %rdx, %rax
    jae 3f
    mov (%rsi,%rax), %cl
    mov %cl, (%rdi,%rax)
    test %cl, %cl
    jz 3f
    inc %rax
    jmp 1b
2:  mov $-1, %rax
3:  user_off
    ret
    except 1b, 2b, 2b

/* int pvh_ucmpxchg(u32 *p, u32 old, u32 new, u32 *seen): 0 or -1 */
    .globl pvh_ucmpxchg
pvh_ucmpxchg:
    mov %rcx, %r8
    mov %esi, %eax
    user_on
1:  lock cmpxchg %edx, (%rdi)
2:  user_off
    mov %eax, (%r8)
    xor %eax, %eax
    ret
3:  user_off
    mov $-1, %eax
    ret
    except 1b, 2b, 3b

/* int pvh_uload(const u32 *p, u32 *val) */
    .globl pvh_uload
pvh_uload:
    user_on
1:  mov (%rdi), %eax
2:  user_off
    mov %eax, (%rsi)
    xor %eax, %eax
    ret
3:  user_off
    mov $-1, %eax
    ret
    except 1b, 2b, 3b

/* int pvh_xrstor(const void *area, u64 mask): -1: a bad image */
    .globl pvh_xrstor
pvh_xrstor:
    mov %esi, %eax
    xor %edx, %edx
1:  xrstor64 (%rdi)
2:  xor %eax, %eax
    ret
3:  mov $-1, %eax
    ret
    except 1b, 2b, 3b

/* int pvh_fxrstor(const void *area) */
    .globl pvh_fxrstor
pvh_fxrstor:
1:  fxrstor64 (%rdi)
2:  xor %eax, %eax
    ret
3:  mov $-1, %eax
    ret
    except 1b, 2b, 3b

    .section .note.GNU-stack, "", @progbits
