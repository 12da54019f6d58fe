/* mprotect, mremap, madvise, msync, mincore. */
#include "task.h"
#include "user.h"
#include "vfs.h"
#include "vma.h"

#include <asm/mman.h>
#include <linux/mman.h>

/* Calls fn for each present piece of [start, end). */
static int each_run(struct mm *mm, u64 start, u64 end,
                    int (*fn)(struct mm *mm, u64 s, u64 e, void *arg), void *arg)
{
    struct run *r = run_find(mm, start);

    for (; start < end && r && r->start < end; r = run_find(mm, start)) {
        u64 s = max(r->start, start), e = min(r->end, end);
        int x = fn(mm, s, e, arg);
        if (x < 0)
            return x;
        start = e;
    }
    return 0;
}

static int protect_piece(struct mm *mm, u64 s, u64 e, void *arg)
{
    return plat_as_protect(mm, s, e - s, *(u32 *)arg);
}

static int protect_vma(struct mm *mm, struct vma *v, u32 prot)
{
    if (v->prot == prot)
        return 0;
    if ((v->flags & MAP_SHARED) && (prot & PROT_WRITE) && v->file &&
        (v->src.no_write || !(v->file->mode & FMODE_WRITE)))
        return -EACCES;
    int e = each_run(mm, v->start, v->end, protect_piece, &prot);
    if (e == 0) {
        v->prot = prot;
        v->was_writable |= !!(prot & PROT_WRITE);
    }
    return e;
}

int mm_mprotect(u64 addr, u64 len, u32 prot)
{
    struct mm *mm = current()->mm;
    u64 end = addr + PAGE_UP(len);

    if (addr & ~PAGE_MASK)
        return -EINVAL;
    if (end == addr)
        return 0;
    if (end < addr)
        return -ENOMEM;
    if (prot & ~(u32)(PROT_READ | PROT_WRITE | PROT_EXEC | PROT_SEM))
        return -EINVAL;
    prot &= ~(u32)PROT_SEM;
    mutex_lock(&mm->lock);
    int e = vma_split(mm, addr);
    if (e == 0)
        e = vma_split(mm, end);
    /* What lies before a hole is changed all the same. */
    for (u64 a = addr; e == 0 && a < end;) {
        struct vma *v = vma_find(mm, a);
        if (!v || v->start > a) {
            e = -ENOMEM;
            break;
        }
        a = v->end;
        e = protect_vma(mm, v, prot);
        vma_merge(mm, v);
    }
    mutex_unlock(&mm->lock);
    return e;
}

struct move { u64 from, to; };

static int move_piece(struct mm *mm, u64 s, u64 e, void *arg)
{
    const struct move *m = arg;

    return plat_as_move(mm, s, e - s, m->to + (s - m->from), e - s);
}

/* Moves what is present and the mapping itself; v covers exactly [old, old+len). */
static s64 move_vma(struct mm *mm, struct vma *v, u64 len, u64 new_len, u64 to)
{
    struct move m = { v->start, to };
    u64 old = v->start;
    struct vma *n = vma_new(mm, to, to + new_len);

    if (!n)
        return -ENOMEM;
    vma_inherit(n, v, 0);
    n->name = NULL;             /* "[heap]" names a place */
    int e = each_run(mm, old, old + len, move_piece, &m);
    struct run *r;
    for (u64 a = old; a < old + len && (r = run_find(mm, a)) && r->start < old + len;) {
        u64 s = max(r->start, a), x = min(r->end, old + len);
        a = x;
        if (run_add(mm, to + (s - old), to + (x - old)) < 0)
            e = -ENOMEM;
    }
    run_remove(mm, old, old + len);
    vma_free(mm, v);
    if (n->src.kind == SRC_GRANT && e == 0)
        e = present_range(mm, n, n->start, n->end, false);
    return e < 0 ? e : (s64)to;
}

static bool extend(struct mm *mm, struct vma *v, u64 new_len)
{
    u64 end = v->start + new_len;

    if (end > plat_user_max() || !vma_range_free(mm, v->end, end - v->end))
        return false;
    mm->total += end - v->end;
    v->end = end;
    if (v->src.kind == SRC_GRANT)
        return present_range(mm, v, v->start, v->end, false) == 0;
    return true;
}

