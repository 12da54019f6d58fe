/* signalfd(2): pending signals read from a descriptor. Which signals are seen depends on
 * who reads or polls, not on who made the descriptor. */
#include <linux/fcntl.h>
#include <asm/poll.h>
#include <linux/signalfd.h>
#include <asm/siginfo.h>
#include "task.h"
#include "vfs.h"

struct signalfd {
    ksigset_t mask;
    struct spinlock lock;
    /* Pollers stand in the queue of the process that polls: its sighand must outlive
     * this file. */
    struct sighand **held;
    u32 nheld;
};

static ksigset_t ready(const struct signalfd *s)
{
    const struct task *t = current();

    return (READ_ONCE(t->pending.set) | READ_ONCE(t->proc->pending.set)) & READ_ONCE(s->mask);
}

static int hold(struct signalfd *s, struct sighand *sh)
{
    struct sighand **more;
    int r = 0;

    spin_lock(&s->lock);
    for (u32 i = 0; i < s->nheld; i++)
        if (s->held[i] == sh) goto out;
    more = krealloc(s->held, s->nheld * sizeof *more, (s->nheld + 1) * sizeof *more);
    if (more) {
        ref_get(&sh->ref);
        more[s->nheld++] = sh;
        s->held = more;
    } else {
        r = -ENOMEM;
    }
out:
    spin_unlock(&s->lock);
    return r;
}

static u32 signalfd_poll(struct file *f, struct polltable *pt)
{
    struct signalfd *s = f->priv;
    struct sighand *sh = current()->sighand;

    if (pt && hold(s, sh) < 0) return POLLERR;
    poll_wait(pt, f, &sh->signalfd_wq);
    return ready(s) ? POLLIN | POLLRDNORM : 0;
}

static void fill(struct signalfd_siginfo *o, const struct ksiginfo *i)
{
    memset(o, 0, sizeof *o);
    o->ssi_signo = (u32)i->signo;
    o->ssi_errno = i->err;
    o->ssi_code = i->code;
    o->ssi_pid = (u32)i->pid;
    o->ssi_uid = i->uid;
    o->ssi_fd = i->fd;
    o->ssi_tid = (u32)i->timerid;
    o->ssi_band = (u32)i->band;
    o->ssi_overrun = (u32)i->overrun;
    o->ssi_status = i->status;
    o->ssi_int = (s32)i->value;
    o->ssi_ptr = i->value;
    o->ssi_utime = i->utime;
    o->ssi_stime = i->stime;
    o->ssi_addr = i->addr;
    o->ssi_syscall = i->syscall;
    o->ssi_call_addr = i->addr;
    o->ssi_arch = (u32)i->arch;
}

/* Waits for the first one unless told not to. */
static int next(struct file *f, struct ksiginfo *info_r)
{
    struct signalfd *s = f->priv;
    struct task *t = current();
    int sig, r;

    while (!(sig = signal_dequeue(t, s->mask, info_r))) {
        if (f->flags & O_NONBLOCK) return -EAGAIN;
        r = wait_until(&t->sighand->signalfd_wq, ready(s), WAIT_FOREVER, true);
        if (r < 0) return r;
    }
    return sig;
}

static ssize_t signalfd_read(struct file *f, struct uio *u, loff_t *pos)
{
    struct signalfd_siginfo out;
    struct ksiginfo info;
    ssize_t done = 0, n;
    int sig;

    if (u->left < sizeof out) return -EINVAL;
    while (u->left >= sizeof out) {
        if (!done) sig = next(f, &info);
        else sig = signal_dequeue(current(), ((struct signalfd *)f->priv)->mask, &info);
        if (sig <= 0) return done ? done : sig;
        fill(&out, &info);
        n = uio_write(u, &out, sizeof out);
        if (n < (ssize_t)sizeof out) return done ? done : -EFAULT;
        done += n;
    }
    return done;
}

static void signalfd_release(struct file *f)
{
    struct signalfd *s = f->priv;

    for (u32 i = 0; i < s->nheld; i++) sighand_put(s->held[i]);
    kfree(s->held);
    kfree(s);
}

static int signalfd_fdinfo(struct file *f, char *buf, size_t n)
{
    const struct signalfd *s = f->priv;

    return snprintf(buf, n, "sigmask:\t%016llx\n", (unsigned long long)READ_ONCE(s->mask));
}

static const struct file_ops signalfd_fops = {
    .release = signalfd_release,
    .read = signalfd_read,
    .poll = signalfd_poll,
    .show_fdinfo = signalfd_fdinfo,
};

struct file *signalfd_new(ksigset_t mask, u32 flags)
{
    struct signalfd *s = kzalloc(sizeof *s);
    struct file *f;

    if (!s) return NULL;
    s->mask = mask & ~(SIGMASK(9) | SIGMASK(19));
    f = file_anon("anon_inode:[signalfd]", &signalfd_fops, s, FMODE_READ | FMODE_STREAM,
                  O_RDWR | (flags & O_NONBLOCK));
    if (!f) kfree(s);
    return f;
}

int signalfd_set(struct file *f, ksigset_t mask)
{
    struct signalfd *s = f->priv;

    if (f->ops != &signalfd_fops) return -EINVAL;
    WRITE_ONCE(s->mask, mask & ~(SIGMASK(9) | SIGMASK(19)));
    waitq_wake_all(&current()->sighand->signalfd_wq, POLLIN);
    return 0;
}
