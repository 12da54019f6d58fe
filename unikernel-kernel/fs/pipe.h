/* Pipes inside fs/: the buffer (pipe.c), named ends (fifo.c), moving (splice.c). */
#ifndef FS_PIPE_H
#define FS_PIPE_H
#include "vfs.h"

#define PIPE_SLOTS 16u                  /* default capacity in pages */
#define PIPE_MAX_SLOTS 256u             /* without CAP_SYS_RESOURCE */

/* One page's worth: `len` bytes from `off`. A packet is read whole or cut. */
struct pipe_slot { u8 *page; u16 off, len; bool packet; };

struct pipe {
    struct mutex lock;
    u32 readers, writers;               /* open ends */
    u32 r_opened, w_opened;             /* how often an end was opened, for FIFOs */
    u32 files;                          /* open files of either kind */
    u32 nslots, head, tail;             /* slots in use: tail .. head-1, modulo nslots */
    struct pipe_slot *slot;
    u8 *spare;                          /* a page kept for the next write */
    struct waitq rd_wq, wr_wq;
};

struct pipe *pipe_new(void);
void pipe_free(struct pipe *p);
extern const struct file_ops pipe_fops;
/* fifo.c. An open file has gone: frees the pipe with the last one. */
void pipe_unref(struct inode *i, struct pipe *p);

static inline bool pipe_empty(const struct pipe *p)
{
    return READ_ONCE(p->head) == READ_ONCE(p->tail);
}
static inline bool pipe_full(const struct pipe *p)
{
    return READ_ONCE(p->head) - READ_ONCE(p->tail) >= READ_ONCE(p->nslots);
}
static inline struct pipe_slot *pipe_slot(struct pipe *p, u32 i)
{
    return &p->slot[i & (p->nslots - 1)];
}

/* p->lock held for these. */
/* An empty slot behind the last with a page: fill in len, then pipe_push. NULL: no memory. */
struct pipe_slot *pipe_fresh_slot(struct pipe *p);
static inline void pipe_push(struct pipe *p) { WRITE_ONCE(p->head, p->head + 1); }
void pipe_pop(struct pipe *p);                  /* drops the first slot */

/* Waiting for data or room, lock not held: 0, -EAGAIN, -ERESTARTSYS. When an end is
 * missing that will never bring it: 0 as well; look again. */
int pipe_wait_data(struct pipe *p, bool nonblock);
int pipe_wait_room(struct pipe *p, bool nonblock);
/* After the lock was given up. */
void pipe_wake_readers(struct pipe *p);
void pipe_wake_writers(struct pipe *p);
int pipe_broken(void);                          /* SIGPIPE; -EPIPE */

/* The pipe of a file, or NULL. */
static inline struct pipe *file_pipe(const struct file *f)
{
    return f->ops == &pipe_fops ? f->priv : NULL;
}
#endif
