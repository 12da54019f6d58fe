/* Further CPUs: starting them, and shooting down what they have cached of page tables
 * that change. */
#include "paging.h"

#define TRAMPOLINE 0x8000ull            /* conventional memory, page aligned */
#define CR4_PGE    (1ull << 7)
#define ICR_INIT   0xc500u
#define ICR_START  0x4600u

extern char pvh_ap_code[], pvh_ap_code_end[];
extern u64 pvh_ap_stack, pvh_ap_cpu;    /* entry.S: of the CPU that is being started */

u32 pvh_ncpus = 1;

/* How many there are, and that their APIC ids count from 0: our monitor and QEMU. */
static u32 count_cpus(void)
{
    char v[16];

    if (pvh_host)
        return pvh_host->ncpus;
    if (pvh_option("xenc.vcpus", 0, v, sizeof v) > 0)
        return (u32)strtou64(v, NULL, 0);
    return pvh_leaf1[3] >> 28 & 1 ? pvh_leaf1[1] >> 16 & 0xff : 1;
}

static bool await(const u32 *v, u64 us)
{
    u64 t0 = __builtin_ia32_rdtsc(), span = pvh_tsc_khz() * us / 1000;

    while (!READ_ONCE(*v))
        if (__builtin_ia32_rdtsc() - t0 > span)
            return false;
    return true;
}

static bool start(struct cpu *c, u32 id)
{
    u8 *block = pvh_idle_stack(id);

    c->self = c;
    c->id = c->apic_id = id;
    pvh_sched_init(c, block);
    c->task = c->idle;
    c->kstack = c->idle->plat.kstack_top;
    pvh_ap_stack = (u64)c->idle;
    pvh_ap_cpu = (u64)c;
    pvh_apic_send(id, ICR_INIT);
    await(&c->online, 100);
    for (int i = 0; i < 2; i++) {
        pvh_apic_send(id, ICR_START | TRAMPOLINE >> PAGE_SHIFT);
        if (await(&c->online, i ? 1000000 : 2000))
            return true;
    }
    return false;
}

void pvh_smp_start(void)
{
    u32 n = min(count_cpus(), PVH_MAX_CPUS);

    if (n < 2)
        return;
    memcpy(plat_kva(TRAMPOLINE), pvh_ap_code, (size_t)(pvh_ap_code_end - pvh_ap_code));
    for (u32 id = 1; id < n; id++) {
        if (!start(&pvh_cpus[id], id)) {
            printk(4, "cpu %u does not start: %u in use", id, id);
            break;
        }
        WRITE_ONCE(pvh_ncpus, id + 1);
    }
}

void pvh_ap_main(struct cpu *c)
{
    wrmsr(0xc0000101, (u64)c);
    wrmsr(0xc0000102, 0);
    c->cr3 = pvh_kernel_cr3;
    pvh_trap_init(c);
    pvh_fp_init(false);
    pvh_apic_init(false);
    __atomic_store_n(&c->online, 1, __ATOMIC_RELEASE);
    pvh_idle();
}

/* -- shooting down -- */

static struct { u32 lock; u64 cr3; } shot;

static void flush_global(void)
{
    write_cr4(pvh_cr4 & ~CR4_PGE);
    write_cr4(pvh_cr4);
}

/* Interrupts off: also polled while we wait for others, who may wait for us. */
void pvh_shoot_irq(void)
{
    struct cpu *c = this_cpu();
    u32 what = READ_ONCE(c->shoot);

    if (!what)
        return;
    if (what == SHOOT_KERNEL) {
        flush_global();
    } else if (c->cr3 == shot.cr3) {
        if (what == SHOOT_LEAVE)
            c->cr3 = pvh_kernel_cr3;
        WRITE_ONCE(c->stale, false);
        write_cr3(c->cr3);
    }
    __atomic_store_n(&c->shoot, SHOOT_NONE, __ATOMIC_RELEASE);
}

void pvh_shoot(u64 cr3, enum pvh_shoot what)
{
    if (pvh_ncpus < 2)
        return;
    u64 f = irq_save();
    struct cpu *me = this_cpu();
    while (__atomic_exchange_n(&shot.lock, 1, __ATOMIC_ACQUIRE)) {
        pvh_shoot_irq();
        __builtin_ia32_pause();
    }
    shot.cr3 = cr3;
    for (struct cpu *c = pvh_cpus; c < pvh_cpus + pvh_ncpus; c++) {
        if (c == me)
            continue;
        /* One that loads it after this look has nothing old of it. */
        if (what != SHOOT_KERNEL && __atomic_load_n(&c->cr3, __ATOMIC_SEQ_CST) != cr3)
            continue;
        /* One that runs no program uses nothing of it until pvh_as_switch has looked. */
        if (what == SHOOT_FLUSH) {
            __atomic_store_n(&c->stale, true, __ATOMIC_SEQ_CST);
            if (__atomic_load_n(&c->lazy, __ATOMIC_SEQ_CST))
                continue;
        }
        __atomic_store_n(&c->shoot, what, __ATOMIC_SEQ_CST);
        pvh_apic_send(c->apic_id, VEC_SHOOT);
    }
    for (struct cpu *c = pvh_cpus; c < pvh_cpus + pvh_ncpus; c++)
        while (c != me && READ_ONCE(c->shoot))
            __builtin_ia32_pause();
    __atomic_store_n(&shot.lock, 0, __ATOMIC_RELEASE);
    irq_restore(f);
}

void pvh_shoot_kernel(void)
{
    u64 f = irq_save();

    flush_global();
    irq_restore(f);
    pvh_shoot(0, SHOOT_KERNEL);
}
