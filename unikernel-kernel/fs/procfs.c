/* /proc: the tree. Static names come from proc.def, numbers from the tasks; inodes are
 * made at lookup and forgotten after use, so that nothing here outlives a task. */
#include "procfs.h"
#include <linux/capability.h>
#include <linux/magic.h>
#include <linux/stat.h>
#include "sysctl.h"
#include "time.h"

#define PROC_DIR(path, mode) { path, PROC_K_DIR, mode, 0, NULL, NULL, NULL },
#define PROC_FILE(path, mode, fn, arg) { path, PROC_K_FILE, mode, arg, fn, NULL, NULL },
#define PROC_RW(path, mode, fn, set, arg) { path, PROC_K_FILE, mode, arg, fn, set, NULL },
#define PROC_LINK(path, mode, fn, to, arg) { path, PROC_K_LINK, mode, arg, fn, NULL, to },
#define PROC_SPECIAL(path, mode, kind) { path, kind, mode, 0, NULL, NULL, NULL },
static const struct proc_entry entries[] = {
#include "proc.def"
};
static const struct proc_entry root_entry = { "", PROC_K_PIDS, 0555, 0, NULL, NULL, NULL };

/* What numbers lead to inside fd, fdinfo and the root (a process: nodes_pid). */
static const struct proc_entry fd_entry =
    { "", PROC_K_LINK, 0700, 0, proc_fd_show, NULL, proc_fd_follow };
static const struct proc_entry fdinfo_entry =
    { "", PROC_K_FILE, 0400, 0, proc_fdinfo_show, NULL, NULL };

enum { NODE_FD = ARRAY_SIZE(entries) + 1, NODE_FDINFO, NODE_COUNT };
static struct proc_node *nodes, *node_pid;      /* nodes[0]: the root */
static struct mutex nodes_lock;

/* -- the table as a tree -- */

static bool is_inside(const char *dir, const char *path)
{
    size_t n = strlen(dir);

    return !n || (!strncmp(dir, path, n) && path[n] == '/');
}

static void link_node(struct proc_node *n, const char *path)
{
    struct proc_node *parent = &nodes[0], **at;

    for (struct proc_node *d = &nodes[1]; d < n; d++)
        if (d->e->kind == PROC_K_DIR && is_inside(d->e->path, path) &&
            strlen(d->e->path) > strlen(parent->e->path))
            parent = d;
    n->name = path + strlen(parent->e->path) + (parent != nodes);
    n->per_task = parent->per_task || !strcmp(path, "PID");
    if (!strcmp(path, "PID")) {
        node_pid = n;
        return;
    }
    for (at = &parent->child; *at; at = &(*at)->sibling)
        ;
    *at = n;
}

static int make_nodes(void)
{
    int r = 0;

    mutex_lock(&nodes_lock);
    if (!nodes && (nodes = kzalloc(NODE_COUNT * sizeof *nodes))) {
        nodes[0].e = &root_entry;
        for (u32 k = 0; k < ARRAY_SIZE(entries); k++) {
            nodes[k + 1].e = &entries[k];
            nodes[k + 1].index = k + 1;
            link_node(&nodes[k + 1], entries[k].path);
        }
        nodes[NODE_FD] = (struct proc_node){ .e = &fd_entry, .index = NODE_FD, .per_task = true };
        nodes[NODE_FDINFO] = (struct proc_node){ .e = &fdinfo_entry, .index = NODE_FDINFO,
                                                 .per_task = true };
    }
    if (!nodes)
        r = -ENOMEM;
    mutex_unlock(&nodes_lock);
    return r;
}

const struct proc_node *proc_number_node(enum proc_kind dir)
{
    if (dir == PROC_K_FDS)
        return &nodes[NODE_FD];
    return dir == PROC_K_FDINFO ? &nodes[NODE_FDINFO] : node_pid;
}

/* -- context -- */

