/* What the host delivers: trapped system calls, faults, kicks. */
#include "host.h"
#include "mm.h"
#include "patch.h"
#include "pv.h"

#include <asm/signal.h>
#include <asm/siginfo.h>
#include <asm/sigcontext.h>
#include <asm/ucontext.h>
#include <linux/audit.h>

enum { TRAP_GP = 13, INT80_ERR = 0x80 * 8 + 2 };        /* as the CPU says of int $0x80 */

#define HOT 32  /* traps after which a program is worth patching: 0.1 ms lost */

struct ex_entry { u64 from, to, resume; };
extern const struct ex_entry pv_ex_start[], pv_ex_end[];

bool pv_in_kernel(u64 rip)
{
    return rip >= PV_TEXT_BASE && rip < PV_TEXT_BASE + PV_TEXT_MAX;
}

static void load_regs(struct regs *r, const struct ucontext *uc)
{
    const struct sigcontext *c = &uc->uc_mcontext;

    r->arg[0] = c->rdi; r->arg[1] = c->rsi; r->arg[2] = c->rdx;
    r->arg[3] = c->r10; r->arg[4] = c->r8; r->arg[5] = c->r9;
    r->rax = c->rax; r->rbx = c->rbx; r->rcx = c->rcx; r->rbp = c->rbp;
    r->r11 = c->r11; r->r12 = c->r12; r->r13 = c->r13; r->r14 = c->r14; r->r15 = c->r15;
    r->rip = c->rip; r->rflags = c->eflags; r->rsp = c->rsp;
    r->nr = NO_SYSCALL;
    r->host = (u64)uc;
}

static void store_regs(const struct regs *r, struct ucontext *uc)
{
    struct sigcontext *c = &uc->uc_mcontext;

    c->rdi = r->arg[0]; c->rsi = r->arg[1]; c->rdx = r->arg[2];
    c->r10 = r->arg[3]; c->r8 = r->arg[4]; c->r9 = r->arg[5];
    c->rax = r->rax; c->rbx = r->rbx; c->rcx = r->rcx; c->rbp = r->rbp;
    c->r11 = r->r11; c->r12 = r->r12; c->r13 = r->r13; c->r14 = r->r14; c->r15 = r->r15;
    c->rip = r->rip; c->eflags = r->rflags; c->rsp = r->rsp;
}

/* -- what programs can do to the registers that we rely on -- */

enum { FLAG_TF = 0x100, FLAG_AC = 0x40000, TRAP_DB = 1, TRAP_AC = 17 };

static bool asks_gs;            /* the CPU tells where %gs points, at little cost */

void pv_trap_init(void) { asks_gs = pv_gs_base() != 0; }

/* Signals come to the stacks of the task that runs, and both lie in its block. */
static struct task *task_on(const void *stack)
{
    return (struct task *)(((u64)stack & ~(PV_TASK_BLOCK - 1)) + PV_TASK_BLOCK - PV_TASK_SPACE);
}

/* "mov %ax, %gs" and wrgsbase are any program's to execute. */
static struct task *find_self(const void *stack)
{
    struct task *t = task_on(stack);

    if (!asks_gs || unlikely(pv_gs_base() != (u64)t - PV_GS_OFF))
        pv_own_gs(t);
    return t;
}

/* The program's flags, or its %gs, got in the kernel's way just after it had entered by
 * patched text. True: that is out of the way now. */
static bool program_in_the_way(int sig, struct ucontext *uc)
{
    struct sigcontext *c = &uc->uc_mcontext;

    if (sig == SIGBUS && c->trapno == TRAP_AC) {
        c->eflags &= ~(u64)FLAG_AC;
        return true;
    }
    if (sig == SIGTRAP && c->trapno == TRAP_DB && (c->eflags & FLAG_TF)) {
        c->eflags &= ~(u64)FLAG_TF;
        return true;
    }
    if (c->rip >= (u64)pv_syscall_fast && c->rip < (u64)pv_fast_on_stack && sig != PV_SIG_KICK) {
        pv_own_gs(task_on(uc));
        return true;
    }
    return false;
}

/* Kicked because the domain has ended: nothing is left to do here. */
static void pv_leave_if_over(void)
{
    if (unlikely(BOOT->state >= XENC_ST_EXITED))
        host3(__NR_exit_group, 0, 0, 0);
}

/* A fault or trap while the kernel itself ran. Returns to the interrupted code, which
 * may have been moved to its fixup. */
