/* Socket calls but for the message ones (sockmsg.c): arguments. */
#include <asm/fcntl.h>
#include "socket.h"
#include "sys.h"
#include "task.h"

#define TYPE_MASK 15
#define FLAGS (O_NONBLOCK | O_CLOEXEC)

/* The socket of a descriptor; *f_r counted. */
static int get(u64 fd, struct file **f_r, struct socket **s_r)
{
    struct file *f = fd_get((int)fd);

    if (!f)
        return -EBADF;
    *s_r = file_socket(f);
    if (!*s_r) {
        file_put(f);
        return -ENOTSOCK;
    }
    *f_r = f;
    return 0;
}

static int copy_addr(uptr_t user, u64 len, u8 *addr)
{
    if ((int)len < 0 || len > SOCK_ADDR_MAX)
        return -EINVAL;
    memset(addr, 0, SOCK_ADDR_MAX);
    return copy_from_user(addr, user, len);
}

/* Gives as much as the program has room for, and the real length. */
static int give_addr(uptr_t user, uptr_t ulen, const u8 *addr, int len)
{
    int room;

    if (get_user(room, ulen))
        return -EFAULT;
    if (room < 0)
        return -EINVAL;
    if (copy_to_user(user, addr, (size_t)min(room, len)) || put_user(len, ulen))
        return -EFAULT;
    return 0;
}

static int install(struct socket *s, u32 flags)
{
    struct file *f = socket_file(s, flags);

    if (!f) {
        s->ops->close(s);
        return -ENFILE;
    }
    int fd = fd_install(f, 0, flags & O_CLOEXEC);
    if (fd < 0)
        file_put(f);
    return fd;
}

long sys_socket(const u64 *a)
{
    u32 type = (u32)a[1];
    struct socket *s;

    if (type & ~(u32)(TYPE_MASK | FLAGS))
        return -EINVAL;
    int r = socket_new((int)a[0], (int)(type & TYPE_MASK), (int)a[2], &s);
    return r ? r : install(s, type & FLAGS);
}

long sys_socketpair(const u64 *a)
{
    u32 type = (u32)a[1];
    struct socket *s[2];
    int fd[2];

    if (type & ~(u32)(TYPE_MASK | FLAGS))
        return -EINVAL;
    int r = socket_new((int)a[0], (int)(type & TYPE_MASK), (int)a[2], &s[0]);
    if (r)
        return r;
    r = s[0]->family == AF_UNIX ? socket_new((int)a[0], (int)(type & TYPE_MASK), (int)a[2], &s[1])
                                : -EOPNOTSUPP;
    if (r) {
        s[0]->ops->close(s[0]);
        return r;
    }
    unix_pair(s[0], s[1]);
    fd[0] = install(s[0], type & FLAGS);
    if (fd[0] < 0) {
        s[1]->ops->close(s[1]);
        return fd[0];
    }
    fd[1] = install(s[1], type & FLAGS);
    if (fd[1] < 0 || copy_to_user(a[3], fd, sizeof fd)) {
        fd_close(fd[0]);
        if (fd[1] >= 0)
            fd_close(fd[1]);
        return fd[1] < 0 ? fd[1] : -EFAULT;
    }
    return 0;
}

long sys_bind(const u64 *a)
{
    u8 addr[SOCK_ADDR_MAX];
    struct socket *s;
    struct file *f;
    int r = get(a[0], &f, &s);

    if (r)
        return r;
    r = copy_addr(a[1], a[2], addr);
    if (!r)
        r = s->ops->bind(s, addr, (u32)a[2]);
    file_put(f);
    return r;
}

long sys_connect(const u64 *a)
{
    u8 addr[SOCK_ADDR_MAX];
    struct socket *s;
    struct file *f;
    int r = get(a[0], &f, &s);

    if (r)
        return r;
    r = copy_addr(a[1], a[2], addr);
    if (!r)
        r = s->ops->connect(s, addr, (u32)a[2], f->flags & O_NONBLOCK);
    file_put(f);
    return r;
}

long sys_listen(const u64 *a)
{
    struct socket *s;
    struct file *f;
    int r = get(a[0], &f, &s);

    if (r)
        return r;
    r = s->ops->listen(s, (int)a[1]);
    file_put(f);
    return r;
}

static long do_accept(const u64 *a, u32 flags)
{
    struct socket *s, *n;
    u8 addr[SOCK_ADDR_MAX];
    struct file *f;

    if (flags & ~(u32)FLAGS)
        return -EINVAL;
    int r = get(a[0], &f, &s);
    if (r)
        return r;
    r = s->ops->accept(s, f->flags & O_NONBLOCK, &n);
    file_put(f);
    if (r)
        return r;
    if (a[1]) {
        r = n->ops->getname(n, true, addr);
        r = r < 0 ? -ECONNABORTED : give_addr(a[1], a[2], addr, r);
    }
    if (r) {
        n->ops->close(n);
        return r;
    }
    return install(n, flags);
}

long sys_accept(const u64 *a) { return do_accept(a, 0); }
long sys_accept4(const u64 *a) { return do_accept(a, (u32)a[3]); }

static long name_of(const u64 *a, bool peer)
{
    u8 addr[SOCK_ADDR_MAX];
    struct socket *s;
    struct file *f;
    int r = get(a[0], &f, &s);

    if (r)
        return r;
    r = s->ops->getname(s, peer, addr);
    if (r >= 0)
        r = give_addr(a[1], a[2], addr, r);
    file_put(f);
    return r;
}

long sys_getsockname(const u64 *a) { return name_of(a, false); }
long sys_getpeername(const u64 *a) { return name_of(a, true); }

long sys_shutdown(const u64 *a)
{
    struct socket *s;
    struct file *f;
    int r = get(a[0], &f, &s);

    if (r)
        return r;
    r = a[1] > SHUT_RDWR ? -EINVAL : s->ops->shutdown(s, (int)a[1]);
    file_put(f);
    return r;
}

long sys_setsockopt(const u64 *a)
{
    struct socket *s;
    struct file *f;
    int r = get(a[0], &f, &s);

    if (r)
        return r;
    r = (int)a[4] < 0 ? -EINVAL : socket_setopt(s, (int)a[1], (int)a[2], a[3], (u32)a[4]);
    file_put(f);
    return r;
}

long sys_getsockopt(const u64 *a)
{
    struct socket *s;
    struct file *f;
    int r = get(a[0], &f, &s);

    if (r)
        return r;
    r = socket_getopt(s, (int)a[1], (int)a[2], a[3], a[4]);
    file_put(f);
    return r;
}
