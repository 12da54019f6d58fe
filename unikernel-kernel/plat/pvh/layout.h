/* Addresses of a PVH domain. Upper half: all memory (DIRECT), kernel stacks with guard
 * pages (STACKS), the kernel's own image. */
#ifndef PLAT_PVH_LAYOUT_H
#define PLAT_PVH_LAYOUT_H

#ifdef __ASSEMBLY__
#define PVH_ADDR(x) x
#else
#define PVH_ADDR(x) x##ull
#endif

#define PVH_KERNEL   PVH_ADDR(0xffffffff80000000)       /* + gpa: the first GiB */
#define PVH_DIRECT   PVH_ADDR(0xffff888000000000)       /* + gpa */
#define PVH_STACKS   PVH_ADDR(0xffffc90000000000)
#define PVH_MMIO     PVH_ADDR(0xfe000000)               /* gpa up to 4 GiB: uncached */

/* Programs: mappings go below USER_TOP by default, hints reach up to USER_MAX. */
#define PVH_USER_MIN PVH_ADDR(0x10000)
#define PVH_USER_TOP PVH_ADDR(0x7fffe00000)     /* above: the vDSO and its data */
#define PVH_VDSO     PVH_ADDR(0x7fffe00000)
#define PVH_USER_GAP PVH_ADDR(0x8000000000)     /* ... up to here */
#define PVH_USER_MAX PVH_ADDR(0x7ffffffff000)

#define SEL_KCODE 0x08
#define SEL_KDATA 0x10
#define SEL_SYSRET 0x23         /* +8: data, +16: code */
#define SEL_UDATA 0x2b          /* programs see these, and know them from Linux */
#define SEL_UCODE 0x33
#define SEL_TSS   0x40

/* Ports. A domain's end is told to the host by a 32-bit write of the exit code (128 +
 * signal; 255: panic) to PVH_PORT_EXIT (abi/pvh.h), which QEMU's isa-debug-exit
 * (iobase=0xf4,iosize=4) understands too. */
#define PORT_DEBUG  0xe9
#define PORT_SERIAL 0x3f8
#endif
