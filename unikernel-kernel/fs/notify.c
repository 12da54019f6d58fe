/* Who watches which inode, and what they are told. */
#include "watch.h"

struct spinlock notify_lock;
u32 notify_watches;

/* What a watch's mask chooses from; the rest comes unasked. */
#define CHOSEN IN_ALL_EVENTS

struct watch *watch_find(const struct inode *i, const struct inotify *in)
{
    struct watch *w = i->watches;
    while (w && w->in != in)
        w = w->next;
    return w;
}

void watch_attach(struct watch *w)
{
    w->next = w->inode->watches;
    w->inode->watches = w;
    WRITE_ONCE(notify_watches, notify_watches + 1);
}

void watch_end(struct watch *w, struct watch **dead)
{
    struct watch **at = &w->inode->watches;
    while (*at != w)
        at = &(*at)->next;
    *at = w->next;
    WRITE_ONCE(notify_watches, notify_watches - 1);
    inotify_queue(w, IN_IGNORED, 0, NULL, 0);
    inotify_forget(w);
    w->next = *dead;
    *dead = w;
}

void watches_free(struct watch *dead)
{
    while (dead) {
        struct watch *w = dead;
        dead = w->next;
        inode_put(w->inode);
        kfree(w);
    }
}

struct event { u32 mask, cookie; const char *name; size_t len; bool unlinked; };

/* Lock held. */
static void tell(struct inode *i, const struct event *e, struct watch **dead)
{
    struct watch *w = i->watches, *next;
    u32 mask = e->mask;
    if (mask & (IN_DELETE_SELF | IN_MOVE_SELF))
        mask &= ~(u32)IN_ISDIR;
    for (; w; w = next) {
        next = w->next;
        if (!(mask & w->mask & CHOSEN) || (e->unlinked && (w->mask & IN_EXCL_UNLINK)))
            continue;
        inotify_queue(w, mask, e->cookie, e->name, e->len);
        if (w->mask & IN_ONESHOT)
            watch_end(w, dead);
    }
}

static void tell_one(struct inode *i, const struct event *e)
{
    struct watch *dead = NULL;
    if (!READ_ONCE(i->watches))
        return;
    spin_lock(&notify_lock);
    tell(i, e, &dead);
    spin_unlock(&notify_lock);
    watches_free(dead);
}

void notify_tell_entry(struct inode *dir, const char *name, size_t len, u32 mask, u32 cookie)
{
    struct event e = { mask, cookie, name, len, false };
    tell_one(dir, &e);
}

void notify_tell_inode(struct inode *i, u32 mask)
{
    struct event e = { .mask = mask | notify_dir_bit(i) };
    tell_one(i, &e);
}

/* The directory that d is in, if it has watchers, and d's name there. Counted. */
static struct dentry *watched_parent(struct dentry *d, char name[NAME_MAX + 1], size_t *len_r)
{
    struct dentry *parent = NULL;
    spin_lock(&dcache_lock);
    if (d->parent != d && d->parent->inode && READ_ONCE(d->parent->inode->watches)) {
        parent = d->parent;
        dentry_get(parent);
        *len_r = d->len;
        memcpy(name, d->name, d->len);
    }
    spin_unlock(&dcache_lock);
    return parent;
}

void notify_tell_dentry(struct dentry *d, u32 mask)
{
    char name[NAME_MAX + 1];
    struct event named = { .name = name }, own = { .mask = mask };
    struct dentry *parent;
    if (!d->inode)
        return;
    own.mask |= notify_dir_bit(d->inode);
    parent = watched_parent(d, name, &named.len);
    if (parent) {
        named.mask = own.mask;
        named.unlinked = d->unlinked;
        tell_one(parent->inode, &named);
        dentry_put(parent);
    }
    tell_one(d->inode, &own);
}

void notify_tell_gone(struct inode *i)
{
    struct event e = { .mask = IN_DELETE_SELF };
    struct watch *dead = NULL;
    if (!READ_ONCE(i->watches))
        return;
    spin_lock(&notify_lock);
    tell(i, &e, &dead);
    while (i->watches)
        watch_end(i->watches, &dead);
    spin_unlock(&notify_lock);
    watches_free(dead);
}

void notify_unmounted(struct super *sb)
{
    struct watch *w, *dead = NULL;
    if (likely(!READ_ONCE(notify_watches)))
        return;
    spin_lock(&notify_lock);
    while ((w = inotify_watch_on(sb))) {
        inotify_queue(w, IN_UNMOUNT | notify_dir_bit(w->inode), 0, NULL, 0);
        watch_end(w, &dead);
    }
    spin_unlock(&notify_lock);
    watches_free(dead);
}

u32 notify_cookie(void)
{
    static u32 last;
    u32 c;
    do
        c = __atomic_add_fetch(&last, 1, __ATOMIC_RELAXED);
    while (!c);
    return c;
}
