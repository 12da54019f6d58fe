// uses: unikernel-kernel/drivers/virtqueue.c unikernel-kernel/drivers/virtio_fs.c
/* The driver's side of virtqueues and of virtio-fs, against a device made here: rings
 * wrap, hostile used entries break the queue and nothing else, many tasks share one
 * request queue. */
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_ring.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include "unitplat.h"
#include "abi/fs.h"
#include "../../unikernel-kernel/drivers/virtqueue.h"
#include "fuse.h"

/* -- a bus with one device -- */

struct bus_dev {
    u32 status, seq, notified;
    u64 features;
    struct { u32 num; struct vring_desc *desc; struct vring_avail *avail;
             struct vring_used *used; u16 at; } q[2];
};
static struct bus_dev dev;

unsigned bus_count(void) { return 1; }
struct bus_dev *bus_get(unsigned i) { return i ? NULL : &dev; }
u32 bus_type(struct bus_dev *d) { return VIRTIO_ID_FS; }
u64 bus_host_features(struct bus_dev *d) { return 1ull << VIRTIO_F_VERSION_1 | 1; }
void bus_set_features(struct bus_dev *d, u64 f) { d->features = f; }
u32 bus_status(struct bus_dev *d) { return __atomic_load_n(&d->status, __ATOMIC_SEQ_CST); }
void bus_set_status(struct bus_dev *d, u32 s) { d->status = s; }
void bus_notify_soon(struct bus_dev *d, unsigned q) { __atomic_add_fetch(&d->notified, 1, __ATOMIC_SEQ_CST); }
void bus_notify(struct bus_dev *d, unsigned q) { __atomic_add_fetch(&d->notified, 1, __ATOMIC_SEQ_CST); }
u32 bus_seq(struct bus_dev *d) { return __atomic_load_n(&d->seq, __ATOMIC_SEQ_CST); }
bool bus_counts_silent(void) { return true; }
void bus_wait(struct bus_dev *d, u32 seq)
{
    while (bus_seq(d) == seq && !(bus_status(d) & VIRTIO_CONFIG_S_NEEDS_RESET))
        sched_yield();
}
u64 plat_gpa(const void *p) { return (u64)p; }
bool plat_has_grants(void) { return false; }

void bus_setup_queue(struct bus_dev *d, unsigned q, u32 num, u64 desc, u64 avail, u64 used)
{
    d->q[q].num = num;
    d->q[q].desc = (void *)desc;
    d->q[q].avail = (void *)avail;
    d->q[q].used = (void *)used;
    d->q[q].at = 0;
}

static bool dev_pop(unsigned q, u16 *head)
{
    if (__atomic_load_n(&dev.q[q].avail->idx, __ATOMIC_ACQUIRE) == dev.q[q].at)
        return false;
    *head = dev.q[q].avail->ring[dev.q[q].at++ & (dev.q[q].num - 1)];
    return true;
}

static void dev_push(unsigned q, u32 id, u32 len)
{
    struct vring_used *u = dev.q[q].used;

    u->ring[u->idx & (dev.q[q].num - 1)] = (struct vring_used_elem){ id, len };
    __atomic_store_n(&u->idx, (u16)(u->idx + 1), __ATOMIC_RELEASE);
    __atomic_add_fetch(&dev.seq, 1, __ATOMIC_SEQ_CST);
}

/* -- the ring -- */

static void drop(struct virtqueue *q)
{
    kfree(q->desc);             /* all of it lies in one block */
}

static void test_ring(void)
{
    static u8 mem[64];
    struct vq_buf b[3] = { { mem, 8 }, { mem + 8, 8 }, { mem + 16, 8 } };
    struct virtqueue q;
    int bad = 0, tokens[4];
    u32 len;
    u16 head;

    tap_is(vq_init(&q, &dev, 0, 8), 0, "a queue of eight");
    tap_is(vq_add(&q, b, 2, 1, &tokens[0]), 0, "a chain of three");
    tap_is(vq_add(&q, b, 1, 2, &tokens[1]), 0, "another");
    tap_is(vq_add(&q, b, 3, 0, &tokens[2]), -ENOSPC, "two left are not three");
    tap_ok(dev_pop(0, &head) && !(q.desc[head].flags & VRING_DESC_F_WRITE), "read first");
    head = q.desc[q.desc[head].next].next;
    tap_is(q.desc[head].flags, VRING_DESC_F_WRITE, "the last is for writing and ends it");
    for (int i = 0; i < 100000; i++) {          /* indices wrap, order changes */
        void *t;

        dev_push(0, i & 1 ? 3 : 0, (u32)i);
        t = vq_used(&q, &len);
        bad += !t || len != (u32)i || vq_used(&q, NULL);
        bad += vq_add(&q, b, 1, 2, t) != 0;
    }
    tap_is(bad, 0, "100000 chains through eight descriptors");
    dev_push(0, 1, 0);
    tap_ok(!vq_used(&q, NULL) && q.broken, "not the head of a chain: broken");
    tap_is(vq_add(&q, b, 1, 0, mem), -EIO, "and it stays so");
    drop(&q);
    vq_init(&q, &dev, 0, 8);
    dev_push(0, 4096, 0);
    tap_ok(!vq_used(&q, NULL) && q.broken, "out of range: broken");
    drop(&q);
}

