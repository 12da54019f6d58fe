/* virtio-fs: file data by messages, for domains without grants and files that none is
 * to be had for, and the calls on open files that always are messages. Data goes
 * through pages of the kernel, as the device sees no others. */
#include "virtiofs.h"
#include <linux/fcntl.h>

/* v->lock held. */
static int fh_open(struct vnode *v, bool write)
{
    struct fuse_req *r = virtiofs_req(v->inode, FUSE_OPEN);
    struct fuse_open_in *in;
    int rc;

    if (!r)
        return -ENOMEM;
    in = fuse_arg(r, sizeof *in);
    in->flags = write ? O_RDWR : O_RDONLY;
    rc = fuse_call(r, sizeof(struct fuse_open_out));
    if (rc == 0) {
        v->fh[write] = ((const struct fuse_open_out *)(const void *)r->out)->fh;
        WRITE_ONCE(v->fh_open[write], true);
    }
    fuse_req_free(r);
    return rc;
}

int vnode_fh(struct vnode *v, bool write, u64 *fh_r)
{
    int rc = 0;

    mutex_lock(&v->lock);
    if (!v->fh_open[write])
        rc = fh_open(v, write);
    *fh_r = v->fh[write];
    mutex_unlock(&v->lock);
    return rc;
}

static void fh_release(struct vnode *v, u64 fh)
{
    struct fuse_req *r = virtiofs_req(v->inode, FUSE_RELEASE);
    struct fuse_release_in *in;

    if (!r)
        return;
    in = fuse_arg(r, sizeof *in);
    in->fh = fh;
    fuse_send_async(r, 0);
}

void vnode_fh_release(struct vnode *v)
{
    for (int k = 0; k < 2; k++) {
        u64 fh = 0;
        bool open;

        if (!READ_ONCE(v->fh_open[k]) || READ_ONCE(v->grant[k]) >= 0)
            continue;
        mutex_lock(&v->lock);
        open = v->fh_open[k] && !(READ_ONCE(v->opens) & ~VNODE_CLOSING);
        if (open) {
            v->fh_open[k] = false;
            fh = v->fh[k];
        }
        mutex_unlock(&v->lock);
        if (open)
            fh_release(v, fh);
    }
}

static int any_fh(struct vnode *v, u64 *fh_r)
{
    return vnode_fh(v, v->fh_open[1], fh_r);
}

/* One READ into the bounce buffer: bytes or -errno. *lost_r: the buffer must not be freed. */
static ssize_t read_chunk(struct inode *i, u64 fh, void *bounce, u32 n, u64 pos, bool *lost_r)
{
    struct fuse_req *r = virtiofs_req(i, FUSE_READ);
    struct fuse_read_in *in;
    ssize_t rc;

    if (!r)
        return -ENOMEM;
    in = fuse_arg(r, sizeof *in);
    in->fh = fh;
    in->offset = pos;
    in->size = n;
    r->recv = bounce;
    r->recv_len = n;
    rc = fuse_call(r, 0);
    if (rc == 0)
        rc = (ssize_t)r->recv_got;
    *lost_r = r->lost;
    fuse_req_free(r);
    return rc;
}

ssize_t virtiofs_msg_pread(struct inode *i, void *buf, size_t n, u64 pos)
{
    u32 most = fuse_conn_max_data(virtiofs_of(i)->conn);
    ssize_t done = 0, rc;
    bool lost = false;
    u64 fh;

    rc = any_fh(vnode_of(i), &fh);
    while (rc >= 0 && n) {
        u32 want = (u32)min(n, (size_t)most);

        rc = read_chunk(i, fh, (u8 *)buf + done, want, pos + (u64)done, &lost);
        if (rc <= 0)
            break;
        done += rc;
        n -= (size_t)rc;
        if (rc < (ssize_t)want)
            break;
    }
    return lost ? -ECONNABORTED : done ? done : rc;
}

ssize_t virtiofs_msg_read(struct inode *i, struct uio *u, u64 pos)
{
    size_t cap = PAGE_UP(min(u->left, (size_t)fuse_conn_max_data(virtiofs_of(i)->conn)));
    void *bounce = kpages(cap / PAGE_SIZE);
    ssize_t done = 0, rc;
    bool lost = false;
    u64 fh;

    if (!bounce)
        return u->left ? -ENOMEM : 0;
    rc = any_fh(vnode_of(i), &fh);
    while (rc >= 0 && u->left) {
        u32 want = (u32)min(u->left, cap);
        ssize_t n;

        rc = n = read_chunk(i, fh, bounce, want, pos + (u64)done, &lost);
        if (n <= 0)
            break;
        rc = uio_write(u, bounce, (size_t)n);
        if (rc > 0)
            done += rc;
        if (rc < (ssize_t)want)
            break;
    }
    if (!lost)
        kpages_free(bounce, cap / PAGE_SIZE);
    return done ? done : rc;
}

