/* A large file read in small pieces, here and there, often: while it is written to, grows,
 * is cut and replaced, by its process and by a child. */
#include "guest.h"
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGE = 4096, PAGES = 1040 };     /* a little over 4 MiB */

static unsigned state = 1;
static unsigned any(void) { return (state = state * 1664525 + 1013904223) >> 8; }

/* A page says which it is, and of which round. */
static void stamp(char *b, unsigned page, unsigned round)
{
    for (unsigned i = 0; i < PAGE / 8; i++) {
        memcpy(b + 8 * i, &page, 4);
        memcpy(b + 8 * i + 4, &round, 4);
    }
}

static int put(int fd, unsigned page, unsigned round)
{
    char b[PAGE];

    stamp(b, page, round);
    return pwrite(fd, b, PAGE, (off_t)page * PAGE) == PAGE;
}

static int is(int fd, unsigned page, unsigned round)
{
    char b[PAGE], want[PAGE];

    stamp(want, page, round);
    return pread(fd, b, PAGE, (off_t)page * PAGE) == PAGE && !memcmp(b, want, PAGE);
}

static int fill(int fd, unsigned from, unsigned to, unsigned round)
{
    int ok = 1;

    for (unsigned p = from; p < to; p++)
        ok &= put(fd, p, round);
    return ok;
}

static int all_over(int fd, unsigned pages, unsigned round)
{
    int ok = 1;

    for (int i = 0; i < 300; i++)
        ok &= is(fd, any() % pages, round);
    return ok;
}

static int child(int fd)
{
    int st;
    pid_t p = fork();

    if (p == 0) {
        int ok = all_over(fd, PAGES, 1) && put(fd, 5, 77) && is(fd, 5, 77);
        unlink("other");
        int o = open("other", O_RDWR | O_CREAT, 0644);

        ok = ok && fill(o, 0, PAGES, 9) && all_over(o, PAGES, 9) && all_over(fd, 5, 1);
        _exit(!ok);
    }
    waitpid(p, &st, 0);
    return st == 0;
}

int main(void)
{
    char b[PAGE], zero[PAGE] = { 0 };
    int fd = open("big", O_RDWR | O_CREAT | O_TRUNC, 0644), ro = open("big", O_RDONLY), ok, n;

    check(fill(fd, 0, PAGES, 1), "a large file is written");
    check(all_over(ro, PAGES, 1), "and read here and there");
    check(child(fd), "by a child, too, and another one");
    check(is(ro, 5, 77), "what the child wrote is there");
    ok = 1;
    for (n = 0; n < 200; n++) {
        unsigned p = any() % PAGES;
        ok &= put(fd, p, 2) && is(ro, p, 2);
    }
    check(ok, "what was just written is read");
    check(fill(fd, PAGES, 2 * PAGES, 3) && is(ro, 2 * PAGES - 1, 3), "it grows");
    fill(fd, 0, PAGES, 3);
    check(all_over(ro, 2 * PAGES, 3), "and is read");
    check(pread(ro, b, PAGE, (off_t)2 * PAGES * PAGE) == 0, "to its end");
    check(pread(ro, b, PAGE, (off_t)2 * PAGES * PAGE - 100) == 100, "and not beyond");
    ftruncate(fd, PAGES * PAGE / 2);
    check(pread(ro, b, PAGE, (off_t)PAGES * PAGE) == 0, "it is cut");
    ftruncate(fd, (off_t)2 * PAGES * PAGE);
    check(pread(ro, b, PAGE, (off_t)PAGES * PAGE) == PAGE && !memcmp(b, zero, PAGE),
          "and reads zeros when it is longer again");
    check(all_over(ro, PAGES / 2, 3), "before that it is as it was");
    for (int round = 4; round < 6; round++) {   /* descriptors' numbers come again */
        close(fd);
        close(ro);
        unlink("big");
        fd = open("big", O_RDWR | O_CREAT | O_EXCL, 0644);
        ro = open("big", O_RDONLY);
        check(fill(fd, 0, PAGES, round) && all_over(ro, PAGES, round), "another one in its place");
    }
    sleep(2);                   /* what is not used may go */
    check(all_over(ro, PAGES, 5), "after a rest");
    return guest_end();
}