/* On pv the kernel lies between low and high addresses, and the host moves nothing across. */
static bool apart(u64 a, u64 b)
{
    return plat_kernel_end() > plat_user_top() &&
           (a < plat_user_top()) != (b < plat_user_top());
}

/* Where what lies at `old` may go; 0: nowhere. */
static u64 gap_for(struct mm *mm, u64 old, u64 len)
{
    u64 top = mm->stack_limit;

    if (apart(old, top)) {
        mm->mmap_hint = 0;      /* it is one of low addresses */
        top = plat_user_max();
    }
    u64 to = vma_gap(mm, len, top);
    if (top == plat_user_max())
        mm->mmap_hint = 0;
    return to && !apart(old, to) ? to : 0;
}

static s64 remap_locked(struct mm *mm, u64 old, u64 old_len, u64 new_len, u32 flags, u64 to)
{
    struct vma *v = vma_find(mm, old);

    if (!v || v->start > old || v->end < old + old_len)
        return -EFAULT;
    if (new_len <= old_len && !(flags & MREMAP_FIXED)) {
        int e = new_len < old_len ? unmap_range(mm, old + new_len, old + old_len) : 0;
        return e < 0 ? e : (s64)old;
    }
    int e = v->flags & MAP_LOCKED && new_len > old_len ? lock_room(mm, new_len - old_len) : 0;
    if (e == 0)
        e = vma_split(mm, old);
    if (e == 0)
        e = vma_split(mm, old + old_len);
    if (e < 0)
        return e;
    v = vma_find(mm, old);
    if (!(flags & MREMAP_FIXED)) {
        if (extend(mm, v, new_len))
            return (s64)old;
        if (!(flags & MREMAP_MAYMOVE))
            return -ENOMEM;
        to = gap_for(mm, old, new_len);
        if (!to)
            return -ENOMEM;
    } else if (apart(old, to)) {
        return -ENOMEM;
    } else {
        e = unmap_range(mm, to, to + new_len);
        if (e == 0 && new_len < old_len)
            e = unmap_range(mm, old + new_len, old + old_len);
        if (e < 0)
            return e;
        old_len = min(old_len, new_len);
        v = vma_find(mm, old);
    }
    return move_vma(mm, v, old_len, new_len, to);
}

/* An old length of 0 asks for a second mapping of shared memory. */
static s64 double_shared(struct mm *mm, u64 old, u64 new_len, u32 flags, u64 to)
{
    struct file *f = NULL;
    u32 prot = 0;
    u64 off = 0;

    mutex_lock(&mm->lock);
    struct vma *v = vma_find(mm, old);
    if (v && v->start <= old && (v->flags & MAP_SHARED) && v->file) {
        f = v->file;
        file_get(f);
        prot = v->prot;
        off = v->off + (old - v->start);
    }
    mutex_unlock(&mm->lock);
    if (!f)
        return -EINVAL;
    s64 r = (flags & MREMAP_MAYMOVE)
                ? mm_mmap(to, new_len, prot,
                          MAP_SHARED | (flags & MREMAP_FIXED ? MAP_FIXED : 0), f, off)
                : -ENOMEM;
    file_put(f);
    return r;
}

s64 mm_mremap(u64 old, u64 old_len, u64 new_len, u32 flags, u64 to)
{
    struct mm *mm = current()->mm;

    old_len = PAGE_UP(old_len);
    new_len = PAGE_UP(new_len);
    if ((old & ~PAGE_MASK) || !new_len || old + old_len < old ||
        (flags & ~(u32)(MREMAP_MAYMOVE | MREMAP_FIXED)))
        return -EINVAL;
    if (flags & MREMAP_FIXED) {
        if (!(flags & MREMAP_MAYMOVE) || (to & ~PAGE_MASK) || to + new_len < to ||
            to + new_len > plat_user_top() || to < plat_user_min() ||
            (to < old + old_len && old < to + new_len))
            return -EINVAL;
    }
    if (!old_len)
        return double_shared(mm, old, new_len, flags, to);
    mutex_lock(&mm->lock);
    s64 r = remap_locked(mm, old, old_len, new_len, flags, to);
    mutex_unlock(&mm->lock);
    return r;
}

