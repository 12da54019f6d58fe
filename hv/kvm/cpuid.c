/* What a domain's CPUs say of themselves: what our guest kernel can carry, out of what
 * the host's KVM offers. All that is not listed here is not there. */
#include "hv/kvm/kvm.h"

#include <string.h>

#define ALL   0xffffffffu
#define ANY   ALL                       /* index */
#define BIT(n) (1u << (n))
/* States of XCR0 that programs' registers are saved by (plat/pvh/fp.c): x87, SSE, AVX and
 * the three of AVX-512. No AMX, no protection keys. */
#define STATES 0xe7u

/* Not in what KVM says: the monitor's to set. */
#define DEADLINE   BIT(24)
#define HYPERVISOR BIT(31)
#define HTT        BIT(28)

static const struct leaf {
    uint32_t function, index, eax, ebx, ecx, edx;       /* masks */
} leaves[] = {
    { 0x0, ANY, ALL, ALL, ALL, ALL },
    /* sse3 pclmul ssse3 fma cx16 sse4.1 sse4.2 x2apic movbe popcnt aes xsave osxsave avx
     * f16c rdrand hypervisor; the usual, without machine checks and debug store */
    { 0x1, ANY, ALL, ALL, 0xfef83203u, 0x078bbb7fu | HTT },
    { 0x4, ANY, ALL, ALL, ALL, ALL },
    /* fsgsbase bmi1 avx2 smep bmi2 erms avx512f dq rdseed adx smap ifma clflushopt clwb
     * pf er cd sha bw vl; vbmi umip vbmi2 gfni vaes vpclmul vnni bitalg vpopcntdq;
     * 4vnniw 4fmaps fsrm vp2intersect md_clear serialize fp16 and speculation controls */
    { 0x7, 0, 1, 0xfdbf03a9u, 0x5f46u, 0xac80451cu },
    { 0x7, 1, BIT(4) | BIT(5), 0, 0, 0 },
    { 0xb, ANY, ALL, ALL, ALL, ALL },
    { 0xd, 0, STATES, ALL, ALL, 0 },
    { 0xd, 1, 7, ALL, 0, 0 },           /* xsaveopt xsavec xgetbv1; no xsaves */
    { 0xd, 2, ALL, ALL, ALL, ALL },
    { 0xd, 5, ALL, ALL, ALL, ALL },
    { 0xd, 6, ALL, ALL, ALL, ALL },
    { 0xd, 7, ALL, ALL, ALL, ALL },
    { 0x40000000, ANY, ALL, ALL, ALL, ALL },
    { 0x40000001, ANY, BIT(0) | BIT(1) | BIT(3) | BIT(6) | BIT(24), 0, 0, 0 },  /* clocks, EOI */
    { 0x80000000, ANY, ALL, ALL, ALL, ALL },
    /* lahf abm sse4a misalignsse 3dnowprefetch; syscall nx mmxext fxsr_opt 1g rdtscp lm */
    { 0x80000001, ANY, ALL, ALL, BIT(0) | BIT(5) | BIT(6) | BIT(7) | BIT(8), 0x2fd3bb7fu },
    { 0x80000002, ANY, ALL, ALL, ALL, ALL },
    { 0x80000003, ANY, ALL, ALL, ALL, ALL },
    { 0x80000004, ANY, ALL, ALL, ALL, ALL },
    { 0x80000005, ANY, ALL, ALL, ALL, ALL },
    { 0x80000006, ANY, ALL, ALL, ALL, ALL },
    { 0x80000007, ANY, 0, 0, 0, BIT(8) },               /* invariant TSC */
    { 0x80000008, ANY, ALL, 0x0100d000u, 0, 0 },        /* ibpb ibrs stibp ssbd */
};

static const struct leaf *find(const struct kvm_cpuid_entry2 *c)
{
    for (unsigned i = 0; i < sizeof leaves / sizeof leaves[0]; i++)
        if (leaves[i].function == c->function &&
            (leaves[i].index == ANY || leaves[i].index == c->index))
            return &leaves[i];
    return NULL;
}

static void clamp(uint32_t *v, uint32_t most)
{
    if (*v > most)
        *v = most;
}

static uint32_t log2_up(uint32_t n)
{
    uint32_t s = 0;

    while (1u << s < n)
        s++;
    return s;
}

/* Leaf 4: the last level of cache is everybody's, the others each CPU's own. */
static void cache(struct kvm_cpuid_entry2 *c, unsigned n)
{
    uint32_t level = c->eax >> 5 & 7, share = level >= 3 ? (1u << log2_up(n)) - 1 : 0;

    if (c->eax & 31)
        c->eax = (c->eax & 0x3fff) | share << 14 | ((1u << log2_up(n)) - 1) << 26;
}

/* Leaf 0xb: one thread a core, n cores. */
static void topology(struct kvm_cpuid_entry2 *c, unsigned id, unsigned n)
{
    uint32_t type = c->index == 0 ? 1 : c->index == 1 ? 2 : 0;

    c->eax = type == 2 ? log2_up(n) : 0;
    c->ebx = type == 2 ? n : type;
    c->ecx = c->index | type << 8;
    c->edx = id;
}

/* The size of the area for all states that are left: of 0xd's further entries that of the
 * one that ends last. */
static uint32_t states_size(const struct kvm_cpuid2 *c)
{
    uint32_t size = 576;

    for (unsigned i = 0; i < c->nent; i++) {
        const struct kvm_cpuid_entry2 *s = &c->entries[i];
        if (s->function == 0xd && s->index >= 2 && s->ebx + s->eax > size)
            size = s->ebx + s->eax;
    }
    return size;
}

static void adapt(struct kvm_cpuid_entry2 *c, unsigned id, unsigned n, bool tsc_deadline)
{
    switch (c->function) {
    case 0x0: clamp(&c->eax, 0xd); break;
    case 0x1:
        c->ebx = (c->ebx & 0xffff) | n << 16 | id << 24;
        c->ecx = HYPERVISOR | (tsc_deadline ? c->ecx | DEADLINE : c->ecx & ~DEADLINE);
        c->edx = n > 1 ? c->edx | HTT : c->edx & ~HTT;
        break;
    case 0x4: cache(c, n); break;
    case 0xb: topology(c, id, n); break;
    case 0x40000000: clamp(&c->eax, 0x40000001); break;
    case 0x80000000: clamp(&c->eax, 0x80000008); break;
    }
}

void kvm_cpuid_filter(struct kvm_cpuid2 *c, unsigned id, unsigned n, bool tsc_deadline)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < c->nent; i++) {
        struct kvm_cpuid_entry2 s = c->entries[i];
        const struct leaf *l = find(&s);
        if (!l)
            continue;
        s.eax &= l->eax;
        s.ebx &= l->ebx;
        s.ecx &= l->ecx;
        s.edx &= l->edx;
        adapt(&s, id, n, tsc_deadline);
        c->entries[kept++] = s;
    }
    c->nent = kept;
    for (unsigned i = 0; i < kept; i++)
        if (c->entries[i].function == 0xd && c->entries[i].index == 0)
            c->entries[i].ecx = states_size(c);
}
