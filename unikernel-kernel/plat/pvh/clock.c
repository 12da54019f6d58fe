/* Clocks from the TSC. Its rate: KVM's paravirtual clock, CPUID, or a measurement
 * against the old timer chip. The date: the CMOS clock's, or KVM's, which is asked again
 * every other second, as the host's clock is set and steered. */
#include "cpuid.h"
#include "pvh.h"

struct pvclock {
    u32 version, pad;
    u64 tsc, system_time;
    u32 mul;
    int8_t shift;
    u8 flags, pad2[2];
} __attribute__((aligned(64)));
struct pvwall { u32 version, sec, nsec; } __attribute__((aligned(64)));
#define PVCLOCK_STABLE   1u             /* in flags: one TSC for all CPUs */
#define MSR_PVWALL       0x4b564d00u
#define MSR_PVCLOCK      0x4b564d01u
#define DATE_SPAN_MS     2000
#define DATE_SLACK_NS    100000         /* of so little a step is not worth it */

union pvh_vdso pvh_vdso_data __attribute__((aligned(PAGE_SIZE)));
static u64 base_tsc, base_real, khz, to_ns, to_tsc;

static u64 scale(u64 v, u64 mul) { return (u64)((unsigned __int128)v * mul >> 32); }

u64 pvh_tsc_khz(void) { return khz; }
u64 plat_clock_mono(void) { return scale(__builtin_ia32_rdtsc() - base_tsc, to_ns) + NSEC_PER_SEC; }
u64 plat_clock_real(void) { return READ_ONCE(base_real) + plat_clock_mono(); }

u64 pvh_ns_to_tsc(u64 ns)
{
    return base_tsc + scale(ns > NSEC_PER_SEC ? ns - NSEC_PER_SEC : 0, to_tsc) + 1;
}

u32 pvh_kvm_features(void)
{
    static u32 r[4], known;

    if (!known++ && pvh_leaf1[2] >> 31) {
        cpuid_read(0x40000000, 0, r);
        if (memcmp(&r[1], "KVMKVMKVM\0\0\0", 12))
            r[0] = 0;
        else
            cpuid_read(0x40000001, 0, r);
    }
    return r[0];
}

static struct pvclock pvclock;          /* the first CPU's; KVM's to write */

/* The version is odd while KVM writes, and another one after it has. */
static struct pvclock read_pvclock(void)
{
    struct pvclock c;
    u32 v;

    do {
        v = __atomic_load_n(&pvclock.version, __ATOMIC_ACQUIRE) & ~1u;
        c = *(const volatile struct pvclock *)&pvclock;
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
    } while (READ_ONCE(pvclock.version) != v);
    return c;
}

static u64 khz_kvm(void)
{
    wrmsr(MSR_PVCLOCK, plat_gpa(&pvclock) | 1);
    struct pvclock c = read_pvclock();
    u64 k = c.mul ? (1000000ull << 32) / c.mul : 0;
    if (!(c.flags & PVCLOCK_STABLE && pvh_kvm_features() >> 24 & 1) && pvh_host &&
        pvh_host->ncpus > 1)
        printk(4, "clock: the host does not promise the same TSC on all CPUs");
    return c.shift < 0 ? k << -c.shift : k >> c.shift;
}

static u64 khz_cpuid(void)
{
    u32 r[4], top = cpuid_max(0);

    if (top >= 0x15) {
        cpuid_read(0x15, 0, r);
        if (r[0] && r[1] && r[2])
            return (u64)r[2] * r[1] / r[0] / 1000;
    }
    if (pvh_leaf1[2] >> 31 && cpuid_max(0x40000000) >= 0x40000010 &&
        cpuid_max(0x40000000) < 0x40010000) {
        cpuid_read(0x40000010, 0, r);
        return r[0];
    }
    return 0;
}

/* Counter 0 of the 8254 runs down from 5 ms; its output, which the read-back command
 * shows, ends the wait. (Counter 2 has a gate that not every machine has.) The ticks of
 * the TSC in it or, where we were stopped in between, more. 0: there is no 8254. */
static u64 pit_5ms(void)
{
    const u32 count = 1193182 / 200;
    u64 before, t1;
    bool out;

    outb(0x43, 0x30);           /* counter 0, two bytes, mode 0 */
    outb(0x40, (u8)count);
    before = __builtin_ia32_rdtsc();
    outb(0x40, count >> 8);
    do {
        outb(0x43, 0xe2);       /* read back: the status of counter 0 */
        out = inb(0x40) & 0x80;
        t1 = __builtin_ia32_rdtsc();
    } while (!out && t1 - before < 1000000000);
    return out ? t1 - before : 0;
}

