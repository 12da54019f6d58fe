#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"

static bool is_dots(const char *s)
{
    return s[0] == '.' && (!s[1] || (s[1] == '.' && !s[2]));
}

/* A folder one level down, or one that its owner may not read, needs its mode first. */
static int open_folder(int dirfd, const char *name)
{
    int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    int fd = openat(dirfd, name, flags);

    if (fd < 0 && errno == EACCES && fchmodat(dirfd, name, 0700, 0) == 0)
        fd = openat(dirfd, name, flags);
    return fd < 0 ? -errno : fd;
}

/* Empties the folder that `fd` (taken) names. Recursion is as deep as the tree, which
 * PATH_MAX does not bound for a hostile one, so depth is. */
static int empty_folder(int fd, int depth)
{
    DIR *d;
    struct dirent *de;
    int rc = 0;

    if (depth > 2000) {
        close(fd);
        return -ELOOP;
    }
    d = fdopendir(fd);
    if (!d) {
        close(fd);
        return -ENOMEM;
    }
    while ((de = readdir(d))) {
        if (is_dots(de->d_name) || unlinkat(dirfd(d), de->d_name, 0) == 0)
            continue;
        int one = -errno;
        if (one == -EACCES || one == -EPERM) {
            fchmod(dirfd(d), 0700);
            one = unlinkat(dirfd(d), de->d_name, 0) < 0 ? -errno : 0;
        }
        if (one == -EISDIR || one == -EPERM) {
            int sub = open_folder(dirfd(d), de->d_name);
            one = sub < 0 ? sub : empty_folder(sub, depth + 1);
            if (one == 0 && unlinkat(dirfd(d), de->d_name, AT_REMOVEDIR) < 0)
                one = -errno;
        }
        if (one < 0 && one != -ENOENT)
            rc = one;
    }
    closedir(d);
    return rc;
}

int remove_tree_at(int dirfd, const char *name)
{
    int rc, fd;

    if (unlinkat(dirfd, name, 0) == 0 || errno == ENOENT)
        return 0;
    if (errno != EISDIR && errno != EPERM)
        return -errno;
    fd = open_folder(dirfd, name);
    if (fd < 0)
        return fd;
    rc = empty_folder(fd, 0);
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
        if (own >= 0)
            close(own);
        return -errno;
    }
    while (empty && (de = readdir(d)))
        empty = is_dots(de->d_name);
    closedir(d);
    return empty;
}
