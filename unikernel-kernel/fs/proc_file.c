/* Open files of /proc: the text is made when it is read from the start. */
#include "procfs.h"
#include <linux/limits.h>

struct proc_open { struct mutex lock; struct seq text; bool made; };

static int make_text(struct file *f, struct proc_open *o)
{
    const struct proc_inode *pi = f->inode->priv;
    struct proc_ctx c;
    int r = proc_ctx_get(f->inode, &c);

    if (r < 0)
        return r;
    o->text.len = 0;
    o->text.failed = false;
    r = pi->node->e->show(&o->text, &c);
    proc_ctx_put(&c);
    if (r == 0 && o->text.failed)
        r = -ENOMEM;
    o->made = r == 0;
    return r;
}

static struct proc_open *open_state(struct file *f)
{
    struct proc_open *o = __atomic_load_n(&f->priv, __ATOMIC_ACQUIRE), *old = NULL;

    if (o)
        return o;
    o = kzalloc(sizeof *o);
    if (o && !__atomic_compare_exchange_n((struct proc_open **)&f->priv, &old, o, false,
                                          __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
        kfree(o);
        o = old;
    }
    return o;
}

static ssize_t proc_read(struct file *f, struct uio *u, loff_t *pos)
{
    struct proc_open *o = open_state(f);
    ssize_t r = 0;

    if (!o)
        return -ENOMEM;
    mutex_lock(&o->lock);
    if (!o->made || *pos == 0)
        r = make_text(f, o);
    if (r == 0)
        r = seq_read(&o->text, u, pos);
    mutex_unlock(&o->lock);
    return r;
}

static ssize_t proc_write(struct file *f, struct uio *u, loff_t *pos)
{
    const struct proc_inode *pi = f->inode->priv;
    size_t n = u->left;
    struct proc_ctx c;
    char *text;
    ssize_t r;

    if (!pi->node->e->store)
        return -EACCES;
    if (n >= PATH_MAX)
        return -EINVAL;
    text = kmalloc(n + 1);
    if (!text)
        return -ENOMEM;
    r = uio_read(u, text, n);
    if (r >= 0) {
        n = (size_t)r;
        text[n] = 0;
        r = proc_ctx_get(f->inode, &c);
        if (r == 0) {
            r = pi->node->e->store(&c, text, n);
            proc_ctx_put(&c);
        }
    }
    kfree(text);
    if (r < 0)
        return r;
    *pos += (loff_t)n;
    return (ssize_t)n;
}

static void proc_file_release(struct file *f)
{
    struct proc_open *o = f->priv;

    if (o)
        seq_dispose(&o->text);
    kfree(o);
}

const struct file_ops proc_file_fops = {
    .read = proc_read, .write = proc_write, .release = proc_file_release,
};

/* -- links -- */

static ssize_t proc_readlink(struct inode *i, char *buf, size_t n)
{
    const struct proc_inode *pi = i->priv;
    struct seq s = { 0 };
    struct proc_ctx c;
    ssize_t r = proc_ctx_get(i, &c);

    if (r < 0)
        return r;
    r = pi->node->e->show(&s, &c);
    proc_ctx_put(&c);
    if (r == 0 && s.failed)
        r = -ENOMEM;
    if (r == 0) {
        r = (ssize_t)min(s.len, n - 1);
        memcpy(buf, s.buf, (size_t)r);
        buf[r] = 0;
    }
    seq_dispose(&s);
    return r;
}

/* -EINVAL tells the walk that this one is a link by its text. */
static int proc_follow(struct inode *i, struct path *p_r)
{
    const struct proc_inode *pi = i->priv;
    struct proc_ctx c;
    int r;

    if (!pi->node->e->follow)
        return -EINVAL;
    r = proc_ctx_get(i, &c);
    if (r < 0)
        return r;
    r = pi->node->e->follow(&c, p_r);
    proc_ctx_put(&c);
    return r;
}

const struct inode_ops proc_link_iops = { .readlink = proc_readlink, .follow = proc_follow };
