/* Descriptor tables. Only tasks that share a table change it, so a task that has it to
 * itself reads it without the lock. */
#include <linux/resource.h>

#include "fs.h"

#define FIRST_SIZE 64u
#define MAX_FDS    (1u << 20)

static void free_arrays(struct file **file, u64 *cloexec)
{
    kfree(file);
    kfree(cloexec);
}

static struct fdtable *table_new(u32 size)
{
    struct fdtable *t = kzalloc(sizeof *t);
    if (!t)
        return NULL;
    ref_init(&t->ref);
    t->size = size;
    t->file = kzalloc(size * sizeof *t->file);
    t->cloexec = kzalloc(size / 8);
    if (t->file && t->cloexec)
        return t;
    free_arrays(t->file, t->cloexec);
    kfree(t);
    return NULL;
}

struct fdtable *fdtable_new(void) { return table_new(FIRST_SIZE); }

struct fdtable *fdtable_copy(struct fdtable *o)
{
    u32 size = READ_ONCE(o->size);
    struct fdtable *t;
    for (;;) {
        t = table_new(size);
        if (!t)
            return NULL;
        spin_lock(&o->lock);
        if (o->size <= size)
            break;
        size = o->size;
        spin_unlock(&o->lock);
        fdtable_put(t);
    }
    for (u32 fd = 0; fd < o->size; fd++)
        if ((t->file[fd] = o->file[fd]))
            file_get(t->file[fd]);
    memcpy(t->cloexec, o->cloexec, o->size / 8);
    t->next_free = o->next_free;
    spin_unlock(&o->lock);
    return t;
}

/* A descriptor goes away: what close(2) does besides the count. */
static int close_file(struct fdtable *t, struct file *f)
{
    int r = 0;
    if (f->ops->flush && !(f->mode & FMODE_PATH))
        r = f->ops->flush(f);
    if (unlikely(f->inode && f->inode->flocks))
        file_locks_close(f, t);
    file_put(f);
    return r;
}

void fdtable_put(struct fdtable *t)
{
    if (!t || !ref_put(&t->ref))
        return;
    for (u32 fd = 0; fd < t->size; fd++)
        if (t->file[fd])
            close_file(t, t->file[fd]);
    free_arrays(t->file, t->cloexec);
    kfree(t);
}

static void set_cloexec(struct fdtable *t, u32 fd, bool on)
{
    if (on)
        t->cloexec[fd / 64] |= 1ull << (fd % 64);
    else
        t->cloexec[fd / 64] &= ~(1ull << (fd % 64));
}

static struct file *take_locked(struct fdtable *t, u32 fd)
{
    struct file *f = t->file[fd];
    t->file[fd] = NULL;
    set_cloexec(t, fd, false);
    if (f && fd < t->next_free)
        t->next_free = fd;
    return f;
}

void fdtable_close_on_exec(struct fdtable *t)
{
    for (u32 w = 0; w < t->size / 64; w++) {
        while (t->cloexec[w]) {
            u32 fd = w * 64 + (u32)__builtin_ctzll(t->cloexec[w]);
            struct file *f;
            spin_lock(&t->lock);
            f = take_locked(t, fd);
            spin_unlock(&t->lock);
            if (f)
                close_file(t, f);
        }
    }
}

struct file *fd_get_raw(int fd)
{
    struct fdtable *t = current()->files;
    struct file *f = NULL;
    if (likely(READ_ONCE(t->ref.n) == 1)) {
        if ((u32)fd < t->size && (f = t->file[fd]))
            file_get(f);
        return f;
    }
    spin_lock(&t->lock);
    if ((u32)fd < t->size && (f = t->file[fd]))
        file_get(f);
    spin_unlock(&t->lock);
    return f;
}

struct file *fd_get(int fd)
{
    struct file *f = fd_get_raw(fd);
    if (unlikely(f && (f->mode & FMODE_PATH))) {
        file_put(f);
        return NULL;
    }
    return f;
}

