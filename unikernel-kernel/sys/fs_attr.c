/* Changing attributes: mode, owner, times, size. */
#include <linux/falloc.h>
#include <linux/time_types.h>

#include "../fs/fs.h"
#include "fsname.h"
#include "notify.h"

static long set_path(int dfd, uptr_t name, u32 lookup, struct iattr *a)
{
    struct path p;
    long r = user_path(dfd, name, lookup, &p);
    if (r)
        return r;
    r = vfs_setattr(&p, a);
    path_put(&p);
    return r;
}

static long set_fd(int fd, struct iattr *a)
{
    struct file *f = fd_get(fd);
    long r;
    if (!f)
        return -EBADF;
    if (f->path.mnt && path_is_readonly(&f->path))
        r = -EROFS;
    else
        r = f->inode ? inode_setattr(f->path.dentry, f->inode, a) : -EINVAL;
    file_put(f);
    return r;
}

/* -- mode and owner -- */

static struct iattr mode_attr(u64 mode)
{
    return (struct iattr){ .valid = ATTR_MODE, .mode = (u32)mode & 07777 };
}

static struct iattr owner_attr(u64 uid, u64 gid)
{
    struct iattr a = { .valid = 0, .uid = (u32)uid, .gid = (u32)gid };
    if ((u32)uid != ~0u)
        a.valid |= ATTR_UID;
    if ((u32)gid != ~0u)
        a.valid |= ATTR_GID;
    return a;
}

static long do_chmod(int dfd, uptr_t name, u64 mode)
{
    struct iattr a = mode_attr(mode);
    return set_path(dfd, name, LOOKUP_FOLLOW, &a);
}

long sys_chmod(const u64 *a) { return do_chmod(AT_FDCWD, a[0], a[1]); }
long sys_fchmodat(const u64 *a) { return do_chmod((int)a[0], a[1], a[2]); }

long sys_fchmod(const u64 *a)
{
    struct iattr at = mode_attr(a[1]);
    return set_fd((int)a[0], &at);
}

static long do_chown(int dfd, uptr_t name, u64 uid, u64 gid, u32 lookup)
{
    struct iattr a = owner_attr(uid, gid);
    return set_path(dfd, name, lookup, &a);
}

long sys_chown(const u64 *a) { return do_chown(AT_FDCWD, a[0], a[1], a[2], LOOKUP_FOLLOW); }
long sys_lchown(const u64 *a) { return do_chown(AT_FDCWD, a[0], a[1], a[2], 0); }

long sys_fchown(const u64 *a)
{
    struct iattr at = owner_attr(a[1], a[2]);
    return set_fd((int)a[0], &at);
}

