/* Taking out what one call mapped, whatever mprotect has made of it since: shmdt(2). */
#include "vfs.h"
#include "vma.h"

#include "task.h"

int mm_unmap_file(u64 addr, const struct file_ops *ops, struct file **file_r)
{
    struct mm *mm = current()->mm;
    struct file *f = NULL;
    struct vma *v, *next;
    u64 end = ~0ull;
    int e = 0;

    mutex_lock(&mm->lock);
    for (v = vma_find(mm, addr); v && v->start < end && e == 0; v = next) {
        next = vma_next(v);
        if (!v->file || v->file->ops != ops || v->start - v->off != addr || (f && v->file != f))
            continue;
        if (!f) {
            f = v->file;
            file_get(f);
            end = addr + PAGE_UP(f->inode->size);
        }
        e = unmap_range(mm, v->start, v->end);
    }
    mutex_unlock(&mm->lock);
    if (f && e < 0)
        file_put(f);
    else
        *file_r = f;
    return f ? e : -EINVAL;
}
