/* Whiteouts hide what the layers below have, never what their own layer brings. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/fd.h"
#include "oci/unpack.h"

#define PREFIX ".wh."
#define OPAQUE ".wh..wh..opq"

/* FNV-1a over the name, started with the folder: a clash would hide one file too few
 * of the image's own, so nothing stronger is needed. */
uint64_t fresh_key(uint64_t dir_ino, const char *name)
{
    uint64_t h = 0xcbf29ce484222325ull ^ dir_ino * 0x9e3779b97f4a7c15ull;

    for (; *name; name++)
        h = (h ^ (unsigned char)*name) * 0x100000001b3ull;
    return h;
}

bool is_whiteout(const char *name)
{
    return !strncmp(name, PREFIX, strlen(PREFIX));
}

static int prune_folder(struct unpack *u, int fd, int depth);

/* Removes one name as far as it is not from this layer. */
static int prune_name(struct unpack *u, int dir, uint64_t dir_ino, const char *name,
                      int depth)
{
    bool fresh = keymap_get(&u->fresh, fresh_key(dir_ino, name), NULL);
    struct stat st;
    int fd, rc;

    if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 0 : -errno;
    if (!S_ISDIR(st.st_mode))
        return fresh || unlinkat(dir, name, 0) == 0 ? 0 : -errno;
    fd = open_child(dir, name, O_RDONLY | O_DIRECTORY, 0);
    if (fd < 0)
        return fd;
    rc = prune_folder(u, fd, depth + 1);
    if (rc < 0 || fresh)
        return rc;
    /* Not empty: something inside is from this layer. */
    if (unlinkat(dir, name, AT_REMOVEDIR) < 0 && errno != ENOTEMPTY && errno != EEXIST)
        return -errno;
    return 0;
}

/* Takes fd. */
static int prune_folder(struct unpack *u, int fd, int depth)
{
    struct dirent *de;
    struct stat st;
    int rc = 0;
    DIR *d;

    if (depth > 1000 || fstat(fd, &st) < 0 || !(d = fdopendir(fd))) {
        close(fd);
        return -ELOOP;
    }
    while (rc == 0 && (de = readdir(d))) {
        if (strcmp(de->d_name, ".") && strcmp(de->d_name, ".."))
            rc = prune_name(u, dirfd(d), st.st_ino, de->d_name, depth);
    }
    closedir(d);
    return rc;
}

int whiteout_apply(struct unpack *u, const struct target *t, struct err *e)
{
    const char *hidden = t->name + strlen(PREFIX);
    int rc;

    if (!strcmp(t->name, OPAQUE)) {
        int fd = open_child(t->dir, ".", O_RDONLY | O_DIRECTORY, 0);
        rc = fd < 0 ? fd : prune_folder(u, fd, 0);
    } else if (is_whiteout(hidden)) {
        return 0;               /* AUFS's own bookkeeping, such as .wh..wh.plnk */
    } else if (!hidden[0] || !strcmp(hidden, ".") || !strcmp(hidden, "..")) {
        return err_set(e, EINVAL, "whiteout \"%s\" hides no name", t->path);
    } else {
        rc = prune_name(u, t->dir, t->dir_ino, hidden, 0);
    }
    u->parent_stale = true;
    return rc < 0 ? err_sys(e, -rc, "whiteout \"%s\"", t->path) : 0;
}
