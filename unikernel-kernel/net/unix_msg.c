/* Unix sockets: sending and receiving. A sender puts messages into the receiver's queue;
 * for a stream they are only a way to store bytes. */
#include <asm/fcntl.h>
#include <asm/poll.h>
#include <asm/signal.h>
#include "unixint.h"

#define STREAM_CHUNK 16384u

void umsg_free(struct umsg *m)
{
    scm_free(m->scm);
    uaddr_put(m->from);
    kfree(m);
}

/* -- sending -- */

static struct umsg *make(struct usock *u, const struct sock_msg *s, size_t n, int *err_r)
{
    struct umsg *m = kmalloc(sizeof *m + n);

    *err_r = -ENOBUFS;
    if (!m)
        return NULL;
    *m = (struct umsg){ .len = (u32)n, .sender = s->has_cred ? s->sender : unix_sender() };
    list_init(&m->link);
    ssize_t r = n ? uio_read(s->u, m->data, n) : 0;
    if (r != (ssize_t)n) {
        *err_r = -EFAULT;
        kfree(m);
        return NULL;
    }
    m->from = u->addr;
    if (m->from)
        ref_get(&m->from->ref);
    return m;
}

/* True: queued. False: full. */
static bool deliver(struct usock *to, struct umsg *m)
{
    spin_lock(&to->lock);
    bool ok = !unix_full(to);
    if (ok) {
        list_add_tail(&to->rx, &m->link);
        to->rx_bytes += m->len;
    }
    spin_unlock(&to->lock);
    if (ok)
        waitq_wake(&to->wq, POLLIN | POLLRDNORM);
    return ok;
}

static int broken(u32 flags)
{
    if (!(flags & MSG_NOSIGNAL))
        signal_send_self(SIGPIPE);
    return -EPIPE;
}

/* Waits until m could be queued, and takes it over. */
static int push(struct usock *u, struct usock *to, struct umsg *m, u32 flags)
{
    for (;;) {
        if (READ_ONCE(u->tx_shut) || (!unix_dgram(u) && READ_ONCE(to->rx_shut)) ||
            (READ_ONCE(to->dead) && !unix_dgram(u)))
            return broken(flags);
        if (READ_ONCE(to->dead))
            return -ECONNREFUSED;
        if (deliver(to, m))
            return 0;
        if (flags & MSG_DONTWAIT)
            return -EAGAIN;
        int r = wait_until(&to->room_wq, !unix_full(to) || READ_ONCE(to->dead) ||
                           READ_ONCE(to->rx_shut) || READ_ONCE(u->tx_shut),
                           socket_deadline(u->sock.snd_timeout), true);
        if (r)
            return r == -ETIMEDOUT ? -EAGAIN : r;
    }
}

static ssize_t send_stream(struct usock *u, struct usock *to, struct sock_msg *s)
{
    ssize_t total = 0;
    int r = 0;

    while (s->u->left) {
        size_t n = min(s->u->left, (size_t)STREAM_CHUNK);
        struct umsg *m = make(u, s, n, &r);
        if (!m)
            break;
        m->scm = s->scm;
        r = push(u, to, m, s->flags);
        if (r) {
            m->scm = NULL;
            umsg_free(m);
            break;
        }
        s->scm = NULL;
        total += (ssize_t)n;
    }
    return total ? total : r;
}

static ssize_t send_message(struct usock *u, struct usock *to, struct sock_msg *s)
{
    size_t n = s->u->left;
    int r;

    if (n > UNIX_BUF - 32)
        return -EMSGSIZE;
    struct umsg *m = make(u, s, n, &r);
    if (!m)
        return r;
    m->scm = s->scm;
    r = push(u, to, m, s->flags);
    if (r) {
        m->scm = NULL;
        umsg_free(m);
        return r;
    }
    s->scm = NULL;
    return (ssize_t)n;
}

/* An error that the peer has left, once: 0 or negative. */
static int take_error(struct usock *u)
{
    int r;

    spin_lock(&u->lock);
    r = -u->err;
    u->err = 0;
    spin_unlock(&u->lock);
    return r;
}

ssize_t unix_send(struct socket *sock, struct sock_msg *s)
{
    struct usock *u = unix_of(sock), *to = NULL;
    ssize_t r;

    if (s->flags & MSG_OOB)
        return -EOPNOTSUPP;
    if (u->sock.type == SOCK_SEQPACKET && (r = take_error(u)))
        return r;
    if (s->addr_len && unix_dgram(u)) {
        r = unix_find(s->addr, s->addr_len, SOCK_DGRAM, &to);
        if (r)
            return r;
    } else if (s->addr_len && unix_stream(u)) {
        return u->state == U_CONNECTED ? -EISCONN : -EOPNOTSUPP;
    } else {
        to = unix_peer_get(u);
    }
    if (!to)
        return u->state == U_CLOSED ? broken(s->flags) : -ENOTCONN;
    r = unix_stream(u) ? send_stream(u, to, s) : send_message(u, to, s);
    unix_put(to);
    return r;
}

/* -- receiving -- */

/* What was queued first: taken out of the queue, or NULL. */
static struct umsg *pop(struct usock *u)
{
    struct umsg *m = NULL;

