/* Names in /proc that are numbers: processes, threads, descriptors. */
#include "procfs.h"
#include <linux/fcntl.h>
#include <linux/limits.h>
#include <linux/stat.h>

/* -- descriptors of another task -- */

/* Descriptor n of t's table, counted; NULL: none such. */
static struct file *task_fd_get(struct task *t, u32 n, bool *cloexec_r)
{
    struct fdtable *ft = task_files_get(t);
    struct file *f = NULL;

    if (!ft)
        return NULL;
    spin_lock(&ft->lock);
    if (n < ft->size && (f = ft->file[n])) {
        file_get(f);
        *cloexec_r = ft->cloexec[n / 64] >> (n % 64) & 1;
    }
    spin_unlock(&ft->lock);
    fdtable_put(ft);
    return f;
}

/* The first open descriptor >= n, or -1. */
static s64 next_fd(struct task *t, u32 n)
{
    struct fdtable *ft = task_files_get(t);
    s64 found = -1;

    if (!ft)
        return -1;
    spin_lock(&ft->lock);
    for (; n < ft->size && found < 0; n++)
        if (ft->file[n])
            found = n;
    spin_unlock(&ft->lock);
    fdtable_put(ft);
    return found;
}

int proc_fd_follow(struct proc_ctx *c, struct path *p_r)
{
    bool cloexec;
    struct file *f;
    int r;

    if (!proc_may_inspect(c->task))
        return -EACCES;
    f = task_fd_get(c->task, (u32)c->num, &cloexec);
    if (!f)
        return -ENOENT;
    r = file_path(f, p_r);
    file_put(f);
    return r;
}

/* "pipe:" gets its inode's number; other names without a place are complete. */
static void anon_text(struct seq *s, const struct file *f)
{
    const char *name = f->anon_name ? f->anon_name : "anon_inode:[unknown]";
    size_t n = strlen(name);

    seq_puts(s, name);
    if (n && name[n - 1] == ':')
        seq_printf(s, "[%llu]", (unsigned long long)(f->inode ? f->inode->ino : 0));
}

int proc_path_print(struct seq *s, const struct path *p)
{
    char *buf = kmalloc(PATH_MAX), *name;

    if (!buf)
        return -ENOMEM;
    name = path_name(p, buf, PATH_MAX);
    if (name)
        seq_puts(s, name);
    kfree(buf);
    return name ? 0 : -ENAMETOOLONG;
}

int proc_fd_show(struct seq *s, struct proc_ctx *c)
{
    bool cloexec;
    struct file *f;
    int r = 0;

    if (!proc_may_inspect(c->task))
        return -EACCES;
    f = task_fd_get(c->task, (u32)c->num, &cloexec);
    if (!f)
        return -ENOENT;
    if (f->path.dentry)                 /* a memfd's has no mount, but a label */
        r = proc_path_print(s, &f->path);
    else
        anon_text(s, f);
    file_put(f);
    return r;
}

#define MORE_BYTES 32768ul      /* inotify: one line a watch */
int proc_fdinfo_show(struct seq *s, struct proc_ctx *c)
{
    bool cloexec = false;
    struct file *f;
    char *more;
    int n;

    if (!proc_may_inspect(c->task))
        return -EACCES;
    f = task_fd_get(c->task, (u32)c->num, &cloexec);
    if (!f)
        return -ENOENT;
    seq_printf(s, "pos:\t%lld\nflags:\t0%o\nmnt_id:\t%d\nino:\t%llu\n", (long long)f->pos,
               f->flags | (cloexec ? O_CLOEXEC : 0), f->path.mnt ? f->path.mnt->id : 0,
               (unsigned long long)(f->inode ? f->inode->ino : 0));
    if (f->ops->show_fdinfo && (more = kmalloc(MORE_BYTES))) {
        n = f->ops->show_fdinfo(f, more, MORE_BYTES);
        if (n > 0)
            seq_put(s, more, min((size_t)n, MORE_BYTES));
        kfree(more);
    }
    file_put(f);
    return 0;
}

/* -- processes and threads -- */

/* The lowest process number >= n, or -1. */
static s64 next_pid(const struct pid_ns *ns, u32 n)
{
    s64 best = -1;
    struct proc *p;

    mutex_lock(&procs_lock);
    list_for_each(p, &procs_all, all_link) {
        int nr = pid_nr_in(ns, p->pid);

        if (nr > 0 && nr >= (int)n && (best < 0 || nr < best))
            best = nr;
    }
    mutex_unlock(&procs_lock);
    return best;
}

