/* Walks through large memory, which comes in ever larger pieces: every byte keeps its value,
 * whatever the start, the direction, advice, threads and forks. */
#include "say.h"
#include <pthread.h>
#include <sys/mman.h>

enum { PAGE = 4096 };
#define LEN (9ul << 20)

static unsigned mark(size_t i) { return (unsigned)(i * 2654435761u) | 1; }

static char *fresh(size_t len)
{
    char *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) exit(9);
    return p;
}

/* Touches `n` bytes from p on in steps; each page must be zero before. */
static int store(char *p, size_t n, int down)
{
    int bad = 0;
    for (size_t k = 0; k < n / PAGE; k++) {
        size_t i = down ? n / PAGE - 1 - k : k;
        unsigned *w = (unsigned *)(p + i * PAGE);
        for (int j = 0; j < PAGE / 4; j += 61) bad |= w[j] != 0, w[j] = mark(i + j);
    }
    return bad;
}

static int differs(const char *p, size_t n)
{
    int bad = 0;
    for (size_t i = 0; i < n / PAGE; i++)
        for (int j = 0; j < PAGE / 4; j++)
            bad |= ((unsigned *)(p + i * PAGE))[j] != (j % 61 ? 0 : mark(i + j));
    return bad;
}

static void walk(const char *what, size_t at, size_t n, int down)
{
    char *p = fresh(LEN);
    int bad = store(p + at, n, down);
    note("%s: %d %d", what, bad, differs(p + at, n));
    munmap(p, LEN);
}

static char *shared;
static volatile int stop;

static void *writer(void *arg)
{
    unsigned n = 0;
    while (!stop) ((volatile unsigned *)shared)[1]++, n++;
    return (void *)(long)n;
}

static void with_thread(void)
{
    pthread_t t;
    void *n;
    shared = fresh(LEN);
    shared[0] = 1;
    pthread_create(&t, NULL, writer, NULL);
    int bad = store(shared + PAGE, LEN - PAGE, 0);
    stop = 1;
    pthread_join(t, &n);
    yes("a thread's stores", ((unsigned *)shared)[1] == (unsigned)(long)n);
    note("beside it: %d %d", bad, differs(shared + PAGE, LEN - PAGE));
    munmap(shared, LEN);
}

static void with_fork(void)
{
    char *p = fresh(LEN);
    int bad = store(p, 128 << 10, 0);
    pid_t c = fork();
    if (!c) _exit(store(p + (128 << 10), LEN - (128 << 10), 0) | differs(p, 128 << 10));
    say_wait("child", c);
    bad |= store(p + (128 << 10), LEN - (128 << 10), 0);
    note("parent: %d %d", bad, differs(p, 128 << 10));
    c = fork();
    if (!c) {
        memset(p, 9, LEN);
        _exit(0);
    }
    say_wait("child over it", c);
    note("parent: %d", differs(p, 128 << 10));
    munmap(p, LEN);
}

static void with_advice(void)
{
    char *p = fresh(LEN);
    say("no huge pages", madvise(p, LEN, MADV_NOHUGEPAGE));
    int bad = store(p, LEN, 0);
    note("small: %d %d", bad, differs(p, LEN));
    say("huge pages", madvise(p, LEN, MADV_HUGEPAGE));
    say("gone", madvise(p, LEN, MADV_DONTNEED));
    bad = store(p, LEN, 0);
    note("again: %d %d", bad, differs(p, LEN));
    say("read only", mprotect(p, 4 << 20, PROT_READ));
    note("still: %d", differs(p, LEN));
    say("a hole", munmap(p + (1 << 20), 1 << 20));
    note("around: %d", differs(p, 1 << 20));
    munmap(p, LEN);
}

int main(void)
{
    walk("all of it", 0, LEN, 0);
    walk("from above", 0, LEN, 1);
    walk("from the middle", (1 << 20) + PAGE, 5 << 20, 0);
    walk("a little", 0, 256 << 10, 0);
    with_thread();
    with_fork();
    with_advice();
    return 0;
}
