/* Open files. Data goes between guest memory and the host's page cache directly. */
#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <unistd.h>

#include "hv/dev/fs_int.h"

int open_flags(uint32_t flags)
{
    /* Not O_DIRECT: the guest's buffers needn't be aligned. */
    const int honoured = O_ACCMODE | O_APPEND | O_TRUNC | O_SYNC | O_DSYNC | O_NOATIME;

    if ((flags & O_ACCMODE) == O_ACCMODE)
        return -EINVAL;
    return (int)flags & honoured;
}

/* A regular file of the guest, opened; others are never opened here: a device or a pipe
 * of the host could act on it or wait for ever. */
static int open_regular(struct fs *fs, uint64_t id, int flags, bool *ro_r)
{
    bool write = (flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC);
    struct node *n;
    int rc = req_node(fs, id, write, &n);

    if (rc < 0)
        return rc;
    if (n->type != S_IFREG >> 12)
        return n->type == S_IFDIR >> 12 ? -EISDIR : -EINVAL;
    *ro_r = fs->trees[n->tree].ro;
    rc = node_open(fs, n, flags);
    /* Only an owner may ask not to touch the time of access; the rest still counts. */
    if (rc == -EPERM && (flags & O_NOATIME))
        rc = node_open(fs, n, flags & ~O_NOATIME);
    return rc;
}

ssize_t op_open(struct fs *fs, struct req *rq)
{
    struct fuse_open_out o = { .open_flags = fs->keep->auto_inval ? FOPEN_KEEP_CACHE : 0 };
    union file_state how = { 0 };
    struct fuse_open_in in;
    int flags, fd, rc;

    if (req_arg(rq, &in, sizeof(in)) < 0)
        return -EINVAL;
    flags = open_flags(in.flags);
    fd = flags < 0 ? flags : open_regular(fs, rq->h.nodeid, flags, &how.s.ro);
    if (fd < 0)
        return fd;
    if ((flags & O_TRUNC) && (in.open_flags & FUSE_OPEN_KILL_SUIDGID))
        kill_suidgid(fd);
    how.s.append = flags & O_APPEND;
    rc = file_add(fs, fd, how, &o.fh);
    return rc < 0 ? rc : reply(fs, &o, sizeof(o));
}

ssize_t op_read(struct fs *fs, struct req *rq)
{
    struct fuse_read_in in;
    struct file *f;
    ssize_t n;

    if (req_arg(rq, &in, sizeof(in)) < 0)
        return -EINVAL;
    f = file_get(fs, in.fh, false);
    if (!f)
        return -EBADF;
    rq->nreply = iov_slice(rq->reply, rq->nreply, 0, in.size);
    n = preadv(file_fd(f), rq->reply, (int)rq->nreply, (off_t)in.offset);
    return n < 0 ? -errno : n;
}

/* Before what changes a file by its size: had a first attempt made it `change` longer? */
static bool resized(struct fs *fs, int fd, int64_t change)
{
    struct stat st;
    uint64_t was;

    if (fstat(fd, &st) < 0)
        return false;
    if (again_noted(fs, &was))
        return st.st_size == (off_t)was + change;
    again_note(fs, (uint64_t)st.st_size);
    return false;
}

ssize_t op_write(struct fs *fs, struct req *rq)
{
    struct fuse_write_out o = { 0 };
    struct fuse_write_in in;
    struct file *f;
    ssize_t n;
    size_t have = 0;

    if (req_arg(rq, &in, sizeof(in)) < 0)
        return -EINVAL;
    f = file_get(fs, in.fh, false);
    if (!f)
        return -EBADF;
    for (unsigned i = 0; i < rq->ndata; i++)
        have += rq->data[i].iov_len;
    if (in.size > have)
        return -EINVAL;
    rq->ndata = iov_slice(rq->data, rq->ndata, 0, in.size);
    if (f->is.s.append && resized(fs, file_fd(f), in.size)) {
        o.size = in.size;
        return reply(fs, &o, sizeof(o));
    }
    n = pwritev(file_fd(f), rq->data, (int)rq->ndata, (off_t)in.offset);
    if (n < 0)
        return -errno;
    if (in.write_flags & FUSE_WRITE_KILL_SUIDGID)
        kill_suidgid(file_fd(f));
    o.size = (uint32_t)n;
    return reply(fs, &o, sizeof(o));
}

ssize_t op_release(struct fs *fs, struct req *rq)
{
    struct fuse_release_in in;

    if (req_arg(rq, &in, sizeof(in)) < 0)
        return -EINVAL;
    if (!file_get(fs, in.fh, false))
        return -EBADF;
    file_drop(fs, in.fh);
    if (node_get(fs, rq->h.nodeid))
        news_own_node(fs, node_get(fs, rq->h.nodeid), IN_CLOSE_WRITE);
    return 0;
}

/* Nothing is held back here that close could still fail to write. */
ssize_t op_flush(struct fs *fs, struct req *rq)
{
    struct fuse_flush_in in;

    if (req_arg(rq, &in, sizeof(in)) < 0)
        return -EINVAL;
    return file_get(fs, in.fh, false) ? 0 : -EBADF;
}

