/* /sys: the few facts about the machine that programs look for. Read-only; the tree is
 * made at the first mount from sysfs.def. */
#include <linux/magic.h>
#include <linux/stat.h>

#include "fs.h"
#include "plat.h"
#include "seq.h"
#include "vfs.h"

enum { TEXT_EMPTY, TEXT_NEVER, TEXT_NEVER_DEFRAG };

struct sys_node {
    const char *name;
    char name_buf[8];           /* "cpu12" */
    struct sys_node *child, *sibling;
    void (*show)(struct seq *s, u32 arg);       /* NULL: a directory */
    u32 arg;
    u64 ino;
};

static struct sys_node *root;
static struct mutex tree_lock;
static u64 last_ino;

/* -- texts -- */

static void show_number(struct seq *s, u32 arg) { seq_printf(s, "%u\n", arg); }
static void show_zero(struct seq *s, u32 arg) { seq_puts(s, "0\n"); }

static void show_text(struct seq *s, u32 arg)
{
    static const char *const texts[] = {
        [TEXT_EMPTY] = "\n",
        [TEXT_NEVER] = "always madvise [never]\n",
        [TEXT_NEVER_DEFRAG] = "always defer defer+madvise madvise [never]\n",
    };

    seq_puts(s, texts[arg]);
}

static void show_cpus(struct seq *s, u32 arg)
{
    unsigned n = plat_ncpus();

    if (n > 1)
        seq_printf(s, "0-%u\n", n - 1);
    else
        seq_puts(s, "0\n");
}

/* CPU masks are groups of 32 bits in hexadecimal, highest first. */
static void print_mask(struct seq *s, u64 mask)
{
    if (mask >> 32)
        seq_printf(s, "%x,%08x\n", (u32)(mask >> 32), (u32)mask);
    else
        seq_printf(s, "%x\n", (u32)mask);
}

static void show_mask(struct seq *s, u32 arg)
{
    unsigned n = plat_ncpus();

    print_mask(s, n >= 64 ? ~0ull : (1ull << n) - 1);
}

static void show_one_mask(struct seq *s, u32 arg) { print_mask(s, 1ull << (arg & 63)); }

/* -- the tree -- */

static const struct sys_entry {
    const char *path;
    void (*show)(struct seq *s, u32 arg);
    u32 arg;
} entries[] = {
#define DIR(path) { path, NULL, 0 },
#define FILE(path, fn, arg) { path, fn, arg },
#include "sysfs.def"
#undef DIR
#undef FILE
};

static struct sys_node *find(const struct sys_node *dir, const char *name, size_t len)
{
    struct sys_node *n;

    for (n = dir->child; n; n = n->sibling)
        if (strlen(n->name) == len && !memcmp(n->name, name, len))
            return n;
    return NULL;
}

static struct sys_node *add(struct sys_node *dir, const char *name)
{
    struct sys_node *n = kzalloc(sizeof *n), **at;

    if (!n)
        return NULL;
    n->name = name;
    n->ino = ++last_ino;
    for (at = &dir->child; *at; at = &(*at)->sibling)
        ;
    *at = n;
    return n;
}

/* One entry, or one of each CPU's. 0 or -ENOMEM. */
static int add_entry(const struct sys_entry *e, u32 cpu)
{
    struct sys_node *dir = root;
    const char *p = e->path, *slash;
    char cpu_name[8];

    snprintf(cpu_name, sizeof cpu_name, "cpu%u", cpu);
    for (; (slash = strchr(p, '/')); p = slash + 1) {
        bool is_cpu = !strncmp(p, "cpu%u", 5);

        dir = find(dir, is_cpu ? cpu_name : p, is_cpu ? strlen(cpu_name) : (size_t)(slash - p));
        if (!dir)
            return -ENOMEM;
    }
    dir = add(dir, p);
    if (!dir)
        return -ENOMEM;
    if (!strcmp(p, "cpu%u")) {
        memcpy(dir->name_buf, cpu_name, sizeof cpu_name);
        dir->name = dir->name_buf;
    }
    dir->show = e->show;
    dir->arg = strstr(e->path, "cpu%u") ? cpu : e->arg;
    return 0;
}

