/* virtio-fs: attributes and extended attributes. */
#include "virtiofs.h"
#include "virtiofs_pages.h"
#include <linux/limits.h>
#include <linux/stat.h>
#include "time.h"

static u64 ns_of(u64 sec, u32 nsec)
{
    return stamp_of((s64)sec, min(nsec, (u32)999999999));
}

void vnode_pages_stale(struct vnode *v)
{
    struct vnode_pages *p = __atomic_load_n(&v->pages, __ATOMIC_ACQUIRE);

    if (p)
        WRITE_ONCE(p->stale, true);
}

/* Do new attributes tell of a change that was not ours? */
static void compare(struct inode *i, const struct fuse_attr *a, u64 until)
{
    struct vnode *v = vnode_of(i);
    u64 mtime = ns_of(a->mtime, a->mtimensec);
    bool ours = v->attr_version != v->seen_version;

    if (a->size != i->size || (mtime != v->seen_mtime && !ours))
        vnode_pages_stale(v);
    v->seen_mtime = mtime;
    v->seen_version = v->attr_version;
    /* Of contents there is news only when their writer closes the file. */
    WRITE_ONCE(v->cache_until, until == D_UNTIL_NEWS ? time_mono() + NSEC_PER_SEC : until);
}

void virtiofs_set_attr(struct inode *i, const struct fuse_attr *a, u64 until)
{
    compare(i, a, until);
    i->ino = a->ino;
    i->mode = (i->mode & S_IFMT) | (a->mode & 07777);
    i->uid = a->uid;
    i->gid = a->gid;
    i->nlink = a->nlink;
    WRITE_ONCE(i->size, a->size);
    i->blocks = a->blocks;
    i->atime = ns_of(a->atime, a->atimensec);
    i->mtime = ns_of(a->mtime, a->mtimensec);
    i->ctime = ns_of(a->ctime, a->ctimensec);
    WRITE_ONCE(vnode_of(i)->attr_until, until);
    WRITE_ONCE(vnode_of(i)->rest_until, until);
}

/* An answer to a question asked when attr_version was `version`: if we changed the file
 * in the meantime, the answer may be older than that and is left alone. */
static void take_attr(struct inode *i, const struct fuse_attr_out *o, u32 version, u32 seq)
{
    u64 until = virtiofs_deadline(virtiofs_of(i), seq, o->attr_valid, o->attr_valid_nsec);

    struct vnode *v = vnode_of(i);

    mutex_lock(&v->lock);
    if (v->attr_version == version)
        virtiofs_set_attr(i, &o->attr, until);
    mutex_unlock(&v->lock);
}

/* Of a file that is open the size is asked for: there is news only when somebody who
 * writes to it closes it. */
static bool news_hold(struct inode *i)
{
    const struct vnode *v = vnode_of(i);

    if (!S_ISDIR(i->mode) && READ_ONCE(v->opens) && time_mono() > v->open_since + NSEC_PER_SEC)
        return false;
    return virtiofs_news(i->sb) && READ_ONCE(v->attr_until) == D_UNTIL_NEWS;
}

static bool is_ahead(u64 until)
{
    return until && (until == WAIT_FOREVER || time_mono() < until);
}

static bool attr_hold(struct inode *i)
{
    u64 until = READ_ONCE(vnode_of(i)->attr_until);

    return until == D_UNTIL_NEWS ? news_hold(i) : is_ahead(until);
}

static bool rest_hold(struct inode *i)
{
    u64 until = READ_ONCE(vnode_of(i)->rest_until);

    if (until == D_UNTIL_NEWS)
        return virtiofs_news(i->sb) && READ_ONCE(vnode_of(i)->rest_until) == D_UNTIL_NEWS;
    return is_ahead(until);
}

/* What writes change of an open file, one host call on its grant tells; but a write takes
 * set-id bits away as well. */
static bool refresh_contents(struct inode *i)
{
    struct vnode *v = vnode_of(i);
    struct plat_stat st;
    struct fuse_attr a;
    u32 version = READ_ONCE(v->attr_version);
    s32 g;

    if (vnode_any_grant(v) < 0 || i->mode & (S_ISUID | S_ISGID) || !rest_hold(i) || !vnode_pin(v))
        return false;
    vnode_await(v);
    g = vnode_any_grant(v);
    if (g < 0 || plat_grant_stat(g, &st) < 0)
        g = -1;
    mutex_lock(&v->lock);
    if (g >= 0 && v->attr_version == version && READ_ONCE(v->rest_until)) {
        a = (struct fuse_attr){
            .ino = i->ino, .mode = i->mode, .uid = i->uid, .gid = i->gid, .nlink = i->nlink,
            .size = st.size, .blocks = st.blocks,
            .atime = st.atime.sec, .atimensec = st.atime.nsec,
            .mtime = st.mtime.sec, .mtimensec = st.mtime.nsec,
            .ctime = st.ctime.sec, .ctimensec = st.ctime.nsec,
        };
        virtiofs_set_attr(i, &a, v->rest_until);
    } else {
        g = -1;
    }
    mutex_unlock(&v->lock);
    if (vnode_closed(v))        /* whoever had it open has gone meanwhile */
        vnode_idle(v);
    return g >= 0;
}

