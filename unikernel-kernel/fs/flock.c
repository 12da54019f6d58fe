/* flock(2), and what all kinds of advisory locks share. */
#include "locks.h"

static struct spinlock all_lock;
static struct list all = LIST_INIT(all);

static struct file_lock_list *list_new(struct inode *i)
{
    struct file_lock_list *ll = kzalloc(sizeof *ll);
    if (!ll)
        return NULL;
    list_init(&ll->locks);
    waitq_init(&ll->wq);
    ll->inode = i;
    spin_lock(&all_lock);
    list_add_tail(&all, &ll->all_link);
    spin_unlock(&all_lock);
    return ll;
}

void locks_free(struct file_lock_list *ll)
{
    if (!ll)
        return;
    spin_lock(&all_lock);
    list_del(&ll->all_link);
    spin_unlock(&all_lock);
    kfree(ll);
}

void locks_for_each(void (*fn)(const struct inode *i, const struct file_lock *l, void *arg),
                    void *arg)
{
    struct file_lock_list *ll;
    const struct file_lock *l;
    spin_lock(&all_lock);
    list_for_each(ll, &all, all_link) {
        spin_lock(&ll->lock);
        list_for_each(l, &ll->locks, link)
            fn(ll->inode, l, arg);
        spin_unlock(&ll->lock);
    }
    spin_unlock(&all_lock);
}

struct file_lock_list *locks_of(struct inode *i)
{
    struct file_lock_list *ll = READ_ONCE(i->flocks), *none = NULL;
    if (ll)
        return ll;
    ll = list_new(i);
    if (!ll)
        return NULL;
    if (__atomic_compare_exchange_n(&i->flocks, &none, ll, false, __ATOMIC_ACQ_REL,
                                    __ATOMIC_ACQUIRE))
        return ll;
    locks_free(ll);
    return none;
}

struct file_lock *locks_conflict(struct file_lock_list *ll, const struct file_lock *l)
{
    struct file_lock *k;
    list_for_each(k, &ll->locks, link)
        if ((k->kind == LOCKS_FLOCK) == (l->kind == LOCKS_FLOCK) && k->owner != l->owner &&
            (k->write || l->write) && k->start <= l->end && l->start <= k->end)
            return k;
    return NULL;
}

/* What of kind is owner's leaves the list: how many. */
static u32 take_away(struct file_lock_list *ll, enum lock_kind kind, const void *owner)
{
    struct file_lock *l, *tmp;
    struct list gone = LIST_INIT(gone);
    u32 n = 0;
    spin_lock(&ll->lock);
    list_for_each_safe(l, tmp, &ll->locks, link)
        if (l->kind == kind && l->owner == owner) {
            list_del(&l->link);
            list_add(&gone, &l->link);
            n++;
        }
    spin_unlock(&ll->lock);
    list_for_each_safe(l, tmp, &gone, link)
        kfree(l);
    return n;
}

void locks_remove_all(struct inode *i, enum lock_kind kind, const void *owner)
{
    struct file_lock_list *ll = i->flocks;
    bool hosted = locks_hosted(i);
    if (list_empty(&ll->locks))
        return;
    if (hosted)
        mutex_lock(&ll->host);
    u32 n = take_away(ll, kind, owner);
    if (hosted) {
        if (n)
            locks_host_sync(ll, i, kind == LOCKS_FLOCK, 0, INT64_MAX);
        mutex_unlock(&ll->host);
    }
    if (n)
        waitq_wake_all(&ll->wq, 0);
}

/* One attempt: 0 or -EAGAIN; *l is taken over when it was put in. */
static int try_flock(struct file_lock_list *ll, struct file_lock **l)
{
    int r = -EAGAIN;
    spin_lock(&ll->lock);
    if (!locks_conflict(ll, *l)) {
        list_add_tail(&ll->locks, &(*l)->link);
        *l = NULL;
        r = 0;
    }
    spin_unlock(&ll->lock);
    return r;
}

/* The same where the host has a say; *ours_r: it is one of us who is in the way. */
static int try_hosted(struct inode *i, struct file_lock_list *ll, struct file_lock **l,
                      bool *ours_r)
{
    int r = 0;
    mutex_lock(&ll->host);
    spin_lock(&ll->lock);
    *ours_r = locks_conflict(ll, *l);
    spin_unlock(&ll->lock);
    r = *ours_r ? -EAGAIN : locks_host_take(i, *l);
    if (!r)
        r = try_flock(ll, l);
    mutex_unlock(&ll->host);
    return r;
}

static int wait_flock(struct inode *i, struct file_lock_list *ll, struct file_lock **l, bool nowait)
{
    bool hosted = locks_hosted(i), ours = true;
    struct waiter w;
    u64 pause = 0;
    int r;
    waiter_init(&w);
    waitq_add(&ll->wq, &w);
    for (;;) {
        r = hosted ? try_hosted(i, ll, l, &ours) : try_flock(ll, l);
        if (r != -EAGAIN || nowait)
            break;
        r = task_sleep(ours ? WAIT_FOREVER : locks_host_retry(&pause), true);
        if (r < 0 && r != -ETIMEDOUT)
            break;
    }
    waitq_remove(&ll->wq, &w);
    return r;
}

int file_flock(struct file *f, int op)
{
    int kind = op & ~LOCK_NB, r;
    struct file_lock_list *ll;
    struct file_lock *l;
    if (kind != LOCK_SH && kind != LOCK_EX && kind != LOCK_UN)
        return -EINVAL;
    if (!f->inode)
        return -EBADF;
    ll = locks_of(f->inode);
    if (!ll)
        return -ENOLCK;
    if (kind == LOCK_UN) {
        locks_remove_all(f->inode, LOCKS_FLOCK, f);
        return 0;
    }
    l = kzalloc(sizeof *l);
    if (!l)
        return -ENOLCK;
    list_init(&l->link);
    l->kind = LOCKS_FLOCK;
    l->write = kind == LOCK_EX;
    l->end = INT64_MAX;
    l->owner = f;
    l->pid = current()->proc->pid;
    locks_remove_all(f->inode, LOCKS_FLOCK, f); /* a change of kind is not atomic, as in Linux */
    r = wait_flock(f->inode, ll, &l, op & LOCK_NB);
    kfree(l);
    return r;
}

void file_locks_release(struct file *f)
{
    locks_remove_all(f->inode, LOCKS_FLOCK, f);
    locks_remove_all(f->inode, LOCKS_OFD, f);
}

void file_locks_close(struct file *f, struct fdtable *t)
{
    if (!(f->mode & FMODE_PATH))
        locks_remove_all(f->inode, LOCKS_POSIX, t);
}
