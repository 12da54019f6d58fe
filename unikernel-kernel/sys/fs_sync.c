/* Durability and advice. */
#include <linux/fs.h>

#include "../fs/fs.h"
#include "fsname.h"

static long do_fsync(int fd, bool data_only)
{
    struct file *f = fd_get(fd);
    long r;
    if (!f)
        return -EBADF;
    r = f->ops->fsync ? f->ops->fsync(f, data_only) : -EINVAL;
    file_put(f);
    return r;
}

long sys_fsync(const u64 *a) { return do_fsync((int)a[0], false); }
long sys_fdatasync(const u64 *a) { return do_fsync((int)a[0], true); }

long sys_sync(const u64 *a)
{
    vfs_sync_all(true);
    return 0;
}

long sys_syncfs(const u64 *a)
{
    struct file *f = fd_get((int)a[0]);
    struct super *sb;
    long r;
    if (!f)
        return -EBADF;
    sb = f->inode ? f->inode->sb : NULL;
    r = sb && sb->ops->sync ? sb->ops->sync(sb, true) : 0;
    file_put(f);
    return r;
}

/* Advice on a file: nothing to do where the host caches. 0 or what is wrong with fd. */
static long advise(int fd, int for_stream, bool need_read)
{
    struct file *f = fd_get(fd);
    long r = 0;
    if (!f)
        return -EBADF;
    if (need_read && !(f->mode & FMODE_READ))
        r = -EBADF;
    else if (!f->inode || (f->mode & FMODE_STREAM))
        r = for_stream;
    file_put(f);
    return r;
}

long sys_readahead(const u64 *a) { return advise((int)a[0], -EINVAL, true); }

long sys_fadvise64(const u64 *a)
{
    long r = advise((int)a[0], -ESPIPE, false);
    if (r)
        return r;
    return (u32)a[3] > 5 || (s64)a[2] < 0 ? -EINVAL : 0;
}

long sys_sync_file_range(const u64 *a)
{
    if ((u32)a[3] & ~7u || (s64)a[1] < 0 || (s64)a[2] < 0)
        return -EINVAL;
    return advise((int)a[0], -ESPIPE, false);
}
