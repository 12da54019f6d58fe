/* mmap(2) and its kin on the current address space. */
#include "patch.h"
#include "task.h"
#include "vfs.h"
#include "vma.h"

#include <asm/mman.h>
#include <linux/mman.h>
#include <linux/resource.h>

#define NOW_MAX (16ul << 10)    /* anonymous mappings up to this come present */
#define FIXED_NOW_MAX (64ul << 10)      /* at a place of their own: what follows a program's data */
#define FLAGS_KEPT \
    (MAP_SHARED | MAP_PRIVATE | MAP_GROWSDOWN | MAP_NORESERVE | MAP_STACK | MAP_LOCKED)

struct mm *mm_new(void)
{
    struct mm *mm = kzalloc(sizeof *mm);

    if (mm)
        ref_init(&mm->ref);
    return mm;
}

struct mm *mm_clone_begin(struct mm *from)
{
    struct mm *mm = kmalloc(sizeof *mm);

    if (!mm)
        return NULL;
    mutex_lock(&from->lock);
    *mm = *from;
    ref_init(&mm->ref);
    mm->lock.v = 0;
    mm->plat = NULL;
    mm->vmas.root = mm->runs.root = NULL;
    mm->resident = mm->resident_peak = 0;
    mm->nvmas = 0;
    mm->total = mm->charge = 0;
    mm->any_locked = mm->lock_future = mm->lock_on_fault = false;
    int e = run_copy(mm, from);
    for (struct rbnode *n = rb_first(&from->vmas); n && e == 0; n = rb_next(n)) {
        const struct vma *o = container_of(n, struct vma, node);
        struct vma *v = vma_new(mm, o->start, o->end);
        if (!v) {
            e = -ENOMEM;
            break;
        }
        vma_inherit(v, o, 0);
        v->flags &= ~(u32)MAP_LOCKED;   /* a child's memory is not */
    }
    if (e < 0) {
        mutex_unlock(&from->lock);
        mm_put(mm);
        return NULL;
    }
    return mm;
}

void mm_clone_end(struct mm *from)
{
    mutex_unlock(&from->lock);
}

struct mm *mm_clone(struct mm *from)
{
    struct mm *mm = mm_clone_begin(from);

    if (mm)
        mm_clone_end(from);
    return mm;
}

static void forget_all(struct mm *mm)
{
    struct rbnode *n;

    while ((n = mm->vmas.root))
        vma_free(mm, container_of(n, struct vma, node));
    run_clear(mm);
    budget_clear(mm);
}

void mm_put(struct mm *mm)
{
    if (!mm || !ref_put(&mm->ref))
        return;
    plat_as_dispose(mm);
    forget_all(mm);
    kfree(mm);
}

static int cut_out(struct mm *mm, u64 start, u64 end, bool host)
{
    struct vma *v;

    int e = vma_split(mm, start);
    if (e == 0)
        e = vma_split(mm, end);
    if (e < 0)
        return e;
    /* Out of the program's reach first: a mapping may be the last to hold its pages. */
    budget_uncharge(mm, start, end);
    if (run_remove(mm, start, end) && host)
        plat_as_unmap(mm, start, end - start);
    while ((v = vma_find(mm, start)) && v->start < end)
        vma_free(mm, v);
    if (mm->mmap_hint >= start && mm->mmap_hint < end)
        mm->mmap_hint = end;
    return 0;
}

int unmap_range(struct mm *mm, u64 start, u64 end)
{
    return cut_out(mm, start, end, true);
}

/* Makes way for a mapping. One that the host makes at once, of a file of its own, takes the
 * old ones' place there by itself: a call less for each segment of a library. */
static int make_way(struct mm *mm, u64 start, u64 end, const struct map_source *src)
{
    bool host = src->kind != SRC_GRANT;

    for (struct vma *v = vma_find(mm, start); v && v->start < end; v = vma_next(v))
        host |= v->src.kind == SRC_PAGES || v->patched;
    return cut_out(mm, start, end, host);
}

static bool user_range_ok(u64 addr, u64 len)
{
    u64 end = addr + len;

    if (end < addr || addr < plat_user_min() || end > plat_user_max())
        return false;
    /* The kernel's region and the gap below it lie between top and PV_KERNEL_END. */
    return end <= plat_user_top() || addr >= plat_kernel_end();
}

/* Large memory begins where a huge page can. */
static bool huge_wanted(u64 len, u32 flags)
{
    return len >= MM_HUGE && (flags & MAP_ANONYMOUS) && !(flags & (MAP_SHARED | MAP_STACK));
}

