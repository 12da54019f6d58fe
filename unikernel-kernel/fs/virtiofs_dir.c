/* virtio-fs: names. The directory's lock is held by the caller in all of these but
 * revalidate; names are checked for length by the walk. */
#include "virtiofs.h"
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/limits.h>
#include <linux/stat.h>
#include "abi/fs.h"
#include "plat.h"
#include "time.h"

enum { NEWS_WORTH = 256 };      /* names */

/* How long a name stays unknown once the device said so without a time of its own. */
#define NEGATIVE_NS NSEC_PER_SEC

/* A request about d in dir, its fixed part still to be filled in by the caller. */
static struct fuse_req *dir_req(struct inode *dir, u32 op, const void *in, size_t n,
                                const struct dentry *d)
{
    struct fuse_req *r = virtiofs_req(dir, op);

    if (!r)
        return NULL;
    if (n)
        memcpy(fuse_arg(r, n), in, n);
    fuse_arg_str(r, d->name, d->len);
    return r;
}

static bool entry_ok(const struct fuse_entry_out *e)
{
    return e->nodeid > FUSE_ROOT_ID && e->attr.mode & S_IFMT;
}

/* Our own change of a directory: its times and names. */
static void changed(struct inode *dir)
{
    virtiofs_stale(dir);
    virtiofs_names_drop(dir);
}

/* d gets the inode of the answer in r, which is consumed. */
static int instantiate(struct inode *dir, struct dentry *d, struct fuse_req *r, u32 seq)
{
    struct fuse_entry_out e;
    struct inode *i;
    int rc = 0;

    memcpy(&e, r->out, sizeof e);
    fuse_req_free(r);
    if (!entry_ok(&e))
        return -EIO;
    i = virtiofs_iget(dir->sb, &e, seq, &rc);
    if (!i)
        return rc;
    d->valid_until = virtiofs_deadline(virtiofs_of(dir), seq, e.entry_valid, e.entry_valid_nsec);
    d_add(d, i);
    return 0;
}

static void forget_absent(struct inode *dir);

/* A request that makes something: its times are the directory's news too. */
static int make(struct inode *dir, struct dentry *d, struct fuse_req *r)
{
    u32 seq = virtiofs_news_seq(virtiofs_of(dir));
    int rc;

    if (!r)
        return -ENOMEM;
    rc = fuse_call(r, sizeof(struct fuse_entry_out));
    changed(dir);
    forget_absent(dir);
    if (rc == 0)
        return instantiate(dir, d, r, seq);
    if (rc == -EEXIST)
        d->valid_until = 0;     /* somebody else made it: what we knew is old */
    fuse_req_free(r);
    return rc;
}

/* Programs often remove a name and make it anew (temporary and lock files): that it is
 * gone need not be asked. Directory's lock held. */
static void remember_absent(struct inode *dir, const struct dentry *d)
{
    struct vnode *v = vnode_of(dir);

    kfree(v->absent);
    v->absent = kstrdup(d->name);
    v->absent_until = time_mono() + NEGATIVE_NS;
}

static bool known_absent(struct inode *dir, const struct dentry *d)
{
    struct vnode *v = vnode_of(dir);

    return v->absent && !strcmp(v->absent, d->name) && time_mono() < v->absent_until;
}

/* The directory gets a new name (or may have). */
static void forget_absent(struct inode *dir)
{
    struct vnode *v = vnode_of(dir);

    kfree(v->absent);
    v->absent = NULL;
}

/* Containers that live for a moment never ask for news; those that look at many names
 * should not have to look at them again. */
static void start_news(struct super *sb)
{
    struct virtiofs *fs = sb->priv;

    if (READ_ONCE(fs->lookups) < NEWS_WORTH && ++fs->lookups == NEWS_WORTH)
        virtiofs_news(sb);
}

static bool is_whole(struct inode *dir);

/* Known not to be there, without asking. */
static bool lookup_known(struct inode *dir, struct dentry *d)
{
    if (known_absent(dir, d))
        d->valid_until = vnode_of(dir)->absent_until;
    else if (is_whole(dir))
        d->valid_until = D_UNTIL_NEWS;
    else
        return false;
    d_add(d, NULL);
    return true;
}

/* d gets the inode of the answer in r, and what was granted with it. */
static int lookup_found(struct inode *dir, struct dentry *d, struct fuse_req *r, u32 seq,
                        u64 cookie)
{
    s32 grant = cookie ? plat_grant_take(cookie) : -1;
    int rc = instantiate(dir, d, r, seq);

    if (grant < 0)
        return rc;
    if (rc == 0 && S_ISREG(d->inode->mode))
        vnode_grant_given(vnode_of(d->inode), false, grant);
    else
        plat_grant_close(grant);
    return rc;
}

