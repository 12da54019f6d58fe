/* virtio balloon (virtio 1.2, 5.5), of which only free page reporting is used: no page
 * is ever taken from us, we tell which ones are free. */
#include "balloon.h"
#include <linux/virtio_balloon.h>
#include <linux/virtio_ids.h>
#include "virtqueue.h"

enum { RING = 8 };

static struct {
    struct bus_dev *dev;
    struct virtqueue q;
    struct mutex lock;
} balloon;

static bool offered(u64 features, unsigned bit) { return features >> bit & 1; }

/* Of the five queues those exist whose features the device offers: ours is the last. */
static unsigned queue_index(u64 f)
{
    return 2 + offered(f, VIRTIO_BALLOON_F_STATS_VQ) + offered(f, VIRTIO_BALLOON_F_FREE_PAGE_HINT);
}

void balloon_init(void)
{
    struct bus_dev *d = NULL;
    u64 wanted = 1ull << VIRTIO_BALLOON_F_REPORTING, features;

    for (unsigned i = 0; i < bus_count() && !d; i++)
        if (bus_get(i) && bus_type(bus_get(i)) == VIRTIO_ID_BALLOON)
            d = bus_get(i);
    if (!d || !offered(bus_host_features(d), VIRTIO_BALLOON_F_REPORTING))
        return;
    if (virtio_begin(d, wanted, &features) < 0 ||
        vq_init(&balloon.q, d, queue_index(bus_host_features(d)), RING) < 0) {
        printk(4, "balloon: the device is not used");
        return;
    }
    virtio_ready(d);
    balloon.dev = d;
}

void balloon_report(void *p, size_t len)
{
    struct virtqueue *q = &balloon.q;
    struct vq_buf b = { p, (u32)len };

    /* Who comes while a report is under way keeps its pages for the next time. */
    if (!balloon.dev || len > 1u << 30 || !mutex_trylock(&balloon.lock))
        return;
    u32 seq = bus_seq(balloon.dev);
    if (vq_add(q, &b, 0, 1, q) == 0) {
        vq_kick(q);
        while (!vq_used(q, NULL) && !q->broken && !virtio_broken(balloon.dev)) {
            bus_wait(balloon.dev, seq);
            seq = bus_seq(balloon.dev);
        }
    }
    mutex_unlock(&balloon.lock);
}
