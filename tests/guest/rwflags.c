/* Reading and writing with flags, syncing, advice, and bytes passed between all kinds of
 * files without the program. */
#include "say.h"
#include <linux/falloc.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>

static void flags(void)
{
    char b[100];
    struct iovec v = { b, 10 }, two[2] = { { "ab", 2 }, { "cd", 2 } };
    struct stat st;
    int p[2], fd = open("rwf", O_CREAT | O_RDWR | O_TRUNC, 0600);
    say("pwritev2", pwritev2(fd, two, 2, 0, 0));
    say("append", pwritev2(fd, two, 2, 0, RWF_APPEND));
    fstat(fd, &st);
    note("size %d", (int)st.st_size);
    say("dsync", pwritev2(fd, two, 2, 0, RWF_DSYNC));
    say("sync", pwritev2(fd, two, 2, 0, RWF_SYNC));
    say("hipri", preadv2(fd, &v, 1, 0, RWF_HIPRI));
    say("position -1", preadv2(fd, &v, 1, -1, 0));
    say("position moved", lseek(fd, 0, SEEK_CUR));
    errno = 0;
    yes("nowait, or not known", preadv2(fd, &v, 1, 0, RWF_NOWAIT) > 0 || errno == EOPNOTSUPP);
    say("unknown", preadv2(fd, &v, 1, 0, 0x4000));
    say("position -2", preadv2(fd, &v, 1, -2, 0));
    pipe(p);
    say("nowait on an empty pipe", preadv2(p[0], &v, 1, -1, RWF_NOWAIT));
    say("pread on a pipe", preadv2(p[0], &v, 1, 0, 0));
    say("fsync of a pipe", fsync(p[0]));
    say("sync_file_range of a pipe", sync_file_range(p[0], 0, 0, 0));
    say("fadvise of a pipe", posix_fadvise(p[0], 0, 0, POSIX_FADV_NORMAL));
    say("readahead of a pipe", readahead(p[0], 0, 10));
    close(p[0]), close(p[1]);
    say("sync_file_range", sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE));
    say("bad flags", sync_file_range(fd, 0, 0, 99));
    say("negative", sync_file_range(fd, -1, 0, SYNC_FILE_RANGE_WRITE));
    say("fdatasync", fdatasync(fd));
    say("syncfs", syncfs(fd));
    say("fsync of a directory", fsync(open(".", O_RDONLY)));
    say("fadvise", posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED));
    say("fadvise bad", posix_fadvise(fd, 0, 0, 77));
    say("fadvise closed", posix_fadvise(-1, 0, 0, 0));
    say("readahead", readahead(fd, 0, 4096));
    say("readahead write-only", readahead(open("rwf", O_WRONLY), 0, 4096));
    close(fd);
    fd = open("sync", O_CREAT | O_RDWR | O_SYNC, 0600);
    note("flags %o", fcntl(fd, F_GETFL) & (O_SYNC | O_DSYNC));
    say("write", write(fd, "x", 1));
    close(fd);
    fd = open("sync", O_RDWR | O_DSYNC);
    note("flags %o", fcntl(fd, F_GETFL) & (O_SYNC | O_DSYNC));
    close(fd);
}

static void allocate(void)
{
    int ro, fd = open("al", O_CREAT | O_RDWR | O_TRUNC, 0600);
    struct stat st;
    char b[4096];
    memset(b, 'a', sizeof b);
    for (int i = 0; i < 16; i++) write(fd, b, sizeof b);
    say("keep size", fallocate(fd, FALLOC_FL_KEEP_SIZE, 65536, 65536));
    fstat(fd, &st);
    note("size %d", (int)st.st_size);
    say("punch", fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 4096, 8192));
    pread(fd, b, 1, 5000);
    note("byte %d", b[0]);
    say("hole", lseek(fd, 0, SEEK_HOLE));
    say("data", lseek(fd, 4096, SEEK_DATA));
    say("punch alone", fallocate(fd, FALLOC_FL_PUNCH_HOLE, 0, 4096));
    say("unknown mode", fallocate(fd, 0x1000, 0, 4096));
    say("zero length", fallocate(fd, 0, 0, 0));
    say("zero range", fallocate(fd, FALLOC_FL_ZERO_RANGE, 16384, 4096) && errno != EOPNOTSUPP ? -1 : 0);
    say("grow", fallocate(fd, 0, 0, 100000));
    fstat(fd, &st);
    note("size %d", (int)st.st_size);
    ro = open("al", O_RDONLY);
    say("read-only", fallocate(ro, 0, 0, 10));
    close(ro), close(fd);
}

static void pairs(void)
{
    int p[2], s[2], q[2], fd = open("sp", O_CREAT | O_RDWR | O_TRUNC, 0600), to = open("sp2", O_CREAT | O_RDWR | O_TRUNC, 0600);
    loff_t off = 5, out = 3;
    char b[20];
    struct iovec v = { "vm", 2 };
    struct stat st;
    write(fd, "0123456789abcdef", 16);
    pipe(p), pipe(q), socketpair(AF_UNIX, SOCK_STREAM, 0, s);
    say("file to pipe", splice(fd, &off, p[1], NULL, 6, 0));
    note("offset %d", (int)off);
    say("tee", tee(p[0], q[1], 3, 0));
    say("pipe to file", splice(p[0], NULL, to, &out, 100, SPLICE_F_NONBLOCK));
    say("pipe to socket", splice(q[0], NULL, s[0], NULL, 3, 0));
    say("arrived", read(s[1], b, 20));
    say("socket to pipe", (write(s[0], "socket", 6), splice(s[1], NULL, p[1], NULL, 6, 0)));
    say("pipe to pipe", splice(p[0], NULL, q[1], NULL, 6, 0));
    say("read", read(q[0], b, 20));
    say("splice of two files", splice(fd, &off, to, NULL, 3, 0));
    say("sendfile to a socket", sendfile(s[0], fd, (off = 2, &off), 5));
    say("to a pipe", sendfile(p[1], fd, &off, 5));
    say("to a file", sendfile(to, fd, (off = 0, &off), 16));
    say("from a pipe", sendfile(to, p[0], NULL, 5));
    say("copy", copy_file_range(fd, (off = 0, &off), to, (out = 100, &out), 16, 0));
    say("copy beyond", copy_file_range(fd, (off = 100, &off), to, NULL, 16, 0));
    say("copy from a pipe", copy_file_range(p[0], NULL, to, NULL, 1, 0));
    say("copy flags", copy_file_range(fd, NULL, to, NULL, 1, 1));
    say("offset of a pipe", splice(p[0], &off, to, NULL, 1, 0));
    say("vmsplice", vmsplice(q[1], &v, 1, 0));
    v.iov_base = b;
    say("vmsplice out", vmsplice(q[0], &v, 1, 0));
    say("empty, nonblock", splice(q[0], NULL, to, NULL, 1, SPLICE_F_NONBLOCK));
    fstat(to, &st);
    note("size %d", (int)st.st_size);
}

int main(void)
{
    for (int i = 0; i < 2; i++) {
        if (chdir(i ? "/tmp" : ".")) return 1;
        note("-- %d", i);
        flags(), allocate(), pairs();
    }
    return 0;
}
