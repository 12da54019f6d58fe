/* Split virtqueues and the virtio status dance, driver's side. */
#include "virtqueue.h"
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include "plat.h"

int virtio_begin(struct bus_dev *dev, u64 wanted, u64 *features_r)
{
    u64 features = bus_host_features(dev) & (wanted | 1ull << VIRTIO_F_VERSION_1);
    u32 status = VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER;

    bus_set_status(dev, 0);
    bus_set_status(dev, VIRTIO_CONFIG_S_ACKNOWLEDGE);
    bus_set_status(dev, status);
    bus_set_features(dev, features);
    status |= VIRTIO_CONFIG_S_FEATURES_OK;
    bus_set_status(dev, status);
    if (!(bus_status(dev) & VIRTIO_CONFIG_S_FEATURES_OK))
        return -ENODEV;
    *features_r = features;
    return 0;
}

void virtio_ready(struct bus_dev *dev)
{
    bus_set_status(dev, bus_status(dev) | VIRTIO_CONFIG_S_DRIVER_OK);
}

bool virtio_broken(struct bus_dev *dev)
{
    return bus_status(dev) & (VIRTIO_CONFIG_S_NEEDS_RESET | VIRTIO_CONFIG_S_FAILED);
}

/* The rings and what is our own, in one block: small queues share a page with other
 * things. What the device writes is apart from what it only reads, a cache line's worth. */
enum { USED_ALIGN = 64 };

int vq_init(struct virtqueue *q, struct bus_dev *dev, unsigned index, u32 num)
{
    const size_t token = num * sizeof(struct vring_desc), avail = token + num * sizeof *q->token;
    const size_t next = avail + 6 + 2 * num, used_end = next + num * sizeof *q->next + USED_ALIGN;
    u8 *mem = kzalloc(used_end + 6 + num * sizeof(struct vring_used_elem));

    memset(q, 0, sizeof *q);
    if (!mem)
        return -ENOMEM;
    q->dev = dev;
    q->index = index;
    q->num = num;
    q->nfree = (u16)num;
    q->desc = (void *)mem;
    q->token = (void *)(mem + token);
    q->avail = (void *)(mem + avail);
    q->next = (void *)(mem + next);
    q->used = (void *)((u64)(mem + used_end) & ~(u64)(USED_ALIGN - 1));
    for (u32 i = 0; i < num; i++)
        q->next[i] = (u16)(i + 1);
    bus_setup_queue(dev, index, num, plat_gpa(q->desc), plat_gpa(q->avail), plat_gpa(q->used));
    return 0;
}

int vq_add(struct virtqueue *q, const struct vq_buf *b, unsigned nout, unsigned nin, void *token)
{
    unsigned n = nout + nin;
    u16 head = q->free_head, i = head, last = head;

    if (q->broken)
        return -EIO;
    if (n > q->nfree)
        return -ENOSPC;
    for (unsigned k = 0; k < n; k++) {
        struct vring_desc *d = &q->desc[i];
        d->addr = plat_gpa(b[k].p);
        d->len = b[k].len;
        d->flags = (u16)((k >= nout ? VRING_DESC_F_WRITE : 0) |
                         (k + 1 < n ? VRING_DESC_F_NEXT : 0));
        d->next = q->next[i];
        last = i;
        i = q->next[i];
    }
    q->free_head = i;
    q->next[last] = (u16)q->num;        /* end of this chain */
    q->nfree = (u16)(q->nfree - n);
    q->token[head] = token;
    q->avail->ring[q->avail->idx & (q->num - 1)] = head;
    __atomic_store_n(&q->avail->idx, (u16)(q->avail->idx + 1), __ATOMIC_RELEASE);
    return 0;
}

void vq_kick(struct virtqueue *q)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);    /* our index before its flag */
    if (!(READ_ONCE(q->used->flags) & VRING_USED_F_NO_NOTIFY))
        bus_notify(q->dev, q->index);
}

void vq_kick_soon(struct virtqueue *q)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (!(READ_ONCE(q->used->flags) & VRING_USED_F_NO_NOTIFY))
        bus_notify_soon(q->dev, q->index);
}

void vq_set_irq(struct virtqueue *q, bool on)
{
    u16 flags = on ? 0 : VRING_AVAIL_F_NO_INTERRUPT;

    if (q->avail->flags != flags) {
        WRITE_ONCE(q->avail->flags, flags);
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
    }
}

static void free_chain(struct virtqueue *q, u16 head)
{
    u16 i = head;
    unsigned n = 1;

    while (q->next[i] != q->num) {
        i = q->next[i];
        n++;
    }
    q->next[i] = q->free_head;
    q->free_head = head;
    q->nfree = (u16)(q->nfree + n);
}

void *vq_used(struct virtqueue *q, u32 *len_r)
{
    const struct vring_used_elem *e;
    void *token;
    u32 id;

    if (q->broken || __atomic_load_n(&q->used->idx, __ATOMIC_ACQUIRE) == q->last_used)
        return NULL;
    e = &q->used->ring[q->last_used & (q->num - 1)];
    id = READ_ONCE(e->id);
    if (len_r)
        *len_r = READ_ONCE(e->len);
    if (id >= q->num || !q->token[id]) {
        q->broken = true;
        printk(3, "virtio: device %u queue %u: bad used entry %u", bus_type(q->dev), q->index, id);
        return NULL;
    }
    token = q->token[id];
    q->token[id] = NULL;
    free_chain(q, (u16)id);
    q->last_used++;
    return token;
}
