/* tmpfs: directories. Directory's lock held in all operations. */
#include <linux/fs.h>

#include "tmpfs.h"

static int compare(const struct tdirent *e, u32 hash, const char *name, size_t len)
{
    if (e->hash != hash)
        return hash < e->hash ? -1 : 1;
    if (e->len != len)
        return len < e->len ? -1 : 1;
    return memcmp(name, e->name, len);
}

static struct tdirent *find(struct inode *dir, const char *name, size_t len)
{
    u32 hash = hash_bytes(name, len, 0);
    struct rbnode *n = tinode_of(dir)->by_name.root;
    while (n) {
        struct tdirent *e = container_of(n, struct tdirent, name_node);
        int c = compare(e, hash, name, len);
        if (!c)
            return e;
        n = c < 0 ? n->left : n->right;
    }
    return NULL;
}

static void link_name(struct tinode *t, struct tdirent *e)
{
    struct rbnode **at = &t->by_name.root, *parent = NULL;
    while (*at) {
        parent = *at;
        if (compare(container_of(parent, struct tdirent, name_node), e->hash, e->name, e->len) < 0)
            at = &parent->left;
        else
            at = &parent->right;
    }
    rb_insert(&t->by_name, &e->name_node, parent, at);
}

static void link_cookie(struct tinode *t, struct tdirent *e)
{
    struct rbnode **at = &t->by_cookie.root, *parent = NULL;
    e->cookie = t->next_cookie++;
    while (*at) {               /* always the last */
        parent = *at;
        at = &parent->right;
    }
    rb_insert(&t->by_cookie, &e->cookie_node, parent, at);
}

static void touched(struct inode *dir)
{
    dir->mtime = dir->ctime = time_real();
}

/* Takes a reference of i over on success. */
int tmpfs_add(struct inode *dir, const char *name, size_t len, struct inode *i)
{
    struct tinode *t = tinode_of(dir);
    struct tdirent *e = kmalloc(sizeof *e + len + 1);
    if (!e)
        return -ENOMEM;
    list_init(&e->dying);
    e->inode = i;
    e->hash = hash_bytes(name, len, 0);
    e->len = (u16)len;
    memcpy(e->name, name, len);
    e->name[len] = 0;
    link_name(t, e);
    link_cookie(t, e);
    dir->size += TDIRENT_SIZE;
    if (S_ISDIR(i->mode))
        dir->nlink++;
    touched(dir);
    return 0;
}

/* The name's reference to its inode is the caller's afterwards. */
static struct inode *take_out(struct inode *dir, struct tdirent *e)
{
    struct tinode *t = tinode_of(dir);
    struct inode *i = e->inode;
    rb_erase(&t->by_name, &e->name_node);
    rb_erase(&t->by_cookie, &e->cookie_node);
    kfree(e);
    dir->size -= TDIRENT_SIZE;
    if (S_ISDIR(i->mode))
        dir->nlink--;
    touched(dir);
    return i;
}

static int tmpfs_lookup(struct inode *dir, struct dentry *d)
{
    struct tdirent *e = find(dir, d->name, d->len);
    if (e)
        inode_get(e->inode);
    d_add(d, e ? e->inode : NULL);
    return 0;
}

/* A new inode gets its name. */
static int add_new(struct inode *dir, struct dentry *d, struct inode *i)
{
    int r = tmpfs_add(dir, d->name, d->len, i);
    if (r) {
        inode_put(i);
        return r;
    }
    inode_get(i);
    d_add(d, i);
    return 0;
}

static int make(struct inode *dir, struct dentry *d, u32 mode, u64 rdev)
{
    int r;
    struct inode *i = tmpfs_inode(dir->sb, dir, mode, rdev, &r);
    return i ? add_new(dir, d, i) : r;
}

static int tmpfs_create(struct inode *dir, struct dentry *d, u32 mode)
{
    return make(dir, d, S_IFREG | mode, 0);
}

static int tmpfs_mkdir(struct inode *dir, struct dentry *d, u32 mode)
{
    return make(dir, d, S_IFDIR | mode, 0);
}

static int tmpfs_mknod(struct inode *dir, struct dentry *d, u32 mode, u64 rdev)
{
    return make(dir, d, mode, rdev);
}

static int tmpfs_symlink(struct inode *dir, struct dentry *d, const char *target)
{
    size_t n = strlen(target);
    int r;
    struct inode *i = tmpfs_inode(dir->sb, dir, S_IFLNK | 0777, 0, &r);
    if (!i)
        return r;
    inode_set_link(i, target, n);
    if (!i->link) {
        inode_put(i);
        return -ENOMEM;
    }
    i->size = n;
    return add_new(dir, d, i);
}

static int tmpfs_link(struct inode *i, struct inode *dir, struct dentry *d)
{
    int r;
    inode_get(i);               /* the name's */
    r = tmpfs_add(dir, d->name, d->len, i);
    if (r) {
        inode_put(i);
        return r;
    }
    __atomic_add_fetch(&i->nlink, 1, __ATOMIC_RELAXED);
    i->ctime = time_real();
    inode_get(i);
    d_add(d, i);
    return 0;
}

static void drop_link(struct inode *i)
{
    if (S_ISDIR(i->mode))
        i->nlink = 0;
    else
        __atomic_sub_fetch(&i->nlink, 1, __ATOMIC_RELAXED);
    i->ctime = time_real();
    inode_put(i);
}

static int tmpfs_unlink(struct inode *dir, struct dentry *d)
{
    struct tdirent *e = find(dir, d->name, d->len);
    if (!e)
        return -ENOENT;
    drop_link(take_out(dir, e));
    return 0;
}

static int tmpfs_rmdir(struct inode *dir, struct dentry *d)
{
    if (tinode_of(d->inode)->by_name.root)
        return -ENOTEMPTY;
    return tmpfs_unlink(dir, d);
}

