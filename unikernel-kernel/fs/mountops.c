/* Mounting, binding, moving, unmounting: by name. Privilege is the caller's business. */
#include "fs.h"

#define MNT_FLAGS (MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOSYMFOLLOW | MS_NOATIME | \
                   MS_NODIRATIME | MS_RELATIME | MS_STRICTATIME | MS_SYNCHRONOUS)
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

/* Puts m into the tree at p. */
static int attach(struct mount *m, const struct path *p)
{
    int r = 0;
    if (is_dir(m->root) != is_dir(p->dentry))
        return -ENOTDIR;
    mutex_lock(&mount_mutex);
    spin_lock(&dcache_lock);
    if (p->dentry->unlinked)
        r = -ENOENT;
    else if (p->mnt != root_mount && !p->mnt->parent)
        r = -EINVAL;            /* a detached mount */
    else
        mount_attach_locked(m, p->mnt, p->dentry);
    spin_unlock(&dcache_lock);
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
        r = attach(m, &p);
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
    spin_lock(&dcache_lock);
    mount_attach_locked(m, NULL, NULL);
    root_mount = m;
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

/* Copies the mounts below (from, dir) to the same places below to. */
static int copy_below(struct mount *from, struct dentry *dir, struct mount *to)
{
    for (struct mount *m = NULL; (m = vfs_mount_next(m));) {
        struct mount *c;
        int r;
        if (m->parent != from || m == to || !d_is_ancestor(dir, m->point))
            continue;
        c = mount_new(m->sb, m->root, m->flags);
        if (!c) {
            mount_put(m);
            return -ENOMEM;
        }
        spin_lock(&dcache_lock);
        mount_attach_locked(c, to, m->point);
        spin_unlock(&dcache_lock);
        r = copy_below(m, m->root, c);
        if (r) {
            mount_put(m);
            return r;
        }
    }
    return 0;
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
    m = mount_new(s.mnt->sb, s.dentry, s.mnt->flags);
    r = m ? attach(m, &t) : -ENOMEM;
    if (r && m)
        mount_put(m);
    if (!r && recursive) {
        mutex_lock(&mount_mutex);
        r = copy_below(s.mnt, s.dentry, m);
        mutex_unlock(&mount_mutex);
    }
    path_put(&t);
out:
    path_put(&s);
    return r;
}

/* The mount whose root `name` is. */
static int lookup_mount(const char *name, u32 flags, struct path *p)
{
    int r = path_lookup(AT_FDCWD, name, flags, p);
    if (!r && p->dentry != p->mnt->root) {
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

static void detach_tree(struct mount *top)
{
    struct dentry *point;
    struct mount *m;
    while ((m = detach_one(top, &point))) {
        bool last = m == top;
        dentry_put(point);
        mount_put(m);
        if (last)
            return;
    }
}

int vfs_umount(const char *target, int flags)
{
    struct dentry *point = NULL;
    struct path p;
    int r = lookup_mount(target, (flags & 8 /* UMOUNT_NOFOLLOW */) ? 0 : LOOKUP_FOLLOW, &p);
    if (r)
        return r;
    mutex_lock(&mount_mutex);
    if (!p.mnt->parent) {
        r = -EINVAL;
    } else if (flags & 2 /* MNT_DETACH */) {
        detach_tree(p.mnt);
    } else {
        spin_lock(&dcache_lock);
        if (p.mnt->nchildren || READ_ONCE(p.mnt->ref.n) > 2)
            r = -EBUSY;
        else
            mount_detach_locked(p.mnt, &point);
        spin_unlock(&dcache_lock);
        if (!r) {
            dentry_put(point);
            mount_put(p.mnt);
        }
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
    spin_lock(&dcache_lock);
    if (!s.mnt->parent)
        r = -EINVAL;
    else if (is_dir(s.mnt->root) != is_dir(t.dentry))
        r = -ENOTDIR;
    else if (mount_is_below_locked(t.mnt, s.mnt))
        r = -ELOOP;
    else {
        mount_detach_locked(s.mnt, &point);
        mount_attach_locked(s.mnt, t.mnt, t.dentry);
    }
    spin_unlock(&dcache_lock);
    mutex_unlock(&mount_mutex);
    if (point)
        dentry_put(point);
    path_put(&t);
out:
    path_put(&s);
    return r;
}

/* new: becomes the root; old: where the root of today then is. */
static int pivot_locked(const struct path *root, const struct path *new, const struct path *old,
                        struct dentry **point_r)
{
    struct mount *m = new->mnt;
    struct dentry *none;
    if (m == root->mnt || old->mnt == root->mnt)
        return -EBUSY;
    if (root->mnt != root_mount || root->dentry != root->mnt->root || !m->parent ||
        new->dentry != m->root)
        return -EINVAL;
    if (!mount_is_below_locked(old->mnt, m))
        return -EINVAL;
    mount_detach_locked(m, point_r);
    mount_detach_locked(root->mnt, &none);
    mount_attach_locked(m, NULL, NULL);
    mount_attach_locked(root->mnt, old->mnt, old->dentry);
    root_mount = m;
    return 0;
}

int vfs_pivot_root(const char *new_root, const char *put_old)
{
    struct path new, old, root;
    struct dentry *point = NULL;
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
    r = pivot_locked(&root, &new, &old, &point);
    spin_unlock(&dcache_lock);
    mutex_unlock(&mount_mutex);
    if (point)
        dentry_put(point);
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
