// uses: hv/kvm/cpuid.c hv/kvm/acpi.c
/* What a foreign kernel reads: CPUID as it is filtered, and the ACPI tables. */
#include <stdlib.h>
#include <string.h>

#include "abi/pvh.h"
#include "hv/kvm/acpi.h"
#include "hv/kvm/kvm.h"
#include "tap.h"

/* -- CPUID -- */

static struct { struct kvm_cpuid2 head; struct kvm_cpuid_entry2 e[40]; } c;

static void add(uint32_t function, uint32_t index, uint32_t v)
{
    c.e[c.head.nent++] = (struct kvm_cpuid_entry2){ .function = function, .index = index,
                                                    .eax = v, .ebx = v, .ecx = v, .edx = v };
}

static const struct kvm_cpuid_entry2 *leaf(uint32_t function, uint32_t index)
{
    for (unsigned i = 0; i < c.head.nent; i++)
        if (c.e[i].function == function && c.e[i].index == index)
            return &c.e[i];
    return NULL;
}

/* A CPU that has everything. */
static void full(unsigned id, unsigned n, bool deadline)
{
    static const uint32_t one[] = { 0, 1, 2, 6, 0xa, 0x12, 0x14, 0x1d, 0x1e, 0x40000000,
                                    0x40000001, 0x80000000, 0x80000001, 0x80000007,
                                    0x80000008, 0x8000000a, 0x8000001f };

    memset(&c, 0, sizeof c);
    for (unsigned i = 0; i < sizeof one / sizeof one[0]; i++)
        add(one[i], 0, ~0u);
    add(7, 0, ~0u);
    add(7, 1, ~0u);
    for (uint32_t i = 0; i < 2; i++) {
        add(0xb, i, ~0u);
        add(0xd, i, ~0u);
    }
    add(0xd, 2, 256);           /* AVX: at 256 + ... */
    add(0xd, 9, 4000);          /* protection keys: far behind */
    add(0xd, 18, 8192);         /* AMX */
    kvm_cpuid_filter(&c.head, id, n, deadline);
}

static void test_cpuid(void)
{
    full(3, 6, true);
    tap_ok(!leaf(2, 0) && !leaf(6, 0) && !leaf(0xa, 0) && !leaf(0x12, 0) && !leaf(0x14, 0) &&
           !leaf(0x1d, 0) && !leaf(0x8000000a, 0) && !leaf(0x8000001f, 0),
           "leaves that nobody has thought of are not there");
    tap_ok(leaf(0, 0)->eax == 0xd && leaf(0x80000000, 0)->eax == 0x80000008 &&
           leaf(0x40000000, 0)->eax == 0x40000001, "nor named as the highest");
    const struct kvm_cpuid_entry2 *l = leaf(1, 0);
    tap_ok(!(l->ecx & (1u << 5 | 1u << 3 | 1u << 2)), "no VMX, no MONITOR, no debug store");
    tap_ok(l->ecx >> 24 & 1 && l->ecx >> 31 && l->ecx >> 21 & 1,
           "TSC deadline, hypervisor, x2APIC");
    tap_ok(l->ebx >> 24 == 3 && (l->ebx >> 16 & 0xff) == 6, "which CPU of how many");
    l = leaf(7, 0);
    tap_ok(!(l->ebx & (1u << 25 | 1u << 14 | 1u << 4 | 1u << 11)), "no PT, MPX, TSX");
    tap_ok(!(l->ecx & (1u << 3 | 1u << 4 | 1u << 7 | 1u << 16)), "no PKU, CET, 57 bits");
    tap_ok(!(l->edx & (7u << 22 & ~(1u << 23)) && !(l->edx & 1u << 20)), "no AMX, IBT");
    tap_ok(!(leaf(0x80000001, 0)->ecx & 1u << 2), "no SVM");
    tap_ok(leaf(0xd, 0)->eax == 0xe7 && !leaf(0xd, 9) && !leaf(0xd, 18), "states to AVX-512");
    tap_is(leaf(0xd, 0)->ecx, 576, "the size of what is left");
    tap_ok(leaf(0xb, 1)->ebx == 6 && leaf(0xb, 1)->eax == 3 && leaf(0xb, 1)->edx == 3,
           "topology: six cores");
    full(0, 1, false);
    tap_ok(!(leaf(1, 0)->ecx >> 24 & 1) && !(leaf(1, 0)->edx >> 28 & 1),
           "one CPU without the timer");
}

/* -- ACPI -- */

static uint8_t mem[PVH_ACPI_MAX];

static uint8_t sum(const uint8_t *p, size_t n)
{
    uint8_t s = 0;

    while (n--)
        s = (uint8_t)(s + *p++);
    return s;
}

static uint64_t word(uint64_t gpa, unsigned off, unsigned n)
{
    uint64_t v = 0;

    memcpy(&v, mem + (gpa - PVH_ACPI_GPA) + off, n);
    return v;
}

static bool table(uint64_t gpa, const char *sig)
{
    return gpa >= PVH_ACPI_GPA && gpa < PVH_ACPI_GPA + sizeof mem &&
           !memcmp(mem + (gpa - PVH_ACPI_GPA), sig, 4) &&
           sum(mem + (gpa - PVH_ACPI_GPA), word(gpa, 4, 4)) == 0;
}

static void test_acpi(void)
{
    tap_is(acpi_write(mem, sizeof mem, PVH_ACPI_GPA, 16, 8), 0, "16 CPUs, 8 devices fit");
    tap_ok(!memcmp(mem, "RSD PTR ", 8) && !sum(mem, 20) && !sum(mem, 36), "the root pointer");
    uint64_t xsdt = word(PVH_ACPI_GPA, 24, 8);
    tap_ok(table(xsdt, "XSDT") && word(xsdt, 4, 4) == 36 + 16, "a list of two");
    uint64_t fadt = word(xsdt, 36, 8), madt = word(xsdt, 44, 8), dsdt = word(fadt, 140, 8);
    tap_ok(table(fadt, "FACP") && word(fadt, 4, 4) == 276, "fixed hardware");
    tap_ok(word(fadt, 112, 4) >> 20 & 1, "which is reduced");
    tap_ok(word(fadt, 120, 8) == PVH_PORT_RESET && word(fadt, 248, 8) == PVH_PORT_SLEEP,
           "ports of reset and sleep");
    tap_ok(table(madt, "APIC") && word(madt, 4, 4) == 44 + 16 * 8 + 12, "CPUs");
    tap_ok(word(madt, 44 + 15 * 8 + 3, 1) == 15 && word(madt, 44 + 15 * 8 + 4, 4) == 1,
           "the last one is enabled");
    tap_ok(table(dsdt, "DSDT") && memmem(mem, sizeof mem, "LNRO0005", 8), "and devices");
    static uint8_t small[700];
    tap_is(acpi_write(small, sizeof small, PVH_ACPI_GPA, 16, 8), -1, "too little room is seen");
}

int main(void)
{
    test_cpuid();
    test_acpi();
    return tap_end();
}
