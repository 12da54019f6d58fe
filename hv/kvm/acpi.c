#include "hv/kvm/acpi.h"

#include <stdbool.h>
#include <string.h>

#include "abi/pvh.h"

#define IOAPIC_GPA 0xfec00000u
#define LAPIC_GPA  0xfee00000u

struct header {
    char sig[4];
    uint32_t length;
    uint8_t revision, checksum;
    char oem[6], oem_table[8];
    uint32_t oem_revision;
    char creator[4];
    uint32_t creator_revision;
} __attribute__((packed));

struct gas { uint8_t space, width, offset, access; uint64_t address; } __attribute__((packed));

struct fadt {
    struct header h;
    uint32_t facs, dsdt;
    uint8_t pad1[65];                   /* the hardware that a reduced machine lacks */
    uint16_t boot_arch;
    uint8_t pad2;
    uint32_t flags;
    struct gas reset;
    uint8_t reset_value;
    uint16_t arm;
    uint8_t minor;
    uint64_t x_facs, x_dsdt;
    uint8_t pad3[96];
    struct gas sleep_control, sleep_status;
    uint64_t hypervisor;
} __attribute__((packed));
_Static_assert(sizeof(struct header) == 36 && sizeof(struct fadt) == 276, "ACPI 6.4, 5.2");

struct rsdp {
    char sig[8];
    uint8_t checksum;
    char oem[6];
    uint8_t revision;
    uint32_t rsdt, length;
    uint64_t xsdt;
    uint8_t checksum_all, reserved[3];
} __attribute__((packed));

enum { FADT_NO_VGA = 1 << 2, FADT_NO_RTC = 1 << 5 };
enum { FADT_WBINVD = 1 << 0, FADT_PWR_BUTTON = 1 << 4, FADT_SLP_BUTTON = 1 << 5,
       FADT_RESET = 1 << 10, FADT_REDUCED = 1 << 20 };
enum { SPACE_IO = 1 };

struct out { uint8_t *mem; size_t size, n; uint64_t gpa; bool full; };

static void put(struct out *o, const void *p, size_t n)
{
    if (o->full || n > o->size - o->n) {
        o->full = true;
        return;
    }
    memcpy(o->mem + o->n, p, n);
    o->n += n;
}

static void put_bytes(struct out *o, unsigned n, uint64_t v) { put(o, &v, n); }

static uint8_t sum(const void *p, size_t n)
{
    const uint8_t *b = p;
    uint8_t s = 0;

    while (n--)
        s = (uint8_t)(s + *b++);
    return (uint8_t)-s;
}

static size_t begin(struct out *o, const char *sig, uint8_t revision)
{
    struct header h = { .revision = revision, .oem = "XENC  ", .oem_table = "XENC    ",
                        .oem_revision = 1, .creator = "XENC", .creator_revision = 1 };

    o->n = (o->n + 7) & ~(size_t)7;
    memcpy(h.sig, sig, sizeof h.sig);
    put(o, &h, sizeof h);
    return o->n - sizeof h;
}

static void end(struct out *o, size_t at)
{
    struct header *h = (struct header *)(void *)(o->mem + at);

    if (o->full)
        return;
    h->length = (uint32_t)(o->n - at);
    h->checksum = sum(h, h->length);
}

/* -- AML (ACPI 6.4, 20): packages are written with a length of two bytes, filled in after -- */

static size_t package(struct out *o)
{
    put_bytes(o, 2, 0);
    return o->n - 2;
}

static void package_end(struct out *o, size_t at)
{
    size_t len = o->n - at;

    if (o->full)
        return;
    o->mem[at] = (uint8_t)(0x40 | (len & 15));
    o->mem[at + 1] = (uint8_t)(len >> 4);
}

static void name(struct out *o, const char *four)
{
    put_bytes(o, 1, 0x08);
    put(o, four, 4);
}

