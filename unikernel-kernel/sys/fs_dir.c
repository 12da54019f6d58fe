/* Names: directories, links, renaming, the current directory. */
#include <linux/fs.h>

#include "../fs/fs.h"
#include "fsname.h"

/* -- getdents -- */

struct dents {
    struct dirent_ctx ctx;
    uptr_t user;
    size_t left, done;
    int err;
    bool old;                   /* the layout of getdents, type in the last byte */
};

static bool emit(struct dirent_ctx *c, const char *name, size_t len, u64 ino, u64 off, u8 type)
{
    struct dents *d = container_of(c, struct dents, ctx);
    struct { u64 ino, off; u16 reclen; char rest[NAME_MAX + 8]; } __attribute__((packed)) e;
    size_t head = d->old ? 18 : 19;
    size_t n = (head + len + 1 + (d->old ? 1 : 0) + 7) & ~7ul;
    if (len > NAME_MAX || n > d->left) {
        d->err = len > NAME_MAX ? -EIO : -EINVAL;       /* EINVAL counts if nothing fit */
        return false;
    }
    memset(&e, 0, n);
    e.ino = ino;
    e.off = off;
    e.reclen = (u16)n;
    if (d->old)
        ((char *)&e)[n - 1] = (char)type;
    else
        e.rest[0] = (char)type;
    memcpy((char *)&e + head, name, len);
    if (copy_to_user(d->user + d->done, &e, n)) {
        d->err = -EFAULT;
        return false;
    }
    d->done += n;
    d->left -= n;
    return true;
}

static long do_getdents(const u64 *a, bool old)
{
    struct dents d = { { emit }, a[1], (u32)a[2], 0, 0, old };
    struct file *f = fd_get((int)a[0]);
    long r;
    if (!f)
        return -EBADF;
    r = vfs_readdir(f, &d.ctx);
    file_put(f);
    if (d.done)
        return (long)d.done;
    return r ? r : d.err;
}

long sys_getdents(const u64 *a) { return do_getdents(a, true); }
long sys_getdents64(const u64 *a) { return do_getdents(a, false); }

/* -- where we are -- */

long sys_getcwd(const u64 *a)
{
    struct fsctx *fs = current()->fs;
    struct path p;
    char *buf = name_alloc(), *s;
    long r;
    if (!buf)
        return -ENOMEM;
    spin_lock(&fs->lock);
    p = fs->cwd;
    path_get(&p);
    spin_unlock(&fs->lock);
    bool reached;
    s = path_name_from_root(&p, buf, PATH_MAX, &reached);
    if (s && !reached) {                /* as Linux marks a directory outside of the root */
        static const char mark[] = "(unreachable)";
        s = (size_t)(s - buf) < strlen(mark) ? NULL : s - strlen(mark);
        if (s)
            memcpy(s, mark, strlen(mark));
    }
    r = s ? (long)strlen(s) + 1 : -ENAMETOOLONG;
    if (p.dentry->unlinked)
        r = -ENOENT;
    else if (r > 0 && (u64)r > a[1])
        r = -ERANGE;
    else if (r > 0 && copy_to_user(a[0], s, (size_t)r))
        r = -EFAULT;
    path_put(&p);
    name_put(buf);
    return r;
}

long sys_chdir(const u64 *a)
{
    struct path p;
    long r = user_path(AT_FDCWD, a[0], LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &p);
    if (r)
        return r;
    r = vfs_chdir(&p);
    path_put(&p);
    return r;
}

long sys_fchdir(const u64 *a)
{
    struct file *f = fd_get_raw((int)a[0]);
    long r;
    if (!f)
        return -EBADF;
    r = f->path.dentry ? vfs_chdir(&f->path) : -ENOTDIR;
    file_put(f);
    return r;
}

long sys_chroot(const u64 *a)
{
    struct path p;
    long r = user_path(AT_FDCWD, a[0], LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &p);
    if (r)
        return r;
    r = vfs_chroot(&p);
    path_put(&p);
    return r;
}

long sys_umask(const u64 *a)
{
    return __atomic_exchange_n(&current()->fs->umask, (u32)a[0] & 0777, __ATOMIC_RELAXED);
}

/* -- making and removing -- */

