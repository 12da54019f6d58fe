/* Pipes and FIFOs between processes. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "guest.h"

static char big[300000], back[300000];
static volatile sig_atomic_t sigpipes;
static void on_pipe(int s) { sigpipes++; }

static void basics(void)
{
    int p[2], n;
    struct stat st;

    check(pipe2(p, O_NONBLOCK | O_CLOEXEC) == 0, "pipe2");
    check(fcntl(p[0], F_GETFD) == FD_CLOEXEC && (fcntl(p[1], F_GETFL) & O_NONBLOCK), "its flags");
    check((fcntl(p[0], F_GETFL) & O_ACCMODE) == O_RDONLY &&
          (fcntl(p[1], F_GETFL) & O_ACCMODE) == O_WRONLY, "access modes");
    check(read(p[0], back, 1) == -1 && errno == EAGAIN, "empty");
    check(write(p[1], big, sizeof big) == 65536, "64 KiB");
    check(write(p[1], big, 1) == -1 && errno == EAGAIN, "full");
    check(ioctl(p[0], FIONREAD, &n) == 0 && n == 65536, "FIONREAD");
    check(read(p[0], back, 4096) == 4096 && write(p[1], big, 4096) == 4096, "one page of room");
    check(fstat(p[0], &st) == 0 && S_ISFIFO(st.st_mode) && (st.st_mode & 0777) == 0600, "fstat");
    check(lseek(p[0], 0, SEEK_CUR) == -1 && errno == ESPIPE, "no position");
    check(pread(p[0], back, 1, 0) == -1 && errno == ESPIPE, "no pread");
    check(read(p[1], back, 1) == -1 && errno == EBADF, "reading the writing end");
    check(fcntl(p[0], F_SETPIPE_SZ, 200000) == 262144, "F_SETPIPE_SZ");
    check(fcntl(p[1], F_GETPIPE_SZ) == 262144, "F_GETPIPE_SZ");
    check(fcntl(0, F_GETPIPE_SZ) == -1, "not a pipe") ;
    close(p[0]);
    check(write(p[1], "x", 1) == -1 && errno == EPIPE && sigpipes == 1, "EPIPE and SIGPIPE");
    close(p[1]);
}

static void between_processes(void)
{
    int p[2], status;
    size_t got = 0;
    ssize_t r;

    for (size_t i = 0; i < sizeof big; i++)
        big[i] = (char)(i * 31 ^ i >> 9);
    check(pipe(p) == 0, "pipe");
    pid_t pid = fork();
    if (!pid) {
        close(p[0]);
        _exit(write(p[1], big, sizeof big) != sizeof big);
    }
    close(p[1]);
    while ((r = read(p[0], back + got, 7777)) > 0)
        got += (size_t)r;
    waitpid(pid, &status, 0);
    check(got == sizeof big && !memcmp(big, back, got) && status == 0, "300000 bytes through");
    close(p[0]);
}

/* Many writers of whole records: none is torn. */
static void atomic_writes(void)
{
    int p[2], torn = 0, n = 0;
    char rec[512];

    check(pipe(p) == 0, "pipe");
    for (int c = 0; c < 4; c++) {
        if (fork() == 0) {
            memset(rec, 'a' + c, sizeof rec);
            for (int i = 0; i < 200; i++)
                if (write(p[1], rec, sizeof rec) != sizeof rec)
                    _exit(1);
            _exit(0);
        }
    }
    close(p[1]);
    for (ssize_t r, at = 0;; at = 0, n++) {
        while (at < (ssize_t)sizeof rec && (r = read(p[0], rec + at, sizeof rec - (size_t)at)) > 0)
            at += r;
        if (at < (ssize_t)sizeof rec)
            break;
        for (size_t i = 1; i < sizeof rec; i++)
            torn += rec[i] != rec[0];
    }
    while (wait(NULL) > 0)
        continue;
    check(n == 800 && torn == 0, "800 records of four writers, none torn");
    close(p[0]);
}

