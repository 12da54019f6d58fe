/* read, write and their relatives. */
#include <linux/fs.h>
#include <linux/uio.h>

#include "../fs/fs.h"
#include "fsname.h"

#define FAST_IOV 8

static ssize_t transfer(struct file *f, struct uio *u, loff_t *pos, bool write)
{
    struct counts *c = &current()->counts;
    ssize_t r = write ? vfs_write(f, u, pos) : vfs_read(f, u, pos);
    *(write ? &c->syscw : &c->syscr) += 1;
    if (r > 0)
        *(write ? &c->wchar : &c->rchar) += (u64)r;
    return r;
}

static long rw_one(int fd, uptr_t buf, u64 n, loff_t *pos, bool write)
{
    struct file *f = fd_get(fd);
    struct uio u;
    struct iov v;
    long r;
    if (!f)
        return -EBADF;
    uio_init_user(&u, &v, buf, min(n, MAX_RW));
    r = transfer(f, &u, pos, write);
    file_put(f);
    return r;
}

long sys_read(const u64 *a) { return rw_one((int)a[0], a[1], a[2], NULL, false); }
long sys_write(const u64 *a) { return rw_one((int)a[0], a[1], a[2], NULL, true); }

long sys_pread64(const u64 *a)
{
    loff_t pos = (loff_t)a[3];
    return pos < 0 ? -EINVAL : rw_one((int)a[0], a[1], a[2], &pos, false);
}

long sys_pwrite64(const u64 *a)
{
    loff_t pos = (loff_t)a[3];
    return pos < 0 ? -EINVAL : rw_one((int)a[0], a[1], a[2], &pos, true);
}

/* The caller's iovec array, checked, into fast[] or a block of its own. */
static int take_iov(struct uio *u, struct iov *fast, uptr_t user, u64 cnt)
{
    size_t total = 0;
    if (cnt > UIO_MAXIOV)
        return -EINVAL;
    u->iov = cnt > FAST_IOV ? kmalloc(cnt * sizeof *fast) : fast;
    if (!u->iov)
        return -ENOMEM;
    u->cnt = (u32)cnt;
    u->kernel = false;
    if (copy_from_user(u->iov, user, cnt * sizeof *fast))
        return -EFAULT;
    for (u64 k = 0; k < cnt; k++) {
        if ((ssize_t)u->iov[k].len < 0)
            return -EINVAL;
        u->iov[k].len = min(u->iov[k].len, MAX_RW - total);
        total += u->iov[k].len;
    }
    u->left = total;
    return 0;
}

static long rw_vector(int fd, uptr_t user, u64 cnt, loff_t *pos, bool write)
{
    struct iov fast[FAST_IOV], *all;
    struct file *f = fd_get(fd);
    struct uio u = { 0 };
    long r;
    if (!f)
        return -EBADF;
    r = take_iov(&u, fast, user, cnt);
    all = u.iov;                /* vfs_read moves u.iov on */
    if (!r)
        r = transfer(f, &u, pos, write);
    if (all != fast)
        kfree(all);
    file_put(f);
    return r;
}

long sys_readv(const u64 *a) { return rw_vector((int)a[0], a[1], a[2], NULL, false); }
long sys_writev(const u64 *a) { return rw_vector((int)a[0], a[1], a[2], NULL, true); }

static long rw_vector_at(const u64 *a, bool write)
{
    loff_t pos = (loff_t)a[3];
    return pos < 0 ? -EINVAL : rw_vector((int)a[0], a[1], a[2], &pos, write);
}

long sys_preadv(const u64 *a) { return rw_vector_at(a, false); }
long sys_pwritev(const u64 *a) { return rw_vector_at(a, true); }

/* The flags of one call, on a stand-in for f that the file system sees for its length:
 * what others do with f meanwhile must not know of them. */
static long transfer_as(struct file *f, struct uio *u, loff_t *pos, bool write, u32 flags)
{
    struct file as = *f;
    loff_t at = pos ? *pos : f->pos;
    long r;
    if (flags & RWF_APPEND)
        as.flags |= O_APPEND;
    if (flags & RWF_NOWAIT)
        as.flags |= O_NONBLOCK;
    if (as.mode & FMODE_STREAM)
        return transfer(&as, u, pos, write);
    r = transfer(&as, u, &at, write);
    if (r >= 0 && !pos)
        f->pos = at;
    return r;
}

static int check_rwf(const struct file *f, u32 flags, bool write)
{
    if (flags & ~(u32)(RWF_HIPRI | RWF_NOWAIT | (write ? RWF_DSYNC | RWF_SYNC | RWF_APPEND : 0)))
        return -EOPNOTSUPP;
    /* Whether a file of a file system would wait can't be told beforehand. */
    return (flags & RWF_NOWAIT) && f->inode && S_ISREG(f->inode->mode) ? -EOPNOTSUPP : 0;
}

static long rw_flagged(struct file *f, const u64 *a, loff_t *pos, bool write)
{
    struct iov fast[FAST_IOV], *all;
    struct uio u = { 0 };
    u32 flags = (u32)a[5];
    long r = check_rwf(f, flags, write);
    int s;
    if (r)
        return r;
    r = take_iov(&u, fast, a[1], a[2]);
    all = u.iov;
    if (!r)
        r = transfer_as(f, &u, pos, write, flags);
    if (all != fast)
        kfree(all);
    if (r > 0 && (flags & (RWF_DSYNC | RWF_SYNC)) && f->ops->fsync) {
        s = f->ops->fsync(f, !(flags & RWF_SYNC));
        r = s < 0 ? s : r;
    }
    return r;
}

static long rw_vector2(const u64 *a, bool write)
{
    loff_t pos = (loff_t)a[3];
    struct file *f;
    long r;
    if (!(u32)a[5])
        return pos == -1 ? rw_vector((int)a[0], a[1], a[2], NULL, write) : rw_vector_at(a, write);
    if (pos < -1)
        return -EINVAL;
    f = fd_get((int)a[0]);
    if (!f)
        return -EBADF;
    r = rw_flagged(f, a, pos == -1 ? NULL : &pos, write);
    file_put(f);
    return r;
}

long sys_preadv2(const u64 *a) { return rw_vector2(a, false); }
long sys_pwritev2(const u64 *a) { return rw_vector2(a, true); }

long sys_lseek(const u64 *a)
{
    struct file *f = fd_get((int)a[0]);
    long r;
    if (!f)
        return -EBADF;
    r = (u32)a[2] > SEEK_HOLE ? -EINVAL : vfs_llseek(f, (loff_t)a[1], (int)a[2]);
    file_put(f);
    return r;
}
