/* Pipes: a ring of pages. Small writes are put behind one another in a page, so a pipe
 * in steady use touches one or two; at most PIPE_BUF (a page) always fits into one slot
 * and is therefore written whole or not at all.
 *
 * A reader or writer holds the lock while it copies; sleepers wait exclusively, and who
 * leaves data (or room) behind passes the wake on. */
#include <asm/fcntl.h>
#include <asm/ioctls.h>
#include <asm/poll.h>
#include <asm/signal.h>
#include <linux/capability.h>
#include <linux/fcntl.h>
#include <linux/stat.h>
#include "pipe.h"
#include "task.h"

struct pipe *pipe_new(void)
{
    struct pipe *p = kzalloc(sizeof *p);

    if (!p)
        return NULL;
    p->nslots = PIPE_SLOTS;
    p->slot = kzalloc(PIPE_SLOTS * sizeof *p->slot);
    if (!p->slot) {
        kfree(p);
        return NULL;
    }
    waitq_init(&p->rd_wq);
    waitq_init(&p->wr_wq);
    return p;
}

void pipe_free(struct pipe *p)
{
    for (; p->tail != p->head; p->tail++)
        kpages_free(pipe_slot(p, p->tail)->page, 1);
    kpages_free(p->spare, 1);
    kfree(p->slot);
    kfree(p);
}

struct pipe_slot *pipe_fresh_slot(struct pipe *p)
{
    u8 *page = p->spare ? p->spare : kpages_raw(1);

    if (!page)
        return NULL;
    p->spare = NULL;
    struct pipe_slot *s = pipe_slot(p, p->head);
    *s = (struct pipe_slot){ .page = page };
    return s;
}

static void put_page(struct pipe *p, u8 *page)
{
    if (p->spare)
        kpages_free(page, 1);
    else
        p->spare = page;
}

void pipe_pop(struct pipe *p)
{
    put_page(p, pipe_slot(p, p->tail)->page);
    WRITE_ONCE(p->tail, p->tail + 1);
}

void pipe_wake_readers(struct pipe *p)
{
    waitq_wake(&p->rd_wq, POLLIN | POLLRDNORM);
}

void pipe_wake_writers(struct pipe *p)
{
    waitq_wake(&p->wr_wq, POLLOUT | POLLWRNORM);
}

static bool data_or_end(const struct pipe *p)
{
    return !pipe_empty(p) || !READ_ONCE(p->writers);
}

static bool room_or_end(const struct pipe *p)
{
    return !pipe_full(p) || !READ_ONCE(p->readers);
}

static int wait_for(struct pipe *p, struct waitq *q, bool (*ready)(const struct pipe *),
                    bool nonblock)
{
    struct waiter w;
    int r = 0;

    if (ready(p))
        return 0;
    if (nonblock)
        return -EAGAIN;
    waiter_init(&w);
    w.exclusive = true;
    waitq_add(q, &w);
    while (!ready(p) && !r)
        r = task_sleep(WAIT_FOREVER, true);
    waitq_remove(q, &w);
    /* A wake that was for this task alone must not be lost with it. */
    if (r && ready(p))
        waitq_wake(q, 0);
    return r;
}

int pipe_wait_data(struct pipe *p, bool nonblock)
{
    return wait_for(p, &p->rd_wq, data_or_end, nonblock);
}

int pipe_wait_room(struct pipe *p, bool nonblock)
{
    return wait_for(p, &p->wr_wq, room_or_end, nonblock);
}

int pipe_broken(void)
{
    signal_send_self(SIGPIPE);
    return -EPIPE;
}

/* Copies out what is there; lock held. Bytes, or -EFAULT when none could be copied. */
static ssize_t take(struct pipe *p, struct uio *u)
{
    ssize_t total = 0;

    while (u->left && !pipe_empty(p)) {
        struct pipe_slot *s = pipe_slot(p, p->tail);
        size_t n = min((size_t)s->len, u->left);
        ssize_t r = uio_write(u, s->page + s->off, n);
        if (r < 0)
            return total ? total : r;
        bool packet = s->packet;
        s->off += (u16)r;
        s->len -= (u16)r;
        total += r;
        if ((size_t)r < n)
            break;
        if (packet || !s->len)
            pipe_pop(p);
        if (packet)
            break;
    }
    return total;
}

static ssize_t pipe_read(struct file *f, struct uio *u, loff_t *pos)
{
    struct pipe *p = f->priv;
    bool slept = false;         /* took a wake that another reader may need */
    ssize_t done;

    if (!u->left)
        return 0;
    for (;;) {
        mutex_lock(&p->lock);
        bool was_full = pipe_full(p), ended = !p->writers;
        done = take(p, u);
        bool more = !pipe_empty(p), room = was_full && !pipe_full(p);
        mutex_unlock(&p->lock);
        if (room)
            pipe_wake_writers(p);
        if (done) {
            if (more && slept)
                pipe_wake_readers(p);
            return done;
        }
        if (ended)
            return 0;
        int r = pipe_wait_data(p, f->flags & O_NONBLOCK);
        if (r)
            return r;
        slept = true;
    }
}

/* Puts bytes behind the last slot's, if all of the odd part fits there. */
static ssize_t append(struct pipe *p, struct uio *u)
{
    size_t n = u->left & (PAGE_SIZE - 1);

    if (!n || pipe_empty(p))
        return 0;
    struct pipe_slot *s = pipe_slot(p, p->head - 1);
    if (s->packet || s->off + s->len + n > PAGE_SIZE)
        return 0;
    ssize_t r = uio_read(u, s->page + s->off + s->len, n);
    if (r > 0)
        s->len += (u16)r;
    return r;
}

