#include "hv/dev/strays.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "hv/dev/log.h"

enum { FDS_MAX = 1 << 20 };     /* the host's own bound as it comes */

struct strays { uint8_t spared[FDS_MAX / 8]; };

struct strays *strays_new(void)
{
    return calloc(1, sizeof(struct strays));
}

void strays_spare(void *strays, int fd)
{
    struct strays *s = strays;

    if (fd >= 0 && fd < FDS_MAX)
        s->spared[fd / 8] |= (uint8_t)(1u << fd % 8);
}

static void close_one(const struct strays *s, const char *name)
{
    int fd = atoi(name);

    if (name[0] >= '0' && name[0] <= '9' && fd < FDS_MAX && !(s->spared[fd / 8] >> fd % 8 & 1))
        close(fd);
}

/* Not opendir: it makes calls of its own, which the jail does not know. */
void strays_close(struct strays *s)
{
    static char list[8192] __attribute__((aligned(8)));
    int dir = openat(AT_FDCWD, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ssize_t n = -1;

    strays_spare(s, dir);
    while (dir >= 0 && (n = getdents64(dir, (void *)list, sizeof(list))) > 0) {
        for (ssize_t at = 0; at < n;) {
            const struct dirent64 *d = (const void *)(list + at);

            close_one(s, d->d_name);
            at += d->d_reclen;
        }
    }
    if (n < 0)
        dlog("descriptors of the last worker stay open: error %d", errno);
    if (dir >= 0)
        close(dir);
    free(s);
}
