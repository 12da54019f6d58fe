/* From a path to its name as programs see it. */
#include "fs.h"

/* Builds a name from its end towards the front of a buffer. */
struct namebuf { char *start, *end; };

static bool put_front(struct namebuf *b, const char *s, size_t n)
{
    if ((size_t)(b->end - b->start) < n)
        return false;
    b->end -= n;
    memcpy(b->end, s, n);
    return true;
}

static bool build_locked(const struct path *p, const struct path *root, struct namebuf *b,
                         bool *reached)
{
    const struct mount *m = p->mnt;
    const struct dentry *d = p->dentry;
    *reached = true;
    for (;;) {
        if (m == root->mnt && d == root->dentry)
            return true;
        if (d == m->root && m->parent) {
            d = m->point;
            m = m->parent;
            continue;
        }
        if (d->parent == d || d == m->root) {   /* detached, or outside the root */
            *reached = false;
            return true;
        }
        if (!put_front(b, d->name, d->len) || !put_front(b, "/", 1))
            return false;
        d = d->parent;
    }
}

char *path_name(const struct path *p, char *buf, size_t n)
{
    bool reached;

    return path_name_from_root(p, buf, n, &reached);
}

char *path_name_from_root(const struct path *p, char *buf, size_t n, bool *reached_r)
{
    struct fsctx *fs = current()->fs;
    struct namebuf b = { buf, buf + n };
    struct path root = first_mntns ? (struct path){ first_mntns->root, first_mntns->root->root }
                                   : (struct path){ p->mnt, p->dentry };
    bool ok;
    char *end;

    *reached_r = true;
    if (!put_front(&b, "", 1))
        return NULL;
    if (p->dentry->unlinked && p->dentry->parent != p->dentry &&
        !put_front(&b, " (deleted)", 10))
        return NULL;
    if (fs) {
        spin_lock(&fs->lock);
        root = fs->root;
        path_get(&root);
        spin_unlock(&fs->lock);
    }
    end = b.end;
    spin_lock(&dcache_lock);
    if (p->dentry->unlinked && p->dentry->parent == p->dentry)
        ok = put_front(&b, p->dentry->name, p->dentry->len);    /* a nameless one's label */
    else
        ok = build_locked(p, &root, &b, reached_r);
    spin_unlock(&dcache_lock);
    if (fs)
        path_put(&root);
    if (ok && b.end == end)
        ok = put_front(&b, "/", 1);
    return ok ? b.end : NULL;
}

char *path_name_below(const struct path *p, const struct path *root, char *buf, size_t n)
{
    struct namebuf b = { buf, buf + n };
    bool ok = put_front(&b, "", 1), reached = false;
    char *end = b.end;
    spin_lock(&dcache_lock);
    ok = ok && build_locked(p, root, &b, &reached) && reached;
    spin_unlock(&dcache_lock);
    if (ok && b.end == end)
        ok = put_front(&b, "/", 1);
    return ok ? b.end : NULL;
}

char *dentry_name(struct dentry *d, char *buf, size_t n)
{
    struct namebuf b = { buf, buf + n };
    bool ok = put_front(&b, "", 1);
    char *end = b.end;
    spin_lock(&dcache_lock);
    for (; ok && d->parent != d; d = d->parent)
        ok = put_front(&b, d->name, d->len) && put_front(&b, "/", 1);
    spin_unlock(&dcache_lock);
    if (ok && b.end == end)
        ok = put_front(&b, "/", 1);
    return ok ? b.end : NULL;
}
