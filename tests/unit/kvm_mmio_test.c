// uses: hv/kvm/mmio.c
/* virtio-mmio registers: a driver's way through them, and what else it may try. */
#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>
#include <string.h>

#include "hv/kvm/mmio.h"
#include "tap.h"

static struct xenc_dev dev;
static struct mmio_dev m;

#define VERSION_1 (1ull << VIRTIO_F_VERSION_1)

static uint32_t get(uint64_t off) { return (uint32_t)mmio_read(&m, off, 4); }
static enum mmio_event set(uint64_t off, uint32_t v) { return mmio_write(&m, off, 4, v); }

static void fresh(void)
{
    memset(&dev, 0, sizeof dev);
    dev.type = 26;
    dev.nvqs = 2;
    dev.host_features = VERSION_1 | 5;
    memcpy(dev.config, "abcdefgh", 8);
    mmio_init(&m, &dev);
}

static void set_features(uint64_t f)
{
    for (uint32_t i = 0; i < 2; i++) {
        set(VIRTIO_MMIO_DRIVER_FEATURES_SEL, i);
        set(VIRTIO_MMIO_DRIVER_FEATURES, (uint32_t)(f >> 32 * i));
    }
}

static void test_identity(void)
{
    fresh();
    tap_is(get(VIRTIO_MMIO_MAGIC_VALUE), 0x74726976, "magic");
    tap_is(get(VIRTIO_MMIO_VERSION), 2, "version");
    tap_is(get(VIRTIO_MMIO_DEVICE_ID), 26, "device");
    tap_is(get(VIRTIO_MMIO_VENDOR_ID), MMIO_VENDOR, "vendor");
    tap_is(get(VIRTIO_MMIO_DEVICE_FEATURES), 5, "features, lower half");
    set(VIRTIO_MMIO_DEVICE_FEATURES_SEL, 1);
    tap_is(get(VIRTIO_MMIO_DEVICE_FEATURES), 1, "upper half");
    set(VIRTIO_MMIO_DEVICE_FEATURES_SEL, 2);
    tap_is(get(VIRTIO_MMIO_DEVICE_FEATURES), 0, "there is no third");
    tap_is(get(VIRTIO_MMIO_SHM_LEN_LOW), 0xffffffffu, "no shared memory");
}

static void test_status(void)
{
    fresh();
    set_features(VERSION_1 | 4);
    tap_is(dev.guest_features, VERSION_1 | 4, "the driver's features arrive");
    tap_is(set(VIRTIO_MMIO_STATUS, 11), MMIO_STATUS, "a status is news for the device");
    tap_is(get(VIRTIO_MMIO_STATUS), 11, "features that were offered are accepted");
    dev.status |= VIRTIO_CONFIG_S_NEEDS_RESET;
    set(VIRTIO_MMIO_STATUS, 15);
    tap_is(get(VIRTIO_MMIO_STATUS), 15 | VIRTIO_CONFIG_S_NEEDS_RESET,
           "the device's own bit is not the driver's to clear");
    tap_is(set(VIRTIO_MMIO_STATUS, 0), MMIO_STATUS, "a reset is news for the device");
    tap_ok(dev.status == 0 && dev.guest_features == 0, "and clears all");
    set_features(VERSION_1 | 8);
    set(VIRTIO_MMIO_STATUS, 11);
    tap_is(get(VIRTIO_MMIO_STATUS), 3, "features that were not offered are not");
    fresh();
    set_features(5);
    set(VIRTIO_MMIO_STATUS, 11);
    tap_is(get(VIRTIO_MMIO_STATUS), 3, "nor a driver of before version 1");
}

