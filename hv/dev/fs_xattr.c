/* Extended attributes. By path: on an O_PATH descriptor the f*xattr calls fail. */
#include <sys/xattr.h>

#include "hv/dev/fs_int.h"

static int xattr_path(struct fs *fs, struct req *rq, bool write, struct fd_name *path_r)
{
    struct node *n;
    int fd = req_node(fs, rq->h.nodeid, write, &n);

    if (fd == 0)
        fd = node_fd(fs, n);
    if (fd < 0)
        return fd;
    *path_r = fd_name(fd);
    return 0;
}

static const char *xattr_name(const struct req *rq, size_t at)
{
    const char *s = req_str(rq, at);

    return s && *s && strlen(s) <= FS_NAME_MAX ? s : NULL;
}

/* EEXIST: was it the first attempt that set it to this value? */
static bool set_before(struct fs *fs, struct fd_name path, const char *name, const void *value,
                       size_t len)
{
    bool same = fs->again && getxattr(path.s, name, fs->out, sizeof(fs->out)) == (ssize_t)len &&
                !memcmp(fs->out, value, len);

    errno = EEXIST;
    return same;
}

ssize_t op_setxattr(struct fs *fs, struct req *rq)
{
    size_t head = fs->keep->setxattr_ext ? sizeof(struct fuse_setxattr_in)
                                   : FUSE_COMPAT_SETXATTR_IN_SIZE;
    struct fuse_setxattr_in in = { 0 };
    const char *name = xattr_name(rq, head);
    struct fd_name path;
    size_t value;
    int rc;

    if (!name || req_arg(rq, &in, head) < 0)
        return -EINVAL;
    value = head + strlen(name) + 1;
    if (in.size > rq->arg_len - value)
        return -EINVAL;
    rc = xattr_path(fs, rq, true, &path);
    if (rc < 0)
        return rc;
    again_note(fs, 0);
    if (setxattr(path.s, name, rq->arg + value, in.size, (int)in.flags) < 0 &&
        !(errno == EEXIST && set_before(fs, path, name, rq->arg + value, in.size)))
        return -errno;
    /* The guest judged that its user loses the bit with this access list. */
    if (in.setxattr_flags & FUSE_SETXATTR_ACL_KILL_SGID) {
        struct node *n = node_get(fs, rq->h.nodeid);

        return kill_suidgid(node_fd(fs, n));
    }
    return 0;
}

/* Size 0 asks for the length alone. */
static ssize_t sized(struct fs *fs, ssize_t n, uint32_t asked)
{
    struct fuse_getxattr_out o = { 0 };

    if (n < 0)
        return -errno;
    if (asked)
        return n;
    o.size = (uint32_t)n;
    return reply(fs, &o, sizeof(o));
}

static size_t room(const struct fs *fs, uint32_t asked)
{
    return asked < sizeof(fs->out) ? asked : sizeof(fs->out);
}

ssize_t op_getxattr(struct fs *fs, struct req *rq)
{
    const char *name = xattr_name(rq, sizeof(struct fuse_getxattr_in));
    struct fuse_getxattr_in in;
    struct fd_name path;
    int rc;

    if (!name || req_arg(rq, &in, sizeof(in)) < 0)
        return -EINVAL;
    rc = xattr_path(fs, rq, false, &path);
    if (rc < 0)
        return rc;
    return sized(fs, getxattr(path.s, name, fs->out, room(fs, in.size)), in.size);
}

ssize_t op_listxattr(struct fs *fs, struct req *rq)
{
    struct fuse_getxattr_in in;
    struct fd_name path;
    int rc;

    if (req_arg(rq, &in, sizeof(in)) < 0)
        return -EINVAL;
    rc = xattr_path(fs, rq, false, &path);
    if (rc < 0)
        return rc;
    return sized(fs, listxattr(path.s, (char *)fs->out, room(fs, in.size)), in.size);
}

ssize_t op_removexattr(struct fs *fs, struct req *rq)
{
    const char *name = xattr_name(rq, 0);
    struct fd_name path;
    int rc;

    if (!name)
        return -EINVAL;
    rc = xattr_path(fs, rq, true, &path);
    if (rc < 0)
        return rc;
    again_note(fs, 0);
    if (removexattr(path.s, name) == 0 || (errno == ENODATA && fs->again))
        return 0;
    return -errno;
}
