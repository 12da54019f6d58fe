/* splice, tee, vmsplice, sendfile and copy_file_range at their edges; pidfd_getfd; errors of
 * madvise, mincore and fallocate. */
#include "say.h"
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <linux/falloc.h>

static int file(const char *text)
{
    int fd = open("sp", O_CREAT | O_TRUNC | O_RDWR, 0600);
    write(fd, text, strlen(text));
    lseek(fd, 0, SEEK_SET);
    return fd;
}

static void splices(void)
{
    int p[2], q[2], f = file("0123456789"), n = open("/dev/null", O_WRONLY), s[2];
    loff_t off = 3;
    char b[100] = "";
    pipe(p), pipe(q);
    fcntl(p[1], F_SETPIPE_SZ, 65536);
    say("file to pipe", splice(f, NULL, p[1], NULL, 4, 0));
    say("at an offset", splice(f, &off, p[1], NULL, 2, 0));
    note("offset %d position %d", (int)off, (int)lseek(f, 0, SEEK_CUR));
    say("tee", tee(p[0], q[1], 5, 0));
    say("read the copy", read(q[0], b, 100)), note("%.5s", b);
    say("read", read(p[0], b, 100)), note("%.6s", b);
    say("empty, not waiting", splice(p[0], NULL, n, NULL, 10, SPLICE_F_NONBLOCK));
    say("tee of empty", tee(p[0], q[1], 10, SPLICE_F_NONBLOCK));
    say("nothing", splice(p[0], NULL, n, NULL, 0, 0));
    say("to itself", (write(p[1], "ab", 2), splice(p[0], NULL, p[1], NULL, 2, 0)));
    say("tee to itself", tee(p[0], p[1], 2, 0));
    say("pipe to pipe", splice(p[0], NULL, q[1], NULL, 10, 0));
    say("no pipe", splice(f, NULL, n, NULL, 1, 0));
    say("offset of a pipe", splice(q[0], &off, n, NULL, 1, 0));
    say("wrong end", splice(q[1], NULL, n, NULL, 1, 0));
    say("flags", splice(q[0], NULL, n, NULL, 1, 0x100));
    say("bad descriptor", splice(99, NULL, q[1], NULL, 1, 0));
    say("to a file", (lseek(f, 8, SEEK_SET), splice(q[0], NULL, f, NULL, 10, 0)));
    pread(f, b, 20, 0), note("%.10s", b);
    int ap = open("sp", O_WRONLY | O_APPEND);
    write(q[1], "x", 1);
    say("to an appended file", splice(q[0], NULL, ap, NULL, 1, 0));
    say("end of a file", (lseek(f, 0, SEEK_END), splice(f, NULL, p[1], NULL, 5, 0)));
    socketpair(AF_UNIX, SOCK_STREAM, 0, s);
    say("to a socket", splice(q[0], NULL, s[0], NULL, 1, SPLICE_F_NONBLOCK));
    say("from a socket", (write(s[0], "sock", 4), splice(s[1], NULL, p[1], NULL, 100, 0)));
    close(p[1]);
    say("rest", splice(p[0], NULL, n, NULL, 100, 0));
    say("no writers", splice(p[0], NULL, n, NULL, 100, 0));
    close(q[0]);
    signal(SIGPIPE, SIG_IGN);
    say("no readers", splice(f, &(loff_t){ 0 }, q[1], NULL, 1, 0));
    close(p[0]), close(q[1]), close(f), close(n), close(ap), close(s[0]), close(s[1]);
}

static void user_pages(void)
{
    int p[2];
    char a[] = "hello ", c[] = "world", b[20] = "";
    struct iovec v[2] = { { a, 6 }, { c, 5 } }, bad = { (void *)8, 5 };
    pipe(p);
    say("vmsplice", vmsplice(p[1], v, 2, 0));
    say("read", read(p[0], b, 20)), note("%s", b);
    say("none", vmsplice(p[1], v, 0, 0));
    say("bad address", vmsplice(p[1], &bad, 1, 0));
    say("no pipe", vmsplice(0, v, 1, 0x10));
    write(p[1], "back", 4);
    say("out of the pipe", vmsplice(p[0], v, 1, 0)), note("%.6s", a);
    close(p[0]), close(p[1]);
}

