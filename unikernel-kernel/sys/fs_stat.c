/* What calls report about files. */
#include <asm/stat.h>
#include <asm/statfs.h>
#include <linux/capability.h>

#include "../fs/fs.h"
#include "fsname.h"

static int put_stat(uptr_t user, const struct kstat *k)
{
    struct stat s = {
        .st_dev = k->dev, .st_ino = k->ino, .st_nlink = k->nlink, .st_mode = k->mode,
        .st_uid = k->uid, .st_gid = k->gid, .st_rdev = k->rdev, .st_size = (long)k->size,
        .st_blksize = k->blksize, .st_blocks = (long)k->blocks,
        .st_atime = (u64)stamp_sec(k->atime), .st_atime_nsec = stamp_nsec(k->atime),
        .st_mtime = (u64)stamp_sec(k->mtime), .st_mtime_nsec = stamp_nsec(k->mtime),
        .st_ctime = (u64)stamp_sec(k->ctime), .st_ctime_nsec = stamp_nsec(k->ctime),
    };
    return copy_to_user(user, &s, sizeof s);
}

static int stat_fd(int fd, struct kstat *k, bool *mount_root_r)
{
    struct file *f = fd_get_raw(fd);
    int r;
    if (!f)
        return -EBADF;
    r = vfs_fstat(f, k);
    *mount_root_r = f->path.mnt && f->path.dentry == f->path.mnt->root;
    file_put(f);
    return r;
}

/* stat of a name, or with AT_EMPTY_PATH and "" of dfd itself. */
static int stat_at(int dfd, uptr_t name, u32 flags, struct kstat *k, bool *mount_root_r)
{
    u32 lookup = (flags & AT_SYMLINK_NOFOLLOW) ? 0 : LOOKUP_FOLLOW;
    struct uname u;
    struct path p;
    int r = uname_get(&u, name);
    if (r)
        return r;
    if (!*u.s && (flags & AT_EMPTY_PATH)) {
        if (dfd != AT_FDCWD)
            return stat_fd(dfd, k, mount_root_r);
        lookup |= LOOKUP_EMPTY;
    }
    r = path_lookup(dfd, u.s, lookup, &p);
    uname_put(&u);
    if (r)
        return r;
    r = vfs_stat(&p, k);
    *mount_root_r = p.mnt && p.dentry == p.mnt->root;
    path_put(&p);
    return r;
}

static long do_stat(int dfd, uptr_t name, uptr_t user, u32 flags)
{
    struct kstat k;
    bool root;
    int r = stat_at(dfd, name, flags, &k, &root);
    return r ? r : put_stat(user, &k);
}

long sys_stat(const u64 *a) { return do_stat(AT_FDCWD, a[0], a[1], 0); }
long sys_lstat(const u64 *a) { return do_stat(AT_FDCWD, a[0], a[1], AT_SYMLINK_NOFOLLOW); }

long sys_fstat(const u64 *a)
{
    struct kstat k;
    bool root;
    int r = stat_fd((int)a[0], &k, &root);
    return r ? r : put_stat(a[1], &k);
}

long sys_newfstatat(const u64 *a)
{
    if (a[3] & ~(u64)(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH))
        return -EINVAL;
    return do_stat((int)a[0], a[1], a[2], (u32)a[3]);
}

static struct statx_timestamp stamp(u64 ns)
{
    return (struct statx_timestamp){ .tv_sec = stamp_sec(ns), .tv_nsec = stamp_nsec(ns) };
}

long sys_statx(const u64 *a)
{
    u32 flags = (u32)a[2];
    struct statx x = { 0 };
    struct kstat k;
    bool root;
    int r;
    if ((flags & AT_STATX_SYNC_TYPE) == AT_STATX_SYNC_TYPE || ((u32)a[3] & STATX__RESERVED) ||
        (flags & ~(u32)(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH |
                        AT_STATX_SYNC_TYPE)))
        return -EINVAL;
    r = stat_at((int)a[0], a[1], flags, &k, &root);
    if (r)
        return r;
    x.stx_mask = STATX_BASIC_STATS | STATX_MNT_ID | (k.btime ? STATX_BTIME : 0);
    x.stx_blksize = k.blksize;
    x.stx_nlink = k.nlink;
    x.stx_uid = k.uid;
    x.stx_gid = k.gid;
    x.stx_mode = (u16)k.mode;
    x.stx_ino = k.ino;
    x.stx_size = k.size;
    x.stx_blocks = k.blocks;
    x.stx_attributes_mask = STATX_ATTR_MOUNT_ROOT;
    x.stx_attributes = root ? STATX_ATTR_MOUNT_ROOT : 0;
    x.stx_atime = stamp(k.atime);
    x.stx_mtime = stamp(k.mtime);
    x.stx_ctime = stamp(k.ctime);
    x.stx_btime = stamp(k.btime);
    x.stx_rdev_major = DEV_MAJOR(k.rdev);
    x.stx_rdev_minor = DEV_MINOR(k.rdev);
    x.stx_dev_major = DEV_MAJOR(k.dev);
    x.stx_dev_minor = DEV_MINOR(k.dev);
    x.stx_mnt_id = k.mnt_id;
    return copy_to_user(a[4], &x, sizeof x);
}

