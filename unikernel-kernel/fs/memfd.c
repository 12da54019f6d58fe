/* Nameless tmpfs files: memfd_create(2) and shared anonymous memory; seals. */
#include "tmpfs.h"
#include "mm.h"

static struct mutex make_mutex;
static struct super *shm;               /* made by the first, never mounted */

static struct super *shm_super(void)
{
    int r;
    if (READ_ONCE(shm))
        return shm;
    mutex_lock(&make_mutex);
    if (!shm)
        shm = tmpfs_super("tmpfs", "size=100%,nr_inodes=0", &r);
    mutex_unlock(&make_mutex);
    return shm;
}

struct file *tmpfs_anon_file(const char *name, u64 size, bool sealable)
{
    struct super *sb = shm_super();
    struct file *f = sb ? file_new() : NULL;
    struct inode *i;
    struct dentry *d;
    int r;
    if (!f)
        return NULL;
    i = tmpfs_inode(sb, NULL, S_IFREG | 0777, 0, &r);
    d = i ? d_alloc_nameless(sb, name, i) : NULL;
    if (!d) {
        if (i)
            inode_put(i);
        file_discard(f);
        return NULL;
    }
    i->nlink = 0;
    i->size = size;
    if (sealable)
        tinode_of(i)->seals = 0;
    f->mode = FMODE_READ | FMODE_WRITE;
    f->flags = O_RDWR | O_LARGEFILE;
    f->ops = &tmpfs_file_fops;
    f->path.dentry = d;                 /* nameless: no mount */
    f->inode = i;
    inode_get(i);
    return f;
}

int shmem_file_new(const char *name, u64 size, struct file **file_r)
{
    *file_r = tmpfs_anon_file(name, size, false);
    return *file_r ? 0 : -ENOMEM;
}

static bool has_seals(const struct file *f)
{
    return f->inode && S_ISREG(f->inode->mode) && f->inode->fops == &tmpfs_file_fops;
}

int file_get_seals(struct file *f)
{
    return has_seals(f) ? (int)tinode_of(f->inode)->seals : -EINVAL;
}

int file_add_seals(struct file *f, u32 seals)
{
    struct tinode *t;
    u32 before;
    int r = 0;
    if (seals & ~(u32)(F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE |
                       F_SEAL_FUTURE_WRITE))
        return -EINVAL;
    if (!has_seals(f))
        return -EINVAL;
    if (!(f->mode & FMODE_WRITE))
        return -EPERM;
    t = tinode_of(f->inode);
    mutex_lock(&f->inode->lock);
    before = t->seals;
    if (t->seals & F_SEAL_SEAL)
        r = -EPERM;
    else if ((seals & ~t->seals & F_SEAL_WRITE) && mm_file_may_store(f->inode))
        r = -EBUSY;
    else
        t->seals |= seals;
    mutex_unlock(&f->inode->lock);
    if (r || !(seals & F_SEAL_WRITE) || !t->mapped || !mm_file_written(f->inode))
        return r;
    mutex_lock(&f->inode->lock);
    t->seals = before;
    mutex_unlock(&f->inode->lock);
    return -EBUSY;
}
