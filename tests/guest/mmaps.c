/* mmap of every kind, munmap in the middle, sharing over fork, mprotect, brk. */
#include "say.h"
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <setjmp.h>

#define PG 4096
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
static sigjmp_buf env;
static int sig, code;
static void on(int s, siginfo_t *si, void *u) { sig = s; code = si->si_code; siglongjmp(env, 1); }
/* 0: fine, else signal * 100 + code */
static int peek(volatile char *p) { if (sigsetjmp(env, 1)) return sig * 100 + code; (void)*p; return 0; }
static int poke(volatile char *p) { if (sigsetjmp(env, 1)) return sig * 100 + code; *p = 1; return 0; }
static long ptr(void *p) { return p == MAP_FAILED ? -1 : 0; }
static int zeros(const char *p, size_t n) { while (n--) if (*p++) return 0; return 1; }

static void anon(void)
{
    char *p = mmap(NULL, 10 * PG, PROT_READ | PROT_WRITE, ANON, -1, 0), *q;
    yes("zeroed", zeros(p, 10 * PG));
    memset(p, 7, 10 * PG);
    say("unmap the middle", munmap(p + 3 * PG, 2 * PG));
    note("%d %d %d %d", peek(p + 2 * PG), peek(p + 3 * PG), peek(p + 4 * PG), peek(p + 5 * PG));
    q = mmap(p + 3 * PG, PG, PROT_READ | PROT_WRITE, ANON | MAP_FIXED, -1, 0);
    yes("into the hole", q == p + 3 * PG && zeros(q, PG) && p[2 * PG] == 7);
    q = mmap(p, PG, PROT_READ | PROT_WRITE, ANON | MAP_FIXED, -1, 0);
    yes("over itself", q == p && zeros(p, PG) && p[PG] == 7);
    say("NOREPLACE on it", ptr(mmap(p, PG, PROT_READ, ANON | MAP_FIXED_NOREPLACE, -1, 0)));
    yes("NOREPLACE in the hole", mmap(p + 4 * PG, PG, PROT_READ, ANON | MAP_FIXED_NOREPLACE, -1, 0) == p + 4 * PG);
    say("length 0", ptr(mmap(NULL, 0, PROT_READ, ANON, -1, 0)));
    say("unaligned fixed", ptr(mmap(p + 1, PG, PROT_READ, ANON | MAP_FIXED, -1, 0)));
    say("neither shared nor private", ptr(mmap(NULL, PG, PROT_READ, MAP_ANONYMOUS, -1, 0)));
    say("too big", ptr(mmap(NULL, 1ul << 47, PROT_READ, ANON, -1, 0)));
    say("wraps", ptr(mmap(NULL, -PG, PROT_READ, ANON, -1, 0)));
    say("fixed too high", ptr(mmap((void *)0x7fffffffe000, 4 * PG, PROT_READ, ANON | MAP_FIXED, -1, 0)));
    say("bad fd", ptr(mmap(NULL, PG, PROT_READ, MAP_PRIVATE, 99, 0)));
    say("munmap unaligned", munmap(p + 1, PG));
    say("munmap length 0", munmap(p, 0));
    say("munmap nothing", munmap((void *)0x10000000000, PG));
    q = mmap((void *)((unsigned long)p + 64 * 1024 * 1024 & ~4095ul), PG, PROT_READ, ANON, -1, 0);
    did("hint", ptr(q));
    say("munmap", munmap(p, 10 * PG));
    note("%d %d", peek(p), peek(p + 9 * PG));
}

