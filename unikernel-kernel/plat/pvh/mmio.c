/* Registers of virtio-mmio (virtio 1.2, 4.2, version 2). Devices are told by the command
 * line, or looked for where QEMU's microvm has them. */
#include "pvh.h"

#include <linux/virtio_ids.h>
#include <linux/virtio_mmio.h>

#define MAGIC        0x74726976u        /* "virt" */
#define VENDOR_QEMU  0x554d4551u
#define PROBE_BASE   0xfeb00000ull
#define PROBE_STEP   512u
#define PROBE_MAX    24u
#define PROBE_IRQ    16u
#define CONSOLE_CONFIG 12u              /* virtio_console_config: ours is longer */

static u32 get(volatile u8 *r, u32 reg) { return mmio_read(r + reg); }
static void set(volatile u8 *r, u32 reg, u32 v) { mmio_write(r + reg, v); }

/* -- finding them -- */

static void look(u64 gpa, u32 irq, void (*found)(volatile u8 *reg, u32 type, u32 irq))
{
    if (gpa < PVH_MMIO || gpa > (1ull << 32) - PAGE_SIZE) {
        printk(4, "virtio: no device can be at %lx", (unsigned long)gpa);
        return;
    }
    volatile u8 *r = plat_kva(gpa);
    if (get(r, VIRTIO_MMIO_MAGIC_VALUE) != MAGIC || !get(r, VIRTIO_MMIO_DEVICE_ID))
        return;
    if (get(r, VIRTIO_MMIO_VERSION) != 2) {
        printk(4, "virtio: the device at %lx is of version %u, not 2 "
               "(qemu: -global virtio-mmio.force-legacy=false)", (unsigned long)gpa,
               get(r, VIRTIO_MMIO_VERSION));
        return;
    }
    u32 type = get(r, VIRTIO_MMIO_DEVICE_ID);
    printk(7, "virtio: device of type %u at %lx, interrupt %u", type, (unsigned long)gpa, irq);
    found(r, type, irq);
}

void pvh_mmio_find(void (*found)(volatile u8 *reg, u32 type, u32 irq))
{
    char v[64], *end;
    unsigned i = 0;

    for (; pvh_option("virtio_mmio.device", i, v, sizeof v) >= 0; i++) {
        strtou64(v, &end, 0);           /* the size, with a unit perhaps */
        char *at = strchr(v, '@');
        u64 gpa = at ? strtou64(at + 1, &end, 0) : 0;
        look(gpa, at && *end == ':' ? (u32)strtou64(end + 1, NULL, 0) : ~0u, found);
    }
    for (unsigned k = 0; !i && k < PROBE_MAX; k++)
        look(PROBE_BASE + k * PROBE_STEP, PROBE_IRQ + k, found);
}

/* -- using them -- */

u64 pvh_mmio_features(volatile u8 *r)
{
    set(r, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 1);
    u64 high = get(r, VIRTIO_MMIO_DEVICE_FEATURES);
    set(r, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 0);
    return high << 32 | get(r, VIRTIO_MMIO_DEVICE_FEATURES);
}

void pvh_mmio_set_features(volatile u8 *r, u64 f)
{
    set(r, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
    set(r, VIRTIO_MMIO_DRIVER_FEATURES, (u32)(f >> 32));
    set(r, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 0);
    set(r, VIRTIO_MMIO_DRIVER_FEATURES, (u32)f);
}

void pvh_mmio_set_status(volatile u8 *r, u32 status)
{
    set(r, VIRTIO_MMIO_STATUS, status);
    while (!status && get(r, VIRTIO_MMIO_STATUS))       /* until it is reset */
        __builtin_ia32_pause();
}

/* What a device's config space has: a foreign console lacks our words at the end. */
u8 pvh_mmio_config(volatile u8 *r, unsigned off)
{
    if (off >= CONSOLE_CONFIG && get(r, VIRTIO_MMIO_VENDOR_ID) == VENDOR_QEMU &&
        get(r, VIRTIO_MMIO_DEVICE_ID) == VIRTIO_ID_CONSOLE)
        return 0;
    return r[VIRTIO_MMIO_CONFIG + off];
}

static void set64(volatile u8 *r, u32 reg, u64 v)
{
    set(r, reg, (u32)v);
    set(r, reg + 4, (u32)(v >> 32));
}

void pvh_mmio_set_queue(volatile u8 *r, unsigned q, const struct xenc_vq *vq)
{
    set(r, VIRTIO_MMIO_QUEUE_SEL, q);
    u32 most = get(r, VIRTIO_MMIO_QUEUE_NUM_MAX);
    if (most < vq->num) {       /* the driver then finds a queue that does nothing */
        printk(3, "virtio: queue %u has %u entries, not %u", q, most, vq->num);
        return;
    }
    set(r, VIRTIO_MMIO_QUEUE_NUM, vq->num);
    set64(r, VIRTIO_MMIO_QUEUE_DESC_LOW, vq->desc);
    set64(r, VIRTIO_MMIO_QUEUE_AVAIL_LOW, vq->avail);
    set64(r, VIRTIO_MMIO_QUEUE_USED_LOW, vq->used);
    set(r, VIRTIO_MMIO_QUEUE_READY, 1);
}