static u64 place(struct mm *mm, u64 addr, u64 len, u32 flags, bool pad)
{
    if (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE))
        return addr;
    addr = PAGE_DOWN(addr);
    if (addr && user_range_ok(addr, len) && vma_range_free(mm, addr, len))
        return addr;
    u64 top = mm->stack_limit ? mm->stack_limit : plat_user_top();
    if (huge_wanted(len, flags)) {
        u64 a = vma_gap(mm, len + MM_HUGE - PAGE_SIZE, top);
        if (a)
            return (a + MM_HUGE - 1) & ~(MM_HUGE - 1);
    }
    /* Behind an image there is room for the stubs of its text. */
    u64 room = pad ? PV_PATCH_ROOM : 0;
    return vma_gap(mm, len + room, top);
}

static int check_file(struct file *f, u32 prot, u32 flags)
{
    if (!(f->mode & FMODE_READ))
        return -EACCES;
    if ((flags & MAP_SHARED) && (prot & PROT_WRITE) && !(f->mode & FMODE_WRITE))
        return -EACCES;
    if ((prot & PROT_EXEC) && f->path.mnt && (f->path.mnt->flags & 8 /* MS_NOEXEC */))
        return -EPERM;
    return f->ops && f->ops->mmap ? 0 : -ENODEV;
}

static s64 map_locked(struct mm *mm, u64 addr, u64 len, u32 prot, u32 flags, struct file *f,
                      u64 off, const struct map_source *src)
{
    addr = place(mm, addr, len, flags, src->kind == SRC_GRANT && (flags & MAP_PRIVATE));
    if (!addr || !user_range_ok(addr, len))
        return -ENOMEM;
    if ((flags & MAP_FIXED_NOREPLACE) && !vma_range_free(mm, addr, len))
        return -EEXIST;
    if (mm->total + len > current()->proc->rlim[RLIMIT_AS].cur)
        return -ENOMEM;
    if (mm->lock_future)
        flags |= MAP_LOCKED;
    int e = flags & MAP_LOCKED ? lock_room(mm, len) : 0;
    if (e < 0)
        return e;
    bool free = vma_range_free(mm, addr, len);
    e = free ? 0 : make_way(mm, addr, addr + len, src);
    if (e < 0)
        return e;
    struct vma *v = vma_new(mm, addr, addr + len);
    if (!v) {
        if (!free)
            plat_as_unmap(mm, addr, len);
        return -ENOMEM;
    }
    v->prot = prot;
    v->flags = flags & FLAGS_KEPT;
    mm->any_locked |= !!(flags & MAP_LOCKED);
    v->off = off;
    v->src = *src;
    v->was_writable = prot & PROT_WRITE;
    v->file = f;
    if (f)
        file_get(f);
    /* Files of the host are mapped at once: the host brings their pages in. */
    bool now = src->kind == SRC_GRANT || (flags & MAP_POPULATE) ||
               ((flags & MAP_LOCKED) && !mm->lock_on_fault) ||
               (src->kind == SRC_ANON && (prot & PROT_WRITE) && !(flags & MAP_NORESERVE) &&
                len <= (flags & MAP_FIXED ? FIXED_NOW_MAX : NOW_MAX));
    if (now && (src->kind == SRC_GRANT || prot != PROT_NONE) && !mm_patch_whole(mm, v)) {
        e = present_range(mm, v, addr, addr + len, false);
        if (e < 0 && src->kind == SRC_GRANT) {
            if (!free)
                plat_as_unmap(mm, addr, len);
            vma_free(mm, v);
            return e;
        }
    }
    mm_patch_mapped(mm, v);
    vma_merge(mm, v);
    return (s64)addr;
}

s64 mm_mmap(u64 addr, u64 len, u32 prot, u32 flags, struct file *f, u64 off)
{
    struct mm *mm = current()->mm;
    struct map_source src = { .kind = SRC_ANON };
    struct file *shm = NULL;
    u32 type = flags & MAP_TYPE;
    int e = 0;

    if (type != MAP_SHARED && type != MAP_PRIVATE && type != MAP_SHARED_VALIDATE)
        return -EINVAL;
    if (type == MAP_SHARED_VALIDATE)
        flags = (flags & ~(u32)MAP_TYPE) | MAP_SHARED;
    if (!len || (off & ~PAGE_MASK) ||
        ((flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) && (addr & ~PAGE_MASK)))
        return -EINVAL;
    u64 plen = PAGE_UP(len);
    if (plen < len || off + plen < off)
        return -ENOMEM;
    prot &= PROT_READ | PROT_WRITE | PROT_EXEC;
    if (f)
        e = check_file(f, prot, flags);
    else if (flags & MAP_SHARED)
        e = shmem_file_new("/dev/zero (deleted)", plen, &shm);
    if (e == 0 && (f || shm)) {
        struct file *g = f ? f : shm;
        e = g->ops->mmap(g, &src, prot, flags & MAP_SHARED);
    }
    s64 r = e;
    if (e == 0) {
        mutex_lock(&mm->lock);
        r = map_locked(mm, addr, plen, prot, flags, f ? f : shm, f ? off : 0, &src);
        mutex_unlock(&mm->lock);
    }
    if (shm)
        file_put(shm);
    return r;
}

