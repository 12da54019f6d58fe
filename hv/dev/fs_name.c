/* Names in directories: looking up, removing, moving, linking. */
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "hv/dev/fs_int.h"

void entry_fill(struct fuse_entry_out *o, uint64_t id, const struct stat *st)
{
    memset(o, 0, sizeof(*o));
    o->nodeid = id;
    o->entry_valid = o->attr_valid = 1;
    attr_fill(&o->attr, st);
}

int entry_lookup(struct fs *fs, uint32_t dir, const char *name, struct fuse_entry_out *o)
{
    unsigned tree = fs->nodes[dir].tree;
    int at, fd;
    struct stat st;
    int64_t id;

    news_watch(fs, dir);
    at = node_fd(fs, &fs->nodes[dir]);
    if (at < 0)
        return at;
    fd = openat(at, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    if (fstatat(fd, "", &st, AT_EMPTY_PATH) < 0) {
        int rc = -errno;

        close(fd);
        return rc;
    }
    id = node_enter(fs, dir, tree, name, fd, &st);
    if (id < 0)
        return (int)id;
    entry_fill(o, (uint64_t)id, &st);
    news_entry(fs, dir, o);
    return 0;
}

/* Share `name` of the reserved directory: its root, which is a file or directory. */
static int share_lookup(struct fs *fs, const char *name, struct fuse_entry_out *o)
{
    unsigned long i = 0;
    struct stat st;
    int64_t id;
    int fd;

    for (const char *p = name; *p; p++) {
        if (*p < '0' || *p > '9' || i > fs->ntrees || (p > name && i == 0))
            return -ENOENT;
        i = i * 10 + (unsigned long)(*p - '0');
    }
    if (++i >= fs->ntrees)
        return -ENOENT;
    fd = fd_dup(fs->trees[i].fd);
    if (fd < 0)
        return -errno;
    if (fstatat(fd, "", &st, AT_EMPTY_PATH) < 0) {
        int rc = -errno;

        close(fd);
        return rc;
    }
    id = node_enter(fs, 0, (unsigned)i, name, fd, &st);
    if (id < 0)
        return (int)id;
    entry_fill(o, (uint64_t)id, &st);
    return 0;
}

ssize_t op_lookup(struct fs *fs, struct req *rq)
{
    struct { struct fuse_entry_out e; struct xenc_grant_out g; } out = { 0 };
    bool grants = rq->h.opcode == XENC_FUSE_LOOKUP;
    const char *name;
    struct node *n;
    int rc = req_name(rq, 0, &name);

    if (rc < 0)
        return rc;
    if (rq->h.nodeid == XENC_FS_SHARES) {
        rc = share_lookup(fs, name, &out.e);
    } else {
        rc = req_node(fs, rq->h.nodeid, false, &n);
        if (rc == 0)
            rc = entry_lookup(fs, (uint32_t)rq->h.nodeid, name, &out.e);
        /* FUSE's way to say for how long there is none. */
        if (rc == -ENOENT && node_get(fs, rq->h.nodeid) && news_watch(fs, (uint32_t)rq->h.nodeid)) {
            out.e = (struct fuse_entry_out){ .entry_valid = XENC_FS_UNTIL_NEWS };
            rc = 0;
        }
    }
    if (rc == 0 && grants && S_ISREG(out.e.attr.mode))
        grant_file(fs, out.e.nodeid, O_RDONLY, &out.g);
    return rc < 0 ? rc : reply(fs, &out, grants ? sizeof(out) : sizeof(out.e));
}

static ssize_t remove_name(struct fs *fs, struct req *rq, int flags)
{
    const char *name;
    struct node *n;
    int fd = req_name(rq, 0, &name);

    if (fd == 0)
        fd = req_node(fs, rq->h.nodeid, true, &n);
    if (fd == 0)
        fd = node_fd(fs, n);
    if (fd < 0)
        return fd;
    evict_unlinking(fs, (uint32_t)rq->h.nodeid, name);
    again_note(fs, 0);
    if (unlinkat(fd, name, flags) < 0 && !(errno == ENOENT && fs->again))
        return -errno;
    news_own(fs, (uint32_t)rq->h.nodeid, name, IN_DELETE);
    return 0;
}

ssize_t op_unlink(struct fs *fs, struct req *rq)
{
    return remove_name(fs, rq, 0);
}

ssize_t op_rmdir(struct fs *fs, struct req *rq)
{
    return remove_name(fs, rq, AT_REMOVEDIR);
}

static uint64_t ino_of(int dir, const char *name)
{
    struct stat st;

    return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ? 0 : st.st_ino;
}

/* Has a first attempt moved it already? An exchange leaves something else in its place. */
static bool moved(struct fs *fs, int fd, const char *from, int newfd, const char *to,
                  uint32_t flags)
{
    bool stays = flags & (RENAME_EXCHANGE | RENAME_WHITEOUT);
    uint64_t was;

    if (again_noted(fs, &was))
        return stays ? ino_of(fd, from) != was : !ino_of(fd, from) && ino_of(newfd, to);
    again_note(fs, stays ? ino_of(fd, from) : 0);
    return false;
}

static int rename_at(int fd, const char *from, int newfd, const char *to, uint32_t flags)
{
    int rc = flags ? (int)syscall(SYS_renameat2, fd, from, newfd, to, flags)
                   : renameat(fd, from, newfd, to);

    return rc < 0 ? -errno : 0;
}

/* Both names are no news. */
static void own_move(struct fs *fs, uint32_t dir, const char *from, uint32_t newdir, const char *to)
{
    const struct own_change own[] = { { dir, from, IN_MOVED_FROM | IN_MOVED_TO },
                                      { newdir, to, IN_MOVED_FROM | IN_MOVED_TO } };

    news_take(fs, own, 2);
}

static ssize_t move(struct fs *fs, struct req *rq, uint64_t newdir, uint32_t flags, size_t at)
{
    const char *from, *to;
    struct node *n, *m;
    int rc = req_name(rq, at, &from), fd, newfd;

    if (rc < 0 || (rc = req_name(rq, at + strlen(from) + 1, &to)) < 0)
        return rc;
    if ((rc = req_node(fs, rq->h.nodeid, true, &n)) < 0 ||
        (rc = req_node(fs, newdir, true, &m)) < 0)
        return rc;
    if (n->tree != m->tree)
        return -EXDEV;
    if ((fd = node_fd(fs, n)) < 0 || (newfd = node_fd(fs, m)) < 0)
        return fd < 0 ? fd : newfd;
    evict_unlinking(fs, (uint32_t)rq->h.nodeid, from);
    evict_unlinking(fs, (uint32_t)newdir, to);
    if (!moved(fs, fd, from, newfd, to, flags)) {
        rc = rename_at(fd, from, newfd, to, flags);
        if (rc < 0)
            return rc;
    }
    own_move(fs, (uint32_t)rq->h.nodeid, from, (uint32_t)newdir, to);
    return 0;
}

ssize_t op_rename(struct fs *fs, struct req *rq)
{
    struct fuse_rename_in in;

    if (req_arg(rq, &in, sizeof(in)) < 0)
        return -EINVAL;
    return move(fs, rq, in.newdir, 0, sizeof(in));
}

ssize_t op_rename2(struct fs *fs, struct req *rq)
{
    struct fuse_rename2_in in;

    if (req_arg(rq, &in, sizeof(in)) < 0)
        return -EINVAL;
    if (in.flags & ~(uint32_t)(RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT))
        return -EINVAL;
    return move(fs, rq, in.newdir, in.flags, sizeof(in));
}

/* EEXIST: is it the first attempt's link to that very file? */
static bool again_linked(struct fs *fs, int dir, const char *name, const struct node *to)
{
    bool linked = again_since(fs, dir, name) && ino_of(dir, name) == to->ino;

    errno = EEXIST;
    return linked;
}

ssize_t op_link(struct fs *fs, struct req *rq)
{
    struct fuse_link_in in;
    struct fuse_entry_out o;
    struct node *n, *old;
    const char *name;
    int rc = req_arg(rq, &in, sizeof(in)), fd, oldfd;

    if (rc < 0 || (rc = req_name(rq, sizeof(in), &name)) < 0)
        return rc;
    if ((rc = req_node(fs, rq->h.nodeid, true, &n)) < 0 ||
        (rc = req_node(fs, in.oldnodeid, true, &old)) < 0)
        return rc;
    if (n->tree != old->tree)
        return -EXDEV;
    if ((fd = node_fd(fs, n)) < 0 || (oldfd = node_fd(fs, old)) < 0)
        return fd < 0 ? fd : oldfd;
    again_note(fs, 0);
    if (linkat(AT_FDCWD, fd_name(oldfd).s, fd, name, AT_SYMLINK_FOLLOW) < 0 &&
        !(errno == EEXIST && again_linked(fs, fd, name, old)))
        return -errno;
    news_own(fs, (uint32_t)rq->h.nodeid, name, IN_CREATE);
    rc = entry_lookup(fs, (uint32_t)rq->h.nodeid, name, &o);
    return rc < 0 ? rc : reply(fs, &o, sizeof(o));
}

ssize_t op_readlink(struct fs *fs, struct req *rq)
{
    struct node *n;
    ssize_t len;
    int fd = req_node(fs, rq->h.nodeid, false, &n);

    if (fd == 0)
        fd = node_fd(fs, n);
    if (fd < 0)
        return fd;
    if (n->type != S_IFLNK >> 12)
        return -EINVAL;
    len = readlinkat(fd, "", (char *)fs->out, sizeof(fs->out));
    return len < 0 ? -errno : len;
}
