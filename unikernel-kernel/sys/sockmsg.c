/* sendto, recvfrom, sendmsg, recvmsg and their many-message forms: headers, control
 * messages, scatter lists. */
#include <asm/fcntl.h>
#include <asm/socket.h>
#include "socket.h"
#include "sys.h"
#include "task.h"
#include "timeout.h"

#define IOV_MAX 1024
#define IOV_FEW 8

struct msghdr {
    u64 name;
    u32 namelen, pad;
    u64 iov, iovlen, control, controllen;
    u32 flags, pad2;
};
struct cmsghdr { u64 len; int level, type; };
_Static_assert(sizeof(struct msghdr) == 56 && sizeof(struct cmsghdr) == 16, "Linux ABI");
#define CMSG_SPACE(n) (sizeof(struct cmsghdr) + (((n) + 7) & ~7ul))

struct req {
    struct file *f;
    struct socket *s;
    struct iov few[IOV_FEW], *iov;
    struct uio uio;
    struct sock_msg m;
};

static int req_begin(struct req *q, u64 fd, u32 flags)
{
    memset(q, 0, offsetof(struct req, m.addr));
    q->m.addr_len = 0;
    q->m.scm = NULL;
    q->m.has_cred = false;
    q->m.out_flags = 0;
    q->iov = q->few;
    q->f = fd_get((int)fd);
    if (!q->f)
        return -EBADF;
    q->s = file_socket(q->f);
    q->m.u = &q->uio;
    q->m.flags = flags | (q->f->flags & O_NONBLOCK ? MSG_DONTWAIT : 0);
    return q->s ? 0 : -ENOTSOCK;
}

static void req_end(struct req *q)
{
    if (q->iov != q->few)
        kfree(q->iov);
    scm_free(q->m.scm);
    if (q->f)
        file_put(q->f);
}

static int take_iov(struct req *q, uptr_t user, u64 n)
{
    size_t left = 0;

    if (n > IOV_MAX)
        return -EMSGSIZE;
    if (n > IOV_FEW && !(q->iov = kmalloc(n * sizeof *q->iov))) {
        q->iov = q->few;
        return -ENOMEM;
    }
    if (copy_from_user(q->iov, user, n * sizeof *q->iov))
        return -EFAULT;
    for (u64 i = 0; i < n; i++) {
        if ((s64)q->iov[i].len < 0)
            return -EINVAL;
        q->iov[i].len = min(q->iov[i].len, 0x7ffff000ul - left);
        left += q->iov[i].len;
    }
    q->uio = (struct uio){ .iov = q->iov, .cnt = (u32)n, .left = left };
    return 0;
}

static int take_addr(struct req *q, uptr_t user, u64 len)
{
    if (!user)
        return 0;
    if ((int)len < 0 || len > SOCK_ADDR_MAX)
        return -EINVAL;
    q->m.addr_len = (u32)len;
    return copy_from_user(q->m.addr, user, len);
}

/* -- control messages, sending -- */

static int take_rights(struct req *q, uptr_t data, u64 len)
{
    u32 n = (u32)(len / 4);
    int fd;

    if (!q->m.scm && !(q->m.scm = kzalloc(sizeof *q->m.scm)))
        return -ENOMEM;
    struct scm *s = q->m.scm;
    if (n > SCM_MAX_FDS - s->nfds)
        return -EINVAL;
    for (u32 i = 0; i < n; i++) {
        if (get_user(fd, data + i * 4))
            return -EFAULT;
        struct file *f = fd_get_raw(fd);
        if (!f)
            return -EBADF;
        s->fd[s->nfds++] = f;
    }
    return 0;
}

/* Credentials go along anyhow; what the sender says of itself goes in their place. */
static int take_cred(struct req *q, uptr_t data, u64 len)
{
    struct ucred u;
    int r;

    if (len != sizeof u)
        return -EINVAL;
    if (get_user(u, data))
        return -EFAULT;
    r = sender_claim(&u, &q->m.sender);
    q->m.has_cred = r == 0;
    return r;
}

static int take_control(struct req *q, uptr_t at, u64 len)
{
    struct cmsghdr h;
    int r = 0;

    while (len >= sizeof h && !r) {
        if (get_user(h, at))
            return -EFAULT;
        if (h.len < sizeof h || h.len > len)
            return -EINVAL;
        u64 n = h.len - sizeof h;
        if (h.level != SOL_SOCKET)
            return -EINVAL;
        if (h.type == SCM_RIGHTS)
            r = take_rights(q, at + sizeof h, n);
        else if (h.type == SCM_CREDENTIALS)
            r = take_cred(q, at + sizeof h, n);
        else
            return -EINVAL;
        u64 step = min(CMSG_SPACE(n), len);
        at += step;
        len -= step;
    }
    return r;
}

/* -- control messages, receiving -- */

struct control { uptr_t at; u64 left, used; bool cut; };

static int put_cmsg(struct control *c, int type, const void *data, u64 n)
{
    struct cmsghdr h = { sizeof h + n, SOL_SOCKET, type };

    if (c->left < h.len) {
        c->cut = true;
        if (c->left < sizeof h)
            return 0;
        h.len = c->left;        /* as much as fits */
        n = c->left - sizeof h;
    }
    if (put_user(h, c->at) || copy_to_user(c->at + sizeof h, data, n))
        return -EFAULT;
    u64 step = min(CMSG_SPACE(n), c->left);
    c->at += step;
    c->left -= step;
    c->used += step;
    return 0;
}