/* The file that a shared mapping, or several in a row, shows in all of [addr, addr + len):
 * counted, or NULL. */
static struct file *shared_file(struct mm *mm, u64 addr, u64 len, u32 *prot_r)
{
    struct file *f = NULL;
    u64 at = addr;

    mutex_lock(&mm->lock);
    while (at < addr + len) {
        const struct vma *v = vma_find(mm, at);
        if (!v || v->start > at || !(v->flags & MAP_SHARED) || !v->file || (f && v->file != f)) {
            f = NULL;
            break;
        }
        if (!f)
            *prot_r = v->prot;
        f = v->file;
        at = v->end;
    }
    if (f)
        file_get(f);
    mutex_unlock(&mm->lock);
    return f;
}

int mm_remap_pages(u64 addr, u64 len, u64 page, u32 flags)
{
    struct file *f;
    u32 prot;
    s64 r;

    addr &= PAGE_MASK;
    len &= PAGE_MASK;
    if (!len || addr + len <= addr || page + len / PAGE_SIZE < page)
        return -EINVAL;
    f = shared_file(current()->mm, addr, len, &prot);
    if (!f)
        return -EINVAL;
    r = mm_mmap(addr, len, prot, MAP_SHARED | MAP_FIXED | MAP_POPULATE | (flags & MAP_NONBLOCK), f,
                page * PAGE_SIZE);
    file_put(f);
    return r < 0 ? (int)r : 0;
}

/* The part of [start, end) that lies in [low, high); mm->lock held. */
static int unmap_within(struct mm *mm, u64 start, u64 end, u64 low, u64 high)
{
    start = max(start, low);
    end = min(end, high);
    return start >= end || vma_range_free(mm, start, end - start) ? 0 : unmap_range(mm, start, end);
}

int mm_munmap(u64 addr, u64 len)
{
    struct mm *mm = current()->mm;

    len = PAGE_UP(len);
    if ((addr & ~PAGE_MASK) || !len || addr + len < addr || addr + len > plat_user_max())
        return -EINVAL;
    /* What a program names may reach across the kernel's region (pv). */
    mutex_lock(&mm->lock);
    int e = unmap_within(mm, addr, addr + len, plat_user_min(), plat_user_top());
    if (e == 0)
        e = unmap_within(mm, addr, addr + len, plat_kernel_end(), plat_user_max());
    mutex_unlock(&mm->lock);
    return e;
}

u64 mm_brk(u64 want)
{
    struct mm *mm = current()->mm;
    u64 old, new;

    mutex_lock(&mm->lock);
    if (want < mm->brk_start || want > plat_user_top() ||
        want - mm->brk_start > current()->proc->rlim[RLIMIT_DATA].cur)
        goto out;
    old = PAGE_UP(mm->brk);
    new = PAGE_UP(want);
    if (new < old) {
        if (unmap_range(mm, new, old) < 0)
            goto out;
    } else if (new > old) {
        static const struct map_source anon = { .kind = SRC_ANON };
        if (!vma_range_free(mm, old, new - old) ||
            map_locked(mm, old, new - old, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS | MAP_NORESERVE, NULL, 0, &anon) < 0)
            goto out;
        struct vma *v = vma_find(mm, old);
        if (!v->name && v->start >= PAGE_UP(mm->brk_start)) {
            v->name = "[heap]";
            vma_merge(mm, v);
        }
    }
    mm->brk = want;
out:
    want = mm->brk;
    mutex_unlock(&mm->lock);
    return want;
}

void mm_for_each(struct mm *mm, void (*fn)(const struct vma *v, void *arg), void *arg)
{
    mutex_lock(&mm->lock);
    for (struct rbnode *n = rb_first(&mm->vmas); n; n = rb_next(n))
        fn(container_of(n, struct vma, node), arg);
    mutex_unlock(&mm->lock);
}

u64 mm_find_gap(struct mm *mm, u64 len)
{
    mutex_lock(&mm->lock);
    u64 a = vma_gap(mm, PAGE_UP(len), mm->stack_limit ? mm->stack_limit : plat_user_top());
    mutex_unlock(&mm->lock);
    return a;
}

void mm_name(struct mm *mm, u64 addr, const char *name)
{
    mutex_lock(&mm->lock);
    struct vma *v = vma_find(mm, addr);
    if (v && v->start <= addr)
        v->name = name;
    mutex_unlock(&mm->lock);
}
