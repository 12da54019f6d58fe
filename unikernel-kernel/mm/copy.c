/* A second copy of what a program can write to, for a forked child that runs in its
 * parent's address space for a while (plat/pv/late.c): what the child has changed is put
 * back when it leaves. */
#include "task.h"
#include "user.h"
#include "vma.h"

#include <asm/mman.h>
#include <linux/mman.h>

/* Could its bytes change without a call that comes to mm/? */
static bool changeable(const struct vma *v)
{
    return (v->prot & PROT_WRITE) && !(v->flags & MAP_SHARED);
}

/* Appends [s, e), or makes the last piece longer. */
static bool add_piece(struct mm_copy *c, u64 s, u64 e)
{
    struct mm_piece *last = c->n ? &c->piece[c->n - 1] : NULL;

    if (last && last->end == s) {
        last->end = e;
    } else {
        if (c->n == MM_COPY_PIECES)
            return false;
        c->piece[c->n++] = (struct mm_piece){ s, e };
    }
    c->bytes += e - s;
    return c->bytes <= MM_COPY_MAX;
}

bool mm_copy_plan(struct mm *mm, struct mm_copy *c)
{
    c->n = 0;
    c->bytes = 0;
    /* Advice on forks is followed by taking mappings out of the child. */
    if (mm->fork_advice || READ_ONCE(mm->ref.n) > 1)
        return false;
    for (struct rbnode *n = rb_first(&mm->vmas); n; n = rb_next(n)) {
        const struct vma *v = container_of(n, struct vma, node);
        struct run *r;
        if (!changeable(v))
            continue;
        for (u64 a = v->start; (r = run_find(mm, a)) && r->start < v->end; a = r->end)
            if (!add_piece(c, max(r->start, v->start), min(r->end, v->end)))
                return false;
    }
    return true;
}

bool mm_copy_take(const struct mm_copy *c, char *buf)
{
    for (u32 i = 0; i < c->n; i++) {
        u64 len = c->piece[i].end - c->piece[i].start;
        if (copy_from_user(buf, c->piece[i].start, len))
            return false;       /* a file that was cut shorter, say */
        buf += len;
    }
    return true;
}

void mm_copy_back(const struct mm_copy *c, const char *buf)
{
    for (u32 i = 0; i < c->n; i++) {
        for (u64 a = c->piece[i].start; a < c->piece[i].end; a += PAGE_SIZE, buf += PAGE_SIZE) {
            /* Only what has changed: a write may cost a page of its own. A page that
             * can't be read any more was never written to: it is still its file's. */
            if (user_differs(a, buf, PAGE_SIZE) && copy_to_user(a, buf, PAGE_SIZE))
                panic("late fork: a page of the parent is gone");
        }
    }
}
