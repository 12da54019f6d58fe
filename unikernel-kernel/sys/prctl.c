/* prctl(2), arch_prctl(2), personality(2), seccomp(2): attributes of a task. */
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/prctl.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>
#include <asm/prctl.h>
#include <asm/unistd.h>
#include "proc.h"
#include "sys.h"
#include "user.h"

/* -- capabilities kept in prctl -- */

static long change_cred(void (*fn)(struct cred *c, u64 v), u64 v)
{
    struct cred *c = cred_dup(current()->cred);

    if (!c) return -ENOMEM;
    fn(c, v);
    cred_commit(c);
    return 0;
}

static void drop_bounding(struct cred *c, u64 cap) { c->cap_bset &= ~(1ull << cap); }
static void raise_ambient(struct cred *c, u64 cap) { c->cap_amb |= 1ull << cap; }
static void lower_ambient(struct cred *c, u64 cap) { c->cap_amb &= ~(1ull << cap); }
static void clear_ambient(struct cred *c, u64 v) { c->cap_amb = 0; }
static void put_securebits(struct cred *c, u64 bits) { c->securebits = (u32)bits; }

static long set_securebits(u64 bits)
{
    const struct cred *c = current()->cred;
    u32 old = c->securebits, locks = old & SECURE_ALL_LOCKS;

    /* a lock stays; what it locks does too */
    if (((old ^ bits) & (locks >> 1)) || (locks & ~bits)) return -EPERM;
    if (bits & ~(u64)(SECURE_ALL_LOCKS | SECURE_ALL_BITS)) return -EPERM;
    if (!capable(CAP_SETPCAP)) return -EPERM;
    return change_cred(put_securebits, bits);
}

static long set_keepcaps(u64 on)
{
    u32 bits = current()->cred->securebits;

    if (on > 1) return -EINVAL;
    if (bits & SECBIT_KEEP_CAPS_LOCKED) return -EPERM;
    return change_cred(put_securebits, on ? bits | SECBIT_KEEP_CAPS
                                          : bits & ~(u32)SECBIT_KEEP_CAPS);
}

static long ambient(const u64 *a)
{
    const struct cred *c = current()->cred;
    u64 cap = a[2];

    if (a[3] | a[4]) return -EINVAL;
    if (a[1] == PR_CAP_AMBIENT_CLEAR_ALL) return cap ? -EINVAL : change_cred(clear_ambient, 0);
    if (cap > CAP_LAST_CAP) return -EINVAL;
    switch (a[1]) {
    case PR_CAP_AMBIENT_IS_SET:
        return c->cap_amb >> cap & 1;
    case PR_CAP_AMBIENT_RAISE:
        if (!(c->cap_perm & c->cap_inh & 1ull << cap)) return -EPERM;
        if (c->securebits & SECBIT_NO_CAP_AMBIENT_RAISE) return -EPERM;
        return change_cred(raise_ambient, cap);
    case PR_CAP_AMBIENT_LOWER:
        return change_cred(lower_ambient, cap);
    }
    return -EINVAL;
}

static long capability_prctl(const u64 *a)
{
    switch (a[0]) {
    case PR_CAPBSET_READ:
        return a[1] > CAP_LAST_CAP ? -EINVAL : (long)(current()->cred->cap_bset >> a[1] & 1);
    case PR_CAPBSET_DROP:
        if (!capable(CAP_SETPCAP)) return -EPERM;
        return a[1] > CAP_LAST_CAP ? -EINVAL : change_cred(drop_bounding, a[1]);
    case PR_GET_SECUREBITS: return current()->cred->securebits;
    case PR_SET_SECUREBITS: return set_securebits(a[1]);
    case PR_GET_KEEPCAPS: return !!(current()->cred->securebits & SECBIT_KEEP_CAPS);
    case PR_SET_KEEPCAPS: return set_keepcaps(a[1]);
    default: return ambient(a);
    }
}

/* -- seccomp -- */

static long attach_filter(uptr_t prog, u32 flags)
{
    struct { u16 len; u16 pad[3]; u64 filter; } fp;
    struct sock_filter *f;
    long r;

    if (copy_from_user(&fp, prog, sizeof fp) < 0) return -EFAULT;
    if (!fp.len || fp.len > BPF_MAXINSNS) return -EINVAL;
    if (!current()->no_new_privs && !capable(CAP_SYS_ADMIN)) return -EACCES;
    f = kmalloc(fp.len * sizeof *f);
    if (!f) return -ENOMEM;
    r = copy_from_user(f, fp.filter, fp.len * sizeof *f);
    if (!r && (flags & SECCOMP_FILTER_FLAG_TSYNC)) r = seccomp_attach_all(f, fp.len);
    else if (!r) r = seccomp_attach(f, fp.len);
    kfree(f);
    return r > 0 && (flags & SECCOMP_FILTER_FLAG_TSYNC_ESRCH) ? -ESRCH : r;
}

static long attach_strict(void)
{
    static const struct sock_filter f[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),          /* the number */
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_read, 3, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_write, 2, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_exit, 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_rt_sigreturn, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_THREAD),
    };

    return seccomp_attach_strict(f, ARRAY_SIZE(f));
}

