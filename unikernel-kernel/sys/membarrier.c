/* membarrier(2). Changing a page's protection makes the host (pv) or us (pvh) interrupt every
 * processor that runs a thread of the process, and wait for it: that is the barrier. */
#include <linux/membarrier.h>
#include <linux/mman.h>
#include "mm.h"
#include "sys.h"
#include "task.h"
#include "user.h"

enum { SERVED = MEMBARRIER_CMD_PRIVATE_EXPEDITED | MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED |
                MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE |
                MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE };

static struct mutex lock;               /* one barrier at a time: they share a page */

/* The page is written first, as only what a processor may have cached as writable is told
 * to the others. A program may have unmapped it. */
static long write_page(struct mm *mm)
{
    s64 r;

    if (mm->barrier && !put_user(1, mm->barrier)) return 0;
    r = mm_mmap(0, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, NULL, 0);
    if (r < 0) return r;
    mm->barrier = (u64)r;
    return put_user(1, mm->barrier);
}

static long barrier(struct mm *mm)
{
    long r;

    mutex_lock(&lock);
    r = write_page(mm);
    if (!r) r = mm_mprotect(mm->barrier, PAGE_SIZE, PROT_READ);
    if (!r) r = mm_mprotect(mm->barrier, PAGE_SIZE, PROT_READ | PROT_WRITE);
    mutex_unlock(&lock);
    return r;
}

long sys_membarrier(const u64 *a)
{
    struct mm *mm = current()->mm;
    u32 cmd = (u32)a[0];

    if (a[1]) return -EINVAL;
    switch (cmd) {
    case MEMBARRIER_CMD_QUERY:
        return SERVED;
    case MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED:
    case MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE:
        __atomic_or_fetch(&mm->barriers, cmd, __ATOMIC_RELAXED);
        return 0;
    case MEMBARRIER_CMD_PRIVATE_EXPEDITED:
    case MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE:
        /* to register is the same command's next bit */
        if (!(READ_ONCE(mm->barriers) & cmd << 1)) return -EPERM;
        return mm->ref.n == 1 && current()->proc->nthreads == 1 ? 0 : barrier(mm);
    default:
        return -EINVAL;
    }
}
