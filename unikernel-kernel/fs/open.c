/* Opening by name. */
#include <linux/capability.h>
#include <linux/openat2.h>

#include "fs.h"
#include "notify.h"

/* What the access mode asks of the inode. */
static int open_mask(u32 flags)
{
    static const u8 mask[4] = { MAY_READ, MAY_WRITE, MAY_READ | MAY_WRITE, MAY_READ | MAY_WRITE };
    int m = mask[flags & O_ACCMODE];
    if (flags & O_EXEC_OPEN)
        return MAY_EXEC;
    return (flags & O_TRUNC) ? m | MAY_WRITE : m;
}

static int may_open_kind(const struct path *p, int mask, u32 flags)
{
    u32 mode = p->dentry->inode->mode, mflags = p->mnt ? (u32)p->mnt->flags : 0;
    if (S_ISLNK(mode))
        return -ELOOP;
    if (S_ISDIR(mode) && (mask & MAY_WRITE))
        return -EISDIR;
    if ((S_ISCHR(mode) || S_ISBLK(mode)) && (mflags & MS_NODEV))
        return -EACCES;
    if ((mask & MAY_EXEC) && (mflags & MS_NOEXEC))
        return -EACCES;
    if ((mask & MAY_WRITE) && (mflags & MS_RDONLY) && (S_ISREG(mode) || S_ISDIR(mode)))
        return -EROFS;
    if ((flags & O_NOATIME) && !inode_owner_or_capable(p->dentry->inode))
        return -EPERM;
    return 0;
}

/* The file over an inode that may be opened. p's references are taken over on success. */
static int open_inode(const struct path *p, u32 flags, struct file **file_r)
{
    static const u8 fmode[4] = { FMODE_READ, FMODE_WRITE, FMODE_READ | FMODE_WRITE, 0 };
    struct inode *i = p->dentry->inode;
    struct file *f;
    int r;
    f = file_new();
    if (!f)
        return -ENOMEM;
    f->mode = fmode[flags & O_ACCMODE];
    f->flags = flags & ~(u32)(O_CREAT | O_EXCL | O_TRUNC | O_CLOEXEC | O_EXEC_OPEN);
    if ((f->mode & FMODE_WRITE) && S_ISREG(i->mode)) {
        if ((r = inode_get_write(i)) < 0) {
            file_discard(f);
            return r;
        }
        f->mode |= FMODE_COUNTED;
    }
    if ((flags & O_EXEC_OPEN) && (r = inode_deny_write(i)) < 0) {
        file_discard(f);
        return r;
    }
    if (flags & O_EXEC_OPEN)
        f->mode |= FMODE_DENY;
    if (unlikely(p->mnt && p->mnt->expiring))
        p->mnt->expiring = false;
    f->path = *p;
    path_get(&f->path);
    f->inode = i;
    inode_get(i);
    if (i->fops)
        f->ops = i->fops;
    r = f->ops->open ? f->ops->open(i, f) : 0;
    if (r) {
        file_discard(f);
        return r;
    }
    f->flags &= ~(u32)O_NOCTTY;         /* of interest to the open alone */
    notify_file(f, IN_OPEN);
    *file_r = f;
    return 0;
}

static int truncate_opened(struct file *f)
{
    struct iattr a = { .valid = ATTR_SIZE | ATTR_MTIME | ATTR_CTIME | ATTR_KILL_PRIV, .file = f };
    if (!S_ISREG(f->inode->mode))
        return 0;
    a.mtime = a.ctime = time_real();
    return inode_setattr(f->path.dentry, f->inode, &a);
}

