/* Opening foreign paths: with openat2 where the host has it, else component by
 * component on descriptors with the same result. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/fd.h"

enum { MAX_LINKS = 40 };

static int sys_openat2(int dirfd, const char *path, int flags, mode_t mode, uint64_t resolve)
{
    struct open_how how = {
        .flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
        .mode = (flags & (O_CREAT | __O_TMPFILE)) ? mode & 07777 : 0,
        .resolve = resolve | RESOLVE_NO_MAGICLINKS,
    };
    int fd;

    /* EAGAIN: a rename or mount raced with "..": the kernel asks to try again. */
    for (int tries = 0; tries < 64; tries++) {
        fd = (int)syscall(SYS_openat2, dirfd, path, &how, sizeof(how));
        if (fd >= 0 || errno != EAGAIN)
            break;
    }
    return fd < 0 ? -errno : fd;
}

/* The walk for hosts without openat2 (or that hide it by a filter, EPERM). `stack`
 * holds the directories from the root to the current one, so that ".." needs no trust
 * in the host's own "..". */
struct walk {
    int *stack;
    size_t depth;
    bool beneath;               /* refuse leaving rather than clamp */
    int links;
    char rest[PATH_MAX];        /* what is left to resolve */
};

static int walk_push(struct walk *w, int fd)
{
    int *more = realloc(w->stack, (w->depth + 1) * sizeof(int));
    if (!more) {
        close(fd);
        return -ENOMEM;
    }
    w->stack = more;
    w->stack[w->depth++] = fd;
    return 0;
}

static int walk_up(struct walk *w)
{
    if (w->depth > 1)
        close(w->stack[--w->depth]);
    else if (w->beneath)
        return -EXDEV;
    return 0;
}

static int walk_top(const struct walk *w)
{
    return w->stack[w->depth - 1];
}

/* Splits the first name off `rest`; "" when nothing is left. */
static int walk_next(struct walk *w, char name[static NAME_MAX + 1], bool *dir_r)
{
    char *p = w->rest + strspn(w->rest, "/");
    size_t n = strcspn(p, "/");

    if (n > NAME_MAX)
        return -ENAMETOOLONG;
    memcpy(name, p, n);
    name[n] = 0;
    *dir_r = p[n] == '/';
    memmove(w->rest, p + n, strlen(p + n) + 1);
    return 0;
}

static bool walk_done(const struct walk *w)
{
    return !w->rest[strspn(w->rest, "/")];
}

static int walk_link(struct walk *w, const char *name)
{
    char target[PATH_MAX], joined[PATH_MAX];
    ssize_t n = readlinkat(walk_top(w), name, target, sizeof(target) - 1);

    if (n < 0)
        return -errno;
    target[n] = 0;
    if (++w->links > MAX_LINKS)
        return -ELOOP;
    if ((size_t)snprintf(joined, sizeof(joined), "%s/%s", target, w->rest) >= sizeof(joined))
        return -ENAMETOOLONG;
    if (target[0] == '/') {
        if (w->beneath)
            return -EXDEV;
        while (w->depth > 1)
            close(w->stack[--w->depth]);
    }
    memcpy(w->rest, joined, strlen(joined) + 1);
    return 0;
}

/* Resolves to the last directory on the stack and the final name ("." when the path
 * ends in a directory that is already on the stack). */