static void kernel_signal(int sig, siginfo_t *si, struct ucontext *uc)
{
    struct sigcontext *c = &uc->uc_mcontext;

    if (sig == PV_SIG_KICK) {
        pv_leave_if_over();
        u64 again = 0;
        if (c->rip >= (u64)pv_exit_fast && c->rip < (u64)pv_exit_end)
            again = (u64)pv_exit_check;
        if (c->rip >= (u64)pv_trap_check && c->rip < (u64)pv_trap_end)
            again = (u64)pv_trap_check;
        if (again) {
            c->rip = again;
            c->rsp = (u64)plat_task_regs(current());
        }
        return;
    }
    if (program_in_the_way(sig, uc))
        return;
    for (const struct ex_entry *e = pv_ex_start; e < pv_ex_end; e++) {
        if (c->rip < e->from || c->rip >= e->to)
            continue;
        u64 addr = (u64)si->si_addr;
        if (sig == SIGSEGV && c->trapno == 14 && mm_fault(addr, c->err & 2, false) == 0)
            return;
        c->rip = e->resume;
        return;
    }
    /* The host stopped or froze us in a timed wait and wants it restarted by a call that
     * the filter does not know: for us the wait has ended early. */
    if (sig == SIGSYS && si->si_syscall == __NR_restart_syscall) {
        c->rax = (u64)-EINTR;
        return;
    }
    panic("host signal %d in the kernel: rip %lx address %lx call %d", sig,
          (unsigned long)c->rip, (unsigned long)(u64)si->si_addr,
          sig == SIGSYS ? si->si_syscall : -1);
}

/* The way out without a host frame has loaded flags with which one instruction of the
 * program is to run (ptrace.h): here is a frame to leave by. */
static bool stepping_out(const struct ucontext *uc)
{
    u64 rip = uc->uc_mcontext.rip;

    return rip >= (u64)pv_exit_check && rip < (u64)pv_exit_end;
}

/* On the signal stack, first thing. NULL: go straight back. Else the signal came from
 * the program: its registers, saved where a system call would have put them. */
struct regs *pv_signal_entry(int sig, void *info, void *ucp)
{
    struct ucontext *uc = ucp;
    siginfo_t *si = info;

    if (unlikely(sig == SIGTRAP) && stepping_out(uc)) {
        struct regs *r = plat_task_regs(current());
        r->host = (u64)uc;
        return r;
    }
    if (pv_in_kernel(uc->uc_mcontext.rip)) {
        kernel_signal(sig, si, uc);
        return NULL;
    }
    struct task *t = find_self(uc);
    if (sig == PV_SIG_KICK)
        pv_leave_if_over();
    if (unlikely(t->plat.in_vdso && uc->uc_mcontext.rip - BOOT->vdso < pv_vdso_size)) {
        if (sig == PV_SIG_KICK)
            return NULL;
        panic("host signal %d inside the vDSO", sig);
    }
    struct regs *r = plat_task_regs(t);
    load_regs(r, uc);
    return r;
}

static void fault(struct regs *r, int sig, siginfo_t *si, struct ucontext *uc)
{
    const struct sigcontext *c = &uc->uc_mcontext;
    u64 addr = (u64)si->si_addr;
    int code = si->si_code;

    current()->fault_err = c->err;
    current()->fault_trap = c->trapno;
    if (sig == SIGSEGV && c->trapno == 14) {
        int e = mm_fault(addr, c->err & 2, c->err & 16);
        if (e == 0 || e == -EINTR)
            return;
        if (e == -ENXIO) {
            sig = SIGBUS;
            code = 2;   /* BUS_ADRERR */
        } else {
            code = e == -EACCES ? 2 : 1;        /* SEGV_ACCERR, SEGV_MAPERR */
        }
    }
    task_fault(r, sig, code, addr);
}

/* On the kernel stack. */
void pv_user_trap(struct regs *r, void *info, int sig)
{
    siginfo_t *si = info;
    struct ucontext *uc = (struct ucontext *)r->host;

    current()->regs = r;
    current()->plat.in_kick = sig == PV_SIG_KICK;
    if (unlikely(sig == SIGTRAP) && stepping_out(uc)) {
        store_regs(r, uc);
        return;
    }
    if (sig == SIGSYS && unlikely(si->si_arch != AUDIT_ARCH_X86_64)) {
        /* int $0x80: other numbers and half of the registers, as on a kernel without it */
        current()->fault_err = INT80_ERR;
        current()->fault_trap = TRAP_GP;
        task_fault(r, SIGSEGV, SI_KERNEL, 0);
    } else if (sig == SIGSYS) {
        r->nr = (u32)si->si_syscall;
        r->rax = -ENOSYS;
        r->rax = (u64)syscall_dispatch(r);
        struct mm *mm = current()->mm;
        if (mm && unlikely(++mm->traps % HOT == 0))
            mm_patch_hot(r);
    } else if (sig != PV_SIG_KICK) {
        fault(r, sig, si, uc);
    }
    if (r->host)
        store_regs(r, uc);
    else
        pv_return_user(r);      /* exec: there is nothing to go back to */
}

/* Work was found on the way out of a trap. */
void pv_trap_work(struct regs *r)
{
    task_return_work(r);
    if (!r->host)
        pv_return_user(r);
    store_regs(r, (struct ucontext *)r->host);
}
