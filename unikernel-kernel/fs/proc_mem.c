/* /proc/PID/mem: another task's memory as a file, whose positions are addresses. */
#include "errand.h"
#include "procfs.h"
#include "user.h"

enum { PIECE = 65536 };

static int mem_open(struct inode *i, struct file *f)
{
    struct proc_ctx c;
    int r = proc_ctx_get(i, &c);

    if (r < 0)
        return r;
    r = proc_may_inspect(c.task) ? 0 : -EACCES;
    proc_ctx_put(&c);
    return r;
}

/* Who opened it long ago may have no business there any more: asked each time. */
static ssize_t transfer(struct file *f, struct uio *u, loff_t *pos, bool write)
{
    char *buf = kmalloc(PIECE);
    ssize_t done = 0, r = -ENOMEM;
    struct proc_ctx c;

    if (!buf || (r = proc_ctx_get(f->inode, &c)) < 0) {
        kfree(buf);
        return r == -ESRCH ? 0 : r;
    }
    r = proc_may_inspect(c.task) ? 0 : -EACCES;
    while (r >= 0 && u->left) {
        size_t want = min(u->left, (size_t)PIECE);
        struct errand_copy part = { .addr = (u64)*pos + (u64)done, .buf = buf, .n = want,
                                    .write = write, .force = true };

        r = errand_move(c.task, u, &part);
        if (r == 0)
            r = -EIO;
        if (r < 0)
            break;
        done += r;
        if ((size_t)r < want)
            break;
    }
    if (r == -ESRCH)
        r = 0;                  /* it has no memory any more */
    proc_ctx_put(&c);
    kfree(buf);
    *pos += done;
    return done ? done : r;
}

static ssize_t mem_read(struct file *f, struct uio *u, loff_t *pos)
{
    return transfer(f, u, pos, false);
}

static ssize_t mem_write(struct file *f, struct uio *u, loff_t *pos)
{
    return transfer(f, u, pos, true);
}

static loff_t mem_llseek(struct file *f, loff_t off, int whence)
{
    if (whence > 1)             /* no end is known */
        return -EINVAL;
    f->pos = whence ? f->pos + off : off;
    return f->pos;
}

const struct file_ops proc_mem_fops = {
    .open = mem_open, .read = mem_read, .write = mem_write, .llseek = mem_llseek,
};
