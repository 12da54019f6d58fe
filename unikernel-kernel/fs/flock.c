/* flock(2), and what all kinds of advisory locks share. */
#include "locks.h"

struct file_lock_list *locks_of(struct inode *i)
{
    struct file_lock_list *ll = READ_ONCE(i->flocks), *none = NULL;
    if (ll)
        return ll;
    ll = kzalloc(sizeof *ll);
    if (!ll)
        return NULL;
    list_init(&ll->locks);
    waitq_init(&ll->wq);
    if (__atomic_compare_exchange_n(&i->flocks, &none, ll, false, __ATOMIC_ACQ_REL,
                                    __ATOMIC_ACQUIRE))
        return ll;
    kfree(ll);
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

void locks_remove_all(struct file_lock_list *ll, enum lock_kind kind, const void *owner)
{
    struct file_lock *l, *tmp;
    struct list gone = LIST_INIT(gone);
    spin_lock(&ll->lock);
    list_for_each_safe(l, tmp, &ll->locks, link)
        if (l->kind == kind && l->owner == owner) {
            list_del(&l->link);
            list_add(&gone, &l->link);
        }
    spin_unlock(&ll->lock);
    if (list_empty(&gone))
        return;
    list_for_each_safe(l, tmp, &gone, link)
        kfree(l);
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

int file_flock(struct file *f, int op)
{
    int kind = op & ~LOCK_NB, r = 0, err = 0;
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
        locks_remove_all(ll, LOCKS_FLOCK, f);
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
    locks_remove_all(ll, LOCKS_FLOCK, f);       /* a change of kind is not atomic, as in Linux */
    if (op & LOCK_NB)
        r = try_flock(ll, &l);
    else
        r = wait_until(&ll->wq, !(err = try_flock(ll, &l)), WAIT_FOREVER, true);
    kfree(l);
    return r;
}

void file_locks_release(struct file *f)
{
    struct file_lock_list *ll = f->inode->flocks;
    locks_remove_all(ll, LOCKS_FLOCK, f);
    locks_remove_all(ll, LOCKS_OFD, f);
}

void file_locks_close(struct file *f, struct fdtable *t)
{
    if (!(f->mode & FMODE_PATH))
        locks_remove_all(f->inode->flocks, LOCKS_POSIX, t);
}
