/* devtmpfs: a tmpfs that is born with the nodes of the known devices. */
#include "tmpfs.h"

static int add_node(struct super *sb, const char *name, u32 mode, u64 rdev)
{
    int r;
    struct inode *i = tmpfs_inode(sb, NULL, mode, rdev, &r);
    if (!i)
        return r;
    i->uid = i->gid = 0;
    r = tmpfs_add(sb->root->inode, name, strlen(name), i);
    if (r)
        inode_put(i);
    return r;
}

static int add_link(struct super *sb, const char *name, const char *target)
{
    int r;
    struct inode *i = tmpfs_inode(sb, NULL, S_IFLNK | 0777, 0, &r);
    if (!i)
        return r;
    inode_set_link(i, target, strlen(target));
    i->size = strlen(target);
    r = i->link ? tmpfs_add(sb->root->inode, name, strlen(name), i) : -ENOMEM;
    if (r)
        inode_put(i);
    return r;
}

int devtmpfs_mount(const char *source, u64 flags, const char *data, struct super **sb_r)
{
    static const char *const links[][2] = {
        { "fd", "/proc/self/fd" }, { "stdin", "/proc/self/fd/0" },
        { "stdout", "/proc/self/fd/1" }, { "stderr", "/proc/self/fd/2" },
    };
    struct chrdev_info c;
    int r;
    struct super *sb = tmpfs_super("devtmpfs", data && *data ? data : "mode=0755", &r);
    if (!sb)
        return r;
    for (unsigned k = 0; !r && chrdev_nth(k, &c); k++)
        if (*c.name)
            r = add_node(sb, c.name, S_IFCHR | c.mode, c.rdev);
    for (unsigned k = 0; !r && k < ARRAY_SIZE(links); k++)
        r = add_link(sb, links[k][0], links[k][1]);
    if (!r)
        r = add_node(sb, "pts", S_IFDIR | 0755, 0);
    if (!r)
        r = add_node(sb, "shm", S_IFDIR | 01777, 0);
    if (r) {
        super_end(sb);
        return r;
    }
    *sb_r = sb;
    return 0;
}
