/* The FUSE server's front: one message in, one reply out. */
#include <stdlib.h>
#include <sys/mman.h>

#include "hv/dev/fs_int.h"

int req_arg(const struct req *rq, void *arg, size_t size)
{
    if (rq->arg_len < size)
        return -EINVAL;
    memcpy(arg, rq->arg, size);
    return 0;
}

const char *req_str(const struct req *rq, size_t at)
{
    if (at >= rq->arg_len || !memchr(rq->arg + at, 0, rq->arg_len - at))
        return NULL;
    return (const char *)rq->arg + at;
}

int req_name(const struct req *rq, size_t at, const char **name_r)
{
    const char *s = req_str(rq, at);

    if (!s || !*s || strchr(s, '/') || !strcmp(s, ".") || !strcmp(s, ".."))
        return -EINVAL;
    if (strlen(s) > FS_NAME_MAX)
        return -ENAMETOOLONG;
    *name_r = s;
    return 0;
}

ssize_t reply(struct fs *fs, const void *data, size_t size)
{
    memcpy(fs->out, data, size);
    return (ssize_t)size;
}

static ssize_t op_forget(struct fs *fs, struct req *rq)
{
    struct fuse_forget_in in;

    if (req_arg(rq, &in, sizeof(in)) == 0)
        node_forget(fs, rq->h.nodeid, in.nlookup);
    return 0;
}

static ssize_t op_batch_forget(struct fs *fs, struct req *rq)
{
    struct fuse_batch_forget_in in;
    struct fuse_forget_one one;
    size_t at = sizeof(in);

    if (req_arg(rq, &in, sizeof(in)) < 0)
        return 0;
    for (; in.count && rq->arg_len - at >= sizeof(one); in.count--, at += sizeof(one)) {
        memcpy(&one, rq->arg + at, sizeof(one));
        node_forget(fs, one.nodeid, one.nlookup);
    }
    return 0;
}

/* A new session: whatever the last one held is dropped. */
static int restart(struct fs *fs)
{
    struct err e;

    news_free(fs);
    locks_drop(fs);
    nodes_drop(fs);
    files_drop(fs);
    files_init(fs);
    return nodes_init(fs, &e) < 0 ? -ENOMEM : 0;
}

static ssize_t op_destroy(struct fs *fs, struct req *rq)
{
    return restart(fs);
}

static ssize_t op_init(struct fs *fs, struct req *rq)
{
    const uint32_t wanted = FUSE_ASYNC_READ | FUSE_ATOMIC_O_TRUNC | FUSE_BIG_WRITES |
        FUSE_DONT_MASK | FUSE_AUTO_INVAL_DATA | FUSE_DO_READDIRPLUS | FUSE_READDIRPLUS_AUTO |
        FUSE_PARALLEL_DIROPS | FUSE_MAX_PAGES | FUSE_CACHE_SYMLINKS |
        FUSE_HANDLE_KILLPRIV_V2 | FUSE_SETXATTR_EXT | FUSE_INIT_EXT;
    struct fuse_init_out out = {
        .major = FUSE_KERNEL_VERSION, .minor = FUSE_KERNEL_MINOR_VERSION,
        .max_background = 64, .congestion_threshold = 48, .max_write = FS_WRITE_MAX,
        .time_gran = 1, .max_pages = FS_WRITE_MAX / 4096,
    };
    struct fuse_init_in in = { 0 };
    size_t n = rq->arg_len < sizeof(in) ? rq->arg_len : sizeof(in);

    if (n < 16)
        return -EINVAL;
    memcpy(&in, rq->arg, n);
    if (in.major < 7 || (in.major == 7 && in.minor < 31))
        return -EPROTO;
    if (in.major > 7)           /* it asks again with our version */
        return reply(fs, &out, sizeof(out));
    if (restart(fs) < 0)
        return -ENOMEM;
    out.max_readahead = in.max_readahead;
    out.flags = in.flags & wanted;
    fs->keep->setxattr_ext = out.flags & FUSE_SETXATTR_EXT;
    fs->keep->auto_inval = out.flags & FUSE_AUTO_INVAL_DATA;
    fs->keep->handles_kill = out.flags & FUSE_HANDLE_KILLPRIV_V2;
    return reply(fs, &out, sizeof(out));
}

