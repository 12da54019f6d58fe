/* devpts: the file system of pseudoterminals, one name a pair plus ptmx. Every mount is
 * an instance of its own (as with newinstance, Linux 4.7 and later). Nothing is cached:
 * names exist while their masters are open. */
#include <linux/magic.h>
#include <linux/stat.h>
#include "fs.h"
#include "ttyint.h"

#define MAX_PTYS 1024u

struct devpts {
    struct list link;           /* instances; instances_lock */
    struct super *sb;
    u32 mode, gid, ptmxmode;
    bool has_gid;
    struct spinlock lock;
    u32 top;                    /* slots from here on were never used */
    struct { struct tty *t; struct inode *i; } slot[MAX_PTYS];  /* i: counted by the pty */
};
#define DEVPTS_PAGES (PAGE_UP(sizeof(struct devpts)) / PAGE_SIZE)

static struct list instances = LIST_INIT(instances);
static struct spinlock instances_lock;

static struct devpts *inode_devpts(const struct inode *i) { return i->sb->priv; }

/* -- pairs -- */

static const struct inode_ops node_ops = { 0 };

int devpts_add(struct devpts *d, struct tty *t, struct inode **inode_r)
{
    struct inode *i = inode_new(d->sb, S_IFCHR | d->mode);
    u32 n = 0;

    if (!i)
        return -ENOMEM;
    if (d->has_gid)
        i->gid = d->gid;
    spin_lock(&d->lock);
    while (n < MAX_PTYS && d->slot[n].t)
        n++;
    if (n < MAX_PTYS) {
        i->ino = n + 3;
        i->ops = &node_ops;
        i->priv = t;
        inode_init_special(i, MKDEV(136, n));
        tty_get(t);                     /* the inode's: evict */
        d->slot[n].t = t;
        d->slot[n].i = i;
        d->top = max(d->top, n + 1);
    }
    spin_unlock(&d->lock);
    if (n == MAX_PTYS) {
        inode_put(i);
        return -ENOSPC;
    }
    *inode_r = i;
    return (int)n;
}

void devpts_remove(struct devpts *d, u32 index)
{
    spin_lock(&d->lock);
    d->slot[index].t = NULL;
    d->slot[index].i = NULL;
    spin_unlock(&d->lock);
}

static struct inode *node_get(struct devpts *d, u64 index)
{
    struct inode *i = NULL;

    spin_lock(&d->lock);
    if (index < d->top && d->slot[index].i && inode_tryget(d->slot[index].i))
        i = d->slot[index].i;
    spin_unlock(&d->lock);
    return i;
}

/* -- names -- */

/* A number without leading zeros, or MAX_PTYS. */
static u64 parse_index(const char *name)
{
    char *end;
    u64 n = strtou64(name, &end, 10);
    bool plain = *end == 0 && end > name && end - name < 6 && (*name != '0' || end == name + 1);

    return plain ? n : MAX_PTYS;
}

static struct inode *make_inode(struct devpts *d, u32 mode, u64 ino)
{
    struct inode *i = inode_new(d->sb, mode);

    if (!i)
        return NULL;
    i->ino = ino;
    i->uid = i->gid = 0;
    i->ops = &node_ops;
    if (S_ISCHR(mode))
        inode_init_special(i, MKDEV(5, 2));
    return i;
}

static int devpts_lookup(struct inode *dir, struct dentry *de)
{
    struct devpts *d = inode_devpts(dir);
    struct inode *i = NULL;

    if (strcmp(de->name, "ptmx"))
        i = node_get(d, parse_index(de->name));
    else if (!(i = make_inode(d, S_IFCHR | d->ptmxmode, 2)))
        return -ENOMEM;
    d_add(de, i);
    return 0;
}

static bool devpts_revalidate(struct dentry *de)
{
    struct devpts *d;
    u64 n;

    if (!de->inode || !S_ISCHR(de->inode->mode) || DEV_MAJOR(de->inode->rdev) != 136)
        return de->inode != NULL;
    d = inode_devpts(de->inode);
    n = de->inode->ino - 3;
    return READ_ONCE(d->slot[n].i) == de->inode;
}

static const struct inode_ops root_ops = {
    .lookup = devpts_lookup,
    .revalidate = devpts_revalidate,
};