/* Two names change what they stand for. */
static void exchange(struct inode *od, struct tdirent *o, struct inode *nd, struct tdirent *n)
{
    struct inode *i = o->inode;
    int shift = (int)S_ISDIR(n->inode->mode) - (int)S_ISDIR(i->mode);
    o->inode = n->inode;
    n->inode = i;
    if (od != nd) {
        od->nlink += (u32)shift;
        nd->nlink -= (u32)shift;
    }
    o->inode->ctime = n->inode->ctime = time_real();
    touched(od);
    touched(nd);
}

/* n, which exists, becomes a name of i; i's name reference is taken over. */
static void replace(struct inode *nd, struct tdirent *n, struct inode *i)
{
    struct inode *victim = n->inode;
    n->inode = i;
    if (S_ISDIR(victim->mode) && !S_ISDIR(i->mode))
        nd->nlink--;
    touched(nd);
    drop_link(victim);
}

static int whiteout(struct inode *od, struct tdirent *o, struct inode **was_r)
{
    int r;
    struct inode *w = tmpfs_inode(od->sb, od, S_IFCHR, 0, &r);
    if (!w)
        return r;
    *was_r = o->inode;
    if (S_ISDIR(o->inode->mode))
        od->nlink--;
    o->inode = w;
    touched(od);
    return 0;
}

static int tmpfs_rename(struct inode *od, struct dentry *o, struct inode *nd, struct dentry *n,
                        u32 flags)
{
    struct tdirent *oe = find(od, o->name, o->len), *ne = find(nd, n->name, n->len);
    struct inode *i;
    int r = 0;
    if (!oe || ((flags & RENAME_EXCHANGE) && !ne))
        return -ENOENT;
    if (flags & RENAME_EXCHANGE) {
        exchange(od, oe, nd, ne);
        return 0;
    }
    i = oe->inode;
    if (ne && S_ISDIR(ne->inode->mode) && tinode_of(ne->inode)->by_name.root)
        return -ENOTEMPTY;
    if (!ne) {
        r = tmpfs_add(nd, n->name, n->len, i);
        if (r)
            return r;
        inode_get(i);           /* the new name's; the old one's goes below */
    }
    if (flags & RENAME_WHITEOUT)
        r = whiteout(od, oe, &i);
    else
        i = take_out(od, oe);
    if (r) {
        if (!ne)
            inode_put(take_out(nd, find(nd, n->name, n->len)));
        return r;
    }
    i->ctime = time_real();
    if (ne)
        replace(nd, ne, i);
    else
        inode_put(i);
    return 0;
}

static int tmpfs_tmpfile(struct inode *dir, struct inode **inode_r, u32 mode)
{
    int r = 0;
    struct inode *i = tmpfs_inode(dir->sb, dir, S_IFREG | mode, 0, &r);
    if (!i)
        return r;
    i->nlink = 0;
    *inode_r = i;
    return 0;
}

static struct tdirent *first_from(struct tinode *t, u64 cookie)
{
    struct rbnode *n = t->by_cookie.root;
    struct tdirent *best = NULL;
    while (n) {
        struct tdirent *e = container_of(n, struct tdirent, cookie_node);
        if (e->cookie >= cookie) {
            best = e;
            n = n->left;
        } else {
            n = n->right;
        }
    }
    return best;
}

static int tmpfs_readdir(struct file *f, struct dirent_ctx *c)
{
    struct tdirent *e;
    struct rbnode *n;
    if (!readdir_dots(f, c))
        return 0;
    e = first_from(tinode_of(f->inode), (u64)f->pos);
    for (n = e ? &e->cookie_node : NULL; n; n = rb_next(n)) {
        e = container_of(n, struct tdirent, cookie_node);
        if (!c->emit(c, e->name, e->len, e->inode->ino, e->cookie + 1,
                     mode_dtype(e->inode->mode)))
            break;
    }
    return 0;
}

static int tmpfs_dir_fsync(struct file *f, bool data_only) { return 0; }

/* Names of a directory that goes with its super. Not by recursion: trees may be deep. */
void tmpfs_dir_free(struct inode *dir)
{
    struct tmpfs *fs = tmpfs_of(dir->sb);
    struct tinode *t = tinode_of(dir);
    struct rbnode *n;
    bool drain;
    spin_lock(&fs->lock);
    while ((n = rb_first(&t->by_cookie))) {
        struct tdirent *e = container_of(n, struct tdirent, cookie_node);
        rb_erase(&t->by_cookie, n);
        list_add(&fs->dying, &e->dying);
    }
    t->by_name.root = NULL;
    drain = !fs->draining && !list_empty(&fs->dying);
    if (drain)
        fs->draining = true;
    while (drain && !list_empty(&fs->dying)) {
        struct tdirent *e = list_first(&fs->dying, struct tdirent, dying);
        list_del(&e->dying);
        spin_unlock(&fs->lock);
        inode_put(e->inode);
        kfree(e);
        spin_lock(&fs->lock);
    }
    if (drain)
        fs->draining = false;
    spin_unlock(&fs->lock);
}

const struct inode_ops tmpfs_dir_iops = {
    .lookup = tmpfs_lookup, .create = tmpfs_create, .mkdir = tmpfs_mkdir, .mknod = tmpfs_mknod,
    .symlink = tmpfs_symlink, .link = tmpfs_link, .unlink = tmpfs_unlink, .rmdir = tmpfs_rmdir,
    .rename = tmpfs_rename, .tmpfile = tmpfs_tmpfile, TMPFS_ATTR_OPS,
};
const struct file_ops tmpfs_dir_fops = { .readdir = tmpfs_readdir, .fsync = tmpfs_dir_fsync };
