/* Page table entries. */
#ifndef PLAT_PVH_PAGING_H
#define PLAT_PVH_PAGING_H
#include "pvh.h"

#define PTE_P     1ull
#define PTE_W     2ull
#define PTE_U     4ull
#define PTE_PWT   8ull
#define PTE_PCD   0x10ull
#define PTE_A     0x20ull
#define PTE_D     0x40ull
#define PTE_PS    0x80ull
#define PTE_G     0x100ull
#define PTE_NX    (1ull << 63)
#define PTE_ADDR  0x000ffffffffff000ull
/* Ours, in entries of programs: */
#define PTE_OWNED (1ull << 9)           /* the page is counted and freed with its last user */
#define PTE_COW   (1ull << 10)          /* to be copied, or found unshared, before a write */
#define PTE_PROTW (1ull << 11)          /* the program may write */
#define PTE_FILE  (1ull << 53)          /* the entry is counted as a user of the page (pages.c) */
#define PTE_HELD  (1ull << 52)          /* PROT_NONE: not P, but there */

/* What addresses leave out: paging.c. */
extern struct pvh_range pvh_hole;
static inline void *pvh_kva(u64 gpa)
{
    return likely(gpa < pvh_hole.start) ? (void *)(PVH_DIRECT + gpa) : plat_kva(gpa);
}

/* -- pages.c: a count for each page of the heap -- */
void pvh_page_share(u64 pte);           /* one more entry for its page */
void pvh_page_put(u64 pte);             /* an entry has gone, and with the last one the page */
bool pvh_page_alone(u64 pte);           /* OWNED: there is no other entry */
void pvh_page_stored(u64 pte);          /* FILE: the page was written to through it */
#endif
