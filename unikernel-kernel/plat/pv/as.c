/* Address spaces are the host processes' own: every call here is one host call on the
 * current process. mm/ has the bookkeeping and the locks. */
#include "host.h"
#include "mm.h"
#include "pv.h"

#include <linux/mman.h>
#include <asm/mman.h>

/* One host call below the kernel may not be as long as PV_LEN_MAX: the wall. Above it any
 * length will do. */
#define PIECE (PV_LEN_MAX / 2)

static int in_pieces(long nr, u64 va, u64 len, u64 arg)
{
    int r;

    do {
        u64 n = va < PV_KERNEL_END ? min(len, PIECE) : len;
        r = (int)host3(nr, va, n, arg);
        va += n;
        len -= n;
    } while (r == 0 && len);
    return r;
}

void pv_units_add(struct mm *mm, u64 va, u64 len)
{
    u32 bits = 0;

    for (u64 u = va >> PV_UNIT_SHIFT; u <= (va + len - 1) >> PV_UNIT_SHIFT; u++) {
        bits |= PV_UNIT(u);
        if (u >= PV_UNITS)
            break;
    }
    if (bits & ~READ_ONCE(mm->units))
        __atomic_or_fetch(&mm->units, bits, __ATOMIC_RELAXED);
}

int plat_as_map(struct mm *mm, const struct plat_map *m)
{
    if (m->len > PIECE) {
        struct plat_map first = *m, rest = *m;
        first.len = PIECE;
        rest.va += PIECE;
        rest.len -= PIECE;
        rest.off += PIECE;
        if (m->src == PLAT_PAGES)
            rest.pages = (char *)m->pages + PIECE;
        int e = plat_as_map(mm, &first);
        return e < 0 ? e : plat_as_map(mm, &rest);
    }

    pv_units_add(mm, m->va, m->len);
    u64 flags = MAP_FIXED | (m->shared ? MAP_SHARED : MAP_PRIVATE);
    u64 fd = ~0u, off = 0;        /* 32 bits: the filter wants descriptors so */

    if (m->populate)
        flags |= MAP_POPULATE;
    switch (m->src) {
    case PLAT_ANON:
        flags |= MAP_ANONYMOUS | MAP_NORESERVE;
        break;
    case PLAT_PAGES:
        fd = PV_FD_MEM;
        off = plat_gpa(m->pages);
        break;
    case PLAT_GRANT:
        fd = (u64)m->grant;
        off = m->off;
        break;
    }
    long r = host6(__NR_mmap, m->va, m->len, m->prot, flags, fd, off);
    return r < 0 && r > -4096 ? (int)r : 0;
}

/* Entries are the host's: nobody counts them. */
bool plat_counts_pages(void) { return false; }
u32 plat_page_users(const void *page) { return 1; }
void plat_page_hold(void *page) { }
void plat_page_drop(void *page) { }
bool plat_page_dirty(void *page, bool take) { return false; }
void plat_as_sweep(struct mm *mm, u64 va, u64 len) { }
void plat_as_age(struct mm *mm, u64 va, u64 len) { }
bool plat_as_has(struct mm *mm, u64 va) { return true; }
u64 plat_reclaim(void) { return 0; }
u64 plat_heap_seam(void) { return 0; }

int plat_as_unmap(struct mm *mm, u64 va, u64 len)
{
    return in_pieces(__NR_munmap, va, len, 0);
}

int plat_as_protect(struct mm *mm, u64 va, u64 len, u32 prot)
{
    return in_pieces(__NR_mprotect, va, len, prot);
}

int plat_as_move(struct mm *mm, u64 from, u64 old_len, u64 to, u64 new_len)
{
    if (old_len >= PV_LEN_MAX || new_len >= PV_LEN_MAX)
        return -ENOMEM;
    pv_units_add(mm, to, new_len);
    long r = host6(__NR_mremap, from, old_len, new_len, MREMAP_MAYMOVE | MREMAP_FIXED, to, 0);

    return r < 0 && r > -4096 ? (int)r : 0;
}

int plat_as_populate(struct mm *mm, u64 va, u64 len, bool write)
{
    return (int)host3(__NR_madvise, va, len, write ? 23 : 22 /* MADV_POPULATE_* */);
}

int plat_as_huge(struct mm *mm, u64 va, u64 keep, u32 prot, u64 room)
{
    struct plat_map m = { .va = room, .len = MM_HUGE, .prot = prot, .src = PLAT_ANON };
    int e = plat_as_map(mm, &m);

    if (e == 0)
        e = plat_as_advise(mm, room, MM_HUGE, MADV_HUGEPAGE);
    if (e == 0)
        e = plat_as_populate(mm, room, MM_HUGE, true);
    if (e == 0 && pv_ucopy((void *)room, (const void *)va, keep))
        e = -EFAULT;
    if (e == 0)
        e = plat_as_move(mm, room, MM_HUGE, va, MM_HUGE);
    if (e < 0)
        plat_as_unmap(mm, room, MM_HUGE);
    return e;
}

int plat_as_discard(struct mm *mm, u64 va, u64 len)
{
    return (int)host3(__NR_madvise, va, len, MADV_DONTNEED);
}

int plat_as_advise(struct mm *mm, u64 va, u64 len, int advice)
{
    return (int)host3(__NR_madvise, va, len, (u64)advice);
}
