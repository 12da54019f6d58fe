/* virtio over MMIO (virtio 1.2, 4.2, version 2). Devices are told by the command line,
 * or looked for where QEMU's microvm has them. */
#include "bus.h"
#include "pvh.h"

#include <linux/virtio_ids.h>
#include <linux/virtio_mmio.h>

#define MAGIC        0x74726976u        /* "virt" */
#define VENDOR_QEMU  0x554d4551u
#define MAX_DEVS     8
#define PROBE_BASE   0xfeb00000ull
#define PROBE_STEP   512u
#define PROBE_MAX    24u
#define PROBE_IRQ    16u
#define CONSOLE_CONFIG 12u              /* virtio_console_config: ours is longer */
#define PENDING_POKE (1u << 30)

struct bus_dev {
    volatile u8 *reg;
    u32 type, vendor, irq;
    u32 seq;                            /* interrupts so far; tasks sleep on it */
    void (*fn)(void *arg);
    void *arg;
};

static struct { struct bus_dev dev[MAX_DEVS]; unsigned n; u32 pending; struct task *worker; } bus;

static u32 get(const struct bus_dev *d, u32 reg) { return mmio_read(d->reg + reg); }
static void set(struct bus_dev *d, u32 reg, u32 v) { mmio_write(d->reg + reg, v); }

/* -- finding them -- */

static void add(u64 gpa, u32 irq, bool told)
{
    struct bus_dev d = { .irq = irq };

    if (gpa < PVH_MMIO || gpa > (1ull << 32) - PAGE_SIZE) {
        printk(4, "virtio: no device can be at %lx", (unsigned long)gpa);
        return;
    }
    d.reg = plat_kva(gpa);
    if (get(&d, VIRTIO_MMIO_MAGIC_VALUE) != MAGIC || !get(&d, VIRTIO_MMIO_DEVICE_ID))
        return;
    if (get(&d, VIRTIO_MMIO_VERSION) != 2) {
        printk(4, "virtio: the device at %lx is of version %u, not 2 "
               "(qemu: -global virtio-mmio.force-legacy=false)", (unsigned long)gpa,
               get(&d, VIRTIO_MMIO_VERSION));
        return;
    }
    if (bus.n == MAX_DEVS)
        return;
    d.type = get(&d, VIRTIO_MMIO_DEVICE_ID);
    d.vendor = get(&d, VIRTIO_MMIO_VENDOR_ID);
    bus.dev[bus.n] = d;
    if (pvh_ioapic_route(irq, (u8)(VEC_DEV + bus.n)) < 0) {
        printk(4, "virtio: the device at %lx has no interrupt %u", (unsigned long)gpa, irq);
        return;
    }
    printk(7, "virtio: device of type %u at %lx, interrupt %u", d.type, (unsigned long)gpa, irq);
    bus.n++;
}

void pvh_bus_init(void)
{
    char v[64], *end;
    unsigned i = 0;

    for (; pvh_option("virtio_mmio.device", i, v, sizeof v) >= 0; i++) {
        strtou64(v, &end, 0);           /* the size, with a unit perhaps */
        char *at = strchr(v, '@');
        u64 gpa = at ? strtou64(at + 1, &end, 0) : 0;
        add(gpa, at && *end == ':' ? (u32)strtou64(end + 1, NULL, 0) : ~0u, true);
    }
    for (unsigned k = 0; !i && k < PROBE_MAX; k++)
        add(PROBE_BASE + k * PROBE_STEP, PROBE_IRQ + k, false);
}

/* -- registers -- */

unsigned bus_count(void) { return bus.n; }
struct bus_dev *bus_get(unsigned i) { return i < bus.n ? &bus.dev[i] : NULL; }
u32 bus_type(struct bus_dev *d) { return d->type; }
u32 bus_status(struct bus_dev *d) { return get(d, VIRTIO_MMIO_STATUS); }
u32 bus_config_gen(struct bus_dev *d) { return get(d, VIRTIO_MMIO_CONFIG_GENERATION); }

u64 bus_host_features(struct bus_dev *d)
{
    set(d, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 1);
    u64 high = get(d, VIRTIO_MMIO_DEVICE_FEATURES);
    set(d, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 0);
    return high << 32 | get(d, VIRTIO_MMIO_DEVICE_FEATURES);
}