int proc_ctx_get(const struct inode *i, struct proc_ctx *c)
{
    const struct proc_inode *pi = i->priv;
    struct task *t;

    *c = (struct proc_ctx){ .thread = pi->thread, .num = pi->num, .arg = pi->node->e->arg,
                            .ns = proc_pidns(i) };
    if (!pi->tid)
        return 0;
    t = task_by_id(pi->tid);
    if (t && (pi->thread ? t->start_time : t->proc->start_time) == pi->start) {
        c->task = t;
        return 0;
    }
    if (t)
        task_put(t);
    return -ESRCH;
}

void proc_ctx_put(struct proc_ctx *c)
{
    if (c->task)
        task_put(c->task);
    c->task = NULL;
}

int procfs_folder_proc(const struct file *f, struct proc **p_r)
{
    const struct proc_inode *pi;
    struct proc_ctx c;
    int r;

    if (f->ops != &proc_dir_fops)
        return -EBADF;
    pi = f->inode->priv;
    if (!pi->tid || pi->thread || pi->node != node_pid)
        return -EBADF;
    r = proc_ctx_get(f->inode, &c);
    if (r)
        return r;
    *p_r = c.task->proc;
    ref_get(&c.task->proc->ref);
    proc_ctx_put(&c);
    return 0;
}

bool proc_may_inspect(struct task *t)
{
    const struct cred *me = current()->cred;
    struct cred *c;
    bool ok;

    if (t->proc == current()->proc)
        return true;
    c = task_cred_get(t);
    ok = cred_capable(me, CAP_SYS_PTRACE) ||
         (t->dumpable && me->fsuid == c->euid && me->fsuid == c->suid && me->fsuid == c->uid &&
          me->fsgid == c->egid && me->fsgid == c->sgid && me->fsgid == c->gid);
    cred_put(c);
    return ok;
}

/* -- inodes -- */

static void set_owner(struct inode *i, int tid)
{
    struct task *t = tid ? task_by_id(tid) : NULL;
    struct cred *c;

    i->uid = i->gid = 0;
    if (!t)
        return;
    if (t->dumpable) {
        c = task_cred_get(t);
        i->uid = c->euid;
        i->gid = c->egid;
        cred_put(c);
    }
    task_put(t);
}

struct inode *proc_inode_new(struct super *sb, const struct proc_inode *pi)
{
    const struct proc_entry *e = pi->node->e;
    struct proc_inode *copy = kmalloc(sizeof *copy);
    struct inode *i = copy ? inode_new(sb, 0) : NULL;

    if (!i) {
        kfree(copy);
        return NULL;
    }
    *copy = *pi;
    i->priv = copy;
    i->ino = (u64)(u32)pi->tid << 32 | (u64)pi->node->index << 20 | (u32)(pi->num & 0xfffff);
    i->ino += 1;
    if (e->kind == PROC_K_FILE || e->kind == PROC_K_MEM) {
        i->mode = S_IFREG | e->mode;
        i->ops = &proc_file_iops;
        i->fops = e->kind == PROC_K_MEM ? &proc_mem_fops : &proc_file_fops;
    } else if (e->kind == PROC_K_LINK) {
        i->mode = S_IFLNK | e->mode;
        i->ops = &proc_link_iops;
    } else {
        i->mode = S_IFDIR | e->mode;
        i->ops = &proc_dir_iops;
        i->fops = &proc_dir_fops;
        i->nlink = 2;
    }
    set_owner(i, pi->tid);
    return i;
}

static void proc_evict(struct inode *i) { kfree(i->priv); }

/* -- lookup and listing -- */

static bool hidden(const struct proc_node *n, const struct proc_inode *dir)
{
    return dir->thread && n->e->kind == PROC_K_TASKS;
}

static const struct proc_node *find_child(const struct proc_inode *dir, const struct dentry *d)
{
    const struct proc_node *n;

    for (n = dir->node->child; n; n = n->sibling)
        if (strlen(n->name) == d->len && !memcmp(n->name, d->name, d->len))
            return hidden(n, dir) ? NULL : n;
    return NULL;
}

/* A decimal number as it would be listed, or -1. */
static s64 name_number(const struct dentry *d)
{
    s64 v = 0;

    if (!d->len || d->len > 9 || (d->name[0] == '0' && d->len > 1))
        return -1;
    for (u32 k = 0; k < d->len; k++) {
        if (d->name[k] < '0' || d->name[k] > '9')
            return -1;
        v = v * 10 + (d->name[k] - '0');
    }
    return v;
}

