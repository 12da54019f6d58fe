/* New files, directories, links and nodes: made by our user, then given to the guest's
 * before anybody in the guest can name them. */
#include <fcntl.h>
#include <stddef.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "hv/dev/fs_int.h"

/* Gives the new file its owner as the kernel would have: with the set-group-id bit on
 * the directory the group is the directory's. chown clears set-id bits: `mode` is what
 * was asked for. */
static int give_owner(struct fs *fs, struct req *rq, int dir, int fd, mode_t mode,
                      struct stat *st)
{
    const mode_t setid = mode & (S_ISUID | S_ISGID);
    gid_t gid = rq->h.gid;
    struct stat dst;

    if (st->st_gid != fs->keep->gid) {
        gid = st->st_gid;       /* the host inherited it already */
    } else if (gid != fs->keep->gid) {
        if (fstatat(dir, "", &dst, AT_EMPTY_PATH) < 0)
            return -errno;
        if (dst.st_mode & S_ISGID)
            gid = st->st_gid;
    }
    if (st->st_uid == rq->h.uid && st->st_gid == gid && !fs->again)
        return 0;
    if (fchownat(fd, "", rq->h.uid, gid, AT_EMPTY_PATH) < 0)
        return fs->keep->can_chown ? -errno : 0;
    /* A first attempt's chown may have cleared them already. */
    if (!S_ISLNK(mode) && setid &&
        fchmodat(AT_FDCWD, fd_name(fd).s, (st->st_mode & 07777) | (fs->again ? setid : 0), 0) < 0)
        return -errno;
    return fstatat(fd, "", st, AT_EMPTY_PATH) < 0 ? -errno : 0;
}

/* `name` was just made in `dir`: owner, node, reply. A file that can't be finished is
 * taken away again. */
static int finish(struct fs *fs, struct req *rq, const char *name, mode_t mode,
                  struct fuse_entry_out *o)
{
    uint32_t dir = (uint32_t)rq->h.nodeid;
    struct node *d = &fs->nodes[dir];
    int at = node_fd(fs, d), rc;
    struct stat st;
    int64_t id;
    int fd;