/* The descriptors that there is room for; the others are closed. */
static int put_rights(struct control *c, struct scm *s, bool cloexec)
{
    u64 room = c->left > sizeof(struct cmsghdr) ? (c->left - sizeof(struct cmsghdr)) / 4 : 0;
    u32 n = (u32)min((u64)s->nfds, room), done = 0;
    int fd[SCM_MAX_FDS];

    c->cut |= n < s->nfds;
    while (done < n) {
        file_get(s->fd[done]);
        fd[done] = fd_install(s->fd[done], 0, cloexec);
        if (fd[done] < 0) {
            file_put(s->fd[done]);
            c->cut = true;
            break;
        }
        done++;
    }
    return done ? put_cmsg(c, SCM_RIGHTS, fd, done * 4) : 0;
}

static int put_cred(struct control *c, const struct sender *s)
{
    struct ucred u = sender_cred(s);

    return put_cmsg(c, SCM_CREDENTIALS, &u, sizeof u);
}

static int put_control(struct req *q, struct control *c, u32 flags)
{
    int r = 0;

    if (q->s->passcred && q->m.has_cred)
        r = put_cred(c, &q->m.sender);
    if (!r && q->m.scm)
        r = put_rights(c, q->m.scm, flags & MSG_CMSG_CLOEXEC);
    if (c->cut)
        q->m.out_flags |= MSG_CTRUNC;
    return r;
}

/* -- the calls -- */

long sys_sendto(const u64 *a)
{
    struct req q;
    long r = req_begin(&q, a[0], (u32)a[3]);

    if (!r)
        r = take_addr(&q, a[4], a[5]);
    if (!r) {
        uio_init_user(&q.uio, q.few, a[1], min(a[2], 0x7ffff000ul));
        r = q.s->ops->send(q.s, &q.m);
    }
    req_end(&q);
    return r;
}

static int give_name(const struct req *q, uptr_t user, int room)
{
    return copy_to_user(user, q->m.addr, min((size_t)max(room, 0), (size_t)q->m.addr_len));
}

long sys_recvfrom(const u64 *a)
{
    int room = 0;
    struct req q;
    long r = req_begin(&q, a[0], (u32)a[3]);

    if (!r && a[4] && get_user(room, a[5]))
        r = -EFAULT;
    if (!r && room < 0)
        r = -EINVAL;
    if (!r) {
        uio_init_user(&q.uio, q.few, a[1], min(a[2], 0x7ffff000ul));
        r = q.s->ops->recv(q.s, &q.m);
    }
    if (r >= 0 && a[4] && (give_name(&q, a[4], room) || put_user(q.m.addr_len, a[5])))
        r = -EFAULT;
    req_end(&q);
    return r;
}

static long send_one(u64 fd, uptr_t user, u32 flags)
{
    struct msghdr h;
    struct req q;
    long r = req_begin(&q, fd, flags);

    if (!r && get_user(h, user))
        r = -EFAULT;
    if (!r)
        r = take_addr(&q, h.name, h.namelen);
    if (!r)
        r = take_iov(&q, h.iov, h.iovlen);
    if (!r && h.control)
        r = take_control(&q, h.control, h.controllen);
    if (!r)
        r = q.s->ops->send(q.s, &q.m);
    req_end(&q);
    return r;
}

static long recv_one(u64 fd, uptr_t user, u32 flags)
{
    struct msghdr h;
    struct req q;
    long r = req_begin(&q, fd, flags);

    if (!r && get_user(h, user))
        r = -EFAULT;
    if (!r)
        r = take_iov(&q, h.iov, h.iovlen);
    if (!r)
        r = q.s->ops->recv(q.s, &q.m);
    if (r >= 0) {
        struct control c = { h.control, h.control ? h.controllen : 0, 0, false };
        int e = put_control(&q, &c, flags);
        if (!e && h.name)
            e = give_name(&q, h.name, (int)h.namelen);
        h.namelen = h.name ? q.m.addr_len : h.namelen;
        h.controllen = c.used;
        h.flags = q.m.out_flags | (flags & MSG_CMSG_CLOEXEC);
        if (e || put_user(h, user))
            r = -EFAULT;
    }
    req_end(&q);
    return r;
}

long sys_sendmsg(const u64 *a) { return send_one(a[0], a[1], (u32)a[2]); }
long sys_recvmsg(const u64 *a) { return recv_one(a[0], a[1], (u32)a[2]); }

#define MMSG_SIZE 64            /* struct mmsghdr: a msghdr and the length */

long sys_sendmmsg(const u64 *a)
{
    u32 n = min((u32)a[2], (u32)IOV_MAX), i = 0;
    long r = 0;

    for (; i < n; i++) {
        uptr_t at = a[1] + i * MMSG_SIZE;
        r = send_one(a[0], at, (u32)a[3]);
        if (r >= 0 && put_user((u32){ (u32)r }, at + sizeof(struct msghdr)))
            r = -EFAULT;
        if (r < 0)
            break;
    }
    return i ? i : r;
}

#define MSG_WAITFORONE 0x10000

long sys_recvmmsg(const u64 *a)
{
    u32 n = min((u32)a[2], (u32)IOV_MAX), i = 0, flags = (u32)a[3];
    u64 deadline;
    long r = deadline_from_timespec(a[4], &deadline);

    for (; i < n && !r; i++) {
        uptr_t at = a[1] + i * MMSG_SIZE;
        r = recv_one(a[0], at, flags & ~(u32)MSG_WAITFORONE);
        if (r < 0)
            break;
        if (put_user((u32){ (u32)r }, at + sizeof(struct msghdr)))
            r = -EFAULT;
        else
            r = 0;
        if (flags & MSG_WAITFORONE)
            flags |= MSG_DONTWAIT;
        if (deadline != WAIT_FOREVER && time_mono() >= deadline) {
            i++;                        /* looked at between messages only, as on Linux */
            break;
        }
    }
    return i ? i : r;
}