static int proc_lookup(struct inode *dir, struct dentry *d)
{
    const struct proc_inode *pi = dir->priv;
    const struct proc_node *n;
    struct inode *i = NULL;
    struct proc_ctx c;
    s64 num = name_number(d);
    int r = proc_ctx_get(dir, &c);

    if (r < 0)
        return r == -ESRCH ? (d_add(d, NULL), 0) : r;
    n = find_child(pi, d);
    if (n) {
        struct proc_inode child = { n, n->per_task ? pi->tid : 0, pi->start, pi->thread, 0 };

        i = proc_inode_new(dir->sb, &child);
        r = i ? 0 : -ENOMEM;
    } else if (num >= 0 && pi->node->e->kind != PROC_K_DIR) {
        i = proc_number_lookup(dir, (u32)num);
    }
    proc_ctx_put(&c);
    if (r == 0)
        d_add(d, i);
    return r;
}

static int list_static(struct file *f, struct dirent_ctx *c, u64 *pos)
{
    const struct proc_inode *pi = f->inode->priv;
    const struct proc_node *n;
    u64 at = 2;

    for (n = pi->node->child; n; n = n->sibling, at++) {
        u32 kind = n->e->kind;
        u8 type = kind == PROC_K_FILE || kind == PROC_K_MEM ? 8 : kind == PROC_K_LINK ? 10
                  : 4;          /* DT_* */
        u64 ino = (u64)(u32)(n->per_task ? pi->tid : 0) << 32 | (u64)n->index << 20;

        if (at < *pos || hidden(n, pi))
            continue;
        if (!c->emit(c, n->name, strlen(n->name), ino + 1, at + 1, type))
            return 1;
    }
    *pos = max(*pos, at);
    return 0;
}

static int proc_readdir(struct file *f, struct dirent_ctx *c)
{
    const struct proc_inode *pi = f->inode->priv;
    u64 pos = (u64)f->pos;
    struct proc_ctx ctx;
    int r = proc_ctx_get(f->inode, &ctx);

    if (r < 0)
        return r == -ESRCH ? -ENOENT : r;
    proc_ctx_put(&ctx);
    if (pos < 2) {
        if (!readdir_dots(f, c))
            return 0;
        pos = 2;
    }
    if (list_static(f, c, &pos) || pi->node->e->kind == PROC_K_DIR)
        return 0;
    return proc_number_readdir(f, c, pos);
}

/* O_TRUNC on a file that can be written is fine, changing owners or modes is not. */
static int proc_setattr(struct inode *i, const struct iattr *a)
{
    return a->valid & (ATTR_MODE | ATTR_UID | ATTR_GID) ? -EPERM : 0;
}

const struct inode_ops proc_dir_iops = { .lookup = proc_lookup, .setattr = proc_setattr };
const struct inode_ops proc_file_iops = { .setattr = proc_setattr };
const struct file_ops proc_dir_fops = { .readdir = proc_readdir };

static void proc_umount(struct super *sb) { pidns_put(sb->priv); }

static const struct super_ops proc_super_ops = { .evict = proc_evict, .umount = proc_umount };

int proc_mount(const char *source, u64 flags, const char *data, struct super **sb_r)
{
    struct proc_inode pi = { 0 };
    struct super *sb;
    struct inode *i;
    int r = make_nodes();

    if (r < 0)
        return r;
    sb = super_new("proc", &proc_super_ops, current()->proc->pidns);
    if (!sb)
        return -ENOMEM;
    pidns_get(sb->priv);
    sb->magic = PROC_SUPER_MAGIC;
    sb->nocache = true;
    strlcpy(sb->source, source && *source ? source : "proc", sizeof sb->source);
    pi.node = &nodes[0];
    i = proc_inode_new(sb, &pi);
    sb->root = i ? d_root(sb, i) : NULL;
    if (!sb->root)
        return -ENOMEM;
    *sb_r = sb;
    return 0;
}
