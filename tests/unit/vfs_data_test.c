// uses: unikernel-kernel/fs/objcache.c unikernel-kernel/fs/uio.c unikernel-kernel/fs/dcache.c unikernel-kernel/fs/pathname.c unikernel-kernel/fs/inode.c unikernel-kernel/fs/attr.c unikernel-kernel/fs/super.c unikernel-kernel/fs/walk.c unikernel-kernel/fs/namei.c unikernel-kernel/fs/fsctx.c unikernel-kernel/fs/mount*.c unikernel-kernel/fs/nsfs.c unikernel-kernel/core/ns.c unikernel-kernel/fs/file.c unikernel-kernel/fs/fdtable.c unikernel-kernel/fs/rw.c unikernel-kernel/fs/open.c unikernel-kernel/fs/dirops.c unikernel-kernel/fs/rename.c unikernel-kernel/fs/stat.c unikernel-kernel/fs/xattr.c unikernel-kernel/fs/tmpfs.c unikernel-kernel/fs/tmpfs_dir.c unikernel-kernel/fs/tmpfs_data.c unikernel-kernel/fs/tmpfs_pages.c unikernel-kernel/fs/tmpfs_xattr.c unikernel-kernel/fs/flock.c unikernel-kernel/fs/posixlock.c unikernel-kernel/fs/hostlock.c unikernel-kernel/fs/chrdev.c unikernel-kernel/fs/devtmpfs.c unikernel-kernel/fs/memfd.c unikernel-kernel/fs/pipe.c unikernel-kernel/fs/fifo.c unikernel-kernel/sys/fs_*.c unikernel-kernel/lib/rbtree.c tests/unit/unitvfs.c
/* Contents: tmpfs pages, holes, limits, positions, descriptors, copying, seals. */
#include <asm/ioctls.h>
#include <asm/stat.h>
#include <asm/statfs.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <linux/resource.h>
#include "unitvfs.h"
#include "mm.h"

static u8 big[300000], back[300000];

static void test_holes(void)
{
    struct stat st;
    long fd = CALL(open, "/h", O_CREAT | O_RDWR, 0644);
    for (size_t k = 0; k < sizeof big; k++)
        big[k] = (u8)(k * 7 + k / 4096);
    tap_is(CALL(pwrite64, fd, big, sizeof big, 5), (long)sizeof big, "write across pages");
    tap_is(CALL(pread64, fd, back, sizeof back, 5), (long)sizeof back, "read back");
    tap_ok(!memcmp(big, back, sizeof big), "same bytes");
    tap_is(CALL(pwrite64, fd, "x", 1, 1ull << 40), 1, "a byte far away");
    CALL(fstat, fd, &st);
    tap_ok(st.st_size == (1ll << 40) + 1 && st.st_blocks == 75 * 8, "sparse");
    tap_is(CALL(lseek, fd, 400000, SEEK_DATA), 1ll << 40, "SEEK_DATA");
    tap_is(CALL(lseek, fd, 0, SEEK_HOLE), 303104, "SEEK_HOLE");
    tap_is(CALL(lseek, fd, 1ll << 41, SEEK_DATA), -ENXIO, "SEEK_DATA beyond the end");
    tap_is(CALL(fallocate, fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 4000, 10000), 0, "punch");
    CALL(pread64, fd, back, 20000, 0);
    tap_ok(back[3999] == big[3994] && !back[4000] && !back[13999] && back[14000] == big[13995],
           "a hole of exactly that");
    tap_is(CALL(ftruncate, fd, 4100), 0, "truncate");
    tap_is(CALL(ftruncate, fd, 8192), 0, "and longer again");
    CALL(pread64, fd, back, 8192, 0);
    tap_ok(back[3999] && !back[4099] && !back[5000], "zeroes there");
    CALL(fstat, fd, &st);
    tap_is(st.st_blocks, 8, "pages freed: the second was in the hole");
    tap_is(CALL(fallocate, fd, 0, 0, 100000), 0, "fallocate");
    CALL(fstat, fd, &st);
    tap_ok(st.st_size == 100000 && st.st_blocks == 25 * 8, "size and blocks");
    tap_is(CALL(lseek, fd, -1, SEEK_SET), -EINVAL, "negative position");
    tap_is(CALL(pread64, fd, back, 1, -1), -EINVAL, "negative offset");
    CALL(close, fd);
    CALL(unlink, "/h");
}

