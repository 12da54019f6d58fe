/* System call: ptrace(2). The tracee is stopped: its registers are in kernel memory, what
 * lies in its address space or CPU it fetches itself (errand.h). */
#include <linux/audit.h>
#include <linux/elf.h>
#include <linux/ptrace.h>
#include "errand.h"
#include "proc.h"
#include "../core/sigq.h"
#include "ptrace.h"
#include "sys.h"
#include "user.h"

enum { PEEKTEXT = 1, PEEKDATA, PEEKUSER, POKETEXT, POKEDATA, POKEUSER, SET_OPTIONS_OLD = 21 };
enum { USER_CS = 0x33, USER_DS = 0x2b, USER_SIZE = 912, DEBUGREG = 848 };
#define OPTIONS (PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | \
                 PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_TRACEVFORKDONE | \
                 PTRACE_O_TRACEEXIT | PTRACE_O_EXITKILL)
/* rflags a tracer may set: as a program may (signal_frame.c), and TF stays ours */
#define FLAGS_USER 0x50cd5ul
#define FLAGS_FIXED 0x202ul

struct request { struct task *t; struct ptrace *pt; long op; u64 addr, data; };

/* -- registers: struct user_regs_struct -- */

enum { R15, R14, R13, R12, RBP, RBX, R11, R10, R9, R8, RAX, RCX, RDX, RSI, RDI, ORIG_RAX, RIP,
       CS, EFLAGS, RSP, SS, FS_BASE, GS_BASE, DS, ES, FS, GS, NREGS };

static void get_tls(void *arg) { *(u64 *)arg = plat_get_tls(); }
static void set_tls(void *arg) { plat_set_tls(*(u64 *)arg); }

static int read_regs(const struct request *q, u64 *v)
{
    const struct regs *r = q->t->regs;

    memset(v, 0, NREGS * sizeof *v);
    v[R15] = r->r15; v[R14] = r->r14; v[R13] = r->r13; v[R12] = r->r12;
    v[RBP] = r->rbp; v[RBX] = r->rbx; v[R11] = r->r11; v[RAX] = r->rax; v[RCX] = r->rcx;
    v[RDI] = r->arg[0]; v[RSI] = r->arg[1]; v[RDX] = r->arg[2];
    v[R10] = r->arg[3]; v[R8] = r->arg[4]; v[R9] = r->arg[5];
    v[ORIG_RAX] = q->pt->nr;
    v[RIP] = r->rip; v[EFLAGS] = r->rflags; v[RSP] = r->rsp;
    v[CS] = USER_CS; v[SS] = USER_DS;
    return errand_run(q->t, get_tls, &v[FS_BASE]);
}

static int write_regs(const struct request *q, u64 *v)
{
    struct regs *r = q->t->regs;

    if (v[CS] != USER_CS || v[SS] != USER_DS || v[GS_BASE] || v[FS_BASE] >= plat_user_max())
        return -EIO;
    r->r15 = v[R15]; r->r14 = v[R14]; r->r13 = v[R13]; r->r12 = v[R12];
    r->rbp = v[RBP]; r->rbx = v[RBX]; r->r11 = v[R11]; r->rax = v[RAX]; r->rcx = v[RCX];
    r->arg[0] = v[RDI]; r->arg[1] = v[RSI]; r->arg[2] = v[RDX];
    r->arg[3] = v[R10]; r->arg[4] = v[R8]; r->arg[5] = v[R9];
    q->pt->nr = v[ORIG_RAX];
    r->rip = v[RIP]; r->rsp = v[RSP];
    r->rflags = (v[EFLAGS] & FLAGS_USER) | FLAGS_FIXED;
    return errand_run(q->t, set_tls, &v[FS_BASE]);
}

static long peek_user(const struct request *q)
{
    u64 v[NREGS], word = 0;

    if ((q->addr & 7) || q->addr >= USER_SIZE) return -EIO;
    if (q->addr < sizeof v) {
        int r = read_regs(q, v);

        if (r < 0) return r;
        word = v[q->addr / 8];
    }
    return put_user(word, q->data);
}

static long poke_user(const struct request *q)
{
    u64 v[NREGS];
    int r;

    if ((q->addr & 7) || q->addr >= USER_SIZE) return -EIO;
    /* there are no debug registers to set: all are off */
    if (q->addr >= DEBUGREG) return q->data ? -EINVAL : 0;
    if (q->addr >= sizeof v) return -EIO;
    r = read_regs(q, v);
    v[q->addr / 8] = q->data;
    return r < 0 ? r : write_regs(q, v);
}

struct fp_copy { u8 b[PLAT_FP_MAX]; size_t n; int r; };

static void read_fp(void *arg)
{
    struct fp_copy *c = arg;

    c->n = plat_fp_read(c->b);
}

static void write_fp(void *arg)
{
    struct fp_copy *c = arg;

    c->r = plat_fp_write(c->b, c->n);
}

