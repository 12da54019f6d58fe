/* virtio-fs: listing directories. An open directory keeps the device's last answer, so
 * that small getdents calls do not each cost a request. Small directories that the
 * device watches are kept whole, and listed without asking until there is news. */
#include "virtiofs.h"
#include <linux/fcntl.h>
#include <linux/limits.h>

enum {
    LIST_BYTES = 32 * 1024,
    NAMES_BYTES = 4 << 20,      /* of all directories that are kept */
};

struct listing {
    bool open;                  /* fh is the device's */
    u64 fh;
    struct dir_names *names;    /* list these: all there are */
    u8 *buf;                    /* LIST_BYTES; the answer to READDIR */
    u32 len, at;                /* at: of the next entry */
    u64 next;                   /* the device's position of that entry */
    bool from_start;            /* buf begins with the directory's first entry */
    bool may_keep;              /* what is read may be kept as of: */
    u32 seq, version;
};

/* Positions 0 and 1 are "." and "..", which the caller's helper makes; the device's own
 * entries for those names are skipped. Its positions follow two behind, but for huge
 * ones (hashes of some file systems), which would leave the range of a file offset. */
#define DOTS 2ull
#define HUGE_POS (1ull << 62)

static u64 pos_of_device(u64 off) { return off < HUGE_POS ? off + DOTS : off; }
static u64 device_of_pos(u64 pos) { return pos < HUGE_POS + DOTS ? pos - DOTS : pos; }

/* -- kept names -- */

static void names_put(struct dir_names *n)
{
    if (n && ref_put(&n->ref))
        kfree(n);
}

/* fs->lock held; the caller puts what it gets. */
static struct dir_names *names_take_out(struct virtiofs *fs, struct vnode *v)
{
    struct dir_names *n = v->names;

    v->names = NULL;
    v->names_version++;
    if (n)
        fs->names_bytes -= n->len;
    return n;
}

void virtiofs_names_drop(struct inode *dir)
{
    struct virtiofs *fs = virtiofs_of(dir);
    struct dir_names *n;

    spin_lock(&fs->lock);
    n = names_take_out(fs, vnode_of(dir));
    spin_unlock(&fs->lock);
    names_put(n);
}

/* The directory's kept names, counted, if they still hold. */
static struct dir_names *names_get(struct inode *dir)
{
    struct virtiofs *fs = virtiofs_of(dir);
    struct dir_names *n;

    if (!READ_ONCE(vnode_of(dir)->names) || !virtiofs_news(dir->sb))
        return NULL;
    spin_lock(&fs->lock);
    n = vnode_of(dir)->names;
    if (n && n->gen == fs->names_gen)
        ref_get(&n->ref);
    else
        n = NULL;
    spin_unlock(&fs->lock);
    return n;
}

/* The whole directory has just been read: its first answer, then an empty one. */
static void names_keep(struct inode *dir, const struct listing *l, u32 len)
{
    struct virtiofs *fs = virtiofs_of(dir);
    struct vnode *v = vnode_of(dir);
    struct dir_names *n, *old = NULL;

    if (READ_ONCE(fs->names_bytes) + len > NAMES_BYTES)
        return;
    n = kmalloc(sizeof *n + len);
    if (!n)
        return;
    ref_init(&n->ref);
    n->len = len;
    memcpy(n->dirents, l->buf, len);
    spin_lock(&fs->lock);
    n->gen = fs->names_gen;
    if (v->names_version == l->version && virtiofs_news_seq(fs) == l->seq) {
        old = names_take_out(fs, v);
        v->names = n;
        fs->names_bytes += len;
        n = NULL;
    }
    spin_unlock(&fs->lock);
    names_put(n);
    names_put(old);
}

/* -- asking the device -- */

static int list_open(struct inode *i, struct listing *l)
{
    struct fuse_req *r = virtiofs_req(i, FUSE_OPENDIR);
    const struct fuse_open_out *o;
    struct fuse_open_in *in;
    int rc;

    if (!r)
        return -ENOMEM;
    l->seq = virtiofs_news_seq(virtiofs_of(i));
    l->version = READ_ONCE(vnode_of(i)->names_version);
    in = fuse_arg(r, sizeof *in);
    in->flags = O_RDONLY | O_DIRECTORY;
    rc = fuse_call(r, sizeof *o);
    o = (const void *)r->out;
    if (rc == 0) {
        l->fh = o->fh;
        l->may_keep = o->open_flags & FOPEN_CACHE_DIR && !(l->seq & 1);
    }
    if (rc == -ENOSYS)          /* zero-message directories */
        rc = 0;
    l->open = rc == 0;
    fuse_req_free(r);
    return rc;
}

/* Nothing is asked before the first listing: most open directories are only walked from. */
static int list_get(struct file *f, struct listing **l_r)
{
    if (!f->priv)
        f->priv = kzalloc(sizeof(struct listing));
    *l_r = f->priv;
    return f->priv ? 0 : -ENOMEM;
}

static int fill(struct file *f, struct listing *l, u64 pos)
{
    u32 before = l->from_start && l->next == pos ? l->len : 0;
    struct fuse_req *r;
    struct fuse_read_in *in;
    int rc = l->open ? 0 : list_open(f->inode, l);

    if (rc < 0)
        return rc;
    if (!l->buf)
        l->buf = kpages(LIST_BYTES / PAGE_SIZE);
    r = l->buf ? virtiofs_req(f->inode, FUSE_READDIR) : NULL;
    if (!r)
        return -ENOMEM;
    in = fuse_arg(r, sizeof *in);
    in->fh = l->fh;
    in->offset = pos;
    in->size = LIST_BYTES;
    r->recv = l->buf;
    r->recv_len = LIST_BYTES;
    rc = fuse_call(r, 0);
    l->len = rc == 0 ? r->recv_got : 0;
    l->at = 0;
    l->next = pos;
    l->from_start = pos == 0;
    if (r->lost)
        l->buf = NULL;
    else if (rc == 0 && !l->len && l->may_keep && (before || pos == 0))
        names_keep(f->inode, l, before);
    fuse_req_free(r);
    return rc;
}

