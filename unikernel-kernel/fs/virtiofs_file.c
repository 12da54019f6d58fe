/* virtio-fs: open regular files. Data goes through grants; messages serve where there
 * is none, and the one small write that most new files get. */
#include "virtiofs.h"
#include <linux/fcntl.h>
#include <linux/fs.h>
#include "mm.h"
#include "plat.h"

enum {
    BOUNCE_MAX = 32 * 1024,     /* from here on the host reads and writes user memory itself */
    WRITE_DIRECT = 2048,        /* what a program writes it has just made */
    DIRECT_MAX = 1 << 20,       /* user memory made present at a time */
    FIRST_WRITE_MAX = 16 * 1024,
};

static int virtiofs_open(struct inode *i, struct file *f)
{
    vnode_opened(vnode_of(i));
    return 0;
}

static void virtiofs_release(struct file *f)
{
    struct vnode *v = vnode_of(f->inode);

    vnode_pages_write(f->inode);        /* while there is a handle for it */
    if (vnode_closed(v))
        vnode_idle(v);
}

/* -- reading -- */

/* Either grant reads. */
static int read_grant(struct vnode *v)
{
    s32 g = READ_ONCE(v->grant[0]);

    if (unlikely(g < 0)) {
        g = READ_ONCE(v->grant[1]);
        if (g < 0)
            g = vnode_grant_slow(v, false);
    }
    return g;
}

/* One host call into the uio's first segment: bytes read (the uio is advanced). */
static ssize_t read_direct(int g, struct uio *u, u64 pos)
{
    size_t n = min(u->iov->len, u->kernel ? u->iov->len : (size_t)DIRECT_MAX);
    ssize_t r;

    if (!u->kernel && mm_populate_user(u->iov->base, n, true) < 0)
        return -EFAULT;
    r = plat_grant_pread(g, (void *)u->iov->base, n, pos);
    if (r > 0)
        uio_advance(u, (size_t)r);
    return r;
}

static ssize_t read_bounced(int g, struct uio *u, void *bounce, u64 pos)
{
    ssize_t r = plat_grant_pread(g, bounce, min(u->left, (size_t)BOUNCE_MAX), pos);

    return r > 0 ? uio_write(u, bounce, (size_t)r) : r;
}

/* Bytes are left, so there is a segment that has some. */
static void skip_empty(struct uio *u)
{
    for (; !u->iov->len; u->iov++)
        u->cnt--;
}

/* least: where making user memory present costs less than copying. */
static bool goes_direct(const struct uio *u, size_t least)
{
    return u->kernel || u->iov->len >= least;
}

static ssize_t read_slow(int g, struct uio *u, u64 pos)
{
    size_t pages = PAGE_UP(min(u->left, (size_t)BOUNCE_MAX)) / PAGE_SIZE;
    void *bounce = NULL;
    ssize_t done = 0, r = 0;

    while (u->left) {
        size_t left = u->left, want;

        skip_empty(u);
        if (goes_direct(u, BOUNCE_MAX)) {
            want = min(u->iov->len, (size_t)DIRECT_MAX);
            r = read_direct(g, u, pos + (u64)done);
        } else {
            if (!bounce && !(bounce = kpages(pages))) {
                r = -ENOMEM;
                break;
            }
            want = min(left, (size_t)BOUNCE_MAX);
            r = read_bounced(g, u, bounce, pos + (u64)done);
        }
        if (r <= 0)
            break;
        done += r;
        if ((size_t)r < want)
            break;
    }
    if (bounce)
        kpages_free(bounce, pages);
    return done ? done : r;
}

static ssize_t virtiofs_read(struct file *f, struct uio *u, loff_t *pos)
{
    struct inode *i = f->inode;
    int g = read_grant(vnode_of(i));
    u64 size = READ_ONCE(i->size), at = (u64)*pos;
    ssize_t r;

    if (unlikely(g < 0)) {
        r = plat_counts_pages() ? vnode_pages_read(i, u, at) : virtiofs_msg_read(i, u, at);
    } else {
        /* Beyond the size as we know it the host is asked: it may have grown. */
        r = -EOPNOTSUPP;
        if (!u->kernel && at < size && (u->cnt == 1 || u->iov->len >= size - at)) {
            r = plat_grant_copy(g, at, min((u64)u->iov->len, size - at), size, u->iov->base);
            if (r > 0)
                uio_advance(u, (size_t)r);
        }
        if (r <= 0)
            r = read_slow(g, u, at);
    }
    if (r > 0)
        *pos += r;
    return r;
}

