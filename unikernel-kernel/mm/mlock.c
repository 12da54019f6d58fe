/* mlock(2) and its kin. On pv the host may page a domain out all the same, and pvh domains
 * have no swap: what is left of it is that memory is present, counted, and kept from
 * MADV_DONTNEED. */
#include "task.h"
#include "vma.h"

#include <asm/mman.h>
#include <linux/capability.h>
#include <linux/mman.h>
#include <linux/resource.h>

static u64 limit(void)
{
    return capable(CAP_IPC_LOCK) ? ~0ull : current()->proc->rlim[RLIMIT_MEMLOCK].cur;
}

/* Bytes that are locked in [start, end). */
static u64 locked_in(struct mm *mm, u64 start, u64 end)
{
    u64 sum = 0;

    if (!mm->any_locked)
        return 0;
    for (const struct vma *v = vma_find(mm, start); v && v->start < end; v = vma_next(v))
        if (v->flags & MAP_LOCKED)
            sum += min(v->end, end) - max(v->start, start);
    return sum;
}

u64 mm_locked_bytes(struct mm *mm)
{
    mutex_lock(&mm->lock);
    u64 n = locked_in(mm, 0, ~0ull);
    mutex_unlock(&mm->lock);
    return n;
}

int lock_room(struct mm *mm, u64 more)
{
    u64 max = limit();

    if (!max)
        return -EPERM;
    return max == ~0ull || locked_in(mm, 0, ~0ull) + more <= max ? 0 : -EAGAIN;
}

/* Sets or takes the mark in [start, end), one mapping after the other: -ENOMEM at a hole. */
static int mark(struct mm *mm, u64 start, u64 end, bool lock)
{
    int e = vma_split(mm, start);

    if (e == 0)
        e = vma_split(mm, end);
    for (u64 a = start; e == 0 && a < end;) {
        struct vma *v = vma_find(mm, a);
        if (!v || v->start > a)
            return -ENOMEM;
        a = v->end;
        v->flags = lock ? v->flags | MAP_LOCKED : v->flags & ~(u32)MAP_LOCKED;
        vma_merge(mm, v);
    }
    mm->any_locked |= lock;
    return e;
}

static int lock_range(struct mm *mm, u64 start, u64 end)
{
    u64 max = limit();

    if (!max)
        return -EPERM;
    if (locked_in(mm, 0, ~0ull) - locked_in(mm, start, end) + (end - start) > max)
        return -ENOMEM;
    return mark(mm, start, end, true);
}

static bool pages_of(u64 addr, u64 len, u64 *start_r, u64 *end_r)
{
    *start_r = PAGE_DOWN(addr);
    *end_r = PAGE_UP(addr + len);
    return *end_r >= *start_r && addr + len >= addr;
}

int mm_mlock(u64 addr, u64 len, bool on_fault)
{
    struct mm *mm = current()->mm;
    u64 start, end;

    if (!pages_of(addr, len, &start, &end))
        return -EINVAL;
    mutex_lock(&mm->lock);
    int e = lock_range(mm, start, end);
    mutex_unlock(&mm->lock);
    if (e == 0 && start < end && !on_fault && mm_populate_user(start, end - start, false) < 0)
        e = -ENOMEM;
    return e;
}

int mm_munlock(u64 addr, u64 len)
{
    struct mm *mm = current()->mm;
    u64 start, end;

    if (!pages_of(addr, len, &start, &end))
        return -EINVAL;
    mutex_lock(&mm->lock);
    int e = mark(mm, start, end, false);
    mutex_unlock(&mm->lock);
    return e;
}

static void mark_all(struct mm *mm, bool lock, bool present)
{
    struct vma *v, *next;

    for (v = vma_find(mm, 0); v; v = next) {
        next = vma_next(v);
        v->flags = lock ? v->flags | MAP_LOCKED : v->flags & ~(u32)MAP_LOCKED;
        if (present && v->prot)         /* as far as it goes: mlockall(2) tells nothing else */
            present_range(mm, v, v->start, v->end, false);
    }
    mm->any_locked |= lock;
}

int mm_mlockall(bool now, bool future, bool on_fault)
{
    struct mm *mm = current()->mm;
    u64 max = limit();

    if (!max)
        return -EPERM;
    mutex_lock(&mm->lock);
    bool fits = !now || mm->total <= max;
    if (fits) {
        mm->lock_future = future;
        mm->lock_on_fault = future && on_fault;
        if (now)
            mark_all(mm, true, !on_fault);
    }
    mutex_unlock(&mm->lock);
    return fits ? 0 : -ENOMEM;
}

void mm_munlockall(void)
{
    struct mm *mm = current()->mm;

    mutex_lock(&mm->lock);
    mm->lock_future = mm->lock_on_fault = false;
    mark_all(mm, false, false);
    mm->any_locked = false;
    mutex_unlock(&mm->lock);
}
