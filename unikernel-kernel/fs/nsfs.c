/* Namespaces as files: what /proc/PID/ns/KIND opens, and setns(2) takes. */
#include <linux/nsfs.h>

#include "fs.h"
#include "ns.h"

static void nsfs_evict(struct inode *i) { ns_put(i->priv); }

static const struct super_ops nsfs_sops = { .evict = nsfs_evict };
static struct mutex nsfs_lock;
static struct super *nsfs;

static long nsfs_ioctl(struct file *f, u32 cmd, u64 arg)
{
    const struct ns *n = f->inode->priv;
    return cmd == NS_GET_NSTYPE ? (long)ns_clone_flag(n->kind) : -ENOTTY;
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
