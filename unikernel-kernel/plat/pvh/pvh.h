/* What the files of the PVH platform share. */
#ifndef PLAT_PVH_PVH_H
#define PLAT_PVH_PVH_H

#include "abi/pvh.h"
#include "layout.h"
#include "task.h"
#include "vdso_data.h"

/* A task's block: kernel stack, then struct task. Below it, in its slot of addresses,
 * lies nothing: a stack that runs over faults there. */
#define PVH_BLOCK      0x8000ul
#define PVH_SLOT       0x10000ul
#define PVH_TASK_SPACE 0x800ul
_Static_assert(sizeof(struct task) <= PVH_TASK_SPACE, "plat_task_alloc's block");

enum pvh_state { PVH_RUNNING, PVH_READY, PVH_BLOCKED, PVH_DEAD };

struct tss { u32 pad0; u64 rsp0, rsp1, rsp2, pad1, ist[7]; u64 pad2; u16 pad3, iomap; }
    __attribute__((packed));

/* Tasks that are ready (runq.c). */
struct runq {
    struct rbtree fair;         /* by virtual time */
    struct list rt;             /* by priority */
    u32 n;                      /* in both */
    u64 load;                   /* their weights */
    u64 min_vr;                 /* virtual time that all have reached */
    u64 rt_start, rt_ran;       /* what real-time tasks had since rt_start */
};

/* A CPU. %gs points here while the kernel runs. */
struct cpu {
    struct task *task;          /* CPU_TASK: the running one */
    u64 kstack;                 /* CPU_KSTACK: its kernel_stack top */
    u64 usp;                    /* CPU_USP: scratch of the system call entry */
    struct cpu *self;           /* CPU_SELF */
    u32 id, apic_id;
    u32 online;
    u64 cr3;                    /* loaded now */
    u32 shoot;                  /* enum pvh_shoot: asked of it by another CPU (smp.c) */
    struct task *idle;          /* what runs when nothing else does */
    struct task *prev;          /* whom we have just switched from */
    bool resched;               /* on the way out of an interrupt: schedule */
    bool lazy;                  /* no program runs: flushes can wait until one does ... */
    bool stale;                 /* ... and one is waiting (smp.c) */
    struct task *fp_owner;      /* whose FPU registers are loaded (fp.c) */
    struct runq q;
    u64 slice_end;
    u64 spread_at, balance_at;  /* when to look for CPUs that have less to do */
    struct rbtree timers;
    u32 eoi_done;               /* apic.c */
    u64 armed;                  /* deadline in the timer; WAIT_FOREVER: none */
    u64 gdt[SEL_TSS / 8 + 2];
    struct tss tss;
};
#define PVH_MAX_CPUS 16u
#define PVH_NO_CPU   0xffff
extern struct cpu pvh_cpus[PVH_MAX_CPUS];
extern u32 pvh_ncpus;           /* online, ids from 0 */
extern u64 pvh_cr4;             /* all CPUs' */
extern u32 pvh_leaf1[4];        /* what cpuid says in leaf 1, on the first CPU: an exit each time */
static inline bool pvh_x2apic(void) { return pvh_leaf1[2] >> 21 & 1; }
/* Interrupts off, or the answer may be of no use any more. */
static inline struct cpu *this_cpu(void)
{
    struct cpu *c;
    __asm__ volatile("mov %%gs:%c1, %0" : "=r"(c) : "i"(CPU_SELF));
    return c;
}