static void copies(void)
{
    int f = file("abcdefghij"), g = open("sp2", O_CREAT | O_TRUNC | O_RDWR, 0600), p[2];
    off_t o = 4;
    loff_t i = 8, j = 100;
    char b[20] = "";
    pipe(p);
    say("sendfile", sendfile(g, f, &o, 3));
    note("%d %d", (int)o, (int)lseek(f, 0, SEEK_CUR));
    say("to the end", sendfile(g, f, NULL, 100));
    say("at the end", sendfile(g, f, NULL, 100));
    say("to a pipe", sendfile(p[1], f, &(off_t){ 1 }, 2));
    say("from a pipe", sendfile(g, p[0], NULL, 2));
    say("negative", sendfile(g, f, &(off_t){ -1 }, 2));
    say("wrong way", sendfile(open("sp", O_RDONLY), f, NULL, 2));
    say("range", copy_file_range(f, &i, g, &j, 100, 0));
    note("%d %d size %d", (int)i, (int)j, (int)lseek(g, 0, SEEK_END));
    say("beyond the end", copy_file_range(f, &(loff_t){ 50 }, g, &j, 10, 0));
    say("from a pipe", copy_file_range(p[0], NULL, g, NULL, 1, 0));
    say("a folder", copy_file_range(open(".", O_RDONLY), NULL, g, NULL, 1, 0));
    say("not writable", copy_file_range(f, &(loff_t){ 0 }, open("sp2", O_RDONLY), NULL, 1, 0));
    say("appended", copy_file_range(f, &(loff_t){ 0 }, open("sp2", O_WRONLY | O_APPEND), NULL, 1, 0));
    say("nothing", copy_file_range(f, NULL, g, NULL, 0, 0));
    pread(g, b, 12, 0), note("%.12s", b);
    close(p[0]), close(p[1]), close(g), close(f);
    unlink("sp"), unlink("sp2");
}

static void others_descriptors(void)
{
    int p[2], fd, got;
    char b[10] = "";
    pipe(p);
    pid_t c = fork();
    if (!c) { dup2(p[0], 50); pause(); _exit(0); }
    fd = (int)syscall(SYS_pidfd_open, c, 0);
    usleep(50000);
    did("getfd", got = (int)syscall(SYS_pidfd_getfd, fd, 50, 0));
    write(p[1], "same", 4);
    say("the same pipe", read(got, b, 10));
    note("close on exec %d", fcntl(got, F_GETFD));
    say("none there", syscall(SYS_pidfd_getfd, fd, 77, 0));
    say("flags", syscall(SYS_pidfd_getfd, fd, 50, 1));
    say("no pidfd", syscall(SYS_pidfd_getfd, 0, 50, 0));
    kill(c, SIGKILL);
    waitpid(c, NULL, 0);
    say("gone", syscall(SYS_pidfd_getfd, fd, 50, 0));
    close(fd), close(got), close(p[0]), close(p[1]);
}

static void memory(void)
{
    char *m = mmap(NULL, 4 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    unsigned char v[4];
    munmap(m + 4096, 4096);
    say("advice over a hole", madvise(m, 3 * 4096, MADV_DONTNEED));
    say("unknown advice", madvise(m, 4096, 999));
    say("not aligned", madvise(m + 1, 4096, MADV_NORMAL));
    say("nothing", madvise(m, 0, MADV_NORMAL));
    say("overflow", madvise(m, ~0ul, MADV_NORMAL));
    say("mincore over a hole", mincore(m, 3 * 4096, v));
    say("mincore, not aligned", mincore(m + 1, 4096, v));
    say("mincore, bad vector", mincore(m, 4096, (void *)8));
    say("mincore of nothing", mincore(m, 0, v));
    m[0] = 1;
    say("mincore", mincore(m, 4096, v));
    note("present %d", v[0] & 1);
    say("remove of private", madvise(m, 4096, MADV_REMOVE));
    say("free", madvise(m, 4096, MADV_FREE));
    int f = file("x");
    char *s = mmap(NULL, 4096, PROT_READ, MAP_SHARED, f, 0);
    say("free of a file", madvise(s, 4096, MADV_FREE));
    say("wipe of a file", madvise(s, 4096, MADV_WIPEONFORK));
    say("allocate nothing", fallocate(f, 0, 0, 0));
    say("negative", fallocate(f, 0, -1, 10));
    say("too large", fallocate(f, 0, 1, 0x7fffffffffffffff));
    /* which error changes with the host's kernel */
    yes("collapse and more is refused", fallocate(f, FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_KEEP_SIZE, 0, 4096) == -1 &&
        (errno == EOPNOTSUPP || errno == EINVAL));
    say("a pipe", ({ int p[2]; pipe(p); fallocate(p[1], 0, 0, 10); }));
    say("a folder", fallocate(open(".", O_RDONLY), 0, 0, 10));
    say("not writable", fallocate(open("sp", O_RDONLY), 0, 0, 10));
    unlink("sp");
}

int main(void)
{
    splices();
    user_pages();
    copies();
    others_descriptors();
    memory();
    return 0;
}
