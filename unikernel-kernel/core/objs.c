/* Looking at another task's address space, descriptors and directories while it may be
 * exiting or changing them: pointers change hands under one lock, briefly held. */
#include <linux/capability.h>
#include "mm.h"
#include "proc.h"
#include "vfs.h"

static struct spinlock objs_lock;

void *task_obj_swap(void *slot, void *obj)
{
    void *old;

    spin_lock(&objs_lock);
    memcpy(&old, slot, sizeof old);
    memcpy(slot, &obj, sizeof obj);
    spin_unlock(&objs_lock);
    return old;
}

struct mm *task_mm_get(struct task *t)
{
    struct mm *mm;

    spin_lock(&objs_lock);
    mm = t->mm;
    if (mm)
        mm_get(mm);
    spin_unlock(&objs_lock);
    return mm;
}

struct fdtable *task_files_get(struct task *t)
{
    struct fdtable *f;

    spin_lock(&objs_lock);
    f = t->files;
    if (f)
        ref_get(&f->ref);
    spin_unlock(&objs_lock);
    return f;
}

struct fsctx *task_fs_get(struct task *t)
{
    struct fsctx *fs;

    spin_lock(&objs_lock);
    fs = t->fs;
    if (fs)
        ref_get(&fs->ref);
    spin_unlock(&objs_lock);
    return fs;
}

struct nsset *task_nsset_get(struct task *t)
{
    struct nsset *s;

    spin_lock(&objs_lock);
    s = nsset_get(t->ns);
    spin_unlock(&objs_lock);
    return s;
}

struct file *proc_exe_get(struct proc *p)
{
    struct file *f;

    spin_lock(&objs_lock);
    f = p->exe;
    if (f)
        file_get(f);
    spin_unlock(&objs_lock);
    return f;
}

size_t proc_text_copy(struct proc *p, bool env, char *buf, size_t n)
{
    const char *s;
    size_t len;

    spin_lock(&objs_lock);
    s = env ? p->environ : p->cmdline;
    len = s ? (env ? p->environ_len : p->cmdline_len) : 0;
    memcpy(buf, s, min(len, n));
    spin_unlock(&objs_lock);
    return len;
}

void proc_texts_set(struct proc *p, char *cmd, size_t cmd_len, char *env, size_t env_len)
{
    char *old_cmd, *old_env;

    spin_lock(&objs_lock);
    old_cmd = p->cmdline;
    old_env = p->environ;
    p->cmdline = cmd;
    p->cmdline_len = cmd_len;
    p->environ = env;
    p->environ_len = env_len;
    spin_unlock(&objs_lock);
    kfree(old_cmd);
    kfree(old_env);
}

bool proc_inspectable(struct proc *p)
{
    const struct cred *me = current()->cred;
    struct cred *c;
    bool ok;

    if (p == current()->proc || capable(CAP_SYS_PTRACE)) return true;
    c = task_cred_get(p->leader);
    ok = p->leader->dumpable && me->fsuid == c->uid && me->fsuid == c->euid &&
         me->fsuid == c->suid && me->fsgid == c->gid && me->fsgid == c->egid &&
         me->fsgid == c->sgid && !(c->cap_perm & ~me->cap_perm);
    cred_put(c);
    return ok;
}