/* n bytes at most; *n: how many. */
static int move_fp(const struct request *q, uptr_t user, size_t *n, bool write)
{
    struct fp_copy *c = kmalloc(sizeof *c);
    int r = c ? 0 : -ENOMEM;

    if (c) c->n = min(*n, sizeof c->b);
    if (!r && write) r = copy_from_user(c->b, user, c->n);
    if (!r) r = errand_run(q->t, write ? write_fp : read_fp, c);
    if (!r && write) r = c->r;
    if (!r) *n = min(*n, c->n);
    if (!r && !write) r = copy_to_user(user, c->b, *n);
    kfree(c);
    return r;
}

static int move_regs(const struct request *q, uptr_t user, size_t *n, bool write)
{
    u64 v[NREGS];
    int r = read_regs(q, v);

    *n = min(*n, sizeof v);
    if (r < 0) return r;
    if (!write) return copy_to_user(user, v, *n);
    if (copy_from_user(v, user, *n) < 0) return -EFAULT;
    return write_regs(q, v);
}

static long regset(const struct request *q, bool write)
{
    struct { u64 base, len; } v;
    size_t n;
    int r;

    if (copy_from_user(&v, q->data, sizeof v) < 0) return -EFAULT;
    n = v.len;
    switch (q->addr) {
    case NT_PRSTATUS: r = n % 8 ? -EINVAL : move_regs(q, v.base, &n, write); break;
    case NT_PRFPREG: n = min(n, 512ul); r = move_fp(q, v.base, &n, write); break;
    case NT_X86_XSTATE: r = n % 8 ? -EINVAL : move_fp(q, v.base, &n, write); break;
    default: return -EINVAL;
    }
    v.len = n;
    return r < 0 ? r : put_user(v.len, q->data + 8);
}

/* -- memory -- */

static long peek(const struct request *q)
{
    u64 word;
    struct errand_copy c = { .addr = q->addr, .buf = (char *)&word, .n = sizeof word,
                             .force = true };
    int r = errand_copy(q->t, &c);

    if (r < 0) return r;
    return c.done < c.n ? -EIO : put_user(word, q->data);
}

static long poke(const struct request *q)
{
    u64 word = q->data;
    struct errand_copy c = { .addr = q->addr, .buf = (char *)&word, .n = sizeof word,
                             .write = true, .force = true };
    int r = errand_copy(q->t, &c);

    return r < 0 ? r : c.done < c.n ? -EIO : 0;
}

/* -- why it is stopped -- */

static long set_siginfo(const struct request *q)
{
    struct { int signo, err, code, pad, pid; u32 uid; u64 value; } si;

    if (copy_from_user(&si, q->data, sizeof si) < 0) return -EFAULT;
    if (!q->pt->has_info) return -EINVAL;
    q->pt->info = (struct ksiginfo){ .signo = si.signo, .err = si.err, .code = si.code,
                                     .pid = si.pid, .uid = si.uid, .value = si.value };
    return 0;
}

static long syscall_info(const struct request *q)
{
    const struct regs *r = q->t->regs;
    struct ptrace_syscall_info i;
    size_t n = offsetof(struct ptrace_syscall_info, entry);

    memset(&i, 0, sizeof i);
    i.op = q->pt->op;
    i.arch = AUDIT_ARCH_X86_64;
    i.instruction_pointer = r->rip;
    i.stack_pointer = r->rsp;
    if (i.op == PTRACE_SYSCALL_INFO_ENTRY) {
        i.entry.nr = q->pt->nr;
        memcpy(i.entry.args, r->arg, sizeof i.entry.args);
        n = offsetof(struct ptrace_syscall_info, entry) + sizeof i.entry;
    } else if (i.op == PTRACE_SYSCALL_INFO_EXIT) {
        i.exit.rval = (s64)r->rax;
        i.exit.is_error = r->rax >= (u64)-4095;
        n = offsetof(struct ptrace_syscall_info, exit.is_error) + 1;
    }
    if (copy_to_user(q->data, &i, min(n, (size_t)q->addr)) < 0) return -EFAULT;
    return (long)n;
}

static long move_mask(const struct request *q, bool write)
{
    ksigset_t set = q->t->blocked;

    if (q->addr != sizeof set) return -EINVAL;
    if (!write) return put_user(set, q->data);
    if (get_user(set, q->data) < 0) return -EFAULT;
    WRITE_ONCE(q->t->blocked, set & ~SIGS_HARD);
    return 0;
}

/* -- going on -- */

static long go_on(const struct request *q)
{
    struct ptrace *pt = q->pt;

    if (q->data > 64) return -EIO;
    mutex_lock(&procs_lock);
    pt->syscalls = q->op == PTRACE_SYSCALL;
    pt->step = q->op == PTRACE_SINGLESTEP;
    if (q->op == PTRACE_DETACH) ptrace_unlink(pt);
    ptrace_resume(pt, (int)q->data);
    mutex_unlock(&procs_lock);
    return 0;
}

