/* pipe, pipe2: arguments. */
#include <asm/fcntl.h>
#include "sys.h"
#include "vfs.h"

static long do_pipe(uptr_t user, u32 flags)
{
    struct file *f[2];
    int fd[2];

    if (flags & ~(u32)(O_CLOEXEC | O_NONBLOCK | O_DIRECT))
        return -EINVAL;
    int r = pipe_open(flags, f);
    if (r)
        return r;
    fd[0] = fd_install(f[0], 0, flags & O_CLOEXEC);
    if (fd[0] < 0) {
        file_put(f[0]);
        file_put(f[1]);
        return fd[0];
    }
    fd[1] = fd_install(f[1], 0, flags & O_CLOEXEC);
    if (fd[1] < 0) {
        file_put(f[1]);
        fd_close(fd[0]);
        return fd[1];
    }
    if (copy_to_user(user, fd, sizeof fd)) {
        fd_close(fd[0]);
        fd_close(fd[1]);
        return -EFAULT;
    }
    return 0;
}

long sys_pipe(const u64 *a) { return do_pipe(a[0], 0); }
long sys_pipe2(const u64 *a) { return do_pipe(a[0], (u32)a[1]); }
