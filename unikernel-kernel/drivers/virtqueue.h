/* The driver's side of split virtqueues (virtio 1.2, 2.7). Buffers lie in kernel heap
 * memory, which is contiguous for the device. Everything the device writes into the
 * ring is checked: one bad index marks the queue broken, and it stays so. */
#ifndef VIRTQUEUE_H
#define VIRTQUEUE_H
#include "bus.h"

struct vring_desc;
struct vring_avail;
struct vring_used;

struct virtqueue {
    struct bus_dev *dev;
    unsigned index;
    u32 num;
    struct spinlock lock;       /* held by the caller around vq_add .. vq_used */
    u16 free_head, nfree, last_used;
    bool broken;
    struct vring_desc *desc;
    struct vring_avail *avail;
    struct vring_used *used;
    void **token;               /* by first descriptor; NULL: not in flight */
    u16 *next;                  /* chains as we made them: the ring's own copy is shared */
};

struct vq_buf { void *p; u32 len; };

/* Resets the device, negotiates (wanted & what it offers) and returns 0 or -errno. */
int virtio_begin(struct bus_dev *dev, u64 wanted, u64 *features_r);
void virtio_ready(struct bus_dev *dev);         /* DRIVER_OK */
bool virtio_broken(struct bus_dev *dev);        /* it asks for a reset */

/* num: entries, a power of two up to 256. 0 or -ENOMEM. */
int vq_init(struct virtqueue *q, struct bus_dev *dev, unsigned index, u32 num);
/* One chain: nout buffers the device reads, then nin that it writes. token (not NULL)
 * comes back from vq_used. 0, -ENOSPC (no free descriptors), -EIO (broken). */
int vq_add(struct virtqueue *q, const struct vq_buf *b, unsigned nout, unsigned nin, void *token);
/* Tells the device about what was added, unless it asked not to be told. */
void vq_kick(struct virtqueue *q);
void vq_kick_soon(struct virtqueue *q);         /* bus_notify_soon */
/* Does the device interrupt when it has used buffers of this queue? At first: yes. After
 * switching it on look at the ring once more: what was used before came silently. */
void vq_set_irq(struct virtqueue *q, bool on);
/* The next chain the device is done with: its token, NULL: none. len_r: bytes written. */
void *vq_used(struct virtqueue *q, u32 *len_r);
#endif
