/* Scatter lists: moving bytes between kernel memory and a program's (or the kernel's). */
#include "user.h"

/* The part of the first segment that can be moved now; skips empty segments. */
static size_t uio_span(struct uio *u, size_t n)
{
    while (u->cnt && !u->iov->len) {
        u->iov++;
        u->cnt--;
    }
    if (!u->cnt)
        return 0;
    n = min(n, u->left);
    return min(n, u->iov->len);
}

static void uio_step(struct uio *u, size_t n)
{
    u->iov->base += n;
    u->iov->len -= n;
    u->left -= n;
}

ssize_t uio_write(struct uio *u, const void *src, size_t n)
{
    size_t done = 0;
    while (done < n) {
        size_t k = uio_span(u, n - done);
        if (!k)
            break;
        if (u->kernel)
            memcpy((void *)u->iov->base, (const char *)src + done, k);
        else if (copy_to_user(u->iov->base, (const char *)src + done, k))
            return done ? (ssize_t)done : -EFAULT;
        uio_step(u, k);
        done += k;
    }
    return (ssize_t)done;
}

ssize_t uio_read(struct uio *u, void *dst, size_t n)
{
    size_t done = 0;
    while (done < n) {
        size_t k = uio_span(u, n - done);
        if (!k)
            break;
        if (u->kernel)
            memcpy((char *)dst + done, (const void *)u->iov->base, k);
        else if (copy_from_user((char *)dst + done, u->iov->base, k))
            return done ? (ssize_t)done : -EFAULT;
        uio_step(u, k);
        done += k;
    }
    return (ssize_t)done;
}

ssize_t uio_zero(struct uio *u, size_t n)
{
    size_t done = 0;
    while (done < n) {
        size_t k = uio_span(u, n - done);
        if (!k)
            break;
        if (u->kernel)
            memset((void *)u->iov->base, 0, k);
        else if (clear_user(u->iov->base, k))
            return done ? (ssize_t)done : -EFAULT;
        uio_step(u, k);
        done += k;
    }
    return (ssize_t)done;
}

void uio_advance(struct uio *u, size_t n)
{
    while (n) {
        size_t k = uio_span(u, n);
        if (!k)
            return;
        uio_step(u, k);
        n -= k;
    }
}
