/* The tree of a program's mappings, ordered by address. */
#include "vfs.h"
#include "vma.h"

#include <asm/mman.h>
#include <linux/mman.h>

static struct vma *of(struct rbnode *n)
{
    return n ? container_of(n, struct vma, node) : NULL;
}

struct vma *vma_find(struct mm *mm, u64 addr)
{
    struct rbnode *n = mm->vmas.root;
    struct vma *best = NULL;

    while (n) {
        struct vma *v = of(n);
        if (v->end > addr) {
            best = v;
            n = n->left;
        } else {
            n = n->right;
        }
    }
    return best;
}

struct vma *vma_next(const struct vma *v) { return of(rb_next(&v->node)); }
struct vma *vma_prev(const struct vma *v) { return of(rb_prev(&v->node)); }

struct vma *vma_new(struct mm *mm, u64 start, u64 end)
{
    struct rbnode **link = &mm->vmas.root, *parent = NULL;

    if (mm->nvmas >= MM_MAX_VMAS)
        return NULL;
    struct vma *v = kzalloc(sizeof *v);
    if (!v)
        return NULL;
    v->start = start;
    v->end = end;
    while (*link) {
        parent = *link;
        link = start < of(parent)->start ? &parent->left : &parent->right;
    }
    rb_insert(&mm->vmas, &v->node, parent, link);
    mm->nvmas++;
    mm->total += end - start;
    mm->peak = max(mm->peak, mm->total);
    return v;
}

void vma_inherit(struct vma *n, const struct vma *v, u64 skip)
{
    n->prot = v->prot;
    n->flags = v->flags;
    n->src = v->src;
    n->patched = v->patched;
    n->was_writable = v->was_writable;
    n->name = v->name;
    n->off = v->off + skip;
    n->file = v->file;
    if (n->file)
        file_get(n->file);
}

void vma_free(struct mm *mm, struct vma *v)
{
    rb_erase(&mm->vmas, &v->node);
    mm->nvmas--;
    mm->total -= v->end - v->start;
    if (v->file && (v->flags & MAP_SHARED) && v->file->ops->unmapped)
        v->file->ops->unmapped(v->file);
    if (v->file)
        file_put(v->file);
    kfree(v);
}

int vma_split(struct mm *mm, u64 addr)
{
    struct vma *v = vma_find(mm, addr);

    if (!v || v->start >= addr)
        return 0;
    u64 end = v->end;
    v->end = addr;              /* before the new one goes in: no overlap in the tree */
    mm->total -= end - addr;
    struct vma *n = vma_new(mm, addr, end);
    if (!n) {
        v->end = end;
        mm->total += end - addr;
        return -ENOMEM;
    }
    vma_inherit(n, v, addr - v->start);
    return 0;
}

static bool alike(const struct vma *a, const struct vma *b)
{
    return a->end == b->start && a->prot == b->prot && a->flags == b->flags &&
           a->file == b->file && a->patched == b->patched &&
           a->was_writable == b->was_writable && a->name == b->name && a->src.kind == b->src.kind &&
           (!a->file || a->off + (a->end - a->start) == b->off);
}

static void join(struct mm *mm, struct vma *a, struct vma *b)
{
    u64 end = b->end;

    vma_free(mm, b);
    mm->total += end - a->end;
    a->end = end;
}

void vma_merge(struct mm *mm, struct vma *v)
{
    struct vma *n = vma_next(v), *p = vma_prev(v);

    if (n && alike(v, n))
        join(mm, v, n);
    if (p && alike(p, v))
        join(mm, p, v);
}

bool vma_range_free(struct mm *mm, u64 addr, u64 len)
{
    struct vma *v = vma_find(mm, addr);

    return !v || v->start >= addr + len;
}

u64 vma_gap(struct mm *mm, u64 len, u64 top)
{
    u64 hint = mm->mmap_hint;

    /* Most often the place right below the last one is free. */
    if (hint && hint <= top && hint > len + plat_user_min() &&
        vma_range_free(mm, hint - len, len)) {
        mm->mmap_hint = hint - len;
        return hint - len;
    }
    u64 end = top;
    struct vma *v = vma_find(mm, top - 1);
    v = v ? (v->start < top ? v : vma_prev(v)) : NULL;
    if (!v) {                   /* none reaches top: the last one below it */
        struct rbnode *n = mm->vmas.root;
        while (n && n->right)
            n = n->right;
        v = of(n);
        while (v && v->start >= top)
            v = vma_prev(v);
    }
    for (;;) {
        u64 low = v ? v->end : plat_user_min();
        if (low < end && end - low >= len)
            break;
        if (!v)
            return 0;
        end = min(end, v->start);
        v = vma_prev(v);
    }
    mm->mmap_hint = end - len;
    return end - len;
}