static void prot(void)
{
    char *p = mmap(NULL, 4 * PG, PROT_READ, ANON, -1, 0);
    note("write %d", poke(p));
    say("rw", mprotect(p, PG, PROT_READ | PROT_WRITE));
    note("write %d, next %d", poke(p), poke(p + PG));
    say("none", mprotect(p, 4 * PG, PROT_NONE));
    note("read %d", peek(p));
    say("back", mprotect(p, 4 * PG, PROT_READ | PROT_WRITE));
    note("kept %d", *p);
    say("unaligned", mprotect(p + 1, PG, PROT_READ));
    say("length 0", mprotect(p, 0, PROT_READ));
    munmap(p + PG, PG);
    say("over a hole", mprotect(p, 4 * PG, PROT_READ));
    note("before the hole: %d", poke(p));
    say("bad bits", mprotect(p, PG, 0x1000));
    unsigned char code_[] = { 0xb8, 42, 0, 0, 0, 0xc3 };
    char *x = mmap(NULL, PG, PROT_READ | PROT_WRITE, ANON, -1, 0);
    memcpy(x, code_, sizeof code_);
    if (sigsetjmp(env, 1)) note("run data: %d", sig * 100 + code);
    else note("run data: %d", ((int (*)(void))x)());
    mprotect(x, PG, PROT_READ | PROT_EXEC);
    note("run code: %d", ((int (*)(void))x)());
    x[0] == 1 ? 0 : note("read code: ok");
    /* rwx, as a just-in-time compiler's, with a system call in it */
    unsigned char sc[] = { 0xb8, 39, 0, 0, 0, 0x0f, 0x05, 0xc3 };
    char *j = mmap(NULL, PG, PROT_READ | PROT_WRITE | PROT_EXEC, ANON, -1, 0);
    memcpy(j, sc, sizeof sc);
    if (sigsetjmp(env, 1)) { note("made code: signal %d code %d", sig, code); return; }
    yes("system call from made code", ((int (*)(void))j)() == getpid());
    j[1] = 110;         /* getppid */
    yes("and rewritten", ((int (*)(void))j)() == getppid());
}

