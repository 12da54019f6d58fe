/* Names of the container, and calls that fit nowhere else. */
#include <linux/capability.h>
#include <linux/fcntl.h>
#include <linux/reboot.h>
#include <linux/sched.h>
#include <linux/signal.h>
#include <linux/utsname.h>
#include "proc.h"
#include "rseq.h"
#include "sys.h"
#include "user.h"
#include "vfs.h"

/* -- names -- */

long sys_uname(const u64 *a)
{
    struct uts *uts = current_uts();
    struct new_utsname u;

    memset(&u, 0, sizeof u);
    strlcpy(u.sysname, UTS_SYSNAME, sizeof u.sysname);
    strlcpy(u.release, UTS_RELEASE, sizeof u.release);
    strlcpy(u.version, UTS_VERSION, sizeof u.version);
    strlcpy(u.machine, UTS_MACHINE, sizeof u.machine);
    spin_lock(&uts->lock);
    strlcpy(u.nodename, uts->nodename, sizeof u.nodename);
    strlcpy(u.domainname, uts->domainname, sizeof u.domainname);
    spin_unlock(&uts->lock);
    return copy_to_user(a[0], &u, sizeof u);
}

static long set_uts(bool domain, uptr_t src, int len)
{
    struct uts *uts = current_uts();
    char name[65] = { 0 };

    if (!capable(CAP_SYS_ADMIN)) return -EPERM;
    if (len < 0 || len > 64) return -EINVAL;
    if (copy_from_user(name, src, (size_t)len) < 0) return -EFAULT;
    spin_lock(&uts->lock);
    memcpy(domain ? uts->domainname : uts->nodename, name, sizeof name);
    spin_unlock(&uts->lock);
    return 0;
}

long sys_sethostname(const u64 *a) { return set_uts(false, a[0], (int)a[1]); }
long sys_setdomainname(const u64 *a) { return set_uts(true, a[0], (int)a[1]); }

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
    struct task *t = task_by_id((int)a[0] ? pid_id((int)a[0]) : current()->tid);
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

/* -- what tasks share -- */

#define NAMESPACES (CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | \
                    CLONE_NEWNET | CLONE_NEWCGROUP | CLONE_NEWTIME)

long sys_unshare(const u64 *a)
{
    struct task *t = current();
    struct fdtable *files;
    struct fsctx *fs;
    long r;

    if (a[0] & ~(u64)(CLONE_FS | CLONE_FILES | CLONE_SYSVSEM | CLONE_THREAD | CLONE_SIGHAND |
                      CLONE_VM | NAMESPACES))
        return -EINVAL;
    if ((a[0] & (CLONE_THREAD | CLONE_SIGHAND | CLONE_VM)) && READ_ONCE(t->proc->nthreads) > 1)
        return -EINVAL;
    if ((r = ns_check_flags(a[0])) < 0) return r;
    if ((a[0] & CLONE_FILES) && t->files->ref.n > 1) {
        files = fdtable_copy(t->files);
        if (!files) return -ENOMEM;
        fdtable_put(task_obj_swap(&t->files, files));
    }
    if ((a[0] & (CLONE_FS | CLONE_NEWNS)) && t->fs->ref.n > 1) {
        fs = fsctx_copy(t->fs);
        if (!fs) return -ENOMEM;
        fsctx_put(task_obj_swap(&t->fs, fs));
    }
    return ns_unshare(a[0]);
}

long sys_rseq(const u64 *a)
{
    return rseq_register(a[0], (u32)a[1], (u32)a[2], (u32)a[3]);
}

/* -- the machine -- */

/* The pid namespace's first process dies of SIGHUP (restart) or SIGINT (halt). */
long sys_reboot(const u64 *a)
{
    const struct pid_ns *ns;
    int code;

    if (!capable(CAP_SYS_BOOT)) return -EPERM;
    if ((u32)a[0] != LINUX_REBOOT_MAGIC1) return -EINVAL;
    switch ((u32)a[2]) {
    case LINUX_REBOOT_CMD_RESTART: case LINUX_REBOOT_CMD_RESTART2: code = SIGHUP; break;
    case LINUX_REBOOT_CMD_HALT: case LINUX_REBOOT_CMD_POWER_OFF: code = SIGINT; break;
    default: return -EINVAL;
    }
    mutex_lock(&procs_lock);
    ns = current()->proc->pidns;
    if (!ns || ns->init) proc_kill(ns ? ns->init : init_proc, code);
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
