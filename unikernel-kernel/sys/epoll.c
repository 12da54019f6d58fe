/* epoll_* and eventfd: arguments. */
#include <asm/fcntl.h>
#include <linux/eventpoll.h>
#include "kpoll.h"
#include "sys.h"
#include "task.h"
#include "timeout.h"

long sys_epoll_create1(const u64 *a)
{
    u32 flags = (u32)a[0];

    if (flags & ~(u32)EPOLL_CLOEXEC)
        return -EINVAL;
    struct file *f = epoll_new();
    if (!f)
        return -ENOMEM;
    int fd = fd_install(f, 0, flags & EPOLL_CLOEXEC);
    if (fd < 0)
        file_put(f);
    return fd;
}

long sys_epoll_create(const u64 *a)
{
    const u64 none = 0;

    return (int)a[0] <= 0 ? -EINVAL : sys_epoll_create1(&none);
}

long sys_epoll_ctl(const u64 *a)
{
    int op = (int)a[1], fd = (int)a[2];
    struct epoll_event ev = { 0 };
    long r = -EBADF;

    if (op != EPOLL_CTL_DEL && get_user(ev, a[3]))
        return -EFAULT;
    struct file *ep = fd_get((int)a[0]), *f = fd_get(fd);
    if (ep && f)
        r = epoll_ctl(ep, op, fd, f, ev.events, ev.data);
    if (f)
        file_put(f);
    if (ep)
        file_put(ep);
    return r;
}

static long do_wait(int fd, uptr_t events, s64 max, u64 deadline)
{
    if (max <= 0 || max > (s64)(0x7fffffff / sizeof(struct epoll_event)))
        return -EINVAL;
    struct file *ep = fd_get(fd);
    if (!ep)
        return -EBADF;
    long r = file_is_epoll(ep) ? epoll_wait(ep, events, (u32)max, deadline) : -EINVAL;
    file_put(ep);
    return r;
}

static long masked_wait(const u64 *a, u64 deadline)
{
    ksigset_t mask;

    if (!a[4])
        return do_wait((int)a[0], a[1], (int)a[2], deadline);
    if (a[5] != sizeof mask)
        return -EINVAL;
    if (get_user(mask, a[4]))
        return -EFAULT;
    signal_set_temp_mask(mask);
    long r = do_wait((int)a[0], a[1], (int)a[2], deadline);
    if (r != -EINTR)
        signal_restore_temp_mask();
    return r;
}

long sys_epoll_wait(const u64 *a)
{
    return do_wait((int)a[0], a[1], (int)a[2], deadline_from_ms((int)a[3]));
}

long sys_epoll_pwait(const u64 *a)
{
    return masked_wait(a, deadline_from_ms((int)a[3]));
}

long sys_epoll_pwait2(const u64 *a)
{
    u64 deadline;
    int r = deadline_from_timespec(a[3], &deadline);

    return r ? r : masked_wait(a, deadline);
}

static long do_eventfd(u32 initial, u32 flags)
{
    if (flags & ~(u32)(O_CLOEXEC | O_NONBLOCK | EFD_SEMAPHORE))
        return -EINVAL;
    struct file *f = eventfd_new(initial, flags);
    if (!f)
        return -ENOMEM;
    int fd = fd_install(f, 0, flags & O_CLOEXEC);
    if (fd < 0)
        file_put(f);
    return fd;
}

long sys_eventfd(const u64 *a) { return do_eventfd((u32)a[0], 0); }
long sys_eventfd2(const u64 *a) { return do_eventfd((u32)a[0], (u32)a[1]); }
