/* Descriptors: dup, fcntl, ioctl, locks. */
#include <asm/ioctls.h>
#include <linux/fcntl.h>
#include <linux/resource.h>

#include "../fs/fs.h"
#include "fsname.h"

static long dup_from(int fd, int min_fd, bool cloexec)
{
    struct file *f = fd_get_raw(fd);
    int r;
    if (!f)
        return -EBADF;
    r = fd_install(f, min_fd, cloexec);
    if (r < 0)
        file_put(f);
    return r;
}

long sys_dup(const u64 *a) { return dup_from((int)a[0], 0, false); }

static long dup_to(int fd, int to, bool cloexec)
{
    struct file *f = fd_get_raw(fd);
    int r;
    if (!f)
        return -EBADF;
    r = fd_replace(to, f, cloexec);
    if (r < 0)
        file_put(f);
    return r;
}

long sys_dup2(const u64 *a)
{
    if ((int)a[0] == (int)a[1])
        return fd_flags((int)a[0], -1) < 0 ? -EBADF : (int)a[1];
    return dup_to((int)a[0], (int)a[1], false);
}

long sys_dup3(const u64 *a)
{
    if (((u32)a[2] & ~(u32)O_CLOEXEC) || (int)a[0] == (int)a[1])
        return -EINVAL;
    return dup_to((int)a[0], (int)a[1], a[2] & O_CLOEXEC);
}

#define SETFL (O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME | FASYNC)

static long set_flags(struct file *f, u32 flags)
{
    if ((flags & ~f->flags & O_NOATIME) && f->inode && !inode_owner_or_capable(f->inode))
        return -EPERM;
    WRITE_ONCE(f->flags, (f->flags & ~(u32)SETFL) | (flags & SETFL));
    return 0;
}

static long lock_cmd(struct file *f, u32 cmd, uptr_t user)
{
    struct flock fl;
    int r;
    if (copy_from_user(&fl, user, sizeof fl))
        return -EFAULT;
    r = file_posix_lock(f, cmd, &fl);
    if (!r && (cmd == F_GETLK || cmd == F_OFD_GETLK))
        r = copy_to_user(user, &fl, sizeof fl);
    return r;
}

/* Groups are negative. */
static int owner_id(int nr) { return nr < 0 ? -pid_id(-nr) : pid_id(nr); }

static int owner_nr(const struct file *f)
{
    int id = f->owner_pid;
    return id < 0 ? -pid_nr(-id) : pid_nr(id);
}

static long owner_cmd(struct file *f, u32 cmd, u64 arg)
{
    struct f_owner_ex o;
    switch (cmd) {
    case F_SETOWN:
        f->owner_pid = owner_id((int)arg);
        return 0;
    case F_GETOWN:
        return owner_nr(f);
    case F_SETOWN_EX:
        if (copy_from_user(&o, arg, sizeof o))
            return -EFAULT;
        if (o.type != F_OWNER_TID && o.type != F_OWNER_PID && o.type != F_OWNER_PGRP)
            return -EINVAL;
        f->owner_pid = owner_id(o.type == F_OWNER_PGRP ? -o.pid : o.pid);
        return 0;
    case F_GETOWN_EX:
        o.type = f->owner_pid < 0 ? F_OWNER_PGRP : F_OWNER_PID;
        o.pid = owner_nr(f);
        if (o.pid < 0)
            o.pid = -o.pid;
        return copy_to_user(arg, &o, sizeof o);
    case F_SETSIG:
        if (arg > 64)
            return -EINVAL;
        f->owner_sig = (int)arg;
        return 0;
    default:
        return f->owner_sig;
    }
}

static long fcntl_file(struct file *f, u32 cmd, u64 arg)
{
    switch (cmd) {
    case F_GETFL:
        return f->flags;
    case F_SETFL:
        return set_flags(f, (u32)arg);
    case F_GETLK: case F_SETLK: case F_SETLKW:
    case F_OFD_GETLK: case F_OFD_SETLK: case F_OFD_SETLKW:
        return lock_cmd(f, cmd, arg);
    case F_SETOWN: case F_GETOWN: case F_SETOWN_EX: case F_GETOWN_EX: case F_SETSIG: case F_GETSIG:
        return owner_cmd(f, cmd, arg);
    case F_SETPIPE_SZ: case F_GETPIPE_SZ:
        return pipe_fcntl(f, cmd, arg);
    case F_ADD_SEALS:
        return file_add_seals(f, (u32)arg);
    case F_GET_SEALS:
        return file_get_seals(f);
    case F_GETLEASE:
        return F_UNLCK;
    default:
        return -EINVAL;
    }
}

long sys_fcntl(const u64 *a)
{
    int fd = (int)a[0];
    u32 cmd = (u32)a[1];
    struct file *f;
    long r;
    switch (cmd) {
    case F_DUPFD: case F_DUPFD_CLOEXEC:
        if (a[2] > INT32_MAX || a[2] >= current()->proc->rlim[RLIMIT_NOFILE].cur)
            return fd_flags(fd, -1) < 0 ? -EBADF : -EINVAL;
        return dup_from(fd, (int)a[2], cmd == F_DUPFD_CLOEXEC);
    case F_GETFD:
        return fd_flags(fd, -1);
    case F_SETFD:
        r = fd_flags(fd, (int)a[2] & FD_CLOEXEC);
        return min(r, 0l);
    }
    f = fd_get_raw(fd);
    if (!f)
        return -EBADF;
    r = (f->mode & FMODE_PATH) && cmd != F_GETFL ? -EBADF : fcntl_file(f, cmd, a[2]);
    file_put(f);
    return r;
}

/* Requests that mean the same for every file: -ENOTTY: not one of them. */
static long common_ioctl(int fd, struct file *f, u32 cmd, u64 arg)
{
    u32 flag = cmd == FIONBIO ? O_NONBLOCK : FASYNC;
    int on;
    switch (cmd) {
    case FIOCLEX:
        fd_flags(fd, FD_CLOEXEC);
        return 0;
    case FIONCLEX:
        fd_flags(fd, 0);
        return 0;
    case FIONBIO: case FIOASYNC:
        if (get_user(on, arg))
            return -EFAULT;
        WRITE_ONCE(f->flags, on ? f->flags | flag : f->flags & ~flag);
        return 0;
    case FIONREAD:
        if (!f->inode || !S_ISREG(f->inode->mode))
            return -ENOTTY;
        on = (int)((loff_t)f->inode->size - f->pos);
        return put_user(on, arg);
    default:
        return -ENOTTY;
    }
}

long sys_ioctl(const u64 *a)
{
    struct file *f = fd_get((int)a[0]);
    long r;
    if (!f)
        return -EBADF;
    r = common_ioctl((int)a[0], f, (u32)a[1], a[2]);
    if (r == -ENOTTY && f->ops->ioctl)
        r = f->ops->ioctl(f, (u32)a[1], a[2]);
    file_put(f);
    return r;
}

long sys_flock(const u64 *a)
{
    struct file *f = fd_get((int)a[0]);
    long r;
    if (!f)
        return -EBADF;
    r = file_flock(f, (int)a[1]);
    file_put(f);
    return r;
}