static long do_mkdir(int dfd, uptr_t name, u64 mode)
{
    struct uname u;
    long r = uname_get(&u, name);
    if (r)
        return r;
    r = vfs_mkdir(dfd, u.s, fs_umasked(mode & 07777));
    uname_put(&u);
    return r;
}

long sys_mkdir(const u64 *a) { return do_mkdir(AT_FDCWD, a[0], a[1]); }
long sys_mkdirat(const u64 *a) { return do_mkdir((int)a[0], a[1], a[2]); }

static long do_unlink(int dfd, uptr_t name, bool dir)
{
    struct uname u;
    long r = uname_get(&u, name);
    if (r)
        return r;
    r = vfs_unlink(dfd, u.s, dir);
    uname_put(&u);
    return r;
}

long sys_rmdir(const u64 *a) { return do_unlink(AT_FDCWD, a[0], true); }
long sys_unlink(const u64 *a) { return do_unlink(AT_FDCWD, a[0], false); }

long sys_unlinkat(const u64 *a)
{
    if (a[2] & ~(u64)AT_REMOVEDIR)
        return -EINVAL;
    return do_unlink((int)a[0], a[1], a[2] & AT_REMOVEDIR);
}

static long do_mknod(int dfd, uptr_t name, u64 mode, u64 dev)
{
    struct uname u;
    long r = uname_get(&u, name);
    if (r)
        return r;
    r = vfs_mknod(dfd, u.s, fs_umasked(mode), (u32)dev);
    uname_put(&u);
    return r;
}

long sys_mknod(const u64 *a) { return do_mknod(AT_FDCWD, a[0], a[1], a[2]); }
long sys_mknodat(const u64 *a) { return do_mknod((int)a[0], a[1], a[2], a[3]); }

/* -- calls of two names -- */

typedef long (*two_fn)(int odfd, const char *old, int ndfd, const char *new, u32 flags);

static long with_two(two_fn fn, int odfd, uptr_t old, int ndfd, uptr_t new, u32 flags)
{
    struct uname o, n;
    long r = uname_get(&o, old);
    if (r)
        return r;
    r = uname_get(&n, new);
    if (!r) {
        r = fn(odfd, o.s, ndfd, n.s, flags);
        uname_put(&n);
    }
    uname_put(&o);
    return r;
}

static long two_rename(int odfd, const char *old, int ndfd, const char *new, u32 flags)
{
    return vfs_rename(odfd, old, ndfd, new, flags);
}

static long two_link(int odfd, const char *old, int ndfd, const char *new, u32 flags)
{
    return vfs_link(odfd, old, ndfd, new, flags);
}

static long two_symlink(int odfd, const char *target, int dfd, const char *name, u32 flags)
{
    return vfs_symlink(target, dfd, name);
}

long sys_rename(const u64 *a)
{
    return with_two(two_rename, AT_FDCWD, a[0], AT_FDCWD, a[1], 0);
}

long sys_renameat(const u64 *a)
{
    return with_two(two_rename, (int)a[0], a[1], (int)a[2], a[3], 0);
}

long sys_renameat2(const u64 *a)
{
    return with_two(two_rename, (int)a[0], a[1], (int)a[2], a[3], (u32)a[4]);
}

long sys_link(const u64 *a)
{
    return with_two(two_link, AT_FDCWD, a[0], AT_FDCWD, a[1], 0);
}

long sys_linkat(const u64 *a)
{
    u32 lookup = (a[4] & AT_SYMLINK_FOLLOW) ? LOOKUP_FOLLOW : 0;
    if (a[4] & ~(u64)(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    if (a[4] & AT_EMPTY_PATH) {
        if (!capable(2 /* CAP_DAC_READ_SEARCH */))
            return -ENOENT;
        lookup |= LOOKUP_EMPTY;
    }
    return with_two(two_link, (int)a[0], a[1], (int)a[2], a[3], lookup);
}

long sys_symlink(const u64 *a)
{
    return with_two(two_symlink, 0, a[0], AT_FDCWD, a[1], 0);
}

long sys_symlinkat(const u64 *a)
{
    return with_two(two_symlink, 0, a[0], (int)a[1], a[2], 0);
}
