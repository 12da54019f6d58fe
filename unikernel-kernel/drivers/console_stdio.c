/* Standard input, output and error without a terminal: three files over the console
 * ports that look like pipes. Input is fetched only when somebody asks for it, so that
 * what the container does not read stays with the host. */
#include "console_port.h"
#include <asm/ioctls.h>
#include <asm/poll.h>
#include <linux/fcntl.h>
#include <linux/magic.h>
#include <linux/stat.h>
#include <asm/signal.h>
#include "signal.h"
#include "task.h"
#include "vfs.h"

enum { IN_PAGES = 16, BOUNCE = 16384 };

static struct console_port *port_of_file(const struct file *f) { return f->priv; }

/* -- input -- */

/* rx.lock held: takes what has come and, if there is nothing, asks for more. True if
 * the device should be told. */
static bool in_run(struct console_port *p)
{
    struct vq_buf b = { p->in, IN_PAGES * PAGE_SIZE };
    u32 len;

    if (p->in_posted && vq_used(&p->rx, &len)) {
        p->in_posted = false;
        p->in_at = 0;
        p->in_len = min(len, b.len);
        p->in_eof = len == 0;
    }
    if (p->in_posted || p->in_at < p->in_len || p->in_eof)
        return false;
    p->in_posted = vq_add(&p->rx, &b, 0, 1, p->in) == 0;
    p->in_eof = !p->in_posted;          /* the device has gone */
    return p->in_posted;
}

static bool in_ready(struct console_port *p)
{
    bool kick, ready;

    spin_lock(&p->rx.lock);
    kick = in_run(p);
    ready = p->in_at < p->in_len || p->in_eof;
    spin_unlock(&p->rx.lock);
    if (kick)
        vq_kick(&p->rx);
    return ready;
}

void console_stdio_irq(struct console_port *p)
{
    if (p->in_posted)
        waitq_wake_all(&p->rx_wq, POLLIN);
}

/* Up to n bytes of what is there. */
static size_t in_take(struct console_port *p, void *buf, size_t n)
{
    spin_lock(&p->rx.lock);
    n = min(n, (size_t)(p->in_len - p->in_at));
    memcpy(buf, p->in + p->in_at, n);
    p->in_at += (u32)n;
    spin_unlock(&p->rx.lock);
    return n;
}

static ssize_t stdio_read(struct file *f, struct uio *u, loff_t *pos)
{
    struct console_port *p = port_of_file(f);
    ssize_t done = 0, r = 0;
    size_t k;
    void *buf;

    if (!u->left)
        return 0;
    if (!in_ready(p)) {
        if (f->flags & O_NONBLOCK)
            return -EAGAIN;
        r = wait_until(&p->rx_wq, in_ready(p), WAIT_FOREVER, true);
        if (r < 0)
            return r;
    }
    buf = kmalloc(BOUNCE);
    if (!buf)
        return -ENOMEM;
    while (u->left && (k = in_take(p, buf, min(u->left, (size_t)BOUNCE)))) {
        r = uio_write(u, buf, k);
        if (r < 0)
            break;
        done += r;
    }
    kfree(buf);
    return done ? done : r;
}

/* -- output -- */

static ssize_t hung_up(void)
{
    signal_send_self(SIGPIPE);
    return -EPIPE;
}

/* Waits until the port takes something: 0, or why not. */
static ssize_t wait_room(struct file *f, int port)
{
    if (f->flags & O_NONBLOCK)
        return -EAGAIN;
    return wait_until(console_waitq(port), console_room(port) || console_hung_up(port),
                      WAIT_FOREVER, true);
}

/* Standard output and error may be one file of the host: what was written to the other
 * first must get there first. Waits as a write to a full pipe would. */
static ssize_t after_other(struct file *f)
{
    struct console_port *other = &console_ports[port_of_file(f) == &console_ports[CONSOLE_MAIN]];

    if (f->flags & O_NONBLOCK || console_tx_done(other))
        return 0;
    return wait_until(&other->tx_wq, console_tx_done(other), WAIT_FOREVER, true);
}

/* All n bytes of the kernel buffer unless interrupted: bytes written or -errno. */
static ssize_t write_all(struct file *f, const u8 *buf, size_t n)
{
    int port = (int)(port_of_file(f) - console_ports);
    size_t done = 0;
    ssize_t r = 0;

    while (done < n) {
        r = console_write(port, buf + done, n - done);
        if (r == 0)
            r = wait_room(f, port);
        else if (r > 0)
            done += (size_t)r;
        if (r < 0)
            break;
    }
    return done ? (ssize_t)done : r;
}

