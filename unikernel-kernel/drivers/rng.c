/* virtio entropy device (virtio 1.2, 5.4): one buffer, asked for now and then; what
 * comes is mixed into the generator by the kworker. Nobody waits for it. */
#include "random.h"
#include <linux/virtio_ids.h>
#include "virtqueue.h"

enum { RNG_BYTES = 64 };

static struct {
    struct bus_dev *dev;
    struct virtqueue q;
    u8 *buf;
    bool posted;
} rng;

static void rng_irq(void *arg)
{
    u32 len = 0;
    bool came;

    spin_lock(&rng.q.lock);
    came = vq_used(&rng.q, &len) != NULL;
    spin_unlock(&rng.q.lock);
    if (!came)
        return;
    random_add(rng.buf, min(len, (u32)RNG_BYTES));
    memset(rng.buf, 0, RNG_BYTES);
    __atomic_store_n(&rng.posted, false, __ATOMIC_RELEASE);
}

void rng_request(void)
{
    struct vq_buf b = { rng.buf, RNG_BYTES };
    int rc;

    if (!rng.dev || __atomic_exchange_n(&rng.posted, true, __ATOMIC_ACQ_REL))
        return;
    spin_lock(&rng.q.lock);
    rc = vq_add(&rng.q, &b, 0, 1, rng.buf);
    spin_unlock(&rng.q.lock);
    if (rc == 0)
        vq_kick(&rng.q);
}

void rng_init(void)
{
    struct bus_dev *d = NULL;
    u64 features;

    for (unsigned i = 0; i < bus_count(); i++) {
        d = bus_get(i);
        if (d && bus_type(d) == VIRTIO_ID_RNG)
            break;
        d = NULL;
    }
    if (!d)
        return;
    rng.buf = kzalloc(RNG_BYTES);
    if (!rng.buf || virtio_begin(d, 0, &features) < 0 || vq_init(&rng.q, d, 0, 8) < 0) {
        printk(4, "rng: the entropy device is not used");
        return;
    }
    bus_set_irq(d, rng_irq, NULL);
    virtio_ready(d);
    rng.dev = d;
}
