/* Signal frames of x86-64 programs, byte for byte Linux's struct rt_sigframe:
 *
 *     rsp ->  return address (the restorer)
 *             struct ucontext    registers, mask, alternate stack
 *             siginfo_t
 *             ...                alignment
 *             XSAVE area         64-aligned; the ucontext points to it
 *             128 bytes          the interrupted function's red zone
 */
#include <asm/siginfo.h>
#include <linux/signal.h>
#include <asm/sigcontext.h>
#include <asm/ucontext.h>
#include "sigq.h"
#include "user.h"

enum { RED_ZONE = 128, USER_CS = 0x33, USER_DS = 0x2b };
#define SS_AUTODISARM_ (1u << 31)
/* rflags a program may choose: AC OF DF TF SF ZF AF PF CF RF */
#define FLAGS_USER 0x50dd5ul
#define FLAGS_FIXED 0x202ul             /* IF and the bit that is always set */
#define FLAGS_CLEARED 0x10500ul         /* DF TF RF: not in a handler */

struct rt_sigframe {
    u64 pretcode;
    struct ucontext uc;
    u8 info[128];
};
_Static_assert(sizeof(struct ucontext) == 304, "Linux's");
_Static_assert(offsetof(struct rt_sigframe, info) == 312, "Linux's");

static void put32(u8 *p, unsigned off, u32 v) { memcpy(p + off, &v, 4); }
static void put64(u8 *p, unsigned off, u64 v) { memcpy(p + off, &v, 8); }

static bool is_fault(const struct ksiginfo *i)
{
    return (SIGS_SYNC & SIGMASK(i->signo)) && i->signo != SIGSYS && i->code > 0 &&
           i->code < SI_KERNEL;
}

static void put_sender(u8 *b, const struct ksiginfo *i)
{
    put32(b, 16, (u32)i->pid);
    put32(b, 20, i->uid);
}

/* The union's member follows from number and code, as sigaction(2) tells. */
static void siginfo_format(u8 *b, const struct ksiginfo *i)
{
    memset(b, 0, 128);
    put32(b, 0, (u32)i->signo);
    put32(b, 4, (u32)i->err);
    put32(b, 8, (u32)i->code);
    if (is_fault(i)) {
        put64(b, 16, i->addr);
    } else if (i->signo == SIGCHLD && i->code > 0 && i->code < SI_KERNEL) {
        put_sender(b, i);
        put32(b, 24, (u32)i->status);
        put64(b, 32, i->utime);
        put64(b, 40, i->stime);
    } else if (i->signo == SIGSYS && i->code > 0 && i->code < SI_KERNEL) {
        put64(b, 16, i->addr);
        put32(b, 24, (u32)i->syscall);
        put32(b, 28, (u32)i->arch);
    } else if (i->code == SI_TIMER) {
        put32(b, 16, (u32)i->timerid);
        put32(b, 20, (u32)i->overrun);
        put64(b, 24, i->value);
    } else if (i->code == SI_SIGIO || (i->signo == SIGIO && i->code > 0 && i->code < SI_KERNEL)) {
        put64(b, 16, (u64)(s64)i->band);
        put32(b, 24, (u32)i->fd);
    } else {
        put_sender(b, i);
        put64(b, 24, i->value);
    }
}

int siginfo_to_user(uptr_t dst, const struct ksiginfo *info)
{
    u8 b[128];

    siginfo_format(b, info);
    return copy_to_user(dst, b, sizeof b);
}

/* -- stacks -- */

static bool on_altstack(const struct task *t, u64 sp)
{
    if (t->altstack_flags & SS_AUTODISARM_) return false;
    return sp > t->altstack_sp && sp - t->altstack_sp <= t->altstack_size;
}

static u32 altstack_state(const struct task *t, u64 sp)
{
    u32 keep = t->altstack_flags & SS_AUTODISARM_;

    if (!t->altstack_size) return keep | SS_DISABLE;
    return keep | (on_altstack(t, sp) ? SS_ONSTACK : 0);
}

/* Where the frame goes, and its floating point area; false: it doesn't fit. */
static bool place(const struct task *t, const struct regs *r, const struct ksigaction *act,
                  u64 *frame_r, u64 *fp_r)
{
    u64 sp = r->rsp - RED_ZONE, low = 0;
    bool nested = on_altstack(t, r->rsp);

    if (act->flags & SA_ONSTACK && t->altstack_size && !nested) {
        sp = t->altstack_sp + t->altstack_size;
        low = t->altstack_sp;
    } else if (nested) {
        low = t->altstack_sp;
    }
    *fp_r = (sp - plat_fp_size()) & ~63ull;
    /* as after a call instruction: the next push would be 16-aligned */
    *frame_r = ((*fp_r - sizeof(struct rt_sigframe)) & ~15ull) - 8;
    return *frame_r > low && *frame_r < sp;
}

/* -- registers -- */

