/* virtio-fs (virtio 1.2, 5.11): carries FUSE requests of all tasks over two queues.
 *
 * A task that waits looks at the ring itself: whoever holds the queue's lock takes out
 * every finished request and marks it done, the others see their mark when the device's
 * sequence number has moved. So an answer needs no interrupt and no second task. */
#include "fuse.h"
#include <linux/virtio_fs.h>
#include <linux/virtio_ids.h>
#include "abi/fs.h"
#include "plat.h"
#include "task.h"
#include "virtqueue.h"

enum { QUEUE_FORGET, QUEUE_REQUEST };
enum { RING_SIZE = 128, FORGET_SIZE = 32, CACHE_MAX = 8, CONN_MAX = 2 };

struct fuse_conn {
    struct bus_dev *dev;
    struct virtqueue forget, request;
    struct spinlock cache_lock;
    struct list cache;
    u32 ncached;
    u64 unique;
    u64 sent, over;             /* requests nobody waits for: queued, answered; its lock */
    bool grants;
    u32 max_data;
};

static struct mutex conns_lock;
static struct fuse_conn *conns[CONN_MAX];

struct fuse_req *fuse_req_new(struct fuse_conn *c, u32 opcode, u64 nodeid)
{
    const struct task *t = current();
    struct fuse_req *r = NULL;

    spin_lock(&c->cache_lock);
    if (c->ncached) {
        r = list_first(&c->cache, struct fuse_req, link);
        list_del(&r->link);
        c->ncached--;
    }
    spin_unlock(&c->cache_lock);
    if (!r)
        r = kpages(1);
    if (!r)
        return NULL;
    memset(r, 0, offsetof(struct fuse_req, oh) + sizeof r->oh);
    list_init(&r->link);
    r->conn = c;
    memset(&r->ih, 0, sizeof r->ih);
    r->ih.opcode = opcode;
    r->ih.nodeid = nodeid;
    r->ih.unique = __atomic_add_fetch(&c->unique, 2, __ATOMIC_RELAXED);
    if (t && t->cred) {
        r->ih.uid = t->cred->fsuid;
        r->ih.gid = t->cred->fsgid;
        r->ih.pid = (u32)t->tid;
    }
    return r;
}

void fuse_req_free(struct fuse_req *r)
{
    struct fuse_conn *c;

    if (!r || r->lost)
        return;
    c = r->conn;
    spin_lock(&c->cache_lock);
    if (c->ncached < CACHE_MAX) {
        list_add(&c->cache, &r->link);
        c->ncached++;
        r = NULL;
    }
    spin_unlock(&c->cache_lock);
    if (r)
        kpages_free(r, 1);
}

void *fuse_arg(struct fuse_req *r, size_t n)
{
    u8 *p = r->in + r->in_len;

    assert(n <= FUSE_IN_MAX - r->in_len);
    memset(p, 0, n);
    r->in_len += (u32)n;
    return p;
}

void fuse_arg_str(struct fuse_req *r, const char *s, size_t len)
{
    memcpy(fuse_arg(r, len + 1), s, len);
}

/* Queue lock held: hands out what the device is done with. */
static void collect(struct virtqueue *q)
{
    struct fuse_req *r;
    u32 len;

    while ((r = vq_used(q, &len))) {
        r->used_len = len;
        if (!r->async) {
            __atomic_store_n(&r->done, 1, __ATOMIC_RELEASE);
            continue;
        }
        if (q == &r->conn->request)
            r->conn->over++;
        if (r->ih.opcode == FUSE_SETATTR && r->oh.error)
            printk(4, "virtio-fs: attributes are lost: error %d", -r->oh.error);
        fuse_req_free(r);
    }
}

static bool conn_dead(struct fuse_conn *c, struct virtqueue *q)
{
    return q->broken || virtio_broken(c->dev);
}

/* Puts the request on the ring, waiting for room if need be: 0 or -EIO. */
static int submit(struct fuse_req *r, struct virtqueue *q, u64 *ticket_r)
{
    struct vq_buf b[4];
    unsigned nout = 0, nin = 0;
    bool async = r->async;      /* once it is on the ring it may be gone */

    r->ih.len = (u32)sizeof r->ih + r->in_len + r->send_len;
    b[nout++] = (struct vq_buf){ &r->ih, (u32)sizeof r->ih + r->in_len };
    if (r->send_len)
        b[nout++] = (struct vq_buf){ r->send, r->send_len };
    if (q == &r->conn->request) {
        b[nout + nin++] = (struct vq_buf){ &r->oh, (u32)sizeof r->oh + r->used_len };
        if (r->recv_len)
            b[nout + nin++] = (struct vq_buf){ r->recv, r->recv_len };
    }
    for (;;) {
        u32 seq = bus_seq(r->conn->dev);
        int rc;

        if (conn_dead(r->conn, q))
            return -EIO;
        spin_lock(&q->lock);
        if (q->nfree < nout + nin)
            collect(q);
        rc = vq_add(q, b, nout, nin, r);
        if (rc == 0 && ticket_r)
            *ticket_r = ++r->conn->sent;
        spin_unlock(&q->lock);
        if (rc != -ENOSPC) {
            if (rc == 0 && !async)
                vq_kick(q);
            else if (rc == 0)
                vq_kick_soon(q);
            return rc;
        }
        vq_kick(q);             /* it may sleep: what fills the ring did not wake it */
        bus_wait(r->conn->dev, seq);
    }
}

static int wait_done(struct fuse_req *r)
{
    struct fuse_conn *c = r->conn;
    struct virtqueue *q = &c->request;

    for (;;) {
        u32 seq = bus_seq(c->dev);

        if (!__atomic_load_n(&r->done, __ATOMIC_ACQUIRE)) {
            spin_lock(&q->lock);
            collect(q);
            spin_unlock(&q->lock);
        }
        if (__atomic_load_n(&r->done, __ATOMIC_ACQUIRE))
            return 0;
        if (conn_dead(c, q))
            return -EIO;
        bus_wait(c->dev, seq);
    }
}

