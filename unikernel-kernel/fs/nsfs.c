/* Namespaces as files: what /proc/PID/ns/KIND opens, and setns(2) takes. */
#include <linux/nsfs.h>

#include "fs.h"
#include "ns.h"
#include "user.h"

static void nsfs_evict(struct inode *i) { ns_put(i->priv); }

static const struct super_ops nsfs_sops = { .evict = nsfs_evict };
static struct mutex nsfs_lock;
static struct super *nsfs;

/* A descriptor of n, whose reference is taken over. */
static long open_ns(struct ns *n)
{
    struct path p;
    struct file *f;
    int fd, r = ns_path(n, &p);
    if (r < 0)
        return r;
    r = vfs_open_path(&p, O_RDONLY, &f);
    path_put(&p);
    if (r < 0)
        return r;
    fd = fd_install(f, 0, true);
    if (fd < 0)
        file_put(f);
    return fd;
}

static long nsfs_ioctl(struct file *f, u32 cmd, u64 arg)
{
    struct ns *n = f->inode->priv, *other = NULL;
    int r = 0;
    switch (cmd) {
    case NS_GET_NSTYPE:
        return (long)ns_clone_flag(n->kind);
    case NS_GET_USERNS:                 /* there is one, which has no parent to be seen */
        if (n->kind == NS_USER)
            return -EPERM;
        other = ns_first(NS_USER);
        break;
    case NS_GET_PARENT:
        if (n->kind == NS_USER)
            return -EPERM;
        r = n->kind == NS_PID ? ns_pid_parent(n, &other) : -EINVAL;
        break;
    case NS_GET_OWNER_UID:
        return n->kind == NS_USER ? put_user((u32)0, arg) : -EINVAL;
    default:
        return -ENOTTY;
    }
    return r < 0 ? r : open_ns(other);
}

static const struct file_ops nsfs_fops = { .ioctl = nsfs_ioctl };

static struct super *nsfs_super(void)
{
    mutex_lock(&nsfs_lock);
    if (!nsfs && (nsfs = super_new("nsfs", &nsfs_sops, NULL)))
        nsfs->magic = NSFS_MAGIC;
    mutex_unlock(&nsfs_lock);
    return nsfs;
}

int ns_path(struct ns *n, struct path *p_r)
{
    struct super *sb = nsfs_super();
    struct inode *i = sb ? inode_new(sb, S_IFREG | 0444) : NULL;
    char name[32];
    if (!i) {
        ns_put(n);
        return -ENOMEM;
    }
    i->ino = n->ino;
    i->uid = i->gid = 0;
    i->fops = &nsfs_fops;
    i->priv = n;
    snprintf(name, sizeof name, "%s:[%u]", ns_name(n->kind), n->ino);
    *p_r = (struct path){ NULL, d_alloc_nameless(sb, name, i) };
    if (p_r->dentry)
        return 0;
    inode_put(i);
    return -ENOMEM;
}

struct ns *ns_of_file(const struct file *f)
{
    return f->inode && nsfs && f->inode->sb == nsfs ? f->inode->priv : NULL;
}