static s64 next_tid(const struct pid_ns *ns, struct task *of, u32 n)
{
    s64 best = -1;
    struct task *t;

    mutex_lock(&procs_lock);
    list_for_each(t, &of->proc->threads, proc_link) {
        int nr = pid_nr_in(ns, t->tid);

        if (nr >= (int)n && (best < 0 || nr < best))
            best = nr;
    }
    mutex_unlock(&procs_lock);
    return best;
}

static struct inode *task_inode(struct inode *dir, u32 num, struct task *of)
{
    int id = pid_id_in(proc_pidns(dir), (int)num);
    struct task *t = task_by_id(id);
    struct inode *i = NULL;

    if (!t)
        return NULL;
    if (!of || t->proc == of->proc) {
        struct proc_inode pi = { proc_number_node(PROC_K_PIDS), id,
                                 of ? t->start_time : t->proc->start_time, of != NULL, 0 };

        i = proc_inode_new(dir->sb, &pi);
    }
    task_put(t);
    return i;
}

static struct inode *fd_inode(struct inode *dir, u32 num, struct task *t)
{
    const struct proc_inode *pi = dir->priv;
    struct proc_inode child = { proc_number_node(pi->node->e->kind), pi->tid, pi->start,
                                pi->thread, (int)num };
    bool cloexec;
    struct file *f = task_fd_get(t, num, &cloexec);
    struct inode *i;

    if (!f)
        return NULL;
    i = proc_inode_new(dir->sb, &child);
    if (i && S_ISLNK(i->mode))
        i->mode = S_IFLNK | (f->mode & FMODE_READ ? 0500 : 0) | (f->mode & FMODE_WRITE ? 0300 : 0);
    file_put(f);
    return i;
}

struct inode *proc_number_lookup(struct inode *dir, u32 num)
{
    const struct proc_inode *pi = dir->priv;
    enum proc_kind kind = pi->node->e->kind;
    struct inode *i = NULL;
    struct proc_ctx c;

    if (kind == PROC_K_PIDS)
        return task_inode(dir, num, NULL);
    if (proc_ctx_get(dir, &c) < 0)
        return NULL;
    if (kind == PROC_K_TASKS)
        i = task_inode(dir, num, c.task);
    else if (proc_may_inspect(c.task))
        i = fd_inode(dir, num, c.task);
    proc_ctx_put(&c);
    return i;
}

int proc_number_readdir(struct file *f, struct dirent_ctx *ctx, u64 pos)
{
    enum { BASE = 1024 };       /* positions before it are the static names' */
    const struct proc_inode *pi = f->inode->priv;
    enum proc_kind kind = pi->node->e->kind;
    u64 num = pos > BASE ? pos - BASE : 0;
    u32 child = proc_number_node(kind)->index;
    struct proc_ctx c;
    int r = proc_ctx_get(f->inode, &c);

    if (r < 0)
        return r;
    if ((kind == PROC_K_FDS || kind == PROC_K_FDINFO) && !proc_may_inspect(c.task))
        r = -EACCES;
    while (r == 0) {
        s64 next = kind == PROC_K_PIDS    ? next_pid(c.ns, (u32)num)
                   : kind == PROC_K_TASKS ? next_tid(c.ns, c.task, (u32)num)
                                          : next_fd(c.task, (u32)num);
        bool fd = kind == PROC_K_FDS || kind == PROC_K_FDINFO;
        char name[12];
        int n;
        u64 ino;

        if (next < 0)
            break;
        n = snprintf(name, sizeof name, "%d", (int)next);
        ino = fd ? (u64)(u32)pi->tid << 32 | (u64)child << 20 | (u32)next
                 : (u64)pid_id_in(c.ns, (int)next) << 32 | (u64)child << 20;
        if (!ctx->emit(ctx, name, (size_t)n, ino + 1, BASE + (u64)next + 1,
                       kind == PROC_K_FDS ? 10 : kind == PROC_K_FDINFO ? 8 : 4))
            break;
        num = (u64)next + 1;
    }
    proc_ctx_put(&c);
    return r;
}