static void test_limits(void)
{
    struct statfs sf;
    long fd;
    CALL(mkdir, "/small", 0755);
    tap_is(CALL(mount, "none", "/small", "tmpfs", 0, "size=40k,nr_inodes=3"), 0, "a small tmpfs");
    fd = CALL(open, "/small/f", O_CREAT | O_RDWR, 0644);
    tap_is(CALL(write, fd, big, sizeof big), 40960, "filled");
    tap_is(CALL(write, fd, big, 1), -ENOSPC, "ENOSPC");
    tap_is(CALL(statfs, "/small", &sf), 0, "statfs");
    tap_ok(sf.f_blocks == 10 && !sf.f_bfree && sf.f_ffree == 1, "figures");
    tap_is(CALL(ftruncate, fd, 0), 0, "truncate");
    tap_is(CALL(write, fd, big, 10), 10, "room again");
    CALL(mkdir, "/small/d", 0755);
    tap_is(CALL(mkdir, "/small/e", 0755), -ENOSPC, "no inodes left");
    tap_is(CALL(umount2, "/small", 0), -EBUSY, "busy");
    CALL(close, fd);
    tap_is(CALL(umount2, "/small", 0), 0, "umount");
    tap_is(CALL(mount, "none", "/small", "tmpfs", 0, "size=4x"), -EINVAL, "bad option");
    current()->proc->rlim[RLIMIT_FSIZE].cur = 1000;
    fd = CALL(open, "/lim", O_CREAT | O_RDWR, 0644);
    tap_is(CALL(write, fd, big, 1500), 1000, "RLIMIT_FSIZE shortens");
    tap_is(CALL(write, fd, big, 1), -EFBIG, "and ends it");
    tap_is(unit_vfs_signal, 25, "SIGXFSZ");
    tap_is(CALL(ftruncate, fd, 2000), -EFBIG, "truncate too");
    current()->proc->rlim[RLIMIT_FSIZE].cur = ~0ull;
    CALL(close, fd);
}

static void test_fds(void)
{
    long fd = CALL(open, "/fd", O_CREAT | O_RDWR | O_CLOEXEC, 0644), other;
    int one = 1;
    tap_is(CALL(fcntl, fd, F_GETFD), 1, "O_CLOEXEC");
    tap_is(CALL(dup, fd), fd + 1, "dup");
    tap_is(CALL(fcntl, fd + 1, F_GETFD), 0, "dup clears it");
    tap_is(CALL(dup3, fd, 200, O_CLOEXEC), 200, "dup3 grows the table");
    tap_is(CALL(dup3, fd, fd, 0), -EINVAL, "dup3 to itself");
    tap_is(CALL(dup2, fd, fd), fd, "dup2 to itself");
    tap_is(CALL(dup2, 77, 77), -EBADF, "dup2 of none");
    tap_is(CALL(fcntl, fd, F_DUPFD, 100), 100, "F_DUPFD");
    tap_is(CALL(write, fd, "abc", 3), 3, "write");
    tap_is(CALL(lseek, 200, 0, SEEK_CUR), 3, "one position");
    other = CALL(open, "/fd", O_RDONLY);
    tap_is(CALL(lseek, other, 0, SEEK_CUR), 0, "another open, another position");
    tap_is(CALL(ioctl, fd, FIONBIO, &one), 0, "FIONBIO");
    tap_ok(CALL(fcntl, 100, F_GETFL) & O_NONBLOCK, "shared flags");
    tap_is(CALL(ioctl, fd, TIOCGWINSZ, &one), -ENOTTY, "ENOTTY");
    tap_is(CALL(close_range, 100, 150, 0), 0, "close_range");
    tap_is(CALL(fcntl, 100, F_GETFD), -EBADF, "closed");
    fdtable_close_on_exec(current()->files);
    tap_is(CALL(fcntl, 200, F_GETFD), -EBADF, "closed on exec");
    tap_is(CALL(fcntl, fd + 1, F_GETFD), 0, "the other stays");
    current()->proc->rlim[RLIMIT_NOFILE].cur = 3;
    tap_is(CALL(dup, fd + 1), 0, "limit");
    tap_is(CALL(dup, fd + 1), -EMFILE, "EMFILE");
    tap_is(CALL(dup2, fd + 1, 3), -EBADF, "dup2 beyond it");
    tap_is(CALL(fcntl, fd + 1, F_DUPFD, 3), -EINVAL, "F_DUPFD beyond it");
    current()->proc->rlim[RLIMIT_NOFILE].cur = 1024;
    CALL(close_range, 0, ~0u, 0);
}