/* created: made by this very open, which then may use it whatever its mode says. */
static int open_checked(const struct path *p, u32 flags, bool created, struct file **file_r)
{
    int mask = open_mask(flags), r;
    if (flags & O_PATH) {
        struct file *f = file_new();
        if (!f)
            return -ENOMEM;
        f->mode = FMODE_PATH;
        f->flags = flags & (O_PATH | O_DIRECTORY | O_NOFOLLOW);
        f->path = *p;
        path_get(&f->path);
        f->inode = p->dentry->inode;
        inode_get(f->inode);
        *file_r = f;
        return 0;
    }
    if (!created) {
        if (!S_ISREG(p->dentry->inode->mode))
            flags &= ~(u32)O_TRUNC;
        r = may_open_kind(p, mask, flags);
        if (!r)
            r = inode_permission(p->dentry->inode, mask);
        if (r)
            return r;
    }
    r = open_inode(p, flags, file_r);
    if (!r && !created && (flags & O_TRUNC) && (r = truncate_opened(*file_r)) < 0)
        file_put(*file_r);
    return r;
}

int vfs_open_path(const struct path *p, u32 flags, struct file **file_r)
{
    if ((flags & O_DIRECTORY) && !S_ISDIR(p->dentry->inode->mode))
        return -ENOTDIR;
    return open_checked(p, flags, false, file_r);
}

static int open_existing(const struct open_req *rq, u32 lookup, struct file **file_r)
{
    struct path p;
    int r;
    if ((rq->flags & (O_ACCMODE | O_PATH | O_DIRECTORY | O_TRUNC)) == O_RDONLY)
        lookup |= LOOKUP_TO_READ;
    r = path_lookup(rq->dfd, rq->name, lookup, &p);
    if (r)
        return r;
    r = open_checked(&p, rq->flags, false, file_r);
    path_put(&p);
    return r;
}

static int open_tmpfile(const struct open_req *rq, u32 lookup, struct file **file_r)
{
    struct path dir, p;
    struct inode *d, *i;
    int r = path_lookup(rq->dfd, rq->name, lookup | LOOKUP_DIRECTORY, &dir);
    if (r)
        return r;
    d = dir.dentry->inode;
    r = path_is_readonly(&dir) ? -EROFS : inode_permission(d, MAY_WRITE | MAY_EXEC);
    if (!r)
        r = d->ops->tmpfile ? d->ops->tmpfile(d, &i, inode_new_mode(d, rq->mode & 07777))
                            : -EOPNOTSUPP;
    if (r)
        goto out;
    p = (struct path){ dir.mnt, d_alloc(dir.dentry, "#tmpfile", 8) };
    if (!p.dentry) {
        inode_put(i);
        r = -ENOMEM;
        goto out;
    }
    p.dentry->unlinked = true;
    i->linkable = !(rq->flags & O_EXCL);
    d_add(p.dentry, i);
    r = open_checked(&p, rq->flags & ~(u32)(O_TMPFILE & ~O_DIRECTORY), true, file_r);
    dentry_put(p.dentry);
out:
    path_put(&dir);
    return r;
}

/* Makes what d names, unless it is there: 0 or -errno. */
static int create_locked(const struct path *dir, struct dentry *d, u32 mode)
{
    struct inode *di = dir->dentry->inode;
    int r = path_is_readonly(dir) ? -EROFS : may_create(dir);
    if (!r)
        r = di->ops->create ? di->ops->create(di, d, inode_new_mode(di, mode & 07777)) : -EACCES;
    if (!r)
        notify_entry(di, d->name, d->len, IN_CREATE, 0);
    return r;
}

/* The last component under the directory's lock: looks it up and makes it if need be.
 * *created_r tells which. */
static int lookup_or_create(struct walk *w, const struct open_req *rq, struct dentry **d_r,
                            bool *created_r)
{
    struct path *dir = &w->cur;
    struct inode *di = dir->dentry->inode;
    struct dentry *d;
    int r;
    mutex_lock(&di->lock);
    r = lookup_for_making(dir, &w->last, &d);
    for (bool again = true; !r && !d->inode; again = false) {
        r = create_locked(dir, d, rq->mode);
        *created_r = !r;
        if (!r)
            break;
        dentry_put(d);
        if (r == -EEXIST && again)      /* it was not cached, or is new */
            r = lookup_locked(dir->dentry, w->last.name, w->last.len, w->last.hash, &d);
    }
    if (!r)
        *d_r = d;
    mutex_unlock(&di->lock);
    return r;
}

