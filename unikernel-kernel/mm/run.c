/* Runs: the parts of an address space that are present. On pv these are the host's
 * mappings; a fault outside them is ours to serve, and it serves many pages at once. */
#include "vma.h"

static struct run *of(struct rbnode *n)
{
    return n ? container_of(n, struct run, node) : NULL;
}

struct run *run_find(const struct mm *mm, u64 addr)
{
    struct rbnode *n = mm->runs.root;
    struct run *best = NULL;

    while (n) {
        struct run *r = of(n);
        if (r->end > addr) {
            best = r;
            n = n->left;
        } else {
            n = n->right;
        }
    }
    return best;
}

struct run *run_prev_of(struct mm *mm, u64 addr)
{
    struct rbnode *n = mm->runs.root;
    struct run *best = NULL;

    while (n) {
        struct run *r = of(n);
        if (r->start < addr) {
            best = r;
            n = n->right;
        } else {
            n = n->left;
        }
    }
    return best;
}

static void count(struct mm *mm, u64 more)
{
    mm->resident += more;
    mm->resident_peak = max(mm->resident_peak, mm->resident);
}

static int insert(struct mm *mm, u64 start, u64 end)
{
    struct rbnode **link = &mm->runs.root, *parent = NULL;
    struct run *r = kmalloc(sizeof *r);

    if (!r)
        return -ENOMEM;
    r->start = start;
    r->end = end;
    while (*link) {
        parent = *link;
        link = start < of(parent)->start ? &parent->left : &parent->right;
    }
    rb_insert(&mm->runs, &r->node, parent, link);
    count(mm, end - start);
    return 0;
}

static void drop(struct mm *mm, struct run *r)
{
    rb_erase(&mm->runs, &r->node);
    mm->resident -= r->end - r->start;
    kfree(r);
}

static void extend(struct mm *mm, struct run *r, u64 end)
{
    if (end <= r->end)
        return;
    count(mm, end - r->end);
    r->end = end;
}

int run_add(struct mm *mm, u64 start, u64 end)
{
    struct run *p = run_prev_of(mm, start + 1), *n;

    if (p && p->end >= start) {
        extend(mm, p, end);
    } else {
        int e = insert(mm, start, end);
        if (e < 0)
            return e;
        p = run_prev_of(mm, start + 1);
    }
    while ((n = of(rb_next(&p->node))) && n->start <= p->end) {
        u64 stop = n->end;
        drop(mm, n);
        extend(mm, p, stop);
    }
    return 0;
}

bool run_remove(struct mm *mm, u64 start, u64 end)
{
    bool any = false;
    struct run *r;

    while ((r = run_find(mm, start)) && r->start < end) {
        u64 rs = r->start, re = r->end;
        any = true;
        if (rs >= start && re <= end) {
            drop(mm, r);
        } else if (rs < start) {
            mm->resident -= re - start;
            r->end = start;
            /* The tail stays: without memory for its run it is as if not present, and
             * a later fault maps it afresh over the host's. Reserve by reuse instead. */
            if (re > end && insert(mm, end, re) < 0)
                panic("out of kernel memory");
        } else {
            mm->resident -= end - rs;
            r->start = end;
        }
    }
    return any;
}

bool mm_gap_next(const struct mm *mm, u64 *start_r, u64 *end_r)
{
    struct run *r = run_find(mm, *start_r);

    while (r && r->start <= *start_r) {
        *start_r = r->end;
        r = run_find(mm, *start_r);
    }
    *end_r = r ? r->start : ~0ull;
    return *start_r < *end_r;
}

void run_clear(struct mm *mm)
{
    struct rbnode *n;

    while ((n = mm->runs.root))
        drop(mm, of(n));
}

int run_copy(struct mm *to, const struct mm *from)
{
    for (struct rbnode *n = rb_first(&from->runs); n; n = rb_next(n))
        if (insert(to, of(n)->start, of(n)->end) < 0)
            return -ENOMEM;
    return 0;
}
