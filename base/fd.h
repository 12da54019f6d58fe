/* Descriptors, whole files, and opening foreign paths without leaving a root; also the
 * cleanup attributes that close and free at the end of a scope. */
#ifndef XENC_BASE_FD_H
#define XENC_BASE_FD_H

#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

#include "base/err.h"

static inline void cleanup_close_fn(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

static inline void cleanup_free_fn(void *p)
{
    free(*(void **)p);
}

#define _cleanup_close_ __attribute__((cleanup(cleanup_close_fn)))  /* int, -1: none */
#define _cleanup_free_  __attribute__((cleanup(cleanup_free_fn)))   /* any pointer */

/* Hands the value over: the variable no longer owns it. */
static inline int fd_steal(int *fd)
{
    int v = *fd;
    *fd = -1;
    return v;
}
#define ptr_steal(p) __extension__ ({ __typeof__(*(p)) v_ = *(p); *(p) = NULL; v_; })

/* Reads everything up to `max` bytes (more is -EFBIG) into a fresh buffer with a NUL
 * behind it; the caller frees *data_r. len_r may be NULL. */
int read_fd(int fd, size_t max, char **data_r, size_t *len_r, struct err *e);
int read_file_at(int dirfd, const char *path, size_t max, char **data_r, size_t *len_r,
                 struct err *e);

/* Writes all of it, over short writes and EINTR: 0 or a negative errno. */
int write_all(int fd, const void *data, size_t len);

/* Reads exactly len bytes, or less at the end: the count or a negative errno. */
ssize_t read_full(int fd, void *data, size_t len);

/* Makes or replaces a file in one step (temporary name, rename). */
int write_file_at(int dirfd, const char *path, const void *data, size_t len, mode_t mode,
                  struct err *e);

/* Opens `path` as if `dirfd` were the root directory: "..", absolute names and symbolic
 * links stay inside, magic links are refused. O_CLOEXEC is added. Returns the
 * descriptor or a negative errno. */
int open_in_root(int dirfd, const char *path, int flags, mode_t mode);

/* The same, but a path that tries to leave is refused with -EXDEV: for names that have
 * no business to contain "..", absolute targets and the like. */
int open_beneath(int dirfd, const char *path, int flags, mode_t mode);

/* Opens a single name in dirfd; a symbolic link is refused (-ELOOP) unless O_PATH. */
int open_child(int dirfd, const char *name, int flags, mode_t mode);

/* mkdir -p inside a root, as open_in_root resolves it: an O_PATH descriptor of the last
 * directory, or a negative errno. Missing ones are made with `mode`. */
int mkdirs_in_root(int dirfd, const char *path, mode_t mode);

/* Removes a tree below dirfd/name without following links or leaving it. A name that
 * does not exist is fine. */
int remove_tree_at(int dirfd, const char *name);

/* 1: the folder has no entries, 0: it has, or a negative errno. */
int folder_is_empty(int fd);

/* Makes this process's descriptor table hold n without growing; `fd` is any open one. A table
 * that is shared (threads, CLONE_FILES) waits 10 to 20 ms in the host's kernel each time that
 * it grows, so this comes before it is shared. No promise: it may be beyond a limit. */
static inline void fd_make_room(int fd, int n)
{
    int last = fcntl(fd, F_DUPFD_CLOEXEC, n - 1);

    if (last >= 0)
        close(last);
}

#endif
