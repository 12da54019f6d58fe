/* Reading, writing and positioning open files. */
#include <asm/signal.h>
#include <linux/fs.h>
#include <linux/resource.h>

#include "fs.h"
#include "notify.h"

/* A regular file's position needs its lock only if someone else can reach the file. */
static bool pos_lock(struct file *f)
{
    if (READ_ONCE(f->ref.n) <= 2 && READ_ONCE(current()->files->ref.n) == 1)
        return false;
    mutex_lock(&f->pos_lock);
    return true;
}

static ssize_t read_at(struct file *f, struct uio *u, loff_t *pos)
{
    ssize_t r;
    if (!f->ops->read)
        return S_ISDIR(f->inode ? f->inode->mode : 0) ? -EISDIR : -EINVAL;
    r = f->ops->read(f, u, pos);
    if (r >= 0 && f->inode) {
        inode_touch_atime(f);
        if (r > 0)
            notify_file(f, IN_ACCESS);
    }
    return r;
}

ssize_t vfs_read(struct file *f, struct uio *u, loff_t *pos)
{
    loff_t none = 0;
    ssize_t r;
    bool locked;
    if (!(f->mode & FMODE_READ))
        return -EBADF;
    if (f->mode & FMODE_STREAM)
        return pos ? -ESPIPE : read_at(f, u, &none);
    if (pos)
        return *pos < 0 ? -EINVAL : read_at(f, u, pos);
    locked = pos_lock(f);
    r = read_at(f, u, &f->pos);
    if (locked)
        mutex_unlock(&f->pos_lock);
    return r;
}

/* RLIMIT_FSIZE: shortens the write, or refuses it with SIGXFSZ. */
static int limit_size(struct file *f, struct uio *u, loff_t pos)
{
    u64 max_size = current()->proc->rlim[RLIMIT_FSIZE].cur;
    u64 at = (f->flags & O_APPEND) ? f->inode->size : (u64)pos;
    if (likely(max_size == ~0ull) || !u->left)
        return 0;
    if (at >= max_size) {
        signal_send_task(current(), SIGXFSZ, NULL);
        return -EFBIG;
    }
    if (u->left <= max_size - at)
        return 0;
    u->left = max_size - at;    /* uio_read never goes beyond left */
    return 0;
}

static ssize_t write_at(struct file *f, struct uio *u, loff_t *pos)
{
    ssize_t n;
    if (!f->ops->write)
        return -EINVAL;
    if (f->inode && S_ISREG(f->inode->mode)) {
        int r = limit_size(f, u, *pos);
        if (r || (r = inode_kill_priv(f->inode)))
            return r;
        if (*pos + (loff_t)u->left < 0)
            return -EFBIG;
    }
    n = f->ops->write(f, u, pos);
    if (n > 0)
        notify_file(f, IN_MODIFY);
    return n;
}

ssize_t vfs_write(struct file *f, struct uio *u, loff_t *pos)
{
    loff_t none = 0;
    ssize_t r;
    bool locked;
    if (!(f->mode & FMODE_WRITE))
        return -EBADF;
    if (f->mode & FMODE_STREAM)
        return pos ? -ESPIPE : write_at(f, u, &none);
    if (pos)
        return *pos < 0 ? -EINVAL : write_at(f, u, pos);
    locked = pos_lock(f);
    r = write_at(f, u, &f->pos);
    if (locked)
        mutex_unlock(&f->pos_lock);
    return r;
}

ssize_t vfs_kread(struct file *f, void *buf, size_t n, loff_t off)
{
    struct uio u;
    struct iov v;
    uio_init_kernel(&u, &v, buf, n);
    return f->ops->read ? f->ops->read(f, &u, &off) : -EINVAL;
}

ssize_t vfs_kwrite(struct file *f, const void *buf, size_t n, loff_t off)
{
    struct uio u;
    struct iov v;
    uio_init_kernel(&u, &v, (void *)(u64)buf, n);
    return f->ops->write ? f->ops->write(f, &u, &off) : -EINVAL;
}

/* Seeking by the inode's size, for files without holes to tell of. */
static loff_t seek_by_size(struct file *f, loff_t off, int whence)
{
    loff_t size = f->inode ? (loff_t)f->inode->size : 0, base = 0;
    switch (whence) {
    case SEEK_SET:
        break;
    case SEEK_CUR:
        base = f->pos;
        break;
    case SEEK_END:
        base = size;
        break;
    case SEEK_DATA:
    case SEEK_HOLE:
        if (off < 0 || off >= size)
            return -ENXIO;
        if (whence == SEEK_HOLE)
            off = size;
        break;
    default:
        return -EINVAL;
    }
    if (__builtin_add_overflow(base, off, &off))
        return -EOVERFLOW;
    if (off < 0)
        return -EINVAL;
    f->pos = off;
    return off;
}

loff_t vfs_llseek(struct file *f, loff_t off, int whence)
{
    bool locked;
    if (f->mode & FMODE_STREAM)
        return f->ops->llseek ? f->ops->llseek(f, off, whence) : -ESPIPE;
    if (!f->inode && !f->ops->llseek)
        return -ESPIPE;
    locked = pos_lock(f);
    off = f->ops->llseek ? f->ops->llseek(f, off, whence) : seek_by_size(f, off, whence);
    if (locked)
        mutex_unlock(&f->pos_lock);
    return off;
}

/* Remembers where the last entry taken ended. */
struct pos_ctx { struct dirent_ctx ctx; struct dirent_ctx *inner; u64 off; bool any; };

static bool emit_pos(struct dirent_ctx *c, const char *name, size_t len, u64 ino, u64 off, u8 type)
{
    struct pos_ctx *p = container_of(c, struct pos_ctx, ctx);
    if (!p->inner->emit(p->inner, name, len, ino, off, type))
        return false;
    p->off = off;
    p->any = true;
    return true;
}

int vfs_readdir(struct file *f, struct dirent_ctx *c)
{
    struct pos_ctx p = { { emit_pos }, c, 0, false };
    bool locked;
    int r;
    if (!f->ops->readdir)
        return -ENOTDIR;
    locked = pos_lock(f);
    mutex_lock(&f->inode->lock);
    r = f->inode->nlink || !f->path.dentry->unlinked ? f->ops->readdir(f, &p.ctx) : -ENOENT;
    mutex_unlock(&f->inode->lock);
    if (p.any)
        f->pos = (loff_t)p.off;
    inode_touch_atime(f);
    notify_file(f, IN_ACCESS);
    if (locked)
        mutex_unlock(&f->pos_lock);
    return r;
}

bool readdir_dots(struct file *f, struct dirent_ctx *c)
{
    struct dentry *d = f->path.dentry;
    u64 up;
    if (f->pos <= 0) {
        if (!c->emit(c, ".", 1, f->inode->ino, 1, mode_dtype(S_IFDIR)))
            return false;
    }
    if (f->pos <= 1) {
        spin_lock(&dcache_lock);
        up = d->parent->inode->ino;
        spin_unlock(&dcache_lock);
        if (!c->emit(c, "..", 2, up, 2, mode_dtype(S_IFDIR)))
            return false;
    }
    return true;
}