    spin_lock(&u->lock);
    if (!list_empty(&u->rx)) {
        m = list_first(&u->rx, struct umsg, link);
        list_del(&m->link);
    }
    spin_unlock(&u->lock);
    return m;
}

static void push_back(struct usock *u, struct umsg *m)
{
    spin_lock(&u->lock);
    list_add(&u->rx, &m->link);
    spin_unlock(&u->lock);
}

/* n bytes of the queue have been read. */
static void made_room(struct usock *u, u32 n)
{
    spin_lock(&u->lock);
    u->rx_bytes -= n;
    spin_unlock(&u->lock);
    waitq_wake(&u->room_wq, POLLOUT | POLLWRNORM);
    struct usock *p = unix_peer_get(u);
    if (p)
        waitq_wake(&p->wq, POLLOUT | POLLWRNORM);       /* its pollers */
    unix_put(p);
}

static struct scm *scm_copy(const struct scm *s)
{
    struct scm *c = s ? kmalloc(sizeof *c) : NULL;

    if (!c)
        return NULL;
    *c = *s;
    for (u32 i = 0; i < c->nfds; i++)
        file_get(c->fd[i]);
    return c;
}

/* Who sent m and what came with it. */
static void describe(const struct umsg *m, struct sock_msg *s)
{
    if (m->from) {
        s->addr_len = m->from->len;
        memcpy(s->addr, m->from->sun, m->from->len);
    }
    s->sender = m->sender;
    s->has_cred = true;
}

/* What there is to report when the queue is empty; 1: wait. */
static int at_empty(struct usock *u, u32 flags)
{
    int r = take_error(u);

    if (r)
        return r;
    if (READ_ONCE(u->rx_shut))
        return 0;
    if (!unix_dgram(u) && u->state != U_CONNECTED)
        return u->state == U_CLOSED ? 0 : unix_stream(u) ? -EINVAL : -ENOTCONN;
    return flags & MSG_DONTWAIT ? -EAGAIN : 1;
}

static int wait_message(struct usock *u)
{
    int r = wait_until(&u->wq, !list_empty(&u->rx) || READ_ONCE(u->rx_shut) || READ_ONCE(u->err),
                       socket_deadline(u->sock.rcv_timeout), true);

    return r == -ETIMEDOUT ? -EAGAIN : r;
}

static ssize_t recv_message(struct usock *u, struct sock_msg *s)
{
    struct umsg *m;

    while (!(m = pop(u))) {
        int r = at_empty(u, s->flags);
        if (r == 1)
            r = wait_message(u);
        else
            return r;
        if (r)
            return r;
    }
    size_t n = min((size_t)m->len, s->u->left);
    ssize_t r = n ? uio_write(s->u, m->data, n) : 0;
    describe(m, s);
    if (r >= 0 && m->len > n) {
        s->out_flags |= MSG_TRUNC;
        if (s->flags & MSG_TRUNC)
            r = m->len;
    }
    if (s->flags & MSG_PEEK) {
        s->scm = scm_copy(m->scm);
        push_back(u, m);
        return r;
    }
    s->scm = m->scm;
    m->scm = NULL;
    made_room(u, m->len);
    umsg_free(m);
    return r;
}

/* One piece of a stream: bytes, or -EFAULT. *stop_r: what follows is of another kind. */
static ssize_t take_piece(struct usock *u, struct umsg *m, struct sock_msg *s, bool *stop_r)
{
    size_t n = min((size_t)(m->len - m->off), s->u->left);
    ssize_t r = uio_write(s->u, m->data + m->off, n);

    if (r < 0) {
        push_back(u, m);
        return r;
    }
    if (!s->has_cred)
        describe(m, s);
    if (s->flags & MSG_PEEK) {
        if (!s->scm)
            s->scm = scm_copy(m->scm);
        push_back(u, m);
        *stop_r = true;                 /* only the first piece is shown */
        return r;
    }
    if (m->scm) {
        s->scm = m->scm;
        m->scm = NULL;
        *stop_r = true;
    }
    m->off += (u32)r;
    if (m->off < m->len)
        push_back(u, m);
    made_room(u, (u32)r);
    if (m->off == m->len)
        umsg_free(m);
    return r;
}

static bool other_sender(const struct umsg *m, const struct sock_msg *s)
{
    return memcmp(&m->sender, &s->sender, sizeof m->sender) != 0;
}

static ssize_t recv_stream(struct usock *u, struct sock_msg *s)
{
    ssize_t total = 0;
    bool stop = false;

    while (s->u->left && !stop) {
        struct umsg *m = pop(u);
        /* its files, or who sent it, belong to a read of their own */
        if (m && total && (m->scm || (u->sock.passcred && other_sender(m, s)))) {
            push_back(u, m);
            break;
        }
        ssize_t r;
        if (m) {
            r = take_piece(u, m, s, &stop);
        } else if (total && !(s->flags & MSG_WAITALL)) {
            break;
        } else {
            r = at_empty(u, s->flags);
            if (r == 1)
                r = wait_message(u);
            else if (r == 0)
                break;
        }
        if (r < 0)
            return total ? total : r;
        if (m)
            total += r;
    }
    return total;
}

ssize_t unix_recv(struct socket *sock, struct sock_msg *s)
{
    struct usock *u = unix_of(sock);

    return unix_stream(u) ? recv_stream(u, s) : recv_message(u, s);
}