ssize_t op_fsync(struct fs *fs, struct req *rq)
{
    struct fuse_fsync_in in;
    struct file *f;
    int rc;

    if (req_arg(rq, &in, sizeof(in)) < 0)
        return -EINVAL;
    f = file_get(fs, in.fh, false);
    if (!f)
        return -EBADF;
    rc = in.fsync_flags & FUSE_FSYNC_FDATASYNC ? fdatasync(file_fd(f)) : fsync(file_fd(f));
    return rc < 0 ? -errno : 0;
}

/* By any file on it: what is asked about is the file system. */
ssize_t op_syncfs(struct fs *fs, struct req *rq)
{
    struct node *n;
    int fd, rc = req_node(fs, rq->h.nodeid, true, &n);

    if (rc < 0)
        return rc;
    if (n->type != S_IFDIR >> 12 && n->type != S_IFREG >> 12)
        return -EINVAL;
    fd = node_open(fs, n, O_RDONLY);
    if (fd < 0)
        return fd;
    rc = syncfs(fd) < 0 ? -errno : 0;
    close(fd);
    return rc;
}

ssize_t op_fallocate(struct fs *fs, struct req *rq)
{
    const uint32_t modes = FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE |
        FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_ZERO_RANGE | FALLOC_FL_INSERT_RANGE |
        FALLOC_FL_UNSHARE_RANGE;
    struct fuse_fallocate_in in;
    struct file *f;

    if (req_arg(rq, &in, sizeof(in)) < 0)
        return -EINVAL;
    f = file_get(fs, in.fh, false);
    if (!f)
        return -EBADF;
    if (in.mode & ~modes)
        return -EOPNOTSUPP;
    if ((in.mode & FALLOC_FL_COLLAPSE_RANGE) && resized(fs, file_fd(f), -(int64_t)in.length))
        return 0;
    if ((in.mode & FALLOC_FL_INSERT_RANGE) && resized(fs, file_fd(f), (int64_t)in.length))
        return 0;
    if (fallocate(file_fd(f), (int)in.mode, (off_t)in.offset, (off_t)in.length) < 0)
        return -errno;
    return 0;
}

ssize_t op_lseek(struct fs *fs, struct req *rq)
{
    struct fuse_lseek_out o;
    struct fuse_lseek_in in;
    struct file *f;
    off_t at;

    if (req_arg(rq, &in, sizeof(in)) < 0)
        return -EINVAL;
    f = file_get(fs, in.fh, false);
    if (!f)
        return -EBADF;
    if (in.whence != SEEK_DATA && in.whence != SEEK_HOLE)
        return -EINVAL;
    at = lseek(file_fd(f), (off_t)in.offset, (int)in.whence);
    if (at < 0)
        return -errno;
    o.offset = (uint64_t)at;
    return reply(fs, &o, sizeof(o));
}

ssize_t op_copy_file_range(struct fs *fs, struct req *rq)
{
    struct fuse_copy_file_range_in in;
    struct fuse_write_out o = { 0 };
    struct file *from, *to;
    off_t a, b;
    ssize_t n;

    if (req_arg(rq, &in, sizeof(in)) < 0)
        return -EINVAL;
    from = file_get(fs, in.fh_in, false);
    to = file_get(fs, in.fh_out, false);
    if (!from || !to)
        return -EBADF;
    a = (off_t)in.off_in;
    b = (off_t)in.off_out;
    if (in.len > 0x40000000)    /* the reply counts in 32 bits */
        in.len = 0x40000000;
    n = copy_file_range(file_fd(from), &a, file_fd(to), &b, in.len, (unsigned)in.flags);
    if (n < 0)
        return -errno;
    o.size = (uint32_t)n;
    return reply(fs, &o, sizeof(o));
}

int send_grant(struct fs *fs, int fd)
{
    struct xenc_grant_msg m = { .cookie = ++fs->keep->cookie };
    struct iovec iov = { &m, sizeof(m) };
    union { struct cmsghdr h; char room[CMSG_SPACE(sizeof(int))]; } c = { 0 };
    struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &c,
                          .msg_controllen = sizeof(c.room) };

    c.h.cmsg_level = SOL_SOCKET;
    c.h.cmsg_type = SCM_RIGHTS;
    c.h.cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(&c.h), &fd, sizeof(int));
    return sendmsg(fs->grant_fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int grant_file(struct fs *fs, uint64_t id, int flags, struct xenc_grant_out *o)
{
    bool ro;
    int rc, fd = fs->grant_fd < 0 ? -ENOSYS : open_regular(fs, id, flags, &ro);

    if (fd < 0)
        return fd;
    rc = send_grant(fs, fd);
    close(fd);
    if (rc == 0)
        o->cookie = fs->keep->cookie;
    return rc;
}

ssize_t op_grant(struct fs *fs, struct req *rq)
{
    struct xenc_grant_out o;
    struct xenc_grant_in in;
    int rc;

    if (req_arg(rq, &in, sizeof(in)) < 0 || (in.flags != O_RDONLY && in.flags != O_RDWR))
        return -EINVAL;
    rc = grant_file(fs, rq->h.nodeid, (int)in.flags, &o);
    return rc < 0 ? rc : reply(fs, &o, sizeof(o));
}
