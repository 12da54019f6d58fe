/* Terminals as files: reading with VMIN and VTIME, writing, polling, job control,
 * hangup. The line discipline is in tty_ldisc.c. */
#include <asm/fcntl.h>
#include <asm/poll.h>
#include <asm/signal.h>
#include <linux/capability.h>
#include "task.h"
#include "ttyint.h"

#define CHUNK 256               /* bytes moved between user memory and the terminal at once */
#define WRITE_ROOM 8            /* a character may become as many */

void tty_init(struct tty *t, const struct tty_driver *drv, u64 rdev)
{
    ref_init(&t->ref);
    t->drv = drv;
    t->rdev = rdev;
    ldisc_init(t);
    waitq_init(&t->rd_wq);
    waitq_init(&t->wr_wq);
}

void tty_put(struct tty *t)
{
    if (!ref_put(&t->ref))
        return;
    kpages_free(t->buf, 1);
    t->drv->free(t);
}

struct tty *file_tty(const struct file *f)
{
    return f->ops == &tty_fops ? f->priv : NULL;
}

int tty_open_file(struct tty *t, struct file *f, bool may_control)
{
    int r = 0;

    spin_lock(&t->lock);
    if (t->hung_up)
        r = -EIO;
    else if (t->exclusive && !capable(CAP_SYS_ADMIN))
        r = -EBUSY;
    else if (t->opens++ == 0 && t->drv->opened)
        t->drv->opened(t);
    spin_unlock(&t->lock);
    if (r) {
        tty_put(t);
        return r;
    }
    f->priv = t;
    f->ops = &tty_fops;
    f->mode |= FMODE_STREAM;
    if (may_control && !(f->flags & O_NOCTTY) && (f->mode & FMODE_READ))
        session_take_tty(t, false);     /* no is fine */
    return 0;
}

static void tty_release(struct file *f)
{
    struct tty *t = f->priv;

    spin_lock(&t->lock);
    bool last = --t->opens == 0;
    if (last)
        t->exclusive = false;
    if (last && t->drv->last_close)
        t->drv->last_close(t);
    spin_unlock(&t->lock);
    tty_put(t);
}

/* -- input -- */

size_t tty_receive(struct tty *t, const u8 *buf, size_t n)
{
    u64 signals = 0;

    spin_lock(&t->lock);
    size_t done = t->hung_up ? n : ldisc_receive(t, buf, n, &signals);
    t->throttled = done < n;
    bool ready = ldisc_input_ready(t, false);
    spin_unlock(&t->lock);
    if (ready)
        waitq_wake(&t->rd_wq, POLLIN | POLLRDNORM);
    for (int sig = 1; signals >> (sig - 1); sig++)
        if (signals & SIGMASK(sig))
            tty_signal(t, sig);
    return done;
}

/* Takes what is there for a read of n bytes; tells the driver about room. */
static size_t take(struct tty *t, u8 *buf, size_t n, bool *more)
{
    spin_lock(&t->lock);
    size_t k = ldisc_take(t, buf, n, more);
    bool resume = t->throttled && ldisc_room(t);
    if (resume)
        t->throttled = false;
    spin_unlock(&t->lock);
    if (resume && t->drv->resume)
        t->drv->resume(t);
    return k;
}

/* How long a read that has `got` bytes may wait for the next: a deadline, 0: it is done
 * (POSIX.1 11.1.7). began: when the read did. */
static u64 next_byte_deadline(const struct tty *t, size_t got, u64 began)
{
    u64 tenths = t->termios.c_cc[VTIME] * 100000000ull;
    size_t least = t->termios.c_cc[VMIN];

    if (t->termios.c_lflag & ICANON)
        return got ? 0 : WAIT_FOREVER;
    if (!least)
        return got || !tenths ? 0 : began + tenths;
    if (got >= least)
        return 0;
    return tenths && got ? time_mono() + tenths : WAIT_FOREVER;
}

static int wait_input(struct tty *t, u64 deadline)
{
    return wait_until(&t->rd_wq, ldisc_input_ready(t, false) || READ_ONCE(t->hung_up),
                      deadline, true);
}

static ssize_t tty_read(struct file *f, struct uio *u, loff_t *pos)
{
    struct tty *t = f->priv;
    u64 began = time_mono();
    ssize_t total = 0;
    u8 tmp[CHUNK];
    bool more = true;
    int r = tty_check_job(t, SIGTTIN);

    if (r || !u->left)
        return r;
    while (more && u->left) {
        size_t want = min(u->left, sizeof tmp);
        size_t k = take(t, tmp, want, &more);
        ssize_t w = k ? uio_write(u, tmp, k) : 0;
        if (w < 0)
            return total ? total : w;
        total += w;
        if (k == want || !more)
            continue;
        u64 deadline = next_byte_deadline(t, (size_t)total, began);
        if (!deadline || t->hung_up)
            break;
        if (f->flags & O_NONBLOCK)
            return total ? total : -EAGAIN;
        r = wait_input(t, deadline);
        if (r == -ETIMEDOUT)
            break;
        if (r)
            return total ? total : r;
    }
    return total;
}

