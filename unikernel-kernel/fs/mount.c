/* The mount tree. mount_mutex orders those who change it; readers need dcache_lock. */
#include "fs.h"
#include "notify.h"

#define BUCKETS 64

struct mutex mount_mutex;
struct mntns *first_mntns;
struct list mounts_all;
static struct list table[BUCKETS];
static int last_id;

void mount_init(void)
{
    list_init(&mounts_all);
    for (int k = 0; k < BUCKETS; k++)
        list_init(&table[k]);
}

static struct list *bucket(const struct mount *m, const struct dentry *d)
{
    u64 h = (u64)m >> 5 ^ (u64)d >> 6;
    return &table[(h ^ h >> 8) % BUCKETS];
}

struct mount *mount_new(struct super *sb, struct dentry *root, u64 flags)
{
    struct mount *m = kzalloc(sizeof *m);
    if (!m)
        return NULL;
    ref_init(&m->ref);
    m->id = __atomic_add_fetch(&last_id, 1, __ATOMIC_RELAXED);
    m->flags = flags;
    m->sb = sb;
    m->root = root;
    dentry_get(root);
    __atomic_add_fetch(&sb->active, 1, __ATOMIC_RELAXED);
    list_init(&m->all_link);
    list_init(&m->hash_link);
    return m;
}

struct mount *mount_clone(struct mount *m, struct dentry *root)
{
    struct mount *c = mount_new(m->sb, root, m->flags);
    if (!c)
        return NULL;
    c->group = m->group;
    c->master = m->master;
    return c;
}

void mount_get(struct mount *m) { ref_get(&m->ref); }

void super_end(struct super *sb)
{
    struct dentry *root = sb->root;
    notify_unmounted(sb);
    d_drop_super(sb);
    sb->root = NULL;
    if (root)
        dentry_put(root);
    super_put(sb);
}

void mount_put(struct mount *m)
{
    struct super *sb = m->sb;
    if (!ref_put(&m->ref))
        return;
    dentry_put(m->root);
    kfree(m);
    if (__atomic_sub_fetch(&sb->active, 1, __ATOMIC_ACQ_REL) == 0)
        super_end(sb);
}

struct mount *mount_on_locked(const struct mount *m, const struct dentry *d)
{
    struct mount *k;
    list_for_each(k, bucket(m, d), hash_link)
        if (k->parent == m && k->point == d)
            return k;
    return NULL;
}

/* In the order of their ids, however often it moves. */
static void list_by_id(struct mount *m)
{
    struct list *at = &mounts_all;
    while (at->prev != &mounts_all && list_entry(at->prev, struct mount, all_link)->id > m->id)
        at = at->prev;
    list_add_tail(at, &m->all_link);
}

void mount_attach_locked(struct mount *m, struct mount *parent, struct dentry *point)
{
    m->parent = parent;
    m->point = point;
    if (parent) {
        parent->nchildren++;
        dentry_get(point);
        point->mounted = true;
        list_add(bucket(parent, point), &m->hash_link);
        m->ns = parent->ns;
    }
    list_by_id(m);
}

void mount_attach_root_locked(struct mount *m, struct mntns *ns)
{
    mount_attach_locked(m, NULL, NULL);
    m->ns = ns;
    ns->root = m;
}

static bool any_on_locked(const struct dentry *d)
{
    struct mount *m;
    list_for_each(m, &mounts_all, all_link)
        if (m->parent && m->point == d)
            return true;
    return false;
}

void mount_detach_locked(struct mount *m, struct dentry **point_r)
{
    struct dentry *point = m->point;
    *point_r = point;
    list_del(&m->all_link);
    list_del(&m->hash_link);
    m->ns = NULL;
    if (!m->parent)
        return;
    m->parent->nchildren--;
    m->parent = NULL;
    m->point = NULL;
    if (!any_on_locked(point))
        point->mounted = false;
}

bool mount_is_below_locked(const struct mount *m, const struct mount *top)
{
    while (m && m != top)
        m = m->parent;
    return m == top;
}

struct mount *vfs_mount_next(struct mount *prev)
{
    struct list *at;
    struct mount *m = NULL;
    spin_lock(&dcache_lock);
    at = prev ? prev->all_link.next : mounts_all.next;
    if (prev && at == &prev->all_link)          /* it was unmounted meanwhile */
        at = &mounts_all;
    if (at != &mounts_all) {
        m = container_of(at, struct mount, all_link);
        mount_get(m);
    }
    spin_unlock(&dcache_lock);
    if (prev)
        mount_put(prev);
    return m;
}

void vfs_for_each_mount(void (*fn)(struct mount *m, void *arg), void *arg)
{
    struct mount *m;
    spin_lock(&dcache_lock);
    list_for_each(m, &mounts_all, all_link)
        fn(m, arg);
    spin_unlock(&dcache_lock);
}

bool path_is_readonly(const struct path *p)
{
    return p->mnt && (p->mnt->flags & MS_RDONLY);
}

int vfs_sync_all(bool disk)
{
    int r = 0, one;
    for (struct mount *m = NULL; (m = vfs_mount_next(m));)
        if (m->sb->ops->sync && (one = m->sb->ops->sync(m->sb, disk)) < 0)
            r = one;
    return r;
}
