/* System call: signalfd(2). */
#include <linux/fcntl.h>
#include "signal.h"
#include "sys.h"
#include "user.h"
#include "vfs.h"

static long change(int fd, ksigset_t mask)
{
    struct file *f = fd_get(fd);
    int r;

    if (!f) return -EBADF;
    r = signalfd_set(f, mask);
    file_put(f);
    return r < 0 ? r : fd;
}

static long do_signalfd(int fd, uptr_t addr, u64 size, u32 flags)
{
    ksigset_t mask;
    struct file *f;
    long r;

    if (size != sizeof mask || flags & ~(u32)(O_CLOEXEC | O_NONBLOCK)) return -EINVAL;
    if (copy_from_user(&mask, addr, sizeof mask) < 0) return -EFAULT;
    if (fd != -1) return change(fd, mask);
    f = signalfd_new(mask, flags);
    if (!f) return -ENOMEM;
    r = fd_install(f, 0, flags & O_CLOEXEC);
    if (r < 0) file_put(f);
    return r;
}

long sys_signalfd(const u64 *a) { return do_signalfd((int)a[0], a[1], a[2], 0); }
long sys_signalfd4(const u64 *a) { return do_signalfd((int)a[0], a[1], a[2], (u32)a[3]); }
