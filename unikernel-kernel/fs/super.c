/* Super blocks. Mounts count as active users; inodes keep the structure itself. */
#include "fs.h"

static u32 last_dev = 20;       /* anonymous device numbers 0:21, 0:22, ... */

struct super *super_new(const char *type, const struct super_ops *ops, void *priv)
{
    struct super *sb = kzalloc(sizeof *sb);
    if (!sb)
        return NULL;
    ref_init(&sb->ref);
    sb->dev = __atomic_add_fetch(&last_dev, 1, __ATOMIC_RELAXED);
    sb->dev = (u32)MKDEV(0, sb->dev);
    sb->type = type;
    sb->ops = ops;
    sb->priv = priv;
    return sb;
}

void super_get(struct super *sb) { ref_get(&sb->ref); }

void super_put(struct super *sb)
{
    if (!ref_put(&sb->ref))
        return;
    if (sb->ops->umount)
        sb->ops->umount(sb);
    kfree(sb);
}

int vfs_statfs(struct super *sb, struct kstatfs *st)
{
    memset(st, 0, sizeof *st);
    st->type = sb->magic;
    st->bsize = st->frsize = PAGE_SIZE;
    st->namelen = NAME_MAX;
    return sb->ops->statfs ? sb->ops->statfs(sb, st) : 0;
}