/* -- writing -- */

static ssize_t write_grant(int g, struct uio *u, u64 pos)
{
    size_t pages = PAGE_UP(min(u->left, (size_t)BOUNCE_MAX)) / PAGE_SIZE;
    void *bounce = NULL;
    ssize_t done = 0, r = 0;

    while (u->left) {
        ssize_t want;

        skip_empty(u);
        want = (ssize_t)min(u->iov->len, (size_t)DIRECT_MAX);
        /* Readable, but nobody's mapping: the vDSO. That is copied, as far as it goes. */
        if (goes_direct(u, WRITE_DIRECT) &&
            (u->kernel || mm_populate_user(u->iov->base, (u64)want, false) >= 0)) {
            r = plat_grant_pwrite(g, (const void *)u->iov->base, (size_t)want, pos + (u64)done);
            if (r > 0)
                uio_advance(u, (size_t)r);
        } else {
            if (!bounce && !(bounce = kpages(pages))) {
                r = -ENOMEM;
                break;
            }
            r = want = uio_read(u, bounce, min(u->left, (size_t)BOUNCE_MAX));
            if (r > 0)
                r = plat_grant_pwrite(g, bounce, (size_t)want, pos + (u64)done);
        }
        if (r <= 0)
            break;
        done += r;
        if (r < want)
            break;
    }
    if (bounce)
        kpages_free(bounce, pages);
    return done ? done : r;
}

/* Our own change of the contents: the size is known, the times the host's to tell. */
void virtiofs_wrote(struct inode *i, u64 end)
{
    struct vnode *v = vnode_of(i);

    mutex_lock(&v->lock);
    if (end > i->size)
        WRITE_ONCE(i->size, end);
    v->attr_version++;
    v->attr_until = 0;
    mutex_unlock(&v->lock);
}

/* A new file's first write, if small, goes with the handle that its creation brought:
 * a grant would cost as many messages and a descriptor besides. */
static bool by_message(struct vnode *v, const struct uio *u)
{
    if (v->grant[1] >= 0 || !v->fh_open[1] || v->msg_written || u->left > FIRST_WRITE_MAX)
        return false;
    v->msg_written = true;
    return true;
}

static ssize_t write_at(struct inode *i, struct uio *u, u64 pos)
{
    struct vnode *v = vnode_of(i);
    ssize_t r;
    int g;

    if (by_message(v, u)) {
        r = virtiofs_msg_write(i, u, pos);
    } else {
        vnode_await(v);
        g = vnode_grant(v, true);
        r = g >= 0 ? write_grant(g, u, pos) : virtiofs_msg_write(i, u, pos);
    }
    if (r > 0)
        virtiofs_wrote(i, pos + (u64)r);
    return r;
}

/* The end of the file as the host knows it: others may append to a shared file too. */
static ssize_t append(struct inode *i, struct uio *u, loff_t *pos)
{
    struct vnode *v = vnode_of(i);
    bool shared = vnode_of(i->sb->root->inode)->nodeid != FUSE_ROOT_ID;
    ssize_t r = 0;

    mutex_lock(&v->append_lock);
    if (shared)
        r = virtiofs_refresh(i, true);
    if (r == 0) {
        *pos = (loff_t)READ_ONCE(i->size);
        r = write_at(i, u, (u64)*pos);
    }
    mutex_unlock(&v->append_lock);
    return r;
}

/* The page cache must have concurrent writes in the order in which the host has them. */
static ssize_t write_in_turn(struct inode *i, struct uio *u, u64 pos)
{
    struct vnode *v = vnode_of(i);
    bool cached = READ_ONCE(v->pages);

    if (cached)
        mutex_lock(&v->append_lock);
    ssize_t r = write_at(i, u, pos);
    if (cached)
        mutex_unlock(&v->append_lock);
    return r;
}

