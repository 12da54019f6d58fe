/* A look at what protects the kernel, when it boots with xenc.debug: its own page tables
 * and control registers are as docs/ARCHITECTURE.md says. */
#include "cpuid.h"
#include "paging.h"

#define CR0_WP   (1u << 16)
#define EFER_NXE (1u << 11)

static u32 leaves;

static void check_leaf(u64 va, u64 e, u64 size)
{
    u64 gpa = e & PTE_ADDR & ~(size - 1);
    u64 ro = (u64)pvh_text_start - PVH_KERNEL, ro_end = (u64)pvh_rodata_end - PVH_KERNEL;

    leaves++;
    if (e & PTE_U)
        panic("kernel mapping at %lx: programs can reach it", (unsigned long)va);
    if (e & PTE_W && !(e & PTE_NX))
        panic("kernel mapping at %lx: writable and executable", (unsigned long)va);
    if (e & PTE_W && gpa < ro_end && gpa + size > ro)
        panic("kernel mapping at %lx: text or constants can be written", (unsigned long)va);
    if (!(e & PTE_NX) && (gpa < ro || gpa + size > (u64)pvh_text_end - PVH_KERNEL))
        panic("kernel mapping at %lx: executable, and not text", (unsigned long)va);
}

/* t: the table of `level` whose first entry maps va. */
static void check_table(const u64 *t, int level, u64 va)
{
    u64 size = 1ull << (12 + 9 * (level - 1));

    for (u64 k = 0; k < 512; k++) {
        u64 at = va + k * size;
        if (!(t[k] & PTE_P))
            continue;
        if (level == 1 || t[k] & PTE_PS)
            check_leaf(at, t[k], size);
        else
            check_table(plat_kva(t[k] & PTE_ADDR), level - 1, at);
    }
}

static void check_guard(u64 stack_low, const char *whose)
{
    if (pvh_kernel_maps(stack_low - 1))
        panic("no guard page under the stack of %s", whose);
}

static const char *registers(void)
{
    u32 r[4];
    u64 cr0, cr4 = read_cr4();

    __asm__ volatile("mov %%cr0, %0" : "=r"(cr0));
    cpuid_read(7, 0, r);
    if (!(cr0 & CR0_WP) || !(rdmsr(0xc0000080) & EFER_NXE))
        panic("the kernel can write to what is read-only, or execute data");
    if ((r[1] >> 7 & 1 && !(cr4 >> 20 & 1)) || (r[1] >> 20 & 1 && !(cr4 >> 21 & 1)) ||
        (r[2] >> 2 & 1 && !(cr4 >> 11 & 1)))
        panic("SMEP, SMAP or UMIP is there and not in use");
    bool all = r[1] >> 7 & 1 && r[1] >> 20 & 1 && r[2] >> 2 & 1;
    return all ? "SMEP SMAP UMIP in use" : "SMEP SMAP UMIP where the CPU has them";
}

void pvh_check_protection(void)
{
    const u64 *top = pvh_kernel_pml4();

    for (u64 k = 0; k < 256; k++)
        if (top[k])
            panic("the kernel's table maps programs' addresses");
    for (u64 k = 256; k < 512; k++)
        if (top[k])
            check_table(plat_kva(top[k] & PTE_ADDR), 3, 0xffff000000000000ull | k << 39);
    check_guard((u64)pvh_first_block + PAGE_SIZE, "the first task");
    for (u32 id = 0; id < pvh_ncpus; id++)
        check_guard((u64)pvh_cpus[id].idle->plat.kstack_top + PVH_TASK_SPACE - PVH_IDLE_BLOCK,
                    "an idle task");
    printk(7, "memory: W^X in %u kernel mappings, guard pages, NX, %s", leaves, registers());
}
