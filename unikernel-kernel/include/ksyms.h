/* Names of the kernel's functions, for reports. The table is made from the kernel's first
 * link and goes into its second (Makefile). */
#ifndef KSYMS_H
#define KSYMS_H
#include "kernel.h"

extern const u32 ksym_count;
extern const u32 ksym_at[];             /* low 32 bits of addresses, ascending */
extern const char *const ksym_name[];

/* The function around addr and the distance into it; NULL: none. */
const char *ksym_find(u64 addr, u32 *off_r);
#endif