static int walk_run(struct walk *w, char name[static NAME_MAX + 1], int flags)
{
    for (;;) {
        struct stat st;
        bool slash;
        int rc = walk_next(w, name, &slash);
        if (rc < 0)
            return rc;
        bool last = walk_done(w);
        if (!name[0] || !strcmp(name, ".") || !strcmp(name, "..")) {
            rc = name[0] == '.' && name[1] ? walk_up(w) : 0;
            if (rc < 0)
                return rc;
            strcpy(name, ".");
            if (last)
                return 0;
            continue;
        }
        if (fstatat(walk_top(w), name, &st, AT_SYMLINK_NOFOLLOW) < 0)
            return last && errno == ENOENT && (flags & O_CREAT) ? 0 : -errno;
        if (S_ISLNK(st.st_mode) && (!last || slash || !(flags & (O_NOFOLLOW | O_EXCL)))) {
            rc = walk_link(w, name);
            if (rc < 0)
                return rc;
            continue;
        }
        if (last)
            return 0;
        int fd = openat(walk_top(w), name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
            return -errno;
        rc = walk_push(w, fd);
        if (rc < 0)
            return rc;
    }
}

static int open_walking(int dirfd, const char *path, int flags, mode_t mode, bool beneath)
{
    struct walk w = { .beneath = beneath };
    char name[NAME_MAX + 1];
    int rc, fd;

    if (strlen(path) >= sizeof(w.rest))
        return -ENAMETOOLONG;
    if (!path[0])
        return -ENOENT;
    if (beneath && path[0] == '/')
        return -EXDEV;
    strcpy(w.rest, path);
    fd = fcntl(dirfd, F_DUPFD_CLOEXEC, 3);
    if (fd < 0)
        return -errno;
    rc = walk_push(&w, fd);
    if (rc == 0)
        rc = walk_run(&w, name, flags);
    if (rc == 0) {
        rc = openat(walk_top(&w), name, flags | O_NOFOLLOW | O_CLOEXEC, mode);
        if (rc < 0)
            rc = -errno;
    }
    while (w.depth)
        close(w.stack[--w.depth]);
    free(w.stack);
    return rc;
}

static int open_resolving(int dirfd, const char *path, int flags, mode_t mode, bool beneath)
{
    int fd = sys_openat2(dirfd, path, flags, mode,
                         beneath ? RESOLVE_BENEATH : RESOLVE_IN_ROOT);

    if (fd == -ENOSYS || fd == -EPERM)
        fd = open_walking(dirfd, path, flags, mode, beneath);
    return fd;
}

int open_in_root(int dirfd, const char *path, int flags, mode_t mode)
{
    return open_resolving(dirfd, path, flags, mode, false);
}

int open_beneath(int dirfd, const char *path, int flags, mode_t mode)
{
    return open_resolving(dirfd, path, flags, mode, true);
}

int open_child(int dirfd, const char *name, int flags, mode_t mode)
{
    int fd;

    if (strchr(name, '/') || !strcmp(name, ".."))
        return -EXDEV;
    fd = openat(dirfd, name, flags | O_NOFOLLOW | O_CLOEXEC, mode);
    return fd < 0 ? -errno : fd;
}

int mkdirs_in_root(int dirfd, const char *path, mode_t mode)
{
    char part[PATH_MAX];
    size_t len = strlen(path), n = 0;
    int fd;

    if (len >= sizeof(part))
        return -ENAMETOOLONG;
    fd = open_in_root(dirfd, len ? path : ".", O_PATH | O_DIRECTORY, 0);
    if (fd != -ENOENT)
        return fd;
    /* Longer and longer prefixes: each is resolved anew from the root, so that links on
     * the way count; what is missing is made in its resolved parent. */
    fd = open_in_root(dirfd, ".", O_PATH | O_DIRECTORY, 0);
    while (fd >= 0 && n < len) {
        size_t start = n + strspn(path + n, "/");
        n = start + strcspn(path + start, "/");
        memcpy(part, path, n);
        part[n] = 0;
        int next = open_in_root(dirfd, n ? part : ".", O_PATH | O_DIRECTORY, 0);
        if (next == -ENOENT && strcmp(part + start, "..") && strcmp(part + start, ".")) {
            if (mkdirat(fd, part + start, mode) < 0) {
                next = errno == EEXIST ? -ENOENT : -errno;  /* a dangling link */
            } else {
                next = open_child(fd, part + start, O_PATH | O_DIRECTORY, 0);
            }
        }
        close(fd);
        fd = next;
    }
    return fd;
}
