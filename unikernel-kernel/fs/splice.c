/* splice, tee: moving bytes between pipes and other files without a stop in the
 * program's memory. Pages are copied, not passed on. */
#include <asm/fcntl.h>
#include "pipe.h"

/* Takes from p what out accepts at once. The pipe stays locked, so that its order holds. */
static ssize_t drain(struct pipe *p, struct file *out, loff_t *pos, size_t n)
{
    ssize_t total = 0;

    while (n && !pipe_empty(p)) {
        struct pipe_slot *s = pipe_slot(p, p->tail);
        size_t k = min((size_t)s->len, n);
        struct iov v;
        struct uio u;
        uio_init_kernel(&u, &v, s->page + s->off, k);
        ssize_t r = vfs_write(out, &u, pos);
        if (r < 0)
            return total ? total : r;
        s->off += (u16)r;
        s->len -= (u16)r;
        total += r;
        n -= (size_t)r;
        if (!s->len)
            pipe_pop(p);
        if ((size_t)r < k)
            break;
    }
    return total;
}

ssize_t splice_from_pipe(struct file *in, struct file *out, loff_t *pos, size_t n, bool nonblock)
{
    struct pipe *p = in->priv;

    if (!(in->mode & FMODE_READ))
        return -EBADF;
    for (;;) {
        mutex_lock(&p->lock);
        bool ended = !p->writers;
        ssize_t r = drain(p, out, pos, n);
        mutex_unlock(&p->lock);
        if (r > 0)
            pipe_wake_writers(p);
        if (r || ended || !n)
            return r;
        int w = pipe_wait_data(p, nonblock || (in->flags & O_NONBLOCK));
        if (w)
            return w;
    }
}

/* One page from the file behind what the pipe has. */
static ssize_t fill_one(struct file *in, loff_t *pos, struct pipe *p, size_t n, u8 *page)
{
    struct iov v;
    struct uio u;

    uio_init_kernel(&u, &v, page, min(n, PAGE_SIZE));
    ssize_t r = vfs_read(in, &u, pos);
    if (r <= 0)
        return r;
    for (;;) {
        mutex_lock(&p->lock);
        bool broken = !p->readers, put = !broken && !pipe_full(p);
        if (put) {
            *pipe_slot(p, p->head) = (struct pipe_slot){ .page = page, .len = (u16)r };
            pipe_push(p);
        }
        mutex_unlock(&p->lock);
        if (put)
            return r;
        int w = broken ? pipe_broken() : pipe_wait_room(p, false);
        if (w)
            return w;
    }
}

ssize_t splice_to_pipe(struct file *in, loff_t *pos, struct file *out, size_t n, bool nonblock)
{
    struct pipe *p = out->priv;
    ssize_t total = 0, r = 0;

    if (!(out->mode & FMODE_WRITE))
        return -EBADF;
    while ((size_t)total < n) {
        if (!READ_ONCE(p->readers)) {
            r = pipe_broken();
            break;
        }
        /* what was moved is an answer; only the first byte is waited for */
        r = pipe_wait_room(p, total || nonblock || (out->flags & O_NONBLOCK));
        if (r)
            break;
        u8 *page = kpages_raw(1);
        r = page ? fill_one(in, pos, p, n - (size_t)total, page) : -ENOMEM;
        if (r <= 0) {
            kpages_free(page, 1);
            break;
        }
        total += r;
        pipe_wake_readers(p);
        if (r < (ssize_t)PAGE_SIZE)
            break;
    }
    return total ? total : r;
}

static void lock_two(struct pipe *a, struct pipe *b)
{
    mutex_lock(a < b ? &a->lock : &b->lock);
    mutex_lock(a < b ? &b->lock : &a->lock);
}

/* Both locked: copies slots of `in` to `out`; keep: they stay in `in`. */
static ssize_t copy_slots(struct pipe *in, struct pipe *out, size_t n, bool keep)
{
    ssize_t total = 0;

    for (u32 i = in->tail; n && i != in->head && !pipe_full(out);) {
        struct pipe_slot *s = pipe_slot(in, i), *d = pipe_fresh_slot(out);
        if (!d)
            return total ? total : -ENOMEM;
        u16 k = (u16)min((size_t)s->len, n);
        memcpy(d->page, s->page + s->off, k);
        d->len = k;
        d->packet = s->packet;
        pipe_push(out);
        total += k;
        n -= k;
        if (keep) {
            i++;
            continue;
        }
        s->off += k;
        s->len -= k;
        if (s->len)
            break;
        pipe_pop(in);
        i = in->tail;
    }
    return total;
}

ssize_t splice_pipes(struct file *inf, struct file *outf, size_t n, bool nonblock, bool keep)
{
    struct pipe *in = inf->priv, *out = outf->priv;

    if (!(inf->mode & FMODE_READ) || !(outf->mode & FMODE_WRITE))
        return -EBADF;
    if (in == out)
        return -EINVAL;
    for (;;) {
        lock_two(in, out);
        bool ended = !in->writers, broken = !out->readers;
        ssize_t r = broken ? 0 : copy_slots(in, out, n, keep);
        mutex_unlock(&in->lock);
        mutex_unlock(&out->lock);
        if (broken)
            return pipe_broken();
        if (r > 0) {
            pipe_wake_readers(out);
            if (!keep)
                pipe_wake_writers(in);
        }
        if (r || !n || (ended && pipe_empty(in)))
            return r;
        int w = pipe_wait_data(in, nonblock || (inf->flags & O_NONBLOCK));
        if (!w)
            w = pipe_wait_room(out, nonblock || (outf->flags & O_NONBLOCK));
        if (w)
            return w;
    }
}
