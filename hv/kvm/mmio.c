#include "hv/kvm/mmio.h"

#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>
#include <stdbool.h>
#include <string.h>

#define MAGIC   0x74726976u             /* "virt" */
#define VERSION 2u

/* The guest may write to its memory while we look: each word is read once. */
#define LOAD(p)     __atomic_load_n((p), __ATOMIC_SEQ_CST)
#define STORE(p, v) __atomic_store_n((p), (v), __ATOMIC_SEQ_CST)

void mmio_init(struct mmio_dev *m, struct xenc_dev *dev)
{
    *m = (struct mmio_dev){ .dev = dev };
}

static uint32_t half(uint64_t v, uint32_t sel)
{
    return sel == 0 ? (uint32_t)v : sel == 1 ? (uint32_t)(v >> 32) : 0;
}

static void set_half(uint64_t *v, uint32_t sel, uint32_t x)
{
    uint64_t old = LOAD(v);

    if (sel == 0)
        STORE(v, (old & ~0xffffffffull) | x);
    else if (sel == 1)
        STORE(v, (old & 0xffffffffull) | (uint64_t)x << 32);
}

/* The queue that is selected, or NULL. */
static struct xenc_vq *queue(const struct mmio_dev *m)
{
    uint32_t n = LOAD(&m->dev->nvqs);

    return m->queue_sel < n && m->queue_sel < XENC_MAX_VQS ? &m->dev->vq[m->queue_sel] : NULL;
}

static uint64_t read_config(const struct mmio_dev *m, uint64_t off, unsigned len)
{
    uint64_t v = 0;

    if (len <= sizeof v && off < sizeof m->dev->config && len <= sizeof m->dev->config - off)
        memcpy(&v, m->dev->config + off, len);
    return v;
}

/* There is no way to know for which queue the line was raised, and looking at one in vain
 * does no harm. */
static uint32_t interrupt_status(struct mmio_dev *m)
{
    m->shown_gen = LOAD(&m->dev->config_gen);
    return VIRTIO_MMIO_INT_VRING | (m->shown_gen != m->acked_gen ? VIRTIO_MMIO_INT_CONFIG : 0);
}

uint64_t mmio_read(struct mmio_dev *m, uint64_t off, unsigned len)
{
    const struct xenc_vq *q = queue(m);

    if (off >= VIRTIO_MMIO_CONFIG)
        return read_config(m, off - VIRTIO_MMIO_CONFIG, len);
    if (len != 4)
        return 0;
    switch (off) {
    case VIRTIO_MMIO_MAGIC_VALUE: return MAGIC;
    case VIRTIO_MMIO_VERSION: return VERSION;
    case VIRTIO_MMIO_DEVICE_ID: return LOAD(&m->dev->type);
    case VIRTIO_MMIO_VENDOR_ID: return MMIO_VENDOR;
    case VIRTIO_MMIO_DEVICE_FEATURES: return half(LOAD(&m->dev->host_features), m->host_sel);
    case VIRTIO_MMIO_QUEUE_NUM_MAX: return q ? MMIO_QUEUE_MAX : 0;
    case VIRTIO_MMIO_QUEUE_READY: return q && LOAD(&q->ready) != 0;
    case VIRTIO_MMIO_INTERRUPT_STATUS: return interrupt_status(m);
    case VIRTIO_MMIO_STATUS: return LOAD(&m->dev->status);
    case VIRTIO_MMIO_CONFIG_GENERATION: return LOAD(&m->dev->config_gen);
    /* No shared memory region: its length reads as -1 (4.2.2). */
    case VIRTIO_MMIO_SHM_LEN_LOW: return 0xffffffff;
    case VIRTIO_MMIO_SHM_LEN_HIGH: return 0xffffffff;
    case VIRTIO_MMIO_SHM_BASE_LOW: return 0xffffffff;
    case VIRTIO_MMIO_SHM_BASE_HIGH: return 0xffffffff;
    }
    return 0;
}

