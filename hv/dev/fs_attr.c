/* Attributes of files and file systems. */
#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/statfs.h>
#include <time.h>
#include <unistd.h>

#include "hv/dev/fs_int.h"

void attr_fill(struct fuse_attr *a, const struct stat *st)
{
    *a = (struct fuse_attr){
        .ino = st->st_ino, .size = (uint64_t)st->st_size, .blocks = (uint64_t)st->st_blocks,
        .atime = (uint64_t)st->st_atim.tv_sec, .atimensec = (uint32_t)st->st_atim.tv_nsec,
        .mtime = (uint64_t)st->st_mtim.tv_sec, .mtimensec = (uint32_t)st->st_mtim.tv_nsec,
        .ctime = (uint64_t)st->st_ctim.tv_sec, .ctimensec = (uint32_t)st->st_ctim.tv_nsec,
        .mode = st->st_mode, .nlink = (uint32_t)st->st_nlink, .uid = st->st_uid,
        .gid = st->st_gid, .rdev = (uint32_t)st->st_rdev,
        .blksize = (uint32_t)st->st_blksize,
    };
}

/* n: the file that fd is. */
static ssize_t reply_attr(struct fs *fs, int fd, const struct node *n)
{
    struct fuse_attr_out o = { .attr_valid = 1 };
    struct stat st;

    if (fstatat(fd, "", &st, AT_EMPTY_PATH) < 0)
        return -errno;
    attr_fill(&o.attr, &st);
    if (S_ISDIR(st.st_mode))
        o.attr_valid = news_valid(fs, (uint32_t)(n - fs->nodes));
    else if (st.st_nlink == 1 && n->parent)
        o.attr_valid = news_valid(fs, n->parent);
    return reply(fs, &o, sizeof(o));
}

ssize_t op_getattr(struct fs *fs, struct req *rq)
{
    struct fuse_getattr_in in;
    struct node *n;
    int fd;

    if (req_arg(rq, &in, sizeof(in)) < 0)
        return -EINVAL;
    fd = req_node(fs, rq->h.nodeid, false, &n);
    if (fd == 0 && in.getattr_flags & FUSE_GETATTR_FH) {
        struct file *f = file_get(fs, in.fh, false);

        if (!f)
            f = file_get(fs, in.fh, true);
        return f ? reply_attr(fs, file_fd(f), n) : -EBADF;
    }
    if (fd == 0)
        fd = node_fd(fs, n);
    return fd < 0 ? fd : reply_attr(fs, fd, n);
}

/* As the host's root we keep set-id bits where the guest's user must lose them. */
int kill_suidgid(int fd)
{
    struct stat st;
    mode_t mode;

    if (fstatat(fd, "", &st, AT_EMPTY_PATH) < 0)
        return -errno;
    mode = st.st_mode & 07777 & ~(mode_t)S_ISUID;
    if (mode & S_IXGRP)
        mode &= ~(mode_t)S_ISGID;
    if (mode == (st.st_mode & 07777))
        return 0;
    return fchmodat(AT_FDCWD, fd_name(fd).s, mode, 0) < 0 ? -errno : 0;
}

static int set_size(struct fs *fs, struct node *n, const struct fuse_setattr_in *in)
{
    int fd, rc;

    if (n->type != S_IFREG >> 12)
        return n->type == S_IFDIR >> 12 ? -EISDIR : -EINVAL;
    if (in->valid & FATTR_FH) {
        struct file *f = file_get(fs, in->fh, false);

        if (!f)
            return -EBADF;
        rc = ftruncate(file_fd(f), (off_t)in->size) < 0 ? -errno : 0;
    } else {
        fd = node_open(fs, n, O_WRONLY);
        if (fd < 0)
            return fd;
        rc = ftruncate(fd, (off_t)in->size) < 0 ? -errno : 0;
        close(fd);
    }
    if (rc == 0 && (in->valid & FATTR_KILL_SUIDGID))
        rc = kill_suidgid(node_fd(fs, n));
    return rc;
}

