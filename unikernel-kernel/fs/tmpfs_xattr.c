/* tmpfs: extended attributes, a list an inode (they are few). inode->lock guards changes;
 * readers take it here. */
#include <linux/xattr.h>

#include "tmpfs.h"

#define MAX_XATTRS 256

static int unsupported(const char *name)
{
    return strncmp(name, XATTR_SYSTEM_PREFIX, XATTR_SYSTEM_PREFIX_LEN) ? 0 : -EOPNOTSUPP;
}

static struct txattr **find(struct inode *i, const char *name, u32 *count_r)
{
    struct txattr **at = &tinode_of(i)->xattrs;
    for (*count_r = 0; *at && strcmp((*at)->name, name); at = &(*at)->next)
        ++*count_r;
    return at;
}

ssize_t tmpfs_getxattr(struct inode *i, const char *name, void *buf, size_t n)
{
    struct txattr *x;
    u32 count;
    ssize_t r = unsupported(name);
    if (r)
        return r;
    mutex_lock(&i->lock);
    x = *find(i, name, &count);
    if (!x)
        r = -ENODATA;
    else if (n && n < x->len)
        r = -ERANGE;
    else
        r = (ssize_t)x->len;
    if (n && r > 0)
        memcpy(buf, x->value, x->len);
    mutex_unlock(&i->lock);
    return r;
}

static void free_one(struct txattr *x)
{
    if (!x)
        return;
    kfree(x->name);
    kfree(x->value);
    kfree(x);
}

static struct txattr *make(const char *name, const void *v, size_t n)
{
    struct txattr *x = kzalloc(sizeof *x);
    if (!x)
        return NULL;
    x->name = kstrdup(name);
    x->value = kmalloc(n ? n : 1);
    x->len = n;
    if (!x->name || !x->value) {
        free_one(x);
        return NULL;
    }
    memcpy(x->value, v, n);
    return x;
}

int tmpfs_setxattr(struct inode *i, const char *name, const void *v, size_t n, int flags)
{
    struct txattr **at, *x;
    u32 count;
    int r = unsupported(name);
    if (r)
        return r;
    at = find(i, name, &count);
    if (*at && (flags & XATTR_CREATE))
        return -EEXIST;
    if (!*at && (flags & XATTR_REPLACE))
        return -ENODATA;
    if (!*at && count >= MAX_XATTRS)
        return -ENOSPC;
    x = make(name, v, n);
    if (!x)
        return -ENOMEM;
    x->next = *at ? (*at)->next : NULL;
    free_one(*at);
    *at = x;
    i->ctime = time_real();
    return 0;
}

ssize_t tmpfs_listxattr(struct inode *i, char *buf, size_t n)
{
    size_t need = 0;
    mutex_lock(&i->lock);
    for (struct txattr *x = tinode_of(i)->xattrs; x; x = x->next) {
        size_t len = strlen(x->name) + 1;
        if (!strncmp(x->name, XATTR_TRUSTED_PREFIX, XATTR_TRUSTED_PREFIX_LEN) &&
            !capable(21 /* CAP_SYS_ADMIN */))
            continue;
        if (n && need + len <= n)
            memcpy(buf + need, x->name, len);
        need += len;
    }
    mutex_unlock(&i->lock);
    return n && need > n ? -ERANGE : (ssize_t)need;
}

int tmpfs_removexattr(struct inode *i, const char *name)
{
    struct txattr **at, *x;
    u32 count;
    int r = unsupported(name);
    if (r)
        return r;
    at = find(i, name, &count);
    x = *at;
    if (!x)
        return -ENODATA;
    *at = x->next;
    free_one(x);
    i->ctime = time_real();
    return 0;
}

void tmpfs_xattr_free(struct inode *i)
{
    struct tinode *t = tinode_of(i);
    while (t->xattrs) {
        struct txattr *x = t->xattrs;
        t->xattrs = x->next;
        free_one(x);
    }
}