void bus_set_features(struct bus_dev *d, u64 f)
{
    set(d, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
    set(d, VIRTIO_MMIO_DRIVER_FEATURES, (u32)(f >> 32));
    set(d, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 0);
    set(d, VIRTIO_MMIO_DRIVER_FEATURES, (u32)f);
}

void bus_set_status(struct bus_dev *d, u32 status)
{
    set(d, VIRTIO_MMIO_STATUS, status);
    while (!status && get(d, VIRTIO_MMIO_STATUS))       /* until it is reset */
        __builtin_ia32_pause();
}

/* What a device's config space has: a foreign console lacks our words at the end. */
static unsigned config_size(const struct bus_dev *d)
{
    return d->vendor == VENDOR_QEMU && d->type == VIRTIO_ID_CONSOLE ? CONSOLE_CONFIG : ~0u;
}

void bus_config_read(struct bus_dev *d, unsigned off, void *buf, unsigned n)
{
    u8 *p = buf;

    for (; n; n--, off++)
        *p++ = off < config_size(d) ? d->reg[VIRTIO_MMIO_CONFIG + off] : 0;
}

void bus_config_write(struct bus_dev *d, unsigned off, const void *buf, unsigned n)
{
    const u8 *p = buf;

    for (; n; n--, off++)
        d->reg[VIRTIO_MMIO_CONFIG + off] = *p++;
}

static void set64(struct bus_dev *d, u32 reg, u64 v)
{
    set(d, reg, (u32)v);
    set(d, reg + 4, (u32)(v >> 32));
}

void bus_setup_queue(struct bus_dev *d, unsigned q, u32 num, u64 desc, u64 avail, u64 used)
{
    set(d, VIRTIO_MMIO_QUEUE_SEL, q);
    u32 most = get(d, VIRTIO_MMIO_QUEUE_NUM_MAX);
    if (most < num) {           /* the driver then finds a queue that does nothing */
        printk(3, "virtio: device %u queue %u has %u entries, not %u", d->type, q, most, num);
        return;
    }
    set(d, VIRTIO_MMIO_QUEUE_NUM, num);
    set64(d, VIRTIO_MMIO_QUEUE_DESC_LOW, desc);
    set64(d, VIRTIO_MMIO_QUEUE_AVAIL_LOW, avail);
    set64(d, VIRTIO_MMIO_QUEUE_USED_LOW, used);
    set(d, VIRTIO_MMIO_QUEUE_READY, 1);
}

void bus_notify(struct bus_dev *d, unsigned q)
{
    set(d, VIRTIO_MMIO_QUEUE_NOTIFY, q);
}

/* -- interrupts -- */

void bus_set_irq(struct bus_dev *d, void (*fn)(void *arg), void *arg)
{
    d->arg = arg;
    __atomic_store_n(&d->fn, fn, __ATOMIC_RELEASE);
}

u32 bus_seq(struct bus_dev *d)
{
    return __atomic_load_n(&d->seq, __ATOMIC_SEQ_CST);
}

bool bus_counts_silent(void) { return false; }

void bus_wait(struct bus_dev *d, u32 seq)
{
    while (bus_seq(d) == seq)
        pvh_word_wait(&d->seq, seq, WAIT_FOREVER);
}

/* Interrupts off. */
void pvh_bus_irq(unsigned vector)
{
    unsigned i = vector - VEC_DEV;

    if (i >= bus.n)
        return;
    struct bus_dev *d = &bus.dev[i];
    set(d, VIRTIO_MMIO_INTERRUPT_ACK, get(d, VIRTIO_MMIO_INTERRUPT_STATUS));
    __atomic_add_fetch(&d->seq, 1, __ATOMIC_SEQ_CST);
    pvh_futex_wake(&d->seq, 1 << 30);
    __atomic_or_fetch(&bus.pending, 1u << i, __ATOMIC_SEQ_CST);
    if (d->fn && bus.worker)
        plat_task_wake(bus.worker);
}

void plat_irq_wait(u64 deadline)
{
    u32 pending;

    bus.worker = current();
    pending = __atomic_exchange_n(&bus.pending, 0, __ATOMIC_SEQ_CST);
    if (!pending) {
        plat_task_wait(bus.worker, deadline);
        pending = __atomic_exchange_n(&bus.pending, 0, __ATOMIC_SEQ_CST);
    }
    for (unsigned i = 0; i < bus.n; i++)
        if (pending >> i & 1 && bus.dev[i].fn)
            bus.dev[i].fn(bus.dev[i].arg);
}

void plat_irq_poke(void)
{
    __atomic_or_fetch(&bus.pending, PENDING_POKE, __ATOMIC_SEQ_CST);
    if (bus.worker)
        plat_task_wake(bus.worker);
}

/* No mailbox here yet: nothing calls control_message. */
void plat_control_done(s64 result) { }
