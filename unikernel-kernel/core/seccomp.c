/* Seccomp filters of the container's programs (seccomp(2)): classic BPF, run here by the
 * guest kernel. This is the container's own policy; the wall around the domain is another
 * (docs/SECURITY.md). */
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <linux/signal.h>
#include "proc.h"

struct seccomp {
    struct ref ref;
    struct seccomp *prev;       /* older filters of the task; counted */
    unsigned n, total;          /* instructions here; in the whole chain */
    bool strict;
    struct sock_filter insn[];
};

enum { CHAIN_MAX = 32768, STEP_COST = 4 };

u32 syscall_watch;

struct seccomp *seccomp_get(struct seccomp *s)
{
    if (s) ref_get(&s->ref);
    return s;
}

void seccomp_put(struct seccomp *s)
{
    while (s && ref_put(&s->ref)) {
        struct seccomp *prev = s->prev;

        kfree(s);
        __atomic_sub_fetch(&syscall_watch, 1, __ATOMIC_RELAXED);
        s = prev;
    }
}

int seccomp_mode(const struct task *t)
{
    const struct seccomp *s = READ_ONCE(t->seccomp);

    return !s ? SECCOMP_MODE_DISABLED : s->strict ? SECCOMP_MODE_STRICT : SECCOMP_MODE_FILTER;
}

/* -- checking -- */

static bool jump_ok(const struct sock_filter *f, unsigned at, unsigned n)
{
    unsigned left = n - at - 1;

    if (f->code == (BPF_JMP | BPF_JA)) return f->k < left;
    return f->jt < left && f->jf < left;
}

static bool insn_ok(const struct sock_filter *f, unsigned at, unsigned n)
{
    switch (f->code) {
    case BPF_LD | BPF_W | BPF_ABS:
        return f->k < sizeof(struct seccomp_data) && !(f->k & 3);
    case BPF_LD | BPF_MEM: case BPF_LDX | BPF_MEM: case BPF_ST: case BPF_STX:
        return f->k < BPF_MEMWORDS;
    case BPF_LD | BPF_W | BPF_LEN: case BPF_LDX | BPF_W | BPF_LEN:
    case BPF_LD | BPF_IMM: case BPF_LDX | BPF_IMM:
    case BPF_RET | BPF_K: case BPF_RET | BPF_A:
    case BPF_MISC | BPF_TAX: case BPF_MISC | BPF_TXA:
        return true;
    }
    if (BPF_CLASS(f->code) == BPF_ALU) {
        if (f->code & ~0xffu) return false;
        switch (BPF_OP(f->code)) {
        case BPF_DIV:
            return BPF_SRC(f->code) == BPF_X || f->k != 0;
        case BPF_LSH: case BPF_RSH:
            return BPF_SRC(f->code) == BPF_X || f->k < 32;
        case BPF_ADD: case BPF_SUB: case BPF_MUL: case BPF_AND: case BPF_OR: case BPF_XOR:
            return true;
        case BPF_NEG:
            return BPF_SRC(f->code) == BPF_K;
        }
        return false;
    }
    if (BPF_CLASS(f->code) == BPF_JMP && !(f->code & ~0xffu)) {
        switch (BPF_OP(f->code)) {
        case BPF_JA: if (BPF_SRC(f->code) != BPF_K) return false; /* fall through */
        case BPF_JEQ: case BPF_JGT: case BPF_JGE: case BPF_JSET:
            return jump_ok(f, at, n);
        }
    }
    return false;
}

static bool program_ok(const struct sock_filter *f, unsigned n)
{
    if (n == 0 || n > BPF_MAXINSNS) return false;
    for (unsigned i = 0; i < n; i++)
        if (!insn_ok(&f[i], i, n)) return false;
    return BPF_CLASS(f[n - 1].code) == BPF_RET;
}

int seccomp_attach(const struct sock_filter *f, unsigned n)
{
    struct task *t = current();
    unsigned before = t->seccomp ? t->seccomp->total + STEP_COST : 0;
    struct seccomp *s;

    if (!program_ok(f, n)) return -EINVAL;
    if (before + n > CHAIN_MAX) return -ENOMEM;
    if (seccomp_mode(t) == SECCOMP_MODE_STRICT) return -EINVAL;
    s = kmalloc(sizeof *s + n * sizeof *f);
    if (!s) return -ENOMEM;
    ref_init(&s->ref);
    s->prev = t->seccomp;       /* our reference moves into the chain */
    s->n = n;
    s->total = before + n;
    s->strict = false;
    memcpy(s->insn, f, n * sizeof *f);
    __atomic_add_fetch(&syscall_watch, 1, __ATOMIC_RELAXED);
    __atomic_store_n(&t->seccomp, s, __ATOMIC_RELEASE);
    return 0;
}

int seccomp_attach_strict(const struct sock_filter *f, unsigned n)
{
    int r = current()->seccomp ? -EINVAL : seccomp_attach(f, n);

    if (!r) current()->seccomp->strict = true;
    return r;
}

/* -- all threads of a process: procs_lock held -- */

/* Does `s` stand on `base`, so that nobody loses a filter who changes to it? */
static bool stands_on(const struct seccomp *s, const struct seccomp *base)
{
    while (s && s != base) s = s->prev;
    return s == base;
}

static int unrelated_thread(const struct task *t)
{
    const struct task *o;

    list_for_each(o, &t->proc->threads, proc_link)
        if (o != t && o->state != TASK_ZOMBIE && !stands_on(t->seccomp, o->seccomp))
            return pid_nr(o->tid);
    return 0;
}

