/* pipe, pipe2, splice, tee, vmsplice: arguments. */
#include <asm/fcntl.h>
#include "sys.h"
#include "vfs.h"

static long do_pipe(uptr_t user, u32 flags)
{
    struct file *f[2];
    int fd[2];

    if (flags & ~(u32)(O_CLOEXEC | O_NONBLOCK | O_DIRECT))
        return -EINVAL;
    int r = pipe_open(flags, f);
    if (r)
        return r;
    fd[0] = fd_install(f[0], 0, flags & O_CLOEXEC);
    if (fd[0] < 0) {
        file_put(f[0]);
        file_put(f[1]);
        return fd[0];
    }
    fd[1] = fd_install(f[1], 0, flags & O_CLOEXEC);
    if (fd[1] < 0) {
        file_put(f[1]);
        fd_close(fd[0]);
        return fd[1];
    }
    if (copy_to_user(user, fd, sizeof fd)) {
        fd_close(fd[0]);
        fd_close(fd[1]);
        return -EFAULT;
    }
    return 0;
}

long sys_pipe(const u64 *a) { return do_pipe(a[0], 0); }
long sys_pipe2(const u64 *a) { return do_pipe(a[0], (u32)a[1]); }

/* -- splice and friends -- */

#define SPLICE_NONBLOCK 2
#define SPLICE_ALL      15
#define SPLICE_MAX      0x7ffff000ul    /* as for read and write */

static int two_files(int in, int out, struct file *f[2])
{
    f[0] = fd_get(in);
    f[1] = fd_get(out);
    if (f[0] && f[1])
        return 0;
    if (f[0])
        file_put(f[0]);
    if (f[1])
        file_put(f[1]);
    return -EBADF;
}

/* pos_r stays NULL when the program gave no offset. */
static int get_offset(uptr_t addr, const struct file *f, loff_t *off, loff_t **pos_r)
{
    *pos_r = NULL;
    if (!addr)
        return 0;
    if (file_is_pipe(f))
        return -ESPIPE;
    *pos_r = off;
    return get_user(*off, addr);
}

static long do_splice(struct file *in, uptr_t in_addr, struct file *out, uptr_t out_addr,
                      size_t n, u32 flags)
{
    bool nonblock = flags & SPLICE_NONBLOCK;
    loff_t in_off, out_off, *in_pos, *out_pos;
    ssize_t r = get_offset(in_addr, in, &in_off, &in_pos);

    if (!r)
        r = get_offset(out_addr, out, &out_off, &out_pos);
    if (r)
        return r;
    if (file_is_pipe(in) && file_is_pipe(out))
        r = splice_pipes(in, out, n, nonblock, false);
    else if (file_is_pipe(in))
        r = out->flags & O_APPEND ? -EINVAL : splice_from_pipe(in, out, out_pos, n, nonblock);
    else if (file_is_pipe(out))
        r = splice_to_pipe(in, in_pos, out, n, nonblock);
    else
        return -EINVAL;
    if (r > 0 && ((in_pos && put_user(in_off, in_addr)) ||
                  (out_pos && put_user(out_off, out_addr))))
        return -EFAULT;
    return r;
}

long sys_splice(const u64 *a)
{
    struct file *f[2];
    u32 flags = (u32)a[5];

    if (flags & ~SPLICE_ALL)
        return -EINVAL;
    if (!a[4])
        return 0;
    int e = two_files((int)a[0], (int)a[2], f);
    if (e)
        return e;
    long r = do_splice(f[0], a[1], f[1], a[3], min(a[4], SPLICE_MAX), flags);
    file_put(f[0]);
    file_put(f[1]);
    return r;
}

long sys_tee(const u64 *a)
{
    struct file *f[2];
    u32 flags = (u32)a[3];

    if (flags & ~SPLICE_ALL)
        return -EINVAL;
    if (!a[2])
        return 0;
    int e = two_files((int)a[0], (int)a[1], f);
    if (e)
        return e;
    long r = !file_is_pipe(f[0]) || !file_is_pipe(f[1]) ? -EINVAL :
             splice_pipes(f[0], f[1], min(a[2], SPLICE_MAX), flags & SPLICE_NONBLOCK, true);
    file_put(f[0]);
    file_put(f[1]);
    return r;
}

/* Writing copies: SPLICE_F_GIFT is a wish. */
long sys_vmsplice(const u64 *a)
{
    struct { u64 base, len; } v;
    struct file *f = fd_get((int)a[0]);
    ssize_t total = 0, r = 0;

    if (!f)
        return -EBADF;
    if (!file_is_pipe(f) || a[2] > 1024 || (a[3] & ~(u64)SPLICE_ALL))
        r = file_is_pipe(f) || (a[3] & ~(u64)SPLICE_ALL) ? -EINVAL : -EBADF;
    for (u64 i = 0; i < a[2] && !r; i++) {
        struct iov iov;
        struct uio u;
        if (get_user(v, a[1] + i * sizeof v)) {
            r = -EFAULT;
            break;
        }
        uio_init_user(&u, &iov, v.base, min(v.len, SPLICE_MAX - (size_t)total));
        size_t want = u.left;
        ssize_t k = f->mode & FMODE_WRITE ? vfs_write(f, &u, NULL) : vfs_read(f, &u, NULL);
        if (k < 0)
            r = k;
        else
            total += k;
        if (k != (ssize_t)want)
            break;
    }
    file_put(f);
    return total ? total : r;
}