static void files(void)
{
    int fd = open("m", O_CREAT | O_RDWR | O_TRUNC, 0600), ro, st;
    char buf[20000], *p, *q;
    for (int i = 0; i < 20000; i++) buf[i] = i / 100;
    write(fd, buf, 10000);
    p = mmap(NULL, 3 * PG, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    q = mmap(NULL, 3 * PG, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    did("shared", ptr(p));
    did("private", ptr(q));
    yes("contents", !memcmp(p, buf, 10000) && !memcmp(q, buf, 10000));
    yes("zeros after the end", zeros(p + 10000, 3 * PG - 10000));
    p[5] = 99;
    yes("write seen by read", pread(fd, buf, 10, 0) == 10 && buf[5] == 99);
    yes("and by the private one", q[5] == 99);
    pwrite(fd, "Z", 1, 6);
    yes("write(2) seen", p[6] == 'Z' && q[6] == 'Z');
    q[7] = 55;
    yes("private stays private", p[7] == 0 && pread(fd, buf, 10, 0) == 10 && buf[7] == 0);
    p[8] = 66;
    yes("copied page is its own", q[8] != 66 && q[7] == 55);
    pid_t c = fork();
    if (!c) { p[9] = 1; q[9] = 1; _exit(0); }
    waitpid(c, &st, 0);
    note("after the child: shared %d private %d", p[9], q[9]);
    say("msync", msync(p, 3 * PG, MS_SYNC));
    say("msync bad", msync(p, PG, MS_SYNC | MS_ASYNC));
    say("msync hole", msync((void *)0x10000000000, PG, MS_SYNC));
    note("beyond the end: %d within the page %d", peek(p + 3 * PG - 1), peek(p + 2 * PG + 4000));
    ftruncate(fd, 3000);
    note("cut: %d %d", peek(p), peek(p + PG));
    yes("cut bytes are zero", zeros(p + 3000, PG - 3000));
    ftruncate(fd, 3 * PG);
    note("grown: %d, %d", peek(p + PG), p[PG]);
    p[2 * PG] = 5;
    char z;
    yes("its byte in the file", pread(fd, &z, 1, 2 * PG) == 1 && z == 5);
    say("offset", ptr(mmap(NULL, PG, PROT_READ, MAP_PRIVATE, fd, 100)));
    char *o = mmap(NULL, PG, PROT_READ, MAP_SHARED, fd, 2 * PG);
    note("at an offset: %d", o[0]);
    close(fd);
    note("after close: %d", p[2 * PG]);
    unlink("m");
    p[1] = 33;
    note("after unlink: %d", p[1]);
    fd = open("m", O_CREAT | O_RDWR | O_TRUNC, 0600);
    ro = open("m", O_RDONLY);
    int wo = open("m", O_WRONLY);
    write(fd, buf, 100);
    say("shared writable of read-only", ptr(mmap(NULL, PG, PROT_READ | PROT_WRITE, MAP_SHARED, ro, 0)));
    q = mmap(NULL, PG, PROT_READ | PROT_WRITE, MAP_PRIVATE, ro, 0);
    did("private writable of read-only", ptr(q));
    say("of write-only", ptr(mmap(NULL, PG, PROT_READ, MAP_PRIVATE, wo, 0)));
    q = mmap(NULL, PG, PROT_READ, MAP_SHARED, ro, 0);
    say("made writable", mprotect(q, PG, PROT_READ | PROT_WRITE));
    int d = open(".", O_RDONLY);
    say("a directory", ptr(mmap(NULL, PG, PROT_READ, MAP_PRIVATE, d, 0)));
    int e = open("empty", O_CREAT | O_RDWR, 0600);
    q = mmap(NULL, PG, PROT_READ, MAP_SHARED, e, 0);
    note("an empty file: %d", peek(q));
    int nul = open("/dev/zero", O_RDWR);
    q = mmap(NULL, PG, PROT_READ | PROT_WRITE, MAP_PRIVATE, nul, 0);
    yes("/dev/zero", q != MAP_FAILED && zeros(q, PG) && (q[0] = 1));
    int pp[2];
    pipe(pp);
    say("a pipe", ptr(mmap(NULL, PG, PROT_READ, MAP_SHARED, pp[0], 0)));
    unlink("m"), unlink("empty");
}

static void sharing(void)
{
    int *p = mmap(NULL, 5 * PG, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0), st;
    yes("shared anonymous zero", zeros((char *)p, 5 * PG));
    for (int i = 0; i < 4; i++)
        if (!fork()) { for (int k = 0; k < 1000; k++) __atomic_add_fetch(p + 1024, 1, __ATOMIC_SEQ_CST); p[i * 10] = i + 1; _exit(0); }
    while (wait(&st) > 0) continue;
    note("counted %d, %d %d", p[1024], p[0], p[30]);
    /* Mapped in the child, inherited through two forks. */
    if (!fork()) { if (!fork()) { p[2000] = 3; _exit(0); } wait(&st); _exit(0); }
    wait(&st);
    note("grandchild: %d", p[2000]);
    /* Copy on write. */
    char *c = mmap(NULL, 64 * PG, PROT_READ | PROT_WRITE, ANON, -1, 0);
    for (int i = 0; i < 64; i++) c[i * PG] = i;
    pid_t k = fork();
    if (!k) {
        int bad = 0;
        for (int i = 0; i < 64; i += 2) c[i * PG] = 100;
        for (int i = 1; i < 64; i += 2) bad += c[i * PG] != i;
        _exit(bad);
    }
    for (int i = 1; i < 64; i += 2) c[i * PG] = 90;
    say_wait("copy on write", k);
    int bad = 0;
    for (int i = 0; i < 64; i++) bad += c[i * PG] != (i & 1 ? 90 : i);
    note("bad %d", bad);
    int m = memfd_create("x", MFD_CLOEXEC);
    ftruncate(m, 2 * PG);
    char *a = mmap(NULL, 2 * PG, PROT_READ | PROT_WRITE, MAP_SHARED, m, 0), *b = mmap(NULL, 2 * PG, PROT_READ, MAP_SHARED, m, 0);
    a[PG] = 8;
    yes("two mappings of one memfd", b[PG] == 8 && pread(m, &m, 0, 0) == 0);
}

static void brks(void)
{
    char *b = sbrk(0), *e;
    did("grow", (long)sbrk(100000) == -1 ? -1 : 0);
    memset(b, 1, 100000);
    e = sbrk(0);
    note("%ld", (long)(e - b));
    sbrk(-100000);
    note("%ld", (long)((char *)sbrk(0) - b));
    sbrk(100000);
    yes("zero again", zeros(b + PG, 90000));
    yes("too far stays", syscall(SYS_brk, 1ul << 46) == (long)sbrk(0));
    yes("too low stays", syscall(SYS_brk, 4096) == (long)sbrk(0));
    brk(b);
    struct rlimit rl = { 1 << 20, RLIM_INFINITY };
    setrlimit(RLIMIT_DATA, &rl);
    yes("RLIMIT_DATA", sbrk(4 << 20) == (void *)-1);
}

static void big(void)
{
    size_t g = 1ul << 36;
    char *p = mmap(NULL, g, PROT_READ | PROT_WRITE, ANON | MAP_NORESERVE, -1, 0);
    did("64 GiB", ptr(p));
    if (p != MAP_FAILED) {
        p[0] = 1, p[g / 2] = 2, p[g - 1] = 3;
        note("sparse: %d %d %d %d", p[0], p[g / 2], p[g - 1], p[g / 4]);
        pid_t c = fork();
        if (!c) _exit(p[g / 2]);
        say_wait("forked", c);
        say("unmap", munmap(p, g));
    }
    for (int i = 0; i < 2000; i++) {
        char *q = mmap(NULL, PG, PROT_READ | PROT_WRITE, ANON, -1, 0);
        if (q == MAP_FAILED || (*q = 1, i & 1 && munmap(q, PG))) { note("failed at %d", i); break; }
    }
    note("2000 maps");
    struct rlimit rl = { 64 << 20, RLIM_INFINITY };
    setrlimit(RLIMIT_AS, &rl);
    say("RLIMIT_AS", ptr(mmap(NULL, 128 << 20, PROT_READ, ANON, -1, 0)));
}

/* A file of tmpfs that is cut and grows again under its mappings. */
static void cut(void)
{
    int fd = memfd_create("cut", 0);
    ftruncate(fd, 4 * PG);
    char *s = mmap(NULL, 4 * PG, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    char *p = mmap(NULL, 4 * PG, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    char *q = mmap(NULL, 2 * PG, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 2 * PG);
    memset(s, 1, 4 * PG);
    memset(p, 2, 4 * PG);
    memset(q, 3, 2 * PG);
    say("cut", ftruncate(fd, PG));
    note("shared %d %d private %d %d above %d %d", peek(s), peek(s + PG), peek(p), poke(p + PG),
         peek(q), poke(q + PG));
    note("what is left: %d %d", *s, *p);
    say("longer", ftruncate(fd, 3 * PG + 5));
    note("%d %d %d %d", s[PG], p[PG], *q, q[PG + 4]);
    note("%d %d", p[0], peek(q + PG));
    s[PG] = 9;
    note("shown %d", p[PG]);
    char self[40];
    snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
    int again = open(self, O_RDWR | O_TRUNC);
    if (again < 0 || fstat(again, &(struct stat){ 0 })) note("no second open");
    munmap(s, 4 * PG), munmap(p, 4 * PG), munmap(q, 2 * PG);
    close(fd), close(again);
}

/* Ranges that reach across everything, a pv domain's kernel with it. */
static __attribute__((noinline)) void unmap_all(int first)
{
    signal(SIGSEGV, SIG_DFL);
    for (int bit = first; bit > 12; bit--)
        munmap(NULL, (1ul << bit) - PG);
    _exit(1);
}

static void across(void)
{
    char *p = mmap(NULL, 2 * PG, PROT_READ | PROT_WRITE, ANON, -1, 0);
    unsigned char vec[1];
    munmap(p + PG, PG);
    *p = 7;
    say("mprotect", mprotect(p, 1ul << 46, PROT_READ));
    mprotect(p, PG, PROT_READ | PROT_WRITE);
    say("madvise", madvise(p, 1ul << 46, MADV_NORMAL));
    say("mlock", mlock(p, 1ul << 46));
    say("msync", msync(p, 1ul << 46, MS_ASYNC));
    say("mincore", mincore(p, 1ul << 50, vec));
    say("mremap", ptr(mremap(p, PG, 1ul << 46, MREMAP_MAYMOVE)));
    say("munmap", munmap(p, 1ul << 62));
    for (int first = 64; first >= 47; first--) {
        pid_t c = fork();
        if (!c) unmap_all(first & 63 ? first : 63);
        if (first == 64 || first == 47) say_wait("without any memory", c);
        else waitpid(c, NULL, 0);
    }
}

int main(void)
{
    struct sigaction sa = { .sa_sigaction = on, .sa_flags = SA_SIGINFO };
    sigaction(SIGSEGV, &sa, NULL);
    sigaction(SIGBUS, &sa, NULL);
    anon();
    prot();
    files();
    if (chdir("/tmp") == 0) files();
    sharing();
    pid_t p = fork();
    if (!p) { brks(); _exit(0); }
    say_wait("brk", p);
    cut();
    across();
    big();
    return 0;
}
