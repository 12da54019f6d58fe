/* What stat and readlink report, truncation. */
#include <linux/capability.h>

#include "fs.h"

void inode_fill_stat(const struct inode *i, struct kstat *st)
{
    st->ino = i->ino;
    st->size = i->size;
    st->blocks = i->blocks;
    st->rdev = i->rdev;
    st->mode = i->mode;
    st->nlink = i->nlink;
    st->uid = i->uid;
    st->gid = i->gid;
    st->blksize = PAGE_SIZE;
    st->atime = i->atime;
    st->mtime = i->mtime;
    st->ctime = i->ctime;
    st->btime = i->sb->keep_times ? i->btime : 0;
}

static int inode_stat(struct inode *i, const struct mount *m, struct kstat *st)
{
    int r = 0;
    st->blksize = PAGE_SIZE;
    st->btime = 0;
    st->dev = i->sb->dev;
    st->mnt_id = m ? (u64)m->id : 0;
    if (i->ops && i->ops->getattr)
        r = i->ops->getattr(i, st);
    else
        inode_fill_stat(i, st);
    return r;
}

int vfs_stat(const struct path *p, struct kstat *st_r)
{
    return inode_stat(p->dentry->inode, p->mnt, st_r);
}

int vfs_fstat(struct file *f, struct kstat *st_r)
{
    if (f->inode)
        return inode_stat(f->inode, f->path.mnt, st_r);
    /* eventfd, epoll and such: a nameless inode of no kind. */
    *st_r = (struct kstat){ .ino = 1, .dev = 10, .mode = 0600, .nlink = 1, .blksize = PAGE_SIZE };
    return 0;
}

ssize_t vfs_readlink(const struct path *p, char *buf, size_t n)
{
    struct inode *i = p->dentry->inode;
    if (!S_ISLNK(i->mode))
        return -EINVAL;
    if (!(i->ops->readlink || i->link))
        return -EINVAL;
    if (i->sb->keep_times && p->mnt && !(p->mnt->flags & (MS_NOATIME | MS_RDONLY)) &&
        (s64)i->atime <= (s64)i->mtime)
        i->atime = time_real();
    if (i->link && !i->ops->follow) {
        size_t len = strlen(i->link);
        memcpy(buf, i->link, min(len + 1, n));
        return (ssize_t)min(len, n);
    }
    return i->ops->readlink(i, buf, n);
}

static int truncate_inode(struct dentry *d, struct inode *i, u64 size, struct file *f)
{
    struct iattr a = { .valid = ATTR_SIZE | ATTR_MTIME | ATTR_CTIME, .size = size, .file = f };
    int r = inode_kill_priv(i);
    if (r)
        return r;
    a.mtime = a.ctime = time_real();
    return inode_setattr(d, i, &a);
}

int vfs_truncate(const struct path *p, u64 size)
{
    struct inode *i = p->dentry->inode;
    int r;
    if (S_ISDIR(i->mode))
        return -EISDIR;
    if (!S_ISREG(i->mode))
        return -EINVAL;
    if (path_is_readonly(p))
        return -EROFS;
    if ((r = inode_permission(i, MAY_WRITE)) || (r = inode_get_write(i)))
        return r;
    r = truncate_inode(p->dentry, i, size, NULL);
    __atomic_sub_fetch(&i->write_count, 1, __ATOMIC_ACQ_REL);
    return r;
}

int vfs_ftruncate(struct file *f, u64 size)
{
    if (!f->inode || !S_ISREG(f->inode->mode) || !(f->mode & FMODE_WRITE))
        return -EINVAL;
    return truncate_inode(f->path.dentry, f->inode, size, f);
}

int vfs_set_owner(const char *name, u32 uid, u32 gid, u32 mode)
{
    struct iattr a = { .valid = ATTR_UID | ATTR_GID | ATTR_MODE, .uid = uid, .gid = gid,
                       .mode = mode & 07777 };
    struct inode *i;
    struct path p;
    int r = path_lookup(AT_FDCWD, name, 0, &p);
    if (r)
        return r;
    i = p.dentry->inode;
    if (S_ISLNK(i->mode))
        a.valid &= ~(u32)ATTR_MODE;
    mutex_lock(&i->lock);
    if (i->ops->setattr)
        r = i->ops->setattr(i, &a);
    else
        inode_apply_attr(i, &a);
    mutex_unlock(&i->lock);
    path_put(&p);
    return r;
}
