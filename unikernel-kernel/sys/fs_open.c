/* open and its family, close. */
#include <linux/close_range.h>
#include <linux/memfd.h>
#include <linux/openat2.h>
#include <linux/resource.h>

#include "../fs/fs.h"
#include "fsname.h"

u32 fs_umasked(u64 mode)
{
    return (u32)mode & ~current()->fs->umask & (S_IFMT | 07777);
}

static long open_install(struct open_req *rq, uptr_t name)
{
    struct uname u;
    struct file *f;
    int r = uname_get(&u, name);
    if (r)
        return r;
    rq->name = u.s;
    r = vfs_open_req(rq, &f);
    uname_put(&u);
    if (r)
        return r;
    r = fd_install(f, 0, rq->flags & O_CLOEXEC);
    if (r < 0)
        file_put(f);
    return r;
}

#define OPEN_FLAGS (O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND | O_NONBLOCK | \
                    O_SYNC | O_DSYNC | FASYNC | O_DIRECT | O_LARGEFILE | O_DIRECTORY | \
                    O_NOFOLLOW | O_NOATIME | O_CLOEXEC | O_PATH | O_TMPFILE)

static long do_open(int dfd, uptr_t name, u32 flags, u64 mode)
{
    struct open_req rq = { .dfd = dfd, .flags = (flags & OPEN_FLAGS) | O_LARGEFILE };
    if (flags & (O_CREAT | __O_TMPFILE))
        rq.mode = fs_umasked(mode & 07777);
    return open_install(&rq, name);
}

long sys_open(const u64 *a) { return do_open(AT_FDCWD, a[0], (u32)a[1], a[2]); }
long sys_openat(const u64 *a) { return do_open((int)a[0], a[1], (u32)a[2], a[3]); }

long sys_creat(const u64 *a)
{
    return do_open(AT_FDCWD, a[0], O_CREAT | O_WRONLY | O_TRUNC, a[1]);
}

static int how_lookup(u64 resolve, u32 *lookup_r)
{
    static const struct { u32 resolve, lookup; } map[] = {
        { RESOLVE_NO_XDEV, LOOKUP_NO_XDEV }, { RESOLVE_NO_MAGICLINKS, LOOKUP_NO_MAGICLINKS },
        { RESOLVE_NO_SYMLINKS, LOOKUP_NO_SYMLINKS | LOOKUP_NO_MAGICLINKS },
        { RESOLVE_BENEATH, LOOKUP_BENEATH }, { RESOLVE_IN_ROOT, LOOKUP_IN_ROOT },
    };
    u64 known = RESOLVE_CACHED;
    *lookup_r = 0;
    for (size_t k = 0; k < ARRAY_SIZE(map); k++) {
        known |= map[k].resolve;
        if (resolve & map[k].resolve)
            *lookup_r |= map[k].lookup;
    }
    if ((resolve & ~known) || ((resolve & RESOLVE_BENEATH) && (resolve & RESOLVE_IN_ROOT)))
        return -EINVAL;
    return (resolve & RESOLVE_CACHED) ? -EAGAIN : 0;    /* no promise of not waiting */
}

/* Structures that grow: bytes the caller has and we don't know must be zero. */
static int copy_growing(void *dst, size_t known, uptr_t src, size_t n)
{
    u8 b;
    memset(dst, 0, known);
    if (copy_from_user(dst, src, min(known, n)))
        return -EFAULT;
    for (size_t k = known; k < n; k++) {
        if (get_user(b, src + k))
            return -EFAULT;
        if (b)
            return -E2BIG;
    }
    return 0;
}

long sys_openat2(const u64 *a)
{
    struct open_req rq = { .dfd = (int)a[0] };
    struct open_how how;
    int r;
    if (a[3] < sizeof how)
        return -EINVAL;
    if (a[3] > PAGE_SIZE)
        return -E2BIG;
    if ((r = copy_growing(&how, sizeof how, a[2], a[3])) < 0)
        return r;
    if (how.flags & ~(u64)OPEN_FLAGS)
        return -EINVAL;
    if (how.flags & (O_CREAT | __O_TMPFILE) ? how.mode & ~07777ull : how.mode != 0)
        return -EINVAL;
    if ((how.flags & O_PATH) && (how.flags & ~(u64)(O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)))
        return -EINVAL;
    if ((r = how_lookup(how.resolve, &rq.lookup)) < 0)
        return r;
    rq.flags = (u32)how.flags | O_LARGEFILE;
    rq.mode = fs_umasked(how.mode);
    return open_install(&rq, a[1]);
}

long sys_close(const u64 *a)
{
    int r = fd_close((int)a[0]);
    return r == -ERESTARTSYS ? -EINTR : r;      /* closed all the same */
}

long sys_close_range(const u64 *a)
{
    u32 first = (u32)a[0], last = (u32)a[1], flags = (u32)a[2];
    struct task *t = current();
    if (flags & ~(u32)(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC))
        return -EINVAL;
    if (first > last)
        return -EINVAL;
    if ((flags & CLOSE_RANGE_UNSHARE) && READ_ONCE(t->files->ref.n) > 1) {
        struct fdtable *own = fdtable_copy(t->files), *old = t->files;
        if (!own)
            return -ENOMEM;
        t->files = own;
        fdtable_put(old);
    }
    last = min(last, t->files->size - 1);
    for (u32 fd = first; fd <= last; fd++) {
        if (flags & CLOSE_RANGE_CLOEXEC)
            fd_flags((int)fd, FD_CLOEXEC);
        else
            fd_close((int)fd);
    }
    return 0;
}

long sys_memfd_create(const u64 *a)
{
    char label[300] = "/memfd:", name[250];
    u32 flags = (u32)a[1];
    struct file *f;
    ssize_t n;
    int fd;
    if (flags & ~(u32)(MFD_CLOEXEC | MFD_ALLOW_SEALING | 8u /* MFD_NOEXEC_SEAL */ |
                       16u /* MFD_EXEC */))
        return -EINVAL;         /* MFD_HUGETLB among them */
    n = strncpy_from_user(name, a[0], sizeof name);
    if (n < 0)
        return n == -ENAMETOOLONG ? -EINVAL : n;
    snprintf(label, sizeof label, "/memfd:%s (deleted)", name);
    f = tmpfs_anon_file(label, 0, flags & (MFD_ALLOW_SEALING | 8u));
    if (!f)
        return -ENOMEM;
    if (flags & 8u)
        f->inode->mode &= ~0111u;
    fd = fd_install(f, 0, flags & MFD_CLOEXEC);
    if (fd < 0)
        file_put(f);
    return fd;
}

/* No file system here promises to find a file again by a handle, which Linux allows. */
long sys_name_to_handle_at(const u64 *a)
{
    u32 lookup = (a[4] & AT_SYMLINK_FOLLOW) ? LOOKUP_FOLLOW : 0;
    struct path p;
    int r;
    if (a[4] & ~(u64)(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    if (a[4] & AT_EMPTY_PATH)
        lookup |= LOOKUP_EMPTY;
    r = user_path((int)a[0], a[1], lookup, &p);
    if (r)
        return r;
    path_put(&p);
    return -EOPNOTSUPP;
}
