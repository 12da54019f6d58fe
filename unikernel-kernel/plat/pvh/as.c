/* Address spaces of programs: page tables with copy on write. mm/ has the bookkeeping
 * and holds mm->lock; everything it calls present is in the tables, so that the only
 * faults left to us are writes to shared pages. mm->plat is the top table, made with the
 * first mapping. */
#include "mm.h"
#include "paging.h"

#include <linux/mman.h>

static u8 zero_page[PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));

/* -- the tables -- */

static u64 *next_table(u64 *e, bool make)
{
    if (!*e) {
        void *p = make ? kpages(1) : NULL;
        if (!p)
            return NULL;
        *e = plat_gpa(p) | PTE_P | PTE_W | PTE_U;
    }
    return pvh_kva(*e & PTE_ADDR);
}

static u64 *pte_make(struct mm *mm, u64 va)
{
    u64 *t = mm->plat;

    for (int l = 4; l > 1 && t; l--)
        t = next_table(&t[va >> (12 + 9 * (l - 1)) & 511], true);
    return t ? &t[va >> 12 & 511] : NULL;
}

/* A walk over entries: the table that the last one was in, for addresses from `base`. */
struct walk { const struct mm *mm; u64 *table, base; };

#define SPAN(level) (1ull << (12 + 9 * (level)))        /* of a table of `level` */

/* The first entry in use from e on, or stop. */
static u64 *skip_empty(u64 *e, u64 *stop)
{
    while (e + 4 <= stop && !(e[0] | e[1] | e[2] | e[3]))
        e += 4;
    while (e < stop && !*e)
        e++;
    return e;
}

/* The table of entries for *va; or NULL, with *va moved to where one may be. */
static u64 *leaf_of(const struct mm *mm, u64 *va)
{
    u64 *t = mm->plat;

    for (int l = 4; l > 1; l--) {
        u64 *e = &t[*va >> (12 + 9 * (l - 1)) & 511];
        if (!*e) {
            u64 empty = (u64)(skip_empty(e, t + 512) - e);
            *va = (*va & ~(SPAN(l - 1) - 1)) + empty * SPAN(l - 1);
            return NULL;
        }
        t = pvh_kva(*e & PTE_ADDR);
    }
    return t;
}

/* The next entry in use from *va on, below end; NULL: none. *va is set to its address. */
static u64 *walk_next(struct walk *w, u64 *va, u64 end)
{
    u64 a = *va;

    while (w->mm->plat && a < end) {
        if (!w->table || a - w->base >= SPAN(1)) {
            w->table = leaf_of(w->mm, &a);
            w->base = a & ~(SPAN(1) - 1);
            if (!w->table)
                continue;
        }
        u64 n = (min(end, w->base + SPAN(1)) - a + PAGE_SIZE - 1) >> PAGE_SHIFT;
        u64 *e = &w->table[a >> 12 & 511], *stop = e + n;
        e = skip_empty(e, stop);
        a = w->base + ((u64)(e - w->table) << 12);
        if (e < stop) {
            *va = a;
            return e;
        }
    }
    return NULL;
}

static u64 *pte_next(const struct mm *mm, u64 *va, u64 end)
{
    struct walk w = { mm, NULL, 0 };

    return walk_next(&w, va, end);
}

static u64 cr3_of(const struct mm *mm)
{
    return mm && mm->plat ? plat_gpa(mm->plat) : pvh_kernel_cr3;
}

static void load_cr3(struct cpu *c, u64 cr3)
{
    if (c->cr3 == cr3)
        return;
    __atomic_store_n(&c->cr3, cr3, __ATOMIC_SEQ_CST);   /* told before it is so: smp.c */
    write_cr3(cr3);
}

/* Kernel threads run in whatever address space is loaded. */
void pvh_as_switch(struct cpu *c, const struct task *next)
{
    struct mm *mm = READ_ONCE(next->mm);

    __atomic_store_n(&c->lazy, !mm, __ATOMIC_SEQ_CST);
    if (!mm)
        return;
    bool stale = __atomic_exchange_n(&c->stale, false, __ATOMIC_SEQ_CST);
    if (c->cr3 != cr3_of(mm))
        load_cr3(c, cr3_of(mm));
    else if (stale)
        write_cr3(c->cr3);
}

