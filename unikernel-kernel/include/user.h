/* Guest programs' memory. The platform does the copying: a bad address gives
 * -EFAULT, a page not there yet is brought in. May sleep: never under a spinlock. */
#ifndef USER_H
#define USER_H

#include "kernel.h"

int copy_from_user(void *dst, uptr_t src, size_t n);    /* 0 or -EFAULT */
int copy_to_user(uptr_t dst, const void *src, size_t n);
int clear_user(uptr_t dst, size_t n);
/* Copies a string of at most n-1 bytes and its NUL; its length, -EFAULT, or
 * -ENAMETOOLONG when there is no NUL in n bytes. */
ssize_t strncpy_from_user(char *dst, uptr_t src, size_t n);

#define get_user(var, addr) copy_from_user(&(var), (addr), sizeof(var))
#define put_user(val, addr) ({ __typeof__(val) v_ = (val); copy_to_user((addr), &v_, sizeof v_); })

/* Atomic operations on a user word for futexes: result 0 or -EFAULT. */
int user_cmpxchg32(uptr_t addr, u32 old, u32 new, u32 *seen_r);
int user_load32(uptr_t addr, u32 *val_r);
/* Do the n bytes at addr (a multiple of 32) differ from those at p? Not if they can't
 * be read. */
bool user_differs(uptr_t addr, const void *p, size_t n);

/* A scatter list over user or kernel memory: what read and write take. */
struct iov { u64 base; size_t len; };
struct uio {
    struct iov *iov;
    u32 cnt;            /* remaining segments, iov[0] first */
    bool kernel;        /* base is a kernel address */
    size_t left;        /* bytes remaining in all */
};
/* Single-segment uio on the caller's stack. */
static inline void uio_init_user(struct uio *u, struct iov *v, uptr_t base, size_t n)
{
    v->base = base; v->len = n; u->iov = v; u->cnt = 1; u->kernel = false; u->left = n;
}
static inline void uio_init_kernel(struct uio *u, struct iov *v, void *base, size_t n)
{
    v->base = (u64)base; v->len = n; u->iov = v; u->cnt = 1; u->kernel = true; u->left = n;
}
/* Move up to n bytes between kernel memory and the uio, advancing it: bytes moved
 * (short only at the uio's end), or -EFAULT when none could be moved. */
ssize_t uio_write(struct uio *u, const void *src, size_t n);    /* kernel -> uio */
ssize_t uio_read(struct uio *u, void *dst, size_t n);           /* uio -> kernel */
ssize_t uio_zero(struct uio *u, size_t n);
void uio_advance(struct uio *u, size_t n);
#endif
