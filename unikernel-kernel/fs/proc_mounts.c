/* /proc/PID/mounts and mountinfo; /proc/filesystems. */
#include "procfs.h"
#include <linux/fs.h>
#include <linux/limits.h>
#include <linux/mount.h>

static void options(struct seq *s, u64 flags)
{
    static const struct { u64 flag; const char *name; } names[] = {
        { MS_NOSUID, ",nosuid" }, { MS_NODEV, ",nodev" }, { MS_NOEXEC, ",noexec" },
        { MS_NOATIME, ",noatime" }, { MS_NODIRATIME, ",nodiratime" },
    };

    seq_puts(s, flags & MS_RDONLY ? "ro" : "rw");
    for (u32 k = 0; k < ARRAY_SIZE(names); k++)
        if (flags & names[k].flag)
            seq_puts(s, names[k].name);
    if (!(flags & (MS_NOATIME | MS_STRICTATIME)))
        seq_puts(s, ",relatime");
}

/* Where m is mounted, as the current root sees it; NULL: out of its sight. */
static const char *mount_name(struct mount *m, char *buf)
{
    struct path p = { m, m->root };

    return path_name(&p, buf, PATH_MAX);
}

static const char *source(const struct mount *m)
{
    return m->sb->source[0] ? m->sb->source : "none";
}

static void mounts_line(struct seq *s, struct mount *m, char *buf)
{
    const char *at = mount_name(m, buf);

    if (!at)
        return;
    seq_escape(s, source(m));
    seq_puts(s, " ");
    seq_escape(s, at);
    seq_printf(s, " %s ", m->sb->type);
    options(s, m->flags);
    seq_puts(s, " 0 0\n");
}

static void mountinfo_line(struct seq *s, struct mount *m, char *buf)
{
    const char *at = mount_name(m, buf);
    struct seq where = { 0 };
    const char *root;

    if (!at)
        return;
    seq_escape(&where, at);
    seq_printf(s, "%d %d %u:%u ", m->id, m->parent ? m->parent->id : 0, DEV_MAJOR(m->sb->dev),
               DEV_MINOR(m->sb->dev));
    root = dentry_name(m->root, buf, PATH_MAX);
    seq_escape(s, root && *root ? root : "/");
    seq_puts(s, " ");
    seq_put(s, where.buf, where.len);
    seq_puts(s, " ");
    options(s, m->flags);
    seq_printf(s, " - %s ", m->sb->type);
    seq_escape(s, source(m));
    seq_puts(s, m->flags & MS_RDONLY ? " ro\n" : " rw\n");
    seq_dispose(&where);
}

static int show(struct seq *s, void (*line)(struct seq *s, struct mount *m, char *buf))
{
    char *buf = kmalloc(PATH_MAX);

    if (!buf)
        return -ENOMEM;
    for (struct mount *m = vfs_mount_next(NULL); m; m = vfs_mount_next(m))
        line(s, m, buf);
    kfree(buf);
    return 0;
}

int proc_mounts(struct seq *s, struct proc_ctx *c) { return show(s, mounts_line); }
int proc_mountinfo(struct seq *s, struct proc_ctx *c) { return show(s, mountinfo_line); }

int proc_filesystems(struct seq *s, struct proc_ctx *c)
{
    const char *name;

    for (unsigned k = 0; vfs_type_name(k, &name); k++)
        seq_printf(s, "nodev\t%s\n", name);
    return 0;
}
