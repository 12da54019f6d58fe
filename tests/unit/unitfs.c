/* What fs/file.c and fs/inode.c call besides: for tests that link those without the rest
 * of fs/. Weak, so that a real source wins. */
#include "unitfs.h"
struct file_lock_list;
void locks_free(struct file_lock_list *ll);

#define WEAK __attribute__((weak))

int unit_last_signal;
static const struct file_ops none;

/* The real chrdev_fops is constant data elsewhere; a test never opens a device. */
extern const struct file_ops chrdev_fops __attribute__((weak, alias("none")));

WEAK void path_put(struct path *p) {}
WEAK void file_locks_release(struct file *f) {}
WEAK void locks_free(struct file_lock_list *ll) {}
WEAK void exec_image_free(struct exec_image *x) {}
WEAK void epoll_file_gone(struct file *f) {}
WEAK struct file *fd_get(int fd) { return NULL; }

WEAK int signal_send_task(struct task *t, int sig, const struct ksiginfo *info)
{
    unit_last_signal = sig;
    return 0;
}

WEAK int signal_send_self(int sig)
{
    unit_last_signal = sig;
    return 0;
}

WEAK bool signal_pending(const struct task *t) { return false; }

WEAK int signal_send_pgrp(int pgid, int sig, const struct ksiginfo *info)
{
    unit_last_signal = sig;
    return 0;
}

WEAK int signal_send_proc(struct proc *p, int sig, const struct ksiginfo *info)
{
    unit_last_signal = sig;
    return 0;
}

ssize_t unit_read(struct file *f, void *buf, size_t n)
{
    struct iov v;
    struct uio u;
    loff_t pos = 0;

    uio_init_user(&u, &v, (uptr_t)buf, n);
    return f->ops->read(f, &u, &pos);
}

ssize_t unit_write(struct file *f, const void *buf, size_t n)
{
    struct iov v;
    struct uio u;
    loff_t pos = 0;

    uio_init_user(&u, &v, (uptr_t)buf, n);
    return f->ops->write(f, &u, &pos);
}
