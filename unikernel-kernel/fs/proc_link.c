/* Links of /proc: processes' files and directories, namespaces, self. */
#include "procfs.h"
#include <linux/limits.h>

int proc_link_text(struct seq *s, struct proc_ctx *c)
{
    seq_puts(s, c->arg == PROC_TO_NET ? "self/net" : "self/mounts");
    return 0;
}

int proc_self(struct seq *s, struct proc_ctx *c)
{
    const struct task *t = current();

    int pid = pid_nr_in(c->ns, t->proc->pid);

    if (pid <= 0)
        return -ENOENT;         /* a kernel thread, or not in this namespace */
    seq_printf(s, "%d", pid);
    if (c->arg)
        seq_printf(s, "/task/%d", pid_nr_in(c->ns, t->tid));
    return 0;
}

int proc_exe_follow(struct proc_ctx *c, struct path *p_r)
{
    struct file *f;
    int r;

    if (!proc_may_inspect(c->task))
        return -EACCES;
    f = proc_exe_get(c->task->proc);
    if (!f)
        return -ENOENT;
    r = file_path(f, p_r);
    file_put(f);
    return r;
}

/* arg 0: the current directory, 1: the root. */
int proc_cwd_follow(struct proc_ctx *c, struct path *p_r)
{
    struct fsctx *fs;

    if (!proc_may_inspect(c->task))
        return -EACCES;
    fs = task_fs_get(c->task);
    if (!fs)
        return -ENOENT;
    spin_lock(&fs->lock);
    *p_r = c->arg ? fs->root : fs->cwd;
    path_get(p_r);
    spin_unlock(&fs->lock);
    fsctx_put(fs);
    return 0;
}

static int text_of(struct seq *s, struct proc_ctx *c,
                   int (*follow)(struct proc_ctx *c, struct path *p_r))
{
    struct path p;
    int r = follow(c, &p);

    if (r < 0)
        return r;
    r = proc_path_print(s, &p);
    path_put(&p);
    return r;
}

int proc_exe_text(struct seq *s, struct proc_ctx *c) { return text_of(s, c, proc_exe_follow); }
int proc_path_text(struct seq *s, struct proc_ctx *c) { return text_of(s, c, proc_cwd_follow); }

/* -- namespaces: arg is the kind -- */

int proc_ns_follow(struct proc_ctx *c, struct path *p_r)
{
    struct ns *n;

    if (!proc_may_inspect(c->task))
        return -EACCES;
    n = task_ns_get(c->task, c->arg);
    return n ? ns_path(n, p_r) : -ENOENT;
}

int proc_ns(struct seq *s, struct proc_ctx *c)
{
    struct ns *n;

    if (!proc_may_inspect(c->task))
        return -EACCES;
    n = task_ns_get(c->task, c->arg);
    if (!n)
        return -ENOENT;
    seq_printf(s, "%s:[%u]", ns_name(n->kind), n->ino);
    ns_put(n);
    return 0;
}
