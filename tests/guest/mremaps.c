/* mremap, madvise, mincore, mlock, stack growth. */
#include "say.h"
#include <sys/mman.h>
#include <sys/resource.h>
#include <setjmp.h>
#include <pthread.h>
#define PG 4096
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
static long ptr(void *p) { return p == MAP_FAILED ? -1 : 0; }
static sigjmp_buf env;
static void on(int s) { siglongjmp(env, s); }
static int peek(volatile char *p) { int s = sigsetjmp(env, 1); if (s) return s; (void)*p; return 0; }

static void remaps(void)
{
    char *p = mmap(NULL, 8 * PG, PROT_READ | PROT_WRITE, ANON, -1, 0), *q, *r;
    for (int i = 0; i < 8; i++) p[i * PG] = i + 1;
    q = mremap(p, 8 * PG, 4 * PG, 0);
    yes("shrunk in place", q == p && p[3 * PG] == 4);
    note("the rest is gone: %d", peek(p + 5 * PG));
    q = mremap(p, 4 * PG, 8 * PG, 0);
    yes("grown in place", q == p && p[7 * PG] == 0 && p[3 * PG] == 4);
    r = mmap(p + 8 * PG, PG, PROT_READ, ANON | MAP_FIXED, -1, 0);
    say("no room", ptr(mremap(p, 8 * PG, 16 * PG, 0)));
    q = mremap(p, 8 * PG, 16 * PG, MREMAP_MAYMOVE);
    yes("moved", q != MAP_FAILED && q != p && q[3 * PG] == 4 && q[15 * PG] == 0);
    note("old place: %d", peek(p));
    r = mmap(NULL, 64 * PG, PROT_NONE, ANON, -1, 0);
    p = mremap(q, 16 * PG, 16 * PG, MREMAP_MAYMOVE | MREMAP_FIXED, r + 8 * PG);
    yes("to a place", p == r + 8 * PG && p[3 * PG] == 4);
    note("around it %d %d", peek(r), peek(r + 25 * PG));
    say("overlap", ptr(mremap(p, 16 * PG, 16 * PG, MREMAP_MAYMOVE | MREMAP_FIXED, p + 4 * PG)));
    say("unaligned", ptr(mremap(p + 1, PG, 2 * PG, MREMAP_MAYMOVE)));
    say("not mapped", ptr(mremap((void *)0x10000000000, PG, 2 * PG, MREMAP_MAYMOVE)));
    say("zero new", ptr(mremap(p, PG, 0, MREMAP_MAYMOVE)));
    say("fixed without maymove", ptr(mremap(p, PG, PG, MREMAP_FIXED, r)));
    /* part of a mapping */
    q = mremap(p + 2 * PG, 2 * PG, 6 * PG, MREMAP_MAYMOVE);
    yes("a part moves", q != MAP_FAILED && q[0] == 3 && q[PG] == 4 && q[5 * PG] == 0);
    note("a hole stays %d, neighbours %d %d", peek(p + 2 * PG), p[PG], peek(p + 4 * PG));
    /* files and shared memory */
    int fd = open("mr", O_CREAT | O_RDWR | O_TRUNC, 0600);
    ftruncate(fd, 8 * PG);
    for (int i = 0; i < 8; i++) { char c = 'a' + i; pwrite(fd, &c, 1, i * PG); }
    p = mmap(NULL, 2 * PG, PROT_READ | PROT_WRITE, MAP_SHARED, fd, PG);
    q = mremap(p, 2 * PG, 6 * PG, MREMAP_MAYMOVE);
    note("a file grown: %c %c %c", q[0], q[PG], q[5 * PG]);
    q[5 * PG] = 'Z';
    char c;
    pread(fd, &c, 1, 6 * PG);
    note("written: %c", c);
    unlink("mr");
    p = mmap(NULL, 2 * PG, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    p[0] = 5;
    q = mremap(p, 0, 2 * PG, MREMAP_MAYMOVE);
    if (q != MAP_FAILED) { q[1] = 6; note("doubled: %d %d", q[0], p[1]); }
    else say("doubled", -1);
    /* grow a lot, repeatedly, as realloc does */
    char *big = malloc(1 << 20);
    for (size_t n = 1 << 20; n < 64u << 20; n *= 2) {
        big[n - 1] = 1;
        big = realloc(big, n * 2);
        if (!big || big[n - 1] != 1) note("realloc %zu", n);
    }
    note("realloc");
    free(big);
}

static void advice(void)
{
    char *p = mmap(NULL, 8 * PG, PROT_READ | PROT_WRITE, ANON, -1, 0);
    unsigned char vec[8];
    memset(p, 9, 8 * PG);
    say("DONTNEED", madvise(p + PG, 2 * PG, MADV_DONTNEED));
    note("%d %d %d %d", p[0], p[PG], p[2 * PG], p[3 * PG]);
    say("WILLNEED", madvise(p, 8 * PG, MADV_WILLNEED));
    say("NORMAL", madvise(p, 8 * PG, MADV_NORMAL));
    say("SEQUENTIAL", madvise(p, 8 * PG, MADV_SEQUENTIAL));
    say("FREE", madvise(p, PG, MADV_FREE));
    say("unaligned", madvise(p + 1, PG, MADV_DONTNEED));
    say("unknown", madvise(p, PG, 12345));
    say("length 0", madvise(p, 0, MADV_DONTNEED));
    munmap(p + 4 * PG, PG);
    say("over a hole", madvise(p, 8 * PG, MADV_DONTNEED));
    note("after it too %d", p[6 * PG]);
    say("mincore", mincore(p, 4 * PG, vec));
    say("mincore hole", mincore(p, 8 * PG, vec));
    p[0] = 1;
    mincore(p, PG, vec);
    note("resident %d", vec[0] & 1);
    say("DONTFORK", madvise(p, 2 * PG, MADV_DONTFORK));
    pid_t c = fork();
    if (!c) _exit(peek(p));
    say_wait("not in the child", c);
    say("WIPEONFORK", madvise(p + 2 * PG, PG, MADV_WIPEONFORK));
    p[2 * PG] = 4;
    if (!(c = fork())) _exit(p[2 * PG]);
    say_wait("wiped in the child", c);
    int fd = open("ma", O_CREAT | O_RDWR | O_TRUNC, 0600);
    write(fd, "file", 4);
    char *q = mmap(NULL, PG, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    q[0] = 'X';
    madvise(q, PG, MADV_DONTNEED);
    note("DONTNEED of a file page: %c", q[0]);
    unlink("ma");
    say("mlock", mlock(p, PG));
    say("munlock", munlock(p, PG));
    say("mlock hole", mlock((void *)0x10000000000, PG));
    say("mlockall", mlockall(MCL_CURRENT));
    say("munlockall", munlockall());
}

static int deep(int n)
{
    volatile char room[4000];
    room[0] = n, room[3999] = n;
    return n ? deep(n - 1) + (room[0] == (char)n) : 0;
}
static void *in_thread(void *a) { return (void *)(long)deep(100); }
static char alt[32768];

static void stacks(void)
{
    pid_t c;
    note("6 MB deep: %d", deep(1500));
    struct rlimit rl;
    getrlimit(RLIMIT_STACK, &rl);
    note("limit %ld", (long)rl.rlim_cur);
    if (!(c = fork())) { signal(SIGSEGV, SIG_DFL); _exit(deep(1 << 20) & 1); }
    say_wait("without end", c);
    if (!(c = fork())) {
        stack_t ss = { .ss_sp = alt, .ss_size = sizeof alt };
        sigaltstack(&ss, NULL);
        struct sigaction sa = { .sa_handler = on, .sa_flags = SA_ONSTACK };
        sigaction(SIGSEGV, &sa, NULL);
        int s = sigsetjmp(env, 1);
        if (s) _exit(s);
        _exit(deep(1 << 20) & 1);
    }
    say_wait("overflow caught on the other stack", c);
    if (!(c = fork())) {
        rl.rlim_cur = 32 << 20;
        setrlimit(RLIMIT_STACK, &rl);
        execl("/proc/self/exe", "x", "deep", (char *)NULL);
        _exit(9);
    }
    say_wait("20 MB with a higher limit", c);
    pthread_t t;
    void *r;
    pthread_create(&t, NULL, in_thread, NULL);
    pthread_join(t, &r);
    note("a thread's: %ld", (long)r);
}

/* remap_file_pages: pages of the file in another order. */
static void remapped_pages(void)
{
    int f = open("pages", O_CREAT | O_RDWR | O_TRUNC, 0644);
    for (int i = 0; i < 8; i++) {
        char c = 'a' + i;
        pwrite(f, &c, 1, i * 4096);
    }
    ftruncate(f, 8 * 4096);
    char *m = mmap(NULL, 8 * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, f, 0);
    say("swap", remap_file_pages(m, 4096, 0, 7, 0));
    say("swap back", remap_file_pages(m + 7 * 4096, 4096, 0, 0, 0));
    say("two", remap_file_pages(m + 4096, 2 * 4096, 0, 4, 0));
    for (int i = 0; i < 8; i++) putchar(m[i * 4096]);
    putchar('\n');
    m[0] = 'X';
    yes("one page, twice", m[0] == 'X');
    char c;
    pread(f, &c, 1, 7 * 4096);
    note("in the file: %c", c);
    say("with protection", remap_file_pages(m, 4096, PROT_READ, 1, 0));
    say("nothing", remap_file_pages(m, 0, 0, 1, 0));
    char *p = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, f, 0);
    say("private", remap_file_pages(p, 4096, 0, 1, 0));
    say("not mapped", remap_file_pages((void *)0x10000, 4096, 0, 1, 0));
    munmap(m, 8 * 4096), munmap(p, 4096), close(f);
}

/* Far above where mappings usually lie. */
static void high(void)
{
    char *at = (char *)0x200000000000, *q;
    char *p = mmap(at, 8 * 4096, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    yes("high", p == at);
    for (int i = 0; i < 8; i++) p[i * 4096] = i;
    munmap(p + 4 * 4096, 4096);
    q = mremap(p, 4 * 4096, 16 * 4096, MREMAP_MAYMOVE);
    yes("moved", q != MAP_FAILED && q != p && q[0] == 0 && q[3 * 4096] == 3 && !q[15 * 4096]);
    q = mremap(p + 5 * 4096, 3 * 4096, 2 * 4096, 0);
    yes("shrunk", q == p + 5 * 4096 && q[4096] == 6);
}

int main(int argc, char **argv)
{
    signal(SIGSEGV, on);
    signal(SIGBUS, on);
    if (argc > 1) return deep(5000) == 5000 ? 0 : 1;
    remaps();
    advice();
    remapped_pages();
    high();
    stacks();
    return 0;
}
