// uses: hv/dev/[!m]*.c base/err.c tests/unit/dev_guest.c
/* Virtqueues, device side: what a driver may do and what breaks its device. */
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <string.h>

#include "dev_guest.h"
#include "hv/dev/queue.h"
#include "tap.h"

static struct guest g;
static struct dev_mem mem;
static struct dev dev;
static struct chain c;

static void fresh(void)
{
    static const struct guest_host h = { .con = { { -1, -1 }, { -1, -1 } } };

    if (g.mem)
        guest_stop(&g);
    guest_init(&g, &h);
    mem = (struct dev_mem){ g.mem, G_MEM };
    dev_init(&dev, &mem, DEV_FS, 2, "test");
}

static bool broken(void)
{
    return (g.boot->dev[DEV_FS].status & VIRTIO_CONFIG_S_NEEDS_RESET) && dev.keep->broken;
}

static void offer(unsigned slot)
{
    guest_offer(&g, DEV_FS, 1, slot, 0x80000 + slot * 64, 64, 0x90000, 128);
}

static void test_good(void)
{
    fresh();
    tap_ok(!dev_pop(&dev, 1, &c), "an empty queue gives nothing");
    offer(0);
    offer(1);
    tap_ok(dev_avail(&dev, 1) && dev_pop(&dev, 1, &c), "a chain is taken");
    tap_ok(c.nread == 1 && c.nwrite == 1 && c.read_len == 64 && c.write_len == 128,
           "its parts");
    tap_ok(c.iov[0].iov_base == g.mem + 0x80000 && c.iov[1].iov_base == g.mem + 0x90000,
           "lie where they were put");
    dev_push(&dev, 1, &c, 7);
    g.boot->irq_pending = 0;
    dev_notify(&dev, 1);
    tap_is(guest_used_wait(&g, DEV_FS, 1, 0), 7, "the used length arrives");
    tap_ok(g.boot->irq_pending == 1u << DEV_FS && g.boot->irq_seq == 1, "with an interrupt");
    tap_is(g.boot->dev[DEV_FS].done_seq, 1, "and a count");
    guest_avail(&g, DEV_FS, 1)[0] = VRING_AVAIL_F_NO_INTERRUPT;
    tap_ok(dev_pop(&dev, 1, &c), "the second chain");
    dev_push(&dev, 1, &c, 0);
    dev_notify(&dev, 1);
    tap_ok(g.boot->irq_seq == 1 && g.boot->dev[DEV_FS].done_seq == 2,
           "no interrupt where none is wanted");
    for (unsigned i = 0; i < 70000; i++) {
        offer(i % 8);
        if (!dev_pop(&dev, 1, &c))
            break;
        dev_push(&dev, 1, &c, i & 0xff);
        if (guest_used_wait(&g, DEV_FS, 1, 0) < 0)
            break;
    }
    tap_is(guest_used(&g, DEV_FS, 1)[1], (uint16_t)70002, "indexes wrap round");
}

static void test_merge(void)
{
    struct vring_desc *t;

    fresh();
    t = guest_desc(&g, DEV_FS, 1);
    offer(0);
    t[0] = (struct vring_desc){ 0x1000, 0x1000, VRING_DESC_F_NEXT, 1 };
    t[1] = (struct vring_desc){ 0x2000, 0x10, VRING_DESC_F_NEXT, 2 };
    t[2] = (struct vring_desc){ 0x2010, 0x10, VRING_DESC_F_NEXT | VRING_DESC_F_WRITE, 3 };
    t[3] = (struct vring_desc){ 0x7000, 0, VRING_DESC_F_WRITE, 0 };
    tap_ok(dev_pop(&dev, 1, &c) && c.nread == 1 && c.iov[0].iov_len == 0x1010 &&
           c.nwrite == 1 && c.iov[1].iov_len == 0x10, "neighbours are merged");
}

