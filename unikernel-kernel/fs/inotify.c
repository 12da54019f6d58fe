/* inotify(7): instances, the events waiting in them, limits for each user. */
#include <asm/ioctls.h>
#include <asm/poll.h>

#include "watch.h"
#include "sysctl.h"

struct ievent {
    struct list link;
    size_t size;                /* of ev and the padded name */
    struct inotify_event ev;    /* its name follows */
};

/* What a user has of what is limited. Users are few and stay. */
struct watcher { struct watcher *next; u32 uid, instances, watches; };

struct inotify {
    struct list all_link;
    struct waitq wq;
    struct list events;
    u32 nevents;
    size_t bytes;               /* what a read of all events would give */
    struct rbtree watches;
    s32 last_wd;
    struct watcher *user;
    bool overflown;             /* the overflow event is queued */
    struct ievent overflow;
};

static struct list instances = LIST_INIT(instances);
static struct watcher *users;
/* Accepted, and without effect. */
static loff_t inotify_llseek(struct file *f, loff_t off, int whence) { return 0; }

static const struct file_ops inotify_fops;

/* -- events; notify_lock held -- */

static void push(struct inotify *in, struct ievent *e)
{
    list_add_tail(&in->events, &e->link);
    in->nevents++;
    in->bytes += e->size;
    waitq_wake_all(&in->wq, POLLIN | POLLRDNORM);
}

static void push_overflow(struct inotify *in)
{
    if (in->overflown)
        return;
    in->overflown = true;
    in->overflow.size = sizeof in->overflow.ev;
    in->overflow.ev = (struct inotify_event){ .wd = -1, .mask = IN_Q_OVERFLOW };
    push(in, &in->overflow);
}

/* An event like the last one adds nothing. */
static bool repeats_last(const struct inotify *in, const struct watch *w, u32 mask,
                         const char *name, size_t padded)
{
    const struct ievent *last = list_entry(in->events.prev, struct ievent, link);
    if (list_empty(&in->events) || (mask & IN_IGNORED))
        return false;
    return last->ev.wd == w->wd && last->ev.mask == mask && last->ev.len == padded &&
           (!padded || !strcmp(last->ev.name, name));
}

void inotify_queue(struct watch *w, u32 mask, u32 cookie, const char *name, size_t len)
{
    struct inotify *in = w->in;
    size_t unit = sizeof(struct inotify_event), padded = len ? (len + unit) / unit * unit : 0;
    char text[NAME_MAX + 1];
    struct ievent *e;
    memcpy(text, name ? name : "", len);
    text[len] = 0;
    if (repeats_last(in, w, mask, text, padded))
        return;
    if (in->nevents >= sysctl_get(SC_INOTIFY_EVENTS) ||
        !(e = kzalloc(sizeof *e + padded))) {
        push_overflow(in);
        return;
    }
    e->size = sizeof e->ev + padded;
    e->ev = (struct inotify_event){ w->wd, mask, cookie, (u32)padded };
    memcpy(e->ev.name, text, len);
    push(in, e);
}

static void pop(struct inotify *in, struct ievent *e)
{
    list_del(&e->link);
    in->nevents--;
    in->bytes -= e->size;
}

static void event_free(struct inotify *in, struct ievent *e)
{
    if (e != &in->overflow)
        kfree(e);
}

/* -- watches of an instance; notify_lock held -- */

static struct watch *find_wd(const struct inotify *in, s32 wd)
{
    struct rbnode *n = in->watches.root;
    while (n) {
        struct watch *w = container_of(n, struct watch, node);
        if (w->wd == wd)
            return w;
        n = wd < w->wd ? n->left : n->right;
    }
    return NULL;
}

static void insert_wd(struct inotify *in, struct watch *w)
{
    struct rbnode **link = &in->watches.root, *parent = NULL;
    while (*link) {
        parent = *link;
        link = w->wd < container_of(parent, struct watch, node)->wd ? &parent->left
                                                                    : &parent->right;
    }
    rb_insert(&in->watches, &w->node, parent, link);
}

void inotify_forget(struct watch *w)
{
    rb_erase(&w->in->watches, &w->node);
    w->in->user->watches--;
}

struct watch *inotify_watch_on(const struct super *sb)
{
    struct inotify *in;
    list_for_each(in, &instances, all_link)
        for (struct rbnode *n = rb_first(&in->watches); n; n = rb_next(n)) {
            struct watch *w = container_of(n, struct watch, node);
            if (w->inode->sb == sb)
                return w;
        }
    return NULL;
}

