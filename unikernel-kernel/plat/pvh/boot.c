/* The first C code in the domain, and its end. */
#include "balloon.h"
#include "pvh.h"

#include <linux/elf.h>

char pvh_first_block[PVH_BLOCK] __attribute__((aligned(PVH_BLOCK)));
static u8 first_fpu[PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));
static struct xenc_boot made SPARSE;         /* where our monitor has not laid one out */
static struct xenc_boot *boot = &made;
struct xenc_boot *pvh_host;
static struct xenc_log *host_log;
static struct pvh_range heap;
static bool debug_port, serial_port;

void pvh_boot(u64 start_info) __attribute__((noreturn));

/* -- messages -- */

static void find_ports(void)
{
    static bool looked;

    if (looked)
        return;
    looked = true;
    debug_port = inb(PORT_DEBUG) == PORT_DEBUG;         /* as QEMU's and Bochs' answer */
    outb(PORT_SERIAL + 7, 0x5a);                        /* a register without effect */
    serial_port = inb(PORT_SERIAL + 7) == 0x5a;
}

static void log_to_ports(const char *s, size_t n)
{
    find_ports();
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
}

/* Room in the ring, for which the monitor's reader gets some time; once it has let it
 * pass, none until it reads again. */
static u32 log_room(struct xenc_log *l)
{
    static u32 stuck_at;
    static bool stuck;
    u32 tail = READ_ONCE(l->tail);

    if (l->head - tail < XENC_LOG_SIZE || (stuck && stuck_at == tail))
        return XENC_LOG_SIZE - min(l->head - tail, XENC_LOG_SIZE);
    pvh_host_wake(PVH_WAKE_LOG);
    for (int i = 0; i < 1000000 && READ_ONCE(l->tail) == tail; i++)
        __builtin_ia32_pause();
    stuck_at = READ_ONCE(l->tail);
    stuck = stuck_at == tail;
    return XENC_LOG_SIZE - min(l->head - stuck_at, XENC_LOG_SIZE);
}

static void log_to_host(const char *s, size_t n)
{
    static u32 lock;
    struct xenc_log *l = host_log;
    u32 room;

    while (__atomic_exchange_n(&lock, 1, __ATOMIC_ACQUIRE))
        __builtin_ia32_pause();
    for (; n && (room = log_room(l)); n -= room, s += room) {
        room = min(room, (u32)min(n, (size_t)XENC_LOG_SIZE));
        for (u32 i = 0; i < room; i++)
            l->data[(l->head + i) % XENC_LOG_SIZE] = s[i];
        __atomic_store_n(&l->head, l->head + room, __ATOMIC_SEQ_CST);
    }
    __atomic_store_n(&lock, 0, __ATOMIC_RELEASE);
    pvh_host_wake(PVH_WAKE_LOG);
}

void plat_log(const char *s, size_t n)
{
    u64 f = irq_save();

    if (host_log)
        log_to_host(s, n);
    else
        log_to_ports(s, n);
    irq_restore(f);
}

/* -- the boot area: our monitor's, or made up from the record and the command line -- */

/* window: where physical memory is seen at present. */
static void find_host(u64 window)
{
    u64 gpa;
    size_t len;

    if (!pvh_module(PVH_MODULE_BOOT, &gpa, &len) || len < sizeof *boot)
        return;
    boot = (struct xenc_boot *)(window + gpa);
    if (boot->magic != XENC_BOOT_MAGIC || boot->version != XENC_BOOT_VERSION)
        panic("pvh boot: the monitor is of another version");
    pvh_host = boot;
    host_log = (struct xenc_log *)(window + gpa + XENC_LOG_GPA);
}

void pvh_host_wake(u32 what)
{
    if (pvh_host)
        outl(PVH_PORT_WAKE, what);
}

