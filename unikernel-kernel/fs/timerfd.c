/* timerfd(2): a timer whose expiries are read from a descriptor. */
#include <asm/fcntl.h>
#include <asm/poll.h>
#include <linux/time.h>
#include "../core/timerset.h"
#include "time.h"
#include "vfs.h"

struct timerfd {
    struct ktimer kt;
    struct mutex set_lock;      /* one timerfd_settime at a time */
    struct spinlock lock;       /* what follows */
    struct waitq wq;
    int clock;
    u64 interval, when;         /* when: monotonic; 0: not armed */
    u64 ticks;                  /* expiries not read yet */
};

static void fired(struct ktimer *kt)
{
    struct timerfd *t = container_of(kt, struct timerfd, kt);
    u32 missed = 0;

    spin_lock(&t->lock);
    if (t->interval) {
        t->when = timer_advance(kt->when, t->interval, time_mono(), &missed);
        ktimer_set(kt, t->when);
    } else {
        t->when = 0;
    }
    t->ticks += 1ull + missed;
    spin_unlock(&t->lock);
    waitq_wake_all(&t->wq, POLLIN | POLLRDNORM);
}

static u64 take(struct timerfd *t)
{
    u64 n;

    spin_lock(&t->lock);
    n = t->ticks;
    t->ticks = 0;
    spin_unlock(&t->lock);
    return n;
}

static ssize_t timerfd_read(struct file *f, struct uio *u, loff_t *pos)
{
    struct timerfd *t = f->priv;
    u64 n;

    if (u->left < sizeof n) return -EINVAL;
    while (!(n = take(t))) {
        int r;

        if (f->flags & O_NONBLOCK) return -EAGAIN;
        r = wait_until(&t->wq, READ_ONCE(t->ticks), WAIT_FOREVER, true);
        if (r < 0) return r;
    }
    return uio_write(u, &n, sizeof n);
}

static u32 timerfd_poll(struct file *f, struct polltable *pt)
{
    struct timerfd *t = f->priv;

    poll_wait(pt, f, &t->wq);
    return READ_ONCE(t->ticks) ? POLLIN | POLLRDNORM : 0;
}

static void timerfd_release(struct file *f)
{
    struct timerfd *t = f->priv;

    ktimer_cancel(&t->kt);
    kfree(t);
}

static int timerfd_fdinfo(struct file *f, char *buf, size_t n)
{
    const struct timerfd *t = f->priv;

    return snprintf(buf, n, "clockid: %d\nticks: %llu\n", t->clock,
                    (unsigned long long)READ_ONCE(t->ticks));
}

static const struct file_ops timerfd_fops = {
    .release = timerfd_release,
    .read = timerfd_read,
    .poll = timerfd_poll,
    .show_fdinfo = timerfd_fdinfo,
};

struct file *timerfd_new(int clock, u32 flags)
{
    struct timerfd *t = kzalloc(sizeof *t);
    struct file *f;

    if (!t) return NULL;
    t->clock = clock;
    ktimer_init(&t->kt, fired);
    waitq_init(&t->wq);
    f = file_anon("anon_inode:[timerfd]", &timerfd_fops, t, FMODE_READ | FMODE_STREAM,
                  O_RDWR | (flags & O_NONBLOCK));
    if (!f) kfree(t);
    return f;
}

/* lock held. */
static void remaining(const struct timerfd *t, struct itimer *it_r)
{
    u64 now = time_mono();

    it_r->interval = t->interval;
    it_r->value = !t->when ? 0 : t->when > now ? t->when - now : 1;
}

int timerfd_set(struct file *f, bool absolute, const struct itimer *it, struct itimer *old_r)
{
    struct timerfd *t = f->priv;
    u64 when = 0;

    if (f->ops != &timerfd_fops) return -EINVAL;
    if (it->value && absolute) clock_deadline(t->clock, it->value, &when);
    else if (it->value) when = time_deadline(0, it->value);
    if (it->value && !when) when = 1;   /* long ago */

    mutex_lock(&t->set_lock);
    ktimer_cancel(&t->kt);
    spin_lock(&t->lock);
    if (old_r) remaining(t, old_r);
    t->interval = it->interval;
    t->when = when;
    t->ticks = 0;
    if (when) ktimer_set(&t->kt, when);
    spin_unlock(&t->lock);
    mutex_unlock(&t->set_lock);
    return 0;
}

int timerfd_get(struct file *f, struct itimer *it_r)
{
    struct timerfd *t = f->priv;

    if (f->ops != &timerfd_fops) return -EINVAL;
    spin_lock(&t->lock);
    remaining(t, it_r);
    spin_unlock(&t->lock);
    return 0;
}