/* -- entries -- */

static bool is_dots(const struct fuse_dirent *e)
{
    return e->name[0] == '.' && (e->namelen == 1 || (e->namelen == 2 && e->name[1] == '.'));
}

/* The entry at `at` of a buffer, checked; NULL at its end. */
static const struct fuse_dirent *entry_at(const u8 *buf, u32 len, u32 at)
{
    const struct fuse_dirent *e = (const void *)(buf + at);

    if (len - at < FUSE_NAME_OFFSET || e->namelen == 0 || e->namelen > NAME_MAX ||
        len - at < FUSE_DIRENT_SIZE(e))
        return NULL;
    for (u32 k = 0; k < e->namelen; k++)
        if (e->name[k] == '/' || !e->name[k])
            return NULL;
    return e;
}

static bool emit(struct dirent_ctx *c, const struct fuse_dirent *e)
{
    return is_dots(e) ||
           c->emit(c, e->name, e->namelen, e->ino, pos_of_device(e->off), (u8)(e->type & 15));
}

/* Goes to position pos of the kept names; false: they have no such. */
static bool seek_kept(struct listing *l, u64 pos)
{
    const struct dir_names *n = l->names;
    const struct fuse_dirent *e;

    if (l->next == pos && (l->at || !pos))
        return true;
    l->at = 0;
    l->next = 0;
    while (l->next != pos && (e = entry_at(n->dirents, n->len, l->at))) {
        l->at += (u32)FUSE_DIRENT_SIZE(e);
        l->next = e->off;
    }
    return l->next == pos;
}

static void list_kept(struct listing *l, struct dirent_ctx *c)
{
    const struct dir_names *n = l->names;
    const struct fuse_dirent *e;

    while ((e = entry_at(n->dirents, n->len, l->at)) && emit(c, e)) {
        l->at += (u32)FUSE_DIRENT_SIZE(e);
        l->next = e->off;
    }
}

static int list_from(struct file *f, struct listing *l, struct dirent_ctx *c, u64 pos)
{
    for (;;) {
        const struct fuse_dirent *e = l->buf && l->next == pos ? entry_at(l->buf, l->len, l->at)
                                                               : NULL;
        int rc;

        if (!e) {
            rc = fill(f, l, pos);
            if (rc < 0)
                return rc;
            e = entry_at(l->buf, l->len, l->at);
            if (!e)
                return l->len ? -EIO : 0;
        }
        if (!emit(c, e))
            return 0;
        pos = e->off;
        l->at += (u32)FUSE_DIRENT_SIZE(e);
        l->next = pos;
    }
}

/* Rewinding looks whether there is something kept, or whether it still holds. */
static void choose_source(struct file *f, struct listing *l, u64 pos)
{
    if (pos == 0) {
        names_put(l->names);
        l->names = names_get(f->inode);
        l->at = l->len = 0;
        l->next = 0;
        l->from_start = false;
    } else if (l->names && !seek_kept(l, pos)) {
        names_put(l->names);
        l->names = NULL;
        l->at = l->len = 0;
    }
}

static int virtiofs_readdir(struct file *f, struct dirent_ctx *c)
{
    struct listing *l;
    u64 pos = (u64)f->pos;
    int rc;

    if (pos < DOTS) {
        if (!readdir_dots(f, c))
            return 0;
        pos = DOTS;
    }
    rc = list_get(f, &l);
    if (rc < 0)
        return rc;
    choose_source(f, l, device_of_pos(pos));
    if (!l->names)
        return list_from(f, l, c, device_of_pos(pos));
    list_kept(l, c);
    return 0;
}

static void virtiofs_dir_release(struct file *f)
{
    struct listing *l = f->priv;
    struct fuse_req *r;
    struct fuse_release_in *in;

    if (!l)
        return;
    r = l->open ? virtiofs_req(f->inode, FUSE_RELEASEDIR) : NULL;
    if (r) {
        in = fuse_arg(r, sizeof *in);
        in->fh = l->fh;
        fuse_send_async(r, 0);
    }
    if (l->buf)
        kpages_free(l->buf, LIST_BYTES / PAGE_SIZE);
    names_put(l->names);
    kfree(l);
}

static int virtiofs_dir_fsync(struct file *f, bool data_only)
{
    struct listing *l;
    struct fuse_req *r;
    struct fuse_fsync_in *in;
    int rc = list_get(f, &l);

    if (rc == 0 && !l->open)
        rc = list_open(f->inode, l);
    if (rc < 0)
        return rc;
    r = virtiofs_req(f->inode, FUSE_FSYNCDIR);
    if (!r)
        return -ENOMEM;
    in = fuse_arg(r, sizeof *in);
    in->fh = l->fh;
    in->fsync_flags = data_only ? FUSE_FSYNC_FDATASYNC : 0;
    rc = fuse_call(r, 0);
    fuse_req_free(r);
    return rc == -ENOSYS ? 0 : rc;
}

const struct file_ops virtiofs_dir_fops = {
    .readdir = virtiofs_readdir, .release = virtiofs_dir_release, .fsync = virtiofs_dir_fsync,
};
