/* Unix sockets (unix(7)): making, connecting, ending. Who is connected to whom is guarded
 * by one lock for all; each socket's queues by its own, taken inside. */
#include <asm/ioctls.h>
#include <asm/poll.h>
#include <asm/socket.h>
#include <linux/capability.h>
#include "unixint.h"

struct spinlock unix_link_lock;
static const struct sock_ops unix_ops;

struct usock *unix_alloc(int type)
{
    struct usock *u = kzalloc(sizeof *u);

    if (!u)
        return NULL;
    ref_init(&u->ref);
    u->sock = (struct socket){ .ops = &unix_ops, .family = AF_UNIX, .type = type,
                               .rcvbuf = UNIX_BUF, .sndbuf = UNIX_BUF };
    list_init(&u->bound_link);
    list_init(&u->rx);
    list_init(&u->pending);
    list_init(&u->pending_link);
    waitq_init(&u->wq);
    waitq_init(&u->room_wq);
    u->cred = unix_self();
    unix_list_add(u);
    return u;
}

int unix_new(int type, int protocol, struct socket **s_r)
{
    if (protocol && protocol != AF_UNIX)
        return -EPROTONOSUPPORT;
    if (type != SOCK_STREAM && type != SOCK_DGRAM && type != SOCK_SEQPACKET)
        return -ESOCKTNOSUPPORT;
    struct usock *u = unix_alloc(type);
    if (!u)
        return -ENOMEM;
    *s_r = &u->sock;
    return 0;
}

void unix_get(struct usock *u) { ref_get(&u->ref); }

void unix_put(struct usock *u)
{
    if (!u || !ref_put(&u->ref))
        return;
    while (!list_empty(&u->rx)) {
        struct umsg *m = list_first(&u->rx, struct umsg, link);
        list_del(&m->link);
        umsg_free(m);
    }
    unix_list_remove(u);
    uaddr_put(u->addr);
    uaddr_put(u->peer_addr);
    kfree(u);
}

static u32 pid_ns_number(void)
{
    const struct pid_ns *ns = current()->proc->pidns;

    return ns ? ns->ns.ino : 0;
}

struct sender unix_self(void)
{
    const struct cred *c = current()->cred;
    int pid = current()->proc->pid;

    return (struct sender){ { pid, c->euid, c->egid }, pid_ns_number(), pid_nr(pid) };
}

/* Of messages, unlike of connections, the real ids. */
struct sender unix_sender(void)
{
    const struct cred *c = current()->cred;
    struct sender s = unix_self();

    s.id.uid = c->uid;
    s.id.gid = c->gid;
    return s;
}

int sender_claim(const struct ucred *u, struct sender *s_r)
{
    const struct cred *c = current()->cred;
    struct proc *p;

    if (u->pid != pid_nr(current()->proc->pid) && !capable(CAP_SYS_ADMIN))
        return -EPERM;
    if (u->uid != c->uid && u->uid != c->euid && u->uid != c->suid && !capable(CAP_SETUID))
        return -EPERM;
    if (u->gid != c->gid && u->gid != c->egid && u->gid != c->sgid && !capable(CAP_SETGID))
        return -EPERM;
    p = proc_find_get(u->pid);
    if (!p)
        return -ESRCH;
    *s_r = (struct sender){ { p->pid, u->uid, u->gid }, pid_ns_number(), u->pid };
    proc_put(p);
    return 0;
}

struct ucred sender_cred(const struct sender *s)
{
    struct ucred u = s->id;

    u.pid = s->ns == pid_ns_number() ? s->nr : pid_nr(u.pid);
    return u;
}

bool unix_full(const struct usock *u)
{
    return READ_ONCE(u->rx_bytes) >= UNIX_BUF;
}

struct usock *unix_peer_get(struct usock *u)
{
    spin_lock(&unix_link_lock);
    struct usock *p = u->peer;
    if (p)
        unix_get(p);
    spin_unlock(&unix_link_lock);
    return p;
}

/* link_lock held. */
static void join(struct usock *a, struct usock *b)
{
    unix_get(a);
    unix_get(b);
    a->peer = b;
    b->peer = a;
    a->state = b->state = U_CONNECTED;
}

int unix_pair(struct socket *sa, struct socket *sb)
{
    struct usock *a = unix_of(sa), *b = unix_of(sb);

    spin_lock(&unix_link_lock);
    join(a, b);
    spin_unlock(&unix_link_lock);
    a->peer_cred = b->cred;
    b->peer_cred = a->cred;
    return 0;
}

static void wake_all(struct usock *u, u32 events)
{
    waitq_wake_all(&u->wq, events);
    waitq_wake_all(&u->room_wq, events);
}

/* -- connecting -- */

