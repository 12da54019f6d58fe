/* File contents: truncation, holes, vectors, copying, allocation, temporary files. */
#include "say.h"
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/resource.h>
#include <linux/falloc.h>

static int fd;
static void size(const char *what) { struct stat st; fstat(fd, &st); note("%s: size %lld", what, (long long)st.st_size); }
static unsigned sum(int f)
{
    unsigned s = 0; unsigned char b[4096]; off_t o = 0;
    for (ssize_t n; (n = pread(f, b, sizeof b, o)) > 0; o += n) for (int i = 0; i < n; i++) s = s * 31 + b[i];
    return s;
}

static void seeks(void)
{
    char b[10];
    fd = open("s", O_CREAT | O_RDWR | O_TRUNC, 0644);
    say("write", write(fd, "0123456789", 10));
    say("SEEK_SET", lseek(fd, 3, SEEK_SET));
    say("SEEK_CUR", lseek(fd, -1, SEEK_CUR));
    say("SEEK_END", lseek(fd, -4, SEEK_END));
    say("before the start", lseek(fd, -11, SEEK_END));
    say("unchanged", lseek(fd, 0, SEEK_CUR));
    say("beyond", lseek(fd, 100000, SEEK_SET));
    say("read there", read(fd, b, 10));
    say("bad whence", lseek(fd, 0, 99));
    size("not grown");
    say("write there", write(fd, "x", 1));
    size("grown");
    say("a hole reads zero", pread(fd, b, 10, 5000));
    note("%d %d", b[0], b[9]);
    say("SEEK_DATA", lseek(fd, 0, SEEK_DATA));
    yes("SEEK_HOLE", lseek(fd, 0, SEEK_HOLE) >= 10);
    say("SEEK_DATA beyond", lseek(fd, 200000, SEEK_DATA));
    say("SEEK_HOLE at end", lseek(fd, 100000, SEEK_HOLE));
    say("far", lseek(fd, 1ll << 40, SEEK_SET));
    say("write far", write(fd, "y", 1));
    size("sparse");
    struct stat st;
    fstat(fd, &st);
    yes("few blocks", st.st_blocks < 1000);
    say("ftruncate", ftruncate(fd, 7));
    size("cut");
    say("truncate up", truncate("s", 20));
    memset(b, 9, 10);
    say("read", pread(fd, b, 10, 5));
    note("%d %d %d %d", b[0], b[1], b[2], b[9]);
    say("negative", ftruncate(fd, -1));
    say("truncate none", truncate("none", 0));
    say("truncate dir", truncate(".", 0));
    int ro = open("s", O_RDONLY);
    say("read-only", ftruncate(ro, 0));
    int d = open(".", O_RDONLY);
    say("read a directory", read(d, b, 1));
    say("seek on it", lseek(d, 0, SEEK_SET));
    close(d), close(ro), close(fd);
}

static void vectors(void)
{
    char a[4] = "abc", b[6] = "defgh", c[20] = "", e[3];
    struct iovec v[3] = { { a, 3 }, { b, 5 }, { c, 0 } };
    fd = open("v", O_CREAT | O_RDWR | O_TRUNC, 0644);
    say("writev", writev(fd, v, 3));
    say("pwritev", pwritev(fd, v, 2, 20));
    say("negative count", writev(fd, v, -1));
    say("too many", writev(fd, v, 2000));
    say("none", writev(fd, v, 0));
    struct iovec r[2] = { { e, 3 }, { c, 17 } };
    say("preadv", preadv(fd, r, 2, 0));
    note("%.3s %.5s", e, c);
    lseek(fd, 6, SEEK_SET);
    say("readv", readv(fd, r, 2));
    note("%.2s %d", e, e[2]);
    struct iovec bad[2] = { { a, 3 }, { (void *)8, 5 } };
    say("a bad part", pwritev(fd, bad, 2, 40));
    say("a bad start", pwritev(fd, bad + 1, 1, 40));
    bad[1].iov_len = -1;
    say("a length too big", writev(fd, bad, 2));
    size("then");
    close(fd);
}

static void copies(void)
{
    char buf[9000];
    int out = open("o", O_CREAT | O_RDWR | O_TRUNC, 0644), p[2];
    off_t off = 100;
    loff_t in_off = 10, out_off = 5;
    fd = open("i", O_CREAT | O_RDWR | O_TRUNC, 0644);
    for (int i = 0; i < 9000; i++) buf[i] = i * 7 % 251;
    write(fd, buf, 9000);
    say("sendfile", sendfile(out, fd, &off, 5000));
    note("off %d pos %d", (int)off, (int)lseek(fd, 0, SEEK_CUR));
    lseek(fd, 8000, SEEK_SET);
    say("sendfile to the end", sendfile(out, fd, NULL, 5000));
    note("pos %d sum %u", (int)lseek(fd, 0, SEEK_CUR), sum(out));
    pipe(p);
    off = 0;
    say("to a pipe", sendfile(p[1], fd, &off, 300));
    say("from a pipe", sendfile(out, p[0], NULL, 10));
    say("copy_file_range", copy_file_range(fd, &in_off, out, &out_off, 4000, 0));
    note("%d %d sum %u", (int)in_off, (int)out_off, sum(out));
    say("bad flags", copy_file_range(fd, &in_off, out, &out_off, 10, 1));
    say("overlapping", copy_file_range(fd, &(loff_t){ 0 }, fd, &(loff_t){ 10 }, 100, 0));
    say("same file apart", copy_file_range(fd, &(loff_t){ 0 }, fd, &(loff_t){ 20000 }, 100, 0));
    size("then");
    say("fsync", fsync(fd));
    say("fdatasync", fdatasync(fd));
    say("fsync a pipe", fsync(p[0]));
    say("readahead", readahead(fd, 0, 100));
    say("fadvise", posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED));
    close(fd), close(out), close(p[0]), close(p[1]);
}