/* Numbers are handed out upwards, as programs that keep old ones expect. */
static s32 next_wd(struct inotify *in)
{
    do
        in->last_wd = in->last_wd == 0x7fffffff ? 1 : in->last_wd + 1;
    while (find_wd(in, in->last_wd));
    return in->last_wd;
}

static int update_watch(struct watch *w, u32 mask)
{
    u32 keep = (mask & IN_MASK_ADD) ? w->mask : 0;
    if (mask & IN_MASK_CREATE)
        return -EEXIST;
    w->mask = keep | (mask & ~(u32)(IN_MASK_ADD | IN_ONLYDIR | IN_DONT_FOLLOW));
    return w->wd;
}

/* Changes the watch on i or makes it of fresh, which becomes NULL when taken. */
static int set_watch(struct inotify *in, struct inode *i, u32 mask, struct watch **fresh)
{
    struct watch *w = watch_find(i, in);
    if (w)
        return update_watch(w, mask);
    if (in->user->watches >= sysctl_get(SC_INOTIFY_WATCHES))
        return -ENOSPC;
    w = *fresh;
    *fresh = NULL;
    *w = (struct watch){ .in = in, .inode = i, .wd = next_wd(in) };
    w->mask = mask & ~(u32)(IN_MASK_ADD | IN_MASK_CREATE | IN_ONLYDIR | IN_DONT_FOLLOW);
    inode_get(i);
    insert_wd(in, w);
    watch_attach(w);
    in->user->watches++;
    return w->wd;
}

#define KNOWN (IN_ALL_EVENTS | IN_UNMOUNT | IN_Q_OVERFLOW | IN_IGNORED | IN_ONLYDIR | \
               IN_DONT_FOLLOW | IN_EXCL_UNLINK | IN_MASK_CREATE | IN_MASK_ADD | IN_ISDIR | \
               IN_ONESHOT)

int inotify_add(struct file *f, const struct path *p, u32 mask)
{
    struct inode *i = p->dentry->inode;
    struct watch *fresh;
    int r;
    if (f->ops != &inotify_fops)
        return -EINVAL;
    if ((mask & ~(u32)KNOWN) || !(mask & KNOWN) ||
        ((mask & IN_MASK_ADD) && (mask & IN_MASK_CREATE)))
        return -EINVAL;
    if ((r = inode_permission(i, MAY_READ)) < 0)
        return r;
    fresh = kmalloc(sizeof *fresh);
    if (!fresh)
        return -ENOMEM;
    spin_lock(&notify_lock);
    r = set_watch(f->priv, i, mask, &fresh);
    spin_unlock(&notify_lock);
    kfree(fresh);
    return r;
}

int inotify_remove(struct file *f, s32 wd)
{
    struct watch *w, *dead = NULL;
    if (f->ops != &inotify_fops)
        return -EINVAL;
    spin_lock(&notify_lock);
    w = find_wd(f->priv, wd);
    if (w)
        watch_end(w, &dead);
    spin_unlock(&notify_lock);
    watches_free(dead);
    return w ? 0 : -EINVAL;
}

/* -- the descriptor -- */

/* The next event if it fits into n bytes: -EAGAIN none, -EINVAL too large. */
static int take(struct inotify *in, size_t n, struct ievent **e_r)
{
    int r = -EAGAIN;
    spin_lock(&notify_lock);
    if (!list_empty(&in->events)) {
        struct ievent *e = list_first(&in->events, struct ievent, link);
        r = e->size > n ? -EINVAL : 0;
        if (!r) {
            pop(in, e);
            *e_r = e;
        }
    }
    spin_unlock(&notify_lock);
    return r;
}

static int wait_event(struct file *f, struct inotify *in)
{
    if (f->flags & O_NONBLOCK)
        return -EAGAIN;
    return wait_until(&in->wq, READ_ONCE(in->nevents), WAIT_FOREVER, true);
}

/* Gives e to the reader; the overflow event may be queued again only then. */
static ssize_t deliver(struct inotify *in, struct ievent *e, struct uio *u)
{
    ssize_t n = uio_write(u, &e->ev, e->size);
    if (n == (ssize_t)e->size)
        n = 0;
    else
        n = -EFAULT;
    if (e == &in->overflow)
        WRITE_ONCE(in->overflown, false);
    event_free(in, e);
    return n;
}

