/* Attributes of inodes: who may change what, set-id bits, access times. */
#include <linux/capability.h>

#include "fs.h"
#include "notify.h"

#define DAY_NS (24ull * 3600 * NSEC_PER_SEC)

void inode_apply_attr(struct inode *i, const struct iattr *a)
{
    if (a->valid & ATTR_UID)
        i->uid = a->uid;
    if (a->valid & ATTR_GID)
        i->gid = a->gid;
    if (a->valid & ATTR_MODE)
        i->mode = (i->mode & S_IFMT) | (a->mode & 07777);
    if (a->valid & ATTR_ATIME)
        i->atime = a->atime;
    if (a->valid & ATTR_MTIME)
        i->mtime = a->mtime;
    i->ctime = (a->valid & ATTR_CTIME) ? a->ctime : time_real();
}

static bool in_group(u32 gid)
{
    return cred_in_group(current()->cred, gid);
}

/* chown takes the set-id bits away from what is not a directory, for root too. */
static void chown_drops_setid(const struct inode *i, struct iattr *a)
{
    u32 mode = (a->valid & ATTR_MODE) ? a->mode : i->mode;
    if (S_ISDIR(i->mode) || !(a->valid & (ATTR_UID | ATTR_GID)))
        return;
    a->valid |= ATTR_KILL_PRIV;
    if (mode & (S_ISUID | ((mode & S_IXGRP) ? S_ISGID : 0))) {
        mode &= ~(u32)S_ISUID;
        if (mode & S_IXGRP)
            mode &= ~(u32)S_ISGID;
        a->valid |= ATTR_MODE;
        a->mode = mode & 07777;
    }
}

static int check_setattr(struct inode *i, struct iattr *a)
{
    const struct cred *c = current()->cred;
    if ((a->valid & ATTR_UID) && (c->fsuid != i->uid || a->uid != i->uid) && !capable(CAP_CHOWN))
        return -EPERM;
    if ((a->valid & ATTR_GID) && (c->fsuid != i->uid || (a->gid != i->gid && !in_group(a->gid))) &&
        !capable(CAP_CHOWN))
        return -EPERM;
    if (a->valid & ATTR_MODE) {
        u32 gid = (a->valid & ATTR_GID) ? a->gid : i->gid;
        if (!inode_owner_or_capable(i))
            return -EPERM;
        if (!in_group(gid) && !capable(CAP_FSETID))
            a->mode &= ~(u32)S_ISGID;
    }
    chown_drops_setid(i, a);
    return 0;
}

/* What a change of attributes is to watchers. */
static u32 setattr_event(u32 valid)
{
    u32 times = valid & (ATTR_ATIME | ATTR_MTIME), mask = 0;
    if (valid & (ATTR_UID | ATTR_GID | ATTR_MODE))
        mask |= IN_ATTRIB;
    if (valid & ATTR_SIZE)
        return mask | IN_MODIFY;        /* its times are no event of their own */
    if (times == (ATTR_ATIME | ATTR_MTIME))
        mask |= IN_ATTRIB;
    else if (times)
        mask |= times == ATTR_ATIME ? IN_ACCESS : IN_MODIFY;
    return mask;
}

int inode_setattr(struct dentry *d, struct inode *i, struct iattr *a)
{
    u32 event = setattr_event(a->valid);
    int r;
    mutex_lock(&i->lock);
    r = check_setattr(i, a);
    if (!r && !i->ops->setattr) {
        if (a->valid & ATTR_SIZE)
            r = -EINVAL;
        else
            inode_apply_attr(i, a);
    } else if (!r) {
        r = i->ops->setattr(i, a);
    }
    mutex_unlock(&i->lock);
    if (!r && (a->valid & ATTR_SIZE) && i->ops->size_set)
        i->ops->size_set(i);
    if (!r && event)
        notify_dentry(d, event);
    return r;
}

int vfs_setattr(const struct path *p, struct iattr *a)
{
    if (path_is_readonly(p))
        return -EROFS;
    return inode_setattr(p->dentry, p->dentry->inode, a);
}

int inode_kill_priv(struct inode *i)
{
    struct iattr a = { .valid = ATTR_KILL_PRIV };
    u32 drop = i->mode & S_ISUID;
    int r = 0;
    if (i->mode & S_IXGRP)
        drop |= i->mode & S_ISGID;
    if (likely(!drop && !i->has_fcaps))
        return 0;
    if (capable(CAP_FSETID))
        drop = 0;
    if (!drop && !i->has_fcaps)
        return 0;
    if (drop) {
        a.valid |= ATTR_MODE;
        a.mode = i->mode & 07777 & ~drop;
    }
    if (!i->ops->setattr)
        return 0;
    mutex_lock(&i->lock);
    r = i->ops->setattr(i, &a);
    mutex_unlock(&i->lock);
    if (!r && i->has_fcaps) {
        if (i->ops->removexattr)
            i->ops->removexattr(i, "security.capability");
        i->has_fcaps = false;
    }
    return r;
}

/* relatime: at most once a day unless the contents are newer. */
void inode_touch_atime(struct file *f)
{
    struct inode *i = f->inode;
    struct mount *m = f->path.mnt;
    u64 now;
    if (!i->sb->keep_times || !m || (f->flags & O_NOATIME) || (m->flags & (MS_NOATIME | MS_RDONLY)))
        return;
    if (S_ISDIR(i->mode) && (m->flags & MS_NODIRATIME))
        return;
    now = time_real();
    if (!(m->flags & MS_STRICTATIME) && (s64)i->atime > (s64)i->mtime &&
        (s64)i->atime > (s64)i->ctime &&
        now - i->atime < DAY_NS)
        return;
    i->atime = now;
}
