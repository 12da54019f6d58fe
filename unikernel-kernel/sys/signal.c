/* System calls: signals (sigaction(2), kill(2), sigqueue(3), sigwaitinfo(2), ...). */
#include <asm/siginfo.h>
#include <linux/capability.h>
#include "../core/sigq.h"
#include "proc.h"
#include "sys.h"
#include "user.h"

enum { SIG_MAX = 64, ALTSTACK_MIN = 2048 };
#define ALTSTACK_AUTODISARM (1u << 31)

static int get_mask(uptr_t addr, u64 size, ksigset_t *set_r)
{
    if (size != sizeof *set_r) return -EINVAL;
    return copy_from_user(set_r, addr, sizeof *set_r);
}

/* -- handlers and masks -- */

/* POSIX 2.4.3: what becomes ignored is no longer pending. sighand->lock held. */
static void drop_ignored(struct proc *p, int sig, const struct ksigaction *a)
{
    struct task *t;

    if (a->handler != HANDLER_IGN &&
        !(a->handler == HANDLER_DFL && (SIGS_IGNORE & SIGMASK(sig))))
        return;
    sigpending_flush(&p->pending, SIGMASK(sig));
    list_for_each(t, &p->threads, proc_link) sigpending_flush(&t->pending, SIGMASK(sig));
}

long sys_rt_sigaction(const u64 *a)
{
    struct task *t = current();
    struct ksigaction *slot, old, new;
    u64 sig = a[0];

    if (a[3] != sizeof(ksigset_t) || sig < 1 || sig > SIG_MAX) return -EINVAL;
    if (a[1]) {
        if (SIGS_HARD & SIGMASK(sig)) return -EINVAL;
        if (copy_from_user(&new, a[1], sizeof new) < 0) return -EFAULT;
        new.mask &= ~SIGS_HARD;
        new.flags = (u32)new.flags;
    }
    slot = &t->sighand->action[sig - 1];
    spin_lock(&t->sighand->lock);
    old = *slot;
    if (a[1]) {
        *slot = new;
        drop_ignored(t->proc, (int)sig, slot);
    }
    spin_unlock(&t->sighand->lock);
    return a[2] ? copy_to_user(a[2], &old, sizeof old) : 0;
}

long sys_rt_sigprocmask(const u64 *a)
{
    ksigset_t old = current()->blocked, set;

    if (a[3] != sizeof set) return -EINVAL;
    if (a[1]) {
        if (copy_from_user(&set, a[1], sizeof set) < 0) return -EFAULT;
        switch ((int)a[0]) {
        case SIG_BLOCK: set |= old; break;
        case SIG_UNBLOCK: set = old & ~set; break;
        case SIG_SETMASK: break;
        default: return -EINVAL;
        }
        if (set != old) signal_set_blocked(set);
    }
    return a[2] ? copy_to_user(a[2], &old, sizeof old) : 0;
}

long sys_rt_sigpending(const u64 *a)
{
    struct task *t = current();
    ksigset_t set = (READ_ONCE(t->pending.set) | READ_ONCE(t->proc->pending.set)) & t->blocked;

    if (a[1] > sizeof set) return -EINVAL;
    return copy_to_user(a[0], &set, a[1]);
}

long sys_sigaltstack(const u64 *a)
{
    struct task *t = current();
    u64 sp = t->regs->rsp;
    bool on = !(t->altstack_flags & ALTSTACK_AUTODISARM) && sp > t->altstack_sp &&
              sp - t->altstack_sp <= t->altstack_size;
    stack_t new, old = { .ss_sp = (void *)t->altstack_sp, .ss_size = t->altstack_size };
    u32 mode;

    old.ss_flags = (int)((t->altstack_flags & ALTSTACK_AUTODISARM) |
                         (!t->altstack_size ? SS_DISABLE : on ? SS_ONSTACK : 0));
    if (a[0]) {
        if (copy_from_user(&new, a[0], sizeof new) < 0) return -EFAULT;
        if (on) return -EPERM;
        mode = (u32)new.ss_flags & ~ALTSTACK_AUTODISARM;
        if (mode != SS_DISABLE && mode != SS_ONSTACK && mode != 0) return -EINVAL;
        if (mode == SS_DISABLE) {
            new.ss_sp = NULL;
            new.ss_size = 0;
        } else if (new.ss_size < ALTSTACK_MIN) {
            return -ENOMEM;
        }
        t->altstack_sp = (u64)new.ss_sp;
        t->altstack_size = new.ss_size;
        t->altstack_flags = (u32)new.ss_flags & ALTSTACK_AUTODISARM;
    }
    return a[1] ? copy_to_user(a[1], &old, sizeof old) : 0;
}