/* One tampered descriptor or index; `name` says which. */
static void bad(const char *name, struct vring_desc d)
{
    fresh();
    offer(0);
    guest_desc(&g, DEV_FS, 1)[0] = d;
    tap_ok(!dev_pop(&dev, 1, &c) && broken(), "%s breaks the device", name);
    offer(1);
    tap_ok(!dev_pop(&dev, 1, &c), "... until it is reset");
    g.boot->dev[DEV_FS].status = 0;
    tap_ok(!dev_pop(&dev, 1, &c) && !dev.keep->broken, "... which it then may be");
    guest_queue(&g, DEV_FS, 1);
    guest_driver_ok(&g, DEV_FS);
    offer(0);
    tap_ok(dev_pop(&dev, 1, &c), "... and works again");
}

static void test_bad_descriptors(void)
{
    bad("an address outside", (struct vring_desc){ G_MEM, 1, 0, 0 });
    bad("a length that leaves", (struct vring_desc){ G_MEM - 4, 8, 0, 0 });
    bad("an address that wraps", (struct vring_desc){ UINT64_MAX - 3, 8, 0, 0 });
    bad("a loop", (struct vring_desc){ 0x1000, 8, VRING_DESC_F_NEXT, 0 });
    bad("a next out of range", (struct vring_desc){ 0x1000, 8, VRING_DESC_F_NEXT, 16 });
    bad("an indirect table", (struct vring_desc){ 0x1000, 16, VRING_DESC_F_INDIRECT, 0 });
    bad("a wrong order", (struct vring_desc){ 0x1000, 8,
                                              VRING_DESC_F_WRITE | VRING_DESC_F_NEXT, 4 });
}

static void bad_queue(const char *name, struct xenc_vq v)
{
    fresh();
    offer(0);
    g.boot->dev[DEV_FS].vq[1] = v;
    tap_ok(!dev_pop(&dev, 1, &c) && broken(), "%s breaks the device", name);
}

static void test_bad_queues(void)
{
    bad_queue("a size that is no power of two",
              (struct xenc_vq){ 0x1000, 0x2000, 0x3000, 12, 1 });
    bad_queue("no size", (struct xenc_vq){ 0x1000, 0x2000, 0x3000, 0, 1 });
    bad_queue("a huge size", (struct xenc_vq){ 0x1000, 0x2000, 0x3000, 1u << 31, 1 });
    bad_queue("a table outside", (struct xenc_vq){ G_MEM, 0x2000, 0x3000, 16, 1 });
    bad_queue("a ring that leaves", (struct xenc_vq){ 0x1000, G_MEM - 8, 0x3000, 16, 1 });
    bad_queue("a ring that wraps", (struct xenc_vq){ 0x1000, 0x2000, -4ull, 16, 1 });
    bad_queue("a misaligned ring", (struct xenc_vq){ 0x1000, 0x2001, 0x3000, 16, 1 });
    fresh();
    guest_avail(&g, DEV_FS, 1)[1] = 17;
    tap_ok(!dev_pop(&dev, 1, &c) && broken(), "a jump of the index breaks the device");
    fresh();
    g.boot->dev[DEV_FS].status = VIRTIO_CONFIG_S_DRIVER;
    offer(0);
    tap_ok(!dev_pop(&dev, 1, &c) && !broken(), "nothing is taken before DRIVER_OK");
}

static void test_iov(void)
{
    char a[4] = "abcd", b[4] = "efgh", out[8];
    struct iovec v[2] = { { a, 4 }, { b, 4 } }, w[2];

    memcpy(w, v, sizeof(v));
    tap_ok(iov_read(v, 2, out, 8) == 8 && !memcmp(out, "abcdefgh", 8), "iov_read");
    tap_is(iov_slice(w, 2, 3, 2), 2, "iov_slice keeps two parts");
    tap_ok(w[0].iov_len == 1 && w[1].iov_len == 1 && iov_write(w, 2, "XYZ", 3) == 2 &&
           a[3] == 'X' && b[0] == 'Y' && b[1] == 'f', "iov_write stops at the end");
    memcpy(w, v, sizeof(v));
    tap_is(iov_slice(w, 2, 8, SIZE_MAX), 0, "iov_slice past the end");
}

int main(void)
{
    test_good();
    test_merge();
    test_bad_descriptors();
    test_bad_queues();
    test_iov();
    guest_stop(&g);
    return tap_end();
}
