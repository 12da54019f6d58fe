/* The directory ROOT/ID of a container. mkdir claims an id; flock on the directory
 * itself orders the commands that change a container. */
#include "runtime/runtime.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/fd.h"

#define CTL_SOCKET "ctl.sock"

/* runc's rule, so that an engine's id is good for both. */
int rt_id_check(const char *id, struct err *e)
{
    size_t n = strlen(id);

    if (n == 0)
        return err_set(e, EINVAL, "container id is empty");
    if (n > 1024 || strcmp(id, ".") == 0 || strcmp(id, "..") == 0)
        return err_set(e, EINVAL, "invalid container id \"%.80s\"", id);
    if (strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+.-") != n)
        return err_set(e, EINVAL, "invalid container id \"%.80s\": only letters, digits and "
                       "\"_+.-\" may be used", id);
    if (n > NAME_MAX)
        return err_set(e, ENAMETOOLONG, "container id has %zu characters, %d are possible", n,
                       NAME_MAX);
    return 0;
}

void rt_dir_close(struct rt_dir *d)
{
    if (d->fd >= 0)
        close(fd_steal(&d->fd));
}

int rt_root_check(const char *root, struct err *e)
{
    return root ? 0 : err_set(e, EINVAL, "not root: set XDG_RUNTIME_DIR or give --root DIR");
}

static int join(char out[static PATH_MAX], const char *root, const char *id, struct err *e)
{
    if (rt_root_check(root, e) < 0)
        return -EINVAL;
    if (snprintf(out, PATH_MAX, "%s/%s", root, id) >= PATH_MAX)
        return err_set(e, ENAMETOOLONG, "state directory %.80s...", root);
    return 0;
}

/* mkdir -p: the root's parents as well, since /run may be bare. */
static int make_root(const char *root, struct err *e)
{
    char path[PATH_MAX];

    if (snprintf(path, sizeof(path), "%s", root) >= (int)sizeof(path))
        return err_set(e, ENAMETOOLONG, "--root");
    for (char *p = path + 1; ; p++) {
        char c = *p;
        if (c != '/' && c != '\0')
            continue;
        *p = '\0';
        if (mkdir(path, c ? 0755 : 0700) < 0 && errno != EEXIST)
            return err_sys(e, errno, "make state directory %s", path);
        if (!c)
            return 0;
        *p = c;
    }
}

static int open_locked(const char *path, int how, int *fd_r, struct err *e)
{
    _cleanup_close_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0)
        return -errno;
    while (how && flock(fd, how) < 0) {
        if (errno != EINTR)
            return err_sys(e, errno, "lock %s", path);
    }
    *fd_r = fd_steal(&fd);
    return 0;
}

int rt_dir_create(const char *root, const char *id, struct rt_dir *d, struct err *e)
{
    char path[PATH_MAX];
    int r = join(path, root, id, e);

    if (r < 0)
        return r;
    r = mkdir(path, 0700) < 0 ? -errno : 0;
    if (r == -ENOENT) {
        r = make_root(root, e);
        if (r < 0)
            return r;
        r = mkdir(path, 0700) < 0 ? -errno : 0;
    }
    if (r == -EEXIST)
        return err_set(e, EEXIST, "container with id %s exists already", id);
    if (r < 0)
        return err_sys(e, -r, "make state directory %s", path);
    r = open_locked(path, LOCK_EX, &d->fd, e);
    if (r < 0) {
        rmdir(path);
        return err_sys(e, -r, "open state directory %s", path);
    }
    return 0;
}

/* A waiter for the lock may get it on a directory that was removed meanwhile, or that
 * was made anew under the same id. */
static bool still_there(int fd, const char *path)
{
    struct stat a, b;

    return fstat(fd, &a) == 0 && stat(path, &b) == 0 && a.st_ino == b.st_ino &&
           a.st_dev == b.st_dev;
}

void rt_dir_unlock(const struct rt_dir *d)
{
    flock(d->fd, LOCK_UN);
}

int rt_dir_relock(const char *root, const char *id, const struct rt_dir *d, struct err *e)
{
    char path[PATH_MAX];
    int r = join(path, root, id, e);

    while (r == 0 && flock(d->fd, LOCK_EX) < 0) {
        if (errno != EINTR)
            r = err_sys(e, errno, "lock state directory");
    }
    if (r == 0 && !still_there(d->fd, path))
        r = err_set(e, ENOENT, "container %s does not exist", id);
    return r;
}

int rt_dir_open(const char *root, const char *id, bool lock, struct rt_dir *d, struct err *e)
{
    char path[PATH_MAX];
    int r = join(path, root, id, e);

    if (r < 0)
        return r;
    r = open_locked(path, lock ? LOCK_EX : 0, &d->fd, e);
    if (r == 0 && lock && !still_there(d->fd, path)) {
        rt_dir_close(d);
        r = -ENOENT;
    }
    if (r == -ENOENT || r == -ENOTDIR)
        return err_set(e, ENOENT, "container %s does not exist", id);
    return r < 0 ? err_sys(e, -r, "state directory %s", path) : 0;
}

int rt_dir_remove(const char *root, const char *id, const struct rt_dir *d, struct err *e)
{
    char path[PATH_MAX];
    int r = join(path, root, id, e);

    if (r < 0)
        return r;
    /* Nearly always there is only this; the tree walk is for the rest. */
    if (d->fd >= 0) {
        unlinkat(d->fd, CTL_SOCKET, 0);
        unlinkat(d->fd, "state.json", 0);
        if (rmdir(path) == 0)
            return 0;
    }
    r = remove_tree_at(AT_FDCWD, path);
    return r < 0 ? err_sys(e, -r, "remove state directory %s", path) : 0;
}

/* sun_path has 108 bytes, a state directory may need more: go by the descriptor. */
static void ctl_path(const struct rt_dir *d, char out[static 64])
{
    snprintf(out, 64, "/proc/self/fd/%d/" CTL_SOCKET, d->fd);
}

int rt_dir_listen(const struct rt_dir *d, int *fd_r, struct err *e)
{
    _cleanup_close_ int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    struct sockaddr_un sa = { .sun_family = AF_UNIX };

    if (fd < 0)
        return err_sys(e, errno, "control socket");
    ctl_path(d, sa.sun_path);
    /* On Linux the socket's own mode is what bind gives its file. */
    if (fchmod(fd, 0600) < 0 || bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0 ||
        listen(fd, 16) < 0)
        return err_sys(e, errno, "control socket");
    *fd_r = fd_steal(&fd);
    return 0;
}

int rt_dir_ctl(const struct rt_dir *d, uint32_t cmd, uint32_t arg0, uint32_t arg1,
               struct err *e)
{
    struct hv_request rq = { .cmd = cmd, .arg = { arg0, arg1, 0 } };
    struct hv_reply rp = { 0 };
    char path[64];
    int r;

    ctl_path(d, path);
    r = hv_ctl(path, &rq, &rp, e);
    if (r < 0)
        return r;
    if (rp.result < 0) {
        rp.text[sizeof(rp.text) - 1] = '\0';
        return rp.text[0] ? err_set(e, -rp.result, "%s", rp.text)
                          : err_sys(e, -rp.result, "control request");
    }
    return 0;
}
