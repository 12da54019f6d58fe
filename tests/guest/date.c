/* The date inside is the host's: who makes a file stamps it with his own clock. */
#include "say.h"

#include <sys/stat.h>

#define MS 1000000ll

static long long ns(struct timespec t) { return t.tv_sec * 1000 * MS + t.tv_nsec; }

static long long date(void)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    return ns(t);
}

int main(void)
{
    struct stat st = { 0 };
    long long before = date();
    int fd = open("date", O_CREAT | O_WRONLY | O_TRUNC, 0600);
    long long after = date();

    yes("made", fd >= 0 && fstat(fd, &st) == 0);
    /* File times are those of the last tick. */
    yes("not before we asked for it", ns(st.st_mtim) >= before - 20 * MS);
    yes("not after it was there", ns(st.st_mtim) <= after + 5 * MS);
    printf("off by %lld ms\n", (ns(st.st_mtim) - before) / (50 * MS));
    close(fd);
    unlink("date");
    return 0;
}
