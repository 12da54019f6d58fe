/* Sockets as files, and the options that are the same for every family. */
#include <asm/fcntl.h>
#include <asm/socket.h>
#include <linux/fcntl.h>
#include <linux/magic.h>
#include <linux/stat.h>
#include "socket.h"
#include "task.h"
#include "time.h"

int socket_new(int family, int type, int protocol, struct socket **s_r)
{
    return family == AF_UNIX ? unix_new(type, protocol, s_r) : -EAFNOSUPPORT;
}

u64 socket_deadline(u64 timeout)
{
    return timeout ? time_mono() + timeout : WAIT_FOREVER;
}

void scm_free(struct scm *s)
{
    for (u32 i = 0; s && i < s->nfds; i++)
        file_put(s->fd[i]);
    kfree(s);
}

/* -- the file -- */

static ssize_t sock_read(struct file *f, struct uio *u, loff_t *pos)
{
    struct socket *s = f->priv;
    struct sock_msg m = { .u = u, .flags = f->flags & O_NONBLOCK ? MSG_DONTWAIT : 0 };

    ssize_t r = s->ops->recv(s, &m);
    scm_free(m.scm);
    return r;
}

static ssize_t sock_write(struct file *f, struct uio *u, loff_t *pos)
{
    struct socket *s = f->priv;
    struct sock_msg m = { .u = u, .flags = f->flags & O_NONBLOCK ? MSG_DONTWAIT : 0 };

    return s->ops->send(s, &m);
}

static u32 sock_poll(struct file *f, struct polltable *pt)
{
    struct socket *s = f->priv;

    return s->ops->poll(s, f, pt);
}

static long sock_ioctl(struct file *f, u32 cmd, u64 arg)
{
    struct socket *s = f->priv;

    return s->ops->ioctl(s, cmd, arg);
}

static void sock_release(struct file *f)
{
    struct socket *s = f->priv;

    s->ops->close(s);
}

static const struct file_ops socket_fops = {
    .read = sock_read, .write = sock_write, .poll = sock_poll, .ioctl = sock_ioctl,
    .release = sock_release,
};

static const struct inode_ops sock_inode_ops = { 0 };
static const struct super_ops sockfs_ops = { 0 };
static struct super *sockfs;            /* made by the first socket, never mounted */
static struct mutex sockfs_lock;
static u64 last_ino;

static struct inode *sock_inode(void)
{
    struct inode *i;

    mutex_lock(&sockfs_lock);
    if (!sockfs && (sockfs = super_new("sockfs", &sockfs_ops, NULL)))
        sockfs->magic = SOCKFS_MAGIC;
    mutex_unlock(&sockfs_lock);
    if (!sockfs || !(i = inode_new(sockfs, S_IFSOCK | 0777)))
        return NULL;
    i->ino = __atomic_add_fetch(&last_ino, 1, __ATOMIC_RELAXED);
    i->ops = &sock_inode_ops;
    inode_init_special(i, 0);
    return i;
}

struct file *socket_file(struct socket *s, u32 flags)
{
    struct inode *i = sock_inode();
    struct file *f = i ? file_anon("socket:", &socket_fops, s, FMODE_READ | FMODE_WRITE |
                                   FMODE_STREAM, O_RDWR | (flags & O_NONBLOCK)) : NULL;
    if (!f) {
        inode_put(i);
        return NULL;
    }
    f->inode = i;
    WRITE_ONCE(s->ino, i->ino);
    return f;
}

struct socket *file_socket(const struct file *f)
{
    return f->ops == &socket_fops ? f->priv : NULL;
}

/* -- options -- */

static int set_timeout(u64 *ns, uptr_t val, u32 len)
{
    struct { s64 sec, usec; } tv;

    if (len < sizeof tv)
        return -EINVAL;
    if (get_user(tv, val))
        return -EFAULT;
    if (tv.usec < 0 || tv.usec >= 1000000)
        return -EDOM;
    *ns = tv.sec <= 0 && !tv.usec ? 0 : (u64)max(tv.sec, (s64)0) * NSEC_PER_SEC +
          (u64)tv.usec * 1000;
    return 0;
}

int socket_setopt(struct socket *s, int level, int name, uptr_t val, u32 len)
{
    int n;

    if (level != SOL_SOCKET)
        return s->family == AF_UNIX ? -EOPNOTSUPP : -ENOPROTOOPT;
    if (name == SO_RCVTIMEO)
        return set_timeout(&s->rcv_timeout, val, len);
    if (name == SO_SNDTIMEO)
        return set_timeout(&s->snd_timeout, val, len);
    if (len < sizeof n)
        return -EINVAL;
    if (get_user(n, val))
        return -EFAULT;
    switch (name) {
    case SO_PASSCRED: s->passcred = n != 0; return 0;
    case SO_RCVBUF: case SO_RCVBUFFORCE: s->rcvbuf = (u32)n * 2; return 0;
    case SO_SNDBUF: case SO_SNDBUFFORCE: s->sndbuf = (u32)n * 2; return 0;
    /* without meaning where nothing can get lost */
    case SO_REUSEADDR: case SO_REUSEPORT: case SO_KEEPALIVE: case SO_LINGER: case SO_BROADCAST:
    case SO_OOBINLINE: case SO_PRIORITY: case SO_DONTROUTE:
        return 0;
    default: return -ENOPROTOOPT;
    }
}

static void put_timeout(u64 ns, s64 tv[2])
{
    tv[0] = (s64)(ns / NSEC_PER_SEC);
    tv[1] = (s64)(ns % NSEC_PER_SEC / 1000);
}

int socket_getopt(struct socket *s, int level, int name, uptr_t uval, uptr_t ulen)
{
    union { int n; s64 tv[2]; u8 bytes[64]; } v = { 0 };
    int len, size = sizeof v.n;

    if (get_user(len, ulen))
        return -EFAULT;
    if (len < 0)
        return -EINVAL;
    if (level != SOL_SOCKET)
        return s->family == AF_UNIX ? -EOPNOTSUPP : -ENOPROTOOPT;
    switch (name) {
    case SO_TYPE: v.n = s->type; break;
    case SO_DOMAIN: v.n = s->family; break;
    case SO_PROTOCOL: v.n = s->protocol; break;
    case SO_PASSCRED: v.n = s->passcred; break;
    case SO_RCVBUF: v.n = (int)s->rcvbuf; break;
    case SO_SNDBUF: v.n = (int)s->sndbuf; break;
    case SO_REUSEADDR: case SO_KEEPALIVE: case SO_BROADCAST: case SO_OOBINLINE: break;
    case SO_RCVTIMEO: put_timeout(s->rcv_timeout, v.tv); size = sizeof v.tv; break;
    case SO_SNDTIMEO: put_timeout(s->snd_timeout, v.tv); size = sizeof v.tv; break;
    default:
        size = s->ops->getopt(s, name, &v);
        if (size < 0)
            return size;
    }
    len = min(len, size);
    if (copy_to_user(uval, &v, (size_t)len) || put_user(len, ulen))
        return -EFAULT;
    return 0;
}
