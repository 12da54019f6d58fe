/* System calls: POSIX message queues (mq_overview(7)). */
#include <asm/signal.h>
#include <asm/siginfo.h>
#include <linux/fcntl.h>
#include "mqueue.h"
#include "sys.h"
#include "task.h"
#include "user.h"
#include "vfs.h"

long sys_mq_open(const u64 *a)
{
    u32 flags = (u32)a[1], mode = (u32)a[2] & ~current()->fs->umask;
    struct mq_attr attr;
    struct file *f;
    char *name;
    long r;

    if ((flags & O_CREAT) && a[3] && copy_from_user(&attr, a[3], sizeof attr) < 0) return -EFAULT;
    r = name_get(a[0], &name);
    if (r < 0) return r;
    r = mq_file_open(name, flags, mode, (flags & O_CREAT) && a[3] ? &attr : NULL, &f);
    name_put(name);
    if (r < 0) return r;
    r = fd_install(f, 0, flags & O_CLOEXEC);
    if (r < 0) file_put(f);
    return r;
}

long sys_mq_unlink(const u64 *a)
{
    char *name;
    long r = name_get(a[0], &name);

    if (r < 0) return r;
    r = mq_name_unlink(name);
    name_put(name);
    return r;
}

/* The queue behind a descriptor that may be used so (FMODE_*); NULL: EBADF. */
static struct file *queue_get(u64 fd, u32 mode)
{
    struct file *f = fd_get((int)fd);

    if (f && file_is_mq(f) && (f->mode & mode) == mode) return f;
    if (f) file_put(f);
    return NULL;
}

/* A time of the real clock, or none. */
static int deadline_get(uptr_t addr, u64 *deadline_r)
{
    u64 at;
    int r;

    *deadline_r = WAIT_FOREVER;
    if (!addr) return 0;
    r = timespec_from_user(addr, &at);
    return r < 0 ? r : clock_deadline(0 /* CLOCK_REALTIME */, at, deadline_r);
}

long sys_mq_timedsend(const u64 *a)
{
    struct mq_attr attr;
    struct file *f;
    void *text = NULL;
    u64 deadline;
    long r = deadline_get(a[4], &deadline);

    if (r < 0) return r;
    if (a[3] >= MQ_PRIO_LIMIT) return -EINVAL;
    f = queue_get(a[0], FMODE_WRITE);
    if (!f) return -EBADF;
    mq_attr_get(f, &attr);
    if (a[2] > (u64)attr.mq_msgsize) r = -EMSGSIZE;
    else if (!(text = kmalloc(max(a[2], 1ull)))) r = -ENOMEM;
    else r = copy_from_user(text, a[1], a[2]);
    if (!r) r = mq_send(f, text, a[2], (u32)a[3], deadline);
    else kfree(text);
    file_put(f);
    return r;
}

long sys_mq_timedreceive(const u64 *a)
{
    struct file *f;
    void *text;
    u64 deadline;
    u32 prio;
    long r = deadline_get(a[4], &deadline);

    if (r < 0) return r;
    f = queue_get(a[0], FMODE_READ);
    if (!f) return -EBADF;
    r = mq_receive(f, a[2], deadline, &prio, &text);
    file_put(f);
    if (r < 0) return r;
    if ((a[3] && put_user(prio, a[3]) < 0) || copy_to_user(a[1], text, (size_t)r) < 0) r = -EFAULT;
    kfree(text);
    return r;
}

long sys_mq_notify(const u64 *a)
{
    struct { u64 value; int signo, notify; } ev = { 0, 0, SIGEV_NONE };
    struct file *f;
    long r = 0;

    if (a[1]) {
        if (copy_from_user(&ev, a[1], sizeof ev) < 0) return -EFAULT;
        if (ev.notify != SIGEV_NONE && ev.notify != SIGEV_SIGNAL && ev.notify != SIGEV_THREAD)
            return -EINVAL;
        if (ev.notify == SIGEV_SIGNAL && (ev.signo < 0 || ev.signo > 64)) return -EINVAL;
        if (ev.notify == SIGEV_THREAD) return -EBADF;   /* signo is to be a netlink socket */
    }
    f = queue_get(a[0], 0);
    if (!f) return -EBADF;
    if (!a[1]) mq_notify_none(f);
    else r = mq_notify(f, ev.notify == SIGEV_SIGNAL ? ev.signo : 0, ev.value);
    file_put(f);
    return r;
}

long sys_mq_getsetattr(const u64 *a)
{
    struct mq_attr new, old;
    struct file *f;

    if (a[1]) {
        if (copy_from_user(&new, a[1], sizeof new) < 0) return -EFAULT;
        if (new.mq_flags & ~O_NONBLOCK) return -EINVAL;
    }
    f = queue_get(a[0], 0);
    if (!f) return -EBADF;
    mq_attr_get(f, &old);
    if (a[1]) f->flags = (f->flags & ~(u32)O_NONBLOCK) | (u32)new.mq_flags;
    file_put(f);
    return a[2] ? copy_to_user(a[2], &old, sizeof old) : 0;
}