/* What isn't here is answered with ENOSYS: locks that wait, ACCESS it
 * decides itself, and the rest makes no sense for a share. */
static const fs_op ops[] = {
    [FUSE_LOOKUP] = op_lookup, [FUSE_FORGET] = op_forget, [FUSE_GETATTR] = op_getattr,
    [FUSE_SETATTR] = op_setattr, [FUSE_READLINK] = op_readlink,
    [FUSE_SYMLINK] = op_symlink, [FUSE_MKNOD] = op_mknod, [FUSE_MKDIR] = op_mkdir,
    [FUSE_UNLINK] = op_unlink, [FUSE_RMDIR] = op_rmdir, [FUSE_RENAME] = op_rename,
    [FUSE_LINK] = op_link, [FUSE_OPEN] = op_open, [FUSE_READ] = op_read,
    [FUSE_WRITE] = op_write, [FUSE_STATFS] = op_statfs, [FUSE_RELEASE] = op_release,
    [FUSE_FSYNC] = op_fsync, [FUSE_SETXATTR] = op_setxattr,
    [FUSE_GETXATTR] = op_getxattr, [FUSE_LISTXATTR] = op_listxattr,
    [FUSE_REMOVEXATTR] = op_removexattr, [FUSE_FLUSH] = op_flush, [FUSE_INIT] = op_init,
    [FUSE_OPENDIR] = op_opendir, [FUSE_READDIR] = op_readdir,
    [FUSE_RELEASEDIR] = op_releasedir, [FUSE_FSYNCDIR] = op_fsyncdir,
    [FUSE_CREATE] = op_create, [FUSE_DESTROY] = op_destroy,
    [FUSE_BATCH_FORGET] = op_batch_forget, [FUSE_FALLOCATE] = op_fallocate,
    [FUSE_READDIRPLUS] = op_readdirplus, [FUSE_RENAME2] = op_rename2,
    [FUSE_LSEEK] = op_lseek, [FUSE_COPY_FILE_RANGE] = op_copy_file_range,
    [FUSE_TMPFILE] = op_tmpfile, [FUSE_SYNCFS] = op_syncfs,
    [FUSE_SETLK] = op_setlk, [FUSE_GETLK] = op_getlk,
};

static bool replies(uint32_t opcode)
{
    return opcode != FUSE_FORGET && opcode != FUSE_BATCH_FORGET;
}

/* Copies what must be copied and calls the handler. */
static ssize_t run(struct fs *fs, struct req *rq, struct iovec *in, unsigned nin)
{
    size_t len = rq->h.len - sizeof(rq->h);
    fs_op op = NULL;

    if (rq->h.opcode < sizeof(ops) / sizeof(ops[0]))
        op = ops[rq->h.opcode];
    else if (rq->h.opcode == XENC_FUSE_GRANT)
        op = op_grant;
    else if (rq->h.opcode == XENC_FUSE_NEWS)
        op = op_news;
    else if (rq->h.opcode == XENC_FUSE_CREATE)
        op = op_create;
    else if (rq->h.opcode == XENC_FUSE_LOOKUP)
        op = op_lookup;
    if (!op)
        return -ENOSYS;
    nin = iov_slice(in, nin, sizeof(rq->h), len);
    if (rq->h.opcode == FUSE_WRITE && len > sizeof(struct fuse_write_in))
        len = sizeof(struct fuse_write_in);
    if (len > FS_IN_MAX)
        return -E2BIG;
    rq->arg = fs->in;
    rq->arg_len = iov_read(in, nin, fs->in, len);
    rq->data = in;
    rq->ndata = iov_slice(in, nin, len, SIZE_MAX);
    return op(fs, rq);
}

static size_t iov_total(const struct iovec *iov, unsigned n)
{
    size_t total = 0;

    for (unsigned i = 0; i < n; i++)
        total += iov[i].iov_len;
    return total;
}