static ssize_t virtiofs_write(struct file *f, struct uio *u, loff_t *pos)
{
    struct inode *i = f->inode;
    ssize_t r;
    int rc;

    if (!u->left)
        return 0;
    r = f->flags & O_APPEND ? append(i, u, pos) : write_in_turn(i, u, (u64)*pos);
    if (r > 0)
        *pos += r;
    if (r > 0 && f->flags & O_DSYNC) {
        rc = virtiofs_msg_fsync(i, !(f->flags & __O_SYNC));
        if (rc < 0)
            return rc;
    }
    return r;
}

/* -- the rest -- */

/* Does the file end where we think? One host call on a grant tells, where attributes would be
 * asked for by a message: databases seek to the end all the time. */
static bool ends_as_known(struct inode *i)
{
    s32 g = vnode_any_grant(vnode_of(i));
    u64 size = READ_ONCE(i->size);
    u8 last[2];

    if (g < 0)
        return false;
    return size ? plat_grant_pread(g, last, 2, size - 1) == 1
                : plat_grant_pread(g, last, 1, 0) == 0;
}

static loff_t virtiofs_llseek(struct file *f, loff_t off, int whence)
{
    struct inode *i = f->inode;
    s64 at = off;
    int rc;

    if ((whence == SEEK_END && !ends_as_known(i)) || whence == SEEK_DATA || whence == SEEK_HOLE) {
        rc = virtiofs_refresh(i, false);
        if (rc < 0)
            return rc;
    }
    if (whence == SEEK_CUR)
        at += f->pos;
    else if (whence == SEEK_END)
        at += (s64)i->size;
    else if (whence == SEEK_DATA || whence == SEEK_HOLE)
        at = off < 0 || (u64)off >= i->size ? -ENXIO : virtiofs_msg_lseek(i, (u64)off, whence);
    else if (whence != SEEK_SET)
        return -EINVAL;
    if (whence == SEEK_DATA && at == -ENOSYS)
        at = off;
    if (whence == SEEK_HOLE && at == -ENOSYS)
        at = (s64)i->size;
    if (at < 0)
        return whence == SEEK_DATA || whence == SEEK_HOLE ? at : -EINVAL;
    f->pos = at;
    return at;
}

static int virtiofs_fsync(struct file *f, bool data_only)
{
    int r = vnode_pages_sync(f->inode), e = virtiofs_msg_fsync(f->inode, data_only);

    return r < 0 ? r : e;
}

/* A shared mapping of it has gone, or a part of one; mm->lock is held. */
static void virtiofs_unmapped(struct file *f)
{
    vnode_pages_write(f->inode);
}

static int virtiofs_fallocate(struct file *f, int mode, loff_t off, loff_t len)
{
    vnode_pages_sync(f->inode);
    int rc = virtiofs_msg_fallocate(f->inode, mode, (u64)off, (u64)len);

    if (rc == 0) {
        virtiofs_wrote(f->inode, 0);
        vnode_pages_stale(vnode_of(f->inode));
        rc = virtiofs_refresh(f->inode, true);
    }
    return rc;
}

static int virtiofs_mmap(struct file *f, struct map_source *s, u32 prot, bool shared)
{
    struct vnode *v = vnode_of(f->inode);
    bool writable = shared && f->mode & FMODE_WRITE;
    int g = writable ? vnode_grant(v, true) : read_grant(v);

    if (writable)
        vnode_await(v);
    if (g < 0)
        return writable && !plat_counts_pages() ? -ENODEV : vnode_pages_map(f, s, writable);
    s->kind = SRC_GRANT;
    s->grant = g;
    if (writable)
        virtiofs_stale(f->inode);       /* stores through it are not seen here */
    return 0;
}

const struct file_ops virtiofs_file_fops = {
    .open = virtiofs_open, .release = virtiofs_release, .read = virtiofs_read,
    .write = virtiofs_write, .llseek = virtiofs_llseek, .fsync = virtiofs_fsync,
    .fallocate = virtiofs_fallocate, .mmap = virtiofs_mmap, .unmapped = virtiofs_unmapped,
};