/* -- access -- */

static int check_access(const struct path *p, int mask)
{
    struct inode *i = p->dentry->inode;
    u64 mflags = p->mnt ? p->mnt->flags : 0;
    int r;
    if ((mask & MAY_EXEC) && S_ISREG(i->mode) && (mflags & MS_NOEXEC))
        return -EACCES;
    r = mask ? inode_permission(i, mask) : 0;
    if (!r && (mask & MAY_WRITE) && (mflags & MS_RDONLY) &&
        (S_ISREG(i->mode) || S_ISDIR(i->mode) || S_ISLNK(i->mode)))
        r = -EROFS;
    return r;
}

/* Credentials as access(2) wants them: the real ids. NULL: no memory. */
static struct cred *real_cred(void)
{
    struct cred *c = current()->cred, *n;
    u64 caps = c->uid ? 0 : c->cap_perm;
    if (c->fsuid == c->uid && c->fsgid == c->gid && c->cap_eff == caps) {
        cred_get(c);
        return c;
    }
    n = cred_dup(c);
    if (n) {
        n->fsuid = c->uid;
        n->fsgid = c->gid;
        n->cap_eff = caps;
    }
    return n;
}

static long do_access(int dfd, uptr_t name, u64 mask, u32 flags)
{
    struct task *t = current();
    struct cred *old = t->cred, *c;
    struct path p;
    long r;
    if (mask & ~7ull)
        return -EINVAL;
    if (flags & ~(u32)(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    c = (flags & AT_EACCESS) ? old : real_cred();
    if (!c)
        return -ENOMEM;
    t->cred = c;
    r = user_path(dfd, name, ((flags & AT_SYMLINK_NOFOLLOW) ? 0 : LOOKUP_FOLLOW) |
                  ((flags & AT_EMPTY_PATH) ? LOOKUP_EMPTY : 0), &p);
    if (!r) {
        r = check_access(&p, (int)mask);
        path_put(&p);
    }
    t->cred = old;
    if (!(flags & AT_EACCESS))
        cred_put(c);
    return r;
}

long sys_access(const u64 *a) { return do_access(AT_FDCWD, a[0], a[1], 0); }
long sys_faccessat(const u64 *a) { return do_access((int)a[0], a[1], a[2], 0); }
long sys_faccessat2(const u64 *a) { return do_access((int)a[0], a[1], a[2], (u32)a[3]); }

/* -- readlink -- */

static long do_readlink(int dfd, uptr_t name, uptr_t user, int n)
{
    struct path p;
    char *buf;
    long r;
    if (n <= 0)
        return -EINVAL;
    r = user_path(dfd, name, LOOKUP_EMPTY, &p);
    if (r)
        return r;
    buf = name_alloc();
    r = buf ? vfs_readlink(&p, buf, PATH_MAX) : -ENOMEM;
    if (r > 0) {
        r = min(r, (long)n);
        if (copy_to_user(user, buf, (size_t)r))
            r = -EFAULT;
    }
    name_put(buf);
    path_put(&p);
    return r;
}

long sys_readlink(const u64 *a) { return do_readlink(AT_FDCWD, a[0], a[1], (int)a[2]); }
long sys_readlinkat(const u64 *a) { return do_readlink((int)a[0], a[1], a[2], (int)a[3]); }

/* -- statfs -- */

static int put_statfs(struct super *sb, const struct mount *m, uptr_t user)
{
    struct kstatfs k;
    struct statfs s = { 0 };
    u64 mf = m ? m->flags : 0;
    int r = vfs_statfs(sb, &k);
    if (r)
        return r;
    s.f_type = (long)k.type;
    s.f_bsize = (long)k.bsize;
    s.f_blocks = (long)k.blocks;
    s.f_bfree = (long)k.bfree;
    s.f_bavail = (long)k.bavail;
    s.f_files = (long)k.files;
    s.f_ffree = (long)k.ffree;
    s.f_fsid.val[0] = (int)sb->dev;
    s.f_namelen = (long)k.namelen;
    s.f_frsize = (long)(k.frsize ? k.frsize : k.bsize);
    s.f_flags = 0x20 /* valid */ | (long)(mf & (MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC |
                                                MS_NOATIME | MS_NODIRATIME));
    if (!(mf & (MS_NOATIME | MS_STRICTATIME)))
        s.f_flags |= 0x1000;            /* relatime */
    return copy_to_user(user, &s, sizeof s);
}

long sys_statfs(const u64 *a)
{
    struct path p;
    long r = user_path(AT_FDCWD, a[0], LOOKUP_FOLLOW, &p);
    if (r)
        return r;
    r = put_statfs(p.dentry->sb, p.mnt, a[1]);
    path_put(&p);
    return r;
}

long sys_fstatfs(const u64 *a)
{
    struct file *f = fd_get_raw((int)a[0]);
    long r;
    if (!f)
        return -EBADF;
    r = f->inode ? put_statfs(f->inode->sb, f->path.mnt, a[1]) : -ENOSYS;
    file_put(f);
    return r;
}
