/* The kernel's own page tables: all memory at DIRECT, the image at KERNEL, stacks at
 * STACKS. Nothing is both writable and executable: text and constants are read-only
 * through DIRECT, too. Where memory has a hole below 4 GiB, DIRECT has none: what lies
 * above follows at once, so that the heap is one range. Registers of devices, which lie
 * in the hole, are then seen further up. */
#include "paging.h"

#define BIG     (2ul << 20)
#define GIB4    (1ull << 32)
#define DEVICES (1ull << 38)            /* offset from DIRECT, and no memory above it */

struct pvh_range pvh_hole = { ~0ull, ~0ull };        /* whole BIG pages */

u64 pvh_kernel_cr3;
static u64 window = PVH_KERNEL;         /* where physical memory is seen at present */
static u64 early_next;

static u64 *table(u64 entry) { return (u64 *)(window + (entry & PTE_ADDR)); }

static u64 early_page(void)
{
    u64 gpa = early_next;

    early_next += PAGE_SIZE;
    if (!pvh_host)              /* our monitor's memory is zeros, and untouched */
        memset((void *)(window + gpa), 0, PAGE_SIZE);
    return gpa;
}

u64 pvh_early_pages(unsigned n)
{
    u64 gpa = early_next;

    while (n--)
        early_page();
    return gpa;
}

u64 pvh_early_end(void) { return early_next; }

/* The entry for va at `level` (1: 4 KiB, 2: 2 MiB), made if need be. */
static u64 *entry_at(u64 va, int level)
{
    u64 *t = table(pvh_kernel_cr3);

    for (int l = 4; l > level; l--) {
        u64 *e = &t[va >> (12 + 9 * (l - 1)) & 511];
        if (!*e)
            *e = early_page() | PTE_P | PTE_W;
        t = table(*e);
    }
    return &t[va >> (12 + 9 * (level - 1)) & 511];
}

static void map_small(u64 va, u64 gpa, u64 len, u64 bits)
{
    for (u64 o = 0; o < len; o += PAGE_SIZE)
        *entry_at(va + o, 1) = (gpa + o) | bits;
}

/* Memory is low, with the kernel in it, and perhaps at 4 GiB. */
static void find_hole(void)
{
    u64 kernel = (u64)pvh_kernel_end - PVH_KERNEL, low = 0, high = ~0ull;

    for (unsigned i = 0; i < pvh_nram; i++) {
        if (pvh_ram[i].start < kernel && pvh_ram[i].end > kernel)
            low = pvh_ram[i].end;
        if (pvh_ram[i].start >= GIB4)
            high = min(high, pvh_ram[i].start);
    }
    if (high != ~0ull)
        pvh_hole = (struct pvh_range){ low & ~(BIG - 1), (high + BIG - 1) & ~(BIG - 1) };
}

static u64 high_memory(void)
{
    u64 end = pvh_hole.end;

    for (unsigned i = 0; i < pvh_nram; i++)
        if (pvh_ram[i].start <= end && pvh_ram[i].end > end)
            end = pvh_ram[i].end;
    return end - pvh_hole.end;
}

static void map_direct(u64 start, u64 end, u64 bits)
{
    u64 ro = (u64)pvh_text_start - PVH_KERNEL, ro_end = (u64)pvh_rodata_end - PVH_KERNEL;

    for (u64 a = start & ~(BIG - 1); a < end; a += BIG) {
        if (a + BIG <= ro || a >= ro_end) {
            *entry_at((u64)plat_kva(a), 2) = a | bits | PTE_PS;
            continue;
        }
        for (u64 p = a; p < a + BIG; p += PAGE_SIZE)
            *entry_at((u64)plat_kva(p), 1) = p | (p >= ro && p < ro_end ? bits & ~PTE_W : bits);
    }
}

void pvh_paging_init(void)
{
    const u64 data = PTE_P | PTE_W | PTE_NX | PTE_A | PTE_D | PTE_G;
    u64 text = (u64)pvh_text_start, ro = (u64)pvh_text_end, rw = (u64)pvh_rodata_end;

    early_next = pvh_free_ram().start;
    pvh_kernel_cr3 = early_page();
    find_hole();
    for (unsigned i = 0; i < pvh_nram; i++)
        if (pvh_ram[i].start < pvh_hole.start)
            map_direct(pvh_ram[i].start, min(pvh_ram[i].end, pvh_hole.start), data);
    if (pvh_hole.start != ~0ull)
        map_direct(pvh_hole.end, pvh_hole.end + high_memory(), data);
    map_direct(0, 1ul << 20, data);
    if (!pvh_host || !pvh_x2apic())
        map_direct(PVH_MMIO, 1ull << 32, data | PTE_PCD | PTE_PWT);
    map_small(text, text - PVH_KERNEL, ro - text, PTE_P | PTE_A | PTE_G);
    map_small(ro, ro - PVH_KERNEL, rw - ro, PTE_P | PTE_NX | PTE_A | PTE_G);
    map_small(rw, rw - PVH_KERNEL, (u64)pvh_kernel_end - rw, data);
    *entry_at((u64)pvh_first_block, 1) = 0;     /* the first stack's guard page */
    entry_at(PVH_STACKS, 2);                    /* its upper level is in every pml4 */
    write_cr3(pvh_kernel_cr3);
    window = PVH_DIRECT;
}