    if (at < 0)
        return at;
    fd = openat(at, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    rc = fstatat(fd, "", &st, AT_EMPTY_PATH) < 0 ? -errno : 0;
    if (rc == 0)
        rc = give_owner(fs, rq, at, fd, mode, &st);
    if (rc < 0) {
        close(fd);
        unlinkat(at, name, S_ISDIR(mode) ? AT_REMOVEDIR : 0);
        return rc;
    }
    news_own(fs, dir, name, IN_CREATE | IN_ATTRIB);
    id = node_enter(fs, dir, d->tree, name, fd, &st);
    if (id < 0)
        return (int)id;
    if (S_ISDIR(st.st_mode))
        news_made(fs, (uint32_t)id);
    entry_fill(o, (uint64_t)id, &st);
    news_entry(fs, dir, o);
    return 0;
}

static ssize_t finish_entry(struct fs *fs, struct req *rq, const char *name, mode_t mode)
{
    struct fuse_entry_out o;
    int rc = finish(fs, rq, name, mode, &o);

    return rc < 0 ? rc : reply(fs, &o, sizeof(o));
}

/* The directory of a request that makes a name: its descriptor. */
static int make_at(struct fs *fs, struct req *rq, size_t at, const char **name_r)
{
    struct node *n;
    int rc = req_name(rq, at, name_r);

    if (rc == 0)
        rc = req_node(fs, rq->h.nodeid, true, &n);
    if (rc < 0)
        return rc;
    again_note(fs, 0);
    return node_fd(fs, n);
}

/* The call that made `name` gave rc: 0, or what is wrong. */
static int made(struct fs *fs, struct req *rq, int rc, int dir, const char *name, mode_t type)
{
    int code = errno;

    if (rc >= 0)
        return 0;
    if (code == EEXIST && again_made(fs, fs->nodes[rq->h.nodeid].tree, dir, name, type))
        return 0;
    return -code;
}

ssize_t op_symlink(struct fs *fs, struct req *rq)
{
    const char *name, *target;
    int fd = make_at(fs, rq, 0, &name), rc;

    if (fd < 0)
        return fd;
    target = req_str(rq, strlen(name) + 1);
    if (!target)
        return -EINVAL;
    rc = made(fs, rq, symlinkat(target, fd, name), fd, name, S_IFLNK);
    return rc < 0 ? rc : finish_entry(fs, rq, name, S_IFLNK);
}

ssize_t op_mknod(struct fs *fs, struct req *rq)
{
    struct fuse_mknod_in in;
    const char *name;
    int fd, rc;

    if (req_arg(rq, &in, sizeof(in)) < 0)
        return -EINVAL;
    fd = make_at(fs, rq, sizeof(in), &name);
    if (fd < 0)
        return fd;
    if (S_ISDIR(in.mode) || S_ISLNK(in.mode))
        return -EINVAL;
    rc = mknodat(fd, name, in.mode & (S_IFMT | 07777), in.rdev);
    rc = made(fs, rq, rc, fd, name, in.mode & S_IFMT ? in.mode & S_IFMT : S_IFREG);
    return rc < 0 ? rc : finish_entry(fs, rq, name, in.mode);
}

ssize_t op_mkdir(struct fs *fs, struct req *rq)
{
    struct fuse_mkdir_in in;
    const char *name;
    int fd, rc;

    if (req_arg(rq, &in, sizeof(in)) < 0)
        return -EINVAL;
    fd = make_at(fs, rq, sizeof(in), &name);
    if (fd < 0)
        return fd;
    rc = made(fs, rq, mkdirat(fd, name, in.mode & 07777), fd, name, S_IFDIR);
    return rc < 0 ? rc : finish_entry(fs, rq, name, S_IFDIR | (in.mode & 07777));
}

/* Opens what is there already, which must be a file: another kind's open could act. */
static int open_existing(struct fs *fs, struct fuse_entry_out *o, int flags)
{
    struct node *n = node_get(fs, o->nodeid);
    int fd = -EINVAL;

    if (S_ISDIR(o->attr.mode))
        fd = -EISDIR;
    else if (n && S_ISREG(o->attr.mode))
        fd = node_open(fs, n, flags);
    else if (S_ISLNK(o->attr.mode))
        fd = -ELOOP;
    if (fd < 0)
        node_forget(fs, o->nodeid, 1);
    return fd;
}

/* Opens and makes `name`: descriptor and entry. */
static int create(struct fs *fs, struct req *rq, const char *name, int dir,
                  const struct fuse_create_in *in, struct fuse_entry_out *o)
{
    int flags = open_flags(in->flags);
    mode_t mode = in->mode & 07777;
    int fd, rc;

    if (flags < 0)
        return flags;
    fd = openat(dir, name, flags | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    rc = made(fs, rq, fd, dir, name, S_IFREG);
    if (rc == 0 && fd < 0 && (fd = openat(dir, name, flags | O_NOFOLLOW | O_CLOEXEC)) < 0)
        rc = -errno;
    if (rc == -EEXIST && !(in->flags & O_EXCL)) {
        rc = entry_lookup(fs, (uint32_t)rq->h.nodeid, name, o);
        return rc < 0 ? rc : open_existing(fs, o, flags);
    }
    if (rc < 0)
        return rc;
    rc = finish(fs, rq, name, S_IFREG | mode, o);
    if (rc < 0)
        close(fd);
    return rc < 0 ? rc : fd;
}

/* The answer, with a grant if that was asked for and can be had. */
static ssize_t reply_created(struct fs *fs, struct req *rq, int fd, uint32_t flags,
                             struct fuse_entry_out *o)
{
    const union file_state how = { .s = { .append = flags & O_APPEND } };
    struct { struct fuse_entry_out e; struct fuse_open_out f; struct xenc_grant_out g; }
        out = { .e = *o };
    bool granted = rq->h.opcode == XENC_FUSE_CREATE && send_grant(fs, fd) == 0;
    int rc = file_add(fs, fd, how, &out.f.fh);

    if (rc < 0 && !granted) {
        node_forget(fs, o->nodeid, 1);
        return rc;
    }
    if (granted)
        out.g.cookie = fs->keep->cookie;
    return reply(fs, &out, rq->h.opcode == XENC_FUSE_CREATE ? sizeof(out)
                                                            : offsetof(__typeof__(out), g));
}

ssize_t op_create(struct fs *fs, struct req *rq)
{
    struct fuse_entry_out o;
    struct fuse_create_in in;
    const char *name;
    int dir, fd;

    if (rq->h.opcode == XENC_FUSE_CREATE && fs->grant_fd < 0)
        return -ENOSYS;
    if (req_arg(rq, &in, sizeof(in)) < 0)
        return -EINVAL;
    if (rq->h.opcode == XENC_FUSE_CREATE && in.flags != (O_RDWR | O_CREAT | O_EXCL))
        return -EINVAL;
    dir = make_at(fs, rq, sizeof(in), &name);
    if (dir < 0)
        return dir;
    fd = create(fs, rq, name, dir, &in, &o);
    return fd < 0 ? fd : reply_created(fs, rq, fd, in.flags, &o);
}

ssize_t op_tmpfile(struct fs *fs, struct req *rq)
{
    struct fuse_entry_out o;
    struct fuse_create_in in;
    struct stat st;
    struct node *n;
    int64_t id = -1;
    int dir = req_node(fs, rq->h.nodeid, true, &n), flags, fd, path, rc;

    if (dir < 0 || (dir = req_arg(rq, &in, sizeof(in))) < 0)
        return dir;
    flags = open_flags(in.flags);
    dir = node_fd(fs, n);
    if (dir < 0 || flags < 0)
        return dir < 0 ? dir : flags;
    fd = openat(dir, ".", flags | O_TMPFILE | (in.flags & O_EXCL) | O_CLOEXEC,
                in.mode & 07777);
    if (fd < 0)
        return -errno;
    path = openat(AT_FDCWD, fd_name(fd).s, O_PATH | O_CLOEXEC);
    rc = path < 0 || fstatat(path, "", &st, AT_EMPTY_PATH) < 0 ? -errno : 0;
    if (rc == 0)
        rc = give_owner(fs, rq, dir, path, S_IFREG | (in.mode & 07777), &st);
    if (rc == 0) {
        rc = (int)(id = node_enter(fs, 0, n->tree, "", path, &st));
        path = -1;
    }
    if (path >= 0)
        close(path);
    if (rc < 0) {
        close(fd);
        return rc;
    }
    entry_fill(&o, (uint64_t)id, &st);
    return reply_created(fs, rq, fd, in.flags, &o);
}
