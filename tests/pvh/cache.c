/* Files in memory: mappings, read and write see one file; stores reach it; more of it than
 * there is memory can be walked through. `cache store FILE`: only stores, and ends;
 * `cache walk FILE MB`: writes that much, maps it and checks it; `cache eat`: takes memory; `cache
 * fill MB MOST`: fills it. */
#include "../guest/say.h"
#include <setjmp.h>
#include <sys/mman.h>

#define PG 4096l
static sigjmp_buf env;
static void on_bus(int s) { siglongjmp(env, s); }

static int peek(volatile char *p)
{
    int s = sigsetjmp(env, 1);
    return s ? s * 100 : *p;
}

static int store(const char *name)
{
    int fd = open(name, O_CREAT | O_RDWR | O_TRUNC, 0644);
    if (fd < 0 || ftruncate(fd, 50 * PG)) return 1;
    char *p = mmap(NULL, 50 * PG, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (p == MAP_FAILED) return 2;
    for (int i = 0; i < 50; i++) memset(p + i * PG, 'a' + i % 26, PG);
    return 0;
}

static unsigned value(long i) { return (unsigned)(i * 2654435761u); }

static int walk(const char *name, long mb)
{
    int fd = open(name, O_CREAT | O_RDWR | O_TRUNC, 0644), bad = 0;
    static unsigned buf[65536];
    long n = mb << 18;
    for (long i = 0; i < n; i += 65536) {
        for (long k = 0; k < 65536; k++) buf[k] = value(i + k);
        if (write(fd, buf, sizeof buf) != sizeof buf) return say("write", -1), 1;
    }
    unsigned *p = mmap(NULL, mb << 20, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    for (long i = 0; i < n; i += 512) bad += p[i] != value(i);
    note("read: %d bad", bad);
    for (long i = 0; i < n; i += 1024) p[i] = value(i) + 1;
    for (long i = 0; i < n; i += 512) bad += p[i] != value(i) + !(i % 1024);
    note("stored: %d bad", bad);
    lseek(fd, 0, SEEK_SET);
    for (long i = 0; i < n; i += 65536) {
        if (read(fd, buf, sizeof buf) != sizeof buf) return say("read", -1), 1;
        for (long k = 0; k < 65536; k += 512) bad += buf[k] != value(i + k) + !((i + k) % 1024);
    }
    note("read again: %d bad", bad);
    unlink(name);
    return bad != 0;
}

static int eat(void)
{
    for (long n = 0;; n++) {
        char *p = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (p == MAP_FAILED) { say("mmap", -1); return 1; }
        memset(p, 1, 1 << 20);
    }
}

/* Every page of so much anonymous memory: the first `mb` of them in whole, then a page in
 * each further one up to `most`, so that the machine need not have all of it. */
static int fill(long mb, long most)
{
    long bad = 0, n = most << 20;
    char *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED) return say("mmap", -1), 1;
    for (long i = 0; i < n; i += i < mb << 20 ? PG : 1 << 20) *(long *)(p + i) = i + 1;
    for (long i = 0; i < n; i += i < mb << 20 ? PG : 1 << 20) bad += *(long *)(p + i) != i + 1;
    note("filled: %ld bad", bad);
    return bad != 0;
}

/* Four processes count in one page of a file, by mapping and by read and write. */
static void together(int fd)
{
    long *p = mmap(NULL, 4 * PG, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), sum = 0;
    for (int k = 0; k < 4; k++)
        if (!fork()) {
            for (int i = 0; i < 2000; i++) __atomic_add_fetch(p, 1, __ATOMIC_SEQ_CST);
            for (long i = 1; i <= 50; i++) {
                long got = 0, off = 2 * PG + k * 8;
                pwrite(fd, &i, 8, off);
                pread(fd, &got, 8, off);
                if (got != i || p[off / 8] != i) _exit(1);
                p[off / 8] = -i;
                pread(fd, &got, 8, off);
                if (got != -i) _exit(2);
            }
            _exit(0);
        }
    for (int k = 0, st; k < 4; k++) wait(&st), sum += st;
    note("counted %ld, failures %ld", *p, sum);
    munmap(p, 4 * PG);
    long got;
    pread(fd, &got, 8, 0);
    note("after munmap: %ld", got);
}

static void cut(int fd)
{
    char *p = mmap(NULL, 8 * PG, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    char *q = mmap(NULL, 8 * PG, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    ftruncate(fd, 8 * PG);
    memset(p, 1, 8 * PG);
    q[5 * PG] = 9;
    ftruncate(fd, 3 * PG + 10);
    note("%d %d %d %d", peek(p + 3 * PG + 9), peek(p + 3 * PG + 10), peek(p + 4 * PG), peek(q + 5 * PG));
    pid_t c = fork();
    if (!c) _exit(peek(p + 5 * PG) == SIGBUS * 100 && peek(p) == 1 ? 0 : 1);
    say_wait("in a child", c);
    ftruncate(fd, 8 * PG);
    note("%d %d %d", peek(p + 3 * PG + 9), peek(p + 4 * PG), peek(q + 5 * PG));
    p[6 * PG] = 4;
    say("msync", msync(p, 8 * PG, MS_SYNC));
    say("fsync", fsync(fd));
    char z = 0;
    pread(fd, &z, 1, 6 * PG);
    note("%d", z);
    /* Read-only, then made writable; a private copy stays. */
    char *r = mmap(NULL, 8 * PG, PROT_READ, MAP_SHARED, fd, 0);
    z = r[0];
    say("mprotect", mprotect(r, PG, PROT_READ | PROT_WRITE));
    r[0] = 77;
    q[PG] = 88;
    pwrite(fd, "x", 1, PG);
    note("%d %d %c", p[0], q[PG], p[PG]);
    munmap(p, 8 * PG), munmap(q, 8 * PG), munmap(r, 8 * PG);
}

int main(int n, char **a)
{
    if (n > 2 && !strcmp(a[1], "store")) return store(a[2]);
    if (n > 3 && !strcmp(a[1], "walk")) return walk(a[2], atol(a[3]));
    if (n > 1 && !strcmp(a[1], "eat")) return eat();
    if (n > 3 && !strcmp(a[1], "fill")) return fill(atol(a[2]), atol(a[3]));
    int fd = open("f", O_CREAT | O_RDWR | O_TRUNC, 0644);
    signal(SIGBUS, on_bus);
    ftruncate(fd, 4 * PG);
    together(fd);
    cut(fd);
    /* The last one to see it may be the mapping. */
    char *p = mmap(NULL, PG, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    strcpy(p, "stored");
    munmap(p, PG);
    char buf[10] = "";
    fd = open("f", O_RDONLY);
    read(fd, buf, 6);
    note("%s", buf);
    unlink("f");
    return walk("big", 3);
}