/* The other may be running its old filters just now: the new chain keeps them. */
static void take_over(struct task *o, const struct task *t)
{
    struct seccomp *old = o->seccomp;

    __atomic_store_n(&o->seccomp, seccomp_get(t->seccomp), __ATOMIC_RELEASE);
    seccomp_put(old);
    if (t->no_new_privs) o->no_new_privs = true;
}

int seccomp_attach_all(const struct sock_filter *f, unsigned n)
{
    struct task *t = current(), *o;
    int r;

    mutex_lock(&procs_lock);
    r = unrelated_thread(t);
    if (!r) r = seccomp_attach(f, n);
    if (!r)
        list_for_each(o, &t->proc->threads, proc_link)
            if (o != t && o->state != TASK_ZOMBIE) take_over(o, t);
    mutex_unlock(&procs_lock);
    return r;
}

void seccomp_new_thread(struct task *c, const struct task *t)
{
    if (unlikely(c->seccomp != t->seccomp)) take_over(c, t);
}

/* -- running -- */

static u32 alu(u16 code, u32 a, u32 b)
{
    switch (BPF_OP(code)) {
    case BPF_ADD: return a + b;
    case BPF_SUB: return a - b;
    case BPF_MUL: return a * b;
    case BPF_DIV: return b ? a / b : 0;
    case BPF_AND: return a & b;
    case BPF_OR:  return a | b;
    case BPF_XOR: return a ^ b;
    case BPF_LSH: return b < 32 ? a << b : 0;
    case BPF_RSH: return b < 32 ? a >> b : 0;
    default:      return -a;            /* BPF_NEG */
    }
}

static unsigned jump(const struct sock_filter *f, u32 a, u32 b)
{
    bool yes;

    switch (BPF_OP(f->code)) {
    case BPF_JA:  return f->k;
    case BPF_JEQ: yes = a == b; break;
    case BPF_JGT: yes = a > b; break;
    case BPF_JGE: yes = a >= b; break;
    default:      yes = (a & b) != 0; break;    /* BPF_JSET */
    }
    return yes ? f->jt : f->jf;
}

/* The program was checked: every jump goes forward and the last instruction returns. */
static u32 run(const struct seccomp *s, const struct seccomp_data *d)
{
    u32 a = 0, x = 0, mem[BPF_MEMWORDS] = { 0 };

    for (const struct sock_filter *f = s->insn;; f++) {
        u32 b = BPF_SRC(f->code) == BPF_X ? x : f->k;

        switch (BPF_CLASS(f->code)) {
        case BPF_LD:
            if (BPF_MODE(f->code) == BPF_ABS) memcpy(&a, (const char *)d + f->k, 4);
            else if (BPF_MODE(f->code) == BPF_MEM) a = mem[f->k];
            else a = BPF_MODE(f->code) == BPF_LEN ? sizeof *d : f->k;
            break;
        case BPF_LDX:
            if (BPF_MODE(f->code) == BPF_MEM) x = mem[f->k];
            else x = BPF_MODE(f->code) == BPF_LEN ? sizeof *d : f->k;
            break;
        case BPF_ST: mem[f->k] = a; break;
        case BPF_STX: mem[f->k] = x; break;
        case BPF_ALU:
            if (BPF_OP(f->code) == BPF_DIV && b == 0) return 0;
            a = alu(f->code, a, b);
            break;
        case BPF_JMP: f += jump(f, a, b); break;
        case BPF_RET: return BPF_RVAL(f->code) == BPF_A ? a : f->k;
        default: /* BPF_MISC */
            if (BPF_MISCOP(f->code) == BPF_TAX) x = a;
            else a = x;
        }
    }
}

static void send_sigsys(struct regs *r, u32 data)
{
    struct ksiginfo info = { .signo = SIGSYS, .code = SYS_SECCOMP, .err = (int)data,
                             .addr = r->rip, .syscall = (int)r->nr, .arch = AUDIT_ARCH_X86_64 };

    signal_force(SIGSYS, &info);
}

bool seccomp_check(struct regs *r)
{
    struct seccomp_data d = { (int)r->nr, AUDIT_ARCH_X86_64, r->rip,
                              { r->arg[0], r->arg[1], r->arg[2],
                                r->arg[3], r->arg[4], r->arg[5] } };
    u32 ret = SECCOMP_RET_ALLOW;

    for (const struct seccomp *s = READ_ONCE(current()->seccomp); s; s = s->prev) {
        u32 v = run(s, &d);

        /* the more severe action is the smaller one, as signed numbers */
        if ((s32)(v & SECCOMP_RET_ACTION_FULL) < (s32)(ret & SECCOMP_RET_ACTION_FULL)) ret = v;
    }
    switch (ret & SECCOMP_RET_ACTION_FULL) {
    case SECCOMP_RET_ALLOW: case SECCOMP_RET_LOG:
        return true;
    case SECCOMP_RET_ERRNO:
        r->rax = -(u64)min(ret & SECCOMP_RET_DATA, 4095u);
        return false;
    case SECCOMP_RET_TRAP:
        r->rax = r->nr;         /* the handler finds the registers as at the call */
        send_sigsys(r, ret & SECCOMP_RET_DATA);
        return false;
    case SECCOMP_RET_TRACE: case SECCOMP_RET_USER_NOTIF:
        r->rax = -ENOSYS;       /* nobody is there to ask */
        return false;
    case SECCOMP_RET_KILL_THREAD:
        if (seccomp_mode(current()) == SECCOMP_MODE_STRICT) task_exit(SIGKILL);
        if (current()->proc->nthreads > 1) task_exit(SIGSYS);
        break;
    }
    task_exit_group(SIGSYS);
}
