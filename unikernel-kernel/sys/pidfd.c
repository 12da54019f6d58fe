/* pidfds: pidfd_open(2) and what can be done with one. */
#include <linux/capability.h>
#include <linux/fcntl.h>
#include <linux/signal.h>
#include "proc.h"
#include "sys.h"
#include "user.h"
#include "vfs.h"

long sys_pidfd_open(const u64 *a)
{
    int pid = (int)a[0], fd;
    struct proc *p;
    struct file *f;

    if ((a[1] & ~(u64)O_NONBLOCK) || pid <= 0) return -EINVAL;
    p = proc_find_get(pid);
    if (!p) return -ESRCH;
    fd = p->pid == pid_id(pid) ? pidfd_new(p, (u32)a[1], &f) : -EINVAL;    /* leaders only */
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
    struct ksiginfo k = { .signo = (int)a[1], .code = SI_USER, .pid = pid_nr(current()->proc->pid),
                          .uid = current()->cred->uid };
    int sig = (int)a[1];
    struct proc *p;
    struct file *f;
    long r = 0;

    if (a[3] || sig < 0 || sig > 64) return -EINVAL;
    f = fd_get((int)a[0]);
    if (!f) return -EBADF;
    p = pidfd_proc(f);
    if (p) ref_get(&p->ref);
    else r = procfs_folder_proc(f, &p);
    if (!r && a[2]) r = read_siginfo(&k, a[2], sig);
    if (!r) {
        mutex_lock(&procs_lock);
        if (!p->session) r = -ESRCH;            /* waited for */
        else if (!may_signal(p, sig)) r = -EPERM;
        else if (a[2] && p != current()->proc && (k.code >= 0 || k.code == SI_TKILL)) r = -EPERM;
        else if (sig) r = signal_send_proc(p, sig, &k);
        mutex_unlock(&procs_lock);
    }
    if (p) proc_put(p);
    file_put(f);
    return r;
}

/* A descriptor of p, counted; negative errno. */
static int file_of(struct proc *p, u32 fd, struct file **f_r)
{
    struct fdtable *files = NULL;
    u32 found;
    int r = 0;

    mutex_lock(&procs_lock);
    if (!p->session || p->zombie) r = -ESRCH;
    else if (!proc_inspectable(p)) r = -EPERM;
    else files = task_files_get(p->leader);
    mutex_unlock(&procs_lock);
    if (r || !files) return r ? r : -EBADF;
    *f_r = NULL;
    found = fdtable_next(files, fd, f_r);
    fdtable_put(files);
    if (*f_r && found == fd) return 0;
    if (*f_r) file_put(*f_r);
    return -EBADF;
}

long sys_pidfd_getfd(const u64 *a)
{
    struct file *f, *got;
    struct proc *p;
    int r;

    if (a[2]) return -EINVAL;
    f = fd_get((int)a[0]);
    if (!f) return -EBADF;
    p = pidfd_proc(f);
    r = p ? file_of(p, (u32)a[1], &got) : -EBADF;
    file_put(f);
    if (r < 0) return r;
    r = fd_install(got, 0, true);
    if (r < 0) file_put(got);
    return r;
}
