/* The twelve calls of extended attributes. */
#include <linux/limits.h>
#include <linux/xattr.h>

#include "../fs/fs.h"
#include "fsname.h"

/* What an attribute call is about: a path by name, or a descriptor's. */
struct target { struct path p; struct file *f; };

static int by_name(struct target *t, uptr_t name, bool follow)
{
    t->f = NULL;
    return user_path(AT_FDCWD, name, follow ? LOOKUP_FOLLOW : 0, &t->p);
}

static int by_fd(struct target *t, int fd)
{
    int r;
    t->f = fd_get(fd);
    if (!t->f)
        return -EBADF;
    r = file_path(t->f, &t->p);
    if (r)
        file_put(t->f);
    return r == -ENXIO ? -EOPNOTSUPP : r;
}

static void done(struct target *t)
{
    path_put(&t->p);
    if (t->f)
        file_put(t->f);
}

static int get_name(char *name, uptr_t user)
{
    ssize_t n = strncpy_from_user(name, user, XATTR_NAME_MAX + 1);
    return n == -ENAMETOOLONG || n == 0 ? -ERANGE : n < 0 ? (int)n : 0;
}

static long do_set(struct target *t, const u64 *a)
{
    char name[XATTR_NAME_MAX + 1];
    size_t n = a[3];
    void *v = NULL;
    long r = get_name(name, a[1]);
    if (!r && ((u32)a[4] & ~3u))
        r = -EINVAL;
    if (!r && n > XATTR_SIZE_MAX)
        r = -E2BIG;
    if (!r && !(v = kmalloc(n ? n : 1)))
        r = -ENOMEM;
    if (!r && copy_from_user(v, a[2], n))
        r = -EFAULT;
    if (!r)
        r = vfs_setxattr(&t->p, name, v, n, (int)a[4]);
    kfree(v);
    return r;
}

/* The answer to get and list: up to n bytes through a buffer. */
static long answer(struct target *t, const char *name, uptr_t user, size_t n)
{
    size_t cap = min(n, (size_t)XATTR_SIZE_MAX);
    void *v = n ? kmalloc(cap) : NULL;
    long r;
    if (n && !v)
        return -ENOMEM;
    r = name ? vfs_getxattr(&t->p, name, v, cap) : vfs_listxattr(&t->p, v, cap);
    if (r > 0 && n && copy_to_user(user, v, (size_t)r))
        r = -EFAULT;
    kfree(v);
    return r;
}

static long do_get(struct target *t, const u64 *a)
{
    char name[XATTR_NAME_MAX + 1];
    long r = get_name(name, a[1]);
    return r ? r : answer(t, name, a[2], a[3]);
}

static long do_list(struct target *t, const u64 *a) { return answer(t, NULL, a[1], a[2]); }

static long do_remove(struct target *t, const u64 *a)
{
    char name[XATTR_NAME_MAX + 1];
    long r = get_name(name, a[1]);
    return r ? r : vfs_removexattr(&t->p, name);
}

typedef long (*xattr_fn)(struct target *t, const u64 *a);

static long on_name(xattr_fn fn, const u64 *a, bool follow)
{
    struct target t;
    long r = by_name(&t, a[0], follow);
    if (r)
        return r;
    r = fn(&t, a);
    done(&t);
    return r;
}

static long on_fd(xattr_fn fn, const u64 *a)
{
    struct target t;
    long r = by_fd(&t, (int)a[0]);
    if (r)
        return r;
    r = fn(&t, a);
    done(&t);
    return r;
}

long sys_setxattr(const u64 *a) { return on_name(do_set, a, true); }
long sys_lsetxattr(const u64 *a) { return on_name(do_set, a, false); }
long sys_fsetxattr(const u64 *a) { return on_fd(do_set, a); }
long sys_getxattr(const u64 *a) { return on_name(do_get, a, true); }
long sys_lgetxattr(const u64 *a) { return on_name(do_get, a, false); }
long sys_fgetxattr(const u64 *a) { return on_fd(do_get, a); }
long sys_listxattr(const u64 *a) { return on_name(do_list, a, true); }
long sys_llistxattr(const u64 *a) { return on_name(do_list, a, false); }
long sys_flistxattr(const u64 *a) { return on_fd(do_list, a); }
long sys_removexattr(const u64 *a) { return on_name(do_remove, a, true); }
long sys_lremovexattr(const u64 *a) { return on_name(do_remove, a, false); }
long sys_fremovexattr(const u64 *a) { return on_fd(do_remove, a); }
