/* The PV bus: device registers as words in the boot area, futexes for doorbells and
 * interrupts (abi/boot.h). */
#include "bus.h"
#include <linux/virtio_ids.h>
#include "host.h"
#include "pv.h"
#include "time.h"

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

static unsigned index_of(const struct bus_dev *d)
{
    return (unsigned)((const struct xenc_dev *)d - BOOT->dev);
}

/* As the host numbers them, from 1: the limit of a segment that Linux has for this. */
static u32 this_cpu(void)
{
    u32 limit;

    __asm__("lsl %1, %0" : "=r"(limit) : "r"(0x7b));
    return (limit & 0xfff) + 1;
}

static bool ring(struct bus_dev *d)
{
    if (d->reg.type == VIRTIO_ID_FS)
        WRITE_ONCE(BOOT->rang_on, this_cpu());
    __atomic_add_fetch(&d->reg.doorbell, 1, __ATOMIC_SEQ_CST);
    return __atomic_load_n(&d->reg.doorbell_waiting, __ATOMIC_SEQ_CST);
}

void bus_notify(struct bus_dev *d, unsigned q)
{
    if (ring(d))
        host_futex_wake(&d->reg.doorbell, 1 << 30);
}

/* Rings that a sleeping device has not heard: the kworker looks every SOON_NS while there
 * are some. */
#define SOON_NS 2000000ull
static struct { u32 devs, looking; u64 next; } unheard;

void bus_notify_soon(struct bus_dev *d, unsigned q)
{
    if (!ring(d))
        return;
    __atomic_or_fetch(&unheard.devs, 1u << index_of(d), __ATOMIC_SEQ_CST);
    if (!__atomic_load_n(&unheard.looking, __ATOMIC_SEQ_CST))
        plat_irq_poke();
}

/* In the kworker: when to look again. */
static u64 look_for_unheard(void)
{
    u64 now;

    if (!unheard.looking && !READ_ONCE(unheard.devs))
        return WAIT_FOREVER;
    now = plat_clock_mono();
    if (unheard.looking && now < unheard.next)
        return unheard.next;
    if (unheard.looking) {
        u32 devs = __atomic_exchange_n(&unheard.devs, 0, __ATOMIC_SEQ_CST);
        for (unsigned i = 0; i < XENC_MAX_DEVS; i++)
            if (devs >> i & 1 && READ_ONCE(BOOT->dev[i].doorbell_waiting))
                host_futex_wake(&BOOT->dev[i].doorbell, 1 << 30);
        __atomic_store_n(&unheard.looking, devs != 0, __ATOMIC_SEQ_CST);
        if (!devs && !READ_ONCE(unheard.devs))
            return WAIT_FOREVER;
    }
    __atomic_store_n(&unheard.looking, 1, __ATOMIC_SEQ_CST);
    return unheard.next = now + SOON_NS;
}

void bus_set_irq(struct bus_dev *d, void (*fn)(void *arg), void *arg)
{
    unsigned i = index_of(d);

    handlers[i].arg = arg;
    __atomic_store_n(&handlers[i].fn, fn, __ATOMIC_RELEASE);
}

u32 bus_seq(struct bus_dev *d)
{
    return __atomic_load_n(&d->reg.done_seq, __ATOMIC_SEQ_CST);
}

bool bus_counts_silent(void) { return true; }

/* An answer that needs a few host calls of the driver domain takes 10 to 20 us; to sleep and
 * be woken takes as long again. So a task looks for that long where this has lately been of
 * use, as in lock.c; else only as long as the quickest answers take. */
#define SPIN_CYCLES  65000
#define SPIN_SHORT   20000
#define AWAY_CYCLES  6000       /* between two looks: the host ran something else */
#define SPIN_PROBE   16         /* without luck, one wait in so many is a long one */

static struct { u32 luck, skips; } spins[XENC_MAX_DEVS];       /* hints: races are harmless */

static bool spin_for_answer(struct bus_dev *d, u32 seq)
{
    unsigned i = index_of(d);
    bool long_one = spins[i].luck || ++spins[i].skips % SPIN_PROBE == 0;
    u64 t0 = __builtin_ia32_rdtsc(), last = t0, t;

    do {
        t = __builtin_ia32_rdtsc();
        /* Off the CPU meanwhile: others need it, the driver domain maybe. */
        bool away = t - last > AWAY_CYCLES;
        if (READ_ONCE(d->reg.done_seq) != seq) {
            spins[i].luck = away ? 0 : 4;
            return true;
        }
        if (away) {
            spins[i].luck = 0;
            return false;
        }
        last = t;
        __builtin_ia32_pause();
    } while (t - t0 < (long_one ? SPIN_CYCLES : SPIN_SHORT));
    if (spins[i].luck)
        spins[i].luck--;
    return false;
}

void bus_wait(struct bus_dev *d, u32 seq)
{
    if (BOOT->ncpus > 1 && READ_ONCE(BOOT->answered_on) != this_cpu() && spin_for_answer(d, seq))
        return;
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

    deadline = min(deadline, look_for_unheard());
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