static int virtiofs_lookup(struct inode *dir, struct dentry *d)
{
    bool grants = d->to_read && fuse_conn_grants(virtiofs_of(dir)->conn);
    struct { struct fuse_entry_out e; struct xenc_grant_out g; } *o;
    struct fuse_entry_out *e;
    struct fuse_req *r;
    u32 seq;
    int rc;

    if (d->len > NAME_MAX)
        return -ENAMETOOLONG;
    if (lookup_known(dir, d))
        return 0;
    start_news(dir->sb);
    r = dir_req(dir, grants ? XENC_FUSE_LOOKUP : FUSE_LOOKUP, NULL, 0, d);
    if (!r)
        return -ENOMEM;
    seq = virtiofs_news_seq(virtiofs_of(dir));
    rc = fuse_call(r, grants ? sizeof *o : sizeof *e);
    o = (void *)r->out;
    e = &o->e;
    if (rc == 0 && e->nodeid)
        return lookup_found(dir, d, r, seq, grants ? o->g.cookie : 0);
    if (rc == 0 || rc == -ENOENT) {
        d->valid_until = rc < 0 ? time_mono() + NEGATIVE_NS :
                         virtiofs_deadline(virtiofs_of(dir), seq, e->entry_valid,
                                           e->entry_valid_nsec);
        d_add(d, NULL);
        rc = 0;
    }
    fuse_req_free(r);
    return rc;
}

/* Asks again whether d still names what it did. Copies the name first: d may be renamed
 * meanwhile, and then the answer simply does not fit any more. */
static bool virtiofs_revalidate(struct dentry *d)
{
    struct fuse_entry_out e;
    struct inode *dir, *i = NULL;
    struct fuse_req *r;
    char name[NAME_MAX + 1];
    size_t len;
    u32 seq;
    int rc;

    if (virtiofs_news(d->sb) && READ_ONCE(d->valid_until) == D_UNTIL_NEWS)
        return true;
    spin_lock(&dcache_lock);
    len = min((size_t)d->len, (size_t)NAME_MAX);
    memcpy(name, d->name, len);
    dir = d->parent->inode;
    inode_get(dir);
    spin_unlock(&dcache_lock);
    r = virtiofs_req(dir, FUSE_LOOKUP);
    if (!r) {
        inode_put(dir);
        return false;
    }
    fuse_arg_str(r, name, len);
    seq = virtiofs_news_seq(virtiofs_of(dir));
    rc = fuse_call(r, sizeof e);
    memcpy(&e, r->out, sizeof e);
    fuse_req_free(r);
    if (rc == 0 && entry_ok(&e))
        i = virtiofs_iget(dir->sb, &e, seq, &rc);
    inode_put(dir);
    if (i != d->inode || (rc < 0 && rc != -ENOENT)) {
        if (i)
            inode_put(i);
        return false;
    }
    d->valid_until = rc < 0 ? time_mono() + NEGATIVE_NS :
                     virtiofs_deadline(d->sb->priv, seq, e.entry_valid, e.entry_valid_nsec);
    if (i)
        inode_put(i);
    return true;
}

struct created {
    struct fuse_entry_out entry;
    struct fuse_open_out open;
    struct xenc_grant_out grant;
};

/* The device's answer to a new file's request: its grant or -1, its handle or 0. */
static int ask_create(struct inode *dir, struct dentry *d, u32 mode, struct fuse_req **r_r,
                      s32 *grant_r, u64 *fh_r)
{
    struct fuse_create_in in = { .flags = O_RDWR | O_CREAT | O_EXCL, .mode = S_IFREG | mode };
    bool grants = fuse_conn_grants(virtiofs_of(dir)->conn);
    struct fuse_req *r = dir_req(dir, grants ? XENC_FUSE_CREATE : FUSE_CREATE, &in, sizeof in, d);
    struct created o;
    int rc;

    *r_r = r;
    if (!r)
        return -ENOMEM;
    rc = fuse_call(r, grants ? sizeof o : offsetof(struct created, grant));
    memcpy(&o, r->out, sizeof o);
    *fh_r = o.open.fh;
    *grant_r = rc == 0 && grants && o.grant.cookie ? plat_grant_take(o.grant.cookie) : -1;
    return rc;
}

/* What comes with a new file serves its writes (virtiofs_file.c). */
static void keep_created(struct vnode *v, bool has_fh, u64 fh, s32 grant)
{
    v->no_fcaps = true;
    v->made = fuse_conn_grants(virtiofs_of(v->inode)->conn);
    v->inode->has_fcaps = false;
    mutex_lock(&v->lock);
    if (has_fh && !v->fh_open[1]) {
        v->fh[1] = fh;
        v->fh_open[1] = true;
    }
    mutex_unlock(&v->lock);
    if (grant >= 0)
        vnode_grant_given(v, true, grant);
}