/* -- FUSE -- */

enum { GOOD, BAD_UNIQUE, BAD_LEN, BAD_ERROR, TOO_SHORT };
static u32 behaviour, stop;

static void answer(u16 head)
{
    struct vring_desc *d = &dev.q[1].desc[head];
    struct fuse_in_header *ih = (void *)d->addr;
    struct fuse_out_header oh = { sizeof oh, 0, ih->unique };
    u8 body[256] = { 0 };
    u32 n = 0, total = 0;

    while (d->flags & VRING_DESC_F_NEXT && !(d->flags & VRING_DESC_F_WRITE))
        d = &dev.q[1].desc[d->next];
    if (ih->opcode == FUSE_INIT) {
        struct fuse_init_out o = { .major = 7, .minor = 31, .max_write = 65536 };

        memcpy(body, &o, n = sizeof o);
    } else if (ih->opcode == FUSE_GETATTR) {
        struct fuse_attr_out o = { .attr.ino = ih->nodeid };

        memcpy(body, &o, n = sizeof o);
    } else if (ih->opcode == FUSE_UNLINK) {
        oh.error = -ENOENT;
    }
    if (behaviour == TOO_SHORT)
        n = n ? n - 8 : 0;
    oh.len += n;
    total = oh.len;
    if (behaviour == BAD_UNIQUE)
        oh.unique++;
    if (behaviour == BAD_LEN)
        oh.len += 4096;
    if (behaviour == BAD_ERROR)
        oh.error = -100000;
    memcpy((void *)d->addr, &oh, sizeof oh);
    memcpy((u8 *)d->addr + sizeof oh, body, n);
    dev_push(1, head, total);
}

static void *device(void *arg)
{
    u16 heads[8], n = 0;

    while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
        if (dev.q[1].avail && n < 8 && dev_pop(1, &heads[n])) {
            n++;
            continue;
        }
        while (n)                       /* the last first */
            answer(heads[--n]);
        sched_yield();
    }
    return NULL;
}

static int getattr(struct fuse_conn *c, u64 node)
{
    struct fuse_req *r = fuse_req_new(c, FUSE_GETATTR, node);
    int rc;

    fuse_arg(r, sizeof(struct fuse_getattr_in));
    rc = fuse_call(r, sizeof(struct fuse_attr_out));
    if (rc == 0 && ((struct fuse_attr_out *)(void *)r->out)->attr.ino != node)
        rc = -EPROTO;
    fuse_req_free(r);
    return rc;
}

static u32 failures;
static void client(void *arg)
{
    for (u64 i = 1; i < 2000; i++)
        if (getattr(arg, i + (u64)current()->tid * 10000) != 0)
            __atomic_add_fetch(&failures, 1, __ATOMIC_SEQ_CST);
}

static void test_fuse(void)
{
    static const char *const names[] = { NULL, "wrong unique", "length beyond what was written",
                                         "no error number", "short" };
    struct task *t[4];
    struct fuse_conn *c;
    struct fuse_req *r;
    pthread_t th;

    pthread_create(&th, NULL, device, NULL);
    c = fuse_conn_get(0);
    tap_ok(c != NULL, "FUSE_INIT");
    tap_is(fuse_conn_max_data(c), 65536, "the device's limit holds");
    tap_is(getattr(c, 77), 0, "GETATTR");
    r = fuse_req_new(c, FUSE_UNLINK, 1);
    fuse_arg_str(r, "x", 1);
    tap_is(fuse_call(r, 0), -ENOENT, "an error comes through");
    fuse_req_free(r);
    for (behaviour = BAD_UNIQUE; behaviour <= TOO_SHORT; behaviour++)
        tap_is(getattr(c, 5), -EIO, "reply refused: %s", names[behaviour]);
    behaviour = GOOD;
    for (int i = 0; i < 4; i++)
        unit_task_run(t[i] = unit_task_new(NULL), client, c);
    for (int i = 0; i < 4; i++)
        unit_task_join(t[i]);
    tap_is(failures, 0, "four tasks, 8000 requests answered out of order");
    __atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
    pthread_join(th, NULL);
    dev.status |= VIRTIO_CONFIG_S_NEEDS_RESET;
    tap_is(getattr(c, 5), -EIO, "a broken device answers EIO, without waiting");
}

int main(void)
{
    unit_log_level = 0;
    unit_task_init();
    test_ring();
    test_fuse();
    return tap_end();
}