static int make_tree(void)
{
    int r = 0;

    mutex_lock(&tree_lock);
    if (!root && (root = kzalloc(sizeof *root))) {
        root->name = "";
        root->ino = ++last_ino;
        for (u32 k = 0; r == 0 && k < ARRAY_SIZE(entries); k++) {
            bool each = strstr(entries[k].path, "cpu%u") != NULL;

            for (u32 cpu = 0; r == 0 && cpu < (each ? plat_ncpus() : 1); cpu++)
                r = add_entry(&entries[k], cpu);
        }
    }
    if (!root)
        r = -ENOMEM;
    mutex_unlock(&tree_lock);
    return r;
}

/* -- the file system -- */

static struct inode *sys_inode(struct super *sb, struct sys_node *n);

static int sys_lookup(struct inode *dir, struct dentry *d)
{
    struct sys_node *n = find(dir->priv, d->name, d->len);
    struct inode *i = n ? sys_inode(dir->sb, n) : NULL;

    if (n && !i)
        return -ENOMEM;
    d->valid_until = WAIT_FOREVER;
    d_add(d, i);
    return 0;
}

static int sys_readdir(struct file *f, struct dirent_ctx *c)
{
    const struct sys_node *n = ((struct sys_node *)f->inode->priv)->child;
    u64 at = 2;

    if (f->pos < 2 && !readdir_dots(f, c))
        return 0;
    for (; n; n = n->sibling, at++)
        if (at >= (u64)f->pos && !c->emit(c, n->name, strlen(n->name), n->ino, at + 1,
                                          n->show ? 8 : 4))
            break;
    return 0;
}

static ssize_t sys_read(struct file *f, struct uio *u, loff_t *pos)
{
    const struct sys_node *n = f->inode->priv;
    struct seq s = { 0 };
    ssize_t r;

    n->show(&s, n->arg);
    r = s.failed ? -ENOMEM : seq_read(&s, u, pos);
    seq_dispose(&s);
    return r;
}

static int sys_setattr(struct inode *i, const struct iattr *a)
{
    return -EPERM;
}

static const struct inode_ops sys_dir_iops = { .lookup = sys_lookup, .setattr = sys_setattr };
static const struct inode_ops sys_file_iops = { .setattr = sys_setattr };
static const struct file_ops sys_dir_fops = { .readdir = sys_readdir };
static const struct file_ops sys_file_fops = { .read = sys_read };
static const struct super_ops sys_super_ops = { .evict = NULL };

static struct inode *sys_inode(struct super *sb, struct sys_node *n)
{
    struct inode *i = inode_new(sb, n->show ? S_IFREG | 0444 : S_IFDIR | 0555);

    if (!i)
        return NULL;
    i->uid = i->gid = 0;
    i->ino = n->ino;
    i->priv = n;
    i->size = n->show ? PAGE_SIZE : 0;
    i->nlink = n->show ? 1 : 2;
    i->ops = n->show ? &sys_file_iops : &sys_dir_iops;
    i->fops = n->show ? &sys_file_fops : &sys_dir_fops;
    return i;
}

int sysfs_mount(const char *source, u64 flags, const char *data, struct super **sb_r)
{
    struct super *sb;
    struct inode *i;
    int r = make_tree();

    if (r < 0)
        return r;
    sb = super_new("sysfs", &sys_super_ops, NULL);
    if (!sb)
        return -ENOMEM;
    sb->magic = SYSFS_MAGIC;
    strlcpy(sb->source, source && *source ? source : "sysfs", sizeof sb->source);
    i = sys_inode(sb, root);
    sb->root = i ? d_root(sb, i) : NULL;
    if (!sb->root)
        return -ENOMEM;
    *sb_r = sb;
    return 0;
}