static int connect_dgram(struct usock *u, const u8 *addr, u32 len)
{
    struct usock *to = NULL, *old;

    if (len >= 2 && addr[0] != AF_UNSPEC) {
        int r = unix_find(addr, len, SOCK_DGRAM, &to);
        if (r)
            return r;
    }
    spin_lock(&unix_link_lock);
    old = u->peer;
    u->peer = to;
    u->state = to ? U_CONNECTED : U_NEW;
    spin_unlock(&unix_link_lock);
    unix_put(old);
    return 0;
}

static bool has_backlog_room(const struct usock *l)
{
    return READ_ONCE(l->npending) <= l->backlog || READ_ONCE(l->dead);
}

/* The listener gets n, which is joined to u. -EAGAIN: its backlog is full. */
static int enqueue(struct usock *l, struct usock *u, struct usock *n)
{
    int r = 0;

    spin_lock(&unix_link_lock);
    spin_lock(&l->lock);
    if (u->state != U_NEW)
        r = u->state == U_CONNECTED ? -EISCONN : -EINVAL;
    else if (l->dead || l->state != U_LISTEN)
        r = -ECONNREFUSED;
    else if (l->npending > l->backlog)
        r = -EAGAIN;
    if (!r) {
        join(u, n);
        list_add_tail(&l->pending, &n->pending_link);
        l->npending++;
    }
    spin_unlock(&l->lock);
    spin_unlock(&unix_link_lock);
    return r;
}

static int unix_connect(struct socket *s, const u8 *addr, u32 len, bool nonblock)
{
    struct usock *u = unix_of(s), *l;

    if (unix_dgram(u))
        return connect_dgram(u, addr, len);
    int r = unix_find(addr, len, s->type, &l);
    if (r)
        return r;
    struct usock *n = unix_alloc(s->type);
    if (!n) {
        unix_put(l);
        return -ENOMEM;
    }
    n->addr = l->addr;
    if (n->addr)
        ref_get(&n->addr->ref);
    n->cred = l->cred;
    n->peer_cred = unix_self();
    while ((r = enqueue(l, u, n)) == -EAGAIN && !nonblock) {
        r = wait_until(&l->room_wq, has_backlog_room(l), socket_deadline(s->snd_timeout), true);
        if (r)
            break;
    }
    if (!r) {
        u->peer_cred = l->cred;
        waitq_wake(&l->wq, POLLIN | POLLRDNORM);
    } else {
        unix_put(n);
    }
    unix_put(l);
    return r == -ETIMEDOUT ? -EAGAIN : r;
}

static int unix_listen(struct socket *s, int backlog)
{
    struct usock *u = unix_of(s);
    int r = 0;

    if (unix_dgram(u))
        return -EOPNOTSUPP;
    if (!u->addr)
        return -EINVAL;
    spin_lock(&unix_link_lock);
    if (u->state != U_NEW && u->state != U_LISTEN) {
        r = -EINVAL;
    } else {
        u->state = U_LISTEN;
        u->backlog = (u32)backlog > 4096 ? 4096 : (u32)backlog;
        u->cred = unix_self();
    }
    spin_unlock(&unix_link_lock);
    return r;
}

static struct usock *pop_pending(struct usock *l)
{
    struct usock *n = NULL;

    spin_lock(&l->lock);
    if (!list_empty(&l->pending)) {
        n = list_first(&l->pending, struct usock, pending_link);
        list_del(&n->pending_link);
        l->npending--;
    }
    spin_unlock(&l->lock);
    return n;
}

static int unix_accept(struct socket *s, bool nonblock, struct socket **new_r)
{
    struct usock *l = unix_of(s), *n;

    if (unix_dgram(l))
        return -EOPNOTSUPP;
    if (l->state != U_LISTEN)
        return -EINVAL;
    while (!(n = pop_pending(l))) {
        if (READ_ONCE(l->rx_shut))
            return -EINVAL;
        if (nonblock)
            return -EAGAIN;
        int r = wait_until(&l->wq, READ_ONCE(l->npending) || READ_ONCE(l->rx_shut),
                           socket_deadline(s->rcv_timeout), true);
        if (r)
            return r == -ETIMEDOUT ? -EAGAIN : r;
    }
    waitq_wake(&l->room_wq, POLLOUT);
    n->sock.passcred = s->passcred;
    *new_r = &n->sock;
    return 0;
}

static int unix_getname(struct socket *s, bool peer, u8 *addr)
{
    struct usock *u = unix_of(s), *p = peer ? unix_peer_get(u) : u;
    struct uaddr *a;
    int len = 2;

    /* A peer that has gone still has a name. */
    if (!p && u->state != U_CLOSED)
        return -ENOTCONN;
    a = p ? __atomic_load_n(&p->addr, __ATOMIC_ACQUIRE) : u->peer_addr;
    addr[0] = AF_UNIX;
    addr[1] = 0;
    if (a) {
        len = (int)a->len;
        memcpy(addr, a->sun, a->len);
    }
    if (peer)
        unix_put(p);
    return len;
}

/* -- ending -- */

