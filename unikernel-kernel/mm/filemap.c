/* Mappings of a file, found by walking through all processes. That is slow, and rare: a
 * file is cut, stores through mappings are to reach the host, memory is short. Entries
 * are taken out and runs stay: a fault on them brings the page in again (present.c).
 *
 * Lock order: procs_lock, mm->lock. */
#include "errand.h"
#include "proc.h"
#include "vfs.h"
#include "vma.h"

#include <linux/mman.h>

typedef void visit_fn(struct mm *mm, const struct vma *v, u64 from);

static void visit(struct mm *mm, const struct inode *i, u64 from, visit_fn *fn)
{
    for (struct rbnode *n = rb_first(&mm->vmas); n; n = rb_next(n)) {
        const struct vma *v = container_of(n, struct vma, node);
        if (v->src.kind == SRC_PAGES && v->src.counted && (!i || v->file->inode == i))
            fn(mm, v, from);
    }
}

/* procs_lock held; counted, or NULL. */
static struct mm *mm_of(struct proc *p)
{
    struct task *t;
    struct mm *mm;

    list_for_each(t, &p->threads, proc_link)
        if ((mm = task_mm_get(t)))
            return mm;
    return NULL;
}

static bool may_store(struct mm *mm, const struct inode *i)
{
    for (struct rbnode *n = rb_first(&mm->vmas); n; n = rb_next(n)) {
        const struct vma *v = container_of(n, struct vma, node);
        if (v->file && v->file->inode == i && (v->flags & MAP_SHARED) &&
            (v->file->mode & FMODE_WRITE))
            return true;
    }
    return false;
}

bool mm_file_may_store(const struct inode *i)
{
    struct proc *p;
    bool found = false;

    mutex_lock(&procs_lock);
    list_for_each(p, &procs_all, all_link) {
        struct mm *mm = found ? NULL : mm_of(p);
        if (!mm)
            continue;
        mutex_lock(&mm->lock);
        found = may_store(mm, i);
        mutex_unlock(&mm->lock);
        mm_put(mm);
    }
    mutex_unlock(&procs_lock);
    return found;
}

/* wait: for every lock. */
static void each_mapping(const struct inode *i, u64 from, bool wait, visit_fn *fn)
{
    struct proc *p;

    if (wait)
        mutex_lock(&procs_lock);
    else if (!mutex_trylock(&procs_lock))
        return;
    list_for_each(p, &procs_all, all_link) {
        struct mm *mm = mm_of(p);
        if (!mm)
            continue;
        if (wait)
            mutex_lock(&mm->lock);
        if (wait || mutex_trylock(&mm->lock)) {
            visit(mm, i, from, fn);
            mutex_unlock(&mm->lock);
        }
        mm_put(mm);
    }
    mutex_unlock(&procs_lock);
}

static void zap(struct mm *mm, const struct vma *v, u64 from)
{
    u64 first = v->off >> PAGE_SHIFT;
    u64 start = from > first ? v->start + ((from - first) << PAGE_SHIFT) : v->start;

    if (start < v->end)
        plat_as_unmap(mm, start, v->end - start);
}

static void sweep(struct mm *mm, const struct vma *v, u64 from)
{
    if (v->flags & MAP_SHARED)
        plat_as_sweep(mm, v->start, v->end - v->start);
}

static void age(struct mm *mm, const struct vma *v, u64 from)
{
    plat_as_age(mm, v->start, v->end - v->start);
}

void mm_file_zap(const struct inode *i, u64 from)
{
    if (plat_counts_pages())
        each_mapping(i, from, true, zap);
}

void mm_file_sweep(const struct inode *i) { each_mapping(i, 0, true, sweep); }
void mm_file_age(void) { each_mapping(NULL, 0, false, age); }

/* -- tmpfs: pages that are not counted -- */

/* Has mm a mapping of the file? written: one through which it could be changed. */
static bool maps(struct mm *mm, const struct inode *i, bool written)
{
    bool found = false;

    mutex_lock(&mm->lock);
    for (struct rbnode *n = rb_first(&mm->vmas); n && !found; n = rb_next(n)) {
        const struct vma *v = container_of(n, struct vma, node);
        found = v->src.kind == SRC_PAGES && v->file->inode == i &&
                (!written || ((v->flags & MAP_SHARED) && (v->file->mode & FMODE_WRITE) &&
                              !v->src.no_write));
    }
    mutex_unlock(&mm->lock);
    return found;
}

/* The process with the lowest id above `after` that maps the file: its id, 0: none. A thread
 * of it in t_r, counted. */
static int next_mapper(const struct inode *i, int after, bool written, struct task **t_r)
{
    int best = 0;
    struct proc *p;

    *t_r = NULL;
    mutex_lock(&procs_lock);
    list_for_each(p, &procs_all, all_link) {
        struct mm *mm = p->pid > after && (!best || p->pid < best) ? mm_of(p) : NULL;
        struct task *t;

        if (!mm)
            continue;
        if (maps(mm, i, written))
            best = p->pid;
        mm_put(mm);
        if (best != p->pid)
            continue;
        if (*t_r)
            task_put(*t_r);
        *t_r = NULL;
        list_for_each(t, &p->threads, proc_link) {
            if (!t->mm)
                continue;
            ref_get(&t->ref);
            *t_r = t;
            break;
        }
    }
    mutex_unlock(&procs_lock);
    return best;
}

struct cut { const struct inode *inode; u64 from; };

static void cut_here(void *arg)
{
    const struct cut *c = arg;
    struct mm *mm = current()->mm;

    if (!mm || plat_settle() < 0)
        return;
    mutex_lock(&mm->lock);
    for (struct rbnode *n = rb_first(&mm->vmas); n; n = rb_next(n)) {
        const struct vma *v = container_of(n, struct vma, node);
        u64 first = v->off >> PAGE_SHIFT;
        u64 start = c->from > first ? v->start + ((c->from - first) << PAGE_SHIFT) : v->start;
        if (v->src.kind == SRC_PAGES && v->file->inode == c->inode && start < v->end &&
            run_remove(mm, start, v->end))
            plat_as_unmap(mm, start, v->end - start);
    }
    mutex_unlock(&mm->lock);
}

void mm_file_cut(const struct inode *i, u64 from)
{
    struct cut c = { i, from };
    struct task *t;

    for (int id = 0; (id = next_mapper(i, id, false, &t));) {
        if (!t)
            continue;
        errand_run(t, cut_here, &c);
        task_put(t);
    }
}

bool mm_file_written(const struct inode *i)
{
    struct task *t;
    bool any = next_mapper(i, 0, true, &t);

    if (t)
        task_put(t);
    return any;
}
