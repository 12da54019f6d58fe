/* What is known of each page of the heap that entries of programs point to: of an OWNED
 * one its users besides the first; of a file's (FILE) all users, and whether it has been
 * written to through a mapping. */
#include "mm.h"
#include "paging.h"

#define DIRTY 0x80000000u

static u32 *counts;
static const u8 *counts_base;

/* NULL before the heap is there: boot reserves the array (boot.c). */
void pvh_refs_set(u32 *array, const void *base)
{
    counts = array;
    counts_base = base;
}

static u32 *count_at(const void *page)
{
    return &counts[(u64)((const u8 *)page - counts_base) >> PAGE_SHIFT];
}

static u32 *count_of(u64 pte) { return count_at(pvh_kva(pte & PTE_ADDR)); }

void pvh_page_share(u64 pte)
{
    if (pte & (PTE_OWNED | PTE_FILE))
        __atomic_fetch_add(count_of(pte), 1, __ATOMIC_RELAXED);
}

bool pvh_page_alone(u64 pte) { return pte & PTE_OWNED && READ_ONCE(*count_of(pte)) == 0; }

void pvh_page_stored(u64 pte) { __atomic_fetch_or(count_of(pte), DIRTY, __ATOMIC_SEQ_CST); }

void pvh_page_put(u64 pte)
{
    if (pte & PTE_FILE) {
        if (pte & PTE_D && !(pte & PTE_COW))
            pvh_page_stored(pte);
        __atomic_fetch_sub(count_of(pte), 1, __ATOMIC_ACQ_REL);
    } else if (pte & PTE_OWNED && __atomic_fetch_sub(count_of(pte), 1, __ATOMIC_ACQ_REL) == 0) {
        WRITE_ONCE(*count_of(pte), 0);
        kpages_free(pvh_kva(pte & PTE_ADDR), 1);
    }
}

/* -- for the page cache -- */

bool plat_counts_pages(void) { return true; }
u32 plat_page_users(const void *page) { return READ_ONCE(*count_at(page)) & ~DIRTY; }

void plat_page_hold(void *page)
{
    __atomic_fetch_add(count_at(page), 1, __ATOMIC_ACQUIRE);
}

void plat_page_drop(void *page)
{
    __atomic_fetch_sub(count_at(page), 1, __ATOMIC_RELEASE);
}

bool plat_page_dirty(void *page, bool take)
{
    u32 *c = count_at(page);

    if (!(READ_ONCE(*c) & DIRTY))
        return false;
    if (take)
        __atomic_fetch_and(c, ~DIRTY, __ATOMIC_SEQ_CST);
    return true;
}