/* -- instructions -- */
static inline u64 irq_save(void)
{
    u64 f;
    __asm__ volatile("pushfq; popq %0; cli" : "=r"(f) : : "memory");
    return f;
}
static inline void irq_restore(u64 f)
{
    if (f & 0x200)
        __asm__ volatile("sti" : : : "memory");
}
static inline u64 rdmsr(u32 n)
{
    u32 lo, hi;
    __asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(n));
    return (u64)hi << 32 | lo;
}
static inline void wrmsr(u32 n, u64 v)
{
    __asm__ volatile("wrmsr" : : "c"(n), "a"((u32)v), "d"((u32)(v >> 32)) : "memory");
}
static inline void outb(u16 port, u8 v) { __asm__ volatile("outb %0, %1" : : "a"(v), "Nd"(port)); }
static inline void outl(u16 port, u32 v) { __asm__ volatile("outl %0, %1" : : "a"(v), "Nd"(port)); }
static inline u8 inb(u16 port)
{
    u8 v;
    __asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port));
    return v;
}
static inline u64 read_cr2(void) { u64 v; __asm__ volatile("mov %%cr2, %0" : "=r"(v)); return v; }
static inline u64 read_cr4(void) { u64 v; __asm__ volatile("mov %%cr4, %0" : "=r"(v)); return v; }
static inline void write_cr3(u64 v) { __asm__ volatile("mov %0, %%cr3" : : "r"(v) : "memory"); }
static inline void write_cr4(u64 v) { __asm__ volatile("mov %0, %%cr4" : : "r"(v) : "memory"); }
static inline u32 mmio_read(const volatile void *a) { return *(const volatile u32 *)a; }
static inline void mmio_write(volatile void *a, u32 v) { *(volatile u32 *)a = v; }

/* -- boot.c, start.c -- */
struct pvh_range { u64 start, end; };
extern struct pvh_range pvh_ram[16];            /* start.c: RAM as the loader lists it */
extern unsigned pvh_nram;
extern char pvh_cmdline[2048];
void pvh_start_info(u64 gpa);
struct pvh_range pvh_free_ram(void);
bool pvh_module(const char *name, u64 *gpa_r, size_t *len_r);
/* The boot area of our own monitor; NULL: something else has booted us. */
extern struct xenc_boot *pvh_host;
void pvh_host_wake(u32 what);                   /* enum pvh_wake: it looks at that word */
void pvh_record_default(struct xenc_boot *b);   /* cmdline.c */
/* The value of the n-th word "name=value": length, or -1. */
int pvh_option(const char *name, unsigned n, char *buf, size_t size);

/* -- paging.c -- */
extern u64 pvh_kernel_cr3;
u64 *pvh_kernel_pml4(void);
void pvh_paging_init(void);
u64 pvh_early_pages(unsigned n);                /* gpa; zeroed */
u64 pvh_early_end(void);                        /* gpa: boot-time allocations end here */
void *pvh_idle_stack(u32 cpu);  /* at boot: PVH_IDLE_BLOCK bytes, zeroed */
bool pvh_kernel_maps(u64 va);
/* Kernel addresses of what boot has left over, given where low memory is free up to. */
void pvh_heap_space(u64 low_end, u64 *start_r, u64 *end_r);
void *pvh_stack_map(u32 slot, void *pages);      /* its address; NULL: no memory */
void *pvh_stack_unmap(u32 slot);                /* the pages it had, which no CPU sees there */

/* -- as.c -- */
void pvh_as_switch(struct cpu *c, const struct task *next);
int pvh_as_clone(struct mm *to, struct mm *from);
/* After mm_fault said yes: what the page tables themselves can put right. */
int pvh_as_resolve(struct mm *mm, u64 addr, bool write);

/* -- pages.c -- */
void pvh_refs_set(u32 *array, const void *base);        /* of the heap */

/* -- check.c -- */
void pvh_check_protection(void);                /* panics where something does not hold */

