/* Extended attributes: who may see and set which names. */
#include <linux/capability.h>
#include <linux/xattr.h>

#include "fs.h"
#include "notify.h"

static bool has_prefix(const char *name, const char *prefix)
{
    return !strncmp(name, prefix, strlen(prefix));
}

static int may_xattr(struct inode *i, const char *name, int mask)
{
    bool write = mask & MAY_WRITE;
    if (has_prefix(name, XATTR_SECURITY_PREFIX)) {
        if (!write)
            return 0;
        if (!strcmp(name, XATTR_NAME_CAPS))
            return capable(CAP_SETFCAP) ? 0 : -EPERM;
        return capable(CAP_SYS_ADMIN) ? 0 : -EPERM;
    }
    if (has_prefix(name, XATTR_SYSTEM_PREFIX))
        return !write || inode_owner_or_capable(i) ? 0 : -EPERM;
    if (has_prefix(name, XATTR_TRUSTED_PREFIX))
        return capable(CAP_SYS_ADMIN) ? 0 : write ? -EPERM : -ENODATA;
    if (!has_prefix(name, XATTR_USER_PREFIX))
        return -EOPNOTSUPP;
    if (!S_ISREG(i->mode) && !S_ISDIR(i->mode))
        return write ? -EPERM : -ENODATA;
    if (S_ISDIR(i->mode) && (i->mode & S_ISVTX) && write && !inode_owner_or_capable(i))
        return -EPERM;
    return inode_permission(i, mask);
}

ssize_t vfs_getxattr(const struct path *p, const char *name, void *buf, size_t n)
{
    struct inode *i = p->dentry->inode;
    int r = may_xattr(i, name, MAY_READ);
    if (r)
        return r;
    return i->ops->getxattr ? i->ops->getxattr(i, name, buf, n) : -EOPNOTSUPP;
}

/* Is v a security.capability of revision 2 or 3? */
static bool caps_valid(const void *v, size_t n)
{
    u32 magic;
    if (n != XATTR_CAPS_SZ_2 && n != XATTR_CAPS_SZ_3)
        return false;
    memcpy(&magic, v, sizeof magic);
    magic &= VFS_CAP_REVISION_MASK;
    return magic == (n == XATTR_CAPS_SZ_2 ? VFS_CAP_REVISION_2 : VFS_CAP_REVISION_3);
}

int vfs_setxattr(const struct path *p, const char *name, const void *v, size_t n, int flags)
{
    struct inode *i = p->dentry->inode;
    bool caps = !strcmp(name, XATTR_NAME_CAPS);
    int r;
    if (caps && !caps_valid(v, n))
        return -EINVAL;
    r = path_is_readonly(p) ? -EROFS : may_xattr(i, name, MAY_WRITE);
    if (r)
        return r;
    if (!i->ops->setxattr)
        return -EOPNOTSUPP;
    mutex_lock(&i->lock);
    r = i->ops->setxattr(i, name, v, n, flags);
    if (!r && caps)
        i->has_fcaps = true;
    mutex_unlock(&i->lock);
    if (!r)
        notify_dentry(p->dentry, IN_ATTRIB);
    return r;
}

ssize_t vfs_listxattr(const struct path *p, char *buf, size_t n)
{
    struct inode *i = p->dentry->inode;
    return i->ops->listxattr ? i->ops->listxattr(i, buf, n) : 0;
}

int vfs_removexattr(const struct path *p, const char *name)
{
    struct inode *i = p->dentry->inode;
    int r = path_is_readonly(p) ? -EROFS : may_xattr(i, name, MAY_WRITE);
    if (r)
        return r;
    if (!i->ops->removexattr)
        return -EOPNOTSUPP;
    mutex_lock(&i->lock);
    r = i->ops->removexattr(i, name);
    mutex_unlock(&i->lock);
    if (!r)
        notify_dentry(p->dentry, IN_ATTRIB);
    return r;
}