static void packets(void)
{
    int p[2];

    check(pipe2(p, O_DIRECT) == 0, "packet mode");
    check(write(p[1], "abcdef", 6) == 6 && write(p[1], "gh", 2) == 2, "two packets");
    check(read(p[0], back, 3) == 3, "a cut packet");
    check(read(p[0], back, 100) == 2 && back[0] == 'g', "the next");
    close(p[0]);
    close(p[1]);
}

static void fifos(void)
{
    const char *name = "/tmp/guest-fifo";
    struct pollfd pf;
    int status;

    unlink(name);
    check(mkfifo(name, 0600) == 0, "mkfifo");
    check(open(name, O_WRONLY | O_NONBLOCK) == -1 && errno == ENXIO, "no reader: ENXIO");
    int r = open(name, O_RDONLY | O_NONBLOCK);
    check(r >= 0, "O_NONBLOCK reader");
    pf = (struct pollfd){ r, POLLIN, 0 };
    check(poll(&pf, 1, 0) == 0, "no POLLHUP before the first writer");
    check(read(r, back, 1) == 0, "but end of file");
    int w = open(name, O_WRONLY);
    check(w >= 0 && write(w, "hi", 2) == 2, "a writer");
    close(w);
    check(poll(&pf, 1, 0) == 1 && pf.revents == (POLLIN | POLLHUP), "data and POLLHUP");
    check(read(r, back, 10) == 2 && read(r, back, 10) == 0, "data, then the end");
    close(r);
    pid_t pid = fork();
    if (!pid) {
        int fd = open(name, O_WRONLY);
        _exit(fd < 0 || write(fd, "late", 4) != 4);
    }
    r = open(name, O_RDONLY);
    check(r >= 0 && read(r, back, 10) == 4, "blocking opens meet");
    waitpid(pid, &status, 0);
    check(status == 0, "on both sides");
    close(r);
    r = open(name, O_RDWR);
    check(r >= 0 && write(r, "x", 1) == 1 && read(r, back, 1) == 1, "O_RDWR");
    close(r);
    unlink(name);
}

static void again_by_proc(void)
{
    char path[64];
    int p[2];

    check(pipe(p) == 0, "pipe");
    snprintf(path, sizeof path, "/proc/self/fd/%d", p[0]);
    ssize_t n = readlink(path, back, 100);
    back[n < 0 ? 0 : n] = 0;
    check(!strncmp(back, "pipe:[", 6), "its name in /proc");
    snprintf(path, sizeof path, "/dev/fd/%d", p[1]);
    int w = open(path, O_WRONLY);
    check(w >= 0 && write(w, "via", 3) == 3 && read(p[0], back, 9) == 3, "opened anew by its name");
    close(w);
    close(p[0]);
    close(p[1]);
}

static void splices(void)
{
    int a[2], b[2];
    loff_t off = 2;
    char name[] = "/tmp/guest-spliceXXXXXX";
    int fd = mkstemp(name);

    check(pipe(a) == 0 && pipe(b) == 0, "two pipes");
    check(write(a[1], "hello", 5) == 5 && tee(a[0], b[1], 100, 0) == 5, "tee");
    check(read(b[0], back, 100) == 5 && read(a[0], back, 100) == 5, "both have it");
    check(write(a[1], "hello", 5) == 5 && splice(a[0], NULL, fd, &off, 100, 0) == 5, "to a file");
    check(off == 7 && lseek(fd, 0, SEEK_CUR) == 0 && lseek(fd, 0, SEEK_END) == 7, "at the offset");
    lseek(fd, 2, SEEK_SET);
    check(splice(fd, NULL, a[1], NULL, 100, 0) == 5, "from a file");
    check(splice(a[0], NULL, b[1], NULL, 3, 0) == 3, "between pipes");
    check(read(b[0], back, 100) == 3 && !memcmp(back, "hel", 3), "three bytes moved");
    check(read(a[0], back, 100) == 2 && !memcmp(back, "lo", 2), "two stayed");
    check(splice(fd, NULL, fd, NULL, 1, 0) == -1 && errno == EINVAL, "without a pipe");
    unlink(name);
    close(fd);
}

int main(void)
{
    signal(SIGPIPE, on_pipe);
    basics();
    between_processes();
    atomic_writes();
    packets();
    fifos();
    again_by_proc();
    splices();
    return guest_end();
}