static void test_vectors(void)
{
    struct iov v[3] = { { (u64)"ab", 2 }, { 0, 0 }, { (u64)"cde", 3 } };
    char x[2], y[9] = "";
    struct iov r[2] = { { (u64)x, 2 }, { (u64)y, 8 } };
    long fd = CALL(open, "/v", O_CREAT | O_RDWR, 0644), out;
    loff_t off = 1;
    tap_is(CALL(writev, fd, v, 3), 5, "writev");
    tap_is(CALL(preadv, fd, r, 2, 0), 5, "preadv");
    tap_ok(x[1] == 'b' && !strcmp(y, "cde"), "bytes");
    tap_is(CALL(readv, fd, v, 2000), -EINVAL, "too many");
    v[0].len = ~0ul;
    tap_is(CALL(writev, fd, v, 1), -EINVAL, "negative length");
    tap_is(CALL(write, fd, 8, 10), -EFAULT, "bad address");
    out = CALL(open, "/out", O_CREAT | O_RDWR, 0644);
    tap_is(CALL(sendfile, out, fd, &off, 100), 4, "sendfile");
    tap_is(off, 5, "its offset");
    tap_ok(!strcmp(unit_text("/out"), "bcde"), "its bytes");
    CALL(lseek, fd, 0, SEEK_SET);
    tap_is(CALL(copy_file_range, fd, 0, out, 0, 2, 0), 2, "copy_file_range");
    tap_ok(!strcmp(unit_text("/out"), "bcdeab"), "its bytes");
    tap_is(CALL(copy_file_range, fd, 0, fd, 0, 2, 0), -EINVAL, "onto itself");
    CALL(close, fd);
    CALL(close, out);
}

static void test_memfd(void)
{
    long fd = CALL(memfd_create, "m", 2 /* MFD_ALLOW_SEALING */);
    struct map_source s;
    struct file *f;
    char name[64], *page;
    tap_ok(fd >= 0, "memfd_create");
    tap_is(CALL(ftruncate, fd, 10000), 0, "size");
    CALL(pwrite64, fd, "hello", 5, 4096);
    f = fd_get((int)fd);
    tap_is(f->ops->mmap(f, &s, 3, true), 0, "mmap");
    page = s.page(f, 1, false);
    tap_ok(page && !memcmp(page, "hello", 5), "its page");
    tap_ok(!s.page(f, 3, false), "none beyond the end");
    tap_is(CALL(ftruncate, fd, 4096), 0, "shorter while mapped");
    tap_ok(!page[0], "what is mapped reads zero");
    CALL(ftruncate, fd, 10000);
    tap_ok(s.page(f, 1, true) == page, "and is the same page later");
    tap_ok(!strcmp(path_name(&f->path, name, sizeof name), "/memfd:m (deleted)"), "name");
    tap_is(CALL(fcntl, fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_WRITE), 0, "seal");
    tap_is(CALL(ftruncate, fd, 0), -EPERM, "no shrinking");
    tap_is(CALL(ftruncate, fd, 20000), 0, "growing is not sealed");
    tap_is(CALL(write, fd, "x", 1), -EPERM, "no writing");
    tap_is(CALL(fcntl, fd, F_GET_SEALS), F_SEAL_SHRINK | F_SEAL_WRITE, "F_GET_SEALS");
    CALL(fcntl, fd, F_ADD_SEALS, F_SEAL_SEAL);
    tap_is(CALL(fcntl, fd, F_ADD_SEALS, F_SEAL_GROW), -EPERM, "sealed seals");
    file_put(f);
    CALL(close, fd);
    fd = CALL(memfd_create, "n", 0);
    tap_is(CALL(fcntl, fd, F_GET_SEALS), F_SEAL_SEAL, "not sealable");
    CALL(close, fd);
}

static void test_devices(void)
{
    long fd;
    CALL(mkdir, "/dev", 0755);
    tap_is(CALL(mount, "dev", "/dev", "devtmpfs", 0, 0), 0, "devtmpfs");
    fd = CALL(open, "/dev/null", O_RDWR | O_TRUNC | O_CREAT, 0600);
    tap_is(CALL(write, fd, "x", 1), 1, "null takes");
    tap_is(CALL(read, fd, back, 10), 0, "null gives nothing");
    CALL(close, fd);
    fd = CALL(open, "/dev/zero", O_RDWR);
    back[0] = back[9] = 1;
    tap_is(CALL(read, fd, back, 10), 10, "zero gives");
    tap_ok(!back[0] && !back[9], "zeroes");
    CALL(close, fd);
    fd = CALL(open, "/dev/full", O_RDWR);
    tap_is(CALL(write, fd, "x", 1), -ENOSPC, "full");
    CALL(close, fd);
    CALL(mknod, "/dev/odd", S_IFCHR | 0666, 0xfe01);
    tap_is(CALL(open, "/dev/odd", O_RDWR), -ENXIO, "no such device");
    CALL(mount, 0, "/dev", 0, MS_REMOUNT | MS_NODEV, 0);
    tap_is(CALL(open, "/dev/null", O_RDWR), -EACCES, "MS_NODEV");
    tap_is(CALL(umount2, "/dev", 0), 0, "umount");
}

int main(void)
{
    unit_vfs_init();
    test_holes();
    test_limits();
    test_fds();
    test_vectors();
    test_memfd();
    test_devices();
    for (int k = 0; k < 1024; k++)
        fd_close(k);
    tap_skip("the super of memfds stays", "nothing left behind");
    return tap_end();
}