static void put_device(struct out *o, unsigned i)
{
    uint8_t id[4] = { 'V', 'I', 'O', (uint8_t)('0' + i) };

    put_bytes(o, 2, 0x825b);            /* Device */
    size_t dev = package(o);
    put(o, id, sizeof id);
    name(o, "_HID");
    put(o, "\x0dLNRO0005", 10);         /* a string: virtio-mmio */
    name(o, "_UID");
    put_bytes(o, 2, 0x0a | i << 8);
    name(o, "_CCA");
    put_bytes(o, 1, 0x01);
    name(o, "_CRS");
    put_bytes(o, 1, 0x11);              /* Buffer */
    size_t buf = package(o);
    put_bytes(o, 2, 0x0a | (12 + 9 + 2) << 8);
    put_bytes(o, 4, 0x01000986);        /* Memory32Fixed, read and write */
    put_bytes(o, 4, PVH_MMIO_GPA + i * PVH_MMIO_STEP);
    put_bytes(o, 4, PVH_MMIO_STEP);
    put_bytes(o, 5, 0x0103000689);      /* Interrupt: consumer, edge, active high, one */
    put_bytes(o, 4, PVH_GSI_DEV + i);
    put_bytes(o, 2, 0x0079);            /* the end */
    package_end(o, buf);
    package_end(o, dev);
}

static uint64_t put_dsdt(struct out *o, unsigned ndevs)
{
    size_t at = begin(o, "DSDT", 2);

    name(o, "_S5_");                    /* Package { 5, 5, 0, 0 } */
    put(o, "\x12\x08\x04\x0a\x05\x0a\x05\x00\x00", 9);
    put_bytes(o, 1, 0x10);              /* Scope */
    size_t scope = package(o);
    put(o, "\\_SB_", 5);
    for (unsigned i = 0; i < ndevs; i++)
        put_device(o, i);
    package_end(o, scope);
    end(o, at);
    return o->gpa + at;
}

static struct gas port(uint64_t address)
{
    return (struct gas){ SPACE_IO, 8, 0, 1, address };
}

static uint64_t put_fadt(struct out *o, uint64_t dsdt)
{
    size_t at = begin(o, "FACP", 6);
    struct fadt f = {
        .dsdt = (uint32_t)dsdt, .x_dsdt = dsdt, .minor = 4,
        .boot_arch = FADT_NO_VGA | FADT_NO_RTC,
        .flags = FADT_WBINVD | FADT_PWR_BUTTON | FADT_SLP_BUTTON | FADT_RESET | FADT_REDUCED,
        .reset = port(PVH_PORT_RESET), .reset_value = PVH_RESET_VALUE,
        .sleep_control = port(PVH_PORT_SLEEP), .sleep_status = port(PVH_PORT_SLEEP + 1),
    };

    put(o, (uint8_t *)&f + sizeof f.h, sizeof f - sizeof f.h);
    end(o, at);
    return o->gpa + at;
}

static uint64_t put_madt(struct out *o, unsigned ncpus)
{
    size_t at = begin(o, "APIC", 5);

    put_bytes(o, 8, LAPIC_GPA);         /* and no old interrupt controllers */
    for (unsigned i = 0; i < ncpus; i++)
        put_bytes(o, 8, 0x0800 | i << 16 | (uint64_t)i << 24 | 1ull << 32);
    put_bytes(o, 4, 0x0c01);            /* an I/O APIC, id 0 */
    put_bytes(o, 8, IOAPIC_GPA);        /* from line 0 */
    end(o, at);
    return o->gpa + at;
}

int acpi_write(uint8_t *mem, size_t size, uint64_t gpa, unsigned ncpus, unsigned ndevs)
{
    struct rsdp r = { .sig = "RSD PTR ", .oem = "XENC  ", .revision = 2, .length = sizeof r };
    struct out o = { .mem = mem, .size = size, .n = sizeof r, .gpa = gpa };

    uint64_t fadt = put_fadt(&o, put_dsdt(&o, ndevs)), madt = put_madt(&o, ncpus);
    size_t at = begin(&o, "XSDT", 1);
    put_bytes(&o, 8, fadt);
    put_bytes(&o, 8, madt);
    end(&o, at);
    if (o.full)
        return -1;
    r.xsdt = gpa + at;
    r.checksum = sum(&r, 20);
    r.checksum_all = sum(&r, sizeof r);
    memcpy(mem, &r, sizeof r);
    return 0;
}