/* Programs write short lines: those need no allocation. */
static ssize_t stdio_write(struct file *f, struct uio *u, loff_t *pos)
{
    u8 small[256], *buf = u->left <= sizeof small ? small : kmalloc(BOUNCE);
    size_t cap = buf == small ? sizeof small : BOUNCE;
    ssize_t done = 0, r = 0;

    if (!buf)
        return -ENOMEM;
    r = after_other(f);
    while (r >= 0 && u->left) {
        ssize_t n = uio_read(u, buf, min(u->left, cap));

        r = n <= 0 ? n : write_all(f, buf, (size_t)n);
        if (r <= 0)
            break;
        done += r;
        if (r < n)
            break;
    }
    if (buf != small)
        kfree(buf);
    if (r == -EIO && !done)
        return hung_up();
    return done ? done : r;
}

/* -- both -- */

static u32 stdio_poll(struct file *f, struct polltable *pt)
{
    struct console_port *p = port_of_file(f);
    int port = (int)(p - console_ports);
    u32 ev = 0;

    if (f->mode & FMODE_READ) {
        poll_wait(pt, f, &p->rx_wq);
        if (in_ready(p))
            ev |= p->in_at < p->in_len ? POLLIN | POLLRDNORM : POLLHUP;
    }
    if (f->mode & FMODE_WRITE) {
        poll_wait(pt, f, &p->tx_wq);
        if (console_hung_up(port))
            ev |= POLLERR;
        if (console_room(port))
            ev |= POLLOUT | POLLWRNORM;
    }
    return ev;
}

static long stdio_ioctl(struct file *f, u32 cmd, u64 arg)
{
    struct console_port *p = port_of_file(f);
    int n;

    if (cmd != FIONREAD || !(f->mode & FMODE_READ))
        return -ENOTTY;
    in_ready(p);
    n = (int)(p->in_len - p->in_at);
    return put_user(n, arg);
}

/* Opening /proc/self/fd/1 or /dev/stdout again: the inode tells the port. */
static int stdio_open(struct inode *i, struct file *f)
{
    f->priv = i->priv;
    f->mode |= FMODE_STREAM;
    return 0;
}

static const struct file_ops stdio_fops = {
    .open = stdio_open, .read = stdio_read, .write = stdio_write, .poll = stdio_poll,
    .ioctl = stdio_ioctl,
};

static const struct super_ops stdio_super_ops = { .evict = NULL };
static const struct inode_ops stdio_iops = { .lookup = NULL };

static struct file *stdio_file(struct super *sb, unsigned fd, struct console_port *p)
{
    u32 fmode = fd ? FMODE_WRITE : FMODE_READ;
    struct inode *i = inode_new(sb, S_IFIFO | 0600);
    struct file *f = file_anon("pipe:", &stdio_fops, p, fmode | FMODE_STREAM,
                               fd ? O_WRONLY : O_RDONLY);

    if (!i || !f) {
        if (f)
            file_put(f);
        if (i)
            inode_put(i);
        return NULL;
    }
    inode_put(f->inode);
    i->ino = fd + 1;
    i->ops = &stdio_iops;
    i->fops = &stdio_fops;
    i->priv = p;
    f->inode = i;
    return f;
}

int console_open_stdio(struct file *f[3])
{
    struct console_port *in = &console_ports[CONSOLE_MAIN];
    struct console_port *err = &console_ports[CONSOLE_ERR];
    struct super *sb;

    if (!in->dev)
        return -ENODEV;
    if (!in->in)
        in->in = kpages(IN_PAGES);
    if (!in->in)
        return -ENOMEM;
    sb = super_new("pipefs", &stdio_super_ops, NULL);
    if (!sb)
        return -ENOMEM;
    sb->magic = PIPEFS_MAGIC;
    f[0] = stdio_file(sb, 0, in);
    f[1] = stdio_file(sb, 1, in);
    f[2] = stdio_file(sb, 2, err->dev ? err : in);
    if (f[0] && f[1] && f[2])
        return 0;
    for (int k = 0; k < 3; k++)
        if (f[k])
            file_put(f[k]);
    return -ENOMEM;
}