static long seccomp_actions(uptr_t p)
{
    static const u32 known[] = { SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_KILL_THREAD,
        SECCOMP_RET_TRAP, SECCOMP_RET_ERRNO, SECCOMP_RET_LOG, SECCOMP_RET_ALLOW };
    u32 action;

    if (get_user(action, p) < 0) return -EFAULT;
    for (unsigned i = 0; i < ARRAY_SIZE(known); i++)
        if (known[i] == action) return 0;
    return -EOPNOTSUPP;
}

long sys_seccomp(const u64 *a)
{
    u32 op = (u32)a[0], flags = (u32)a[1];

    if (op == SECCOMP_GET_ACTION_AVAIL) return flags ? -EINVAL : seccomp_actions(a[2]);
    if (op == SECCOMP_SET_MODE_STRICT) return flags || a[2] ? -EINVAL : attach_strict();
    if (op != SECCOMP_SET_MODE_FILTER) return -EINVAL;
    if (flags & ~(u32)(SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_LOG |
                       SECCOMP_FILTER_FLAG_SPEC_ALLOW | SECCOMP_FILTER_FLAG_TSYNC_ESRCH))
        return -EINVAL;
    return attach_filter(a[2], flags);
}

static long seccomp_prctl(const u64 *a)
{
    if (a[0] == PR_GET_SECCOMP) return seccomp_mode(current());
    if (a[1] == SECCOMP_MODE_STRICT) return attach_strict();
    return a[1] == SECCOMP_MODE_FILTER ? attach_filter(a[2], 0) : -EINVAL;
}

/* -- the rest -- */

static long set_name(uptr_t p)
{
    struct task *t = current();
    char name[16];
    ssize_t n = strncpy_from_user(name, p, sizeof name);

    if (n == -ENAMETOOLONG) name[sizeof name - 1] = '\0';
    else if (n < 0) return n;
    strlcpy(t->comm, name, sizeof t->comm);
    return 0;
}

static long get_name(uptr_t p)
{
    char name[16] = { 0 };

    strlcpy(name, current()->comm, sizeof name);
    return copy_to_user(p, name, sizeof name);
}

static long set_timer_slack(u64 ns)
{
    current()->timer_slack = ns ? (u32)min(ns, (u64)~0u) : 50000;
    return 0;
}

static long set_flag(bool *flag, u64 v)
{
    if (v > 1) return -EINVAL;
    *flag = v;
    return 0;
}

long sys_prctl(const u64 *a)
{
    struct task *t = current();

    switch ((int)a[0]) {
    case PR_SET_PDEATHSIG:
        if (a[1] > 64) return -EINVAL;
        t->pdeath_sig = (int)a[1];
        return 0;
    case PR_GET_PDEATHSIG: return put_user(t->pdeath_sig, a[1]);
    case PR_GET_DUMPABLE: return t->dumpable;
    case PR_SET_DUMPABLE: return set_flag(&t->dumpable, a[1]);
    case PR_SET_NAME: return set_name(a[1]);
    case PR_GET_NAME: return get_name(a[1]);
    case PR_GET_TIMERSLACK: return t->timer_slack;
    case PR_SET_TIMERSLACK: return set_timer_slack(a[1]);
    case PR_SET_NO_NEW_PRIVS:
        if (a[1] != 1 || a[2] || a[3] || a[4]) return -EINVAL;
        t->no_new_privs = true;
        return 0;
    case PR_GET_NO_NEW_PRIVS:
        return (a[1] | a[2] | a[3] | a[4]) ? -EINVAL : t->no_new_privs;
    case PR_SET_CHILD_SUBREAPER:
        t->proc->subreaper = a[1] != 0;
        return 0;
    case PR_GET_CHILD_SUBREAPER: return put_user((int)t->proc->subreaper, a[1]);
    case PR_GET_TID_ADDRESS: return put_user(t->clear_tid, a[1]);
    case PR_GET_TSC: return put_user((int)PR_TSC_ENABLE, a[1]);
    case PR_SET_TSC: return a[1] == PR_TSC_ENABLE ? 0 : -EINVAL;
    case PR_GET_THP_DISABLE: return 0;
    case PR_GET_TIMING: return PR_TIMING_STATISTICAL;
    case PR_SET_TIMING: return a[1] == PR_TIMING_STATISTICAL ? 0 : -EINVAL;
    case PR_CAPBSET_READ: case PR_CAPBSET_DROP: case PR_GET_SECUREBITS:
    case PR_SET_SECUREBITS: case PR_GET_KEEPCAPS: case PR_SET_KEEPCAPS: case PR_CAP_AMBIENT:
        return capability_prctl(a);
    case PR_GET_SECCOMP: case PR_SET_SECCOMP:
        return seccomp_prctl(a);
    }
    return -EINVAL;
}

long sys_arch_prctl(const u64 *a)
{
    switch ((int)a[0]) {
    case ARCH_SET_FS:
        if (a[1] >= plat_user_max()) return -EPERM;
        plat_set_tls(a[1]);
        return 0;
    case ARCH_GET_FS: return put_user(plat_get_tls(), a[1]);
    case ARCH_GET_CPUID: return 1;
    }
    return -EINVAL;     /* ARCH_SET_GS too: the register is the kernel's in a pv domain */
}

long sys_personality(const u64 *a)
{
    struct task *t = current();
    u32 old = t->personality;

    if ((u32)a[0] != 0xffffffffu) t->personality = (u32)a[0];
    return old;
}
