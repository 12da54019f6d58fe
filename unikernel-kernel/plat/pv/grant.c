/* Grants: descriptors of the host's files, received from the driver domain. One table
 * of descriptors serves all processes of the domain (CLONE_FILES). */
#include "abi/fs.h"
#include "host.h"
#include "mm.h"
#include "pv.h"

#include <linux/uio.h>

/* As the host's recvmsg(2) lays them out. */
struct host_msghdr {
    void *name; u32 namelen, pad0;
    struct iovec *iov; u64 iovlen;
    void *control; u64 controllen;
    u32 flags, pad1;
};
struct host_cmsg { u64 len; u32 level, type; int fd; int pad; };
#define SCM_RIGHTS_ 1
#define RECV_FLAGS 0x40000040u          /* MSG_CMSG_CLOEXEC | MSG_DONTWAIT */

/* Messages taken from the socket while looking for another one. */
#define PENDING 64
static struct { struct mutex lock; struct { u64 cookie; int fd; } p[PENDING]; u32 n; } waiting;

bool plat_has_grants(void)
{
    return true;
}

static int receive(u64 *cookie_r)
{
    struct xenc_grant_msg msg = { 0 };
    struct iovec iov = { &msg, sizeof msg };
    struct host_cmsg c = { .fd = -1 };
    struct host_msghdr h = { .iov = &iov, .iovlen = 1, .control = &c, .controllen = sizeof c };

    long r = host3(__NR_recvmsg, PV_FD_GRANT, (u64)&h, RECV_FLAGS);
    if (r < 0)
        return (int)r;
    if (c.type != SCM_RIGHTS_ || c.fd < PV_FD_FIRST)
        return -EMFILE;         /* the table is full: the host dropped the descriptor */
    *cookie_r = msg.cookie;
    return c.fd;
}

int plat_grant_take(u64 cookie)
{
    int fd = -EIO;

    mutex_lock(&waiting.lock);
    for (u32 i = 0; i < waiting.n; i++) {
        if (waiting.p[i].cookie == cookie) {
            fd = waiting.p[i].fd;
            waiting.p[i] = waiting.p[--waiting.n];
            goto out;
        }
    }
    for (;;) {
        u64 got = 0;
        int r = receive(&got);
        if (r < 0 || got == cookie) {
            fd = r;
            break;
        }
        if (waiting.n == PENDING)
            host3(__NR_close, (u64)r, 0, 0);
        else
            waiting.p[waiting.n++] = (__typeof__(waiting.p[0])){ got, r };
    }
out:
    mutex_unlock(&waiting.lock);
    return fd;
}

ssize_t plat_grant_pread(int h, void *buf, size_t n, u64 off)
{
    return host4(__NR_pread64, (u64)h, (u64)buf, n, off);
}

ssize_t plat_grant_pwrite(int h, const void *buf, size_t n, u64 off)
{
    return host4(__NR_pwrite64, (u64)h, (u64)buf, n, off);
}

/* -- windows: small files mapped in the kernel's part of a process -- */

#define WINDOWS    32u
#define WIN_SPAN   ((PV_WIN_END - PV_WIN_BASE) / WINDOWS)
#define WIN_AFTER  3u           /* reads of a file before a mapping pays */
#define WIN_MAX    (4ul << 20)

struct window { int grant; u32 gen, uses; u64 len; };
struct windows { struct mutex lock; struct window w[WINDOWS]; };

/* Counts what a descriptor number stood for, so that no window outlives its file. */
static u32 grant_gen[PV_FD_MAX];

size_t pv_ucopy(void *dst, const void *src, size_t n);

void plat_grant_close(int h)
{
    __atomic_add_fetch(&grant_gen[h], 1, __ATOMIC_SEQ_CST);
    host3(__NR_close, (u64)h, 0, 0);
}

static bool window_ready(struct window *w, u64 base, int h, u64 size)
{
    u32 gen = READ_ONCE(grant_gen[h]);

    if (w->grant != h || w->gen != gen) {
        *w = (struct window){ h, gen, 1, 0 };
        return false;
    }
    if (++w->uses <= WIN_AFTER)
        return false;
    u64 len = PAGE_UP(size);
    if (w->len < len) {
        long r = host6(__NR_mmap, base, len, 1 /* PROT_READ */, 0x11 /* SHARED | FIXED */,
                       (u64)h, 0);
        if (r < 0 && r > -4096)
            return false;
        w->len = len;
    }
    return true;
}

ssize_t plat_grant_copy(int h, u64 off, size_t n, u64 size, uptr_t dst)
{
    struct mm *mm = current()->mm;
    ssize_t r = -EOPNOTSUPP;

    if (plat_unsettled() || size > WIN_MAX || off >= size || n > size - off || dst >= PV_USER_MAX ||
        (dst < PV_KERNEL_END && dst + n > PV_USER_TOP))
        return r;
    struct windows *t = mm->plat;
    if (!t) {
        t = kzalloc(sizeof *t);
        struct windows *none = NULL;
        if (t && !__atomic_compare_exchange_n((struct windows **)&mm->plat, &none, t, false,
                                              __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
            kfree(t);
            t = none;
        }
        if (!t)
            return r;
    }
    if (!mutex_trylock(&t->lock))
        return r;
    u32 i = (u32)h % WINDOWS;
    u64 base = PV_WIN_BASE + i * WIN_SPAN;
    if (window_ready(&t->w[i], base, h, size) &&
        pv_ucopy((void *)dst, (const void *)(base + off), n) == 0)
        r = (ssize_t)n;
    mutex_unlock(&t->lock);
    return r;
}

void plat_as_dispose(struct mm *mm)
{
    kfree(mm->plat);
    mm->plat = NULL;
}