/* of: an open file, or -1 and the path of the node's descriptor. */
static int set_mode(int of, const char *path, mode_t mode)
{
    int rc = of >= 0 ? fchmod(of, mode) : fchmodat(AT_FDCWD, path, mode, 0);

    return rc < 0 ? -errno : 0;
}

static int set_times(int of, const char *path, const struct fuse_setattr_in *in)
{
    struct timespec t[2] = { { .tv_nsec = UTIME_OMIT }, { .tv_nsec = UTIME_OMIT } };

    if (in->valid & FATTR_ATIME_NOW)
        t[0].tv_nsec = UTIME_NOW;
    else if (in->valid & FATTR_ATIME)
        t[0] = (struct timespec){ (time_t)in->atime, in->atimensec };
    if (in->valid & FATTR_MTIME_NOW)
        t[1].tv_nsec = UTIME_NOW;
    else if (in->valid & FATTR_MTIME)
        t[1] = (struct timespec){ (time_t)in->mtime, in->mtimensec };
    return (of >= 0 ? futimens(of, t) : utimensat(AT_FDCWD, path, t, 0)) < 0 ? -errno : 0;
}

/* The open file that a request names, or -1: a descriptor of it is quicker than a path. It is
 * the guest's word that it is the same file; one of a read-only share it can be in no case. */
static int open_file_of(struct fs *fs, const struct fuse_setattr_in *in)
{
    struct file *f = in->valid & FATTR_FH ? file_get(fs, in->fh, false) : NULL;

    return f && !f->is.s.ro ? file_fd(f) : -1;
}

ssize_t op_setattr(struct fs *fs, struct req *rq)
{
    const uint32_t times = FATTR_ATIME | FATTR_MTIME | FATTR_ATIME_NOW | FATTR_MTIME_NOW;
    struct fuse_setattr_in in;
    struct fd_name path;
    struct node *n;
    int rc = req_node(fs, rq->h.nodeid, true, &n), fd, of;

    if (rc < 0 || (rc = req_arg(rq, &in, sizeof(in))) < 0)
        return rc;
    fd = node_fd(fs, n);
    if (fd < 0)
        return fd;
    of = open_file_of(fs, &in);
    path = fd_name(fd);
    /* Owner before mode: a change of owner clears the set-id bits. Times last. */
    if (in.valid & (FATTR_UID | FATTR_GID)) {
        uid_t uid = in.valid & FATTR_UID ? in.uid : (uid_t)-1;
        gid_t gid = in.valid & FATTR_GID ? in.gid : (gid_t)-1;

        if (fchownat(fd, "", uid, gid, AT_EMPTY_PATH) < 0)
            return -errno;
    }
    if ((in.valid & FATTR_MODE) && (rc = set_mode(of, path.s, in.mode & 07777)) < 0)
        return rc;
    if ((in.valid & FATTR_SIZE) && (rc = set_size(fs, n, &in)) < 0)
        return rc;
    if ((in.valid & times) && (rc = set_times(of, path.s, &in)) < 0)
        return rc;
    news_own_node(fs, n, IN_ATTRIB | IN_CLOSE_WRITE);
    /* Who has room for no more than a header does not want to know. */
    return rq->room ? reply_attr(fs, fd, n) : 0;
}

ssize_t op_statfs(struct fs *fs, struct req *rq)
{
    struct fuse_statfs_out o = { 0 };
    struct statfs s;
    struct node *n;
    int fd = req_node(fs, rq->h.nodeid, false, &n);

    if (fd == 0)
        fd = node_fd(fs, n);
    if (fd < 0)
        return fd;
    if (fstatfs(fd, &s) < 0)
        return -errno;
    o.st = (struct fuse_kstatfs){
        .blocks = s.f_blocks, .bfree = s.f_bfree, .bavail = s.f_bavail, .files = s.f_files,
        .ffree = s.f_ffree, .bsize = (uint32_t)s.f_bsize,
        .namelen = (uint32_t)s.f_namelen, .frsize = (uint32_t)s.f_frsize,
    };
    return reply(fs, &o, sizeof(o));
}
