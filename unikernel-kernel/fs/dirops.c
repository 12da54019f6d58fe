/* Making and removing names. */
#include <linux/capability.h>

#include "fs.h"
#include "notify.h"

int may_create(const struct path *dir)
{
    if (dir->dentry->unlinked)
        return -ENOENT;
    return inode_permission(dir->dentry->inode, MAY_WRITE | MAY_EXEC);
}

static bool sticky_forbids(const struct inode *dir, const struct inode *i)
{
    u32 me = current()->cred->fsuid;
    return (dir->mode & S_ISVTX) && i->uid != me && dir->uid != me && !capable(CAP_FOWNER);
}

int may_delete(const struct path *dir, struct dentry *victim, bool want_dir)
{
    struct inode *di = dir->dentry->inode;
    int r;
    if (!victim->inode)
        return -ENOENT;
    r = inode_permission(di, MAY_WRITE | MAY_EXEC);
    if (r)
        return r;
    if (sticky_forbids(di, victim->inode))
        return -EPERM;
    if (want_dir && !S_ISDIR(victim->inode->mode))
        return -ENOTDIR;
    if (!want_dir && S_ISDIR(victim->inode->mode))
        return -EISDIR;
    if (victim->mounted || victim == victim->sb->root)
        return -EBUSY;
    return 0;
}

/* A name about to be made: the walk stands in its directory, whose lock is held. */
struct making { struct walk w; struct dentry *d; };

static int make_begin(struct making *m, int dfd, const char *name, bool is_dir)
{
    struct path *dir = &m->w.cur;
    int r = walk_start(&m->w, dfd, name, LOOKUP_PARENT);
    if (!r)
        r = walk_run(&m->w, name);
    if (r) {
        walk_end(&m->w);
        return r;
    }
    walk_unlock(&m->w);
    if (m->w.last.type != LAST_NORM) {
        walk_end(&m->w);
        return -EEXIST;
    }
    mutex_lock(&dir->dentry->inode->lock);
    r = lookup_for_making(dir, &m->w.last, &m->d);
    if (!r) {
        if (m->d->inode)
            r = -EEXIST;
        else if (m->w.last.slash && !is_dir)
            r = -ENOENT;
        else if (path_is_readonly(dir))
            r = -EROFS;
        else
            r = may_create(dir);
        if (!r)
            return 0;
        dentry_put(m->d);
    }
    mutex_unlock(&dir->dentry->inode->lock);
    walk_end(&m->w);
    return r;
}

/* r: what the file system said; mask: what watchers of the directory hear then. */
static int make_end(struct making *m, int r, u32 mask)
{
    if (!r)
        notify_entry(m->w.cur.dentry->inode, m->d->name, m->d->len, mask, 0);
    dentry_put(m->d);
    mutex_unlock(&m->w.cur.dentry->inode->lock);
    walk_end(&m->w);
    return r;
}

int vfs_mkdir(int dfd, const char *name, u32 mode)
{
    struct making m;
    struct inode *dir;
    int r = make_begin(&m, dfd, name, true);
    if (r)
        return r;
    dir = m.w.cur.dentry->inode;
    r = dir->ops->mkdir ? dir->ops->mkdir(dir, m.d, mode & 01777) : -EPERM;
    return make_end(&m, r, IN_CREATE | IN_ISDIR);
}

int vfs_mknod(int dfd, const char *name, u32 mode, u64 rdev)
{
    struct making m;
    struct inode *dir;
    int r;
    if (!(mode & S_IFMT))
        mode |= S_IFREG;
    if (S_ISDIR(mode))
        return -EPERM;
    if (!S_ISREG(mode) && !S_ISCHR(mode) && !S_ISBLK(mode) && !S_ISFIFO(mode) && !S_ISSOCK(mode))
        return -EINVAL;
    r = make_begin(&m, dfd, name, false);
    if (r)
        return r;
    dir = m.w.cur.dentry->inode;
    mode = inode_new_mode(dir, mode);
    if ((S_ISCHR(mode) || S_ISBLK(mode)) && !capable(CAP_MKNOD))
        r = -EPERM;
    else if (S_ISREG(mode))
        r = dir->ops->create ? dir->ops->create(dir, m.d, mode & 07777) : -EPERM;
    else
        r = dir->ops->mknod ? dir->ops->mknod(dir, m.d, mode, rdev) : -EPERM;
    return make_end(&m, r, IN_CREATE);
}