static int discard_piece(struct mm *mm, u64 s, u64 e, void *arg)
{
    return plat_as_discard(mm, s, e - s);
}

static int free_piece(struct mm *mm, u64 s, u64 e, void *arg)
{
    return plat_as_advise(mm, s, e - s, MADV_FREE);
}

/* For one mapping's part [s, e). */
static int change_flags(struct mm *mm, u64 s, u64 e, u32 clear, u32 set)
{
    int r = vma_split(mm, s);

    if (r == 0)
        r = vma_split(mm, e);
    if (r < 0)
        return r;
    struct vma *v = vma_find(mm, s);
    v->flags = (v->flags & ~clear) | set;
    vma_merge(mm, v);
    return 0;
}

/* For v's part [s, e). Only anonymous private memory can be wiped (madvise(2)). */
static int advise_fork(struct mm *mm, const struct vma *v, u64 s, u64 e, int advice)
{
    u32 bit = advice == MADV_DONTFORK || advice == MADV_DOFORK ? VMA_DONTFORK : VMA_WIPEONFORK;
    bool off = advice == MADV_DOFORK || advice == MADV_KEEPONFORK;

    if (advice == MADV_WIPEONFORK && (v->src.kind != SRC_ANON || (v->flags & MAP_SHARED)))
        return -EINVAL;
    mm->fork_advice = true;
    return change_flags(mm, s, e, bit, off ? 0 : bit);
}

void mm_fork_child(struct mm *mm)
{
    struct rbnode *n, *next;

    if (likely(!mm->fork_advice))
        return;
    mutex_lock(&mm->lock);
    for (n = rb_first(&mm->vmas); n; n = next) {
        struct vma *v = container_of(n, struct vma, node);
        next = rb_next(n);
        if ((v->flags & (VMA_DONTFORK | VMA_WIPEONFORK)) && run_remove(mm, v->start, v->end))
            plat_as_unmap(mm, v->start, v->end - v->start);
        if (v->flags & VMA_DONTFORK)
            vma_free(mm, v);
    }
    mutex_unlock(&mm->lock);
}

static int advise_vma(struct mm *mm, struct vma *v, u64 s, u64 e, int advice)
{
    switch (advice) {
    case MADV_DONTNEED:
        if (v->flags & MAP_LOCKED)
            return -EINVAL;
        if (v->src.kind != SRC_GRANT) {
            /* Gone from the host too: the next touch brings in a run, not a page, or
             * what the file has now. */
            if (v->src.kind == SRC_ANON)
                budget_uncharge(mm, s, e);
            if (run_remove(mm, s, e))
                return plat_as_unmap(mm, s, e - s);
            return 0;
        }
        return each_run(mm, s, e, discard_piece, NULL);
    case MADV_FREE:
        return v->src.kind == SRC_ANON ? each_run(mm, s, e, free_piece, NULL) : -EINVAL;
    case MADV_POPULATE_READ:
    case MADV_POPULATE_WRITE:
    case MADV_WILLNEED:
        if (advice == MADV_WILLNEED && v->src.kind == SRC_ANON)
            return 0;
        return present_range(mm, v, s, e, advice == MADV_POPULATE_WRITE);
    case MADV_DONTFORK:
    case MADV_DOFORK:
    case MADV_WIPEONFORK:
    case MADV_KEEPONFORK:
        return advise_fork(mm, v, s, e, advice);
    case MADV_HUGEPAGE:
        return v->flags & VMA_SMALL ? change_flags(mm, s, e, VMA_SMALL, 0) : 0;
    case MADV_NOHUGEPAGE:
        return v->flags & VMA_SMALL ? 0 : change_flags(mm, s, e, 0, VMA_SMALL);
    case MADV_NORMAL: case MADV_RANDOM: case MADV_SEQUENTIAL: case MADV_MERGEABLE:
    case MADV_UNMERGEABLE: case MADV_DONTDUMP: case MADV_DODUMP: case MADV_COLD: case MADV_PAGEOUT:
        return 0;
    default:
        return -EINVAL;
    }
}

