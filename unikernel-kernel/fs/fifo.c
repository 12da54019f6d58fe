/* Making pipes: pipe2(2), and named pipes whose open waits for the other end. */
#include <asm/fcntl.h>
#include <linux/magic.h>
#include <linux/stat.h>
#include "pipe.h"
#include "task.h"

/* Guards inode->pipe and pipe->files of all pipes: held for a few instructions. */
static struct spinlock fifo_lock;

static struct pipe *pipe_ref(struct inode *i)
{
    struct pipe *fresh = NULL, *p;

    if (!READ_ONCE(i->pipe) && !(fresh = pipe_new()))
        return NULL;
    spin_lock(&fifo_lock);
    if (!i->pipe) {
        i->pipe = fresh;
        fresh = NULL;
    }
    p = i->pipe;
    if (p)
        p->files++;
    spin_unlock(&fifo_lock);
    if (fresh)
        pipe_free(fresh);
    return p ? p : pipe_ref(i);         /* its last user has just closed it: anew */
}

void pipe_unref(struct inode *i, struct pipe *p)
{
    spin_lock(&fifo_lock);
    bool last = --p->files == 0;
    if (last)
        i->pipe = NULL;
    spin_unlock(&fifo_lock);
    if (last)
        pipe_free(p);
}

/* Waits until the other end's count of openings has moved on since it was `seen`. (It
 * may have come and gone: that nobody is there now means nothing.) */
static int wait_partner(struct waitq *q, const u32 *opened, u32 seen)
{
    return wait_until(q, READ_ONCE(*opened) != seen, WAIT_FOREVER, true);
}

/* Undoes an open that failed or was interrupted. */
static void end_close(struct inode *i, struct pipe *p, u32 mode)
{
    mutex_lock(&p->lock);
    if (mode & FMODE_READ)
        p->readers--;
    if (mode & FMODE_WRITE)
        p->writers--;
    mutex_unlock(&p->lock);
    waitq_wake_all(&p->rd_wq, 0);
    waitq_wake_all(&p->wr_wq, 0);
    pipe_unref(i, p);
}

static int fifo_open(struct inode *i, struct file *f)
{
    u32 mode = f->mode & (FMODE_READ | FMODE_WRITE);
    bool nonblock = f->flags & O_NONBLOCK, alone;
    bool is_pipe = i->sb->magic == PIPEFS_MAGIC;        /* by /proc/PID/fd: waits for nobody */
    struct pipe *p = pipe_ref(i);
    u32 seen;
    int r = 0;

    if (!p)
        return -ENOMEM;
    mutex_lock(&p->lock);
    if (mode == FMODE_WRITE && nonblock && !p->readers && !is_pipe) {
        mutex_unlock(&p->lock);
        pipe_unref(i, p);
        return -ENXIO;
    }
    f->pos = -1;
    if (mode & FMODE_READ) {
        p->readers++;
        p->r_opened++;
        if (!p->writers && !is_pipe)
            f->pos = p->w_opened;
    }
    if (mode & FMODE_WRITE) {
        p->writers++;
        p->w_opened++;
    }
    alone = !is_pipe && (mode & FMODE_READ ? !p->writers : !p->readers);
    seen = mode & FMODE_READ ? p->w_opened : p->r_opened;
    mutex_unlock(&p->lock);
    waitq_wake_all(&p->rd_wq, 0);
    waitq_wake_all(&p->wr_wq, 0);
    if (alone && mode == FMODE_READ && !nonblock)
        r = wait_partner(&p->rd_wq, &p->w_opened, seen);
    else if (alone && mode == FMODE_WRITE)
        r = wait_partner(&p->wr_wq, &p->r_opened, seen);
    if (r) {
        end_close(i, p, mode);
        return r;
    }
    f->priv = p;
    f->mode |= FMODE_STREAM;
    f->ops = &pipe_fops;
    return 0;
}

const struct file_ops fifo_fops = { .open = fifo_open };

/* -- pipe2(2) -- */

static const struct inode_ops pipe_inode_ops = { 0 };
static const struct super_ops pipefs_ops = { 0 };
static struct super *pipefs;            /* made by the first pipe, never mounted */
static struct mutex pipefs_lock;
static u64 last_ino;

static struct inode *pipe_inode(void)
{
    struct inode *i;

    mutex_lock(&pipefs_lock);
    if (!pipefs && (pipefs = super_new("pipefs", &pipefs_ops, NULL)))
        pipefs->magic = PIPEFS_MAGIC;
    mutex_unlock(&pipefs_lock);
    if (!pipefs || !(i = inode_new(pipefs, S_IFIFO | 0600)))
        return NULL;
    i->ino = __atomic_add_fetch(&last_ino, 1, __ATOMIC_RELAXED);
    i->ops = &pipe_inode_ops;
    inode_init_special(i, 0);
    return i;
}

/* One end on p, whose references of the file kind the caller has taken. */
static struct file *pipe_end(struct inode *i, struct pipe *p, u32 fmode, u32 flags)
{
    struct file *f = file_anon("pipe:", &pipe_fops, p, fmode | FMODE_STREAM, flags);

    if (!f)
        return NULL;
    struct inode *old = f->inode;
    inode_get(i);
    f->inode = i;
    inode_put(old);
    f->pos = -1;                        /* so that a missing writer is a hangup */
    return f;
}

int pipe_open(u32 flags, struct file *f[2])
{
    struct inode *i = pipe_inode();
    struct pipe *p = i ? pipe_ref(i) : NULL;

    if (!p) {
        inode_put(i);
        return -ENOMEM;
    }
    p->files = 2;
    p->readers = p->writers = 1;
    f[0] = pipe_end(i, p, FMODE_READ, flags & O_NONBLOCK);
    f[1] = f[0] ? pipe_end(i, p, FMODE_WRITE, O_WRONLY | (flags & (O_NONBLOCK | O_DIRECT)))
                : NULL;
    if (!f[1]) {
        if (f[0])
            file_put(f[0]);
        else
            pipe_unref(i, p);
        pipe_unref(i, p);
        inode_put(i);
        return -ENFILE;
    }
    inode_put(i);
    return 0;
}
