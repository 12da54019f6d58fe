/* What a container's programs may have of anonymous memory. On pv it is the host's and not
 * the domain's, so nothing but this count bounds it where the host sets no limit; where it
 * does, the count lets us choose who has to go before the host does.
 *
 * It is a lower bound: pages that a forked child shares with its parent are the parent's,
 * and stay uncounted when both write to them. */
#include "vma.h"

#define HOST_SHARE (6ul << 20)          /* the host's processes of this container */
#define RELEASE_NOW (1ul << 20)

static u64 charged;                     /* bytes, all address spaces */

static bool fits(u64 more)
{
    u64 limit = kmem_total_bytes();
    u64 spare = limit / 64, used = limit - kmem_free_bytes();

    if (!plat_anon_in_heap()) {
        spare += min(HOST_SHARE, limit / 4);
        used += __atomic_load_n(&charged, __ATOMIC_RELAXED);
    }
    return used + more + spare <= limit;
}

static void give_back(struct mm *mm, u64 n)
{
    n = min(n, mm->charge);
    mm->charge -= n;
    __atomic_sub_fetch(&charged, n, __ATOMIC_RELAXED);
}

int budget_charge(struct mm *mm, u64 len)
{
    if (unlikely(!fits(len)))
        return -EDQUOT;
    mm->charge += len;
    __atomic_add_fetch(&charged, len, __ATOMIC_RELAXED);
    return 0;
}

u64 mm_anon_bytes(void) { return __atomic_load_n(&charged, __ATOMIC_RELAXED); }

int budget_room(u64 len)
{
    return fits(len) ? 0 : -EDQUOT;
}

void budget_uncharge(struct mm *mm, u64 start, u64 end)
{
    struct vma *v;

    if (!mm->charge)
        return;
    for (v = vma_find(mm, start); v && v->start < end; v = vma_next(v))
        if (v->src.kind == SRC_ANON)
            give_back(mm, mm_resident_in(mm, max(start, v->start), min(end, v->end)));
}

void budget_return(struct mm *mm, u64 len)
{
    give_back(mm, len);
}

/* Another process may wait for this one's memory: it must be the host's again before it
 * is uncounted, which the host's own clearing up at the end is too late for. */
void mm_exit(struct mm *mm)
{
    bool last = __atomic_load_n(&mm->ref.n, __ATOMIC_ACQUIRE) == 1;

    if (last && mm->charge >= RELEASE_NOW && !fits(kmem_total_bytes() / 2))
        mm_clear(mm, NULL);
}

void budget_clear(struct mm *mm)
{
    give_back(mm, mm->charge);
}