static ssize_t inotify_read(struct file *f, struct uio *u, loff_t *pos)
{
    struct inotify *in = f->priv;
    size_t all = u->left;
    struct ievent *e;
    int r;
    for (;;) {
        r = take(in, u->left, &e);
        if (!r)
            r = (int)deliver(in, e, u);
        else if (all != u->left)
            break;
        else if (r == -EAGAIN)
            r = wait_event(f, in);
        if (r)
            break;
    }
    return all != u->left && r != -EFAULT ? (ssize_t)(all - u->left) : r;
}

static u32 inotify_poll(struct file *f, struct polltable *pt)
{
    struct inotify *in = f->priv;
    poll_wait(pt, f, &in->wq);
    return READ_ONCE(in->nevents) ? POLLIN | POLLRDNORM : 0;
}

static long inotify_ioctl(struct file *f, u32 cmd, u64 arg)
{
    struct inotify *in = f->priv;
    int n = (int)READ_ONCE(in->bytes);
    return cmd == FIONREAD ? put_user(n, arg) : -ENOTTY;
}

static int inotify_fdinfo(struct file *f, char *buf, size_t n)
{
    struct inotify *in = f->priv;
    size_t at = 0;
    spin_lock(&notify_lock);
    for (struct rbnode *k = rb_first(&in->watches); k && at < n; k = rb_next(k)) {
        const struct watch *w = container_of(k, struct watch, node);
        int len = snprintf(buf + at, n - at,
                           "inotify wd:%x ino:%llx sdev:%x mask:%x ignored_mask:0\n", (u32)w->wd,
                           (unsigned long long)w->inode->ino, w->inode->sb->dev, w->mask);
        if (at + (size_t)len >= n)
            break;              /* a line is whole or not there */
        at += (size_t)len;
    }
    spin_unlock(&notify_lock);
    return (int)at;
}

static void instance_free(struct inotify *in)
{
    while (!list_empty(&in->events)) {
        struct ievent *e = list_first(&in->events, struct ievent, link);
        pop(in, e);
        event_free(in, e);
    }
    kfree(in);
}

static void inotify_release(struct file *f)
{
    struct inotify *in = f->priv;
    struct watch *dead = NULL;
    struct rbnode *n;
    spin_lock(&notify_lock);
    while ((n = rb_first(&in->watches)))
        watch_end(container_of(n, struct watch, node), &dead);
    list_del(&in->all_link);
    in->user->instances--;
    spin_unlock(&notify_lock);
    watches_free(dead);
    instance_free(in);
}

static const struct file_ops inotify_fops = {
    .release = inotify_release,
    .read = inotify_read,
    .poll = inotify_poll,
    .ioctl = inotify_ioctl,
    .llseek = inotify_llseek,
    .show_fdinfo = inotify_fdinfo,
};

/* The counts of uid, made of fresh if need be, which then becomes NULL. */
static struct watcher *user_of(u32 uid, struct watcher **fresh)
{
    struct watcher *u = users;
    while (u && u->uid != uid)
        u = u->next;
    if (u)
        return u;
    u = *fresh;
    *fresh = NULL;
    *u = (struct watcher){ .next = users, .uid = uid };
    users = u;
    return u;
}

static int join_user(struct inotify *in)
{
    struct watcher *fresh = kmalloc(sizeof *fresh);
    int r = 0;
    if (!fresh)
        return -ENOMEM;
    spin_lock(&notify_lock);
    in->user = user_of(current()->cred->uid, &fresh);
    if (in->user->instances >= sysctl_get(SC_INOTIFY_INSTANCES))
        r = -EMFILE;
    else
        in->user->instances++;
    if (!r)
        list_add_tail(&instances, &in->all_link);
    spin_unlock(&notify_lock);
    kfree(fresh);
    return r;
}

int inotify_new(u32 flags, struct file **file_r)
{
    struct inotify *in = kzalloc(sizeof *in);
    int r;
    if (!in)
        return -ENOMEM;
    waitq_init(&in->wq);
    list_init(&in->events);
    list_init(&in->overflow.link);
    if ((r = join_user(in)) < 0) {
        kfree(in);
        return r;
    }
    *file_r = file_anon("anon_inode:inotify", &inotify_fops, in, FMODE_READ | FMODE_STREAM,
                        O_RDONLY | (flags & O_NONBLOCK));
    if (*file_r)
        return 0;
    spin_lock(&notify_lock);
    list_del(&in->all_link);
    in->user->instances--;
    spin_unlock(&notify_lock);
    kfree(in);
    return -ENOMEM;
}