int virtiofs_refresh(struct inode *i, bool force)
{
    struct vnode *v = vnode_of(i);
    u32 version = READ_ONCE(v->attr_version), seq;
    struct fuse_req *r;
    int rc;

    if ((!force && attr_hold(i)) || refresh_contents(i))
        return 0;
    seq = virtiofs_news_seq(virtiofs_of(i));
    r = virtiofs_req(i, FUSE_GETATTR);
    if (!r)
        return -ENOMEM;
    fuse_arg(r, sizeof(struct fuse_getattr_in));
    rc = fuse_call(r, sizeof(struct fuse_attr_out));
    if (rc == 0)
        take_attr(i, (const void *)r->out, version, seq);
    fuse_req_free(r);
    return rc;
}

int virtiofs_getattr(struct inode *i, struct kstat *st)
{
    int rc = virtiofs_refresh(i, false);

    if (rc == 0)
        inode_fill_stat(i, st);
    return rc;
}

static void fill_setattr(struct fuse_setattr_in *in, const struct iattr *a)
{
    static const struct { u32 ours, fuse; } map[] = {
        { ATTR_MODE, FATTR_MODE }, { ATTR_UID, FATTR_UID }, { ATTR_GID, FATTR_GID },
        { ATTR_SIZE, FATTR_SIZE }, { ATTR_ATIME, FATTR_ATIME }, { ATTR_MTIME, FATTR_MTIME },
        { ATTR_KILL_PRIV, FATTR_KILL_SUIDGID },
    };

    for (unsigned k = 0; k < ARRAY_SIZE(map); k++)
        if (a->valid & map[k].ours)
            in->valid |= map[k].fuse;
    in->mode = a->mode;
    in->uid = a->uid;
    in->gid = a->gid;
    in->size = a->size;
    in->atime = (u64)stamp_sec(a->atime);
    in->atimensec = stamp_nsec(a->atime);
    in->mtime = (u64)stamp_sec(a->mtime);
    in->mtimensec = stamp_nsec(a->mtime);
}

/* What the host does not refuse for a file that we have made: nobody need wait for it. */
static bool is_sure(const struct inode *i, const struct iattr *a)
{
    return vnode_of(i)->made && !(a->valid & ATTR_SIZE) &&
           !(a->valid & ATTR_UID && a->uid != i->uid) &&
           !(a->valid & ATTR_GID && a->gid != i->gid) &&
           !(a->valid & ATTR_MODE && a->mode & (S_ISUID | S_ISGID));
}

/* The change is ours at once; the host's times are asked for when somebody wants them. */
static void setattr_unheard(struct inode *i, const struct iattr *a, struct fuse_req *r,
                            struct fuse_setattr_in *in)
{
    struct vnode *v = vnode_of(i);

    mutex_lock(&v->lock);
    if (v->fh_open[1]) {        /* its release comes after this, as it takes the lock, too */
        in->valid |= FATTR_FH;
        in->fh = v->fh[1];
    }
    v->attr_version++;
    inode_apply_attr(i, a);
    virtiofs_stale(i);
    v->sent = fuse_send_async(r, 0);    /* no room: the attributes are not wanted */
    mutex_unlock(&v->lock);
}

int virtiofs_setattr(struct inode *i, const struct iattr *a)
{
    struct vnode *v = vnode_of(i);
    struct fuse_req *r;
    const struct fuse_attr_out *o;
    struct fuse_setattr_in *in;
    u32 seq;
    int rc;

    if (a->valid == ATTR_KILL_PRIV)     /* the host's kernel does that at the write */
        return 0;
    r = virtiofs_req(i, FUSE_SETATTR);
    if (!r)
        return -ENOMEM;
    in = fuse_arg(r, sizeof *in);
    fill_setattr(in, a);
    in->mode = a->valid & ATTR_MODE ? (i->mode & S_IFMT) | (a->mode & 07777) : i->mode;
    if (is_sure(i, a)) {
        setattr_unheard(i, a, r, in);
        return 0;
    }
    mutex_lock(&v->lock);       /* against our writers: size */
    seq = virtiofs_news_seq(virtiofs_of(i));
    rc = fuse_call(r, sizeof *o);
    o = (const void *)r->out;
    if (rc == 0) {
        v->attr_version++;
        if (a->valid & ATTR_SIZE)
            WRITE_ONCE(i->size, a->size);
        virtiofs_set_attr(i, &o->attr, virtiofs_deadline(virtiofs_of(i), seq, o->attr_valid,
                                                         o->attr_valid_nsec));
        if (a->valid & (ATTR_UID | ATTR_GID)) {
            v->no_fcaps = false;
            v->made = false;            /* others' now, maybe */
        }
    }
    mutex_unlock(&v->lock);
    fuse_req_free(r);
    if (rc == 0 && a->valid & ATTR_SIZE)
        vnode_pages_cut(i, a->size);
    return rc;
}

