/* Bringing pages in. Anonymous memory comes in runs that grow as a program walks
 * through it: a run costs one trap and one host call, a page alone as much as thirty. */
#include "task.h"
#include "vfs.h"
#include "vma.h"

#include <asm/mman.h>
#include <linux/mman.h>
#include <linux/resource.h>

#define RUN_MIN (16ul << 10)            /* a lone touch */
#define RUN_SEQ (32ul << 10)            /* next to a present run: at least */
#define RUN_HUGE MM_HUGE
#define HUGE_AFTER (1ul << 20)          /* a walk this long gets huge pages from there on */
#define HUGE_EARLY (192ul << 10)        /* from the start of one: it is made one then */
#define TEXT_NOW (256ul << 10)          /* small programs' text comes in one go */
#define STACK_GAP (1ul << 20)           /* kept free below what grows down */
#define PAGES_AHEAD 16u                 /* kernel pages (tmpfs) at once */

static int map_pages(struct mm *mm, const struct vma *v, u64 start, u64 end, bool write)
{
    bool shared = v->flags & MAP_SHARED;

    while (start < end) {
        u64 index = (v->off + (start - v->start)) >> PAGE_SHIFT, n = 1;
        char *first = v->src.page(v->file, index, write && shared);
        if (!first)
            return -ENXIO;
        while (start + n * PAGE_SIZE < end &&
               v->src.page(v->file, index + n, write && shared) == first + n * PAGE_SIZE)
            n++;
        struct plat_map m = { .va = start, .len = n * PAGE_SIZE, .prot = v->prot,
                              .src = PLAT_PAGES, .shared = shared, .pages = first,
                              .counted = v->src.counted,
                              /* not for private copies: they are made by the first write */
                              .populate = shared || !(v->prot & PROT_WRITE) };
        int e = plat_as_map(mm, &m);
        if (e < 0)
            return e;
        start += n * PAGE_SIZE;
    }
    return 0;
}

static int map_pages_locked(struct mm *mm, const struct vma *v, u64 start, u64 end, bool write)
{
    int e = v->src.counted ? budget_room(end - start) : 0;

    if (e < 0)
        return e;
    if (v->src.lock)
        v->src.lock(v->file);
    e = map_pages(mm, v, start, end, write);
    if (v->src.unlock)
        v->src.unlock(v->file);
    return e;
}

/* Reclaim has taken the page out, or the file had been cut: the pages from here on that
 * are not there, as far as they are to be had. */
static int map_again(struct mm *mm, const struct vma *v, u64 page, u64 run_end, bool write)
{
    u64 end = page, most = min(min(run_end, v->end), page + PAGES_AHEAD * PAGE_SIZE);

    while (end < most && !plat_as_has(mm, end))
        end += PAGE_SIZE;
    if (end == page)
        return 0;
    int e = map_pages_locked(mm, v, page, end, write);
    if (e == -ENXIO && end > page + PAGE_SIZE)
        e = map_pages_locked(mm, v, page, page + PAGE_SIZE, write);
    return e;
}

static int map_anon(struct mm *mm, struct vma *v, struct plat_map *m)
{
    bool huge = !(m->va & (RUN_HUGE - 1)) && m->len >= RUN_HUGE && !(v->flags & VMA_SMALL);

    m->src = PLAT_ANON;
    m->populate = (v->prot & PROT_WRITE) && !huge;
    int e = plat_as_map(mm, m);
    if (e < 0 || !huge || !(v->prot & PROT_WRITE))
        return e;
    plat_as_advise(mm, m->va, m->len, MADV_HUGEPAGE);   /* a host may have none: no matter */
    return plat_as_populate(mm, m->va, m->len, true);
}

int present_map(struct mm *mm, struct vma *v, u64 start, u64 end, bool write)
{
    struct plat_map m = { .va = start, .len = end - start, .prot = v->prot };
    int e = plat_settle();

    if (e < 0)
        return -ENOMEM;
    switch (v->src.kind) {
    case SRC_ANON:
        e = budget_charge(mm, end - start);
        if (e < 0)
            return e;
        e = map_anon(mm, v, &m);
        if (e < 0)
            budget_return(mm, end - start);
        break;
    case SRC_GRANT:
        m.src = PLAT_GRANT;
        m.grant = v->src.grant;
        m.shared = v->flags & MAP_SHARED;
        m.off = v->off + (start - v->start);
        m.populate = (v->prot & PROT_EXEC) && end - start <= TEXT_NOW;
        e = plat_as_map(mm, &m);
        break;
    default:
        e = map_pages_locked(mm, v, start, end, write);
    }
    return e < 0 ? e : run_add(mm, start, end);
}

int present_range(struct mm *mm, struct vma *v, u64 start, u64 end, bool write)
{
    start = max(start, v->start);
    end = min(end, v->end);
    while (start < end) {
        struct run *r = run_find(mm, start);
        u64 stop = r ? min(end, r->start) : end;
        if (start < stop) {
            int e = present_map(mm, v, start, stop, write);
            if (e < 0)
                return e == -EDQUOT ? -ENOMEM : e;
        }
        start = r ? max(start, r->end) : end;
    }
    return 0;
}

