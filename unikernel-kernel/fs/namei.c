/* From names to paths: the lookups that everyone else calls. */
#include "fs.h"

struct objcache name_cache = OBJCACHE(PATH_MAX, 16);

char *name_alloc(void) { return objcache_get(&name_cache); }
void name_put(char *name) { objcache_put(&name_cache, name); }

int name_get(uptr_t user, char **name_r)
{
    char *s = name_alloc();
    ssize_t n;
    if (!s)
        return -ENOMEM;
    n = strncpy_from_user(s, user, PATH_MAX);
    if (n < 0) {
        name_put(s);
        return (int)n;
    }
    *name_r = s;
    return 0;
}

void path_get(struct path *p)
{
    if (likely(p->mnt))         /* nameless ones have none */
        mount_get(p->mnt);
    dentry_get(p->dentry);
}

void path_put(struct path *p)
{
    if (p->dentry)
        dentry_put(p->dentry);
    if (p->mnt)
        mount_put(p->mnt);
    p->dentry = NULL;
    p->mnt = NULL;
}

/* The cached child if it may be used without asking, else NULL. Counted. */
static struct dentry *find_valid(struct dentry *dir, const char *name, u32 len, u32 hash)
{
    struct dentry *d;
    spin_lock(&dcache_lock);
    d = d_find_locked(dir, name, len, hash);
    if (d)
        dentry_get(d);
    spin_unlock(&dcache_lock);
    if (!d || !dir->inode->ops->revalidate || d->mounted || d->valid_until == ~0ull ||
        (d->valid_until && d_valid(d, time_mono())) || dir->inode->ops->revalidate(d))
        return d;
    d_drop(d);
    dentry_put(d);
    return NULL;
}

static int lookup_as(struct dentry *dir, const char *name, u32 len, u32 hash, bool to_read,
                     struct dentry **d_r)
{
    struct dentry *d = find_valid(dir, name, len, hash);
    int r;
    if (!d) {
        if (!dir->inode->ops->lookup)
            return -ENOTDIR;
        if (dir->unlinked)
            return -ENOENT;
        d = d_alloc(dir, name, len);
        if (!d)
            return -ENOMEM;
        d->to_read = to_read;
        r = dir->inode->ops->lookup(dir->inode, d);
        if (r) {
            dentry_put(d);
            return r;
        }
    }
    *d_r = d;
    return 0;
}

int lookup_locked(struct dentry *dir, const char *name, u32 len, u32 hash, struct dentry **d_r)
{
    return lookup_as(dir, name, len, hash, false, d_r);
}

int lookup_for_making(const struct path *dir, const struct last *name, struct dentry **d_r)
{
    struct dentry *at = dir->dentry;
    if (!at->inode->ops->makers_tell || path_is_readonly(dir) || may_create(dir) < 0)
        return lookup_locked(at, name->name, name->len, name->hash, d_r);
    *d_r = find_valid(at, name->name, name->len, name->hash);
    if (!*d_r)
        *d_r = d_alloc(at, name->name, name->len);
    return *d_r ? 0 : -ENOMEM;
}

int walk_lookup(struct dentry *dir, const char *name, u32 len, u32 hash, bool to_read,
                struct dentry **d_r)
{
    int r;
    mutex_lock(&dir->inode->lock);
    r = lookup_as(dir, name, len, hash, to_read, d_r);
    mutex_unlock(&dir->inode->lock);
    return r;
}

int path_lookup(int dfd, const char *name, u32 flags, struct path *path_r)
{
    struct walk w;
    int r = walk_start(&w, dfd, name, flags);
    if (!r)
        r = walk_run(&w, name);
    if (!r)
        walk_take(&w, path_r);
    walk_end(&w);
    return r;
}

int path_parent(int dfd, const char *name, u32 flags, struct path *dir_r, char *last)
{
    struct walk w;
    int r = walk_start(&w, dfd, name, flags | LOOKUP_PARENT);
    if (!r)
        r = walk_run(&w, name);
    if (!r) {
        if (w.last.type == LAST_ROOT) {
            last[0] = 0;
        } else {
            memcpy(last, w.last.name, w.last.len);
            last[w.last.len] = 0;
        }
        walk_take(&w, dir_r);
    }
    walk_end(&w);
    return r;
}
