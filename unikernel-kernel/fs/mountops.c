/* Mounting, binding, moving, unmounting: by name. Privilege is the caller's business. */
#include "fs.h"

#define MNT_FLAGS (MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOSYMFOLLOW | MS_NOATIME | \
                   MS_NODIRATIME | MS_RELATIME | MS_STRICTATIME | MS_SYNCHRONOUS)
#define FIRST_MNTNS_INO 0xf0000000u       /* as Linux numbers it */
#define ATIME_FLAGS (MS_NOATIME | MS_NODIRATIME | MS_RELATIME | MS_STRICTATIME)

static const struct { const char *name; fs_mount_fn mount; } types[] = {
#define FS(name, fn) { #name, fn },
#include "types.def"
#undef FS
};

bool vfs_type_name(unsigned index, const char **name_r)
{
    if (index >= ARRAY_SIZE(types))
        return false;
    *name_r = types[index].name;
    return true;
}

static bool is_dir(const struct dentry *d) { return S_ISDIR(d->inode->mode); }

static struct mntns *my_mntns(void) { return current()->fs ? current()->fs->mntns : first_mntns; }

/* Puts m into the tree at p, and what is mounted below (from, dir), if that is given. */
static int attach(struct mount *m, const struct path *p, const struct path *below)
{
    int r = 0;
    if (is_dir(m->root) != is_dir(p->dentry))
        return -ENOTDIR;
    mutex_lock(&mount_mutex);
    if (p->mnt->group)
        mount_make_shared(m);
    spin_lock(&dcache_lock);
    if (p->dentry->unlinked)
        r = -ENOENT;
    else if (p->mnt->ns != my_mntns())
        r = -EINVAL;            /* a detached mount, or another's */
    else
        mount_attach_locked(m, p->mnt, p->dentry);
    spin_unlock(&dcache_lock);
    if (!r && below)
        r = mount_copy_below(below->mnt, below->dentry, m, false);
    if (!r)
        r = mount_propagate(m);
    mutex_unlock(&mount_mutex);
    return r;
}

int vfs_mount_super(struct super *sb, struct dentry *root, const char *target, u64 flags)
{
    struct mount *m = mount_new(sb, root ? root : sb->root, flags & MNT_FLAGS);
    struct path p;
    int r;
    if (!m)
        return -ENOMEM;
    r = path_lookup(AT_FDCWD, target, LOOKUP_FOLLOW, &p);
    if (!r) {
        r = attach(m, &p, NULL);
        path_put(&p);
    }
    if (r)
        mount_put(m);
    return r;
}

int vfs_mount_root(struct super *sb, u64 flags)
{
    struct mount *m = mount_new(sb, sb->root, flags & MNT_FLAGS);
    if (!m)
        return -ENOMEM;
    first_mntns = mntns_new(FIRST_MNTNS_INO);
    if (!first_mntns) {
        mount_put(m);
        return -ENOMEM;
    }
    spin_lock(&dcache_lock);
    mount_attach_root_locked(m, first_mntns);
    spin_unlock(&dcache_lock);
    return 0;
}

int vfs_mount(const char *type, const char *source, const char *target, u64 flags, const char *data)
{
    struct super *sb;
    for (unsigned k = 0; k < ARRAY_SIZE(types); k++) {
        int r;
        if (strcmp(types[k].name, type))
            continue;
        r = types[k].mount(source, flags, data, &sb);
        if (r)
            return r;
        if (!sb->source[0])
            strlcpy(sb->source, source && *source ? source : "none", sizeof sb->source);
        r = vfs_mount_super(sb, NULL, target, flags);
        if (r == -ENOMEM && !sb->active)
            super_end(sb);
        return r;
    }
    return -ENODEV;
}