static int virtiofs_create(struct inode *dir, struct dentry *d, u32 mode)
{
    u32 seq = virtiofs_news_seq(virtiofs_of(dir));
    struct fuse_req *r;
    s32 grant = -1;
    u64 fh;
    int rc = ask_create(dir, d, mode, &r, &grant, &fh);

    changed(dir);
    forget_absent(dir);
    if (rc < 0) {
        if (rc == -EEXIST)
            d->valid_until = 0;
        fuse_req_free(r);
        return rc;
    }
    rc = instantiate(dir, d, r, seq);
    if (rc < 0) {
        if (grant >= 0)
            plat_grant_close(grant);
        return rc;
    }
    keep_created(vnode_of(d->inode), fh || !fuse_conn_grants(virtiofs_of(dir)->conn), fh, grant);
    return 0;
}

/* The device watches the new directory, or its attributes hold for a time only. */
static int virtiofs_mkdir(struct inode *dir, struct dentry *d, u32 mode)
{
    struct fuse_mkdir_in in = { .mode = mode };
    u32 gen = READ_ONCE(virtiofs_of(dir)->names_gen);
    int rc = make(dir, d, dir_req(dir, FUSE_MKDIR, &in, sizeof in, d));

    if (rc < 0)
        return rc;
    dir->nlink++;
    if (READ_ONCE(vnode_of(d->inode)->attr_until) == D_UNTIL_NEWS)
        vnode_of(d->inode)->whole = gen + 1;
    return 0;
}

/* All names of the directory are cached: it was empty, and what came came by us. */
static bool is_whole(struct inode *dir)
{
    struct vnode *v = vnode_of(dir);

    return v->whole && virtiofs_news(dir->sb) && !READ_ONCE(dir->names_lost) &&
           READ_ONCE(v->whole) == READ_ONCE(virtiofs_of(dir)->names_gen) + 1;
}

static int virtiofs_mknod(struct inode *dir, struct dentry *d, u32 mode, u64 rdev)
{
    struct fuse_mknod_in in = { .mode = mode, .rdev = (u32)rdev };

    if (rdev >> 32)
        return -EINVAL;
    return make(dir, d, dir_req(dir, FUSE_MKNOD, &in, sizeof in, d));
}

static int virtiofs_symlink(struct inode *dir, struct dentry *d, const char *target)
{
    struct fuse_req *r = dir_req(dir, FUSE_SYMLINK, NULL, 0, d);
    size_t n = strlen(target) + 1;
    char *copy = kmalloc(n);
    int rc;

    if (!r || !copy) {
        fuse_req_free(r);
        kfree(copy);
        return -ENOMEM;
    }
    memcpy(copy, target, n);
    r->send = copy;
    r->send_len = (u32)n;
    rc = make(dir, d, r);
    kfree(copy);
    if (rc == 0)
        inode_set_link(d->inode, target, n - 1);
    return rc;
}

static int virtiofs_link(struct inode *i, struct inode *dir, struct dentry *d)
{
    struct fuse_link_in in = { .oldnodeid = vnode_of(i)->nodeid };

    return make(dir, d, dir_req(dir, FUSE_LINK, &in, sizeof in, d));
}

static int remove_name(struct inode *dir, struct dentry *d, u32 op)
{
    struct fuse_req *r = dir_req(dir, op, NULL, 0, d);
    struct inode *i = d->inode;
    int rc;

    if (!r)
        return -ENOMEM;
    rc = fuse_call(r, 0);
    fuse_req_free(r);
    changed(dir);
    if (rc < 0)
        return rc;
    remember_absent(dir, d);
    if (op == FUSE_RMDIR) {
        i->nlink = 0;
        dir->nlink -= dir->nlink > 2;
    } else if (i->nlink) {
        i->nlink--;
    }
    if (i->nlink)
        virtiofs_stale(i);      /* its ctime */
    return 0;
}

static int virtiofs_unlink(struct inode *dir, struct dentry *d)
{
    return remove_name(dir, d, FUSE_UNLINK);
}

static int virtiofs_rmdir(struct inode *dir, struct dentry *d)
{
    return remove_name(dir, d, FUSE_RMDIR);
}

static int virtiofs_rename(struct inode *od, struct dentry *o, struct inode *nd,
                           struct dentry *n, u32 flags)
{
    struct fuse_rename2_in in2 = { .newdir = vnode_of(nd)->nodeid, .flags = flags };
    struct fuse_rename_in in = { .newdir = vnode_of(nd)->nodeid };
    struct inode *gone = flags & RENAME_EXCHANGE ? NULL : n->inode;
    struct fuse_req *r;
    int rc;

