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

/* Where m is mounted, as root sees it; NULL: out of its sight. */
static const char *mount_name(struct mount *m, const struct path *root, char *buf)
{
    struct path p = { m, m->root };

    return path_name_below(&p, root, buf, PATH_MAX);
}

static const char *source(const struct mount *m)
{
    return m->sb->source[0] ? m->sb->source : "none";
}

static void mounts_line(struct seq *s, struct mount *m, const struct path *seen_from,
                        char *buf)
{
    const char *at = mount_name(m, seen_from, buf);

    if (!at)
        return;
    seq_escape(s, source(m));
    seq_puts(s, " ");
    seq_escape(s, at);
    seq_printf(s, " %s ", m->sb->type);
    options(s, m->flags);
    seq_puts(s, " 0 0\n");
}

static void mountinfo_line(struct seq *s, struct mount *m, const struct path *seen_from,
                        char *buf)
{
    const char *at = mount_name(m, seen_from, buf);
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
    if (m->group)
        seq_printf(s, " shared:%u", m->group);
    if (m->master)
        seq_printf(s, " master:%u", m->master);
    if (m->unbindable)
        seq_puts(s, " unbindable");
    seq_printf(s, " - %s ", m->sb->type);
    seq_escape(s, source(m));
    seq_puts(s, m->flags & MS_RDONLY ? " ro\n" : " rw\n");
    seq_dispose(&where);
}

typedef void (*line_fn)(struct seq *s, struct mount *m, const struct path *seen_from, char *buf);

/* The mounts of the process's namespace that its root lets it see. */
static int show(struct seq *s, struct proc_ctx *c, line_fn line)
{
    struct fsctx *fs = task_fs_get(c->task);
    char *buf = fs ? kmalloc(PATH_MAX) : NULL;
    struct ns *ns;
    struct path root;

    if (!buf) {
        fsctx_put(fs);
        return fs ? -ENOMEM : -EINVAL;
    }
    ns = fsctx_mntns_get(fs);
    spin_lock(&fs->lock);
    root = fs->root;
    path_get(&root);
    spin_unlock(&fs->lock);
    for (struct mount *m = vfs_mount_next(NULL); m; m = vfs_mount_next(m))
        if (m->ns && &m->ns->ns == ns)
            line(s, m, &root, buf);
    path_put(&root);
    ns_put(ns);
    fsctx_put(fs);
    kfree(buf);
    return 0;
}

int proc_mounts(struct seq *s, struct proc_ctx *c) { return show(s, c, mounts_line); }
int proc_mountinfo(struct seq *s, struct proc_ctx *c) { return show(s, c, mountinfo_line); }

int proc_filesystems(struct seq *s, struct proc_ctx *c)
{
    const char *name;

    for (unsigned k = 0; vfs_type_name(k, &name); k++)
        seq_printf(s, "nodev\t%s\n", name);
    return 0;
}