/* Makes room for descriptor fd. Lock held; it is let go meanwhile. */
static int grow_locked(struct fdtable *t, u32 fd)
{
    u32 size = t->size;
    struct file **file;
    u64 *cloexec;
    while (size <= fd)
        size *= 2;
    spin_unlock(&t->lock);
    file = kzalloc(size * sizeof *file);
    cloexec = kzalloc(size / 8);
    spin_lock(&t->lock);
    if (!file || !cloexec) {
        free_arrays(file, cloexec);
        return -ENOMEM;
    }
    if (t->size < size) {
        struct file **old = t->file;
        u64 *oldc = t->cloexec;
        memcpy(file, old, t->size * sizeof *file);
        memcpy(cloexec, oldc, t->size / 8);
        t->file = file;
        t->cloexec = cloexec;
        t->size = size;
        file = old;
        cloexec = oldc;
    }
    free_arrays(file, cloexec);
    return 0;
}

static u32 fd_limit(void)
{
    u64 cur = current()->proc->rlim[RLIMIT_NOFILE].cur;
    return cur > MAX_FDS ? MAX_FDS : (u32)cur;
}

int fd_install(struct file *f, int min_fd, bool cloexec)
{
    struct fdtable *t = current()->files;
    u32 limit = fd_limit(), fd;
    int r;
    if (min_fd < 0 || (min_fd && (u32)min_fd >= limit))
        return -EINVAL;
    spin_lock(&t->lock);
    for (;;) {
        fd = max((u32)min_fd, t->next_free);
        while (fd < t->size && t->file[fd])
            fd++;
        r = fd >= limit ? -EMFILE : 0;
        if (r || fd < t->size)
            break;
        if ((r = grow_locked(t, fd)) < 0)
            break;
    }
    if (!r) {
        if ((u32)min_fd <= t->next_free)
            t->next_free = fd + 1;
        t->file[fd] = f;
        set_cloexec(t, fd, cloexec);
        r = (int)fd;
    }
    spin_unlock(&t->lock);
    return r;
}

int fd_replace(int fd, struct file *f, bool cloexec)
{
    struct fdtable *t = current()->files;
    struct file *old;
    int r = 0;
    if (fd < 0 || (u32)fd >= fd_limit())
        return -EBADF;
    spin_lock(&t->lock);
    while ((u32)fd >= t->size && !r)
        r = grow_locked(t, (u32)fd);
    if (r) {
        spin_unlock(&t->lock);
        return r;
    }
    old = t->file[fd];
    t->file[fd] = f;
    set_cloexec(t, (u32)fd, cloexec);
    spin_unlock(&t->lock);
    if (old)
        close_file(t, old);
    return fd;
}

int fd_close(int fd)
{
    struct fdtable *t = current()->files;
    struct file *f = NULL;
    spin_lock(&t->lock);
    if ((u32)fd < t->size)
        f = take_locked(t, (u32)fd);
    spin_unlock(&t->lock);
    return f ? close_file(t, f) : -EBADF;
}

int fd_flags(int fd, int set)
{
    struct fdtable *t = current()->files;
    int r = -EBADF;
    spin_lock(&t->lock);
    if ((u32)fd < t->size && t->file[fd]) {
        r = (int)(t->cloexec[fd / 64] >> (fd % 64) & 1);
        if (set >= 0)
            set_cloexec(t, (u32)fd, set & FD_CLOEXEC);
    }
    spin_unlock(&t->lock);
    return r;
}

u32 fdtable_next(struct fdtable *t, u32 from, struct file **f_r)
{
    u32 fd;
    *f_r = NULL;
    spin_lock(&t->lock);
    for (fd = from; fd < t->size && !t->file[fd]; fd++)
        ;
    if (fd < t->size) {
        *f_r = t->file[fd];
        file_get(*f_r);
    }
    spin_unlock(&t->lock);
    return fd;
}
