/* Reading directories. */
#include <dirent.h>
#include <fcntl.h>
#include <stddef.h>
#include <unistd.h>

#include "hv/dev/fs_int.h"

ssize_t op_opendir(struct fs *fs, struct req *rq)
{
    struct fuse_open_out o = { 0 };
    struct node *n;
    int fd = req_node(fs, rq->h.nodeid, false, &n), rc;

    if (fd == 0)
        fd = n->type == S_IFDIR >> 12 ? node_fd(fs, n) : -ENOTDIR;
    if (fd < 0)
        return fd;
    fd = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    if (news_watch(fs, (uint32_t)rq->h.nodeid))
        o.open_flags = FOPEN_CACHE_DIR;
    rc = file_add(fs, fd, (union file_state){ .s = { .dir = true } }, &o.fh);
    return rc < 0 ? rc : reply(fs, &o, sizeof(o));
}

/* What one READDIR or READDIRPLUS is filling. */
struct listing {
    uint32_t dir;
    bool plus;
    size_t len, room;           /* in fs->out */
};

static bool dotted(const char *name)
{
    return name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2]));
}

/* Appends one entry; false: no room for it. */
static bool add(struct fs *fs, struct listing *l, const struct dirent64 *d)
{
    size_t namelen = strlen(d->d_name);
    size_t head = l->plus ? offsetof(struct fuse_direntplus, dirent) : 0;
    size_t size = head + FUSE_REC_ALIGN(offsetof(struct fuse_dirent, name) + namelen);
    struct fuse_dirent e = { .ino = d->d_ino, .off = (uint64_t)d->d_off,
                             .namelen = (uint32_t)namelen, .type = d->d_type };
    uint8_t *p = fs->out + l->len;

    if (size > l->room - l->len)
        return false;
    /* What lies above a tree is none of the guest's business. */
    if (dotted(d->d_name) && !fs->nodes[l->dir].parent)
        e.ino = fs->nodes[l->dir].ino;
    memset(p, 0, size);
    if (l->plus) {
        struct fuse_entry_out o;

        /* An entry that can't be looked up keeps node number 0: listed, not known. */
        if (!dotted(d->d_name) && entry_lookup(fs, l->dir, d->d_name, &o) == 0)
            memcpy(p, &o, sizeof(o));
    }
    memcpy(p + head, &e, offsetof(struct fuse_dirent, name));
    memcpy(p + head + offsetof(struct fuse_dirent, name), d->d_name, namelen);
    l->len += size;
    return true;
}

static ssize_t list(struct fs *fs, struct listing *l, struct file *f, uint64_t offset)
{
    /* An entry with attributes is some five times as long as one without. */
    size_t want = l->plus ? l->room / 4 : l->room;
    ssize_t n;

    if (want > sizeof(fs->dents))
        want = sizeof(fs->dents);
    if (want < 512)             /* room for the longest name */
        want = 512;
    if (offset != f->pos && lseek(file_fd(f), (off_t)offset, SEEK_SET) < 0)
        return -errno;
    f->pos = offset;
    n = getdents64(file_fd(f), (void *)fs->dents, want);
    if (n < 0)
        return -errno;
    for (ssize_t at = 0; at < n;) {
        const struct dirent64 *d = (void *)(fs->dents + at);

        if (!add(fs, l, d)) {
            f->pos = UINT64_MAX;        /* the descriptor is ahead: seek next time */
            return l->len ? (ssize_t)l->len : -EINVAL;
        }
        at += d->d_reclen;
        f->pos = (uint64_t)d->d_off;
    }
    return (ssize_t)l->len;
}

static ssize_t read_entries(struct fs *fs, struct req *rq, bool plus)
{
    struct listing l = { .dir = (uint32_t)rq->h.nodeid, .plus = plus };
    struct fuse_read_in in;
    struct node *n;
    struct file *f;

    if (req_arg(rq, &in, sizeof(in)) < 0)
        return -EINVAL;
    f = file_get(fs, in.fh, true);
    if (!f)
        return -EBADF;
    if (req_node(fs, rq->h.nodeid, false, &n) < 0 || n->type != S_IFDIR >> 12)
        return -ENOENT;
    l.room = in.size < rq->room ? in.size : rq->room;
    if (l.room > sizeof(fs->out))
        l.room = sizeof(fs->out);
    return list(fs, &l, f, in.offset);
}

ssize_t op_readdir(struct fs *fs, struct req *rq)
{
    return read_entries(fs, rq, false);
}

ssize_t op_readdirplus(struct fs *fs, struct req *rq)
{
    return read_entries(fs, rq, true);
}

ssize_t op_releasedir(struct fs *fs, struct req *rq)
{
    struct fuse_release_in in;

    if (req_arg(rq, &in, sizeof(in)) < 0)
        return -EINVAL;
    if (!file_get(fs, in.fh, true))
        return -EBADF;
    file_drop(fs, in.fh);
    return 0;
}

ssize_t op_fsyncdir(struct fs *fs, struct req *rq)
{
    struct fuse_fsync_in in;
    struct file *f;

    if (req_arg(rq, &in, sizeof(in)) < 0)
        return -EINVAL;
    f = file_get(fs, in.fh, true);
    if (!f)
        return -EBADF;
    return fsync(file_fd(f)) < 0 ? -errno : 0;
}