/* -- extended attributes -- */

static int name_ok(const char *name)
{
    size_t n = strlen(name);

    return n == 0 || n > XATTR_NAME_MAX ? -ERANGE : 0;
}

/* GETXATTR and LISTXATTR: n 0 asks for the size. */
static ssize_t xattr_read(struct inode *i, u32 op, const char *name, void *buf, size_t n)
{
    struct fuse_req *r = virtiofs_req(i, op);
    struct fuse_getxattr_in *in;
    void *bounce = NULL;
    ssize_t rc;

    if (!r)
        return -ENOMEM;
    n = min(n, (size_t)XATTR_SIZE_MAX);
    in = fuse_arg(r, sizeof *in);
    in->size = (u32)n;
    if (name)
        fuse_arg_str(r, name, strlen(name));
    if (n) {
        bounce = kmalloc(n);
        r->recv = bounce;
        r->recv_len = (u32)n;
    }
    if (n && !bounce) {
        rc = -ENOMEM;
    } else if (n) {
        rc = fuse_call(r, 0);
        if (rc == 0) {
            rc = (ssize_t)r->recv_got;
            memcpy(buf, bounce, (size_t)rc);
        }
    } else {
        rc = fuse_call(r, sizeof(struct fuse_getxattr_out));
        if (rc == 0)
            rc = min(((const struct fuse_getxattr_out *)(const void *)r->out)->size,
                     (u32)XATTR_SIZE_MAX);
    }
    if (!r->lost)
        kfree(bounce);
    fuse_req_free(r);
    return rc;
}

ssize_t virtiofs_getxattr(struct inode *i, const char *name, void *buf, size_t n)
{
    bool fcaps = strcmp(name, "security.capability") == 0;
    struct virtiofs *fs = virtiofs_of(i);
    ssize_t rc = name_ok(name);

    if (rc < 0)
        return rc;
    if (READ_ONCE(fs->no_xattr))
        return -EOPNOTSUPP;
    if (fcaps && READ_ONCE(vnode_of(i)->no_fcaps))
        return -ENODATA;
    rc = xattr_read(i, FUSE_GETXATTR, name, buf, n);
    if (fcaps && (rc == -ENODATA || rc == -EOPNOTSUPP))
        vnode_of(i)->no_fcaps = true;
    if (rc == -ENOSYS) {
        fs->no_xattr = true;
        rc = -EOPNOTSUPP;
    }
    return rc;
}

ssize_t virtiofs_listxattr(struct inode *i, char *buf, size_t n)
{
    ssize_t rc = virtiofs_of(i)->no_xattr ? 0 : xattr_read(i, FUSE_LISTXATTR, NULL, buf, n);

    return rc == -ENOSYS || rc == -EOPNOTSUPP ? 0 : rc;
}

int virtiofs_setxattr(struct inode *i, const char *name, const void *val, size_t n, int flags)
{
    /* Without FUSE_SETXATTR_EXT only the first 8 bytes of the structure are sent. */
    struct { u32 size, flags; } *in;
    struct fuse_req *r;
    void *bounce;
    int rc = name_ok(name);

    if (rc < 0)
        return rc;
    if (n > XATTR_SIZE_MAX)
        return -E2BIG;
    r = virtiofs_req(i, FUSE_SETXATTR);
    bounce = kmalloc(n ? n : 1);
    if (!r || !bounce) {
        kfree(bounce);
        fuse_req_free(r);
        return -ENOMEM;
    }
    in = fuse_arg(r, sizeof *in);
    in->size = (u32)n;
    in->flags = (u32)flags;
    fuse_arg_str(r, name, strlen(name));
    memcpy(bounce, val, n);
    r->send = bounce;
    r->send_len = (u32)n;
    rc = fuse_call(r, 0);
    vnode_of(i)->no_fcaps = false;
    virtiofs_stale(i);
    if (!r->lost)
        kfree(bounce);
    fuse_req_free(r);
    return rc == -ENOSYS ? -EOPNOTSUPP : rc;
}

int virtiofs_removexattr(struct inode *i, const char *name)
{
    struct fuse_req *r;
    int rc = name_ok(name);

    if (rc < 0)
        return rc;
    if (READ_ONCE(vnode_of(i)->no_fcaps) && strcmp(name, "security.capability") == 0)
        return -ENODATA;
    r = virtiofs_req(i, FUSE_REMOVEXATTR);
    if (!r)
        return -ENOMEM;
    fuse_arg_str(r, name, strlen(name));
    rc = fuse_call(r, 0);
    virtiofs_stale(i);
    fuse_req_free(r);
    return rc == -ENOSYS ? -EOPNOTSUPP : rc;
}
