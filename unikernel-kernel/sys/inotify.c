/* inotify_*: arguments. */
#include <asm/fcntl.h>

#include "fsname.h"
#include "notify.h"
#include "task.h"

long sys_inotify_init1(const u64 *a)
{
    struct file *f;
    int fd, r;
    if (a[0] & ~(u64)(IN_NONBLOCK | IN_CLOEXEC))
        return -EINVAL;
    r = inotify_new((u32)a[0], &f);
    if (r)
        return r;
    fd = fd_install(f, 0, a[0] & IN_CLOEXEC);
    if (fd < 0)
        file_put(f);
    return fd;
}

long sys_inotify_init(const u64 *a)
{
    const u64 none = 0;
    return sys_inotify_init1(&none);
}

long sys_inotify_add_watch(const u64 *a)
{
    u32 mask = (u32)a[2], lookup = (mask & IN_DONT_FOLLOW) ? 0 : LOOKUP_FOLLOW;
    struct file *f = fd_get((int)a[0]);
    struct path p;
    long r;
    if (!f)
        return -EBADF;
    if (mask & IN_ONLYDIR)
        lookup |= LOOKUP_DIRECTORY;
    r = user_path(AT_FDCWD, a[1], lookup, &p);
    if (!r) {
        r = inotify_add(f, &p, mask);
        path_put(&p);
    }
    file_put(f);
    return r;
}

long sys_inotify_rm_watch(const u64 *a)
{
    struct file *f = fd_get((int)a[0]);
    long r;
    if (!f)
        return -EBADF;
    r = inotify_remove(f, (s32)a[1]);
    file_put(f);
    return r;
}
