/* mlock: what is locked is counted, stays within its limit, and is nobody else's. */
#include "say.h"
#include <sys/mman.h>
#include <sys/resource.h>

enum { PAGE = 4096, K = 1024 };

static long field(const char *file, const char *name)
{
    char line[256];
    long n = -1;
    FILE *f = fopen(file, "r");
    while (f && fgets(line, sizeof line, f))
        if (!strncmp(line, name, strlen(name))) n = (n < 0 ? 0 : n) + atol(line + strlen(name));
    if (f) fclose(f);
    return n;
}

static void locked(const char *what)
{
    note("%s: %ld kB locked", what, field("/proc/self/status", "VmLck:"));
}

static char *map(size_t len, int flags)
{
    return mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
}

static void limit(rlim_t n)
{
    struct rlimit r = { n, n };
    say("limit", setrlimit(RLIMIT_MEMLOCK, &r));
}

static int present(char *p, int pages)
{
    unsigned char v[64];
    int n = 0;
    if (mincore(p, pages * PAGE, v)) return -1;
    for (int i = 0; i < pages; i++) n += v[i] & 1;
    return n;
}

static void child_has_none(char *p)
{
    pid_t c = fork();
    if (!c) {
        locked("child");
        say("child: gone", madvise(p, PAGE, MADV_DONTNEED));
        _exit(0);
    }
    say_wait("child", c);
}

static void pieces(void)
{
    char *p = map(16 * PAGE, 0);
    say("mlock", mlock(p + PAGE + 5, 2 * PAGE));        /* reaches into a third */
    locked("three pages");
    note("present: %d", present(p + PAGE, 3));
    say("the same again", mlock(p + PAGE, 3 * PAGE));
    locked("still");
    say("not to be thrown away", madvise(p + PAGE, PAGE, MADV_DONTNEED));
    say("but next to it", madvise(p + 8 * PAGE, PAGE, MADV_DONTNEED));
    note("smaps: %ld kB", field("/proc/self/smaps", "Locked:"));
    say("munlock one", munlock(p + 2 * PAGE, PAGE));
    locked("two pages");
    child_has_none(p + PAGE);
    say("unmapped", munmap(p, 3 * PAGE));
    locked("one page");
    say("a hole", mlock(p, 4 * PAGE));
    say("nothing", mlock(p, 0));
    say("around the end", mlock((void *)-PAGE, 2 * PAGE));
    say("munlock all", munlockall());
    locked("none");
    char *q = map(PAGE, 0);
    mprotect(q, PAGE, PROT_NONE);
    say("without rights", mlock(q, PAGE));
    munlock(q, PAGE);
    munmap(q, PAGE), munmap(p + 3 * PAGE, 13 * PAGE);
}

static void limits(void)
{
    char *p = map(64 * PAGE, 0), *q;
    limit(64 * K);
    say("up to it", mlock(p, 16 * PAGE));
    say("one more", mlock(p + 16 * PAGE, 1));
    say("what is locked counts once", mlock(p + 8 * PAGE, 8 * PAGE));
    say("MAP_LOCKED", map(PAGE, MAP_LOCKED) == MAP_FAILED ? -1 : 0);
    say("munlock", munlock(p, 8 * PAGE));
    q = map(4 * PAGE, MAP_LOCKED);
    note("MAP_LOCKED: %d of 4 present", present(q, 4));
    locked("with it");
    say("grown", mremap(q, 4 * PAGE, 8 * PAGE, MREMAP_MAYMOVE) == MAP_FAILED ? -1 : 0);
    locked("grown");
    say("too far", mremap(p + 8 * PAGE, 8 * PAGE, 32 * PAGE, MREMAP_MAYMOVE) == MAP_FAILED ? -1 : 0);
    say("all", mlockall(MCL_CURRENT));
    say("munlock", munlockall());
    say("in future", mlockall(MCL_FUTURE));
    q = map(8 * PAGE, 0);
    note("present: %d", present(q, 8));
    say("no more than the limit", map(9 * PAGE, 0) == MAP_FAILED ? -1 : 0);
    say("no longer", munlockall());
    say("may be large", map(64 * PAGE, 0) == MAP_FAILED ? -1 : 0);
    say("on fault", mlock2(map(4 * PAGE, 0), 4 * PAGE, MLOCK_ONFAULT));
    locked("on fault");
    say("flags", mlock2(p, PAGE, 6)), say("flags", mlockall(0)), say("flags", mlockall(MCL_ONFAULT));
    limit(0);
    say("nothing may", mlock(p, PAGE));
    say("nothing may", mlockall(MCL_CURRENT));
    say("MAP_LOCKED", map(PAGE, MAP_LOCKED) == MAP_FAILED ? -1 : 0);
}

int main(int argc, char **argv)
{
    if (argc > 1) return locked("after exec"), 0;
    pieces();
    limits();
    pid_t p = fork();
    if (!p) execl("/proc/self/exe", "mlocks", "again", NULL), _exit(1);
    say_wait("exec", p);
    return 0;
}