u64 *pvh_kernel_pml4(void) { return table(pvh_kernel_cr3); }

bool pvh_kernel_maps(u64 va)
{
    u64 *t = table(pvh_kernel_cr3);

    for (int l = 4; l > 0; l--) {
        u64 e = t[va >> (12 + 9 * (l - 1)) & 511];
        if (!(e & PTE_P))
            return false;
        if (e & PTE_PS)
            break;
        t = table(e);
    }
    return true;
}

/* -- kernel stacks -- */

/* Before the heap is there. The slots behind 0 are the idle tasks'. */
void *pvh_idle_stack(u32 cpu)
{
    u64 va = PVH_STACKS + (cpu + 1) * PVH_SLOT + (PVH_SLOT - PVH_IDLE_BLOCK);

    map_small(va, pvh_early_pages(PVH_IDLE_BLOCK / PAGE_SIZE), PVH_IDLE_BLOCK,
              PTE_P | PTE_W | PTE_NX | PTE_A | PTE_D | PTE_G);
    return (void *)va;
}

static u64 *stack_entry(u64 va, bool make)
{
    u64 *t = table(pvh_kernel_pml4()[va >> 39 & 511]);

    for (int l = 3; l > 1; l--) {
        u64 *e = &t[va >> (12 + 9 * (l - 1)) & 511];
        if (!*e) {
            void *p = make ? kpages(1) : NULL;
            if (!p)
                return NULL;
            *e = plat_gpa(p) | PTE_P | PTE_W;
        }
        t = table(*e);
    }
    return &t[va >> 12 & 511];
}

void *pvh_stack_map(u32 slot, void *pages)
{
    u64 va = PVH_STACKS + slot * PVH_SLOT + (PVH_SLOT - PVH_BLOCK);

    for (u64 o = 0; o < PVH_BLOCK; o += PAGE_SIZE) {
        u64 *e = stack_entry(va + o, true);
        if (!e)
            return NULL;
        *e = (plat_gpa(pages) + o) | PTE_P | PTE_W | PTE_NX | PTE_A | PTE_D | PTE_G;
    }
    return (void *)va;
}

void *pvh_stack_unmap(u32 slot)
{
    u64 va = PVH_STACKS + slot * PVH_SLOT + (PVH_SLOT - PVH_BLOCK);
    void *pages = plat_kva(plat_gpa((void *)va));

    for (u64 o = 0; o < PVH_BLOCK; o += PAGE_SIZE)
        *stack_entry(va + o, false) = 0;
    pvh_shoot_kernel();
    return pages;
}

/* -- addresses -- */

u64 plat_gpa(const void *p)
{
    u64 a = (u64)p;

    if (a >= PVH_KERNEL)
        return a - PVH_KERNEL;
    if (a >= PVH_STACKS) {
        const u64 *e = stack_entry(a, false);
        assert(e && *e);
        return (*e & PTE_ADDR) | (a & ~PAGE_MASK);
    }
    a -= PVH_DIRECT;
    return a < pvh_hole.start ? a : a + (pvh_hole.end - pvh_hole.start);
}

void *plat_kva(u64 gpa)
{
    if (unlikely(gpa >= pvh_hole.start))
        gpa = gpa >= pvh_hole.end ? gpa - (pvh_hole.end - pvh_hole.start) : gpa + DEVICES;
    return (void *)(PVH_DIRECT + gpa);
}

/* -- what is left of all this for the heap -- */

void pvh_heap_space(u64 low_end, u64 *start_r, u64 *end_r)
{
    u64 start = (u64)plat_kva(early_next), end = PVH_DIRECT + min(low_end, pvh_hole.start);
    u64 high = pvh_hole.start == ~0ull ? 0 : high_memory();

    if (high && low_end >= pvh_hole.start) {        /* nothing lies between */
        end += high;
    } else if (high > end - start) {
        start = (u64)plat_kva(pvh_hole.end);
        end = start + high;
    }
    *start_r = start;
    *end_r = end;
}

/* Addresses go on there, and memory does not. */
u64 plat_heap_seam(void)
{
    return pvh_hole.start == ~0ull ? 0 : (u64)plat_kva(pvh_hole.end);
}
