/* Mappings of files that get shorter: SIGBUS beyond the end, in all processes, and what comes
 * back when the file grows; seals against mappings. */
#include "say.h"
#include <setjmp.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#define P 4096
static sigjmp_buf away;
static volatile int code;
static void on_bus(int s, siginfo_t *i, void *u) { code = s * 100 + i->si_code; siglongjmp(away, 1); }

/* What a byte is: its value, or the signal that reading it gives. */
static int at(volatile char *p)
{
    code = 0;
    if (sigsetjmp(away, 1)) return -code;
    return *p;
}

static int store(volatile char *p, char c)
{
    code = 0;
    if (sigsetjmp(away, 1)) return -code;
    *p = c;
    return 0;
}

static void show(const char *what, char *m, int pages)
{
    printf("%s:", what);
    for (int i = 0; i < pages; i++) printf(" %d", at(m + i * P + 5));
    printf("\n");
    fflush(stdout);
}

static void cutting(int fd, const char *name)
{
    note("-- %s", name);
    say("size", ftruncate(fd, 6 * P));
    char *m = mmap(NULL, 6 * P, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    char *v = mmap(NULL, 6 * P, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    char *part = mmap(NULL, 2 * P, PROT_READ, MAP_SHARED, fd, 3 * P);
    for (int i = 0; i < 6; i++) m[i * P + 5] = (char)(i + 1);
    v[4 * P + 5] = 99;
    show("all", m, 6), show("private", v, 6), show("part", part, 2);
    int go[2], back[2];
    char c;
    if (pipe(go) || pipe(back)) exit(99);
    fflush(stdout);
    pid_t p = fork();
    if (!p) {
        show("child", m, 6);
        if (write(back[1], "x", 1) != 1) _exit(1);
        if (read(go[0], &c, 1) != 1) _exit(2);
        show("child, cut", m, 6);
        show("child's private", v, 6);
        if (write(back[1], "x", 1) != 1) _exit(3);
        if (read(go[0], &c, 1) != 1) _exit(4);
        show("child, grown", m, 6);
        _exit(0);
    }
    if (read(back[0], &c, 1) != 1) exit(98);
    say("cut", ftruncate(fd, 2 * P + 100));
    show("all", m, 6), show("private", v, 6), show("part", part, 2);
    say("store", store(m + 3 * P, 1));
    say("store in the last page", store(m + 2 * P + 2000, 1));
    if (write(go[1], "x", 1) != 1 || read(back[0], &c, 1) != 1) exit(97);
    say("read from nowhere", write(go[1], m + 4 * P, 10));
    say("grow", ftruncate(fd, 5 * P));
    show("all", m, 6), show("private", v, 6);
    say("store", store(m + 3 * P + 5, 33));
    if (write(go[1], "x", 1) != 1) exit(96);
    say_wait("child", p);
    show("all", m, 4);
    say("cut to nothing", ftruncate(fd, 0));
    show("all", m, 2);
    munmap(m, 6 * P), munmap(v, 6 * P), munmap(part, 2 * P);
    close(go[0]), close(go[1]), close(back[0]), close(back[1]);
}

static void seals(void)
{
    int fd = memfd_create("s", MFD_ALLOW_SEALING);
    say("size", ftruncate(fd, 2 * P));
    char *w = mmap(NULL, P, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    say("seal while it may be written", fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
    say("none", fcntl(fd, F_GET_SEALS));
    fflush(stdout);
    int p[2];
    char c;
    if (pipe(p)) exit(95);
    pid_t k = fork();
    if (!k) { close(p[1]); if (read(p[0], &c, 1)) _exit(1); _exit(0); }
    close(p[0]);
    munmap(w, P);
    say("a child's mapping", fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
    close(p[1]);
    say_wait("child", k);
    char *v = mmap(NULL, P, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    w = mmap(NULL, P, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    w[0] = 'a';
    say("against new ones", fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE));
    say("the old one goes on", store(w, 'b'));
    yes("new", mmap(NULL, P, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED);
    char *r = mmap(NULL, P, PROT_READ, MAP_SHARED, fd, 0);
    yes("to read", r != MAP_FAILED && r[0] == 'b');
    say("made writable", mprotect(r, P, PROT_READ | PROT_WRITE));
    say("write", write(fd, "x", 1));
    munmap(w, P), munmap(r, P);
    say("seal now", fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
    note("%x", fcntl(fd, F_GET_SEALS));
    say("private ones may", store(v, 'z'));
    r = mmap(NULL, P, PROT_READ, MAP_SHARED, fd, 0);
    say("made writable", mprotect(r, P, PROT_READ | PROT_WRITE));
    say("shrink", ftruncate(fd, P));
}

int main(void)
{
    struct sigaction sa = { .sa_sigaction = on_bus, .sa_flags = SA_SIGINFO };
    sigaction(SIGBUS, &sa, NULL);
    sigaction(SIGSEGV, &sa, NULL);
    int fd = open("/tmp/cut", O_RDWR | O_CREAT, 0600);
    cutting(memfd_create("m", 0), "memfd");
    cutting(fd, "tmpfs");
    note("-- seals");
    seals();
    unlink("/tmp/cut");
    return 0;
}
