/* sendfile and copy_file_range: through a buffer of the kernel's. */
#include <linux/fs.h>

#include "../fs/fs.h"
#include "fsname.h"

#define COPY_PAGES 16

struct copy { struct file *in, *out; loff_t *in_pos, *out_pos; };

static ssize_t move(struct file *f, void *buf, size_t n, loff_t *pos, bool write)
{
    struct uio u;
    struct iov v;
    uio_init_kernel(&u, &v, buf, n);
    return write ? vfs_write(f, &u, pos) : vfs_read(f, &u, pos);
}

/* What was read and could not be written is given back to a position of the file's own. */
static void unread(struct copy *c, loff_t n)
{
    if (c->in_pos)
        *c->in_pos -= n;
    else if (!(c->in->mode & FMODE_STREAM))
        vfs_llseek(c->in, -n, SEEK_CUR);
}

static void count_copy(size_t n)
{
    struct counts *c = &current()->counts;
    c->syscr++;
    c->syscw++;
    c->rchar += n;
    c->wchar += n;
}

static long copy_loop(struct copy *c, size_t n)
{
    char *buf = kpages_raw(COPY_PAGES);
    ssize_t r = 0, w = 0;
    size_t done = 0;
    if (!buf)
        return -ENOMEM;
    while (done < n) {
        r = move(c->in, buf, min(n - done, COPY_PAGES * PAGE_SIZE), c->in_pos, false);
        if (r <= 0)
            break;
        w = move(c->out, buf, (size_t)r, c->out_pos, true);
        if (w < r)
            unread(c, r - max(w, (ssize_t)0));
        if (w <= 0) {
            r = w;
            break;
        }
        done += (size_t)w;
        if (w < r)
            break;
    }
    kpages_free(buf, COPY_PAGES);
    count_copy(done);
    return done ? (long)done : r;
}

/* An offset argument that may be NULL. */
static int get_offset(uptr_t user, loff_t *pos)
{
    if (!user)
        return 0;
    if (get_user(*pos, user))
        return -EFAULT;
    return *pos < 0 ? -EINVAL : 0;
}

static bool is_regular(const struct file *f) { return f->inode && S_ISREG(f->inode->mode); }

static long do_sendfile(struct file *out, struct file *in, uptr_t user_pos, size_t n)
{
    loff_t pos;
    struct copy c = { in, out, user_pos ? &pos : NULL, NULL };
    long r = get_offset(user_pos, &pos);
    if (r)
        return r;
    if (!(in->mode & FMODE_READ) || !(out->mode & FMODE_WRITE))
        return -EBADF;
    if (out->flags & O_APPEND)
        return -EINVAL;
    /* Linux wants a seekable input: a terminal is none, /dev/zero is one. */
    if ((in->mode & FMODE_STREAM) ||
        (!is_regular(in) && (!in->inode || !S_ISCHR(in->inode->mode))))
        return user_pos ? -ESPIPE : -EINVAL;
    r = copy_loop(&c, min(n, MAX_RW));
    if (r >= 0 && user_pos && put_user(pos, user_pos))
        r = -EFAULT;
    return r;
}

long sys_sendfile(const u64 *a)
{
    struct file *out = fd_get((int)a[0]), *in = fd_get((int)a[1]);
    long r = out && in ? do_sendfile(out, in, a[2], a[3]) : -EBADF;
    if (out)
        file_put(out);
    if (in)
        file_put(in);
    return r;
}

static int range_ok(struct file *in, struct file *out)
{
    if (!(in->mode & FMODE_READ) || !(out->mode & FMODE_WRITE) || (out->flags & O_APPEND))
        return -EBADF;
    if ((in->inode && S_ISDIR(in->inode->mode)) || (out->inode && S_ISDIR(out->inode->mode)))
        return -EISDIR;
    return is_regular(in) && is_regular(out) ? 0 : -EINVAL;
}

static long do_copy_range(struct file *in, uptr_t upos_in, struct file *out, uptr_t upos_out,
                          size_t n)
{
    loff_t ipos = in->pos, opos = out->pos;
    struct copy c = { in, out, upos_in ? &ipos : NULL, upos_out ? &opos : NULL };
    long r = range_ok(in, out);
    if (r || (r = get_offset(upos_in, &ipos)) || (r = get_offset(upos_out, &opos)))
        return r;
    if (in->inode == out->inode && ipos < opos + (loff_t)n && opos < ipos + (loff_t)n)
        return -EINVAL;
    r = copy_loop(&c, n);
    if (r >= 0 && ((upos_in && put_user(ipos, upos_in)) || (upos_out && put_user(opos, upos_out))))
        r = -EFAULT;
    return r;
}

long sys_copy_file_range(const u64 *a)
{
    struct file *in = fd_get((int)a[0]), *out = fd_get((int)a[2]);
    long r = a[5] ? -EINVAL : in && out
        ? do_copy_range(in, a[1], out, a[3], min(a[4], MAX_RW)) : -EBADF;
    if (in)
        file_put(in);
    if (out)
        file_put(out);
    return r;
}
