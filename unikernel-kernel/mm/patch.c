/* When program text is patched (plat/pv/patch.c says how): at the first mapping after
 * its file was prepared, and, in the program that was found to be hot, at once. */
#include "patch.h"
#include "task.h"
#include "vfs.h"
#include "vma.h"

#include <asm/mman.h>
#include <linux/mman.h>

static bool eligible(const struct vma *v)
{
    return v->src.kind == SRC_GRANT && (v->flags & MAP_PRIVATE) && v->file &&
           (v->prot & (PROT_EXEC | PROT_WRITE)) == PROT_EXEC;
}

static bool apply(struct mm *mm, struct vma *v, const struct exec_image *im)
{
    u64 len, stubs = pv_patch_stubs(im, v->start, &len);

    if (v->patched || !vma_range_free(mm, stubs, len))
        return false;
    struct vma *s = vma_new(mm, stubs, stubs + len);
    if (!s)
        return false;
    s->prot = PROT_READ | PROT_EXEC;
    s->flags = MAP_PRIVATE;
    s->name = "[stubs]";
    v->patched = s->patched = true;
    if (run_add(mm, stubs, stubs + len) < 0 || pv_patch_apply(mm, v, im) < 0)
        panic("patching: half done");
    return true;
}

static struct exec_image *image_for(const struct vma *v)
{
    return eligible(v) ? READ_ONCE(v->file->inode->image) : NULL;
}

bool mm_patch_whole(struct mm *mm, struct vma *v)
{
    struct exec_image *im = image_for(v);

    if (!im || !pv_patch_covers(im, v->off, v->end - v->start) ||
        run_add(mm, v->start, v->end) < 0)
        return false;
    if (apply(mm, v, im))
        return true;
    run_remove(mm, v->start, v->end);
    return false;
}

void mm_patch_mapped(struct mm *mm, struct vma *v)
{
    struct exec_image *im = image_for(v);

    if (im && !v->patched && pv_patch_any(im, v->off, v->end - v->start))
        apply(mm, v, im);
}

void mm_patch_hot(struct regs *r)
{
    struct mm *mm = current()->mm;

    if (plat_unsettled())
        return;                 /* the text is its parent's, too */
    mutex_lock(&mm->lock);
    struct vma *v = vma_find(mm, r->rip);
    if (!v || v->start > r->rip || v->patched || !eligible(v))
        goto out;
    struct inode *i = v->file->inode;
    struct exec_image *im = READ_ONCE(i->image);
    if (!im) {
        im = pv_patch_prepare(v);
        struct exec_image *none = NULL;
        if (im && !__atomic_compare_exchange_n(&i->image, &none, im, false, __ATOMIC_ACQ_REL,
                                               __ATOMIC_ACQUIRE)) {
            exec_image_free(im);        /* another process was first */
            im = none;
        }
    }
    /* Other threads may stand inside bytes that change: they get it at their exec. */
    if (im && current()->proc->nthreads == 1 &&
        pv_patch_any(im, v->off, v->end - v->start) && apply(mm, v, im))
        r->rip = pv_patch_rip(im, v->start, r->rip);
    v->patched = true;          /* or never worth another look */
out:
    mutex_unlock(&mm->lock);
}
