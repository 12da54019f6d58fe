/* The local APIC's timer and the I/O APICs. x2APIC where the CPU has it. */
#include "pvh.h"

#define LAPIC_BASE  0xfee00000ull
#define IOAPIC_BASE 0xfec00000ull
#define IOAPIC_STEP 0x10000ull          /* where QEMU's microvm has its second one */

enum { REG_EOI = 0xb0, REG_SVR = 0xf0, REG_ICR = 0x300, REG_ICR_HIGH = 0x310,
       REG_LVT_TIMER = 0x320, REG_LVT0 = 0x350, REG_COUNT = 0x380,
       REG_NOW = 0x390, REG_DIVIDE = 0x3e0 };
#define LVT_MASKED       0x10000u
#define LVT_TSC_DEADLINE 0x40000u
#define DIVIDE_1         0xbu

#define KVM_EOI_MSR 0x4b564d04u

static bool x2apic, tsc_deadline, pv_eoi;
static u64 lapic_khz;

static u32 lapic_read(u32 reg)
{
    return x2apic ? (u32)rdmsr(0x800 + (reg >> 4)) : mmio_read(plat_kva(LAPIC_BASE + reg));
}

static void lapic_write(u32 reg, u32 v)
{
    if (x2apic)
        wrmsr(0x800 + (reg >> 4), v);
    else
        mmio_write(plat_kva(LAPIC_BASE + reg), v);
}

/* KVM's word says whether it has seen to the interrupt's end: that saves an exit. */
void pvh_apic_eoi(void)
{
    if (!pv_eoi || !__atomic_exchange_n(&this_cpu()->eoi_done, 0, __ATOMIC_RELAXED))
        lapic_write(REG_EOI, 0);
}

/* How fast the timer counts, against the TSC, in a third of a millisecond. */
static u64 measure(void)
{
    u64 span = pvh_tsc_khz() / 3, t0, t1;

    lapic_write(REG_COUNT, ~0u);
    t0 = __builtin_ia32_rdtsc();
    while ((t1 = __builtin_ia32_rdtsc()) - t0 < span)
        __builtin_ia32_pause();
    u64 counted = ~0u - lapic_read(REG_NOW);
    lapic_write(REG_COUNT, 0);
    return counted * pvh_tsc_khz() / (t1 - t0);
}

/* Of several tries the slowest: a host that stops us makes one too fast, and an interrupt
 * that comes too early does no harm. */
static void calibrate(void)
{
    lapic_write(REG_LVT_TIMER, LVT_MASKED | VEC_TIMER);
    lapic_khz = measure();
    for (int k = 0; k < 3; k++)
        lapic_khz = min(lapic_khz, measure());
    lapic_khz = max(lapic_khz, (u64)1);
}

void pvh_apic_init(bool first)
{
    if (first) {
        x2apic = pvh_x2apic();
        tsc_deadline = pvh_leaf1[2] >> 24 & 1;
    }
    wrmsr(0x1b, LAPIC_BASE | (first ? 1u << 8 : 0) | 1u << 11 | (x2apic ? 1u << 10 : 0));
    lapic_write(REG_SVR, 0x100 | VEC_SPURIOUS);
    if (first)
        pv_eoi = pvh_kvm_features() >> 6 & 1;
    if (pv_eoi)
        wrmsr(KVM_EOI_MSR, plat_gpa(&this_cpu()->eoi_done) | 1);
    if (first)                          /* all others are masked as they are */
        lapic_write(REG_LVT0, LVT_MASKED);
    if (!tsc_deadline)
        lapic_write(REG_DIVIDE, DIVIDE_1);
    if (first && !tsc_deadline)
        calibrate();
    lapic_write(REG_LVT_TIMER, VEC_TIMER | (tsc_deadline ? LVT_TSC_DEADLINE : 0));
}

void pvh_timer_arm(u64 deadline)
{
    if (tsc_deadline) {
        wrmsr(0x6e0, deadline == WAIT_FOREVER ? 0 : pvh_ns_to_tsc(deadline));
        return;
    }
    u32 count = 0;
    if (deadline != WAIT_FOREVER) {
        u64 now = plat_clock_mono(), ns = deadline > now ? deadline - now : 0;
        /* at most a second: an early interrupt arms it again */
        count = (u32)min(min(ns, NSEC_PER_SEC) * lapic_khz / 1000000 + 1, (u64)~0u);
    }
    lapic_write(REG_COUNT, count);
}

/* Interrupts off. */
void pvh_apic_send(u32 apic_id, u32 what)
{
    if (x2apic) {
        __asm__ volatile("mfence" : : : "memory");
        wrmsr(0x830, (u64)apic_id << 32 | what);
        return;
    }
    lapic_write(REG_ICR_HIGH, apic_id << 24);
    lapic_write(REG_ICR, what);
    while (lapic_read(REG_ICR) & 1u << 12)
        __builtin_ia32_pause();
}

/* -- I/O APICs -- */

static u32 io_read(u64 base, u32 reg)
{
    mmio_write(plat_kva(base), reg);
    return mmio_read(plat_kva(base + 0x10));
}

static void io_write(u64 base, u32 reg, u32 v)
{
    mmio_write(plat_kva(base), reg);
    mmio_write(plat_kva(base + 0x10), v);
}

/* Edge, active high: both QEMU's and our monitor's devices raise a line anew for each
 * interrupt once the last one was acknowledged. */
int pvh_ioapic_route(u32 irq, u8 vector)
{
    u64 base = IOAPIC_BASE;

    for (int k = 0; k < 2; k++, base += IOAPIC_STEP) {
        u32 ver = io_read(base, 1), pins = (ver >> 16 & 0xff) + 1;
        if (ver == ~0u || !(ver & 0xff))
            break;
        if (irq < pins) {
            io_write(base, 0x10 + 2 * irq + 1, pvh_cpus[0].apic_id << 24);
            io_write(base, 0x10 + 2 * irq, vector);
            return 0;
        }
        irq -= pins;
    }
    return -EINVAL;
}
