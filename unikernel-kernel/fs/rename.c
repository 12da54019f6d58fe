/* Renaming. Two directories are locked at a time: the ancestor first, else by address,
 * under the file system's rename_lock, which keeps the tree's shape still. */
#include <linux/fs.h>

#include "fs.h"
#include "notify.h"

struct renaming {
    struct walk o, n;
    struct dentry *od, *nd;     /* the names; counted */
    u32 flags;
};

static void lock_pair(struct dentry *a, struct dentry *b)
{
    struct inode *first = a->inode, *second = b->inode;
    if (first == second) {
        mutex_lock(&first->lock);
        return;
    }
    mutex_lock(&a->sb->rename_lock);
    if (d_is_ancestor(b, a) || (!d_is_ancestor(a, b) && b->inode < a->inode)) {
        first = b->inode;
        second = a->inode;
    }
    mutex_lock(&first->lock);
    mutex_lock(&second->lock);
}

static void unlock_pair(struct dentry *a, struct dentry *b)
{
    mutex_unlock(&a->inode->lock);
    if (a->inode == b->inode)
        return;
    mutex_unlock(&b->inode->lock);
    mutex_unlock(&a->sb->rename_lock);
}

/* Checks of the two names that need no permission. */
static int check_names(struct renaming *rn)
{
    struct inode *o = rn->od->inode, *n = rn->nd->inode;
    bool exchange = rn->flags & RENAME_EXCHANGE;
    if (!o)
        return -ENOENT;
    if ((rn->flags & RENAME_NOREPLACE) && n)
        return -EEXIST;
    if (exchange && !n)
        return -ENOENT;
    if (!S_ISDIR(o->mode)) {
        if (rn->o.last.slash)
            return -ENOTDIR;
        if (!exchange && rn->n.last.slash)
            return -ENOTDIR;
    }
    if (exchange && !S_ISDIR(n->mode) && rn->n.last.slash)
        return -ENOTDIR;
    if (S_ISDIR(o->mode) && d_is_ancestor(rn->od, rn->n.cur.dentry))
        return -EINVAL;
    if (n && S_ISDIR(n->mode) && d_is_ancestor(rn->nd, rn->o.cur.dentry))
        return exchange ? -EINVAL : -ENOTEMPTY;
    return 0;
}

static int check_may(struct renaming *rn)
{
    struct inode *o = rn->od->inode, *n = rn->nd->inode;
    bool dir = S_ISDIR(o->mode), exchange = rn->flags & RENAME_EXCHANGE;
    int r = may_delete(&rn->o.cur, rn->od, dir);
    if (r)
        return r;
    if (!n)
        r = may_create(&rn->n.cur);
    else
        r = may_delete(&rn->n.cur, rn->nd, exchange ? S_ISDIR(n->mode) : dir);
    if (!r && dir && rn->o.cur.dentry != rn->n.cur.dentry)
        r = inode_permission(o, MAY_WRITE);     /* its ".." changes */
    if (!r && exchange && S_ISDIR(n->mode) && rn->o.cur.dentry != rn->n.cur.dentry)
        r = inode_permission(n, MAY_WRITE);
    return r;
}

/* One direction of what happened: from a name to another, over target (or NULL). */
static void tell_moved(const struct walk *from, const struct walk *to, struct inode *moved,
                       struct inode *target)
{
    u32 cookie = notify_cookie(), bit = notify_dir_bit(moved);
    notify_entry(from->cur.dentry->inode, from->last.name, from->last.len, IN_MOVED_FROM | bit,
                 cookie);
    notify_entry(to->cur.dentry->inode, to->last.name, to->last.len, IN_MOVED_TO | bit, cookie);
    if (target)
        notify_inode(target, IN_ATTRIB);
    notify_inode(moved, IN_MOVE_SELF);
}

static int rename_locked(struct renaming *rn)
{
    struct inode *oi = rn->o.cur.dentry->inode, *ni = rn->n.cur.dentry->inode;
    int r = check_names(rn);
    if (!r && path_is_readonly(&rn->o.cur))
        r = -EROFS;
    if (r)
        return r;
    if (rn->od->inode == rn->nd->inode)
        return 0;               /* two links of one file: nothing happens */
    r = check_may(rn);
    if (!r && !oi->ops->rename)
        r = -EPERM;
    if (!r)
        r = oi->ops->rename(oi, rn->od, ni, rn->nd, rn->flags);
    if (r)
        return r;
    d_move(rn->od, rn->nd, rn->flags & RENAME_EXCHANGE);
    if (rn->nd->inode && !(rn->flags & RENAME_EXCHANGE))
        d_drop_children(rn->nd);
    if (likely(!READ_ONCE(notify_watches)))
        return 0;
    if (rn->flags & RENAME_EXCHANGE) {
        tell_moved(&rn->o, &rn->n, rn->od->inode, NULL);
        tell_moved(&rn->n, &rn->o, rn->nd->inode, NULL);
    } else {
        tell_moved(&rn->o, &rn->n, rn->od->inode, rn->nd->inode);
    }
    return 0;
}

static int lookup_both(struct renaming *rn)
{
    struct last *o = &rn->o.last, *n = &rn->n.last;
    int r = lookup_locked(rn->o.cur.dentry, o->name, o->len, o->hash, &rn->od);
    if (r)
        return r;
    r = lookup_locked(rn->n.cur.dentry, n->name, n->len, n->hash, &rn->nd);
    if (r)
        dentry_put(rn->od);
    return r;
}

static int rename_between(struct renaming *rn)
{
    struct dentry *od = rn->o.cur.dentry, *nd = rn->n.cur.dentry;
    int r;
    if (rn->o.cur.mnt != rn->n.cur.mnt)
        return -EXDEV;
    if (rn->o.last.type != LAST_NORM)
        return -EBUSY;
    if (rn->n.last.type != LAST_NORM)
        return (rn->flags & RENAME_NOREPLACE) ? -EEXIST : -EBUSY;
    lock_pair(od, nd);
    r = lookup_both(rn);
    if (!r) {
        r = rename_locked(rn);
        dentry_put(rn->od);
        dentry_put(rn->nd);
    }
    unlock_pair(od, nd);
    return r;
}

int vfs_rename(int odfd, const char *old, int ndfd, const char *new, u32 flags)
{
    struct renaming rn;
    int r;
    if (flags & ~(u32)(RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT))
        return -EINVAL;
    if ((flags & (RENAME_NOREPLACE | RENAME_WHITEOUT)) && (flags & RENAME_EXCHANGE))
        return -EINVAL;
    rn.flags = flags;
    r = walk_start(&rn.o, odfd, old, LOOKUP_PARENT);
    if (!r)
        r = walk_run(&rn.o, old);
    if (!r) {
        walk_unlock(&rn.o);
        r = walk_start(&rn.n, ndfd, new, LOOKUP_PARENT);
        if (!r)
            r = walk_run(&rn.n, new);
        if (!r) {
            walk_unlock(&rn.n);
            r = rename_between(&rn);
        }
        walk_end(&rn.n);
    }
    walk_end(&rn.o);
    return r;
}
