#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

int read_fd(int fd, size_t max, char **data_r, size_t *len_r, struct err *e)
{
    _cleanup_free_ char *buf = NULL;
    size_t len = 0, cap = 0;
    struct stat st;

    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0) {
        if ((size_t)st.st_size > max)
            return err_set(e, EFBIG, "file is larger than %zu bytes", max);
        cap = (size_t)st.st_size + 2;
    }
    for (;;) {
        if (!buf || len + 1 >= cap) {
            if (buf || !cap)
                cap = cap ? cap * 2 : 4096;
            char *bigger = realloc(buf, cap);
            if (!bigger)
                return err_sys(e, ENOMEM, "read");
            buf = bigger;
        }
        ssize_t n = read(fd, buf + len, cap - len - 1);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_sys(e, errno, "read");
        if (n == 0)
            break;
        len += (size_t)n;
        if (len > max)
            return err_set(e, EFBIG, "file is larger than %zu bytes", max);
    }
    buf[len] = 0;
    if (len_r)
        *len_r = len;
    *data_r = ptr_steal(&buf);
    return 0;
}

int read_file_at(int dirfd, const char *path, size_t max, char **data_r, size_t *len_r,
                 struct err *e)
{
    _cleanup_close_ int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return err_sys(e, errno, "open %s", path);
    int rc = read_fd(fd, max, data_r, len_r, e);
    return rc < 0 ? err_add(e, "%s", path) : 0;
}

int write_all(int fd, const void *data, size_t len)
{
    const char *p = data;

    while (len) {
        ssize_t n = write(fd, p, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        p += n;
        len -= (size_t)n;
    }
    return 0;
}

ssize_t read_full(int fd, void *data, size_t len)
{
    size_t got = 0;

    while (got < len) {
        ssize_t n = read(fd, (char *)data + got, len - got);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        got += (size_t)n;
    }
    return (ssize_t)got;
}

int write_file_at(int dirfd, const char *path, const void *data, size_t len, mode_t mode,
                  struct err *e)
{
    _cleanup_free_ char *tmp = NULL;

    if (asprintf(&tmp, "%s.%d.tmp", path, (int)getpid()) < 0) {
        tmp = NULL;
        return err_sys(e, ENOMEM, "write %s", path);
    }
    _cleanup_close_ int fd =
        openat(dirfd, tmp, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, mode);
    if (fd < 0)
        return err_sys(e, errno, "create %s", path);
    int rc = write_all(fd, data, len);
    if (rc == 0 && renameat(dirfd, tmp, dirfd, path) < 0)
        rc = -errno;
    if (rc < 0) {
        unlinkat(dirfd, tmp, 0);
        return err_sys(e, -rc, "write %s", path);
    }
    return 0;
}
