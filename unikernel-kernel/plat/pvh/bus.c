/* The virtio bus. Under our monitor a device's registers are words in the boot area, as on
 * pv, a doorbell is a write to a port, and nothing else leaves the virtual machine. Under
 * another one it is virtio over MMIO (mmio.c). */
#include "bus.h"
#include "pvh.h"

#include <linux/virtio_mmio.h>

#define PENDING_POKE (1u << 30)
#define SPIN_CYCLES  20000      /* some 6 us: a warm answer of the driver domain */

struct bus_dev {
    struct xenc_dev *own;       /* NULL: reg */
    volatile u8 *reg;
    u32 type, index;
    u32 seq;                    /* interrupts so far; tasks sleep on it, or on own->done_seq */
    u32 sets;                   /* queues set up so far */
    void (*fn)(void *arg);
    void *arg;
};

static struct {
    struct bus_dev dev[XENC_MAX_DEVS];
    unsigned n;
    u32 pending;
    struct task *worker;
} bus;

/* -- finding them -- */

static void add_mmio(volatile u8 *reg, u32 type, u32 irq)
{
    if (bus.n == XENC_MAX_DEVS)
        return;
    if (pvh_ioapic_route(irq, (u8)(VEC_DEV + bus.n)) < 0) {
        printk(4, "virtio: the device of type %u has no interrupt %u", type, irq);
        return;
    }
    bus.dev[bus.n] = (struct bus_dev){ .reg = reg, .type = type, .index = bus.n };
    bus.n++;
}

void pvh_bus_init(void)
{
    if (!pvh_host) {
        pvh_mmio_find(add_mmio);
        return;
    }
    for (; bus.n < min(pvh_host->ndevs, (u32)XENC_MAX_DEVS); bus.n++)
        bus.dev[bus.n] = (struct bus_dev){ .own = &pvh_host->dev[bus.n], .index = bus.n,
                                           .type = pvh_host->dev[bus.n].type };
}

/* -- registers -- */

unsigned bus_count(void) { return bus.n; }
struct bus_dev *bus_get(unsigned i) { return i < bus.n && bus.dev[i].type ? &bus.dev[i] : NULL; }
u32 bus_type(struct bus_dev *d) { return d->type; }

u32 bus_status(struct bus_dev *d)
{
    return d->own ? READ_ONCE(d->own->status) : mmio_read(d->reg + VIRTIO_MMIO_STATUS);
}

u32 bus_config_gen(struct bus_dev *d)
{
    return d->own ? READ_ONCE(d->own->config_gen)
                  : mmio_read(d->reg + VIRTIO_MMIO_CONFIG_GENERATION);
}

u64 bus_host_features(struct bus_dev *d)
{
    return d->own ? d->own->host_features : pvh_mmio_features(d->reg);
}

void bus_set_features(struct bus_dev *d, u64 f)
{
    if (d->own)
        d->own->guest_features = f;
    else
        pvh_mmio_set_features(d->reg, f);
}

static void set_own_status(struct bus_dev *d, u32 status)
{
    u32 old = READ_ONCE(d->own->status);

    if (!status)
        memset(d->own->vq, 0, sizeof d->own->vq);
    __atomic_store_n(&d->own->status, status, __ATOMIC_SEQ_CST);
    if (!status && old)
        bus_notify(d, 0);       /* what else it should know it finds at the first ring */
}

void bus_set_status(struct bus_dev *d, u32 status)
{
    if (d->own)
        set_own_status(d, status);
    else
        pvh_mmio_set_status(d->reg, status);
}

void bus_config_read(struct bus_dev *d, unsigned off, void *buf, unsigned n)
{
    u8 *p = buf;

    for (; n; n--, off++) {
        if (!d->own)
            *p++ = pvh_mmio_config(d->reg, off);
        else
            *p++ = off < sizeof d->own->config ? READ_ONCE(d->own->config[off]) : 0;
    }
}

void bus_config_write(struct bus_dev *d, unsigned off, const void *buf, unsigned n)
{
    const u8 *p = buf;

    for (; n; n--, off++, p++) {
        if (!d->own)
            d->reg[VIRTIO_MMIO_CONFIG + off] = *p;
        else if (off < sizeof d->own->config)
            WRITE_ONCE(d->own->config[off], *p);
    }
}

void bus_setup_queue(struct bus_dev *d, unsigned q, u32 num, u64 desc, u64 avail, u64 used)
{
    struct xenc_vq vq = { desc, avail, used, num, 0 };

    assert(q < XENC_MAX_VQS);
    if (!d->own) {
        pvh_mmio_set_queue(d->reg, q, &vq);
        return;
    }
    d->own->vq[q] = vq;
    __atomic_store_n(&d->own->vq[q].ready, ++d->sets, __ATOMIC_SEQ_CST);
}

