/* One figure a line: name, nanoseconds (median of several rounds). Runs on the host and
 * in a domain; tests/bench/run makes the ratios. With a name: that figure only. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS 9
#define PAGE 4096

static const char *only, *self;

static uint64_t now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

/* fn does n operations. */
static void measure(const char *name, long n, void (*fn)(long n))
{
    double v[ROUNDS];

    if (only && strcmp(only, name))
        return;
    fn(n / 10 + 1);
    for (int r = 0; r < ROUNDS; r++) {
        uint64_t t = now();
        fn(n);
        v[r] = (double)(now() - t) / (double)n;
    }
    qsort(v, ROUNDS, sizeof *v, compare);
    printf("%s %.1f\n", name, v[ROUNDS / 2]);
    fflush(stdout);
}

static char page[PAGE];
static int file;

static void do_getppid(long n)
{
    while (n--)
        getppid();
}

static void do_read(long n)
{
    while (n--)
        if (pread(file, page, PAGE, 0) != PAGE)
            exit(2);
}

static void do_read_seek(long n)
{
    while (n--) {
        lseek(file, 0, SEEK_SET);
        if (read(file, page, PAGE) != PAGE)
            exit(2);
    }
}

static void do_stat(long n)
{
    struct stat st;

    while (n--)
        if (stat("bench.dat", &st))
            exit(2);
}

static void do_open(long n)
{
    while (n--) {
        int fd = open("bench.dat", O_RDONLY);
        if (fd < 0 || read(fd, page, PAGE) != PAGE)
            exit(2);
        close(fd);
    }
}

static void do_create(long n)
{
    while (n--) {
        int fd = open("bench.tmp", O_RDWR | O_CREAT, 0600);
        if (fd < 0 || write(fd, page, 100) != 100)
            exit(2);
        close(fd);
        unlink("bench.tmp");
    }
}

static void do_pipe(long n)
{
    int a[2], b[2];
    char c = 0;

    if (pipe(a) || pipe(b))
        exit(2);
    pid_t p = fork();
    if (p == 0) {
        for (long i = 0; i < n; i++)
            if (read(a[0], &c, 1) != 1 || write(b[1], &c, 1) != 1)
                _exit(1);
        _exit(0);
    }
    for (long i = 0; i < n; i++)
        if (write(a[1], &c, 1) != 1 || read(b[0], &c, 1) != 1)
            exit(2);
    waitpid(p, NULL, 0);
    close(a[0]), close(a[1]), close(b[0]), close(b[1]);
}

static void do_touch(long n)
{
    size_t len = (size_t)n * PAGE;
    char *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (p == MAP_FAILED)
        exit(2);
    for (long i = 0; i < n; i++)
        p[i * PAGE] = 1;
    munmap(p, len);
}

static void do_mmap(long n)
{
    while (n--) {
        char *p = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        p[0] = 1;
        munmap(p, 65536);
    }
}

static void do_fork(long n)
{
    while (n--) {
        pid_t p = fork();
        if (p == 0)
            _exit(0);
        waitpid(p, NULL, 0);
    }
}

static void do_exec(long n)
{
    while (n--) {
        pid_t p = fork();
        if (p == 0) {
            execl(self, "micro", "exit", NULL);
            _exit(1);
        }
        int st = 0;
        waitpid(p, &st, 0);
        if (st)
            exit(2);
    }
}

static void do_vfork_exec(long n)
{
    while (n--) {
        pid_t p = vfork();
        if (p == 0) {
            execl(self, "micro", "exit", NULL);
            _exit(1);
        }
        int st = 0;
        waitpid(p, &st, 0);
        if (st)
            exit(2);
    }
}

int main(int argc, char **argv)
{
    self = argv[0];
    if (argc > 1 && strcmp(argv[1], "exit") == 0)
        return 0;
    only = argc > 1 ? argv[1] : NULL;
    file = open("bench.dat", O_RDWR | O_CREAT, 0600);
    for (int i = 0; i < 64; i++)
        if (write(file, page, PAGE) != PAGE)
            return 2;
    measure("getppid", 100000, do_getppid);
    measure("pread_4k", 50000, do_read);
    measure("lseek_read_4k", 50000, do_read_seek);
    measure("stat", 50000, do_stat);
    measure("open_read_close", 20000, do_open);
    measure("create_write_unlink", 2000, do_create);
    measure("pipe_ping_pong", 5000, do_pipe);
    measure("first_touch_page", 2048, do_touch);
    measure("mmap_touch_munmap", 2000, do_mmap);
    measure("fork_wait", 200, do_fork);
    measure("fork_exec_wait", 100, do_exec);
    measure("vfork_exec_wait", 100, do_vfork_exec);
    unlink("bench.dat");
    return 0;
}