static void allocs(void)
{
    char b[10];
    fd = open("al", O_CREAT | O_RDWR | O_TRUNC, 0644);
    say("fallocate", fallocate(fd, 0, 0, 10000));
    size("allocated");
    say("KEEP_SIZE", fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 50000));
    size("kept");
    memset(b, 'z', 10);
    for (int i = 0; i < 1000; i++) pwrite(fd, b, 10, i * 10);
    say("PUNCH_HOLE", fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 100, 5000));
    pread(fd, b, 10, 95);
    note("%d %d %d", b[0], b[4], b[5]);
    pread(fd, b, 10, 5095);
    note("%d %d %d", b[0], b[4], b[5]);
    say("ZERO_RANGE", fallocate(fd, FALLOC_FL_ZERO_RANGE, 0, 50) == 0 || errno == EOPNOTSUPP ? 0 : -1);
    say("length 0", fallocate(fd, 0, 0, 0));
    say("negative", fallocate(fd, 0, -1, 10));
    say("PUNCH without KEEP", fallocate(fd, FALLOC_FL_PUNCH_HOLE, 0, 10));
    say("posix_fallocate", posix_fallocate(fd, 0, 60000));
    size("then");
    int ro = open("al", O_RDONLY), p[2];
    say("read-only", fallocate(ro, 0, 0, 10));
    pipe(p);
    say("a pipe", fallocate(p[1], 0, 0, 10));
    close(ro), close(fd), close(p[0]), close(p[1]);
}

static void temps(void)
{
    char name[40];
    struct stat st;
    fd = open(".", O_TMPFILE | O_RDWR, 0640);
    did("O_TMPFILE", fd);
    if (fd < 0) return;
    say("write", write(fd, "temp", 4));
    fstat(fd, &st);
    note("mode %o links %d", st.st_mode, (int)st.st_nlink);
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    say("given a name", linkat(AT_FDCWD, name, AT_FDCWD, "named", AT_SYMLINK_FOLLOW));
    fstat(fd, &st);
    note("links %d", (int)st.st_nlink);
    say("by the name", open("named", O_RDONLY) >= 0 ? 0 : -1);
    close(fd);
    fd = open(".", O_TMPFILE | O_RDWR | O_EXCL, 0640);
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    say("O_EXCL has none", linkat(AT_FDCWD, name, AT_FDCWD, "named2", AT_SYMLINK_FOLLOW));
    say("read-only", open(".", O_TMPFILE | O_RDONLY, 0600));
    say("on a file", open("named", O_TMPFILE | O_RDWR, 0600));
    char t[] = "tXXXXXX";
    did("mkstemp", mkstemp(t));
    did("tmpfile", tmpfile() ? 0 : -1);
    unlink("named");
}

static volatile sig_atomic_t xfsz;
static void on(int s) { xfsz++; }
static void limits(void)
{
    struct rlimit rl = { 1000, RLIM_INFINITY }, old;
    pid_t p;
    getrlimit(RLIMIT_FSIZE, &old);
    if (!(p = fork())) {
        char b[600];
        setrlimit(RLIMIT_FSIZE, &rl);
        fd = open("lim", O_CREAT | O_RDWR | O_TRUNC, 0644);
        say("below", write(fd, b, 600));
        signal(SIGXFSZ, on);
        say("cut", write(fd, b, 600));
        say("at it", write(fd, b, 600));
        note("signals %d", xfsz);
        say("ftruncate beyond", ftruncate(fd, 2000));
        note("signals %d", xfsz);
        say("fallocate beyond", fallocate(fd, 0, 0, 2000));
        signal(SIGXFSZ, SIG_DFL);
        write(fd, b, 1);
        _exit(0);
    }
    say_wait("SIGXFSZ", p);
}

int main(void)
{
    for (int i = 0; i < 2; i++) {
        mkdir(i ? "/tmp/fdata" : "here", 0755);
        if (chdir(i ? "/tmp/fdata" : "here")) return 1;
        note("== %s", i ? "tmpfs" : "root");
        seeks();
        vectors();
        copies();
        allocs();
        temps();
        limits();
    }
    return 0;
}