static void make_boot(void)
{
    boot->magic = XENC_BOOT_MAGIC;
    boot->version = XENC_BOOT_VERSION;
    boot->started = 1;
    if (pvh_option("xenc.debug", 0, NULL, 0) >= 0)
        boot->flags |= XENC_BOOT_DEBUG;
    if (pvh_option("xenc.strace", 0, NULL, 0) >= 0)
        boot->flags |= XENC_BOOT_STRACE;
    if (pvh_module(PVH_MODULE_RECORD, &boot->record, &boot->record_len))
        return;
    pvh_record_default(boot);
}

/* The heap gets what boot's own tables leave, behind one counter for each of its pages. */
static void find_heap(void)
{
    u64 start, end;

    pvh_heap_space(pvh_free_ram().end, &start, &end);
    u64 counters = PAGE_UP(((end - start) >> PAGE_SHIFT) * sizeof(u32));
    heap = (struct pvh_range){ start + counters, end };
    pvh_refs_set((u32 *)start, (const void *)heap.start);
    boot->mem_size = heap.end - heap.start;
    boot->heap_start = plat_gpa((const void *)heap.start);
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
    pvh_trap_init(c);
    pvh_cpu_features();
    pvh_start_info(start_info);
    find_host(PVH_KERNEL);
    pvh_paging_init();
    find_host(PVH_DIRECT);
    c->cr3 = pvh_kernel_cr3;
    pvh_fp_init(true);
    pvh_clock_init();
    pvh_apic_init(true);
    c->apic_id = pvh_leaf1[1] >> 24;
    pvh_sched_init(c, pvh_idle_stack(0));
    pvh_smp_start();
    find_heap();
    if (!pvh_host)
        make_boot();
    boot->hwcap = pvh_leaf1[3];
    boot->ncpus = pvh_ncpus;
    pvh_bus_init();
    printk(7, "cpu: %u in use, TSC %lu kHz, state of %lu bytes to switch", pvh_ncpus,
           (unsigned long)pvh_tsc_khz(), (unsigned long)plat_fp_size());
    if (boot->flags & XENC_BOOT_DEBUG)
        pvh_check_protection();
    irq_restore(0x200);
    kmain();
}

struct xenc_boot *plat_boot(void) { return boot; }
unsigned plat_ncpus(void) { return pvh_ncpus; }

void plat_heap_range(u64 *start_r, u64 *end_r)
{
    *start_r = heap.start;
    *end_r = heap.end;
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

    while (n) {
        u64 v = 0;
        u8 ok = 0;
        if (pvh_leaf1[2] >> 30 & 1)
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

void plat_state(u32 state)
{
    __atomic_store_n(&boot->state, state, __ATOMIC_SEQ_CST);
    pvh_host_wake(PVH_WAKE_STATE);
}

void plat_await_start(void)
{
    while (!READ_ONCE(boot->started))
        pvh_word_wait(&boot->started, 0, WAIT_FOREVER);
}

/* The port ends the domain where somebody listens to it. Else a triple fault does. */
static __attribute__((noreturn)) void end(u32 status)
{
    static const struct { u16 len; u64 base; } __attribute__((packed)) none = { 0, 0 };

    irq_save();
    outl(PVH_PORT_EXIT, status);
    __asm__ volatile("lidt %0; int3" : : "m"(none));
    for (;;)
        __asm__ volatile("hlt");
}

void plat_halt(int wait_status)
{
    boot->exit_status = (u32)wait_status;
    plat_state(XENC_ST_EXITED);
    /* isa-debug-exit makes (v << 1) | 1 of it, a byte: give it the exit code, or 128 and
     * the signal, as shells count. */
    u32 sig = wait_status & 0x7f;
    end(sig ? 128 + sig : (u32)wait_status >> 8 & 0xff);
}

void plat_panic(const char *report)
{
    strlcpy(boot->panic, report, sizeof boot->panic);
    plat_state(XENC_ST_PANIC);
    if (!pvh_host) {                    /* which prints the report itself */
        plat_log(report, strlen(report));
        plat_log("\n", 1);
    }
    end(255);
}