static int unix_shutdown(struct socket *s, int how)
{
    struct usock *u = unix_of(s), *p = unix_peer_get(u);

    if (!p && u->state != U_CLOSED && !unix_dgram(u) && u->state != U_LISTEN)
        return -ENOTCONN;
    if (how != SHUT_WR) {
        WRITE_ONCE(u->rx_shut, true);
        if (p && !unix_dgram(u))
            WRITE_ONCE(p->tx_shut, true);
    }
    if (how != SHUT_RD) {
        WRITE_ONCE(u->tx_shut, true);
        if (p && !unix_dgram(u))
            WRITE_ONCE(p->rx_shut, true);
    }
    wake_all(u, 0);
    if (p)
        wake_all(p, 0);
    unix_put(p);
    return 0;
}

/* embryo: it was never accepted, and its maker has to know. */
static void end(struct usock *u, bool embryo)
{
    struct usock *p, *n;

    unix_unbind(u);
    spin_lock(&unix_link_lock);
    u->dead = true;
    p = u->peer;
    u->peer = NULL;
    bool back = p && p->peer == u && !unix_dgram(u);
    if (back) {                         /* a stream's other end has no peer any more */
        p->peer = NULL;
        p->peer_addr = u->addr;
        if (u->addr)
            ref_get(&u->addr->ref);
        p->state = U_CLOSED;
        WRITE_ONCE(p->rx_shut, true);
        if (embryo || !list_empty(&u->rx))
            p->err = ECONNRESET;
    }
    spin_unlock(&unix_link_lock);
    if (p)
        wake_all(p, POLLHUP | POLLIN | POLLOUT);
    wake_all(u, 0);
    while ((n = pop_pending(u)))
        end(n, true);
    if (back)
        unix_put(u);                    /* the reference that p->peer was */
    unix_put(p);
    unix_put(u);
}

static void unix_close(struct socket *s)
{
    end(unix_of(s), false);
}

/* -- readiness, options -- */

static u32 unix_poll(struct socket *s, struct file *f, struct polltable *pt)
{
    struct usock *u = unix_of(s);
    u32 mask = 0;

    poll_wait(pt, f, &u->wq);
    if (u->state == U_LISTEN)
        return READ_ONCE(u->npending) ? POLLIN | POLLRDNORM : 0;
    if (u->err)
        mask |= POLLERR;
    if (!list_empty(&u->rx) || READ_ONCE(u->rx_shut))
        mask |= POLLIN | POLLRDNORM;
    if (READ_ONCE(u->rx_shut))
        mask |= POLLRDHUP;
    struct usock *p = unix_peer_get(u);
    bool gone = u->state == U_CLOSED || (u->rx_shut && u->tx_shut);
    if (gone || (!unix_dgram(u) && u->state == U_NEW))
        mask |= POLLHUP;
    /* a stream's reader wakes its peer's own queue, see unix_msg.c */
    if (!p || unix_dgram(u) || !unix_full(p))
        mask |= POLLOUT | POLLWRNORM;
    unix_put(p);
    return mask;
}

static long unix_ioctl(struct socket *s, u32 cmd, u64 arg)
{
    struct usock *u = unix_of(s), *p;
    int n = 0;

    if (cmd == FIONREAD) {
        spin_lock(&u->lock);
        if (!unix_dgram(u))
            n = (int)u->rx_bytes;
        else if (!list_empty(&u->rx))
            n = (int)list_first(&u->rx, struct umsg, link)->len;
        spin_unlock(&u->lock);
        return put_user(n, arg);
    }
    if (cmd == TIOCOUTQ) {
        p = unix_peer_get(u);
        n = p ? (int)p->rx_bytes : 0;
        unix_put(p);
        return put_user(n, arg);
    }
    return -ENOTTY;
}

static int unix_getopt(struct socket *s, int name, void *val)
{
    struct usock *u = unix_of(s);

    switch (name) {
    case SO_PEERCRED:
        if (u->state == U_NEW)
            *(struct ucred *)val = (struct ucred){ 0, ~0u, ~0u };
        else
            *(struct ucred *)val = sender_cred(u->state == U_LISTEN ? &u->cred : &u->peer_cred);
        return sizeof(struct ucred);
    case SO_ERROR:
        spin_lock(&u->lock);
        *(int *)val = u->err;
        u->err = 0;
        spin_unlock(&u->lock);
        return 4;
    case SO_ACCEPTCONN:
        *(int *)val = u->state == U_LISTEN;
        return 4;
    default:
        return -ENOPROTOOPT;
    }
}

static const struct sock_ops unix_ops = {
    .bind = unix_bind, .connect = unix_connect, .listen = unix_listen, .accept = unix_accept,
    .getname = unix_getname, .send = unix_send, .recv = unix_recv, .shutdown = unix_shutdown,
    .poll = unix_poll, .ioctl = unix_ioctl, .getopt = unix_getopt, .close = unix_close,
};
