/* What the loader tells: hvm_start_info (Xen's PVH boot ABI, version 1). Foreign, but
 * from below: a broken one ends the domain with a message. */
#include "abi/pvh.h"
#include "pvh.h"

#define EARLY_MAX   (1ull << 30)        /* what boot's page tables reach */
#define LOW_MEM     (1ull << 20)

struct pvh_range pvh_ram[16];
unsigned pvh_nram;
char pvh_cmdline[2048];
/* Boot modules: the first is the initial file tree, unless its name says otherwise. */
static struct { struct pvh_range r; char name[32]; } mods[8];
static unsigned nmods;

static const void *early(u64 gpa, u64 len)
{
    if (!gpa || gpa >= EARLY_MAX || len > EARLY_MAX - gpa)
        panic("pvh boot: start info points outside the first GiB (%lx)", (unsigned long)gpa);
    return (const void *)(PVH_KERNEL + gpa);
}

static void read_modules(const struct pvh_start_info *si)
{
    unsigned n = min(si->nr_modules, (u32)ARRAY_SIZE(mods));
    const struct pvh_module *m = n ? early(si->modlist, n * sizeof *m) : NULL;

    for (unsigned i = 0; i < n; i++) {
        mods[i].r = (struct pvh_range){ m[i].addr, m[i].addr + m[i].size };
        if (m[i].cmdline)
            strlcpy(mods[i].name, early(m[i].cmdline, 1), sizeof mods[i].name);
    }
    nmods = n;
}

static void read_memmap(const struct pvh_start_info *si)
{
    const struct pvh_memmap *m = early(si->memmap, si->memmap_entries * sizeof *m);

    for (u32 i = 0; i < si->memmap_entries && pvh_nram < ARRAY_SIZE(pvh_ram); i++)
        if (m[i].type == PVH_MEM_RAM && m[i].addr + m[i].size > LOW_MEM)
            pvh_ram[pvh_nram++] = (struct pvh_range){ max(m[i].addr, LOW_MEM),
                                                      m[i].addr + m[i].size };
}

void pvh_start_info(u64 gpa)
{
    const struct pvh_start_info *si = early(gpa, sizeof *si);

    if (si->magic != PVH_START_MAGIC)
        panic("pvh boot: no hvm_start_info");
    if (si->version < 1 || !si->memmap_entries)
        panic("pvh boot: the loader gives no memory map");
    if (si->cmdline)
        strlcpy(pvh_cmdline, early(si->cmdline, 1), sizeof pvh_cmdline);
    read_modules(si);
    read_memmap(si);
}

/* The part of the RAM around the kernel that nothing lies in: from the kernel's end, or
 * from that of modules in the lower half, up to the first module in the upper half. */
struct pvh_range pvh_free_ram(void)
{
    u64 kernel = (u64)pvh_kernel_end - PVH_KERNEL;
    struct pvh_range f = { 0, 0 };

    for (unsigned i = 0; i < pvh_nram; i++)
        if (pvh_ram[i].start < kernel && pvh_ram[i].end > kernel)
            f = (struct pvh_range){ PAGE_UP(kernel), PAGE_DOWN(pvh_ram[i].end) };
    u64 middle = f.start + (f.end - f.start) / 2;
    for (unsigned i = 0; i < nmods; i++) {
        const struct pvh_range *m = &mods[i].r;
        if (m->end <= f.start || m->start >= f.end)
            continue;
        if (m->end < middle)
            f.start = max(f.start, PAGE_UP(m->end));
        else
            f.end = min(f.end, PAGE_DOWN(m->start));
    }
    if (f.end < f.start + (1ul << 20))
        panic("pvh boot: not enough memory");
    return f;
}

static const void *module_at(unsigned i, size_t *len_r)
{
    *len_r = mods[i].r.end - mods[i].r.start;
    return plat_kva(mods[i].r.start);
}

static bool is_named(unsigned i, const char *name) { return !strcmp(mods[i].name, name); }

bool pvh_module(const char *name, u64 *gpa_r, size_t *len_r)
{
    for (unsigned i = 0; i < nmods; i++) {
        if (!is_named(i, name))
            continue;
        *gpa_r = mods[i].r.start;
        *len_r = mods[i].r.end - mods[i].r.start;
        return true;
    }
    return false;
}

const void *plat_initrd(size_t *len_r)
{
    for (unsigned i = 0; i < nmods; i++)
        if (!is_named(i, PVH_MODULE_RECORD) && !is_named(i, PVH_MODULE_BOOT))
            return module_at(i, len_r);
    return NULL;
}
