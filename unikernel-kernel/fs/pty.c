/* Pseudoterminals: a tty (the slave) whose output goes to a ring that the master reads,
 * and whose input is what the master writes. Each pair has a node in its devpts. */
#include <asm/fcntl.h>
#include <asm/ioctls.h>
#include <asm/poll.h>
#include <asm/signal.h>
#include "task.h"
#include "ttyint.h"

#define OUT_SIZE PAGE_SIZE
#define CHUNK 256

struct pty {
    struct tty tty;
    struct devpts *d;           /* lives as long as inode does */
    u32 index;
    struct inode *inode;        /* counted; NULL once the master has gone */
    struct spinlock out_lock;   /* the ring and what follows */
    u8 *out;                    /* OUT_SIZE bytes, made at the first open */
    u32 head, tail;
    bool locked;                /* TIOCSPTLCK */
    bool packet;                /* TIOCPKT */
    u8 events;                  /* TIOCPKT_* not yet read */
    bool slave_gone;            /* it was open and no longer is: the master reads EIO */
    struct waitq m_rd_wq, m_wr_wq;      /* the master sleeps here */
};

static struct pty *pty_of(struct tty *t) { return container_of(t, struct pty, tty); }

/* -- driver of the slave -- */

static size_t pty_room(struct tty *t)
{
    const struct pty *p = pty_of(t);

    return p->out ? OUT_SIZE - (READ_ONCE(p->head) - READ_ONCE(p->tail)) : 0;
}

static void pty_write(struct tty *t, const u8 *buf, size_t n)
{
    struct pty *p = pty_of(t);

    spin_lock(&p->out_lock);
    n = min(n, OUT_SIZE - (p->head - p->tail));
    for (size_t i = 0; i < n; i++)
        p->out[(p->head + i) % OUT_SIZE] = buf[i];
    p->head += (u32)n;
    spin_unlock(&p->out_lock);
    waitq_wake(&p->m_rd_wq, POLLIN | POLLRDNORM);
}

static struct waitq *pty_out_wq(struct tty *t)
{
    return NULL;                        /* tty->wr_wq is enough */
}

static void pty_event(struct tty *t, u8 pkt)
{
    struct pty *p = pty_of(t);

    if (!p->packet)
        return;
    spin_lock(&p->out_lock);
    if (pkt == TIOCPKT_START)
        p->events &= (u8)~TIOCPKT_STOP;
    if (pkt == TIOCPKT_STOP)
        p->events &= (u8)~TIOCPKT_START;
    p->events |= pkt;
    spin_unlock(&p->out_lock);
    waitq_wake(&p->m_rd_wq, POLLIN | POLLPRI);
}

/* What is in the ring has reached the master's side, as far as flushing goes. */
static void pty_flush_out(struct tty *t)
{
    pty_event(t, TIOCPKT_FLUSHWRITE);
}

static void pty_resume(struct tty *t)
{
    waitq_wake(&pty_of(t)->m_wr_wq, POLLOUT | POLLWRNORM);
}

static void pty_opened(struct tty *t)
{
    WRITE_ONCE(pty_of(t)->slave_gone, false);
}

static void pty_last_close(struct tty *t)
{
    struct pty *p = pty_of(t);

    WRITE_ONCE(p->slave_gone, true);
    waitq_wake_all(&p->m_rd_wq, POLLHUP);
}

static void pty_free(struct tty *t)
{
    struct pty *p = pty_of(t);

    kpages_free(p->out, 1);
    kfree(p);
}

static const struct tty_driver pty_driver = {
    .room = pty_room, .write = pty_write, .out_wq = pty_out_wq, .flush_out = pty_flush_out,
    .event = pty_event, .resume = pty_resume, .opened = pty_opened,
    .last_close = pty_last_close, .free = pty_free,
};

/* -- the master -- */

/* Takes output for the master: bytes; the first is the packet's kind in packet mode. */
static size_t master_take(struct pty *p, u8 *buf, size_t n)
{
    size_t k = 0;

    spin_lock(&p->out_lock);
    if (p->packet && n) {
        if (p->events) {
            buf[0] = p->events;
            p->events = 0;
            spin_unlock(&p->out_lock);
            return 1;
        }
        if (p->head != p->tail)
            buf[k++] = TIOCPKT_DATA;
    }
    while (k < n && p->tail != p->head)
        buf[k++] = p->out[p->tail++ % OUT_SIZE];
    spin_unlock(&p->out_lock);
    return k;
}

static bool master_readable(const struct pty *p)
{
    return READ_ONCE(p->head) != READ_ONCE(p->tail) || (p->packet && READ_ONCE(p->events));
}

static ssize_t master_read(struct file *f, struct uio *u, loff_t *pos)
{
    struct pty *p = f->priv;
    u8 tmp[CHUNK];
    ssize_t total = 0;

    if (!u->left)
        return 0;
    while (!total) {
        while (u->left) {
            size_t want = min(u->left, sizeof tmp), k = master_take(p, tmp, want);
            ssize_t w = k ? uio_write(u, tmp, k) : 0;
            if (w < 0)
                return total ? total : w;
            total += w;
            if (k < want || p->packet)
                break;
        }
        if (total) {
            waitq_wake(&p->tty.wr_wq, POLLOUT | POLLWRNORM);
            break;
        }
        if (READ_ONCE(p->slave_gone) && !master_readable(p))
            return -EIO;
        if (f->flags & O_NONBLOCK)
            return -EAGAIN;
        int r = wait_until(&p->m_rd_wq, master_readable(p) || READ_ONCE(p->slave_gone),
                           WAIT_FOREVER, true);
        if (r)
            return r;
    }
    return total;
}

