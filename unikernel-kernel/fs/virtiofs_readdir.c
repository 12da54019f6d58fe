/* virtio-fs: listing directories. An open directory keeps the device's last answer, so
 * that small getdents calls do not each cost a request. */
#include "virtiofs.h"
#include <linux/fcntl.h>
#include <linux/limits.h>

enum { LIST_BYTES = 32 * 1024 };

struct listing {
    u64 fh;
    u8 *buf;                    /* LIST_BYTES; the answer to READDIR at buf_off */
    u32 len, at;                /* at: of the next entry */
    u64 next;                   /* the device's position of that entry */
};

/* Positions 0 and 1 are "." and "..", which the caller's helper makes; the device's own
 * entries for those names are skipped. Its positions follow two behind, but for huge
 * ones (hashes of some file systems), which would leave the range of a file offset. */
#define DOTS 2ull
#define HUGE_POS (1ull << 62)

static u64 pos_of_device(u64 off) { return off < HUGE_POS ? off + DOTS : off; }
static u64 device_of_pos(u64 pos) { return pos < HUGE_POS + DOTS ? pos - DOTS : pos; }

static int list_open(struct inode *i, struct file *f)
{
    struct listing *l = kzalloc(sizeof *l);
    struct fuse_req *r = virtiofs_req(i, FUSE_OPENDIR);
    struct fuse_open_in *in;
    int rc = -ENOMEM;

    if (l && r) {
        in = fuse_arg(r, sizeof *in);
        in->flags = O_RDONLY | O_DIRECTORY;
        rc = fuse_call(r, sizeof(struct fuse_open_out));
        if (rc == 0)
            l->fh = ((const struct fuse_open_out *)(const void *)r->out)->fh;
        if (rc == -ENOSYS)      /* zero-message directories */
            rc = 0;
    }
    fuse_req_free(r);
    if (rc < 0) {
        kfree(l);
        return rc;
    }
    f->priv = l;
    return 0;
}

/* Opens at the first listing: most open directories are only walked from. */
static int list_get(struct file *f, struct listing **l_r)
{
    int rc = 0;

    if (!f->priv)
        rc = list_open(f->inode, f);
    *l_r = f->priv;
    return rc;
}

static int fill(struct file *f, struct listing *l, u64 pos)
{
    struct fuse_req *r;
    struct fuse_read_in *in;
    int rc;

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
    if (r->lost)
        l->buf = NULL;
    fuse_req_free(r);
    return rc;
}

static bool is_dots(const struct fuse_dirent *e)
{
    return e->name[0] == '.' && (e->namelen == 1 || (e->namelen == 2 && e->name[1] == '.'));
}

/* The next entry of the buffer, checked; NULL at its end. */
static const struct fuse_dirent *next_entry(const struct listing *l)
{
    const struct fuse_dirent *e = (const void *)(l->buf + l->at);

    if (l->len - l->at < FUSE_NAME_OFFSET || e->namelen == 0 || e->namelen > NAME_MAX ||
        l->len - l->at < FUSE_DIRENT_SIZE(e))
        return NULL;
    for (u32 k = 0; k < e->namelen; k++)
        if (e->name[k] == '/' || !e->name[k])
            return NULL;
    return e;
}

static int list_from(struct file *f, struct listing *l, struct dirent_ctx *c, u64 pos)
{
    for (;;) {
        const struct fuse_dirent *e = l->buf && l->next == pos ? next_entry(l) : NULL;
        int rc;

        if (!e) {
            rc = fill(f, l, pos);
            if (rc < 0)
                return rc;
            e = next_entry(l);
            if (!e)
                return l->len ? -EIO : 0;
        }
        if (!is_dots(e) &&
            !c->emit(c, e->name, e->namelen, e->ino, pos_of_device(e->off), (u8)(e->type & 15)))
            return 0;
        pos = e->off;
        l->at += (u32)FUSE_DIRENT_SIZE(e);
        l->next = pos;
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
    return rc < 0 ? rc : list_from(f, l, c, device_of_pos(pos));
}

static void virtiofs_dir_release(struct file *f)
{
    struct listing *l = f->priv;
    struct fuse_req *r;
    struct fuse_release_in *in;

    if (!l)
        return;
    r = virtiofs_req(f->inode, FUSE_RELEASEDIR);
    if (r) {
        in = fuse_arg(r, sizeof *in);
        in->fh = l->fh;
        fuse_send_async(r);
    }
    if (l->buf)
        kpages_free(l->buf, LIST_BYTES / PAGE_SIZE);
    kfree(l);
}

static int virtiofs_dir_fsync(struct file *f, bool data_only)
{
    struct listing *l;
    struct fuse_req *r;
    struct fuse_fsync_in *in;
    int rc = list_get(f, &l);

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