int vfs_bind(const char *source, const char *target, bool recursive)
{
    struct path s, t;
    struct mount *m = NULL;
    int r = path_lookup(AT_FDCWD, source, LOOKUP_FOLLOW, &s);
    if (r)
        return r;
    r = path_lookup(AT_FDCWD, target, LOOKUP_FOLLOW, &t);
    if (r)
        goto out;
    if (!s.mnt || !t.mnt || s.mnt->ns != my_mntns() || s.mnt->unbindable)
        r = -EINVAL;
    else
        r = (m = mount_clone(s.mnt, s.dentry)) ? attach(m, &t, recursive ? &s : NULL) : -ENOMEM;
    if (r && m && !m->ns)
        mount_put(m);
    path_put(&t);
out:
    path_put(&s);
    return r;
}

/* The mount whose root `name` is. */
static int lookup_mount(const char *name, u32 flags, struct path *p)
{
    int r = path_lookup(AT_FDCWD, name, flags, p);
    if (!r && (!p->mnt || p->dentry != p->mnt->root)) {
        path_put(p);
        r = -EINVAL;
    }
    return r;
}

int vfs_remount(const char *target, u64 flags)
{
    struct path p;
    int r = lookup_mount(target, LOOKUP_FOLLOW, &p);
    if (r)
        return r;
    flags &= MNT_FLAGS;
    if (!(flags & ATIME_FLAGS))
        flags |= p.mnt->flags & ATIME_FLAGS;
    WRITE_ONCE(p.mnt->flags, flags);
    path_put(&p);
    return 0;
}

/* Takes m and all that is mounted below it out of the tree. dropped: points and mounts
 * to put afterwards go through `put`, one at a time. */
static struct mount *detach_one(struct mount *top, struct dentry **point_r)
{
    struct mount *m, *found = NULL;
    spin_lock(&dcache_lock);
    list_for_each(m, &mounts_all, all_link)
        if (!m->nchildren && mount_is_below_locked(m, top))
            found = m;
    if (found)
        mount_detach_locked(found, point_r);
    spin_unlock(&dcache_lock);
    return found;
}

void mount_detach_tree(struct mount *top)
{
    struct dentry *point;
    struct mount *m;
    while ((m = detach_one(top, &point))) {
        bool last = m == top;
        mount_leave_peers(m);
        if (point)
            dentry_put(point);
        mount_put(m);
        if (last)
            return;
    }
}

int vfs_set_propagation(const char *target, u64 type, bool recursive)
{
    struct path p;
    int r = lookup_mount(target, LOOKUP_FOLLOW, &p);
    if (r)
        return r;
    mutex_lock(&mount_mutex);
    if (p.mnt->ns != my_mntns())
        r = -EINVAL;
    else
        mount_set_propagation(p.mnt, type, recursive);
    mutex_unlock(&mount_mutex);
    path_put(&p);
    return r;
}

enum { DETACH = 2, EXPIRE = 4, NOFOLLOW = 8 };

/* May m be unmounted now? One reference is the tree's, one the caller's. MNT_EXPIRE takes
 * two calls between which nobody used it. */
static int may_umount(struct mount *m, int flags)
{
    bool busy, second = m->expiring;
    if (!m->parent || m->ns != my_mntns())
        return -EINVAL;
    if (flags & DETACH)
        return 0;
    spin_lock(&dcache_lock);
    busy = m->nchildren || READ_ONCE(m->ref.n) > 2;
    spin_unlock(&dcache_lock);
    if (busy)
        return -EBUSY;
    m->expiring = true;
    return (flags & EXPIRE) && !second ? -EAGAIN : 0;
}

int vfs_umount(const char *target, int flags)
{
    struct path p;
    int r = lookup_mount(target, (flags & NOFOLLOW) ? 0 : LOOKUP_FOLLOW, &p);
    if (r)
        return r;
    plat_kept_drop(NULL);
    mutex_lock(&mount_mutex);
    r = may_umount(p.mnt, flags);
    if (!r) {
        mount_propagate_umount(p.mnt);
        mount_detach_tree(p.mnt);
    }
    mutex_unlock(&mount_mutex);
    path_put(&p);
    return r;
}

