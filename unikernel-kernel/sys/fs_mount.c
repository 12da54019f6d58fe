/* mount, umount2, pivot_root. */
#include <linux/capability.h>

#include "../fs/fs.h"
#include "fsname.h"
#include "proc.h"

#define PROPAGATION (MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE)

struct mount_args { char *source, *target, *type, *data; };

/* A string argument that may be NULL, which becomes "". */
static int get_string(uptr_t user, char **s_r)
{
    if (user)
        return name_get(user, s_r);
    *s_r = name_alloc();
    if (!*s_r)
        return -ENOMEM;
    (*s_r)[0] = 0;
    return 0;
}

static int set_propagation(const char *target, u64 flags)
{
    u64 type = flags & ~(u64)(MS_REC | MS_SILENT);
    if (type & (type - 1))
        return -EINVAL;         /* one of the four, and nothing else */
    return vfs_set_propagation(target, type, flags & MS_REC);
}

static int do_mount(const struct mount_args *m, u64 flags)
{
    if ((flags & MS_MGC_MSK) == MS_MGC_VAL)
        flags &= ~(u64)MS_MGC_MSK;
    if (flags & MS_REMOUNT)
        return vfs_remount(m->target, flags);
    if (flags & MS_BIND)
        return vfs_bind(m->source, m->target, flags & MS_REC);
    if (flags & PROPAGATION)
        return set_propagation(m->target, flags);
    if (flags & MS_MOVE)
        return vfs_move_mount(m->source, m->target);
    return *m->type ? vfs_mount(m->type, m->source, m->target, flags, m->data) : -EINVAL;
}

long sys_mount(const u64 *a)
{
    struct mount_args m = { 0 };
    long r;
    if ((r = get_string(a[0], &m.source)) || (r = get_string(a[1], &m.target)) ||
        (r = get_string(a[2], &m.type)) || (r = get_string(a[4], &m.data)))
        goto out;
    r = capable(CAP_SYS_ADMIN) ? do_mount(&m, a[3]) : -EPERM;
out:
    name_put(m.source);
    name_put(m.target);
    name_put(m.type);
    name_put(m.data);
    return r;
}

long sys_umount2(const u64 *a)
{
    struct uname u;
    long r;
    if (a[1] & ~15ull)
        return -EINVAL;
    if (!capable(CAP_SYS_ADMIN))
        return -EPERM;
    if ((a[1] & 4 /* MNT_EXPIRE */) && (a[1] & 3 /* MNT_FORCE, MNT_DETACH */))
        return -EINVAL;
    r = uname_get(&u, a[0]);
    if (r)
        return r;
    r = vfs_umount(u.s, (int)a[1]);
    uname_put(&u);
    return r;
}

/* setns(2): by a namespace's file or by a process. */
long sys_setns(const u64 *a)
{
    struct file *f = fd_get((int)a[0]);
    u64 flags = (u32)a[1];
    struct proc *p;
    struct ns *n;
    long r = -EINVAL;
    if (!f)
        return -EBADF;
    if ((n = ns_of_file(f)))
        r = !flags || flags == ns_clone_flag(n->kind) ? ns_enter(n) : -EINVAL;
    else if ((p = pidfd_proc(f)))
        r = READ_ONCE(p->zombie) ? -ESRCH : ns_enter_task(p->leader, flags);
    file_put(f);
    return r;
}

long sys_pivot_root(const u64 *a)
{
    struct uname n, o;
    long r;
    if (!capable(CAP_SYS_ADMIN))
        return -EPERM;
    r = uname_get(&n, a[0]);
    if (r)
        return r;
    r = uname_get(&o, a[1]);
    if (!r) {
        r = vfs_pivot_root(n.s, o.s);
        uname_put(&o);
    }
    uname_put(&n);
    return r;
}
