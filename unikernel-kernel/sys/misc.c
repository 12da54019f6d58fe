/* Names of the container, pidfds, and calls that fit nowhere else. */
#include <linux/capability.h>
#include <linux/fcntl.h>
#include <linux/reboot.h>
#include <linux/sched.h>
#include <linux/signal.h>
#include <linux/utsname.h>
#include "proc.h"
#include "sys.h"
#include "user.h"
#include "vfs.h"

/* -- names -- */

long sys_uname(const u64 *a)
{
    struct new_utsname u;

    memset(&u, 0, sizeof u);
    strlcpy(u.sysname, UTS_SYSNAME, sizeof u.sysname);
    strlcpy(u.release, UTS_RELEASE, sizeof u.release);
    strlcpy(u.version, UTS_VERSION, sizeof u.version);
    strlcpy(u.machine, UTS_MACHINE, sizeof u.machine);
    spin_lock(&uts.lock);
    strlcpy(u.nodename, uts.nodename, sizeof u.nodename);
    strlcpy(u.domainname, uts.domainname, sizeof u.domainname);
    spin_unlock(&uts.lock);
    return copy_to_user(a[0], &u, sizeof u);
}

static long set_uts(char *field, uptr_t src, int len)
{
    char name[65] = { 0 };

    if (!capable(CAP_SYS_ADMIN)) return -EPERM;
    if (len < 0 || len > 64) return -EINVAL;
    if (copy_from_user(name, src, (size_t)len) < 0) return -EFAULT;
    spin_lock(&uts.lock);
    memcpy(field, name, sizeof name);
    spin_unlock(&uts.lock);
    return 0;
}

long sys_sethostname(const u64 *a) { return set_uts(uts.nodename, a[0], (int)a[1]); }
long sys_setdomainname(const u64 *a) { return set_uts(uts.domainname, a[0], (int)a[1]); }

/* -- robust futexes: where the list is; core/futex.c walks it -- */

enum { ROBUST_HEAD_SIZE = 24 };

long sys_set_robust_list(const u64 *a)
{
    if (a[1] != ROBUST_HEAD_SIZE) return -EINVAL;
    current()->robust_list = a[0];
    return 0;
}

long sys_get_robust_list(const u64 *a)
{
    struct task *t = task_find_get((int)a[0] ? (int)a[0] : current()->tid);
    uptr_t list;

    if (!t) return -ESRCH;
    list = t->robust_list;
    if (t != current() && !capable(CAP_SYS_PTRACE)) {
        task_put(t);
        return -EPERM;
    }
    task_put(t);
    if (put_user((u64)ROBUST_HEAD_SIZE, a[2]) < 0) return -EFAULT;
    return put_user(list, a[1]);
}

/* -- pidfds -- */

long sys_pidfd_open(const u64 *a)
{
    int pid = (int)a[0], fd;
    struct proc *p;
    struct file *f;

    if ((a[1] & ~(u64)O_NONBLOCK) || pid <= 0) return -EINVAL;
    p = proc_find_get(pid);
    if (!p) return -ESRCH;
    fd = p->pid == pid ? pidfd_new(p, (u32)a[1], &f) : -EINVAL;    /* leaders only */
    proc_put(p);
    if (fd < 0) return fd;
    fd = fd_install(f, 0, true);
    if (fd < 0) file_put(f);
    return fd;
}

/* kill(2)'s rule. */
static bool may_signal(struct proc *p, int sig)
{
    const struct cred *me = current()->cred;
    struct cred *c;
    bool ok;

    if (p == current()->proc || capable(CAP_KILL)) return true;
    if (sig == SIGCONT && p->session == current()->proc->session) return true;
    c = task_cred_get(p->leader);
    ok = me->euid == c->suid || me->euid == c->uid || me->uid == c->suid || me->uid == c->uid;
    cred_put(c);
    return ok;
}

/* siginfo_t's first words, for a caller who brings his own. */
static int read_siginfo(struct ksiginfo *k, uptr_t p, int sig)
{
    struct { int signo, err, code, pad, pid; u32 uid; u64 value; } si;

    if (copy_from_user(&si, p, sizeof si) < 0) return -EFAULT;
    if (si.signo != sig) return -EINVAL;
    *k = (struct ksiginfo){ .signo = sig, .err = si.err, .code = si.code, .pid = si.pid,
                            .uid = si.uid, .value = si.value };
    return 0;
}

long sys_pidfd_send_signal(const u64 *a)
{
    struct ksiginfo k = { .signo = (int)a[1], .code = SI_USER, .pid = current()->proc->pid,
                          .uid = current()->cred->uid };
    int sig = (int)a[1];
    struct proc *p;
    struct file *f;
    long r = 0;

    if (a[3] || sig < 0 || sig > 64) return -EINVAL;
    f = fd_get((int)a[0]);
    if (!f) return -EBADF;
    p = pidfd_proc(f);
    if (!p) r = -EBADF;
    if (!r && a[2]) r = read_siginfo(&k, a[2], sig);
    if (!r) {
        mutex_lock(&procs_lock);
        if (!p->session) r = -ESRCH;            /* waited for */
        else if (!may_signal(p, sig)) r = -EPERM;
        else if (a[2] && p != current()->proc && (k.code >= 0 || k.code == SI_TKILL)) r = -EPERM;
        else if (sig) r = signal_send_proc(p, sig, &k);
        mutex_unlock(&procs_lock);
    }
    file_put(f);
    return r;
}

/* -- namespaces: a domain is one of each kind -- */

long sys_unshare(const u64 *a)
{
    struct task *t = current();
    struct fdtable *files;
    struct fsctx *fs;

    if (a[0] & ~(u64)(CLONE_FS | CLONE_FILES | CLONE_SYSVSEM)) {
        printk(7, "%s: unshare(%#lx): there are no namespaces inside a domain", t->comm,
               (unsigned long)a[0]);
        return -EPERM;
    }
    if ((a[0] & CLONE_FILES) && t->files->ref.n > 1) {
        files = fdtable_copy(t->files);
        if (!files) return -ENOMEM;
        fdtable_put(t->files);
        t->files = files;
    }
    if ((a[0] & CLONE_FS) && t->fs->ref.n > 1) {
        fs = fsctx_copy(t->fs);
        if (!fs) return -ENOMEM;
        fsctx_put(t->fs);
        t->fs = fs;
    }
    return 0;
}

/* -- the machine -- */

/* As in a pid namespace: the first process dies of SIGHUP (restart) or SIGINT (halt). */
long sys_reboot(const u64 *a)
{
    int code;

    if (!capable(CAP_SYS_BOOT)) return -EPERM;
    if ((u32)a[0] != LINUX_REBOOT_MAGIC1) return -EINVAL;
    switch ((u32)a[2]) {
    case LINUX_REBOOT_CMD_RESTART: case LINUX_REBOOT_CMD_RESTART2: code = SIGHUP; break;
    case LINUX_REBOOT_CMD_HALT: case LINUX_REBOOT_CMD_POWER_OFF: code = SIGINT; break;
    default: return -EINVAL;
    }
    mutex_lock(&procs_lock);
    proc_kill(init_proc, code);
    mutex_unlock(&procs_lock);
    task_exit(code);
}

/* The kernel's messages go to the container's log, outside; in here the log is empty. */
long sys_syslog(const u64 *a)
{
    int type = (int)a[0];

    if (type < 0 || type > 10) return -EINVAL;
    if (type != 3 && type != 10 && !capable(CAP_SYSLOG) && !capable(CAP_SYS_ADMIN)) return -EPERM;
    return 0;
}
