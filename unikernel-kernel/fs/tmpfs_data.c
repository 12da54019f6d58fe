/* tmpfs: the contents of files. */
#include <linux/falloc.h>
#include <linux/fs.h>

#include "tmpfs.h"
#include "mm.h"

static ssize_t read_pages(struct inode *i, struct uio *u, u64 pos)
{
    struct tinode *t = tinode_of(i);
    size_t done = 0;
    while (u->left && pos < i->size) {
        size_t off = pos & (PAGE_SIZE - 1);
        size_t n = min(PAGE_SIZE - off, (size_t)min(i->size - pos, (u64)u->left));
        char *page = tpages_find(t, pos >> PAGE_SHIFT);
        ssize_t r = page ? uio_write(u, page + off, n) : uio_zero(u, n);
        if (r < 0)
            return done ? (ssize_t)done : r;
        done += (size_t)r;
        pos += (u64)r;
        if ((size_t)r < n)
            break;
    }
    return (ssize_t)done;
}

static ssize_t tmpfs_read(struct file *f, struct uio *u, loff_t *pos)
{
    struct inode *i = f->inode;
    ssize_t r;
    if ((u64)*pos >= READ_ONCE(i->size) || !u->left)
        return 0;
    mutex_lock(&i->lock);
    r = read_pages(i, u, (u64)*pos);
    mutex_unlock(&i->lock);
    if (r > 0)
        *pos += r;
    return r;
}

static ssize_t write_pages(struct inode *i, struct uio *u, u64 pos)
{
    size_t done = 0;
    int r = 0;
    while (u->left) {
        size_t off = pos & (PAGE_SIZE - 1), n = min(PAGE_SIZE - off, u->left);
        char *page = tpages_get(i, pos >> PAGE_SHIFT, false, false, &r);
        ssize_t k;
        if (!page)
            break;
        k = uio_read(u, page + off, n);
        if (k < 0) {
            r = (int)k;
            break;
        }
        done += (size_t)k;
        pos += (u64)k;
        if (pos > i->size)
            WRITE_ONCE(i->size, pos);
        if ((size_t)k < n)
            break;
    }
    return done ? (ssize_t)done : r;
}

static int seal_forbids_write(const struct tinode *t, u64 end, u64 size)
{
    if (t->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE))
        return -EPERM;
    return (t->seals & F_SEAL_GROW) && end > size ? -EPERM : 0;
}

static ssize_t tmpfs_write(struct file *f, struct uio *u, loff_t *pos)
{
    struct inode *i = f->inode;
    ssize_t r;
    if (!u->left)
        return 0;
    mutex_lock(&i->lock);
    if (f->flags & O_APPEND)
        *pos = (loff_t)i->size;
    r = seal_forbids_write(tinode_of(i), (u64)*pos + u->left, i->size);
    if (!r)
        r = write_pages(i, u, (u64)*pos);
    if (r > 0) {
        *pos += r;
        i->mtime = i->ctime = time_real();
    }
    mutex_unlock(&i->lock);
    return r;
}

/* Zeroes what of the page at pos lies from there to end (or the page's end). */
static void zero_part(struct inode *i, u64 pos, u64 end)
{
    size_t off = pos & (PAGE_SIZE - 1);
    char *page = tpages_find(tinode_of(i), pos >> PAGE_SHIFT);
    if (page && end > pos)
        memset(page + off, 0, min(PAGE_SIZE - off, (size_t)(end - pos)));
}

static void zero_range(struct inode *i, u64 pos, u64 end)
{
    u64 first = PAGE_UP(pos) >> PAGE_SHIFT, last = end >> PAGE_SHIFT;
    if (pos & (PAGE_SIZE - 1))
        zero_part(i, pos, end);
    if (last > first)
        tpages_drop(i, first, last - 1);
    if ((end & (PAGE_SIZE - 1)) && last >= first)
        zero_part(i, PAGE_DOWN(end), end);
}

/* inode lock held */
int tmpfs_set_size(struct inode *i, u64 size)
{
    struct tinode *t = tinode_of(i);
    u64 old = i->size;
    if (size > (u64)INT64_MAX)
        return -EFBIG;
    if ((size < old && (t->seals & F_SEAL_SHRINK)) || (size > old && (t->seals & F_SEAL_GROW)))
        return -EPERM;
    spin_lock(&t->lock);
    WRITE_ONCE(i->size, size);
    spin_unlock(&t->lock);
    if (size < old) {
        t->cut |= t->mapped;
        if (size & (PAGE_SIZE - 1))
            zero_part(i, size, PAGE_UP(size));
        tpages_drop(i, PAGE_UP(size) >> PAGE_SHIFT, ~0ull - 1);
    }
    return 0;
}