static long listen(const struct request *q)
{
    struct ptrace *pt = q->pt;

    if (!pt->seized || pt->code >> 8 != PTRACE_EVENT_STOP) return -EIO;
    mutex_lock(&procs_lock);
    WRITE_ONCE(pt->listening, true);
    task_wake(q->t);            /* the stop may be over already */
    mutex_unlock(&procs_lock);
    return 0;
}

static long options(const struct request *q)
{
    if (q->data & ~(u64)OPTIONS) return -EINVAL;
    q->pt->options = (u32)q->data;
    return 0;
}

static long stopped_request(const struct request *q)
{
    size_t n = 512;

    switch (q->op) {
    case PEEKTEXT: case PEEKDATA: return peek(q);
    case PEEKUSER: return peek_user(q);
    case POKETEXT: case POKEDATA: return poke(q);
    case POKEUSER: return poke_user(q);
    case PTRACE_GETREGS: n = NREGS * 8; return move_regs(q, q->data, &n, false);
    case PTRACE_SETREGS: n = NREGS * 8; return move_regs(q, q->data, &n, true);
    case PTRACE_GETFPREGS: return move_fp(q, q->data, &n, false);
    case PTRACE_SETFPREGS: return move_fp(q, q->data, &n, true);
    case PTRACE_GETREGSET: return regset(q, false);
    case PTRACE_SETREGSET: return regset(q, true);
    case PTRACE_GETSIGINFO:
        return q->pt->has_info ? siginfo_to_user(q->data, &q->pt->info) : -EINVAL;
    case PTRACE_SETSIGINFO: return set_siginfo(q);
    case PTRACE_GETSIGMASK: return move_mask(q, false);
    case PTRACE_SETSIGMASK: return move_mask(q, true);
    case PTRACE_GETEVENTMSG: return put_user(q->pt->msg, q->data);
    case PTRACE_GET_SYSCALL_INFO: return syscall_info(q);
    case PTRACE_SETOPTIONS: case SET_OPTIONS_OLD: return options(q);
    case PTRACE_LISTEN: return listen(q);
    case PTRACE_CONT: case PTRACE_SYSCALL: case PTRACE_SINGLESTEP: case PTRACE_DETACH:
        return go_on(q);
    default: return -EIO;
    }
}

/* -- beginning -- */

static long traceme(void)
{
    struct task *t = current();
    int r = -EPERM;

    mutex_lock(&procs_lock);
    if (t->proc->parent && t->proc->parent->leader)
        r = ptrace_link(t, t->proc->parent, false, 0);
    mutex_unlock(&procs_lock);
    return r;
}

static long attach(const struct request *q)
{
    bool seize = q->op == PTRACE_SEIZE;
    struct task *t = q->t;
    int r;

    if (seize && (q->addr || (q->data & ~(u64)OPTIONS))) return -EIO;
    mutex_lock(&procs_lock);
    if (t->proc == current()->proc || !t->proc->session || !proc_inspectable(t->proc)) r = -EPERM;
    else r = ptrace_link(t, current()->proc, seize, seize ? (u32)q->data : 0);
    if (!r && !seize) signal_send_task(t, SIGSTOP, NULL);
    if (!r && t->state == TASK_STOPPED) task_wake(t);   /* stops for us instead */
    mutex_unlock(&procs_lock);
    return r;
}

static long interrupt(struct ptrace *pt)
{
    struct task *t = pt->task;

    if (!pt->seized) return -EIO;
    mutex_lock(&procs_lock);
    WRITE_ONCE(pt->trap, true);
    __atomic_or_fetch(&t->work, WORK_TRAP, __ATOMIC_SEQ_CST);
    task_wake(t);
    if (READ_ONCE(t->state) == TASK_RUNNING) plat_task_kick(t);
    mutex_unlock(&procs_lock);
    return 0;
}

static long request(struct request *q)
{
    struct ptrace *pt = q->t->ptrace;

    if (q->op == PTRACE_ATTACH || q->op == PTRACE_SEIZE) return attach(q);
    if (!pt || pt->tracer != current()->proc) return -ESRCH;
    if (q->op == PTRACE_KILL) return signal_send_proc(q->t->proc, SIGKILL, NULL);
    if (q->op == PTRACE_INTERRUPT) return interrupt(pt);
    if (!READ_ONCE(pt->stopped) || READ_ONCE(pt->listening)) return -ESRCH;
    q->pt = pt;
    return stopped_request(q);
}

long sys_ptrace(const u64 *a)
{
    struct request q = { .op = (long)a[0], .addr = a[2], .data = a[3] };
    long r;

    if (q.op == PTRACE_TRACEME) return traceme();
    q.t = task_find_get((int)a[1]);
    if (!q.t) return -ESRCH;
    r = request(&q);
    task_put(q.t);
    return r;
}
