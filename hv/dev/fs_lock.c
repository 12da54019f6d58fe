/* Locks that a guest holds on files of a share, towards everybody else on the host. The
 * guest is one owner: a descriptor for each file it has locks on, with open file description
 * locks for fcntl's and flock for flock's. It outlives the worker, and the locks with it.
 * Nothing here waits: a guest that wants to asks again. */
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "hv/dev/fs_int.h"

static union locked *find(struct fs *fs, uint32_t node)
{
    struct fs_keep *k = fs->keep;

    for (uint32_t i = 0; i < k->nlocked; i++)
        if (k->locked[i].word && k->locked[i].s.node == node)
            return &k->locked[i];
    return NULL;
}

/* The locks go with the descriptor. */
static void drop(union locked *l)
{
    int fd = l->s.fd;

    l->word = 0;
    KEEP_ORDER();
    close(fd);
}

void locks_forget(struct fs *fs, uint32_t node)
{
    union locked *l = find(fs, node);

    if (l)
        drop(l);
}

void locks_drop(struct fs *fs)
{
    struct fs_keep *k = fs->keep;

    for (uint32_t i = 0; i < k->nlocked; i++)
        if (k->locked[i].word)
            drop(&k->locked[i]);
    k->nlocked = 0;
}

static union locked *free_slot(struct fs *fs)
{
    struct fs_keep *k = fs->keep;

    for (uint32_t i = 0; i < k->nlocked; i++)
        if (!k->locked[i].word)
            return &k->locked[i];
    return k->nlocked < FS_LOCKED_MAX ? &k->locked[k->nlocked++] : NULL;
}

/* A descriptor of the node's for its locks. Write locks need one that can write; where the
 * file can't be opened so, nobody in the guest can ask for them. */
static int lock_fd(struct fs *fs, uint64_t id)
{
    union locked *l, is;
    struct node *n;
    int fd, rc = req_node(fs, id, true, &n);

    if (rc < 0)
        return rc;
    if ((l = find(fs, (uint32_t)id)))
        return l->s.fd;
    if (n->type != S_IFREG >> 12)
        return -ENOSYS;
    if (!(l = free_slot(fs)))
        return -ENOLCK;
    fd = node_open(fs, n, O_RDWR);
    if (fd < 0)
        fd = node_open(fs, n, O_RDONLY);
    if (fd < 0)
        return fd;
    is.s.node = (uint32_t)id;
    is.s.fd = fd;
    KEEP_ORDER();
    l->word = is.word;
    return fd;
}

static int to_flock(const struct fuse_file_lock *in, struct flock *out)
{
    if (in->start > INT64_MAX || in->end > INT64_MAX || in->end < in->start ||
        (in->type != F_RDLCK && in->type != F_WRLCK && in->type != F_UNLCK))
        return -EINVAL;
    *out = (struct flock){ .l_type = (short)in->type, .l_whence = SEEK_SET,
                           .l_start = (off_t)in->start };
    out->l_len = in->end == INT64_MAX ? 0 : (off_t)(in->end - in->start) + 1;
    return 0;
}

static int set_flock(int fd, uint32_t type)
{
    int op = type == F_WRLCK ? LOCK_EX : type == F_RDLCK ? LOCK_SH : LOCK_UN;

    if (flock(fd, op | LOCK_NB) == 0)
        return 0;
    return errno == EWOULDBLOCK ? -EAGAIN : -errno;
}

ssize_t op_setlk(struct fs *fs, struct req *rq)
{
    struct fuse_lk_in in;
    struct flock fl;
    int fd, rc;

    if (req_arg(rq, &in, sizeof(in)) < 0 || to_flock(&in.lk, &fl) < 0)
        return -EINVAL;
    if (in.lk_flags & XENC_LK_LAST) {
        locks_forget(fs, (uint32_t)rq->h.nodeid);
        return 0;
    }
    fd = lock_fd(fs, rq->h.nodeid);
    if (fd < 0)
        return fd;
    if (in.lk_flags & FUSE_LK_FLOCK)
        return set_flock(fd, in.lk.type);
    rc = fcntl(fd, F_OFD_SETLK, &fl);
    return rc < 0 ? (errno == EACCES ? -EAGAIN : -errno) : 0;
}

ssize_t op_getlk(struct fs *fs, struct req *rq)
{
    struct fuse_lk_out out = { 0 };
    struct fuse_lk_in in;
    struct flock fl;
    int fd;

    if (req_arg(rq, &in, sizeof(in)) < 0 || to_flock(&in.lk, &fl) < 0)
        return -EINVAL;
    fd = lock_fd(fs, rq->h.nodeid);
    if (fd < 0)
        return fd;
    if (fcntl(fd, F_OFD_GETLK, &fl) < 0)
        return -errno;
    out.lk.type = (uint32_t)fl.l_type;
    if (fl.l_type != F_UNLCK) {
        out.lk.start = (uint64_t)fl.l_start;
        out.lk.end = fl.l_len ? (uint64_t)(fl.l_start + fl.l_len - 1) : INT64_MAX;
    }
    return reply(fs, &out, sizeof(out));
}
