/* Removing trees. Depth costs a descriptor a level, and a hostile tree may be deeper
 * than descriptors reach: folders far down are moved up to the top and taken from there. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"

enum { DEPTH_MAX = 64 };

struct removal {
    int top;                    /* where deep folders go */
    unsigned moved;             /* how many went there */
};

static bool is_dots(const char *s)
{
    return s[0] == '.' && (!s[1] || (s[1] == '.' && !s[2]));
}

/* A folder that its owner may not read needs its mode first. */
static int open_folder(int dirfd, const char *name)
{
    int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    int fd = openat(dirfd, name, flags);

    if (fd < 0 && errno == EACCES && fchmodat(dirfd, name, 0700, 0) == 0)
        fd = openat(dirfd, name, flags);
    return fd < 0 ? -errno : fd;
}

static int empty_folder(struct removal *r, int fd, int depth);

static int move_up(struct removal *r, int dir, const char *name)
{
    char up[32];

    do {
        snprintf(up, sizeof(up), ".deep-%u", r->moved++);
    } while (renameat(dir, name, r->top, up) < 0 && errno == ENOTEMPTY && r->moved < 1u << 20);
    return faccessat(dir, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0 ? -errno : 0;
}

static int remove_one(struct removal *r, int dir, const char *name, int depth)
{
    int rc, sub;

    if (unlinkat(dir, name, 0) == 0 || errno == ENOENT)
        return 0;
    if (errno == EACCES) {
        fchmod(dir, 0700);
        if (unlinkat(dir, name, 0) == 0)
            return 0;
    }
    if (errno != EISDIR && errno != EPERM)
        return -errno;
    if (depth >= DEPTH_MAX)
        return move_up(r, dir, name);
    sub = open_folder(dir, name);
    rc = sub < 0 ? sub : empty_folder(r, sub, depth + 1);
    return rc == 0 && unlinkat(dir, name, AT_REMOVEDIR) < 0 ? -errno : rc;
}

/* Takes fd. Goes on past an error, to leave as little as can be. */
static int empty_folder(struct removal *r, int fd, int depth)
{
    struct dirent *de;
    DIR *d = fdopendir(fd);
    int rc = 0;

    if (!d) {
        close(fd);
        return -ENOMEM;
    }
    while ((de = readdir(d))) {
        int one = is_dots(de->d_name) ? 0 : remove_one(r, dirfd(d), de->d_name, depth);
        rc = one < 0 ? one : rc;
    }
    closedir(d);
    return rc;
}

int remove_tree_at(int dirfd, const char *name)
{
    struct removal r;
    unsigned before;
    int rc, fd;

    if (unlinkat(dirfd, name, 0) == 0 || errno == ENOENT)
        return 0;
    if (errno != EISDIR && errno != EPERM)
        return -errno;
    fd = open_folder(dirfd, name);
    if (fd < 0)
        return fd;
    r = (struct removal){ .top = fd };
    do {
        before = r.moved;
        int again = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        rc = again < 0 ? -errno : empty_folder(&r, again, 0);
    } while (rc == 0 && r.moved != before);
    close(fd);
    if (unlinkat(dirfd, name, AT_REMOVEDIR) < 0 && rc == 0)
        rc = -errno;
    return rc;
}

int folder_is_empty(int fd)
{
    struct dirent *de;
    int own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), empty = 1;
    DIR *d = own < 0 ? NULL : fdopendir(own);

    if (!d) {
        int code = errno;
        if (own >= 0)
            close(own);
        return -code;
    }
    while (empty && (de = readdir(d)))
        empty = is_dots(de->d_name);
    closedir(d);
    return empty;
}