long sys_rt_sigreturn(const u64 *a)
{
    struct regs *r = current()->regs;

    if (signal_frame_pop(r) < 0) signal_force(SIGSEGV, NULL);
    return (long)r->rax;
}

/* -- sending -- */

static bool may_signal(const struct task *t, int sig)
{
    const struct cred *me = current()->cred;
    struct cred *c;
    bool ok;

    if (t->proc == current()->proc || cred_capable(me, CAP_KILL)) return true;
    if (sig == SIGCONT && t->proc->session == current()->proc->session) return true;
    c = task_cred_get((struct task *)(uintptr_t)t);
    ok = me->euid == c->suid || me->euid == c->uid || me->uid == c->suid || me->uid == c->uid;
    cred_put(c);
    return ok;
}

static struct ksiginfo from_me(int sig, int code)
{
    return (struct ksiginfo){ .signo = sig, .code = code, .pid = pid_nr(current()->proc->pid),
                              .uid = current()->cred->uid };
}

/* procs_lock held. */
static int kill_one(struct proc *p, int sig, const struct ksiginfo *info)
{
    if (!p->leader || !may_signal(p->leader, sig)) return -EPERM;
    return sig ? signal_send_proc(p, sig, info) : 0;
}

/* pgid 0: every process of our namespace but the first and our own. procs_lock held. */
static int kill_many(int pgid, int sig, const struct ksiginfo *info)
{
    int r = -ESRCH;
    struct proc *p;

    list_for_each(p, &procs_all, all_link) {
        int one;

        if (pgid ? p->pgid != pgid : pid_nr(p->pid) <= 1 || p == current()->proc) continue;
        one = kill_one(p, sig, info);
        /* One that could be told is success; for "all", refusals don't count. */
        if (!one || r == -ESRCH) r = one;
        if (!pgid && r == -EPERM) r = 0;
    }
    return r;
}

static int kill_group(int id, int sig, const struct ksiginfo *info)
{
    return id ? kill_many(id, sig, info) : -ESRCH;
}

static long kill_pid(int pid, int sig, const struct ksiginfo *info)
{
    struct proc *p = proc_find_get(pid);
    long r;

    if (!p) return -ESRCH;
    mutex_lock(&procs_lock);
    r = p->leader ? kill_one(p, sig, info) : -ESRCH;
    mutex_unlock(&procs_lock);
    proc_put(p);
    return r;
}

long sys_kill(const u64 *a)
{
    int pid = (int)a[0], sig = (int)a[1];
    const struct ksiginfo info = from_me(sig, SI_USER);
    long r;

    if (sig < 0 || sig > SIG_MAX) return -EINVAL;
    if (pid > 0) return kill_pid(pid, sig, &info);
    if (pid == (int)0x80000000) return -ESRCH;
    mutex_lock(&procs_lock);
    if (pid == -1) r = kill_many(0, sig, &info);
    else r = kill_group(pid ? pid_id(-pid) : current()->proc->pgid, sig, &info);
    mutex_unlock(&procs_lock);
    return r;
}

static long kill_thread(int tgid, int tid, int sig, const struct ksiginfo *info)
{
    struct task *t;
    long r = 0;

    if (sig < 0 || sig > SIG_MAX || tid <= 0) return -EINVAL;
    t = task_find_get(tid);
    if (!t) return -ESRCH;
    if (tgid && t->proc->pid != pid_id(tgid)) r = -ESRCH;
    else if (!may_signal(t, sig)) r = -EPERM;
    else if (sig) r = signal_send_task(t, sig, info);
    task_put(t);
    return r;
}

long sys_tkill(const u64 *a)
{
    const struct ksiginfo info = from_me((int)a[1], SI_TKILL);

    return kill_thread(0, (int)a[0], (int)a[1], &info);
}

