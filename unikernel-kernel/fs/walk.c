/* Walking a name, component by component.
 *
 * As long as names are in the cache the walk holds dcache_lock and counts nothing. What
 * may sleep (asking a file system, a permission hook, a magic link) happens after
 * walk_unlock, which turns the position into counted references; walk_lock goes on. */
#include "fs.h"

static void walk_lock(struct walk *w)
{
    spin_lock(&dcache_lock);
    w->locked = true;
}

void walk_unlock(struct walk *w)
{
    struct path old = w->pin;
    if (!w->locked)
        return;
    path_get(&w->cur);
    w->pin = w->cur;
    w->locked = false;
    spin_unlock(&dcache_lock);
    path_put(&old);
}

void walk_end(struct walk *w)
{
    if (w->locked)
        spin_unlock(&dcache_lock);
    w->locked = false;
    path_put(&w->pin);
    if (w->root_held)
        path_put(&w->root);
    if (w->dir)
        file_put(w->dir);
    while (w->nbufs)
        name_put(w->bufs[--w->nbufs]);
}

void walk_take(struct walk *w, struct path *p_r)
{
    if (!w->locked) {           /* then cur is what pin counts */
        *p_r = w->pin;
        w->pin = (struct path){ 0 };
        return;
    }
    *p_r = w->cur;
    path_get(p_r);
    w->locked = false;
    spin_unlock(&dcache_lock);
}

/* The start of a relative name. The current directory needs no count while this task
 * alone can change it. */
static int start_relative(struct walk *w, int dfd)
{
    struct fsctx *fs = current()->fs;
    struct dentry *d;
    if (dfd == AT_FDCWD) {
        if (READ_ONCE(fs->ref.n) == 1) {
            w->at_cwd = true;
            return 0;
        }
        spin_lock(&fs->lock);
        w->cur = w->pin = fs->cwd;
        path_get(&w->pin);
        spin_unlock(&fs->lock);
        return 0;
    }
    w->dir = fd_get_raw(dfd);
    if (!w->dir)
        return -EBADF;
    d = w->dir->path.dentry;
    if (!d || (!(w->flags & LOOKUP_EMPTY) && !S_ISDIR(d->inode->mode)))
        return -ENOTDIR;
    w->cur = w->dir->path;
    return 0;
}

static void start_root(struct walk *w)
{
    struct fsctx *fs = current()->fs;
    if (READ_ONCE(fs->ref.n) == 1)
        return;                 /* read by walk_lock_own */
    spin_lock(&fs->lock);
    w->root = fs->root;
    path_get(&w->root);
    spin_unlock(&fs->lock);
    w->root_held = true;
}

/* Takes dcache_lock and reads what of this task's own context is not counted: pivot_root
 * of another task changes it under that lock. */
static void walk_lock_own(struct walk *w, bool absolute)
{
    struct fsctx *fs = current()->fs;
    walk_lock(w);
    if (!w->root_held)
        w->root = fs->root;
    if (w->at_cwd)
        w->cur = fs->cwd;
    if (absolute)
        w->cur = w->root;
}

/* openat2's RESOLVE_BENEATH and RESOLVE_IN_ROOT: the start is the root. */
static void start_confined(struct walk *w)
{
    struct path old = w->root;
    bool held = w->root_held;
    path_get(&w->cur);
    w->root = w->cur;
    w->root_held = true;
    if (held) {
        walk_unlock(w);
        path_put(&old);
        walk_lock(w);
    }
}

int walk_start(struct walk *w, int dfd, const char *name, u32 flags)
{
    bool absolute = *name == '/' && !(flags & LOOKUP_IN_ROOT);
    int r;
    memset(w, 0, offsetof(struct walk, bufs));
    w->flags = flags;
    w->cred = current()->cred;
    if (!*name && !(flags & LOOKUP_EMPTY))
        return -ENOENT;
    if (absolute && (flags & LOOKUP_BENEATH))
        return -EXDEV;
    start_root(w);
    if (!absolute && (r = start_relative(w, dfd)) < 0)
        return r;
    walk_lock_own(w, absolute);
    if (unlikely(flags & (LOOKUP_BENEATH | LOOKUP_IN_ROOT)))
        start_confined(w);
    return 0;
}