static ssize_t write_chunk(struct inode *i, u64 fh, void *bounce, u32 n, u64 pos, bool *lost_r)
{
    struct fuse_req *r = virtiofs_req(i, FUSE_WRITE);
    struct fuse_write_in *in;
    ssize_t rc;

    if (!r)
        return -ENOMEM;
    in = fuse_arg(r, sizeof *in);
    in->fh = fh;
    in->offset = pos;
    in->size = n;
    r->send = bounce;
    r->send_len = n;
    rc = fuse_call(r, sizeof(struct fuse_write_out));
    if (rc == 0) {
        rc = (ssize_t)((const struct fuse_write_out *)(const void *)r->out)->size;
        if (rc > (ssize_t)n)
            rc = -EIO;
    }
    *lost_r = r->lost;
    fuse_req_free(r);
    return rc;
}

ssize_t virtiofs_msg_pwrite(struct inode *i, void *buf, size_t n, u64 pos)
{
    u32 most = fuse_conn_max_data(virtiofs_of(i)->conn);
    ssize_t done = 0, rc;
    bool lost = false;
    u64 fh;

    rc = vnode_fh(vnode_of(i), true, &fh);
    while (rc >= 0 && n) {
        rc = write_chunk(i, fh, (u8 *)buf + done, (u32)min(n, (size_t)most), pos + (u64)done,
                         &lost);
        if (rc <= 0)
            return rc < 0 ? rc : -EIO;
        done += rc;
        n -= (size_t)rc;
    }
    return rc < 0 ? rc : done;
}

ssize_t virtiofs_msg_write(struct inode *i, struct uio *u, u64 pos)
{
    size_t cap = PAGE_UP(min(u->left, (size_t)fuse_conn_max_data(virtiofs_of(i)->conn)));
    void *bounce = kpages(cap / PAGE_SIZE);
    ssize_t done = 0, rc;
    bool lost = false;
    u64 fh;

    if (!bounce)
        return u->left ? -ENOMEM : 0;
    rc = vnode_fh(vnode_of(i), true, &fh);
    while (rc >= 0 && u->left) {
        ssize_t n = uio_read(u, bounce, min(u->left, cap));

        /* Into the page cache first, or a page that is written out just now would bring
         * the old bytes back; and afterwards, if one was read in between. */
        if (n > 0)
            vnode_pages_put(i, bounce, (size_t)n, pos + (u64)done);
        rc = n <= 0 ? n : write_chunk(i, fh, bounce, (u32)n, pos + (u64)done, &lost);
        if (rc > 0)
            vnode_pages_put(i, bounce, (size_t)rc, pos + (u64)done);
        if (n > 0 && rc < n)
            vnode_pages_stale(vnode_of(i));     /* the cache has what the file has not */
        if (rc <= 0)
            break;
        done += rc;
        if (rc < n)
            break;
    }
    if (!lost)
        kpages_free(bounce, cap / PAGE_SIZE);
    return done ? done : rc;
}

int virtiofs_msg_fsync(struct inode *i, bool data_only)
{
    struct fuse_req *r;
    struct fuse_fsync_in *in;
    u64 fh;
    int rc = any_fh(vnode_of(i), &fh);

    if (rc < 0)
        return rc;
    r = virtiofs_req(i, FUSE_FSYNC);
    if (!r)
        return -ENOMEM;
    in = fuse_arg(r, sizeof *in);
    in->fh = fh;
    in->fsync_flags = data_only ? FUSE_FSYNC_FDATASYNC : 0;
    rc = fuse_call(r, 0);
    fuse_req_free(r);
    return rc == -ENOSYS ? 0 : rc;
}

int virtiofs_msg_fallocate(struct inode *i, int mode, u64 off, u64 len)
{
    struct fuse_req *r;
    struct fuse_fallocate_in *in;
    u64 fh;
    int rc = vnode_fh(vnode_of(i), true, &fh);

    if (rc < 0)
        return rc;
    r = virtiofs_req(i, FUSE_FALLOCATE);
    if (!r)
        return -ENOMEM;
    in = fuse_arg(r, sizeof *in);
    in->fh = fh;
    in->offset = off;
    in->length = len;
    in->mode = (u32)mode;
    rc = fuse_call(r, 0);
    fuse_req_free(r);
    return rc == -ENOSYS ? -EOPNOTSUPP : rc;
}

s64 virtiofs_msg_lseek(struct inode *i, u64 off, int whence)
{
    struct fuse_req *r;
    struct fuse_lseek_in *in;
    u64 fh;
    s64 rc = any_fh(vnode_of(i), &fh);

    if (rc < 0)
        return rc;
    r = virtiofs_req(i, FUSE_LSEEK);
    if (!r)
        return -ENOMEM;
    in = fuse_arg(r, sizeof *in);
    in->fh = fh;
    in->offset = off;
    in->whence = (u32)whence;
    rc = fuse_call(r, sizeof(struct fuse_lseek_out));
    if (rc == 0)
        rc = (s64)((const struct fuse_lseek_out *)(const void *)r->out)->offset;
    fuse_req_free(r);
    return rc;
}