void tmpfs_size_set(struct inode *i)
{
    struct tinode *t = tinode_of(i);
    if (!READ_ONCE(t->cut))
        return;
    WRITE_ONCE(t->cut, false);
    mm_file_cut(i, PAGE_UP(READ_ONCE(i->size)) >> PAGE_SHIFT);
}

static int allocate(struct inode *i, u64 off, u64 end, bool keep_size)
{
    int r = 0;
    for (u64 k = off >> PAGE_SHIFT; k < PAGE_UP(end) >> PAGE_SHIFT; k++)
        if (!tpages_get(i, k, false, false, &r))
            return r;
    if (!keep_size && end > i->size)
        WRITE_ONCE(i->size, end);
    return 0;
}

static int tmpfs_fallocate(struct file *f, int mode, loff_t off, loff_t len)
{
    struct inode *i = f->inode;
    u64 end = (u64)(off + len);
    bool punch = mode == (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE);
    bool zero = (mode & ~FALLOC_FL_KEEP_SIZE) == FALLOC_FL_ZERO_RANGE;
    int r;
    if (!punch && !zero && (mode & ~FALLOC_FL_KEEP_SIZE))
        return -EOPNOTSUPP;
    mutex_lock(&i->lock);
    r = seal_forbids_write(tinode_of(i), (mode & FALLOC_FL_KEEP_SIZE) ? 0 : end, i->size);
    if (!punch && !zero && r && !(tinode_of(i)->seals & F_SEAL_GROW))
        r = 0;                  /* plain allocation changes no contents */
    if (!r && (punch || zero))
        zero_range(i, (u64)off, end);
    if (!r && !punch)
        r = allocate(i, (u64)off, end, mode & FALLOC_FL_KEEP_SIZE);
    if (!r)
        i->mtime = i->ctime = time_real();
    mutex_unlock(&i->lock);
    return r;
}

static loff_t seek_hole_data(struct inode *i, loff_t off, bool data)
{
    struct tinode *t = tinode_of(i);
    u64 k = (u64)off >> PAGE_SHIFT, found;
    if (off < 0 || (u64)off >= i->size)
        return -ENXIO;
    if (data) {
        found = tpages_next(t, k);
        if (found == ~0ull || found << PAGE_SHIFT >= i->size)
            return -ENXIO;
        return found == k ? off : (loff_t)(found << PAGE_SHIFT);
    }
    for (found = k; found << PAGE_SHIFT < i->size && tpages_find(t, found); found++)
        ;
    if (found == k)
        return off;
    return (loff_t)min(found << PAGE_SHIFT, i->size);
}

static loff_t tmpfs_llseek(struct file *f, loff_t off, int whence)
{
    struct inode *i = f->inode;
    loff_t base = 0;
    if (whence == SEEK_DATA || whence == SEEK_HOLE)
        off = seek_hole_data(i, off, whence == SEEK_DATA);
    else if (whence == SEEK_CUR)
        base = f->pos;
    else if (whence == SEEK_END)
        base = (loff_t)i->size;
    else if (whence != SEEK_SET)
        return -EINVAL;
    if (off == -ENXIO && (whence == SEEK_DATA || whence == SEEK_HOLE))
        return off;
    if (__builtin_add_overflow(base, off, &off))
        return -EOVERFLOW;
    if (off < 0)
        return -EINVAL;
    f->pos = off;
    return off;
}

static int tmpfs_fsync(struct file *f, bool data_only) { return 0; }

static void *tmpfs_page(struct file *f, u64 index, bool write)
{
    int err;
    if (index >= PAGE_UP(READ_ONCE(f->inode->size)) >> PAGE_SHIFT)
        return NULL;
    return tpages_get(f->inode, index, false, true, &err);
}

static int tmpfs_mmap(struct file *f, struct map_source *s, u32 prot, bool shared)
{
    struct tinode *t = tinode_of(f->inode);
    if (shared && (prot & 2 /* PROT_WRITE */) && (t->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)))
        return -EPERM;
    spin_lock(&t->lock);
    t->mapped = true;
    spin_unlock(&t->lock);
    s->kind = SRC_PAGES;
    s->page = tmpfs_page;
    s->no_write = shared && (t->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE));
    return 0;
}

const struct file_ops tmpfs_file_fops = {
    .read = tmpfs_read, .write = tmpfs_write, .llseek = tmpfs_llseek, .fsync = tmpfs_fsync,
    .fallocate = tmpfs_fallocate, .mmap = tmpfs_mmap,
};