int mm_madvise(u64 addr, u64 len, int advice)
{
    struct mm *mm = current()->mm;
    u64 end = addr + PAGE_UP(len);
    bool hole = false;
    int r = 0;

    if ((addr & ~PAGE_MASK) || end < addr || PAGE_UP(len) < len)
        return -EINVAL;
    mutex_lock(&mm->lock);
    while (addr < end && r == 0) {
        struct vma *v = vma_find(mm, addr);
        if (!v || v->start >= end) {
            hole = true;
            break;
        }
        if (v->start > addr) {
            hole = true;                /* said at the end; the rest is advised all the same */
            addr = v->start;
        }
        u64 stop = min(v->end, end);
        r = advise_vma(mm, v, addr, stop, advice);
        addr = stop;
    }
    mutex_unlock(&mm->lock);
    return r == 0 && hole ? -ENOMEM : r;
}

int mm_msync(u64 addr, u64 len, int flags)
{
    struct mm *mm = current()->mm;
    u64 end = addr + PAGE_UP(len);

    if ((addr & ~PAGE_MASK) || (flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC)) ||
        (flags & (MS_ASYNC | MS_SYNC)) == (MS_ASYNC | MS_SYNC))
        return -EINVAL;
    int r = 0;
    while (addr < end && r == 0) {
        struct file *f = NULL;
        mutex_lock(&mm->lock);
        struct vma *v = vma_find(mm, addr);
        if (!v || v->start > addr)
            r = -ENOMEM;
        else if ((v->flags & MAP_SHARED) && (flags & MS_SYNC) && (f = v->file))
            file_get(f);
        addr = r ? end : v->end;
        mutex_unlock(&mm->lock);
        if (f) {
            if (f->ops->fsync)
                r = f->ops->fsync(f, true);
            file_put(f);
        }
    }
    return r;
}

int mm_prot_at(u64 addr, u32 *prot_r, u32 *flags_r)
{
    struct mm *mm = current()->mm;
    int r = -EFAULT;

    mutex_lock(&mm->lock);
    struct vma *v = vma_find(mm, addr);
    if (v && v->start <= addr) {
        *prot_r = v->prot;
        *flags_r = v->flags;
        r = 0;
    }
    mutex_unlock(&mm->lock);
    return r;
}

int mm_mincore(u64 addr, u64 len, uptr_t vec)
{
    struct mm *mm = current()->mm;
    u64 end = addr + PAGE_UP(len);

    if ((addr & ~PAGE_MASK) || end < addr)
        return -EINVAL;
    for (; addr < end; addr += PAGE_SIZE, vec++) {
        mutex_lock(&mm->lock);
        struct vma *v = vma_find(mm, addr);
        struct run *r = run_find(mm, addr);
        u8 in = r && r->start <= addr;
        bool hole = !v || v->start > addr;
        mutex_unlock(&mm->lock);
        if (hole)
            return -ENOMEM;
        if (copy_to_user(vec, &in, 1))
            return -EFAULT;
    }
    return 0;
}

int mm_futex_key(u64 addr, bool shared, u64 key_r[2])
{
    struct mm *mm = current()->mm;
    int e = 0;

    key_r[0] = (u64)mm;
    key_r[1] = addr;
    if (!shared)
        return 0;
    mutex_lock(&mm->lock);
    struct vma *v = vma_find(mm, addr);
    if (!v || v->start > addr) {
        e = -EFAULT;
    } else if ((v->flags & MAP_SHARED) && v->file) {
        key_r[0] = (u64)v->file->inode;
        key_r[1] = v->off + (addr - v->start);
    }
    mutex_unlock(&mm->lock);
    return e;
}

void mm_trim(struct mm *mm)
{
    if (!mutex_trylock(&mm->lock))
        return;
    for (struct rbnode *n = rb_first(&mm->vmas); n; n = rb_next(n)) {
        const struct vma *v = container_of(n, struct vma, node);
        /* A private page that was written before mprotect took that right must stay. */
        if (v->src.kind == SRC_GRANT && !(v->prot & PROT_WRITE) &&
            !v->was_writable)
            plat_as_discard(mm, v->start, v->end - v->start);
    }
    mutex_unlock(&mm->lock);
}