/* Fills free slots; lock held. Bytes, or an error when there were none. */
static ssize_t give(struct pipe *p, struct uio *u, bool packet)
{
    ssize_t total = packet ? 0 : append(p, u);

    if (total < 0)
        return total;
    while (u->left && !pipe_full(p)) {
        struct pipe_slot *s = pipe_fresh_slot(p);
        if (!s)
            return total ? total : -ENOMEM;
        size_t n = min(u->left, PAGE_SIZE);
        ssize_t r = uio_read(u, s->page, n);
        if (r <= 0) {
            p->spare = s->page;
            return total ? total : r;
        }
        s->len = (u16)r;
        s->packet = packet;
        pipe_push(p);
        total += r;
        if ((size_t)r < n)
            break;
    }
    return total;
}

static ssize_t pipe_write(struct file *f, struct uio *u, loff_t *pos)
{
    struct pipe *p = f->priv;
    ssize_t total = 0, r = 0;

    if (!u->left)
        return 0;
    for (;;) {
        mutex_lock(&p->lock);
        bool broken = !p->readers;
        if (!broken)
            r = give(p, u, f->flags & O_DIRECT);
        bool room = !pipe_full(p);
        mutex_unlock(&p->lock);
        if (broken) {
            r = pipe_broken();
            break;
        }
        if (r > 0) {
            total += r;
            pipe_wake_readers(p);
        }
        if (r < 0 || !u->left || (r == 0 && room)) {
            if (room)
                pipe_wake_writers(p);
            break;
        }
        if (r > 0 && room)
            break;                      /* a fault on the way: what was written counts */
        r = pipe_wait_room(p, f->flags & O_NONBLOCK);
        if (r)
            break;
    }
    return total ? total : r;
}

static u32 pipe_poll(struct file *f, struct polltable *pt)
{
    struct pipe *p = f->priv;
    u32 mask = 0;

    if (f->mode & FMODE_READ) {
        poll_wait(pt, f, &p->rd_wq);
        if (!pipe_empty(p))
            mask |= POLLIN | POLLRDNORM;
        /* f->pos: w_opened when this end was opened; a FIFO that never had a writer
         * is not hung up. */
        if (!READ_ONCE(p->writers) && (loff_t)READ_ONCE(p->w_opened) != f->pos)
            mask |= POLLHUP;
    }
    if (f->mode & FMODE_WRITE) {
        poll_wait(pt, f, &p->wr_wq);
        if (!pipe_full(p))
            mask |= POLLOUT | POLLWRNORM;
        if (!READ_ONCE(p->readers))
            mask |= POLLERR;
    }
    return mask;
}

static long pipe_ioctl(struct file *f, u32 cmd, u64 arg)
{
    struct pipe *p = f->priv;
    int n = 0;

    if (cmd != FIONREAD)
        return -ENOTTY;
    mutex_lock(&p->lock);
    for (u32 i = p->tail; i != p->head; i++)
        n += pipe_slot(p, i)->len;
    mutex_unlock(&p->lock);
    return put_user(n, arg);
}

static long resize(struct pipe *p, u64 bytes)
{
    u32 slots = 1;

    if (bytes > 1u << 30)
        return -EINVAL;
    while ((u64)slots * PAGE_SIZE < bytes)
        slots *= 2;
    if (slots > p->nslots && slots > PIPE_MAX_SLOTS && !capable(CAP_SYS_RESOURCE))
        return -EPERM;
    struct pipe_slot *s = kzalloc(slots * sizeof *s), *old;
    if (!s)
        return -ENOMEM;
    mutex_lock(&p->lock);
    u32 used = p->head - p->tail;
    if (used > slots) {
        mutex_unlock(&p->lock);
        kfree(s);
        return -EBUSY;
    }
    for (u32 i = 0; i < used; i++)
        s[i] = *pipe_slot(p, p->tail + i);
    old = p->slot;
    p->slot = s;
    p->nslots = slots;
    p->tail = 0;
    p->head = used;
    mutex_unlock(&p->lock);
    kfree(old);
    pipe_wake_writers(p);
    return (long)(slots * PAGE_SIZE);
}

bool file_is_pipe(const struct file *f)
{
    return f->ops == &pipe_fops;
}

long pipe_fcntl(struct file *f, u32 cmd, u64 arg)
{
    struct pipe *p = file_pipe(f);

    if (!p)
        return -EBADF;
    if (cmd == F_GETPIPE_SZ)
        return (long)(READ_ONCE(p->nslots) * PAGE_SIZE);
    return cmd == F_SETPIPE_SZ ? resize(p, (u32)arg) : -EINVAL;
}

static void pipe_release(struct file *f)
{
    struct pipe *p = f->priv;

    mutex_lock(&p->lock);
    if (f->mode & FMODE_READ)
        WRITE_ONCE(p->readers, p->readers - 1);
    if (f->mode & FMODE_WRITE)
        WRITE_ONCE(p->writers, p->writers - 1);
    mutex_unlock(&p->lock);
    waitq_wake_all(&p->rd_wq, POLLHUP | POLLIN | POLLRDNORM);
    waitq_wake_all(&p->wr_wq, POLLERR | POLLOUT | POLLWRNORM);
    pipe_unref(f->inode, p);
}

const struct file_ops pipe_fops = {
    .release = pipe_release,
    .read = pipe_read,
    .write = pipe_write,
    .poll = pipe_poll,
    .ioctl = pipe_ioctl,
};
