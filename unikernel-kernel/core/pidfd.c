/* Descriptors of processes (pidfd_open(2)). */
#include <linux/fcntl.h>
#include <linux/poll.h>
#include "proc.h"
#include "vfs.h"

static void pidfd_release(struct file *f)
{
    proc_put(f->priv);
}

static u32 pidfd_poll(struct file *f, struct polltable *pt)
{
    struct proc *p = f->priv;

    poll_wait(pt, f, &p->exit_wq);
    return READ_ONCE(p->zombie) ? POLLIN | POLLRDNORM : 0;
}

static int pidfd_show(struct file *f, char *buf, size_t n)
{
    struct proc *p = f->priv;

    /* a process that was waited for has no number any more */
    return snprintf(buf, n, "Pid:\t%d\nNSpid:\t%d\n", p->session ? p->pid : -1,
                    p->session ? p->pid : -1);
}

static const struct file_ops pidfd_fops = {
    .release = pidfd_release, .poll = pidfd_poll, .show_fdinfo = pidfd_show,
};

int pidfd_new(struct proc *p, u32 flags, struct file **file_r)
{
    struct file *f = file_anon("anon_inode:[pidfd]", &pidfd_fops, p,
                               FMODE_READ | FMODE_WRITE | FMODE_STREAM,
                               O_RDWR | (flags & O_NONBLOCK));

    if (!f) return -ENOMEM;
    ref_get(&p->ref);
    *file_r = f;
    return 0;
}

struct proc *pidfd_proc(const struct file *f)
{
    return f->ops == &pidfd_fops ? f->priv : NULL;
}