int vfs_symlink(const char *target, int dfd, const char *name)
{
    struct making m;
    struct inode *dir;
    int r;
    if (!*target)
        return -ENOENT;
    r = make_begin(&m, dfd, name, false);
    if (r)
        return r;
    dir = m.w.cur.dentry->inode;
    r = dir->ops->symlink ? dir->ops->symlink(dir, m.d, target) : -EPERM;
    return make_end(&m, r, IN_CREATE);
}

static int link_into(struct making *m, const struct path *old)
{
    struct inode *i = old->dentry->inode, *dir = m->w.cur.dentry->inode;
    if (old->mnt != m->w.cur.mnt)
        return -EXDEV;
    if (S_ISDIR(i->mode) || !dir->ops->link)
        return -EPERM;
    if (!i->nlink && !i->linkable)
        return -ENOENT;
    return dir->ops->link(i, dir, m->d);
}

int vfs_link(int odfd, const char *old, int ndfd, const char *new, u32 lookup_flags)
{
    struct making m;
    struct path p;
    int r = path_lookup(odfd, old, lookup_flags, &p);
    if (r)
        return r;
    r = make_begin(&m, ndfd, new, false);
    if (!r) {
        r = link_into(&m, &p);
        if (!r)
            notify_inode(p.dentry->inode, IN_ATTRIB);
        make_end(&m, r, IN_CREATE);
    }
    path_put(&p);
    return r;
}

static int remove_locked(struct walk *w, bool dir)
{
    struct path *at = &w->cur;
    struct inode *di = at->dentry->inode;
    struct dentry *d;
    u32 mask;
    int r = lookup_locked(at->dentry, w->last.name, w->last.len, w->last.hash, &d);
    if (r)
        return r;
    if (!d->inode)
        r = -ENOENT;
    else if (w->last.slash && !dir)
        r = S_ISDIR(d->inode->mode) ? -EISDIR : -ENOTDIR;
    else if (path_is_readonly(at))
        r = -EROFS;
    else
        r = may_delete(at, d, dir);
    if (!r && !(dir ? di->ops->rmdir : di->ops->unlink))
        r = -EPERM;
    if (!r)
        r = dir ? di->ops->rmdir(di, d) : di->ops->unlink(di, d);
    if (r) {
        dentry_put(d);
        return r;
    }
    mask = IN_DELETE | notify_dir_bit(d->inode);
    if (!dir)
        notify_inode(d->inode, IN_ATTRIB);      /* one link fewer */
    d_unlinked(d);
    if (dir)
        d_drop_children(d);
    dentry_put(d);
    notify_entry(di, w->last.name, w->last.len, mask, 0);
    return 0;
}

/* What cannot be removed by these last components. */
static int removable(enum last_type t, bool dir)
{
    if (t == LAST_NORM)
        return 0;
    if (!dir)
        return -EISDIR;
    return t == LAST_DOTDOT ? -ENOTEMPTY : t == LAST_DOT ? -EINVAL : -EBUSY;
}

int vfs_unlink(int dfd, const char *name, bool dir)
{
    struct walk w;
    int r = walk_start(&w, dfd, name, LOOKUP_PARENT);
    if (!r)
        r = walk_run(&w, name);
    if (!r) {
        walk_unlock(&w);
        r = removable(w.last.type, dir);
    }
    if (!r) {
        struct inode *di = w.cur.dentry->inode;
        mutex_lock(&di->lock);
        r = remove_locked(&w, dir);
        mutex_unlock(&di->lock);
    }
    walk_end(&w);
    return r;
}

int vfs_mkdirs(const char *name, u32 mode)
{
    char *buf = name_alloc();
    size_t n = strlen(name);
    int r = 0;
    if (!buf)
        return -ENOMEM;
    if (n >= PATH_MAX)
        r = -ENAMETOOLONG;
    else
        memcpy(buf, name, n + 1);
    for (size_t k = 1; !r && k <= n; k++) {
        if (name[k] && name[k] != '/')
            continue;
        buf[k] = 0;
        r = vfs_mkdir(AT_FDCWD, buf, mode);
        if (r == -EEXIST)
            r = 0;
        buf[k] = name[k];
    }
    name_put(buf);
    return r;
}
