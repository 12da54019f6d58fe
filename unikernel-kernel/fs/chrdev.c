/* Character devices: the table that finds them, and null, zero, full. */
#include "fs.h"
#include "mm.h"
#include "random.h"

#define CHR(major, first, count, name, mode, fops) extern const struct file_ops fops;
#include "chrdev.def"
#undef CHR

static const struct chrdev {
    u32 major, first, count, mode;
    const char *name;
    const struct file_ops *fops;
} devices[] = {
#define CHR(major, first, count, name, mode, fops) { major, first, count, mode, name, &fops },
#include "chrdev.def"
#undef CHR
};

bool chrdev_nth(unsigned k, struct chrdev_info *c)
{
    if (k >= ARRAY_SIZE(devices))
        return false;
    *c = (struct chrdev_info){ devices[k].name, MKDEV(devices[k].major, devices[k].first),
                               devices[k].mode };
    return true;
}

static int chrdev_open(struct inode *i, struct file *f)
{
    u32 ma = DEV_MAJOR(i->rdev), mi = DEV_MINOR(i->rdev);
    for (unsigned k = 0; k < ARRAY_SIZE(devices); k++) {
        const struct chrdev *c = &devices[k];
        if (c->major != ma || mi < c->first || mi - c->first >= c->count)
            continue;
        f->ops = c->fops;
        return f->ops->open ? f->ops->open(i, f) : 0;
    }
    return -ENXIO;
}

const struct file_ops chrdev_fops = { .open = chrdev_open };

/* -- null, zero, full -- */

static ssize_t null_read(struct file *f, struct uio *u, loff_t *pos) { return 0; }

static ssize_t null_write(struct file *f, struct uio *u, loff_t *pos)
{
    return (ssize_t)u->left;
}

static loff_t null_llseek(struct file *f, loff_t off, int whence)
{
    return f->pos = 0;
}

static ssize_t zero_read(struct file *f, struct uio *u, loff_t *pos)
{
    return uio_zero(u, u->left);
}

static ssize_t full_write(struct file *f, struct uio *u, loff_t *pos) { return -ENOSPC; }

static int zero_mmap(struct file *f, struct map_source *s, u32 prot, bool shared)
{
    s->kind = SRC_ANON;
    return 0;
}

const struct file_ops null_fops = {
    .read = null_read, .write = null_write, .llseek = null_llseek,
};
const struct file_ops zero_fops = {
    .read = zero_read, .write = null_write, .llseek = null_llseek, .mmap = zero_mmap,
};
const struct file_ops full_fops = {
    .read = zero_read, .write = full_write, .llseek = null_llseek,
};