static void test_queues(void)
{
    fresh();
    set(VIRTIO_MMIO_QUEUE_SEL, 1);
    tap_is(get(VIRTIO_MMIO_QUEUE_NUM_MAX), MMIO_QUEUE_MAX, "the most entries");
    set(VIRTIO_MMIO_QUEUE_NUM, 64);
    set(VIRTIO_MMIO_QUEUE_DESC_LOW, 0x1000);
    set(VIRTIO_MMIO_QUEUE_DESC_HIGH, 1);
    set(VIRTIO_MMIO_QUEUE_AVAIL_LOW, 0x2000);
    set(VIRTIO_MMIO_QUEUE_USED_LOW, 0x3000);
    set(VIRTIO_MMIO_QUEUE_USED_HIGH, 2);
    set(VIRTIO_MMIO_QUEUE_READY, 1);
    tap_ok(dev.vq[1].num == 64 && dev.vq[1].desc == 0x100001000 && dev.vq[1].avail == 0x2000 &&
           dev.vq[1].used == 0x200003000, "a queue's words");
    uint32_t first = dev.vq[1].ready;
    tap_ok(first && get(VIRTIO_MMIO_QUEUE_READY) == 1, "it is ready");
    set(VIRTIO_MMIO_QUEUE_READY, 0);
    tap_is(get(VIRTIO_MMIO_QUEUE_READY), 0, "and is not");
    set(VIRTIO_MMIO_QUEUE_READY, 1);
    tap_ok(dev.vq[1].ready && dev.vq[1].ready != first, "the next one is another queue");
    tap_ok(dev.vq[0].ready == 0, "its neighbour is as it was");
    tap_is(set(VIRTIO_MMIO_QUEUE_NOTIFY, 1), MMIO_NOTIFY, "a doorbell that came here is passed on");
    for (unsigned i = 2; i < 10; i++) {
        struct xenc_dev before = dev;
        set(VIRTIO_MMIO_QUEUE_SEL, i == 9 ? 0xffffffff : i);
        set(VIRTIO_MMIO_QUEUE_NUM, 7);
        set(VIRTIO_MMIO_QUEUE_READY, 1);
        if (!tap_ok(get(VIRTIO_MMIO_QUEUE_NUM_MAX) == 0 && !memcmp(&before, &dev, sizeof dev),
                    "queue %u is none", i))
            break;
    }
    set(VIRTIO_MMIO_STATUS, 0);
    tap_ok(!dev.vq[1].ready, "a reset takes the queues away");
}

static void test_config(void)
{
    fresh();
    tap_is(mmio_read(&m, VIRTIO_MMIO_CONFIG + 1, 1), 'b', "a byte");
    tap_is(mmio_read(&m, VIRTIO_MMIO_CONFIG + 2, 2), 'c' | 'd' << 8, "two");
    tap_is(mmio_read(&m, VIRTIO_MMIO_CONFIG + sizeof dev.config - 1, 4), 0,
           "nothing behind the end");
    tap_is(mmio_read(&m, VIRTIO_MMIO_CONFIG + 0xe00, 8), 0, "far behind");
    struct xenc_dev before = dev;
    mmio_write(&m, VIRTIO_MMIO_CONFIG + sizeof dev.config - 1, 4, ~0ull);
    mmio_write(&m, VIRTIO_MMIO_CONFIG + 0xefc, 4, ~0ull);
    tap_ok(!memcmp(&before, &dev, sizeof dev), "writes behind the end do nothing");
    tap_is(mmio_read(&m, VIRTIO_MMIO_MAGIC_VALUE, 1), 0, "registers are 32 bits wide");
    tap_is(get(VIRTIO_MMIO_INTERRUPT_STATUS), VIRTIO_MMIO_INT_VRING, "an interrupt");
    dev.config_gen++;
    tap_is(get(VIRTIO_MMIO_INTERRUPT_STATUS), VIRTIO_MMIO_INT_VRING | VIRTIO_MMIO_INT_CONFIG,
           "one of a change");
    dev.config_gen++;           /* between the look and the answer */
    set(VIRTIO_MMIO_INTERRUPT_ACK, 3);
    tap_ok(get(VIRTIO_MMIO_INTERRUPT_STATUS) & VIRTIO_MMIO_INT_CONFIG,
           "a change that was not shown is not acknowledged");
    set(VIRTIO_MMIO_INTERRUPT_ACK, 3);
    tap_is(get(VIRTIO_MMIO_INTERRUPT_STATUS), VIRTIO_MMIO_INT_VRING, "then it is");
}

int main(void)
{
    test_identity();
    test_status();
    test_queues();
    test_config();
    return tap_end();
}
