/* Inodes and super blocks: life, permissions, attributes. */
#include <linux/capability.h>

#include "fs.h"
#include "locks.h"

struct objcache inode_cache = OBJCACHE(sizeof(struct inode), 64);

static const struct inode_ops plain_ops;

struct inode *inode_new(struct super *sb, u32 mode)
{
    const struct cred *c = current()->cred;
    struct inode *i = objcache_get(&inode_cache);
    if (!i)
        return NULL;
    memset(i, 0, sizeof *i);
    ref_init(&i->ref);
    i->sb = sb;
    i->ops = &plain_ops;
    super_get(sb);
    i->mode = mode;
    i->uid = c ? c->fsuid : 0;
    i->gid = c ? c->fsgid : 0;
    i->nlink = 1;
    i->atime = i->mtime = i->ctime = i->btime = time_real();
    list_init(&i->dentries);
    return i;
}

bool inode_tryget(struct inode *i)
{
    u32 n = READ_ONCE(i->ref.n);
    while (n)
        if (__atomic_compare_exchange_n(&i->ref.n, &n, n + 1, false, __ATOMIC_ACQUIRE,
                                        __ATOMIC_RELAXED))
            return true;
    return false;
}

void inode_put(struct inode *i)
{
    struct super *sb;
    if (!i || !ref_put(&i->ref))
        return;
    sb = i->sb;
    if (i->image)
        exec_image_free(i->image);
    if (sb->ops->evict)
        sb->ops->evict(i);
    kfree(i->link);
    locks_free(i->flocks);
    objcache_put(&inode_cache, i);
    super_put(sb);
}

void inode_init_owner(struct inode *i, const struct inode *dir, u32 mode)
{
    i->mode = mode;
    if (!(dir->mode & S_ISGID))
        return;
    i->gid = dir->gid;
    if (S_ISDIR(mode))
        i->mode |= S_ISGID;
}

u32 inode_new_mode(const struct inode *dir, u32 mode)
{
    const struct cred *c = current()->cred;
    if (!(dir->mode & S_ISGID) || (mode & (S_ISGID | S_IXGRP)) != (S_ISGID | S_IXGRP) ||
        cred_in_group(c, dir->gid) || cred_capable(c, CAP_FSETID))
        return mode;
    return mode & ~(u32)S_ISGID;
}

/* An open of a socket, or of a block device, which no domain has. */
static int open_enxio(struct inode *i, struct file *f)
{
    return -ENXIO;
}

static const struct file_ops enxio_fops = { .open = open_enxio };

void inode_init_special(struct inode *i, u64 rdev)
{
    i->rdev = rdev;
    if (S_ISCHR(i->mode))
        i->fops = &chrdev_fops;
    else if (S_ISFIFO(i->mode))
        i->fops = &fifo_fops;
    else
        i->fops = &enxio_fops;
}

void inode_set_link(struct inode *i, const char *target, size_t len)
{
    char *old = NULL, *s = kmalloc(len + 1);
    if (!s)
        return;                 /* only a cache */
    memcpy(s, target, len);
    s[len] = 0;
    if (!__atomic_compare_exchange_n(&i->link, &old, s, false, __ATOMIC_RELEASE,
                                     __ATOMIC_RELAXED))
        kfree(s);
}

/* -- permissions -- */

int inode_mode_allows(const struct inode *i, const struct cred *c, int mask)
{
    u32 mode = i->mode;
    if (c->fsuid == i->uid)
        mode >>= 6;
    else if ((mode >> 3 & 7) != (mode & 7) && cred_in_group(c, i->gid))
        mode >>= 3;             /* asked only when group and others differ */
    if (!((u32)mask & ~mode & 7))
        return 0;
    if (S_ISDIR(i->mode)) {
        if (!(mask & MAY_WRITE) && cred_capable(c, CAP_DAC_READ_SEARCH))
            return 0;
        return cred_capable(c, CAP_DAC_OVERRIDE) ? 0 : -EACCES;
    }
    if (mask == MAY_READ && cred_capable(c, CAP_DAC_READ_SEARCH))
        return 0;
    if ((!(mask & MAY_EXEC) || (i->mode & 0111)) && cred_capable(c, CAP_DAC_OVERRIDE))
        return 0;
    return -EACCES;
}

int inode_permission(struct inode *i, int mask)
{
    if (i->ops->permission)
        return i->ops->permission(i, mask);
    return inode_mode_allows(i, current()->cred, mask);
}

bool inode_owner_or_capable(const struct inode *i)
{
    return current()->cred->fsuid == i->uid || capable(CAP_FOWNER);
}

int inode_get_write(struct inode *i)
{
    s32 n = READ_ONCE(i->write_count);
    do {
        if (n < 0 && plat_kept_drop(i))
            n = READ_ONCE(i->write_count);
        if (n < 0)
            return -ETXTBSY;
    } while (!__atomic_compare_exchange_n(&i->write_count, &n, n + 1, false, __ATOMIC_ACQ_REL,
                                          __ATOMIC_RELAXED));
    return 0;
}

int inode_deny_write(struct inode *i)
{
    s32 n = READ_ONCE(i->write_count);
    do {
        if (n > 0)
            return -ETXTBSY;
    } while (!__atomic_compare_exchange_n(&i->write_count, &n, n - 1, false, __ATOMIC_ACQ_REL,
                                          __ATOMIC_RELAXED));
    return 0;
}

void inode_allow_write(struct inode *i)
{
    __atomic_add_fetch(&i->write_count, 1, __ATOMIC_ACQ_REL);
}
