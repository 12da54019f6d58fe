/* eventfd(2): a counter; reading takes it (or 1), writing adds, neither past its ends. */
#include <asm/fcntl.h>
#include <asm/poll.h>
#include "kpoll.h"

#define COUNT_MAX (~0ull - 1)

struct eventfd {
    struct spinlock lock;
    u64 count;
    bool semaphore;
    struct waitq wq;
};

/* Tries once; 0 when it would block. */
static u64 take(struct eventfd *e)
{
    spin_lock(&e->lock);
    u64 v = e->semaphore ? e->count != 0 : e->count;
    e->count -= v;
    spin_unlock(&e->lock);
    return v;
}

static bool add(struct eventfd *e, u64 v)
{
    spin_lock(&e->lock);
    bool fits = v <= COUNT_MAX - e->count;
    if (fits)
        e->count += v;
    spin_unlock(&e->lock);
    return fits;
}

static ssize_t eventfd_read(struct file *f, struct uio *u, loff_t *pos)
{
    struct eventfd *e = f->priv;
    u64 v;

    if (u->left < sizeof v)
        return -EINVAL;
    while (!(v = take(e))) {
        if (f->flags & O_NONBLOCK)
            return -EAGAIN;
        int r = wait_until(&e->wq, READ_ONCE(e->count), WAIT_FOREVER, true);
        if (r)
            return r;
    }
    waitq_wake_all(&e->wq, POLLOUT | POLLWRNORM);
    return uio_write(u, &v, sizeof v);
}

static ssize_t eventfd_write(struct file *f, struct uio *u, loff_t *pos)
{
    struct eventfd *e = f->priv;
    u64 v;

    if (u->left < sizeof v)
        return -EINVAL;
    if (uio_read(u, &v, sizeof v) != sizeof v)
        return -EFAULT;
    if (v > COUNT_MAX)
        return -EINVAL;
    while (!add(e, v)) {
        if (f->flags & O_NONBLOCK)
            return -EAGAIN;
        int r = wait_until(&e->wq, v <= COUNT_MAX - READ_ONCE(e->count), WAIT_FOREVER, true);
        if (r)
            return r;
    }
    waitq_wake_all(&e->wq, POLLIN | POLLRDNORM);
    return sizeof v;
}

static u32 eventfd_poll(struct file *f, struct polltable *pt)
{
    struct eventfd *e = f->priv;

    poll_wait(pt, f, &e->wq);
    u64 n = READ_ONCE(e->count);
    return (n ? POLLIN | POLLRDNORM : 0) | (n < COUNT_MAX ? POLLOUT | POLLWRNORM : 0);
}

static int eventfd_fdinfo(struct file *f, char *buf, size_t n)
{
    const struct eventfd *e = f->priv;

    return snprintf(buf, n, "eventfd-count: %16llx\n", (unsigned long long)READ_ONCE(e->count));
}

static void eventfd_release(struct file *f)
{
    kfree(f->priv);
}

static const struct file_ops eventfd_fops = {
    .release = eventfd_release,
    .read = eventfd_read,
    .write = eventfd_write,
    .poll = eventfd_poll,
    .show_fdinfo = eventfd_fdinfo,
};

struct file *eventfd_new(u32 initial, u32 flags)
{
    struct eventfd *e = kzalloc(sizeof *e);

    if (!e)
        return NULL;
    e->count = initial;
    e->semaphore = flags & EFD_SEMAPHORE;
    waitq_init(&e->wq);
    struct file *f = file_anon("anon_inode:[eventfd]", &eventfd_fops, e,
                               FMODE_READ | FMODE_WRITE | FMODE_STREAM,
                               O_RDWR | (flags & O_NONBLOCK));
    if (!f)
        kfree(e);
    return f;
}
