/* Memory calls: decoding for mm/. */
#include "mm.h"
#include "sys.h"
#include "task.h"
#include "vfs.h"

#include <asm/mman.h>
#include <linux/mman.h>
#include <linux/resource.h>

long sys_mmap(const u64 *a)
{
    u32 flags = (u32)a[3];
    struct file *f = NULL;

    if (!(flags & MAP_ANONYMOUS)) {
        f = fd_get((int)a[4]);
        if (!f)
            return -EBADF;
    }
    if ((flags & MAP_HUGETLB) && !f)
        return -ENOMEM;         /* no huge page pool; callers fall back */
    s64 r = mm_mmap(a[0], a[1], (u32)a[2], flags, f, a[5]);
    if (f)
        file_put(f);
    return r;
}

long sys_munmap(const u64 *a) { return mm_munmap(a[0], a[1]); }
long sys_brk(const u64 *a) { return (long)mm_brk(a[0]); }
long sys_mprotect(const u64 *a) { return mm_mprotect(a[0], a[1], (u32)a[2]); }
long sys_madvise(const u64 *a) { return mm_madvise(a[0], a[1], (int)a[2]); }
long sys_msync(const u64 *a) { return mm_msync(a[0], a[1], (int)a[2]); }

long sys_remap_file_pages(const u64 *a)
{
    return a[2] ? -EINVAL : mm_remap_pages(a[0], a[1], a[3], (u32)a[4]);
}

long sys_mremap(const u64 *a)
{
    return mm_mremap(a[0], a[1], a[2], (u32)a[3], a[4]);
}

long sys_mincore(const u64 *a)
{
    return mm_mincore(a[0], a[1], a[2]);
}

long sys_mlock(const u64 *a) { return mm_mlock(a[0], a[1], false); }

long sys_mlock2(const u64 *a)
{
    return a[2] & ~(u64)MLOCK_ONFAULT ? -EINVAL : mm_mlock(a[0], a[1], a[2] & MLOCK_ONFAULT);
}

long sys_munlock(const u64 *a) { return mm_munlock(a[0], a[1]); }

long sys_munlockall(const u64 *a)
{
    mm_munlockall();
    return 0;
}

long sys_mlockall(const u64 *a)
{
    u64 f = a[0];

    if (!f || (f & ~(u64)(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT)) || f == MCL_ONFAULT)
        return -EINVAL;
    return mm_mlockall(f & MCL_CURRENT, f & MCL_FUTURE, f & MCL_ONFAULT);
}