long sys_fchownat(const u64 *a)
{
    u32 lookup = (a[4] & AT_SYMLINK_NOFOLLOW) ? 0 : LOOKUP_FOLLOW;
    if (a[4] & ~(u64)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    if (a[4] & AT_EMPTY_PATH)
        lookup |= LOOKUP_EMPTY;
    return do_chown((int)a[0], a[1], a[2], a[3], lookup);
}

/* -- times -- */

#define T_NOW  ((1l << 30) - 1l)
#define T_OMIT ((1l << 30) - 2l)

struct times { bool explicit; struct __kernel_timespec t[2]; };

static int check_times(struct inode *i, const struct times *t)
{
    bool now = !t->explicit || (t->t[0].tv_nsec == T_NOW && t->t[1].tv_nsec == T_NOW);
    if (inode_owner_or_capable(i))
        return 0;
    if (!now)
        return -EPERM;
    return inode_permission(i, MAY_WRITE);
}

static int set_times(const struct path *p, struct inode *i, const struct times *t)
{
    struct iattr a = { .valid = 0 };
    u64 now = time_real(), *at[2] = { &a.atime, &a.mtime };
    static const u32 bit[2] = { ATTR_ATIME, ATTR_MTIME };
    int r;
    for (int k = 0; k < 2; k++) {
        if (t->explicit && t->t[k].tv_nsec == T_OMIT)
            continue;
        a.valid |= bit[k];
        *at[k] = now;
        if (t->explicit && t->t[k].tv_nsec != T_NOW)
            *at[k] = stamp_of(t->t[k].tv_sec, (u32)t->t[k].tv_nsec);
    }
    if (!a.valid)
        return 0;
    if (p->mnt && path_is_readonly(p))
        return -EROFS;
    if ((r = check_times(i, t)) < 0)
        return r;
    return inode_setattr(p->dentry, i, &a);
}

static long times_fd(int fd, const struct times *t)
{
    struct file *f = fd_get(fd);
    long r;
    if (!f)
        return -EBADF;
    r = f->inode ? set_times(&f->path, f->inode, t) : -EINVAL;
    file_put(f);
    return r;
}

static long times_path(int dfd, uptr_t name, u32 lookup, const struct times *t)
{
    struct path p;
    long r = user_path(dfd, name, lookup, &p);
    if (r)
        return r;
    r = set_times(&p, p.dentry->inode, t);
    path_put(&p);
    return r;
}

long sys_utimensat(const u64 *a)
{
    struct times t = { .explicit = a[2] };
    u32 lookup = (a[3] & AT_SYMLINK_NOFOLLOW) ? 0 : LOOKUP_FOLLOW;
    if (a[2] && copy_from_user(t.t, a[2], sizeof t.t))
        return -EFAULT;
    for (int k = 0; a[2] && k < 2; k++) {
        s64 ns = t.t[k].tv_nsec;
        if ((ns < 0 || ns >= (s64)NSEC_PER_SEC) && ns != T_NOW && ns != T_OMIT)
            return -EINVAL;
    }
    if (a[2] && t.t[0].tv_nsec == T_OMIT && t.t[1].tv_nsec == T_OMIT)
        return 0;
    if (a[3] & ~(u64)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    if (!a[1])
        return (int)a[0] == AT_FDCWD ? -EFAULT : a[3] ? -EINVAL : times_fd((int)a[0], &t);
    if (a[3] & AT_EMPTY_PATH)
        lookup |= LOOKUP_EMPTY;
    return times_path((int)a[0], a[1], lookup, &t);
}

/* utimes and futimesat: microseconds. */
static long times_usec(int dfd, uptr_t name, uptr_t user)
{
    struct { s64 sec, usec; } tv[2];
    struct times t = { .explicit = user };
    if (user && copy_from_user(tv, user, sizeof tv))
        return -EFAULT;
    for (int k = 0; user && k < 2; k++) {
        if (tv[k].usec < 0 || tv[k].usec >= 1000000)
            return -EINVAL;
        t.t[k].tv_sec = tv[k].sec;
        t.t[k].tv_nsec = tv[k].usec * 1000;
    }
    if (!name && dfd != AT_FDCWD)
        return times_fd(dfd, &t);
    return times_path(dfd, name, LOOKUP_FOLLOW, &t);
}

long sys_utimes(const u64 *a) { return times_usec(AT_FDCWD, a[0], a[1]); }
long sys_futimesat(const u64 *a) { return times_usec((int)a[0], a[1], a[2]); }

long sys_utime(const u64 *a)
{
    s64 tb[2];
    struct times t = { .explicit = a[1] };
    if (a[1] && copy_from_user(tb, a[1], sizeof tb))
        return -EFAULT;
    for (int k = 0; a[1] && k < 2; k++)
        t.t[k].tv_sec = tb[k];
    return times_path(AT_FDCWD, a[0], LOOKUP_FOLLOW, &t);
}

/* -- size -- */

static int size_allowed(u64 size)
{
    if (size <= current()->proc->rlim[1 /* RLIMIT_FSIZE */].cur)
        return 0;
    signal_send_task(current(), 25 /* SIGXFSZ */, NULL);
    return -EFBIG;
}

long sys_truncate(const u64 *a)
{
    struct path p;
    long r;
    if ((s64)a[1] < 0)
        return -EINVAL;
    r = user_path(AT_FDCWD, a[0], LOOKUP_FOLLOW, &p);
    if (r)
        return r;
    r = size_allowed(a[1]);
    if (!r)
        r = vfs_truncate(&p, a[1]);
    path_put(&p);
    return r;
}

long sys_ftruncate(const u64 *a)
{
    struct file *f;
    long r;
    if ((s64)a[1] < 0)
        return -EINVAL;
    f = fd_get((int)a[0]);
    if (!f)
        return -EBADF;
    r = size_allowed(a[1]);
    if (!r)
        r = vfs_ftruncate(f, a[1]);
    file_put(f);
    return r;
}

static long do_fallocate(struct file *f, u32 mode, s64 off, s64 len)
{
    s64 end;
    long r;
    if (!(f->mode & FMODE_WRITE))
        return -EBADF;
    if (!f->inode || S_ISFIFO(f->inode->mode))
        return -ESPIPE;
    if (S_ISDIR(f->inode->mode))
        return -EISDIR;
    if (!S_ISREG(f->inode->mode))
        return -ENODEV;
    if ((mode & FALLOC_FL_PUNCH_HOLE) && !(mode & FALLOC_FL_KEEP_SIZE))
        return -EOPNOTSUPP;
    if (__builtin_add_overflow(off, len, &end))
        return -EFBIG;
    if (!(mode & FALLOC_FL_KEEP_SIZE) && (r = size_allowed((u64)end)) < 0)
        return r;
    if ((r = inode_kill_priv(f->inode)) < 0)
        return r;
    r = f->ops->fallocate ? f->ops->fallocate(f, (int)mode, off, len) : -EOPNOTSUPP;
    if (!r)
        notify_file(f, IN_MODIFY);
    return r;
}

long sys_fallocate(const u64 *a)
{
    struct file *f = fd_get((int)a[0]);
    long r;
    if (!f)
        return -EBADF;
    if ((s64)a[2] < 0 || (s64)a[3] <= 0)
        r = -EINVAL;
    else
        r = do_fallocate(f, (u32)a[1], (s64)a[2], (s64)a[3]);
    file_put(f);
    return r;
}
