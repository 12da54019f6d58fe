/* Windows: files that are read often, mapped in the kernel's part of a process, so that a
 * small read is a copy. Each process has its own; what a forked child gets with its host
 * process is not used there, only unmapped. */
#include "host.h"
#include "mm.h"
#include "pv.h"

#define WINDOWS     32u
#define WIN_SPAN    ((PV_WIN_END - PV_WIN_BASE) / WINDOWS)
#define WIN_AFTER   3u          /* reads of a file before a mapping pays */
/* Large files: many page faults until they are there, and what they hold of a disk has to be
 * given back. So they must be read in small pieces, here and there, and from memory. */
#define WIN_SMALL   (4ul << 20)
#define WIN_PIECE   (16ul << 10)
#define WIN_AFTER_LARGE 32u
#define WIN_STEP    (64ul << 20)        /* a file that grows is not mapped anew each time */

struct window { int grant; u32 gen, uses; u64 len, next; };
struct windows { struct mutex lock; struct window w[WINDOWS]; };

/* Counts what a descriptor number stood for, so that no window outlives its file. */
static u32 grant_gen[PV_FD_MAX];

static u64 base_of(int h) { return PV_WIN_BASE + (u32)h % WINDOWS * WIN_SPAN; }

static struct windows *windows_of(const struct task *t)
{
    return t->mm ? READ_ONCE(t->mm->plat) : NULL;
}

/* The lock is held. What is mapped behind another file's end would keep that file. */
static void window_clear(struct window *w, u64 base)
{
    if (w->len > WIN_SMALL)
        host3(__NR_munmap, base, w->len, 0);
    w->len = 0;
}

void pv_window_close(int h)
{
    u32 gen = __atomic_fetch_add(&grant_gen[h], 1, __ATOMIC_SEQ_CST);
    struct windows *t = windows_of(current());

    /* Held by ourselves, if a page fault of the copy has led here. */
    if (!t || !mutex_trylock(&t->lock))
        return;
    struct window *w = &t->w[(u32)h % WINDOWS];
    if (w->grant == h && w->gen == gen)
        window_clear(w, base_of(h));
    mutex_unlock(&t->lock);
}

void pv_window_cold(int h)
{
    struct windows *t = windows_of(current());

    if (t)
        t->w[(u32)h % WINDOWS].uses = 0;        /* a hint: races are harmless */
}

void pv_windows_drop(struct task *self)
{
    struct task *leader = self->proc->leader;
    struct windows *t = windows_of(self);

    if (!leader->plat.windows || (t && !mutex_trylock(&t->lock)))
        return;
    leader->plat.windows = 0;
    host3(__NR_munmap, PV_WIN_BASE, PV_WIN_END - PV_WIN_BASE, 0);
    if (t) {
        memset(t->w, 0, sizeof t->w);
        mutex_unlock(&t->lock);
    }
}

/* Has the file been read so often, and so, that a mapping pays? */
static bool worth_it(struct window *w, u64 off, size_t n, u64 size)
{
    bool follows = off == w->next;

    w->next = off + n;
    if (size <= WIN_SMALL)
        return ++w->uses > WIN_AFTER;
    return n <= WIN_PIECE && !follows && ++w->uses > WIN_AFTER_LARGE;
}

static bool window_map(struct window *w, u64 base, int h, u64 size)
{
    u64 len = size > WIN_SMALL ? (size + WIN_STEP - 1) / WIN_STEP * WIN_STEP : PAGE_UP(size);

    pv_units_add(current()->mm, base, len);
    long r = host6(__NR_mmap, base, len, 1 /* PROT_READ */, 0x11 /* SHARED | FIXED */, (u64)h, 0);

    if (r < 0 && r > -4096)
        return false;
    w->len = len;
    if (size > WIN_SMALL)
        current()->proc->leader->plat.windows = 1;
    return true;
}

static bool window_ready(struct window *w, u64 base, int h, u64 off, size_t n, u64 size)
{
    u32 gen = READ_ONCE(grant_gen[h]);

    if (w->grant != h || w->gen != gen) {
        window_clear(w, base);
        *w = (struct window){ h, gen, 1, 0, off + n };
        return false;
    }
    if (w->len >= size)
        return true;
    return worth_it(w, off, n, size) && window_map(w, base, h, size);
}

static struct windows *windows_get(void)
{
    struct mm *mm = current()->mm;
    struct windows *t = READ_ONCE(mm->plat), *none = NULL;

    if (t)
        return t;
    pv_windows_drop(current());
    t = kzalloc(sizeof *t);
    if (t && !__atomic_compare_exchange_n((struct windows **)&mm->plat, &none, t, false,
                                          __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
        kfree(t);
        t = none;
    }
    return t;
}

ssize_t plat_grant_copy(int h, u64 off, size_t n, u64 size, uptr_t dst)
{
    struct windows *t;
    ssize_t r = -EOPNOTSUPP;

    if (plat_unsettled() || size > WIN_SPAN || off >= size || n > size - off ||
        (size > WIN_SMALL && n > WIN_PIECE) || dst >= PV_USER_MAX ||
        (dst < PV_KERNEL_END && dst + n > PV_USER_TOP))
        return r;
    t = windows_get();
    if (!t || !mutex_trylock(&t->lock))
        return r;
    u64 base = base_of(h);
    if (window_ready(&t->w[(u32)h % WINDOWS], base, h, off, n, size) &&
        pv_ucopy((void *)dst, (const void *)(base + off), n) == 0)
        r = (ssize_t)n;
    mutex_unlock(&t->lock);
    return r;
}

void plat_as_dispose(struct mm *mm)
{
    kfree(mm->plat);
    mm->plat = NULL;
}