/* A busy host stops us at times, or moves us between CPUs whose counters differ: both make
 * a try too long. The shortest counts, once another one agrees with it. */
static u64 khz_pit(void)
{
    u64 best = ~0ull;
    int agree = 0;

    for (int tries = 0; tries < 20 && agree < 2; tries++) {
        u64 span = pit_5ms();
        if (!span)
            return 0;
        if (span < best - best / 100)
            agree = 0;
        if (best == ~0ull || span < best + best / 100)
            agree++;
        best = min(best, span);
    }
    return best > 50000 ? best / 5 : 0;
}

/* -- the date -- */

static u8 cmos(u8 reg)
{
    outb(0x70, reg);
    return inb(0x71);
}

static u64 days(u64 y, u64 m, u64 d)            /* since 1970, Gregorian */
{
    y -= m <= 2;
    u64 era = y / 400, yoe = y - era * 400;
    u64 doy = (153 * (m > 2 ? m - 3 : m + 9) + 2) / 5 + d - 1;
    return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static u64 date_cmos(void)
{
    static const u8 regs[] = { 0, 2, 4, 7, 8, 9 };      /* s min h day month year */
    u8 v[6], again[6];
    int tries = 100;

    do {
        while (cmos(10) & 0x80 && --tries > 0) ;
        for (int i = 0; i < 6; i++) v[i] = cmos(regs[i]);
        for (int i = 0; i < 6; i++) again[i] = cmos(regs[i]);
    } while (memcmp(v, again, 6) && --tries > 0);
    if (!(cmos(11) & 4))
        for (int i = 0; i < 6; i++) v[i] = (u8)((v[i] & 15) + (v[i] >> 4) * 10);
    if (tries <= 0 || v[4] < 1 || v[4] > 12 || v[3] < 1 || v[3] > 31)
        return 0;
    return (days(2000u + v[5], v[4], v[3]) * 24 + v[2]) * 3600 + v[1] * 60u + v[0];
}

/* The date less plat_clock_mono: KVM tells the date at which its paravirtual clock was 0, as
 * of now. On the first CPU, interrupts off. */
static u64 date_kvm(void)
{
    static struct pvwall w;

    wrmsr(MSR_PVWALL, plat_gpa(&w));
    struct pvclock c = read_pvclock();
    u64 wall = READ_ONCE(w.sec) * NSEC_PER_SEC + READ_ONCE(w.nsec);
    u64 ticks = __builtin_ia32_rdtsc() - c.tsc, mono = plat_clock_mono();
    ticks = c.shift < 0 ? ticks >> -c.shift : ticks << c.shift;
    return wall + c.system_time + scale(ticks, c.mul) - mono;
}

static u64 date_next;                   /* TSC; 0: the date is not KVM's */

void pvh_clock_date(void)
{
    u64 now = __builtin_ia32_rdtsc();

    if (likely((s64)(now - date_next) < 0) || !date_next || this_cpu()->id)
        return;
    date_next = now + khz * DATE_SPAN_MS;
    u64 base = date_kvm();
    s64 off = (s64)(base - base_real);
    if (off > DATE_SLACK_NS || off < -DATE_SLACK_NS) {
        WRITE_ONCE(base_real, base);
        WRITE_ONCE(pvh_vdso_data.d.base_real, base);
    }
}

void pvh_clock_init(void)
{
    bool kvm = pvh_kvm_features() >> 3 & 1;     /* KVM_FEATURE_CLOCKSOURCE2 */

    khz = kvm ? khz_kvm() : khz_cpuid();
    if (!khz)
        khz = khz_pit();
    if (!khz) {
        khz = 1000000;
        printk(4, "clock: the TSC's rate can't be found: taken as 1 GHz");
    }
    to_ns = (1000000ull << 32) / khz;
    to_tsc = (khz << 32) / 1000000;
    base_tsc = __builtin_ia32_rdtsc();
    base_real = kvm ? date_kvm() : date_cmos() * NSEC_PER_SEC - NSEC_PER_SEC;
    date_next = kvm ? base_tsc + khz * DATE_SPAN_MS : 0;
    pvh_vdso_data.d = (struct vdso_data){ base_tsc, to_ns, NSEC_PER_SEC, base_real };
}
