/* Exceptions, interrupts, and what a CPU needs for them: GDT, TSS, IDT, MSRs. */
#include "cpuid.h"
#include "mm.h"
#include "pvh.h"

#include <asm/siginfo.h>
#include <asm/signal.h>

struct gate { u16 off0, sel; u8 ist, type; u16 off1; u32 off2, zero; };
struct hw_frame { u64 vec, err, rip, cs, flags, rsp, ss; };
struct ex_entry { u64 from, to, resume; };

extern char pvh_vectors[];
extern const struct ex_entry pvh_ex_start[], pvh_ex_end[];
extern u8 *const pvh_smap_start[], *const pvh_smap_end[];

struct cpu pvh_cpus[PVH_MAX_CPUS];
u64 pvh_cr4;
u32 pvh_leaf1[4];
static struct gate idt[256] __attribute__((aligned(PAGE_SIZE)));
static u8 fault_stack[2 * PAGE_SIZE] SPARSE __attribute__((aligned(16)));

void pvh_trap_user(struct regs *r, u64 vec, u64 err);
void pvh_trap_kernel(struct hw_frame *f);

enum { VEC_DE = 0, VEC_DB = 1, VEC_BP = 3, VEC_OF = 4, VEC_UD = 6, VEC_DF = 8, VEC_GP = 13,
       VEC_PF = 14, VEC_MF = 16, VEC_AC = 17, VEC_XM = 19 };

static void interrupt(u64 vec)
{
    if (vec == VEC_SPURIOUS)
        return;
    if (vec == VEC_TIMER)
        pvh_timer_irq();
    else if (vec == VEC_SHOOT)
        pvh_shoot_irq();
    else if (vec == VEC_WAKE)
        pvh_wake_irq();
    else
        pvh_bus_irq((unsigned)vec);
    pvh_clock_date();
    pvh_apic_eoi();
}

/* -- from programs -- */

static const struct { u8 vec, sig, code; } signals[] = {
    { VEC_DE, SIGFPE, 1 }, { VEC_DB, SIGTRAP, 2 }, { VEC_BP, SIGTRAP, 0x80 },
    { VEC_OF, SIGSEGV, 0x80 }, { VEC_UD, SIGILL, 2 }, { VEC_MF, SIGFPE, 0 },
    { VEC_XM, SIGFPE, 0 }, { VEC_AC, SIGBUS, 1 },
};

static int serve(u64 addr, bool write, bool exec)
{
    int e;

    do {
        e = mm_fault(addr, write, exec);
        if (e == 0)
            e = pvh_as_resolve(current()->mm, addr, write);
    } while (e == -ENOMEM && (e = oom_relieve()) == 0);
    return e;
}

static void page_fault(struct regs *r, u64 addr, u64 err)
{
    int sig = SIGSEGV, code = 1, e;

    e = addr < PVH_USER_MAX ? serve(addr, err & 2, err & 16) : -EFAULT;
    if (e == 0 || e == -EINTR)
        return;
    if (e == -ENXIO || e == -ENOMEM) {
        sig = SIGBUS;
        code = 2;       /* BUS_ADRERR */
    } else if (e == -EACCES) {
        code = 2;       /* SEGV_ACCERR */
    }
    task_fault(r, sig, code, addr);
}

/* Of floating point exceptions: which. */
static int fp_code(u64 vec)
{
    u32 mxcsr = 0x1f80, bits;
    u16 sw = 0, cw = 0;

    if (vec == VEC_XM) {
        __asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
        bits = mxcsr & ~(mxcsr >> 7) & 0x3f;
    } else {
        __asm__ volatile("fnstsw %0; fnstcw %1" : "=m"(sw), "=m"(cw));
        bits = sw & ~cw & 0x3f;
    }
    return bits & 1 ? 7 : bits & 4 ? 3 : bits & 8 ? 4 : bits & 0x12 ? 5 : bits & 0x20 ? 6 : 7;
}

void pvh_trap_user(struct regs *r, u64 vec, u64 err)
{
    if (vec >= 32) {
        interrupt(vec);
        if (this_cpu()->resched)
            pvh_preempt();
        return;
    }
    u64 addr = vec == VEC_PF ? read_cr2() : 0;
    current()->fault_err = err;
    current()->fault_trap = vec;
    __asm__ volatile("sti");
    if (vec == VEC_PF) {
        page_fault(r, addr, err);
        return;
    }
    for (unsigned i = 0; i < ARRAY_SIZE(signals); i++) {
        if (signals[i].vec != vec)
            continue;
        bool fp = vec == VEC_MF || vec == VEC_XM;
        /* SI_KERNEL is 0x80; TRAP_TRACE and others carry the address */
        task_fault(r, signals[i].sig, fp ? fp_code(vec) : signals[i].code,
                   signals[i].code == 0x80 ? 0 : r->rip);
        return;
    }
    task_fault(r, SIGSEGV, 0x80 /* SI_KERNEL */, 0);
}

