/* exec: an address space is emptied, but for the program's own text when it is the same
 * program again (a shell that runs busybox's applets, a server's worker): its mappings,
 * their patched pages and the page tables below are then what they would become. */
#include "patch.h"
#include "task.h"
#include "vfs.h"
#include "vma.h"

#include <asm/mman.h>
#include <linux/mman.h>

#define ONE_CALL (32ul << 30)           /* the filter's longest munmap is above this */

static bool constant_of(const struct vma *v, const struct inode *prog)
{
    return v->file && v->file->inode == prog && v->src.kind == SRC_GRANT &&
           (v->flags & MAP_PRIVATE) && !(v->prot & PROT_WRITE) && !v->was_writable;
}

static bool kept(const struct vma *v, const struct inode *prog, const struct vma **text)
{
    u64 len;

    if (!prog)
        return false;
    if (constant_of(v, prog)) {
        if (v->patched && (v->prot & PROT_EXEC))
            *text = v;
        return true;
    }
    return *text && prog->image && !v->file && v->patched &&
           v->start == pv_patch_stubs(prog->image, (*text)->start, &len);
}

/* Takes out [s, e) with few host calls: one for what lies near together. */
static void clear_range(struct mm *mm, u64 s, u64 e, bool host)
{
    struct vma *v;
    struct run *r, *n;

    u64 first = s;

    while (s < e && (r = run_find(mm, s)) && r->start < e) {
        u64 start = max(r->start, s), end = min(r->end, e);
        while (end < e && (n = run_find(mm, end)) && n->start < e &&
               min(n->end, e) - start < ONE_CALL &&
               (start < plat_user_top()) == (n->start < plat_user_top()))
            end = min(n->end, e);
        if (host)
            plat_as_unmap(mm, start, end - start);
        run_remove(mm, start, end);
        s = end;
    }
    /* Only now: a mapping may be the last to hold its pages. */
    while ((v = vma_find(mm, first)) && v->start < e)
        vma_free(mm, v);
}

static void clear(struct mm *mm, const struct inode *prog, bool host)
{
    const struct vma *text = NULL;
    u64 from = 0;

    mutex_lock(&mm->lock);
    for (;;) {
        struct vma *v = vma_find(mm, from);
        while (v && !kept(v, prog, &text))
            v = vma_next(v);
        if (v)
            v->flags &= ~(u32)MAP_LOCKED;
        u64 stop = v ? v->start : ~0ull, next = v ? v->end : ~0ull;
        clear_range(mm, from, stop, host);
        if (!v)
            break;
        from = next;
    }
    mm->mmap_hint = 0;
    mm->any_locked = mm->lock_future = mm->lock_on_fault = false;
    mm->peak = mm->total;
    mm->resident_peak = mm->resident;
    mm->fork_advice = false;
    mm->barrier = 0;
    mm->barriers = 0;
    budget_clear(mm);           /* what is kept is a file's */
    mutex_unlock(&mm->lock);
}

void mm_clear(struct mm *mm, const struct inode *prog)
{
    clear(mm, prog, true);
}

void mm_retire(struct mm *mm)
{
    plat_as_dispose(mm);
    clear(mm, mm->prog, false);
}

bool mm_has_text(u64 start, u64 len, u32 prot, const struct inode *prog, u64 off)
{
    struct mm *mm = current()->mm;

    mutex_lock(&mm->lock);
    struct vma *v = vma_find(mm, start);
    bool same = v && v->start == start && v->end == start + PAGE_UP(len) && v->prot == prot &&
                v->off == off && constant_of(v, prog);
    if (same)
        mm_patch_mapped(mm, v);
    mutex_unlock(&mm->lock);
    return same;
}