/* -- output -- */

static bool can_write(struct tty *t)
{
    return READ_ONCE(t->hung_up) || (!READ_ONCE(t->stopped) && t->drv->room(t) >= WRITE_ROOM);
}

static int wait_room(struct tty *t)
{
    struct waitq *q = t->drv->out_wq(t);
    struct waiter own, driver;
    int r = 0;

    waiter_init(&own);
    waiter_init(&driver);
    waitq_add(&t->wr_wq, &own);
    if (q)
        waitq_add(q, &driver);
    while (!can_write(t) && !r)
        r = task_sleep(WAIT_FOREVER, true);
    if (q)
        waitq_remove(q, &driver);
    waitq_remove(&t->wr_wq, &own);
    return r;
}

/* Sends all of buf, waiting for room: bytes sent, or an error when none were. */
static ssize_t send(struct tty *t, const u8 *buf, size_t n, bool nonblock)
{
    size_t done = 0;
    int r = 0;

    while (done < n && !r) {
        spin_lock(&t->lock);
        if (t->hung_up)
            r = -EIO;
        else
            done += ldisc_output(t, buf + done, n - done);
        spin_unlock(&t->lock);
        if (done < n && !r)
            r = nonblock ? -EAGAIN : wait_room(t);
    }
    return done ? (ssize_t)done : r;
}

/* One write(2) at a time, so that lines of two processes don't mix. */
static int begin_write(struct tty *t, bool nonblock)
{
    for (;;) {
        spin_lock(&t->lock);
        bool free = !t->writing;
        t->writing = true;
        spin_unlock(&t->lock);
        if (free)
            return 0;
        if (nonblock)
            return -EAGAIN;
        int r = wait_until(&t->wr_wq, !READ_ONCE(t->writing), WAIT_FOREVER, true);
        if (r)
            return r;
    }
}

static ssize_t tty_write(struct file *f, struct uio *u, loff_t *pos)
{
    struct tty *t = f->priv;
    bool nonblock = f->flags & O_NONBLOCK;
    ssize_t total = 0;
    u8 tmp[CHUNK];
    int r = t->termios.c_lflag & TOSTOP ? tty_check_job(t, SIGTTOU) : 0;

    if (t->hung_up)
        r = -EIO;
    if (!r)
        r = begin_write(t, nonblock);
    if (r)
        return r;
    while (u->left) {
        ssize_t k = uio_read(u, tmp, min(u->left, sizeof tmp));
        ssize_t w = k > 0 ? send(t, tmp, (size_t)k, nonblock) : k;
        if (w < 0) {
            r = (int)w;
            break;
        }
        total += w;
        if (w < k || k == 0)
            break;
    }
    WRITE_ONCE(t->writing, false);
    waitq_wake(&t->wr_wq, 0);
    return total ? total : r;
}

static u32 tty_poll(struct file *f, struct polltable *pt)
{
    struct tty *t = f->priv;
    struct waitq *q = t->drv->out_wq(t);
    u32 mask = 0;

    poll_wait(pt, f, &t->rd_wq);
    poll_wait(pt, f, &t->wr_wq);
    if (q)
        poll_wait(pt, f, q);
    if (t->hung_up)
        return POLLIN | POLLOUT | POLLERR | POLLHUP | POLLRDNORM | POLLWRNORM;
    if (ldisc_input_ready(t, true))
        mask |= POLLIN | POLLRDNORM;
    if (can_write(t))
        mask |= POLLOUT | POLLWRNORM;
    return mask;
}

void tty_resize(struct tty *t, const struct winsize *w)
{
    spin_lock(&t->lock);
    bool changed = memcmp(&t->winsize, w, sizeof *w);
    t->winsize = *w;
    spin_unlock(&t->lock);
    if (changed)
        tty_signal(t, SIGWINCH);
}

void tty_signal(struct tty *t, int sig)
{
    int pgrp = READ_ONCE(t->pgrp);

    if (pgrp > 0)
        signal_send_pgrp(pgrp, sig, NULL);
}

const struct file_ops tty_fops = {
    .release = tty_release,
    .read = tty_read,
    .write = tty_write,
    .poll = tty_poll,
    .ioctl = tty_ioctl,
};