static bool master_writable(struct pty *p)
{
    return ldisc_room(&p->tty) > 0;
}

static ssize_t master_write(struct file *f, struct uio *u, loff_t *pos)
{
    struct pty *p = f->priv;
    u8 tmp[CHUNK];
    ssize_t total = 0;
    int r = 0;

    while (u->left && !r) {
        ssize_t k = uio_read(u, tmp, min(u->left, sizeof tmp)), done = 0;
        if (k <= 0) {
            r = (int)k;
            break;
        }
        while (done < k && !r) {
            done += (ssize_t)tty_receive(&p->tty, tmp + done, (size_t)(k - done));
            if (done == k)
                break;
            r = f->flags & O_NONBLOCK ? -EAGAIN :
                wait_until(&p->m_wr_wq, master_writable(p), WAIT_FOREVER, true);
        }
        total += done;
    }
    return total ? total : r;
}

static u32 master_poll(struct file *f, struct polltable *pt)
{
    struct pty *p = f->priv;
    u32 mask = 0;

    poll_wait(pt, f, &p->m_rd_wq);
    poll_wait(pt, f, &p->m_wr_wq);
    if (master_readable(p))
        mask |= POLLIN | POLLRDNORM;
    if (p->packet && READ_ONCE(p->events))
        mask |= POLLPRI;
    if (READ_ONCE(p->slave_gone))
        mask |= POLLHUP;
    if (master_writable(p))
        mask |= POLLOUT | POLLWRNORM;
    else
        WRITE_ONCE(p->tty.throttled, true);     /* so that a reader tells */
    return mask;
}

static int open_peer(struct pty *p, u32 flags)
{
    struct file *f = file_anon("/dev/pts/ptmx", &pts_fops, NULL, FMODE_STREAM |
                               ((flags & O_ACCMODE) != O_WRONLY ? FMODE_READ : 0) |
                               ((flags & O_ACCMODE) != O_RDONLY ? FMODE_WRITE : 0),
                               flags & (O_ACCMODE | O_NONBLOCK | O_NOCTTY));
    if (!f)
        return -ENFILE;
    tty_get(&p->tty);
    inode_get(p->inode);
    f->inode = p->inode;
    int r = tty_open_file(&p->tty, f, true);
    if (!r)
        r = fd_install(f, 0, flags & O_CLOEXEC);
    if (r < 0)
        file_put(f);
    return r;
}

static long set_flag(bool *flag, uptr_t arg)
{
    int on;

    if (get_user(on, arg))
        return -EFAULT;
    WRITE_ONCE(*flag, on != 0);
    return 0;
}

static long send_signal(struct pty *p, u64 sig)
{
    if (sig != SIGINT && sig != SIGQUIT && sig != SIGTSTP)
        return -EINVAL;
    tty_signal(&p->tty, (int)sig);
    return 0;
}

static long master_ioctl(struct file *f, u32 cmd, u64 arg)
{
    struct pty *p = f->priv;
    int pgrp = READ_ONCE(p->tty.pgrp);

    switch (cmd) {
    case TIOCGPTN: return put_user(p->index, arg);
    case TIOCSPTLCK: return set_flag(&p->locked, arg);
    case TIOCGPTLCK: return put_user((int){ p->locked }, arg);
    case TIOCPKT: return set_flag(&p->packet, arg);
    case TIOCGPKT: return put_user((int){ p->packet }, arg);
    case TIOCGPTPEER: return open_peer(p, (u32)arg);
    case TIOCSIG: return send_signal(p, arg);
    case FIONREAD: return put_user((int){ (int)(p->head - p->tail) }, arg);
    case TIOCOUTQ: return put_user((int){ (int)ldisc_input_count(&p->tty) }, arg);
    case TIOCGPGRP: return put_user(pid_nr(pgrp), arg);
    default: return tty_mode_ioctl(&p->tty, cmd, arg);
    }
}

static void master_release(struct file *f)
{
    struct pty *p = f->priv;
    struct inode *i = p->inode;

    devpts_remove(p->d, p->index);
    tty_hangup(&p->tty);
    p->inode = NULL;
    inode_put(i);
    tty_put(&p->tty);
}

static const struct file_ops master_fops = {
    .release = master_release,
    .read = master_read,
    .write = master_write,
    .poll = master_poll,
    .ioctl = master_ioctl,
};

int pty_open_master(struct devpts *d, struct file *f)
{
    struct pty *p = kzalloc(sizeof *p);

    if (!p || !(p->out = kpages_raw(1))) {
        kfree(p);
        return -ENOMEM;
    }
    waitq_init(&p->m_rd_wq);
    waitq_init(&p->m_wr_wq);
    p->locked = true;
    p->d = d;
    tty_init(&p->tty, &pty_driver, 0);
    int n = devpts_add(d, &p->tty, &p->inode);
    if (n < 0) {
        tty_put(&p->tty);
        return n;
    }
    p->index = (u32)n;
    p->tty.rdev = MKDEV(136, n);
    f->priv = p;
    f->ops = &master_fops;
    f->mode |= FMODE_STREAM;
    return 0;
}

bool pty_open_allowed(struct tty *t)
{
    return !READ_ONCE(pty_of(t)->locked);
}
