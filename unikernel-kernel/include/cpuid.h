/* The cpuid instruction. */
#ifndef CPUID_H
#define CPUID_H
#include "kernel.h"

static inline void cpuid_read(u32 leaf, u32 sub, u32 r[4])      /* eax ebx ecx edx */
{
    __asm__ volatile("cpuid" : "=a"(r[0]), "=b"(r[1]), "=c"(r[2]), "=d"(r[3])
                     : "a"(leaf), "c"(sub));
}

/* The highest leaf of the range that `leaf` is in. */
static inline u32 cpuid_max(u32 leaf)
{
    u32 r[4];

    cpuid_read(leaf & 0x80000000, 0, r);
    return r[0];
}
#endif