static u64 *new_space(struct mm *mm)
{
    u64 *t = kpages(1), *e;

    if (!t)
        return NULL;
    memcpy(t + 256, pvh_kernel_pml4() + 256, 256 * sizeof *t);
    mm->plat = t;
    e = pte_make(mm, PVH_VDSO);
    if (!e) {
        plat_as_dispose(mm);
        return NULL;
    }
    /* No mapping that mm/ knows: it stays until the end. */
    e[0] = plat_gpa(pvh_vdso_image) | PTE_P | PTE_U | PTE_A;
    e[1] = plat_gpa(&pvh_vdso_data) | PTE_P | PTE_U | PTE_A | PTE_NX;
    return t;
}

static int as_ready(struct mm *mm)
{
    if (!mm->plat && !new_space(mm))
        return -ENOMEM;
    if (current()->mm == mm) {
        u64 f = irq_save();
        load_cr3(this_cpu(), cr3_of(mm));
        irq_restore(f);
    }
    return 0;
}

/* Forgets translations of n pages, of which va is one. */
static void flush(const struct mm *mm, u64 va, u64 n)
{
    if (!n || !mm->plat)
        return;
    u64 f = irq_save();
    if (this_cpu()->cr3 == cr3_of(mm)) {
        if (n == 1)
            __asm__ volatile("invlpg (%0)" : : "r"(va) : "memory");
        else
            write_cr3(this_cpu()->cr3);
    }
    irq_restore(f);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    pvh_shoot(cr3_of(mm), SHOOT_FLUSH);
}

static void free_tables(u64 *t, int level)
{
    u64 *stop = t + (level == 4 ? 256 : 512);

    for (u64 *e = t; level > 1 && (e = skip_empty(e, stop)) < stop; e++)
        free_tables(pvh_kva(*e & PTE_ADDR), level - 1);
    kpages_free(t, 1);
}

void plat_as_dispose(struct mm *mm)
{
    if (!mm->plat)
        return;
    u64 f = irq_save();
    if (this_cpu()->cr3 == cr3_of(mm))
        load_cr3(this_cpu(), pvh_kernel_cr3);
    irq_restore(f);
    pvh_shoot(cr3_of(mm), SHOOT_LEAVE);
    plat_as_unmap(mm, 0, PVH_USER_MAX);         /* no CPU has it: nothing to flush */
    free_tables(mm->plat, 4);
    mm->plat = NULL;
}

/* -- entries -- */

/* A shared page of a file tells by D whether it was written to: that stays as it is. */
static u64 prot_bits(u64 pte, u32 prot)
{
    bool tracked = (pte & (PTE_FILE | PTE_COW)) == PTE_FILE;

    pte &= PTE_ADDR | PTE_OWNED | PTE_COW | PTE_FILE | (tracked ? PTE_D : 0);
    pte |= PTE_U | PTE_A | (tracked ? 0 : PTE_D) | (prot == PROT_NONE ? PTE_HELD : PTE_P);
    if (prot & PROT_WRITE)
        pte |= PTE_PROTW | (pte & PTE_COW ? 0 : PTE_W);
    return prot & PROT_EXEC ? pte : pte | PTE_NX;
}

/* The CPUs set A and D in entries. */
static u64 exchange(u64 *e, u64 pte) { return __atomic_exchange_n(e, pte, __ATOMIC_SEQ_CST); }

static int set_pte(struct mm *mm, u64 va, u64 pte)
{
    u64 *e = pte_make(mm, va), old;

    if (!e)
        return -ENOMEM;
    old = exchange(e, pte);
    if (old) {
        flush(mm, va, 1);
        pvh_page_put(old);
    }
    return 0;
}

#define ANON_RUN 16u    /* pages asked of the heap at once */