/* The window around a missing page: inside v and inside the gap between runs. */
static void window(struct mm *mm, struct vma *v, u64 page, u64 *start_r, u64 *end_r)
{
    struct run *below = run_prev_of(mm, page), *above = run_find(mm, page);
    u64 low = v->start, high = v->end;

    if (below)
        low = max(low, below->end);
    if (above)
        high = min(high, above->start);
    if (v->src.kind == SRC_PAGES) {
        *start_r = page;
        *end_r = min(high, page + PAGES_AHEAD * PAGE_SIZE);
        return;
    }
    u64 start = page, end = page + PAGE_SIZE;
    if (below && below->end == page) {
        /* As much again as is there, but whole huge pages stay whole. */
        u64 there = below->end - max(below->start, v->start);
        u64 stop = (page + RUN_HUGE) & ~(RUN_HUGE - 1);
        end = there >= HUGE_AFTER ? stop : min(page + max(RUN_SEQ, there), stop);
    } else if (above && above->start == page + PAGE_SIZE) {
        u64 len = max(RUN_SEQ, min(min(above->end, v->end) - above->start, HUGE_AFTER));
        start = end > len ? end - len : 0;
    } else {
        start = page & ~(RUN_MIN - 1);
        end = start + RUN_MIN;
    }
    *start_r = max(start, low);
    *end_r = min(end, high);
}

/* A walk through memory that began at a huge page's start, and has come some way: a huge page
 * takes the place of what is present, if nobody else can store there meanwhile. */
static bool make_huge(struct mm *mm, struct vma *v, u64 page)
{
    u64 block = page & ~(RUN_HUGE - 1), more = block + RUN_HUGE - page;

    if (page - block < HUGE_EARLY || v->start > block || v->end < block + RUN_HUGE ||
        v->src.kind != SRC_ANON || !(v->prot & PROT_WRITE) ||
        (v->flags & (MAP_SHARED | MAP_STACK | VMA_SMALL)) || READ_ONCE(mm->ref.n) > 1 ||
        current()->proc->nthreads > 1)
        return false;
    struct run *below = run_prev_of(mm, page), *above = run_find(mm, page);
    if (!below || below->start > block || below->end != page ||
        (above && above->start < block + RUN_HUGE))
        return false;
    u64 room = vma_gap(mm, 2 * RUN_HUGE, plat_user_top());
    if (!room || plat_settle() < 0 || budget_charge(mm, more) < 0)
        return false;
    mm->mmap_hint = 0;
    room = (room + RUN_HUGE - 1) & ~(RUN_HUGE - 1);
    if (plat_as_huge(mm, block, page - block, v->prot, room) < 0 ||
        run_add(mm, page, block + RUN_HUGE) < 0) {
        budget_return(mm, more);
        return false;
    }
    return true;
}

static bool allowed(const struct vma *v, bool write, bool exec)
{
    if (write)
        return v->prot & PROT_WRITE;
    if (exec)
        return v->prot & PROT_EXEC;
    return v->prot & (PROT_READ | PROT_WRITE | PROT_EXEC);
}

/* The mapping above a hole may grow down into it, but not up to the one below. */
static struct vma *grow_down(struct mm *mm, struct vma *v, u64 page)
{
    const struct vma *below = v ? vma_prev(v) : NULL;
    const struct proc *p = current()->proc;
    u64 more = v ? v->start - page : 0;

    if (!v || !(v->flags & MAP_GROWSDOWN) || v->src.kind != SRC_ANON)
        return NULL;
    if (v->end - page > READ_ONCE(p->rlim[RLIMIT_STACK].cur) ||
        mm->total + more > READ_ONCE(p->rlim[RLIMIT_AS].cur) || page < plat_user_min() ||
        (below && page < below->end + STACK_GAP))
        return NULL;
    v->start = page;            /* where it stands in the tree does not change */
    mm->total += more;
    mm->peak = max(mm->peak, mm->total);
    return v;
}

static int fault_locked(struct mm *mm, u64 addr, bool write, bool exec)
{
    u64 page = PAGE_DOWN(addr), start, end;
    struct vma *v = vma_find(mm, addr);

    if ((!v || v->start > addr) && !(v = grow_down(mm, v, page)))
        return -EFAULT;
    if (!allowed(v, write, exec))
        return -EACCES;
    struct run *r = run_find(mm, page);
    if (r && r->start <= page) {
        /* Present: another thread was quicker, or the host would not have it: beyond
         * the end of a file. */
        if (v->src.kind == SRC_GRANT)
            return -ENXIO;
        return v->src.counted ? map_again(mm, v, page, r->end, write) : 0;
    }
    if (v->src.kind == SRC_GRANT)
        return present_range(mm, v, v->start, v->end, write);
    if (make_huge(mm, v, page))
        return 0;
    window(mm, v, page, &start, &end);
    int e = present_map(mm, v, start, end, write);
    if (e == -ENXIO && end > page + PAGE_SIZE)  /* read-ahead past the end of a file */
        e = present_map(mm, v, page, page + PAGE_SIZE, write);
    return e;
}

int mm_fault(u64 addr, bool write, bool exec)
{
    struct mm *mm = current()->mm;

    if (!mm)
        return -EFAULT;
    int e;
    do {
        mutex_lock(&mm->lock);
        e = fault_locked(mm, addr, write, exec);
        mutex_unlock(&mm->lock);
        if (e == -ENOMEM && plat_anon_in_heap())
            e = -EDQUOT;        /* the count said yes, but the kernel took it meanwhile */
    } while (e == -EDQUOT && (e = oom_relieve()) == 0);
    return e == -ENOMEM ? -ENXIO : e;
}

int mm_populate_user(u64 addr, u64 len, bool write)
{
    struct mm *mm = current()->mm;
    u64 end = PAGE_UP(addr + len);
    int e = 0;

    if (!mm || end < addr)
        return -EFAULT;
    addr = PAGE_DOWN(addr);
    mutex_lock(&mm->lock);
    while (addr < end && e == 0) {
        struct vma *v = vma_find(mm, addr);
        if (!v || v->start > addr || !allowed(v, write, false)) {
            e = -EFAULT;
            break;
        }
        e = present_range(mm, v, addr, min(end, v->end), write);
        addr = v->end;
    }
    mutex_unlock(&mm->lock);
    return e < 0 ? -EFAULT : 0;
}
