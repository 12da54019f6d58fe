/* Grants: descriptors of the host's files, received from the driver domain. One table
 * of descriptors serves all processes of the domain (CLONE_FILES). */
#include "abi/fs.h"
#include "host.h"
#include "mm.h"
#include "pv.h"

#include <asm/stat.h>
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

/* A small read that takes longer has waited for a disk, or for the CPU. */
#define COLD_CYCLES 100000

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

void plat_grant_close(int h)
{
    pv_window_close(h);
    host3(__NR_close, (u64)h, 0, 0);
}

ssize_t plat_grant_pread(int h, void *buf, size_t n, u64 off)
{
    u64 t0 = __builtin_ia32_rdtsc();
    long r = host4(__NR_pread64, (u64)h, (u64)buf, n, off);

    if (unlikely(__builtin_ia32_rdtsc() - t0 > COLD_CYCLES))
        pv_window_cold(h);
    return r;
}

ssize_t plat_grant_pwrite(int h, const void *buf, size_t n, u64 off)
{
    return host4(__NR_pwrite64, (u64)h, (u64)buf, n, off);
}

int plat_grant_stat(int h, struct plat_stat *st)
{
    struct stat s;
    long r = host3(__NR_fstat, (u64)h, (u64)&s, 0);

    if (r < 0)
        return (int)r;
    *st = (struct plat_stat){
        .size = (u64)s.st_size, .blocks = (u64)s.st_blocks,
        .atime = { (u64)s.st_atime, (u32)s.st_atime_nsec },
        .mtime = { (u64)s.st_mtime, (u32)s.st_mtime_nsec },
        .ctime = { (u64)s.st_ctime, (u32)s.st_ctime_nsec },
    };
    return 0;
}