/* The reply's header was written by the host: nothing in it is believed unchecked. */
static int check_reply(struct fuse_req *r, u32 out_size)
{
    struct fuse_out_header h = r->oh;
    u32 body;

    if (h.unique != r->ih.unique || h.len < sizeof h || h.len > r->used_len ||
        h.error > 0 || h.error < -4095)
        return -EIO;
    if (h.error)
        return h.error > -512 ? h.error : -EIO;
    body = h.len - (u32)sizeof h;
    if (body < out_size || body - out_size > r->recv_len)
        return -EIO;
    r->recv_got = body - out_size;
    return 0;
}

int fuse_call(struct fuse_req *r, u32 out_size)
{
    int rc;

    assert(out_size <= FUSE_OUT_MAX);
    r->used_len = out_size;
    rc = submit(r, &r->conn->request, NULL);
    if (rc < 0)
        return rc;
    rc = wait_done(r);
    r->lost = rc < 0;
    return rc < 0 ? rc : check_reply(r, out_size);
}

u64 fuse_send_async(struct fuse_req *r, u32 out_size)
{
    u64 ticket = 0;

    assert(out_size <= FUSE_OUT_MAX);
    r->async = true;
    r->used_len = out_size;
    if (submit(r, &r->conn->request, &ticket) < 0)
        fuse_req_free(r);
    return ticket;
}

void fuse_await(struct fuse_conn *c, u64 ticket)
{
    struct virtqueue *q = &c->request;

    spin_lock(&q->lock);
    collect(q);
    if (ticket == FUSE_ALL_SENT)
        ticket = c->sent;
    spin_unlock(&q->lock);
    if (READ_ONCE(c->over) < ticket)
        vq_kick(q);
    while (READ_ONCE(c->over) < ticket && !conn_dead(c, q)) {
        u32 seq = bus_seq(c->dev);

        spin_lock(&q->lock);
        collect(q);
        spin_unlock(&q->lock);
        if (READ_ONCE(c->over) < ticket)
            bus_wait(c->dev, seq);
    }
}

void fuse_send_forget(struct fuse_req *r)
{
    struct virtqueue *q = &r->conn->forget;

    r->async = true;
    spin_lock(&q->lock);
    collect(q);
    spin_unlock(&q->lock);
    if (submit(r, q, NULL) < 0)
        fuse_req_free(r);
}

bool fuse_conn_grants(const struct fuse_conn *c) { return c->grants; }
u32 fuse_conn_max_data(const struct fuse_conn *c) { return c->max_data; }

static int conn_init(struct fuse_conn *c)
{
    struct fuse_req *r = fuse_req_new(c, FUSE_INIT, 0);
    struct fuse_init_in *in;
    const struct fuse_init_out *out;
    int rc;

    if (!r)
        return -ENOMEM;
    in = fuse_arg(r, sizeof *in);
    in->major = FUSE_KERNEL_VERSION;
    in->minor = FUSE_KERNEL_MINOR_VERSION;
    in->max_readahead = FUSE_DATA_MAX;
    in->flags = FUSE_DONT_MASK | FUSE_BIG_WRITES | FUSE_MAX_PAGES | FUSE_PARALLEL_DIROPS |
                FUSE_DO_READDIRPLUS | FUSE_HANDLE_KILLPRIV_V2 | FUSE_ASYNC_READ |
                FUSE_ATOMIC_O_TRUNC;
    rc = fuse_call(r, sizeof *out);
    out = (const void *)r->out;
    if (rc == 0 && (out->major != FUSE_KERNEL_VERSION || out->minor < 31 || out->max_write < 4096))
        rc = -EPROTO;
    if (rc == 0)
        c->max_data = PAGE_DOWN(min(out->max_write, (u32)FUSE_DATA_MAX));
    fuse_req_free(r);
    return rc;
}

static struct bus_dev *find_device(unsigned nth)
{
    for (unsigned i = 0; i < bus_count(); i++) {
        struct bus_dev *d = bus_get(i);
        if (d && bus_type(d) == VIRTIO_ID_FS && nth-- == 0)
            return d;
    }
    return NULL;
}

static int conn_start(struct fuse_conn *c)
{
    u64 features;
    int rc = virtio_begin(c->dev, XENC_FS_F_GRANT, &features);

    if (rc == 0)
        rc = vq_init(&c->forget, c->dev, QUEUE_FORGET, FORGET_SIZE);
    if (rc == 0)
        rc = vq_init(&c->request, c->dev, QUEUE_REQUEST, RING_SIZE);
    if (rc < 0)
        return rc;
    vq_set_irq(&c->forget, !bus_counts_silent());
    vq_set_irq(&c->request, !bus_counts_silent());
    c->grants = features & XENC_FS_F_GRANT && plat_has_grants();
    virtio_ready(c->dev);
    return conn_init(c);
}

struct fuse_conn *fuse_conn_get(unsigned nth)
{
    struct fuse_conn *c = NULL;
    int rc = -ENOMEM;

    if (nth >= CONN_MAX)
        return NULL;
    mutex_lock(&conns_lock);
    if (!conns[nth] && find_device(nth) && (c = kzalloc(sizeof *c))) {
        list_init(&c->cache);
        c->dev = find_device(nth);
        rc = conn_start(c);
        if (rc < 0)
            printk(3, "virtio-fs: device %u: no connection: error %d", nth, -rc);
        else
            conns[nth] = c;
    }
    c = conns[nth];
    mutex_unlock(&conns_lock);
    return c;
}