/* Opens what the walk's last component names. 1: it is a link; *link_r is to be followed. */
static int open_last(struct walk *w, const struct open_req *rq, struct dentry **link_r,
                     struct file **file_r)
{
    struct path p = { w->cur.mnt, NULL };
    struct mount *m;
    bool created = false;
    int r;
    if (w->last.type != LAST_NORM || w->last.slash)
        return (rq->flags & O_EXCL) && !w->last.slash ? -EEXIST : -EISDIR;
    r = lookup_or_create(w, rq, &p.dentry, &created);
    if (r)
        return r;
    mount_get(p.mnt);
    if (!created && (rq->flags & O_EXCL)) {
        r = -EEXIST;
    } else if (!created && S_ISLNK(p.dentry->inode->mode)) {
        if (!(rq->flags & O_NOFOLLOW)) {
            *link_r = p.dentry;
            mount_put(p.mnt);
            return 1;
        }
        r = -ELOOP;
    }
    if (!r && p.dentry->mounted) {
        struct path over = p;
        spin_lock(&dcache_lock);
        while ((m = mount_on_locked(over.mnt, over.dentry)))
            over = (struct path){ m, m->root };
        path_get(&over);
        spin_unlock(&dcache_lock);
        path_put(&p);
        p = over;
    }
    if (!r && S_ISDIR(p.dentry->inode->mode))
        r = -EISDIR;
    if (!r)
        r = open_checked(&p, rq->flags, created, file_r);
    path_put(&p);
    return r;
}

static int open_create(const struct open_req *rq, u32 lookup, struct file **file_r)
{
    struct walk w;
    int r = walk_start(&w, rq->dfd, rq->name, lookup | LOOKUP_PARENT);
    if (!r)
        r = walk_run(&w, rq->name);
    while (!r) {
        struct dentry *link = NULL;
        walk_unlock(&w);
        r = open_last(&w, rq, &link, file_r);
        if (r <= 0)
            break;
        r = walk_follow_last(&w, link);
        if (r == 1) {           /* a magic link */
            walk_unlock(&w);
            r = S_ISDIR(w.cur.dentry->inode->mode)
                ? -EISDIR : open_checked(&w.cur, rq->flags, false, file_r);
            break;
        }
    }
    walk_end(&w);
    return r;
}

int vfs_open_req(const struct open_req *rq_in, struct file **file_r)
{
    struct open_req rq = *rq_in;
    u32 lookup = rq.lookup;
    if (rq.flags & O_PATH)
        rq.flags &= O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    if (!(rq.flags & O_NOFOLLOW))
        lookup |= LOOKUP_FOLLOW;
    if (rq.flags & O_DIRECTORY)
        lookup |= LOOKUP_DIRECTORY;
    if (rq.flags & __O_TMPFILE) {
        if (!(rq.flags & O_DIRECTORY) || !(open_mask(rq.flags) & MAY_WRITE) || (rq.flags & O_CREAT))
            return -EINVAL;
        return open_tmpfile(&rq, lookup, file_r);
    }
    if (!(rq.flags & O_CREAT))
        return open_existing(&rq, lookup, file_r);
    if (rq.flags & O_DIRECTORY)
        return -EINVAL;
    return open_create(&rq, lookup & ~(u32)LOOKUP_DIRECTORY, file_r);
}

int vfs_open(int dfd, const char *name, u32 flags, u32 mode, struct file **file_r)
{
    struct open_req rq = { dfd, name, flags, mode, 0 };
    return vfs_open_req(&rq, file_r);
}