static int map_anon(struct mm *mm, u64 va, u64 len, u32 prot)
{
    while (len) {
        u64 n = min(len >> PAGE_SHIFT, (u64)ANON_RUN);
        u8 *p = kpages(n);
        if (!p && n > 1)
            p = kpages(n = 1);
        if (!p)
            return -ENOMEM;
        for (u64 i = 0; i < n; i++, va += PAGE_SIZE, len -= PAGE_SIZE)
            if (set_pte(mm, va, prot_bits((plat_gpa(p) + i * PAGE_SIZE) | PTE_OWNED, prot)) < 0) {
                kpages_free(p + i * PAGE_SIZE, n - i);
                return -ENOMEM;
            }
    }
    return 0;
}

/* One page again and again (step 0), or a row of pages. */
static int map_row(struct mm *mm, u64 va, u64 len, u64 gpa, u64 step, u64 bits, u32 prot)
{
    for (u64 o = 0; o < len; o += PAGE_SIZE, gpa += step) {
        pvh_page_share(gpa | bits);
        if (set_pte(mm, va + o, prot_bits(gpa | bits, prot)) < 0) {
            pvh_page_put(gpa | bits);
            return -ENOMEM;
        }
    }
    return 0;
}

int plat_as_map(struct mm *mm, const struct plat_map *m)
{
    int e = as_ready(mm);

    if (e < 0)
        return e;
    if (m->src == PLAT_GRANT)
        return -ENODEV;
    if (m->src == PLAT_PAGES)
        e = map_row(mm, m->va, m->len, plat_gpa(m->pages), PAGE_SIZE,
                    (m->shared ? 0 : PTE_COW) | (m->counted ? PTE_FILE : 0), m->prot);
    else if (m->populate && m->prot & PROT_WRITE)
        e = map_anon(mm, m->va, m->len, m->prot);
    else
        e = map_row(mm, m->va, m->len, plat_gpa(zero_page), 0, PTE_COW, m->prot);
    if (e < 0)
        plat_as_unmap(mm, m->va, m->len);
    return e;
}

#define BATCH 256u

/* A page goes back only when no CPU can reach it any more. */
int plat_as_unmap(struct mm *mm, u64 va, u64 len)
{
    struct walk w = { mm, NULL, 0 };
    u64 old[BATCH], a = va, *e;
    u32 n;

    do {
        u64 first = va;
        for (n = 0; n < BATCH && (e = walk_next(&w, &a, va + len)); a += PAGE_SIZE) {
            if (n == 0)
                first = a;
            old[n++] = exchange(e, 0);
        }
        flush(mm, first, n);
        for (u32 i = 0; i < n; i++)
            pvh_page_put(old[i]);
    } while (n == BATCH);
    return 0;
}

int plat_as_protect(struct mm *mm, u64 va, u64 len, u32 prot)
{
    struct walk w = { mm, NULL, 0 };
    u64 first = va, n = 0, *e;

    for (u64 a = va; (e = walk_next(&w, &a, va + len)); a += PAGE_SIZE) {
        u64 old = exchange(e, 0);       /* or a D that comes just now would be lost */
        WRITE_ONCE(*e, prot_bits(old, prot));
        if (n++ == 0)
            first = a;
    }
    flush(mm, first, n);
    return 0;
}

int plat_as_move(struct mm *mm, u64 from, u64 old_len, u64 to, u64 new_len)
{
    struct walk w = { mm, NULL, 0 };
    u64 n = 0, *e;

    for (u64 a = from; (e = walk_next(&w, &a, from + old_len)); a += PAGE_SIZE, n++) {
        u64 *d = pte_make(mm, to + (a - from));
        if (!d)
            return -ENOMEM;
        assert(!*d);            /* the caller has unmapped what was there */
        *d = exchange(e, 0);
    }
    flush(mm, from, n);
    return 0;
}

/* Before a write: the page is ours alone afterwards. */
static int break_cow(struct mm *mm, u64 va, u64 *e)
{
    u64 old = *e;

    if (pvh_page_alone(old)) {
        *e = (old & ~PTE_COW) | PTE_W;
        flush(mm, va, 1);
        return 0;
    }
    void *p = kpages_raw(1);
    if (!p)
        return -ENOMEM;
    memcpy(p, pvh_kva(old & PTE_ADDR), PAGE_SIZE);
    *e = (old & ~(PTE_ADDR | PTE_COW | PTE_FILE)) | plat_gpa(p) | PTE_OWNED | PTE_W;
    flush(mm, va, 1);
    pvh_page_put(old);
    return 0;
}

