/* Address spaces are the host processes' own: every call here is one host call on the
 * current process. mm/ has the bookkeeping and the locks. */
#include "host.h"
#include "mm.h"
#include "pv.h"

#include <linux/mman.h>
#include <asm/mman.h>

int plat_as_map(struct mm *mm, const struct plat_map *m)
{
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

int plat_as_unmap(struct mm *mm, u64 va, u64 len)
{
    return (int)host3(__NR_munmap, va, len, 0);
}

int plat_as_protect(struct mm *mm, u64 va, u64 len, u32 prot)
{
    return (int)host3(__NR_mprotect, va, len, prot);
}

int plat_as_move(struct mm *mm, u64 from, u64 old_len, u64 to, u64 new_len)
{
    long r = host6(__NR_mremap, from, old_len, new_len, MREMAP_MAYMOVE | MREMAP_FIXED, to, 0);

    return r < 0 && r > -4096 ? (int)r : 0;
}

int plat_as_populate(struct mm *mm, u64 va, u64 len, bool write)
{
    return (int)host3(__NR_madvise, va, len, write ? 23 : 22 /* MADV_POPULATE_* */);
}

int plat_as_discard(struct mm *mm, u64 va, u64 len)
{
    return (int)host3(__NR_madvise, va, len, MADV_DONTNEED);
}

int plat_as_advise(struct mm *mm, u64 va, u64 len, int advice)
{
    return (int)host3(__NR_madvise, va, len, (u64)advice);
}