static enum mmio_event reset(struct mmio_dev *m)
{
    for (unsigned i = 0; i < XENC_MAX_VQS; i++)
        STORE(&m->dev->vq[i].ready, 0);
    STORE(&m->dev->guest_features, 0);
    STORE(&m->dev->status, 0);
    m->host_sel = m->guest_sel = m->queue_sel = 0;
    return MMIO_STATUS;
}

/* FEATURES_OK stays off when the driver wants what was not offered, or an older device. */
static enum mmio_event set_status(struct mmio_dev *m, uint32_t v)
{
    uint64_t f = LOAD(&m->dev->guest_features);
    bool ok = !(f & ~LOAD(&m->dev->host_features)) && f >> VIRTIO_F_VERSION_1 & 1;

    if (!v)
        return reset(m);
    if (!ok)
        v &= ~(uint32_t)VIRTIO_CONFIG_S_FEATURES_OK;
    /* That bit is the device's word. */
    STORE(&m->dev->status, (v & ~(uint32_t)VIRTIO_CONFIG_S_NEEDS_RESET) |
                           (LOAD(&m->dev->status) & VIRTIO_CONFIG_S_NEEDS_RESET));
    return MMIO_STATUS;
}

static enum mmio_event write_queue(struct mmio_dev *m, uint64_t off, uint32_t v)
{
    struct xenc_vq *q = queue(m);

    if (!q)
        return MMIO_NOTHING;
    switch (off) {
    case VIRTIO_MMIO_QUEUE_NUM: STORE(&q->num, v); break;
    case VIRTIO_MMIO_QUEUE_DESC_LOW: set_half(&q->desc, 0, v); break;
    case VIRTIO_MMIO_QUEUE_DESC_HIGH: set_half(&q->desc, 1, v); break;
    case VIRTIO_MMIO_QUEUE_AVAIL_LOW: set_half(&q->avail, 0, v); break;
    case VIRTIO_MMIO_QUEUE_AVAIL_HIGH: set_half(&q->avail, 1, v); break;
    case VIRTIO_MMIO_QUEUE_USED_LOW: set_half(&q->used, 0, v); break;
    case VIRTIO_MMIO_QUEUE_USED_HIGH: set_half(&q->used, 1, v); break;
    case VIRTIO_MMIO_QUEUE_READY:
        /* A number of its own for each time, so that the device sees a new queue. */
        STORE(&q->ready, v & 1 ? ++m->sets | 1u << 31 : 0);
        break;
    }
    return MMIO_NOTHING;
}

enum mmio_event mmio_write(struct mmio_dev *m, uint64_t off, unsigned len, uint64_t v)
{
    uint32_t w = (uint32_t)v;

    if (off >= VIRTIO_MMIO_CONFIG) {
        off -= VIRTIO_MMIO_CONFIG;
        if (len <= sizeof v && off < sizeof m->dev->config && len <= sizeof m->dev->config - off)
            memcpy(m->dev->config + off, &v, len);
        return MMIO_NOTHING;
    }
    if (len != 4)
        return MMIO_NOTHING;
    switch (off) {
    case VIRTIO_MMIO_DEVICE_FEATURES_SEL: m->host_sel = w; break;
    case VIRTIO_MMIO_DRIVER_FEATURES_SEL: m->guest_sel = w; break;
    case VIRTIO_MMIO_DRIVER_FEATURES: set_half(&m->dev->guest_features, m->guest_sel, w); break;
    case VIRTIO_MMIO_QUEUE_SEL: m->queue_sel = w; break;
    case VIRTIO_MMIO_INTERRUPT_ACK:
        if (w & VIRTIO_MMIO_INT_CONFIG)
            m->acked_gen = m->shown_gen;
        break;
    case VIRTIO_MMIO_QUEUE_NOTIFY: return MMIO_NOTIFY;
    case VIRTIO_MMIO_STATUS: return set_status(m, w);
    default: return write_queue(m, off, w);
    }
    return MMIO_NOTHING;
}