int plat_as_populate(struct mm *mm, u64 va, u64 len, bool write)
{
    struct walk w = { mm, NULL, 0 };
    u64 *e;

    for (u64 a = va; write && (e = walk_next(&w, &a, va + len)); a += PAGE_SIZE)
        if (*e & PTE_COW && *e & PTE_PROTW && break_cow(mm, a, e) < 0)
            return -ENOMEM;
    return 0;
}

int pvh_as_resolve(struct mm *mm, u64 addr, bool write)
{
    u64 a = PAGE_DOWN(addr), *e;
    int r = 0;

    if (!write)
        return 0;
    mutex_lock(&mm->lock);
    e = pte_next(mm, &a, a + PAGE_SIZE);
    if (e && *e & PTE_COW && *e & PTE_PROTW)
        r = break_cow(mm, a, e);
    mutex_unlock(&mm->lock);
    return r;
}

int pvh_as_clone(struct mm *to, struct mm *from)
{
    struct walk w = { from, NULL, 0 };
    u64 n = 0, *e;

    if (as_ready(to) < 0)
        return -ENOMEM;
    for (u64 a = 0; (e = walk_next(&w, &a, PVH_USER_MAX)); a += PAGE_SIZE, n++) {
        u64 *d = pte_make(to, a);
        if (!d)
            return -ENOMEM;     /* mm_put takes back what there is */
        pvh_page_share(*e);
        if (*e & PTE_OWNED)
            *e = (*e & ~PTE_W) | PTE_COW;
        *d = *e;
    }
    flush(from, 0, n + 1);
    return 0;
}

/* -- pages of files -- */

void plat_as_sweep(struct mm *mm, u64 va, u64 len)
{
    struct walk w = { mm, NULL, 0 };
    u64 first = va, n = 0, *e;

    for (u64 a = va; (e = walk_next(&w, &a, va + len)); a += PAGE_SIZE) {
        if ((*e & (PTE_FILE | PTE_COW | PTE_D)) != (PTE_FILE | PTE_D))
            continue;
        __atomic_fetch_and(e, ~PTE_D, __ATOMIC_SEQ_CST);
        pvh_page_stored(*e);
        if (n++ == 0)
            first = a;
    }
    flush(mm, first, n);
}

/* A is looked at and taken; TLBs may still have it, which makes a page seem less used. */
void plat_as_age(struct mm *mm, u64 va, u64 len)
{
    struct walk w = { mm, NULL, 0 };
    u64 old[BATCH], a = va, *e;
    u32 n;

    do {
        u64 first = va;
        for (n = 0; n < BATCH && (e = walk_next(&w, &a, va + len)); a += PAGE_SIZE) {
            if (!(*e & PTE_FILE))
                continue;
            if (*e & PTE_A && !(*e & PTE_HELD)) {
                __atomic_fetch_and(e, ~PTE_A, __ATOMIC_SEQ_CST);
                continue;
            }
            if (n == 0)
                first = a;
            old[n++] = exchange(e, 0);
        }
        flush(mm, first, n);
        for (u32 i = 0; i < n; i++)
            pvh_page_put(old[i]);
    } while (n == BATCH);
}

bool plat_as_has(struct mm *mm, u64 va)
{
    return pte_next(mm, &va, va + PAGE_SIZE) != NULL;
}

/* What the pages come from is not known here: mm/ unmaps instead (mm/change.c). */
int plat_as_discard(struct mm *mm, u64 va, u64 len) { return -ENOSYS; }
int plat_as_advise(struct mm *mm, u64 va, u64 len, int advice) { return 0; }

u64 plat_user_min(void) { return PVH_USER_MIN; }
u64 plat_user_top(void) { return PVH_USER_TOP; }
u64 plat_kernel_end(void) { return PVH_USER_GAP; }
u64 plat_user_max(void) { return PVH_USER_MAX; }
u64 plat_vdso(void) { return PVH_VDSO; }