/* -- from the kernel -- */

static bool fixup(struct hw_frame *f, u64 addr)
{
    for (const struct ex_entry *e = pvh_ex_start; e < pvh_ex_end; e++) {
        if (f->rip < e->from || f->rip >= e->to)
            continue;
        if (f->vec == VEC_PF && addr < PVH_USER_MAX) {
            bool write = f->err & 2;
            __asm__ volatile("sti");
            int r = serve(addr, write, false);
            __asm__ volatile("cli");
            if (r == 0)
                return true;
        }
        f->rip = e->resume;
        return true;
    }
    return false;
}

void pvh_trap_kernel(struct hw_frame *f)
{
    if (f->vec >= 32) {
        interrupt(f->vec);
        /* No interrupt comes between sti and hlt, but in QEMU's SVM after an exit there.
         * What it has woken must not wait for another one. */
        if (f->rip == (u64)pvh_halt_hlt)
            f->rip++;
        if (this_cpu()->resched && this_cpu()->task != this_cpu()->idle)
            pvh_preempt();      /* the idle loop looks for itself */
        return;
    }
    u64 addr = f->vec == VEC_PF ? read_cr2() : 0;
    if (f->vec != VEC_DF && fixup(f, addr))
        return;
    if ((s64)rdmsr(0xc0000101) >= 0)    /* in the window around swapgs */
        __asm__ volatile("swapgs");
    panic("exception %d in the kernel: rip %lx address %lx error %lx rsp %lx%s", (int)f->vec,
          (unsigned long)f->rip, (unsigned long)addr, (unsigned long)f->err,
          (unsigned long)f->rsp, f->vec == VEC_DF ? " (stack overflow?)" : "");
}

/* -- setting up -- */

static void load_tables(struct cpu *c)
{
    static const u64 segs[SEL_TSS / 8] = {
        [SEL_KCODE / 8] = 0x00af9b000000ffff, [SEL_KDATA / 8] = 0x00cf93000000ffff,
        [SEL_UDATA / 8] = 0x00cff3000000ffff, [SEL_UCODE / 8] = 0x00affb000000ffff };
    u64 tss = (u64)&c->tss;
    struct { u16 len; u64 base; } __attribute__((packed))
        gdtr = { sizeof c->gdt - 1, (u64)c->gdt }, idtr = { sizeof idt - 1, (u64)idt };

    memcpy(c->gdt, segs, sizeof segs);
    c->gdt[SEL_TSS / 8] = (sizeof(struct tss) - 1) | (tss & 0xffffff) << 16 | 0x89ull << 40 |
                          (tss >> 24 & 0xff) << 56;
    c->gdt[SEL_TSS / 8 + 1] = tss >> 32;
    c->tss.iomap = sizeof(struct tss);
    c->tss.ist[0] = (u64)(fault_stack + sizeof fault_stack);
    for (unsigned v = 0; v < 256; v++) {
        u64 a = (u64)pvh_vectors + 16 * v;
        idt[v] = (struct gate){ (u16)a, SEL_KCODE, v == VEC_DF,
                                v == VEC_BP || v == VEC_OF ? 0xee : 0x8e, (u16)(a >> 16),
                                (u32)(a >> 32), 0 };
    }
    __asm__ volatile("lgdt %0; lidt %1; ltr %w2" : : "m"(gdtr), "m"(idtr), "r"(SEL_TSS));
}

/* Without SMAP its instructions do not exist. Text is still writable. */
static void patch_smap(void)
{
    static const u8 nop3[] = { 0x0f, 0x1f, 0x00 };

    for (u8 *const *p = pvh_smap_start; p < pvh_smap_end; p++)
        memcpy(*p, nop3, sizeof nop3);
}

void pvh_cpu_features(void)
{
    u32 r[4];
    u64 cr4 = 1u << 5 | 1u << 7 | 1u << 9 | 1u << 10;   /* PAE PGE OSFXSR OSXMMEXCPT */

    cpuid_read(1, 0, pvh_leaf1);
    cpuid_read(7, 0, r);
    if (pvh_leaf1[2] >> 26 & 1) cr4 |= 1u << 18;        /* XSAVE */
    if (r[1] >> 7 & 1) cr4 |= 1u << 20;         /* SMEP */
    if (r[2] >> 2 & 1) cr4 |= 1u << 11;         /* UMIP */
    if (r[1] >> 20 & 1) cr4 |= 1u << 21;        /* SMAP */
    else patch_smap();
    pvh_cr4 = cr4;
    write_cr4(cr4);
}

void pvh_trap_init(struct cpu *c)
{
    load_tables(c);
    wrmsr(0xc0000081, (u64)SEL_SYSRET << 48 | (u64)SEL_KCODE << 32);       /* STAR */
    wrmsr(0xc0000082, (u64)pvh_syscall_entry);                                  /* LSTAR */
    wrmsr(0xc0000084, 0x47700);         /* FMASK: AC NT IOPL OF DF IF TF */
}
