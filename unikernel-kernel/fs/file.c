/* Open files. */
#include "fs.h"
#include "notify.h"

struct objcache file_cache = OBJCACHE(sizeof(struct file), 64);
static const struct file_ops no_ops;

struct file *file_new(void)
{
    struct file *f = objcache_get(&file_cache);
    if (!f)
        return NULL;
    memset(f, 0, sizeof *f);
    ref_init(&f->ref);
    f->ops = &no_ops;
    f->cred = current()->cred;
    if (f->cred)
        cred_get(f->cred);
    list_init(&f->epitems);
    return f;
}

struct file *file_anon(const char *anon_name, const struct file_ops *ops, void *priv,
                       u32 fmode, u32 flags)
{
    struct file *f = file_new();
    if (!f)
        return NULL;
    f->anon_name = anon_name;
    f->ops = ops;
    f->priv = priv;
    f->mode = fmode;
    f->flags = flags;
    return f;
}

/* For opens that failed: as if it had never been opened. */
void file_discard(struct file *f)
{
    f->ops = &no_ops;
    file_put(f);
}

void file_put(struct file *f)
{
    struct inode *i = f->inode;
    if (!ref_put(&f->ref))
        return;
    if (f->ops != &no_ops)
        notify_file(f, (f->mode & FMODE_WRITE) ? IN_CLOSE_WRITE : IN_CLOSE_NOWRITE);
    if (unlikely(!list_empty(&f->epitems)))
        epoll_file_gone(f);
    if (unlikely(i && i->flocks))
        file_locks_release(f);
    if (f->ops->release)
        f->ops->release(f);
    if (f->mode & FMODE_COUNTED)
        __atomic_sub_fetch(&i->write_count, 1, __ATOMIC_ACQ_REL);
    if (f->mode & FMODE_DENY)
        inode_allow_write(i);
    path_put(&f->path);
    if (i)
        inode_put(i);
    if (f->cred)
        cred_put(f->cred);
    objcache_put(&file_cache, f);
}

int file_path(struct file *f, struct path *p_r)
{
    struct dentry *d;
    if (f->path.dentry) {
        *p_r = f->path;
        path_get(p_r);
        return 0;
    }
    if (!f->inode)
        return -ENXIO;
    d = d_alloc_nameless(f->inode->sb, f->anon_name ? f->anon_name : "", f->inode);
    if (!d)
        return -ENOMEM;
    inode_get(f->inode);
    *p_r = (struct path){ NULL, d };
    return 0;
}