static void regs_to_context(struct sigcontext *c, const struct regs *r)
{
    c->rdi = r->arg[0];
    c->rsi = r->arg[1];
    c->rdx = r->arg[2];
    c->r10 = r->arg[3];
    c->r8 = r->arg[4];
    c->r9 = r->arg[5];
    c->rax = r->rax;
    c->rbx = r->rbx;
    c->rcx = r->rcx;
    c->rbp = r->rbp;
    c->r11 = r->r11;
    c->r12 = r->r12;
    c->r13 = r->r13;
    c->r14 = r->r14;
    c->r15 = r->r15;
    c->rip = r->rip;
    c->rsp = r->rsp;
    c->eflags = r->rflags;
    c->cs = USER_CS;
    c->ss = USER_DS;
}

static void context_to_regs(struct regs *r, const struct sigcontext *c)
{
    r->arg[0] = c->rdi;
    r->arg[1] = c->rsi;
    r->arg[2] = c->rdx;
    r->arg[3] = c->r10;
    r->arg[4] = c->r8;
    r->arg[5] = c->r9;
    r->rax = c->rax;
    r->rbx = c->rbx;
    r->rcx = c->rcx;
    r->rbp = c->rbp;
    r->r11 = c->r11;
    r->r12 = c->r12;
    r->r13 = c->r13;
    r->r14 = c->r14;
    r->r15 = c->r15;
    r->rip = c->rip;
    r->rsp = c->rsp;
    r->rflags = (c->eflags & FLAGS_USER) | FLAGS_FIXED;
}

/* -- in and out -- */

static void fill_context(struct rt_sigframe *f, const struct task *t, const struct regs *r,
                         u64 fp, ksigset_t saved)
{
    f->uc.uc_flags = UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS;
    if (plat_fp_size() > 512) f->uc.uc_flags |= UC_FP_XSTATE;
    f->uc.uc_stack.ss_sp = (void *)t->altstack_sp;
    f->uc.uc_stack.ss_flags = (int)altstack_state(t, r->rsp);
    f->uc.uc_stack.ss_size = t->altstack_size;
    f->uc.uc_sigmask = saved;
    f->uc.uc_mcontext.fpstate = (void *)fp;
    f->uc.uc_mcontext.oldmask = saved;
    regs_to_context(&f->uc.uc_mcontext, r);
}

int signal_frame_push(struct regs *r, int sig, const struct ksigaction *act,
                      const struct ksiginfo *info, ksigset_t saved)
{
    struct task *t = current();
    struct rt_sigframe f;
    u64 sp, fp;

    if (!(act->flags & SA_RESTORER) || !place(t, r, act, &sp, &fp)) return -EFAULT;
    memset(&f, 0, offsetof(struct rt_sigframe, info));
    f.pretcode = act->restorer;
    fill_context(&f, t, r, fp, saved);
    if (is_fault(info)) {
        f.uc.uc_mcontext.cr2 = info->addr;
        f.uc.uc_mcontext.trapno = current()->fault_trap;
        f.uc.uc_mcontext.err = current()->fault_err;
    }
    siginfo_format(f.info, info);
    if (plat_fp_to_user(fp) < 0 || copy_to_user(sp, &f, sizeof f) < 0) return -EFAULT;
    plat_fp_from_user(0);

    if (t->altstack_flags & SS_AUTODISARM_) {
        t->altstack_sp = t->altstack_size = 0;
        t->altstack_flags = SS_DISABLE;
    }
    r->arg[0] = (u64)sig;
    r->arg[1] = sp + offsetof(struct rt_sigframe, info);
    r->arg[2] = sp + offsetof(struct rt_sigframe, uc);
    r->rax = 0;
    r->rip = act->handler;
    r->rsp = sp;
    r->rflags = (r->rflags & ~FLAGS_CLEARED) | FLAGS_FIXED;
    r->nr = NO_SYSCALL;
    return 0;
}

static void restore_altstack(struct task *t, const struct regs *r, const stack_t *s)
{
    u32 flags = (u32)s->ss_flags, mode = flags & ~SS_AUTODISARM_;

    if (on_altstack(t, r->rsp)) return;
    if (mode != 0 && mode != SS_ONSTACK && mode != SS_DISABLE) return;
    t->altstack_sp = mode == SS_DISABLE ? 0 : (u64)s->ss_sp;
    t->altstack_size = mode == SS_DISABLE ? 0 : s->ss_size;
    t->altstack_flags = flags & (SS_AUTODISARM_ | SS_DISABLE);
}

int signal_frame_pop(struct regs *r)
{
    struct task *t = current();
    u64 frame = r->rsp - 8;             /* `ret` took the restorer's address */
    struct ucontext uc;

    if (copy_from_user(&uc, frame + offsetof(struct rt_sigframe, uc), sizeof uc) < 0)
        return -EFAULT;
    signal_set_blocked(uc.uc_sigmask);
    context_to_regs(r, &uc.uc_mcontext);
    r->nr = NO_SYSCALL;
    t->restart_arg[0] = RESTART_NONE;
    if (plat_fp_from_user((u64)uc.uc_mcontext.fpstate) < 0) return -EFAULT;
    restore_altstack(t, r, &uc.uc_stack);
    return 0;
}