    if (flags && virtiofs_of(od)->no_rename2)
        return -EINVAL;
    r = flags ? dir_req(od, FUSE_RENAME2, &in2, sizeof in2, o)
              : dir_req(od, FUSE_RENAME, &in, sizeof in, o);
    if (!r)
        return -ENOMEM;
    fuse_arg_str(r, n->name, n->len);
    rc = fuse_call(r, 0);
    fuse_req_free(r);
    if (rc == -ENOSYS) {
        virtiofs_of(od)->no_rename2 = true;
        return -EINVAL;
    }
    changed(od);
    changed(nd);
    forget_absent(od);
    forget_absent(nd);
    if (rc < 0)
        return rc;
    virtiofs_stale(o->inode);
    if (gone && gone != o->inode) {
        gone->nlink = S_ISDIR(gone->mode) ? 0 : gone->nlink - (gone->nlink > 0);
        if (gone->nlink)
            virtiofs_stale(gone);
    }
    return 0;
}

static int virtiofs_tmpfile(struct inode *dir, struct inode **inode_r, u32 mode)
{
    struct fuse_create_in in = { .flags = O_RDWR | O_TMPFILE, .mode = S_IFREG | mode };
    struct fuse_entry_out e;
    struct fuse_open_out open;
    struct fuse_req *r;
    int rc;

    if (virtiofs_of(dir)->no_tmpfile)
        return -EOPNOTSUPP;
    r = virtiofs_req(dir, FUSE_TMPFILE);
    if (!r)
        return -ENOMEM;
    memcpy(fuse_arg(r, sizeof in), &in, sizeof in);
    fuse_arg_str(r, "#tmpfile", 8);     /* the protocol wants a name; it is not used */
    rc = fuse_call(r, sizeof e + sizeof open);
    memcpy(&e, r->out, sizeof e);
    memcpy(&open, r->out + sizeof e, sizeof open);
    fuse_req_free(r);
    if (rc == -ENOSYS) {
        virtiofs_of(dir)->no_tmpfile = true;
        return -EOPNOTSUPP;
    }
    if (rc < 0)
        return rc;
    if (!entry_ok(&e) || !S_ISREG(e.attr.mode))
        return -EIO;
    *inode_r = virtiofs_iget(dir->sb, &e, virtiofs_news_seq(virtiofs_of(dir)), &rc);
    if (!*inode_r)
        return rc;
    vnode_of(*inode_r)->fh[1] = open.fh;
    vnode_of(*inode_r)->fh_open[1] = true;
    return 0;
}

static ssize_t virtiofs_readlink(struct inode *i, char *buf, size_t n)
{
    struct fuse_req *r;
    char *target;
    ssize_t rc;

    if (!S_ISLNK(i->mode))
        return -EINVAL;
    r = virtiofs_req(i, FUSE_READLINK);
    target = kmalloc(PATH_MAX);
    if (!r || !target) {
        fuse_req_free(r);
        kfree(target);
        return -ENOMEM;
    }
    r->recv = target;
    r->recv_len = PATH_MAX - 1;
    rc = fuse_call(r, 0);
    if (rc == 0) {
        rc = (ssize_t)strnlen(target, r->recv_got);
        target[rc] = 0;
        inode_set_link(i, target, (size_t)rc);
        rc = min(rc, (ssize_t)n - 1);
        memcpy(buf, target, (size_t)rc);
        buf[rc] = 0;
    }
    if (!r->lost)
        kfree(target);
    fuse_req_free(r);
    return rc;
}

#define COMMON_OPS \
    .getattr = virtiofs_getattr, .setattr = virtiofs_setattr, \
    .getxattr = virtiofs_getxattr, .setxattr = virtiofs_setxattr, \
    .listxattr = virtiofs_listxattr, .removexattr = virtiofs_removexattr

const struct inode_ops virtiofs_dir_iops = {
    .lookup = virtiofs_lookup, .revalidate = virtiofs_revalidate,
    .create = virtiofs_create, .mkdir = virtiofs_mkdir, .mknod = virtiofs_mknod,
    .symlink = virtiofs_symlink, .link = virtiofs_link, .unlink = virtiofs_unlink,
    .rmdir = virtiofs_rmdir, .rename = virtiofs_rename, .tmpfile = virtiofs_tmpfile,
    .makers_tell = true,
    COMMON_OPS,
};

const struct inode_ops virtiofs_file_iops = { COMMON_OPS, .host_lock = virtiofs_host_lock };

/* Symbolic links, and FIFOs, devices and sockets, whose data is not the device's. */
const struct inode_ops virtiofs_link_iops = { .readlink = virtiofs_readlink, COMMON_OPS };
