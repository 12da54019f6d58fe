/* The mqueue file system: a tmpfs directory whose files are message queues. There is one;
 * mounting shows it, and it lives on when nobody has it mounted. */
#include "mqueue_i.h"
#include "sysctl.h"

enum { FILE_SIZE = 80, MQUEUE_MAGIC = 0x19800202 };     /* FILE_SIZE: as stat reports it */

static struct mutex make_mutex;
static struct mount *own;               /* of no place in the tree: keeps the file system */
static u32 queues;

static int mq_setattr(struct inode *i, const struct iattr *a)
{
    struct iattr b = *a;

    b.valid &= ~(u32)ATTR_SIZE;         /* there is nothing to cut */
    return tmpfs_setattr(i, &b);
}

static const struct inode_ops mq_iops = { .setattr = mq_setattr };

/* dir's lock held. */
static int make_queue(struct inode *dir, struct dentry *d, u32 mode, const struct mq_attr *attr)
{
    struct mqueue *q;
    struct inode *i;
    int r;

    if (READ_ONCE(queues) >= sysctl_get(SC_MQ_QUEUES_MAX) && !capable(24 /* CAP_SYS_RESOURCE */))
        return -ENOSPC;
    q = mqueue_new(attr, &r);
    if (!q) return r;
    i = tmpfs_inode(dir->sb, dir, S_IFREG | mode, 0, &r);
    if (!i) {
        mqueue_free(q);
        return r;
    }
    tinode_of(i)->mq = q;
    __atomic_add_fetch(&queues, 1, __ATOMIC_RELAXED);
    i->ops = &mq_iops;
    i->fops = &mqueue_fops;
    i->size = FILE_SIZE;
    r = tmpfs_add(dir, d->name, d->len, i);
    if (r) {
        inode_put(i);
        return r;
    }
    inode_get(i);
    d_add(d, i);
    return 0;
}

void tmpfs_mq_evict(struct tinode *t)
{
    mqueue_free(t->mq);
    __atomic_sub_fetch(&queues, 1, __ATOMIC_RELAXED);
}

static void default_attr(struct mq_attr *a)
{
    memset(a, 0, sizeof *a);
    a->mq_maxmsg = (long)min(sysctl_get(SC_MQ_MSG_DEFAULT), sysctl_get(SC_MQ_MSG_MAX));
    a->mq_msgsize = (long)min(sysctl_get(SC_MQ_SIZE_DEFAULT), sysctl_get(SC_MQ_SIZE_MAX));
}

/* A file made by open(2) or touch in a mounted one. */
static int mq_create(struct inode *dir, struct dentry *d, u32 mode)
{
    struct mq_attr a;

    default_attr(&a);
    return make_queue(dir, d, mode, &a);
}

/* Names are tmpfs's; but a queue has one alone, and there are no directories. */
static int mq_lookup(struct inode *dir, struct dentry *d) { return tmpfs_dir_iops.lookup(dir, d); }
static int mq_unlink(struct inode *dir, struct dentry *d) { return tmpfs_dir_iops.unlink(dir, d); }

static const struct inode_ops mq_dir_iops = {
    .lookup = mq_lookup, .create = mq_create, .unlink = mq_unlink, .setattr = tmpfs_setattr,
};

static struct mount *own_mount(int *err_r)
{
    struct super *sb = NULL;

    *err_r = 0;
    if (READ_ONCE(own)) return own;
    mutex_lock(&make_mutex);
    if (!own) sb = tmpfs_super("mqueue", "mode=1777,uid=0,gid=0", err_r);
    if (sb) {
        sb->magic = MQUEUE_MAGIC;
        strlcpy(sb->source, "mqueue", sizeof sb->source);
        sb->root->inode->ops = &mq_dir_iops;
        own = mount_new(sb, sb->root, 0);
        if (!own) super_end(sb);
    }
    if (!own && !*err_r) *err_r = -ENOMEM;
    mutex_unlock(&make_mutex);
    return own;
}

int mqueue_mount(const char *source, u64 flags, const char *data, struct super **sb_r)
{
    int r;
    struct mount *m = own_mount(&r);

    if (m) *sb_r = m->sb;
    return m ? 0 : r;
}

/* -- names given to calls: one component of the root directory -- */

/* The name looked up, the directory's lock held; also after an error. */
static int find_name(struct mount *m, const char *name, struct dentry **d_r)
{
    size_t len = strlen(name);
    u32 h = D_HASH_INIT;

    if (!len) return -ENOENT;
    if (len > NAME_MAX) return -ENAMETOOLONG;
    if (strchr(name, '/') || !strcmp(name, ".") || !strcmp(name, "..")) return -EACCES;
    for (const char *p = name; *p; p++) h = d_hash_step(h, (u8)*p);
    return lookup_locked(m->root, name, (u32)len, h, d_r);
}

static int open_or_make(struct mount *m, struct dentry *d, u32 *flags, u32 mode,
                        const struct mq_attr *attr)
{
    struct path dir = { m, m->root };
    struct mq_attr plain;
    int r;

    if (d->inode) {
        if ((*flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL)) return -EEXIST;
        return (*flags & O_ACCMODE) == O_ACCMODE ? -EINVAL : 0;
    }
    if (!(*flags & O_CREAT)) return -ENOENT;
    r = may_create(&dir);
    if (r) return r;
    default_attr(&plain);
    return make_queue(m->root->inode, d, mode & 07777, attr ? attr : &plain);
}

int mq_file_open(const char *name, u32 flags, u32 mode, const struct mq_attr *attr,
                 struct file **file_r)
{
    int r;
    struct mount *m = own_mount(&r);
    struct dentry *d = NULL;

    if (!m) return r;
    mutex_lock(&m->root->inode->lock);
    r = find_name(m, name, &d);
    if (!r) r = open_or_make(m, d, &flags, mode, attr);
    mutex_unlock(&m->root->inode->lock);
    if (!r) {
        struct path p = { m, d };

        r = vfs_open_path(&p, flags & (O_ACCMODE | O_NONBLOCK), file_r);
    }
    if (d) dentry_put(d);
    return r;
}

int mq_name_unlink(const char *name)
{
    int r;
    struct mount *m = own_mount(&r);
    struct dentry *d = NULL;

    if (!m) return r;
    mutex_lock(&m->root->inode->lock);
    r = find_name(m, name, &d);
    if (!r) {
        struct path dir = { m, m->root };

        r = may_delete(&dir, d, false);
        if (!r) r = m->root->inode->ops->unlink(m->root->inode, d);
        if (!r) d_unlinked(d);
    }
    mutex_unlock(&m->root->inode->lock);
    if (d) dentry_put(d);
    return r;
}
