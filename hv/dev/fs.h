/* The file system device: a FUSE server (abi/fs.h) over directories of the host. */
#ifndef XENC_DEV_FS_H
#define XENC_DEV_FS_H

#include <stdint.h>
#include <sys/uio.h>

#include "base/err.h"
#include "hv/dev/serve.h"
#include "hv/dev/supervise.h"

struct fs;

struct fs_tree {                /* what may be mounted: 0 is the root, n+1 share n */
    int fd;                     /* borrowed, for as long as the fs lives */
    bool ro;
};

/* Memory for what must outlive a worker; never given back. NULL: there is none. */
struct fs_keep *fs_keep_new(void);

/* The working directory must be /proc/self/fd: files are reopened by their number.
 * grant_fd: socket for granted descriptors, -1: none. keep: what a predecessor has left
 * is gone on with; NULL: nobody comes after us. Returns NULL and an error. */
struct fs *fs_new(const struct fs_tree *trees, unsigned ntrees, int grant_fd,
                  struct fs_keep *keep, struct err *e);
void fs_free(struct fs *fs);

/* Calls back with each descriptor that the server holds. */
void fs_each_fd(const struct fs *fs, void (*fn)(void *arg, int fd), void *arg);

/* Answers one message: `in` holds the request, the reply goes to `out`. Both are guest
 * memory; the arrays themselves are changed. Returns the reply's length, 0: none. */
size_t fs_handle(struct fs *fs, struct iovec *in, unsigned nin,
                 struct iovec *out, unsigned nout);

/* The same in two steps: what the answer promises holds from fs_commit on. A worker killed
 * before leaves the request to be answered anew. */
size_t fs_answer(struct fs *fs, struct iovec *in, unsigned nin,
                 struct iovec *out, unsigned nout);
void fs_commit(struct fs *fs);

/* The device around it: queues 0 (FORGET) and 1. */
struct fs_dev {
    struct dev dev;
    struct fs *fs;
    struct progress *progress;  /* told of requests */
    struct chain chain;
};
enum serve_result fs_serve(void *fs_dev, bool may_block);

#endif