/* May the current directory be searched? */
static int may_search(struct walk *w)
{
    struct inode *i = w->cur.dentry->inode;
    int r;
    if (!i || !S_ISDIR(i->mode))
        return -ENOTDIR;
    if (likely(!i->ops->permission)) {
        if ((i->mode & 0111) == 0111)
            return 0;
        return inode_mode_allows(i, w->cred, MAY_EXEC);
    }
    walk_unlock(w);
    r = i->ops->permission(i, MAY_EXEC);
    walk_lock(w);
    return r;
}

static int go_mounted(struct walk *w)
{
    struct mount *m;
    while (unlikely(w->cur.dentry->mounted) && (m = mount_on_locked(w->cur.mnt, w->cur.dentry))) {
        if (w->flags & LOOKUP_NO_XDEV)
            return -EXDEV;
        w->cur.mnt = m;
        w->cur.dentry = m->root;
    }
    return 0;
}

static int go_up(struct walk *w)
{
    for (;;) {
        if (w->cur.dentry == w->root.dentry && w->cur.mnt == w->root.mnt)
            return (w->flags & LOOKUP_BENEATH) ? -EXDEV : 0;
        if (w->cur.dentry != w->cur.mnt->root)
            break;
        if (!w->cur.mnt->parent)
            return 0;
        if (w->flags & LOOKUP_NO_XDEV)
            return -EXDEV;
        w->cur.dentry = w->cur.mnt->point;
        w->cur.mnt = w->cur.mnt->parent;
    }
    w->cur.dentry = w->cur.dentry->parent;
    return go_mounted(w);
}

/* Does a cached name hold without asking its file system? */
static bool still_valid(struct walk *w, const struct dentry *d)
{
    if (likely(!w->cur.dentry->inode->ops->revalidate) || d->valid_until == ~0ull || d->mounted)
        return true;
    if (!d->valid_until)
        return false;
    if (!w->now)
        w->now = time_mono();
    return d_valid(d, w->now);
}

/* One step down by asking: afterwards cur is the child. */
static int step_slow(struct walk *w, const char *name, u32 len, u32 hash)
{
    struct dentry *child;
    int r;
    walk_unlock(w);
    r = walk_lookup(w->cur.dentry, name, len, hash, w->to_read, &child);
    if (!r) {
        dentry_put(w->pin.dentry);
        w->pin.dentry = w->cur.dentry = child;
    }
    walk_lock(w);
    return r;
}

static int step_down(struct walk *w, const char *name, u32 len, u32 hash)
{
    struct dentry *d = d_find_locked(w->cur.dentry, name, len, hash);
    int r;
    if (likely(d && still_valid(w, d))) {
        d->hot = true;
        w->cur.dentry = d;
    } else if ((r = step_slow(w, name, len, hash)) < 0) {
        return r;
    }
    return w->cur.dentry->inode ? go_mounted(w) : -ENOENT;
}

/* A link that is an object, not a name: cur becomes the object. */
static int follow_magic(struct walk *w)
{
    struct inode *i = w->cur.dentry->inode;
    struct path p;
    int r;
    walk_unlock(w);
    r = i->ops->follow(i, &p);          /* -EINVAL: an ordinary link after all */
    if (!r && (w->flags & LOOKUP_NO_MAGICLINKS))
        r = -ELOOP;
    else if (!r && ((w->flags & (LOOKUP_BENEATH | LOOKUP_IN_ROOT)) ||
                    ((w->flags & LOOKUP_NO_XDEV) && p.mnt != w->cur.mnt)))
        r = -EXDEV;
    if (r == -ELOOP || r == -EXDEV)
        path_put(&p);
    if (!r) {
        path_put(&w->pin);
        w->pin = w->cur = p;
    }
    walk_lock(w);
    return r;
}

/* The text of the link that cur is, in a buffer that lives as long as the walk. */
static int read_link(struct walk *w, const char **text_r)
{
    struct inode *i = w->cur.dentry->inode;
    char *buf = name_alloc();
    ssize_t n;
    if (!buf)
        return -ENOMEM;
    w->bufs[w->nbufs++] = buf;
    if (i->link) {
        n = (ssize_t)strlcpy(buf, i->link, PATH_MAX);
    } else {
        walk_unlock(w);
        n = i->ops->readlink ? i->ops->readlink(i, buf, PATH_MAX) : -EINVAL;
        walk_lock(w);
        if (n < 0)
            return (int)n;
        buf[min(n, PATH_MAX - 1)] = 0;
    }
    *text_r = buf;
    return n ? 0 : -ENOENT;
}