int vfs_move_mount(const char *source, const char *target)
{
    struct dentry *point = NULL;
    struct path s, t;
    int r = lookup_mount(source, LOOKUP_FOLLOW, &s);
    if (r)
        return r;
    r = path_lookup(AT_FDCWD, target, LOOKUP_FOLLOW, &t);
    if (r)
        goto out;
    mutex_lock(&mount_mutex);
    if (t.mnt && t.mnt->group)
        mount_make_shared(s.mnt);
    spin_lock(&dcache_lock);
    if (!s.mnt->parent || !t.mnt || s.mnt->ns != my_mntns() || t.mnt->ns != my_mntns() ||
        s.mnt->parent->group)
        r = -EINVAL;
    else if (is_dir(s.mnt->root) != is_dir(t.dentry))
        r = -EINVAL;            /* not ENOTDIR, as for a bind */
    else if (mount_is_below_locked(t.mnt, s.mnt))
        r = -ELOOP;
    else {
        mount_detach_locked(s.mnt, &point);
        mount_attach_locked(s.mnt, t.mnt, t.dentry);
    }
    spin_unlock(&dcache_lock);
    if (!r)
        r = mount_propagate(s.mnt);
    mutex_unlock(&mount_mutex);
    if (point)
        dentry_put(point);
    path_put(&t);
out:
    path_put(&s);
    return r;
}

/* Is p below top, seen through mounts? */
static bool reachable_locked(const struct path *p, const struct path *top)
{
    struct path at = *p;
    while (at.mnt != top->mnt && at.mnt->parent)
        at = (struct path){ at.mnt->parent, at.mnt->point };
    return at.mnt == top->mnt && d_is_below_locked(at.dentry, top->dentry);
}

static int pivot_check(const struct path *root, const struct path *new, const struct path *old)
{
    struct mount *m = new->mnt;
    if (!m || !old->mnt || m->ns != my_mntns() || root->mnt->ns != my_mntns())
        return -EINVAL;
    if (old->mnt->group || (m->parent && m->parent->group) ||
        (root->mnt->parent && root->mnt->parent->group))
        return -EINVAL;
    if (new->dentry->unlinked)
        return -ENOENT;
    if (m == root->mnt || old->mnt == root->mnt)
        return -EBUSY;
    if (root->dentry != root->mnt->root || !m->parent || new->dentry != m->root)
        return -EINVAL;
    return reachable_locked(old, new) && reachable_locked(new, root) ? 0 : -EINVAL;
}

/* new: becomes the root; old: where the root of today then is. */
static int pivot_locked(const struct path *root, const struct path *new, const struct path *old,
                        struct dentry *points_r[2])
{
    struct mount *m = new->mnt, *was = root->mnt, *up = was->parent;
    struct mntns *ns = m->ns;
    int r = pivot_check(root, new, old);
    if (r)
        return r;
    mount_detach_locked(m, &points_r[0]);
    mount_detach_locked(was, &points_r[1]);
    if (up)
        mount_attach_locked(m, up, points_r[1]);
    else
        mount_attach_root_locked(m, ns);
    mount_attach_locked(was, old->mnt, old->dentry);
    return 0;
}

int vfs_pivot_root(const char *new_root, const char *put_old)
{
    struct path new, old, root;
    struct dentry *points[2] = { NULL, NULL };
    int r = path_lookup(AT_FDCWD, new_root, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &new);
    if (r)
        return r;
    r = path_lookup(AT_FDCWD, put_old, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &old);
    if (r)
        goto out;
    root = current()->fs->root;
    path_get(&root);
    mutex_lock(&mount_mutex);
    spin_lock(&dcache_lock);
    r = pivot_locked(&root, &new, &old, points);
    spin_unlock(&dcache_lock);
    mutex_unlock(&mount_mutex);
    for (int k = 0; k < 2; k++)
        if (points[k])
            dentry_put(points[k]);
    if (!r)
        fsctx_root_cwd_moved(&root, &new);
    path_put(&root);
    path_put(&old);
out:
    path_put(&new);
    return r;
}

void vfs_init(void)
{
    dcache_init();
    mount_init();
}