long sys_tgkill(const u64 *a)
{
    const struct ksiginfo info = from_me((int)a[2], SI_TKILL);

    if ((int)a[0] <= 0) return -EINVAL;
    return kill_thread((int)a[0], (int)a[1], (int)a[2], &info);
}

/* What sigqueue(3) passes; others may not be made to look as if from the kernel. */
static int get_info(uptr_t addr, int sig, bool self, struct ksiginfo *info_r)
{
    struct { int signo, err, code, pad, pid; u32 uid; u64 value; } u;

    if (copy_from_user(&u, addr, sizeof u) < 0) return -EFAULT;
    if ((u.code >= 0 || u.code == SI_TKILL) && !self) return -EPERM;
    *info_r = (struct ksiginfo){ .signo = sig, .err = u.err, .code = u.code, .pid = u.pid,
                                 .uid = u.uid, .value = u.value };
    return 0;
}

long sys_rt_sigqueueinfo(const u64 *a)
{
    int pid = (int)a[0], sig = (int)a[1], r;
    struct ksiginfo info;

    r = get_info(a[2], sig, pid_id(pid) == current()->proc->pid, &info);
    if (r < 0) return r;
    if (sig < 0 || sig > SIG_MAX) return -EINVAL;
    return kill_pid(pid, sig, &info);
}

long sys_rt_tgsigqueueinfo(const u64 *a)
{
    struct ksiginfo info;
    int r;

    if ((int)a[0] <= 0 || (int)a[1] <= 0) return -EINVAL;
    r = get_info(a[3], (int)a[2], pid_id((int)a[0]) == current()->proc->pid, &info);
    if (r < 0) return r;
    return kill_thread((int)a[0], (int)a[1], (int)a[2], &info);
}

/* -- waiting -- */

static long sleep_for_handler(void)
{
    while (!signal_pending(current()))
        if (task_sleep(WAIT_FOREVER, true) == -ERESTARTSYS) break;
    return -ERESTARTNOHAND;
}

long sys_pause(const u64 *a)
{
    return sleep_for_handler();
}

long sys_rt_sigsuspend(const u64 *a)
{
    ksigset_t set;
    int r = get_mask(a[0], a[1], &set);

    if (r < 0) return r;
    signal_set_temp_mask(set);
    return sleep_for_handler();
}

/* Waits until one of `which`, all of them blocked as a rule, is pending. */
static int wait_for(ksigset_t which, u64 deadline, struct ksiginfo *info_r)
{
    struct task *t = current();
    ksigset_t blocked = t->blocked;
    int sig, r = 0;

    /* Senders look for a thread that doesn't block the signal. */
    spin_lock(&t->sighand->lock);
    t->awaited = which;
    spin_unlock(&t->sighand->lock);
    signal_set_blocked(blocked & ~which);
    for (;;) {
        sig = signal_dequeue(t, which, info_r);
        if (sig || r < 0) break;
        r = task_sleep(deadline, true);
    }
    t->awaited = 0;
    signal_set_blocked(blocked);
    spin_lock(&t->sighand->lock);
    signal_recalc(t);
    signal_retarget(t, t->blocked);
    spin_unlock(&t->sighand->lock);
    if (sig) return sig;
    return r == -ETIMEDOUT ? -EAGAIN : -EINTR;
}

long sys_rt_sigtimedwait(const u64 *a)
{
    struct { s64 sec, nsec; } ts;
    struct ksiginfo info;
    u64 deadline = WAIT_FOREVER;
    ksigset_t which;
    int sig, r = get_mask(a[0], a[3], &which);

    if (r < 0) return r;
    which &= ~SIGS_HARD;
    if (a[2]) {
        if (copy_from_user(&ts, a[2], sizeof ts) < 0) return -EFAULT;
        if (ts.sec < 0 || ts.nsec < 0 || ts.nsec >= (s64)NSEC_PER_SEC) return -EINVAL;
        deadline = time_deadline((u64)ts.sec, (u64)ts.nsec);
    }
    sig = signal_dequeue(current(), which, &info);
    if (!sig) {
        if (a[2] && !ts.sec && !ts.nsec) return -EAGAIN;
        sig = wait_for(which, deadline, &info);
    }
    if (sig > 0 && a[1] && siginfo_to_user(a[1], &info) < 0) return -EFAULT;
    return sig;
}