/* -- sched.c -- */
void pvh_sched_init(struct cpu *c, void *idle_block);   /* PVH_IDLE_BLOCK bytes, zeroed */
#define PVH_IDLE_BLOCK (2 * PAGE_SIZE)
/* The scheduler's lock; interrupts are off while it is held. */
u64 pvh_sched_lock(void);
void pvh_sched_unlock(u64 flags);
void pvh_ready(struct task *t, bool irq);       /* locked; BLOCKED -> READY */
void pvh_schedule(void);                        /* locked */
void pvh_block(u64 deadline);   /* locked: the running task sleeps; comes back locked */
void pvh_preempt(void);                         /* interrupts off */
void pvh_idle(void) __attribute__((noreturn));  /* a CPU's first and last resort */
void pvh_finish_switch(void);                   /* locked */
void pvh_timer_irq(void);
void pvh_wake_irq(void);
void pvh_word_wait(u32 *v, u32 seen, u64 deadline);     /* while *v == seen; any */
void pvh_futex_wake(u32 *v, int n);             /* any */
void pvh_switch(u64 *save_sp, u64 sp);          /* entry.S */

/* -- the vDSO: its page, and the one it reads (clock.c) -- */
extern const char pvh_vdso_image[];
union pvh_vdso { struct vdso_data d; u8 page[PAGE_SIZE]; };
extern union pvh_vdso pvh_vdso_data;

/* -- apic.c, clock.c, trap.c, fp.c, bus.c -- */
void pvh_apic_init(bool first);
void pvh_apic_send(u32 apic_id, u32 what);       /* low half of the command register */
void pvh_apic_eoi(void);
void pvh_timer_arm(u64 deadline);               /* WAIT_FOREVER: off */
int pvh_ioapic_route(u32 irq, u8 vector);
void pvh_clock_init(void);
u64 pvh_ns_to_tsc(u64 mono_ns);
void pvh_clock_date(void);      /* interrupts off: now and then the date is the host's again */
u64 pvh_tsc_khz(void);
u32 pvh_kvm_features(void);     /* KVM_FEATURE_*: bits of eax of its cpuid leaf; 0: no KVM */
void pvh_trap_init(struct cpu *c);
void pvh_cpu_features(void);    /* the first CPU's are all others', too */
void pvh_fp_init(bool first);
void pvh_fp_save(void *area);                   /* the CPU's registers, XSAVE format */
/* The CPU goes from one task to another, the scheduler's lock held. */
void pvh_fp_switch(struct cpu *c, struct task *prev, struct task *next);
void pvh_bus_init(void);
void pvh_bus_irq(unsigned vector);
/* virtio-mmio's registers (mmio.c), where the boot area does not have them. */
void pvh_mmio_find(void (*found)(volatile u8 *reg, u32 type, u32 irq));
u64 pvh_mmio_features(volatile u8 *reg);
void pvh_mmio_set_features(volatile u8 *reg, u64 f);
void pvh_mmio_set_status(volatile u8 *reg, u32 status);
u8 pvh_mmio_config(volatile u8 *reg, unsigned off);
void pvh_mmio_set_queue(volatile u8 *reg, unsigned q, const struct xenc_vq *vq);

/* -- smp.c -- */
enum pvh_shoot { SHOOT_NONE, SHOOT_FLUSH, SHOOT_LEAVE, SHOOT_KERNEL };
void pvh_smp_start(void);
/* Other CPUs that have cr3 loaded forget its translations or change to the kernel's own. */
void pvh_shoot(u64 cr3, enum pvh_shoot what);
void pvh_shoot_kernel(void);    /* all CPUs forget all translations, the kernel's too */
void pvh_shoot_irq(void);
void pvh_ap_main(struct cpu *c) __attribute__((noreturn));

/* -- entry.S -- */
extern char pvh_text_start[], pvh_text_end[], pvh_rodata_end[], pvh_kernel_end[];
extern char pvh_first_block[];
void pvh_return_user(struct regs *r) __attribute__((noreturn));
void pvh_task_entry(void);
void pvh_idle_entry(void);
void pvh_halt(void);
extern const char pvh_halt_hlt[];
void pvh_syscall_entry(void);

#define VEC_TIMER    0xec
#define VEC_WAKE     0xed       /* look at your task, or for one */
#define VEC_SHOOT    0xee
#define VEC_SPURIOUS 0xff
#define VEC_DEV      PVH_VECTOR_DEV     /* + device index */
#define VEC_CTL      PVH_VECTOR_CTL
#endif