/* cur is a symlink: *text_r is what to walk next from cur, or NULL for a magic link. */
static int follow_link(struct walk *w, const char **text_r)
{
    struct inode *i = w->cur.dentry->inode;
    int r;
    *text_r = NULL;
    if (w->nlinks++ >= WALK_MAX_LINKS || (w->flags & LOOKUP_NO_SYMLINKS) ||
        (w->cur.mnt->flags & MS_NOSYMFOLLOW))
        return -ELOOP;
    if (i->ops->follow && (r = follow_magic(w)) != -EINVAL)
        return r;
    r = read_link(w, text_r);
    if (r)
        return r;
    if (**text_r != '/') {
        w->cur.dentry = w->cur.dentry->parent;
        return 0;
    }
    if (w->flags & LOOKUP_BENEATH)
        return -EXDEV;
    if ((w->flags & LOOKUP_NO_XDEV) && w->root.mnt != w->cur.mnt)
        return -EXDEV;
    w->cur = w->root;
    return 0;
}

struct component { const char *name, *next; u32 len, hash; bool slash; };

static void parse(const char *s, struct component *c)
{
    const char *p = s;
    u32 h = D_HASH_INIT;
    for (; *p && *p != '/'; p++)
        h = d_hash_step(h, (u8)*p);
    c->name = s;
    c->len = (u32)(p - s);
    c->hash = h;
    c->slash = *p == '/';
    while (*p == '/')
        p++;
    c->next = p;
}

static enum last_type component_type(const struct component *c)
{
    if (c->name[0] != '.' || c->len > 2)
        return LAST_NORM;
    if (c->len == 1)
        return LAST_DOT;
    return c->name[1] == '.' ? LAST_DOTDOT : LAST_NORM;
}

enum { WALK_ON, WALK_STOP };

/* Does one component; *s_r is what follows, perhaps a link's text. */
static int walk_component(struct walk *w, const char **s_r)
{
    struct component c;
    enum last_type type;
    bool final;
    int r;
    parse(*s_r, &c);
    *s_r = c.next;
    final = !*c.next && !w->depth;
    type = component_type(&c);
    if ((r = may_search(w)) < 0)
        return r;
    if (final && c.slash)
        w->must_dir = true;
    if (final && (w->flags & LOOKUP_PARENT)) {
        w->last = (struct last){ type, c.name, c.len, c.hash, c.slash };
        return c.len > NAME_MAX ? -ENAMETOOLONG : WALK_STOP;
    }
    if (type == LAST_DOT)
        return WALK_ON;
    if (type == LAST_DOTDOT)
        return go_up(w);
    if (c.len > NAME_MAX)
        return -ENAMETOOLONG;
    w->to_read = final && w->flags & LOOKUP_TO_READ;
    if ((r = step_down(w, c.name, c.len, c.hash)) < 0)
        return r;
    if (S_ISLNK(w->cur.dentry->inode->mode) && (!final || c.slash || (w->flags & LOOKUP_FOLLOW))) {
        const char *text;
        if ((r = follow_link(w, &text)) < 0)
            return r;
        if (text) {
            if (*c.next)
                w->rest[w->depth++] = c.next;
            *s_r = text;
        }
    }
    return WALK_ON;
}

int walk_run(struct walk *w, const char *s)
{
    w->last.type = LAST_ROOT;
    for (;;) {
        int r;
        while (*s == '/')
            s++;
        if (!*s) {
            if (!w->depth)
                break;
            s = w->rest[--w->depth];
            continue;
        }
        r = walk_component(w, &s);
        if (r < 0)
            return r;
        if (r == WALK_STOP)
            return 0;
    }
    if ((w->must_dir || (w->flags & LOOKUP_DIRECTORY)) && !S_ISDIR(w->cur.dentry->inode->mode))
        return -ENOTDIR;
    return 0;
}

int walk_follow_last(struct walk *w, struct dentry *link)
{
    const char *text;
    int r;
    dentry_put(w->pin.dentry);
    w->pin.dentry = w->cur.dentry = link;
    walk_lock(w);
    r = follow_link(w, &text);
    if (r)
        return r;
    return text ? walk_run(w, text) : 1;
}
