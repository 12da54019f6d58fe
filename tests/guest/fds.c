/* Descriptors: dup and its kin, fcntl, limits, close_range. */
#include "say.h"
#include <sys/resource.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

int main(void)
{
    int fd = open("f", O_CREAT | O_RDWR | O_TRUNC, 0644), p[2];

    say("first free", fd);
    say("dup", dup(fd));
    say("dup2", dup2(fd, 10));
    say("dup2 same", dup2(10, 10));
    say("dup2 same closed", dup2(11, 11));
    say("dup3 same", dup3(10, 10, 0));
    say("dup3", dup3(fd, 11, O_CLOEXEC));
    say("its flag", fcntl(11, F_GETFD));
    say("dup3 bad flags", dup3(fd, 12, O_APPEND));
    say("dup2 over it", dup2(fd, 11));
    say("flag gone", fcntl(11, F_GETFD));
    say("F_DUPFD 20", fcntl(fd, F_DUPFD, 20));
    say("F_DUPFD 20 again", fcntl(fd, F_DUPFD, 20));
    say("F_DUPFD_CLOEXEC", fcntl(fd, F_DUPFD_CLOEXEC, 20));
    say("its flag", fcntl(22, F_GETFD));
    say("F_DUPFD too high", fcntl(fd, F_DUPFD, 100000));
    say("F_DUPFD negative", fcntl(fd, F_DUPFD, -1));
    say("dup2 too high", dup2(fd, 100000));
    say("dup2 negative", dup2(fd, -1));
    say("dup of closed", dup(500));
    say("close", close(20));
    say("close twice", close(20));
    say("lowest", dup(fd));
    say("F_SETFD", fcntl(fd, F_SETFD, FD_CLOEXEC));
    say("F_GETFD", fcntl(fd, F_GETFD));
    note("F_GETFL %o", fcntl(fd, F_GETFL));
    say("F_SETFL", fcntl(fd, F_SETFL, O_APPEND | O_NONBLOCK | O_CREAT | O_WRONLY));
    note("F_GETFL %o, of the dup %o", fcntl(fd, F_GETFL), fcntl(10, F_GETFL));
    say("F_SETFL back", fcntl(fd, F_SETFL, 0));
    say("fcntl unknown", fcntl(fd, 9999, 0));
    say("ioctl FIOCLEX", ioctl(10, FIOCLEX));
    say("its flag", fcntl(10, F_GETFD));
    say("ioctl FIONCLEX", ioctl(10, FIONCLEX));
    int on = 1;
    say("ioctl FIONBIO", ioctl(10, FIONBIO, &on));
    note("F_GETFL %o", fcntl(10, F_GETFL));
    say("ioctl TCGETS on a file", ioctl(fd, TCGETS, p));
    say("ioctl unknown", ioctl(fd, 0x12345678, p));
    write(fd, "hello", 5);
    int n = 0;
    lseek(fd, 2, SEEK_SET);
    say("FIONREAD on a file", ioctl(fd, FIONREAD, &n));
    note("%d", n);
    say("shared offset", lseek(10, 0, SEEK_CUR));
    int again = open("f", O_RDONLY);
    say("its own offset", lseek(again, 0, SEEK_CUR));
    say("write to read-only", write(again, "x", 1));
    int wr = open("f", O_WRONLY);
    char c;
    say("read from write-only", read(wr, &c, 1));
    say("bad fd", read(777, &c, 1));
    say("bad buffer", read(again, (void *)8, 1));
    say("zero bytes, bad buffer", read(again, (void *)8, 0));
    say("write bad buffer", write(wr, (void *)8, 1));
    say("close_range", syscall(SYS_close_range, 30, 20, 0));
    for (int i = 40; i < 50; i++) dup2(fd, i);
    say("close_range", syscall(SYS_close_range, 42, 45, 0));
    note("%d %d %d %d", fcntl(41, F_GETFD), fcntl(42, F_GETFD), fcntl(45, F_GETFD), fcntl(46, F_GETFD));
    say("close_range cloexec", syscall(SYS_close_range, 46, ~0u, 4));
    note("%d", fcntl(47, F_GETFD));
    struct rlimit rl;
    getrlimit(RLIMIT_NOFILE, &rl);
    note("limit %ld %ld", (long)rl.rlim_cur, (long)rl.rlim_max);
    rl.rlim_cur = 60;
    say("lower", setrlimit(RLIMIT_NOFILE, &rl));
    int last = -1, r;
    while ((r = dup(fd)) >= 0) last = r;
    say("EMFILE", r);
    note("last %d", last);
    say("pipe", pipe(p));
    say("open", open("f", O_RDONLY));
    close(last);
    say("pipe with one free", pipe(p));
    say("and it is free still", dup(fd));
    say("above the limit", fcntl(fd, F_DUPFD, 60));
    say("dup2 above", dup2(fd, 61));
    rl.rlim_cur = 5000;
    say("beyond the hard limit", setrlimit(RLIMIT_NOFILE, &rl));
    /* /dev/fd and friends */
    FILE *f = fopen("/dev/stdin", "r");
    yes("/dev/stdin with no fd free", f != NULL);
    return 0;
}