static int devpts_readdir(struct file *f, struct dirent_ctx *c)
{
    struct devpts *d = inode_devpts(f->inode);
    u64 pos = (u64)max(f->pos, 2l);
    char name[12];

    if (!readdir_dots(f, c))
        return 0;
    if (pos == 2 && !c->emit(c, "ptmx", 4, 2, 3, mode_dtype(S_IFCHR)))
        return 0;
    for (pos = max(pos, 3ul); pos < 3 + (u64)READ_ONCE(d->top); pos++) {
        u32 n = (u32)pos - 3;
        if (!READ_ONCE(d->slot[n].i))
            continue;
        size_t len = (size_t)snprintf(name, sizeof name, "%u", n);
        if (!c->emit(c, name, len, n + 3, pos + 1, mode_dtype(S_IFCHR)))
            return 0;
    }
    return 0;
}

static const struct file_ops root_fops = { .readdir = devpts_readdir };

/* -- opening -- */

/* The instance that a node belongs to, or for nodes elsewhere (/dev/ptmx) the one that
 * was mounted first; its super block is counted. */
struct devpts *devpts_of(const struct inode *i)
{
    struct devpts *d = NULL;

    spin_lock(&instances_lock);
    if (i->sb->magic == DEVPTS_SUPER_MAGIC)
        d = i->sb->priv;
    else if (!list_empty(&instances))
        d = list_first(&instances, struct devpts, link);
    if (d)
        super_get(d->sb);
    spin_unlock(&instances_lock);
    return d;
}

void devpts_put(struct devpts *d)
{
    super_put(d->sb);
}

static int ptmx_open(struct inode *i, struct file *f)
{
    struct devpts *d = devpts_of(i);

    if (!d)
        return -ENODEV;
    int r = pty_open_master(d, f);
    devpts_put(d);
    return r;
}

static int pts_open(struct inode *i, struct file *f)
{
    struct devpts *d = devpts_of(i);
    struct inode *node = d ? node_get(d, DEV_MINOR(i->rdev)) : NULL;
    int r = -EIO;

    if (node) {
        struct tty *t = node->priv;
        if (pty_open_allowed(t)) {
            tty_get(t);
            r = tty_open_file(t, f, true);
        }
        inode_put(node);
    }
    if (d)
        devpts_put(d);
    return r;
}

const struct file_ops ptmx_fops = { .open = ptmx_open };
const struct file_ops pts_fops = { .open = pts_open };

/* -- mounting -- */

static void devpts_evict(struct inode *i)
{
    if (S_ISCHR(i->mode) && DEV_MAJOR(i->rdev) == 136 && i->priv)
        tty_put(i->priv);
}

static void devpts_umount(struct super *sb)
{
    struct devpts *d = sb->priv;

    spin_lock(&instances_lock);
    list_del(&d->link);
    spin_unlock(&instances_lock);
    kpages_free(d, DEVPTS_PAGES);
}

static const struct super_ops devpts_sops = { .evict = devpts_evict, .umount = devpts_umount };

/* mode=, gid=, ptmxmode=, and options that change nothing here. */
static int parse_options(struct devpts *d, const char *s)
{
    while (s && *s) {
        const char *next = strchr(s, ',');
        if (!strncmp(s, "mode=", 5)) {
            d->mode = (u32)strtou64(s + 5, NULL, 8) & 07777;
        } else if (!strncmp(s, "ptmxmode=", 9)) {
            d->ptmxmode = (u32)strtou64(s + 9, NULL, 8) & 07777;
        } else if (!strncmp(s, "gid=", 4)) {
            d->gid = (u32)strtou64(s + 4, NULL, 10);
            d->has_gid = true;
        } else if (strncmp(s, "newinstance", 11) && strncmp(s, "max=", 4) &&
                   strncmp(s, "uid=", 4)) {
            return -EINVAL;
        }
        s = next ? next + 1 : NULL;
    }
    return 0;
}

int devpts_mount(const char *source, u64 flags, const char *data, struct super **sb_r)
{
    struct devpts *d = kpages(DEVPTS_PAGES);    /* untouched as long as nobody needs it */

    if (!d)
        return -ENOMEM;
    d->mode = 0600;
    list_init(&d->link);
    int r = parse_options(d, data);
    if (!r && !(d->sb = super_new("devpts", &devpts_sops, d)))
        r = -ENOMEM;
    if (r) {
        kpages_free(d, DEVPTS_PAGES);
        return r;
    }
    d->sb->magic = DEVPTS_SUPER_MAGIC;
    d->sb->nocache = true;
    struct inode *root = make_inode(d, S_IFDIR | 0755, 1);
    if (root) {
        root->ops = &root_ops;
        root->fops = &root_fops;
        root->nlink = 2;
        d->sb->root = d_root(d->sb, root);
    }
    if (!d->sb->root) {
        super_put(d->sb);
        return -ENOMEM;
    }
    spin_lock(&instances_lock);
    list_add_tail(&instances, &d->link);
    spin_unlock(&instances_lock);
    *sb_r = d->sb;
    return 0;
}
