/* A PVH domain as its monitor lays it out and its kernel finds it. The first part is
 * Xen's (docs/misc/pvh.pandoc, public/arch-x86/hvm/start_info.h: version 1); the second
 * is ours: how our kernel and our monitor talk besides. */
#ifndef XENC_ABI_PVH_H
#define XENC_ABI_PVH_H

#include "abi/boot.h"

#define PVH_NOTE_ENTRY  18u             /* XEN_ELFNOTE_PHYS32_ENTRY, owner "Xen" */
#define PVH_START_MAGIC 0x336ec578u

struct pvh_start_info {
    uint32_t magic, version, flags, nr_modules;
    gpa_t modlist, cmdline, rsdp, memmap;
    uint32_t memmap_entries, reserved;
};
struct pvh_module { gpa_t addr; uint64_t size; gpa_t cmdline; uint64_t reserved; };
struct pvh_memmap { gpa_t addr; uint64_t size; uint32_t type, reserved; };
enum { PVH_MEM_RAM = 1, PVH_MEM_RESERVED = 2, PVH_MEM_ACPI = 3 };

/* -- ours -- */

/* Modules by name (their command line). A domain with a boot area (abi/boot.h, at address
 * 0, the log behind it) is held by our monitor. Any other module is a file tree. */
#define PVH_MODULE_BOOT   "xenc.boot"
#define PVH_MODULE_RECORD "xenc.record"

/* Memory below 1 MiB. 0x8000 is free for the code that starts further CPUs. */
#define PVH_START_GPA   0x2000ull       /* start info, modules, memory map */
#define PVH_CMDLINE_GPA 0x3000ull
#define PVH_CMDLINE_MAX 0x1000u
#define PVH_ACPI_GPA    0x4000ull
#define PVH_ACPI_MAX    0x3000u
#define PVH_FREE_GPA    0x8000ull
#define PVH_RECORD_GPA  0x10000ull
#define PVH_LOW_END     0xa0000ull      /* conventional memory */
#define PVH_HIGH_GPA    0x100000ull     /* memory goes on */
/* No memory here: devices, APICs. What is more goes on behind it. */
#define PVH_HOLE_START  0xc0000000ull
#define PVH_HOLE_END    0x100000000ull

/* Device i: virtio-mmio registers (virtio 1.2, 4.2.2) for foreign kernels, an interrupt
 * line. Ours finds the same words in the boot area and rings by port: a write of 32 bits
 * with the queue's number to PVH_PORT_BELL + 4 * i. */
#define PVH_MMIO_GPA    0xfe000000ull
#define PVH_MMIO_STEP   0x1000ull
#define PVH_GSI_DEV     16u
#define PVH_PORT_BELL   0xe000u
#define PVH_GSI_CTL     10u             /* irq_pending, ctl_cmd or started has changed */
/* To our kernel interrupts come as messages with these vectors, past the I/O APIC. */
#define PVH_VECTOR_DEV  0x30u           /* + device */
#define PVH_VECTOR_CTL  0x38u

/* Ports of 32 bits. EXIT: the exit code for people, and the domain's end. WAKE: enum
 * pvh_wake: the monitor looks at that word. */
#define PVH_PORT_EXIT   0xf4u
#define PVH_PORT_WAKE   0xf8u
enum pvh_wake { PVH_WAKE_STATE, PVH_WAKE_CTL, PVH_WAKE_LOG };

/* Ports of 8 bits for foreign kernels, named in the ACPI tables. */
#define PVH_PORT_SLEEP  0x600u          /* sleep control; status is at +1 */
#define PVH_PORT_RESET  0x604u          /* PVH_RESET_VALUE resets */
#define PVH_RESET_VALUE 0x42u

_Static_assert(sizeof(struct pvh_start_info) == 56, "abi");
_Static_assert(sizeof(struct pvh_module) == 32, "abi");
_Static_assert(sizeof(struct pvh_memmap) == 24, "abi");

#endif
