/* The first C code in the domain, and its end. */
#include "balloon.h"
#include "cpuid.h"
#include "pvh.h"

#include <linux/elf.h>

char pvh_first_block[PVH_BLOCK] __attribute__((aligned(PVH_BLOCK)));
static u8 first_fpu[PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));
static struct xenc_boot boot;
static struct pvh_range heap;
static bool debug_port, serial_port;

void pvh_boot(u64 start_info) __attribute__((noreturn));

/* -- messages -- */

void pvh_console_init(void)
{
    debug_port = inb(PORT_DEBUG) == PORT_DEBUG;         /* as QEMU's and Bochs' answer */
    outb(PORT_SERIAL + 7, 0x5a);                        /* a register without effect */
    serial_port = inb(PORT_SERIAL + 7) == 0x5a;
}

void plat_log(const char *s, size_t n)
{
    u64 f = irq_save();

    for (; n; n--, s++) {
        if (debug_port)
            outb(PORT_DEBUG, (u8)*s);
        if (!serial_port)
            continue;
        if (*s == '\n')
            outb(PORT_SERIAL, '\r');
        while (!(inb(PORT_SERIAL + 5) & 0x20))
            __builtin_ia32_pause();
        outb(PORT_SERIAL, (u8)*s);
    }
    irq_restore(f);
}

/* -- the boot area: told by the host's record, or made up from the command line -- */

static void fill_boot(void)
{
    size_t len = 0;

    boot.magic = XENC_BOOT_MAGIC;
    boot.version = XENC_BOOT_VERSION;
    boot.ncpus = pvh_ncpus;
    boot.started = 1;
    if (pvh_option("xenc.debug", 0, NULL, 0) >= 0)
        boot.flags |= XENC_BOOT_DEBUG;
    if (pvh_option("xenc.strace", 0, NULL, 0) >= 0)
        boot.flags |= XENC_BOOT_STRACE;
    u32 r[4];
    cpuid_read(1, 0, r);
    boot.hwcap = r[3];
    boot.record = pvh_record_module(&len);
    boot.record_len = len;
    if (!boot.record)
        pvh_record_default(&boot);
}

/* The heap gets what boot's own tables leave, behind one counter for each of its pages. */
static void find_heap(void)
{
    u64 start = pvh_early_end(), end = pvh_free_ram().end;
    u64 counters = PAGE_UP(((end - start) >> PAGE_SHIFT) * sizeof(u32));

    pvh_refs_set(plat_kva(start), start + counters);
    heap = (struct pvh_range){ start + counters, end };
    boot.mem_size = heap.end - heap.start;
    boot.heap_start = heap.start;
}

void pvh_boot(u64 start_info)
{
    struct task *t = (struct task *)(pvh_first_block + PVH_BLOCK - PVH_TASK_SPACE);
    struct cpu *c = &pvh_cpus[0];

    c->self = c;
    c->online = 1;
    c->task = t;
    c->kstack = t->plat.kstack_top = (u64)t;
    c->tss.rsp0 = (u64)plat_task_regs(t);
    t->plat.fpu = first_fpu;
    t->plat.live = 1;
    wrmsr(0xc0000101, (u64)c);          /* GS_BASE */
    wrmsr(0xc0000102, 0);
    pvh_console_init();
    pvh_trap_init(c);
    pvh_start_info(start_info);
    pvh_cpu_features(true);
    pvh_paging_init();
    c->cr3 = pvh_kernel_cr3;
    pvh_fp_init(true);
    pvh_clock_init();
    pvh_apic_init(true);
    c->apic_id = pvh_apic_id();
    pvh_sched_init(c, plat_kva(pvh_early_pages(PVH_IDLE_BLOCK / PAGE_SIZE)));
    pvh_smp_start();
    find_heap();
    fill_boot();
    pvh_bus_init();
    printk(7, "cpu: %u in use, TSC %lu kHz, state of %lu bytes to switch", pvh_ncpus,
           (unsigned long)pvh_tsc_khz(), (unsigned long)plat_fp_size());
    irq_restore(0x200);
    kmain();
}

struct xenc_boot *plat_boot(void) { return &boot; }
unsigned plat_ncpus(void) { return pvh_ncpus; }

void plat_heap_range(u64 *start_r, u64 *end_r)
{
    *start_r = PVH_DIRECT + heap.start;
    *end_r = PVH_DIRECT + heap.end;
}

bool plat_anon_in_heap(void) { return true; }

/* The heap takes released pages for zeroed ones, and a host need not take them. */
void plat_heap_release(void *p, size_t len)
{
    memset(p, 0, len);
    balloon_report(p, len);
}

void plat_entropy(void *buf, size_t n)
{
    u8 *p = buf;
    u32 r[4];

    cpuid_read(1, 0, r);
    while (n) {
        u64 v = 0;
        u8 ok = 0;
        if (r[2] >> 30 & 1)
            __asm__ volatile("rdrand %0; setc %1" : "=r"(v), "=qm"(ok));
        if (!ok)
            v = __builtin_ia32_rdtsc() * 0x9e3779b97f4a7c15ull;
        size_t m = min(n, sizeof v);
        memcpy(p, &v, m);
        p += m;
        n -= m;
    }
}

/* -- state and end -- */

void plat_state(u32 state) { boot.state = state; }

void plat_await_start(void) { }

/* The port ends the domain where somebody listens to it. Else a triple fault does. */
static __attribute__((noreturn)) void end(u32 status)
{
    static const struct { u16 len; u64 base; } __attribute__((packed)) none = { 0, 0 };

    irq_save();
    outl(PORT_EXIT, status);
    __asm__ volatile("lidt %0; int3" : : "m"(none));
    for (;;)
        __asm__ volatile("hlt");
}

void plat_halt(int wait_status)
{
    boot.exit_status = (u32)wait_status;
    plat_state(XENC_ST_EXITED);
    /* isa-debug-exit makes (v << 1) | 1 of it, a byte: give it the exit code, or 128 and
     * the signal, as shells count. */
    u32 sig = wait_status & 0x7f;
    end(sig ? 128 + sig : (u32)wait_status >> 8 & 0xff);
}

void plat_panic(const char *report)
{
    strlcpy(boot.panic, report, sizeof boot.panic);
    plat_state(XENC_ST_PANIC);
    plat_log(report, strlen(report));
    plat_log("\n", 1);
    end(255);
}
