/* The PV bus: device registers as words in the boot area, futexes for doorbells and
 * interrupts (abi/boot.h). */
#include "bus.h"
#include "host.h"
#include "pv.h"

struct bus_dev { struct xenc_dev reg; };

static struct { void (*fn)(void *); void *arg; } handlers[XENC_MAX_DEVS];

unsigned bus_count(void)
{
    return min(BOOT->ndevs, (u32)XENC_MAX_DEVS);
}

struct bus_dev *bus_get(unsigned i)
{
    return i < bus_count() && BOOT->dev[i].type ? (struct bus_dev *)&BOOT->dev[i] : NULL;
}

u32 bus_type(struct bus_dev *d) { return d->reg.type; }
u64 bus_host_features(struct bus_dev *d) { return d->reg.host_features; }
void bus_set_features(struct bus_dev *d, u64 f) { d->reg.guest_features = f; }
u32 bus_status(struct bus_dev *d) { return READ_ONCE(d->reg.status); }
u32 bus_config_gen(struct bus_dev *d) { return READ_ONCE(d->reg.config_gen); }

void bus_set_status(struct bus_dev *d, u32 status)
{
    if (status == 0)
        memset(d->reg.vq, 0, sizeof d->reg.vq);
    __atomic_store_n(&d->reg.status, status, __ATOMIC_SEQ_CST);
    bus_notify(d, 0);
}

void bus_config_read(struct bus_dev *d, unsigned off, void *buf, unsigned n)
{
    memset(buf, 0, n);
    if (off < sizeof d->reg.config)
        memcpy(buf, d->reg.config + off, min(n, (unsigned)sizeof d->reg.config - off));
}

void bus_config_write(struct bus_dev *d, unsigned off, const void *buf, unsigned n)
{
    if (off < sizeof d->reg.config && n <= sizeof d->reg.config - off)
        memcpy(d->reg.config + off, buf, n);
}

void bus_setup_queue(struct bus_dev *d, unsigned q, u32 num, u64 desc, u64 avail, u64 used)
{
    assert(q < XENC_MAX_VQS);
    d->reg.vq[q] = (struct xenc_vq){ desc, avail, used, num, 0 };
    __atomic_store_n(&d->reg.vq[q].ready, 1, __ATOMIC_SEQ_CST);
}

void bus_notify(struct bus_dev *d, unsigned q)
{
    __atomic_add_fetch(&d->reg.doorbell, 1, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&d->reg.doorbell_waiting, __ATOMIC_SEQ_CST))
        host_futex_wake(&d->reg.doorbell, 1 << 30);
}

void bus_set_irq(struct bus_dev *d, void (*fn)(void *arg), void *arg)
{
    unsigned i = (unsigned)((struct xenc_dev *)d - BOOT->dev);

    handlers[i].arg = arg;
    __atomic_store_n(&handlers[i].fn, fn, __ATOMIC_RELEASE);
}

u32 bus_seq(struct bus_dev *d)
{
    return __atomic_load_n(&d->reg.done_seq, __ATOMIC_SEQ_CST);
}

bool bus_counts_silent(void) { return true; }

#define SPIN_CYCLES 20000       /* some 6 us: a warm answer of the driver domain */

void bus_wait(struct bus_dev *d, u32 seq)
{
    if (BOOT->ncpus > 1) {
        u64 t0 = __builtin_ia32_rdtsc();
        do {
            if (READ_ONCE(d->reg.done_seq) != seq)
                return;
            __builtin_ia32_pause();
        } while (__builtin_ia32_rdtsc() - t0 < SPIN_CYCLES);
    }
    plat_settle();              /* it may take long; a parent must not wait for it */
    __atomic_add_fetch(&d->reg.done_waiting, 1, __ATOMIC_SEQ_CST);
    if (bus_seq(d) == seq)
        host_futex_wait(&d->reg.done_seq, seq, WAIT_FOREVER);
    __atomic_sub_fetch(&d->reg.done_waiting, 1, __ATOMIC_SEQ_CST);
}

static void run_handlers(u32 pending)
{
    for (unsigned i = 0; i < XENC_MAX_DEVS; i++)
        if (pending >> i & 1 && handlers[i].fn)
            handlers[i].fn(handlers[i].arg);
    if (pending & XENC_IRQ_CTL)
        control_message(BOOT->ctl_cmd, BOOT->ctl_arg);
}

void plat_irq_wait(u64 deadline)
{
    u32 seq = __atomic_load_n(&BOOT->irq_seq, __ATOMIC_SEQ_CST);
    u32 pending = __atomic_exchange_n(&BOOT->irq_pending, 0, __ATOMIC_SEQ_CST);

    if (!pending) {
        __atomic_store_n(&BOOT->irq_waiting, 1, __ATOMIC_SEQ_CST);
        if (!__atomic_load_n(&BOOT->irq_pending, __ATOMIC_SEQ_CST))
            host_futex_wait(&BOOT->irq_seq, seq, deadline);
        __atomic_store_n(&BOOT->irq_waiting, 0, __ATOMIC_SEQ_CST);
        pending = __atomic_exchange_n(&BOOT->irq_pending, 0, __ATOMIC_SEQ_CST);
    }
    if (pending)
        run_handlers(pending);
}

/* The pending bit, which no device has, tells a kworker that has not gone to sleep yet. */
void plat_irq_poke(void)
{
    __atomic_or_fetch(&BOOT->irq_pending, 1u << 30, __ATOMIC_SEQ_CST);
    __atomic_add_fetch(&BOOT->irq_seq, 1, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&BOOT->irq_waiting, __ATOMIC_SEQ_CST))
        host_futex_wake(&BOOT->irq_seq, 1);
}

void plat_control_done(s64 result)
{
    BOOT->ctl_result = result;
    __atomic_store_n(&BOOT->ctl_cmd, XENC_CTL_NONE, __ATOMIC_SEQ_CST);
    __atomic_add_fetch(&BOOT->ctl_seq, 1, __ATOMIC_SEQ_CST);
    host_futex_wake(&BOOT->ctl_seq, 1 << 30);
}