void bus_notify(struct bus_dev *d, unsigned q)
{
    if (!d->own) {
        mmio_write(d->reg + VIRTIO_MMIO_QUEUE_NOTIFY, q);
        return;
    }
    __atomic_add_fetch(&d->own->doorbell, 1, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&d->own->doorbell_waiting, __ATOMIC_SEQ_CST))
        outl((u16)(PVH_PORT_BELL + 4 * d->index), q);
}

void bus_notify_soon(struct bus_dev *d, unsigned q) { bus_notify(d, q); }

/* -- interrupts -- */

void bus_set_irq(struct bus_dev *d, void (*fn)(void *arg), void *arg)
{
    d->arg = arg;
    __atomic_store_n(&d->fn, fn, __ATOMIC_RELEASE);
}

static u32 *seq_of(struct bus_dev *d) { return d->own ? &d->own->done_seq : &d->seq; }

u32 bus_seq(struct bus_dev *d) { return __atomic_load_n(seq_of(d), __ATOMIC_SEQ_CST); }

bool bus_counts_silent(void) { return pvh_host != NULL; }

static void wait_own(struct bus_dev *d, u32 seq)
{
    u64 t0 = __builtin_ia32_rdtsc();

    while (pvh_ncpus > 1 && __builtin_ia32_rdtsc() - t0 < SPIN_CYCLES) {
        if (READ_ONCE(d->own->done_seq) != seq)
            return;
        __builtin_ia32_pause();
    }
    __atomic_add_fetch(&d->own->done_waiting, 1, __ATOMIC_SEQ_CST);
    while (bus_seq(d) == seq)
        pvh_word_wait(&d->own->done_seq, seq, WAIT_FOREVER);
    __atomic_sub_fetch(&d->own->done_waiting, 1, __ATOMIC_SEQ_CST);
}

void bus_wait(struct bus_dev *d, u32 seq)
{
    if (d->own)
        wait_own(d, seq);
    while (bus_seq(d) == seq)
        pvh_word_wait(&d->seq, seq, WAIT_FOREVER);
}

/* Of our monitor's devices: what nobody waits for is marked in the boot area. */
static void host_irq(unsigned vector)
{
    unsigned i = vector - VEC_DEV;

    if (vector == VEC_CTL)
        pvh_futex_wake(&pvh_host->started, 1 << 30);
    else if (i < bus.n)
        pvh_futex_wake(&bus.dev[i].own->done_seq, 1 << 30);
    if (bus.worker && __atomic_load_n(&pvh_host->irq_pending, __ATOMIC_SEQ_CST))
        plat_task_wake(bus.worker);
}

/* Interrupts off. */
void pvh_bus_irq(unsigned vector)
{
    unsigned i = vector - VEC_DEV;

    if (pvh_host) {
        host_irq(vector);
        return;
    }
    if (i >= bus.n)
        return;
    struct bus_dev *d = &bus.dev[i];
    mmio_write(d->reg + VIRTIO_MMIO_INTERRUPT_ACK,
               mmio_read(d->reg + VIRTIO_MMIO_INTERRUPT_STATUS));
    __atomic_add_fetch(&d->seq, 1, __ATOMIC_SEQ_CST);
    pvh_futex_wake(&d->seq, 1 << 30);
    __atomic_or_fetch(&bus.pending, 1u << i, __ATOMIC_SEQ_CST);
    if (d->fn && bus.worker)
        plat_task_wake(bus.worker);
}

static u32 take_pending(void)
{
    u32 p = __atomic_exchange_n(&bus.pending, 0, __ATOMIC_SEQ_CST);

    return pvh_host ? p | __atomic_exchange_n(&pvh_host->irq_pending, 0, __ATOMIC_SEQ_CST) : p;
}

void plat_irq_wait(u64 deadline)
{
    u32 pending;

    bus.worker = current();
    pending = take_pending();
    if (!pending) {
        plat_task_wait(bus.worker, deadline);
        pending = take_pending();
    }
    for (unsigned i = 0; i < bus.n; i++)
        if (pending >> i & 1 && bus.dev[i].fn)
            bus.dev[i].fn(bus.dev[i].arg);
    if (pending & XENC_IRQ_CTL)
        control_message(pvh_host->ctl_cmd, pvh_host->ctl_arg);
}

void plat_irq_poke(void)
{
    __atomic_or_fetch(&bus.pending, PENDING_POKE, __ATOMIC_SEQ_CST);
    if (bus.worker)
        plat_task_wake(bus.worker);
}

void plat_control_done(s64 result)
{
    struct xenc_boot *b = pvh_host;

    b->ctl_result = result;
    b->ctl_cmd = XENC_CTL_NONE;
    __atomic_add_fetch(&b->ctl_seq, 1, __ATOMIC_SEQ_CST);
    pvh_host_wake(PVH_WAKE_CTL);
}
