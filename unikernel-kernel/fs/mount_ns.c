/* Mount namespaces: a tree of mounts each. A task's is that of its fsctx. */
#include <linux/capability.h>

#include "fs.h"

struct mntns *mntns_new(u32 ino)
{
    struct mntns *n = kzalloc(sizeof *n);
    if (n)
        n->ns = (struct ns){ { 1 }, NS_MNT, ino };
    return n;
}

void mntns_free(struct ns *ns)
{
    struct mntns *n = container_of(ns, struct mntns, ns);
    mutex_lock(&mount_mutex);
    if (n->root)
        mount_detach_tree(n->root);
    mutex_unlock(&mount_mutex);
    kfree(n);
}

/* mount_mutex held. The copy of m, and for find_copy a note of it in m. */
static struct mount *copy_one(struct mount *m)
{
    struct mount *c = mount_clone(m, m->root);
    m->copy = c;
    return c;
}

int mount_copy_below(struct mount *from, struct dentry *dir, struct mount *to, bool all)
{
    for (struct mount *m = NULL; (m = vfs_mount_next(m));) {
        struct mount *c;
        int r;
        if (m->parent != from || m == to || !d_is_ancestor(dir, m->point) ||
            (m->unbindable && !all))
            continue;
        c = copy_one(m);
        if (!c) {
            mount_put(m);
            return -ENOMEM;
        }
        spin_lock(&dcache_lock);
        mount_attach_locked(c, to, m->point);
        spin_unlock(&dcache_lock);
        r = mount_copy_below(m, m->root, c, all);
        if (r) {
            mount_put(m);
            return r;
        }
    }
    return 0;
}

static int copy_tree(struct mntns *old, struct mntns *n)
{
    struct mount *c = copy_one(old->root);
    if (!c)
        return -ENOMEM;
    spin_lock(&dcache_lock);
    mount_attach_root_locked(c, n);
    spin_unlock(&dcache_lock);
    return mount_copy_below(old->root, old->root->root, c, true);
}

/* The same place in the copied tree. p counted; becomes the copy, counted. */
static void move_path(struct path *p)
{
    struct mount *c = p->mnt->copy;
    if (!c)
        return;                 /* of a mount that is in no tree */
    mount_get(c);
    mount_put(p->mnt);
    p->mnt = c;
}

static void forget_copies(const struct mntns *old)
{
    for (struct mount *m = NULL; (m = vfs_mount_next(m));)
        if (m->ns == old)
            m->copy = NULL;
}

int fsctx_unshare_mounts(struct fsctx *fs)
{
    struct mntns *old = fs->mntns, *n = mntns_new(ns_new_ino());
    struct path root = fs->root, cwd = fs->cwd;
    int r;
    if (!n)
        return -ENOMEM;
    path_get(&root);
    path_get(&cwd);
    mutex_lock(&mount_mutex);
    r = copy_tree(old, n);
    if (!r) {
        move_path(&root);
        move_path(&cwd);
    }
    forget_copies(old);
    mutex_unlock(&mount_mutex);
    if (r)
        ns_put(&n->ns);
    else
        fsctx_set(fs, n, &root, &cwd);
    path_put(&root);
    path_put(&cwd);
    return r;
}

/* What is seen at the root of n: the topmost mount there. Counted. */
static void top_of(const struct mntns *n, struct path *p_r)
{
    struct mount *m;
    spin_lock(&dcache_lock);
    *p_r = (struct path){ n->root, n->root->root };
    while ((m = mount_on_locked(p_r->mnt, p_r->dentry)))
        *p_r = (struct path){ m, m->root };
    path_get(p_r);
    spin_unlock(&dcache_lock);
}

int fsctx_enter(struct fsctx *fs, struct ns *ns)
{
    struct mntns *n = container_of(ns, struct mntns, ns);
    struct path top;
    if (READ_ONCE(fs->ref.n) != 1)
        return -EINVAL;         /* others have it, too */
    top_of(n, &top);
    ns_get(ns);
    fsctx_set(fs, n, &top, &top);
    path_put(&top);
    return 0;
}