size_t fs_answer(struct fs *fs, struct iovec *in, unsigned nin,
                 struct iovec *out, unsigned nout)
{
    struct fuse_out_header oh = { .len = sizeof(oh) };
    struct req rq = { 0 };
    size_t in_len = iov_total(in, nin), out_len = iov_total(out, nout);
    struct iovec first[2];      /* the header's place, which `reply` leaves out */
    unsigned nfirst = nout < 2 ? nout : 2;
    bool answer = out_len >= sizeof(oh);
    ssize_t n;

    iov_read(in, nin, &rq.h, sizeof(rq.h));
    if (in_len < sizeof(rq.h) || rq.h.len < sizeof(rq.h) || rq.h.len > in_len)
        n = -EINVAL;
    else if (!answer && replies(rq.h.opcode))
        return 0;
    else {
        memcpy(first, out, nfirst * sizeof(*out));
        if (answer && iov_total(first, nfirst) < sizeof(oh))
            return 0;           /* a header in more than two parts is nobody's */
        rq.room = answer ? out_len - sizeof(oh) : 0;
        rq.reply = out;
        rq.nreply = iov_slice(out, nout, sizeof(oh), SIZE_MAX);
        again_begin(fs, &rq.h);
        n = run(fs, &rq, in, nin);
        if (!replies(rq.h.opcode))
            return 0;
        out = first;
        nout = nfirst;
    }
    if (!answer)
        return 0;
    if (n > 0 && (size_t)n > rq.room)
        n = -EIO;
    if (n > 0 && rq.h.opcode != FUSE_READ)
        iov_write(rq.reply, rq.nreply, fs->out, (size_t)n);
    oh.error = n < 0 ? (int32_t)n : 0;
    oh.len += n > 0 ? (uint32_t)n : 0;
    oh.unique = rq.h.unique;
    iov_write(out, nout, &oh, sizeof(oh));
    return oh.len;
}

struct fs *fs_new(const struct fs_tree *trees, unsigned ntrees, int grant_fd,
                  struct fs_keep *keep, struct err *e)
{
    struct fs *fs = calloc(1, sizeof(*fs));
    int rc;

    if (!fs || !(fs->keep = keep ? keep : fs_keep_new())) {
        free(fs);
        err_set(e, ENOMEM, "no memory for the file server");
        return NULL;
    }
    fs->own_keep = !keep;
    fs->trees = trees;
    fs->ntrees = ntrees;
    fs->grant_fd = grant_fd;
    if (fs_take_over(fs)) {
        rc = nodes_take_over(fs);
        if (rc < 0)
            err_set(e, -rc, "no memory for the file server");
    } else {
        rc = nodes_init(fs, e);
    }
    files_init(fs);
    if (rc < 0) {
        fs_free(fs);
        return NULL;
    }
    return fs;
}

void fs_free(struct fs *fs)
{
    news_free(fs);
    locks_drop(fs);
    nodes_drop(fs);
    files_drop(fs);
    if (fs->own_keep)
        munmap(fs->keep, sizeof(*fs->keep));
    free(fs);
}

size_t fs_handle(struct fs *fs, struct iovec *in, unsigned nin,
                 struct iovec *out, unsigned nout)
{
    size_t n = fs_answer(fs, in, nin, out, nout);

    fs_commit(fs);
    return n;
}

enum serve_result fs_serve(void *arg, bool may_block)
{
    struct fs_dev *f = arg;
    struct chain *c = &f->chain;

    for (;;) {
        unsigned q = 0;
        size_t n;

        if (!dev_pop(&f->dev, q, c) && !dev_pop(&f->dev, q = 1, c))
            return SERVE_IDLE;
        f->progress->busy = 1;
        n = fs_answer(f->fs, c->iov, c->nread, c->iov + c->nread, c->nwrite);
        /* That the request is done and what it changed come to be in one store. */
        fs_set(f->fs, &f->dev.vq[q].keep->done, f->dev.vq[q].keep->done);
        dev_done(&f->dev, q, c, (uint32_t)n);
        fs_commit(f->fs);
        dev_publish(&f->dev, q);
        dev_notify(&f->dev, q);
        f->progress->done++;
        f->progress->busy = 0;
    }
}
