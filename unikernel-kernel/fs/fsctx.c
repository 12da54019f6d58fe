/* What CLONE_FS shares: root, current directory, umask. */
#include <linux/capability.h>

#include "fs.h"

static struct fsctx *fsctx_new(void)
{
    struct fsctx *c = kzalloc(sizeof *c);
    if (c)
        ref_init(&c->ref);
    return c;
}

struct fsctx *fsctx_new_root(void)
{
    struct fsctx *c = fsctx_new();
    if (!c)
        return NULL;
    assert(first_mntns);
    c->mntns = first_mntns;
    ns_get(&c->mntns->ns);
    c->root = (struct path){ c->mntns->root, c->mntns->root->root };
    c->cwd = c->root;
    path_get(&c->root);
    path_get(&c->cwd);
    c->umask = 022;
    return c;
}

struct fsctx *fsctx_copy(struct fsctx *o)
{
    struct fsctx *c = fsctx_new();
    if (!c)
        return NULL;
    spin_lock(&o->lock);
    c->root = o->root;
    c->cwd = o->cwd;
    c->umask = o->umask;
    c->mntns = o->mntns;
    ns_get(&c->mntns->ns);
    path_get(&c->root);
    path_get(&c->cwd);
    spin_unlock(&o->lock);
    return c;
}

void fsctx_put(struct fsctx *c)
{
    if (!c || !ref_put(&c->ref))
        return;
    path_put(&c->root);
    path_put(&c->cwd);
    ns_put(&c->mntns->ns);
    kfree(c);
}

struct ns *fsctx_mntns_get(struct fsctx *c)
{
    struct ns *n;
    spin_lock(&c->lock);
    n = &c->mntns->ns;
    ns_get(n);
    spin_unlock(&c->lock);
    return n;
}

static void replace(struct fsctx *fs, struct path *slot, const struct path *p)
{
    struct path old, new = *p;
    path_get(&new);
    spin_lock(&fs->lock);
    spin_lock(&dcache_lock);            /* see walk_lock_own */
    old = *slot;
    *slot = new;
    spin_unlock(&dcache_lock);
    spin_unlock(&fs->lock);
    path_put(&old);
}

void fsctx_set(struct fsctx *fs, struct mntns *n, const struct path *root, const struct path *cwd)
{
    struct mntns *old;
    replace(fs, &fs->root, root);
    replace(fs, &fs->cwd, cwd);
    spin_lock(&fs->lock);
    old = fs->mntns;
    fs->mntns = n;
    spin_unlock(&fs->lock);
    ns_put(&old->ns);
}

static int may_enter(const struct path *p)
{
    struct inode *i = p->dentry->inode;
    if (!S_ISDIR(i->mode))
        return -ENOTDIR;
    return inode_permission(i, MAY_EXEC);
}

int vfs_chdir(const struct path *p)
{
    int r = may_enter(p);
    if (!r)
        replace(current()->fs, &current()->fs->cwd, p);
    return r;
}

int vfs_chroot(const struct path *p)
{
    int r = may_enter(p);
    if (r)
        return r;
    if (!capable(CAP_SYS_CHROOT))
        return -EPERM;
    replace(current()->fs, &current()->fs->root, p);
    return 0;
}

static bool same(const struct path *a, const struct path *b)
{
    return a->mnt == b->mnt && a->dentry == b->dentry;
}

/* pivot_root: every task whose root or cwd is `from` goes to `to`. */
void fsctx_root_cwd_moved(const struct path *from, const struct path *to)
{
    struct proc *p;
    struct task *t;
    mutex_lock(&procs_lock);
    list_for_each(p, &procs_all, all_link)
        list_for_each(t, &p->threads, proc_link) {
            struct fsctx *fs = t->fs;
            if (!fs)
                continue;
            if (same(&fs->root, from))
                replace(fs, &fs->root, to);
            if (same(&fs->cwd, from))
                replace(fs, &fs->cwd, to);
        }
    mutex_unlock(&procs_lock);
}
