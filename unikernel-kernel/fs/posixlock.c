/* Record locks: fcntl(2) F_SETLK and the open-file-description kind. */
#include <linux/fs.h>

#include "locks.h"

/* Who waits for whom, for EDEADLK: records live on the waiters' stacks. */
struct lock_wait { struct list link; const void *owner, *blocker; };
static struct spinlock waits_lock;
static struct list waits;

/* Would owner, waiting for blocker, close a circle? waits_lock held. */
static bool closes_circle(const void *owner, const void *blocker)
{
    for (int depth = 0; depth < 64; depth++) {
        const void *next = NULL;
        struct lock_wait *w;
        list_for_each(w, &waits, link)
            if (w->owner == blocker)
                next = w->blocker;
        if (!next)
            return false;
        if (next == owner)
            return true;
        blocker = next;
    }
    return false;
}

static int note_wait(struct lock_wait *w, const void *owner, const void *blocker)
{
    int r = 0;
    spin_lock(&waits_lock);
    if (!waits.next)
        list_init(&waits);
    list_del(&w->link);
    if (blocker) {
        if (closes_circle(owner, blocker))
            r = -EDEADLK;
        w->owner = owner;
        w->blocker = blocker;
        if (!r)
            list_add(&waits, &w->link);
    }
    spin_unlock(&waits_lock);
    return r;
}

static int to_range(struct file *f, const struct flock *fl, struct file_lock *l)
{
    s64 start = fl->l_start;
    if (fl->l_whence == SEEK_CUR)
        start += f->pos;
    else if (fl->l_whence == SEEK_END)
        start += (s64)f->inode->size;
    else if (fl->l_whence != SEEK_SET)
        return -EINVAL;
    if (start < 0)
        return -EINVAL;
    l->start = start;
    l->end = INT64_MAX;
    if (fl->l_len > 0) {
        if (__builtin_add_overflow(start, fl->l_len - 1, &l->end))
            return -EOVERFLOW;
    } else if (fl->l_len < 0) {
        if (start + fl->l_len < 0)
            return -EINVAL;
        l->end = start - 1;
        l->start = start + fl->l_len;
    }
    l->write = fl->l_type == F_WRLCK;
    return 0;
}

static void from_lock(struct flock *fl, const struct file_lock *l)
{
    fl->l_type = l->write ? F_WRLCK : F_RDLCK;
    fl->l_whence = SEEK_SET;
    fl->l_start = l->start;
    fl->l_len = l->end == INT64_MAX ? 0 : l->end - l->start + 1;
    fl->l_pid = l->kind == LOCKS_OFD ? -1 : pid_nr(l->pid);
}

/* Cuts [l->start, l->end] out of the owner's other locks; joins those of the same type.
 * *spare serves when one is cut in two. List's lock held. */
static void carve(struct file_lock_list *ll, struct file_lock *l, bool unlock,
                  struct file_lock **spare, struct list *gone)
{
    struct file_lock *k, *tmp;
    list_for_each_safe(k, tmp, &ll->locks, link) {
        bool same = !unlock && k->write == l->write;
        s64 slack = same ? 1 : 0;       /* neighbours join */
        if (k->kind != l->kind || k->owner != l->owner)
            continue;
        if (k->start - slack > l->end || l->start - slack > k->end)
            continue;
        if (same) {
            l->start = min(l->start, k->start);
            l->end = max(l->end, k->end);
            list_del(&k->link);
            list_add(gone, &k->link);
        } else if (k->start < l->start && k->end > l->end) {
            struct file_lock *right = *spare;
            *spare = NULL;
            *right = *k;
            right->start = l->end + 1;
            k->end = l->start - 1;
            list_add(&k->link, &right->link);
        } else if (k->start < l->start) {
            k->end = l->start - 1;
        } else if (k->end > l->end) {
            k->start = l->end + 1;
        } else {
            list_del(&k->link);
            list_add(gone, &k->link);
        }
    }
}

/* One attempt: 0, -EAGAIN (*blocker_r: by whom). *l is used up when it was put in. */
static int try_set(struct file_lock_list *ll, struct file_lock **l, bool unlock,
                   struct file_lock **spare, const void **blocker_r)
{
    struct list gone = LIST_INIT(gone);
    struct file_lock *k, *tmp;
    spin_lock(&ll->lock);
    k = unlock ? NULL : locks_conflict(ll, *l);
    if (k) {
        *blocker_r = k->owner;
        spin_unlock(&ll->lock);
        return -EAGAIN;
    }
    carve(ll, *l, unlock, spare, &gone);
    if (!unlock) {
        list_add_tail(&ll->locks, &(*l)->link);
        *l = NULL;
    }
    spin_unlock(&ll->lock);
    list_for_each_safe(k, tmp, &gone, link)
        kfree(k);
    waitq_wake_all(&ll->wq, 0);         /* a weaker lock may let others in */
    return 0;
}

/* The same where the host has a say: *blocker_r is NULL when it is the one who refuses. */
static int try_hosted(struct inode *i, struct file_lock_list *ll, struct file_lock **l,
                      bool unlock, struct file_lock **spare, const void **blocker_r)
{
    s64 start = (*l)->start, end = (*l)->end;
    struct file_lock *k;
    bool any;
    int r = 0;
    *blocker_r = NULL;
    mutex_lock(&ll->host);
    spin_lock(&ll->lock);
    any = !list_empty(&ll->locks);
    k = unlock ? NULL : locks_conflict(ll, *l);
    if (k) {
        *blocker_r = k->owner;
        r = -EAGAIN;
    }
    spin_unlock(&ll->lock);
    if (!r && !unlock)
        r = locks_host_take(i, *l);
    if (!r)
        r = try_set(ll, l, unlock, spare, blocker_r);
    if (!r && unlock && any)
        locks_host_sync(ll, i, false, start, end);
    mutex_unlock(&ll->host);
    return r;
}

static int try_one(struct inode *i, struct file_lock_list *ll, struct file_lock **l, bool unlock,
                   struct file_lock **spare, const void **blocker_r)
{
    return locks_hosted(i) ? try_hosted(i, ll, l, unlock, spare, blocker_r)
                           : try_set(ll, l, unlock, spare, blocker_r);
}

static int set_wait(struct inode *i, struct file_lock_list *ll, struct file_lock **l, bool unlock,
                    struct file_lock **spare)
{
    const void *blocker = NULL, *owner = (*l)->owner;
    bool posix = (*l)->kind == LOCKS_POSIX;
    struct lock_wait wait;
    struct waiter w;
    u64 pause = 0;
    int r;
    list_init(&wait.link);
    waiter_init(&w);
    waitq_add(&ll->wq, &w);
    while ((r = try_one(i, ll, l, unlock, spare, &blocker)) == -EAGAIN) {
        if (posix && (r = note_wait(&wait, owner, blocker)) < 0)
            break;
        r = task_sleep(blocker ? WAIT_FOREVER : locks_host_retry(&pause), true);
        if (r < 0 && r != -ETIMEDOUT)
            break;
    }
    waitq_remove(&ll->wq, &w);
    note_wait(&wait, NULL, NULL);
    return r;
}

static int ask_host(struct inode *i, const struct file_lock *l, struct flock *fl)
{
    int r = locks_host_get(i, l, fl);
    return r == -EAGAIN ? 0 : r;
}

static void get_lock(struct file_lock_list *ll, const struct file_lock *l, struct flock *fl)
{
    const struct file_lock *k;
    spin_lock(&ll->lock);
    k = locks_conflict(ll, l);
    if (k)
        from_lock(fl, k);
    else
        fl->l_type = F_UNLCK;
    spin_unlock(&ll->lock);
}

static int set_lock(struct inode *i, struct file_lock_list *ll, const struct file_lock *want,
                    bool unlock, bool wait)
{
    struct file_lock *l = kmalloc(sizeof *l), *spare = kmalloc(sizeof *spare);
    const void *blocker;
    int r = -ENOLCK;
    if (l && spare) {
        *l = *want;
        list_init(&l->link);
        r = wait ? set_wait(i, ll, &l, unlock, &spare)
                 : try_one(i, ll, &l, unlock, &spare, &blocker);
    }
    kfree(l);
    kfree(spare);
    return r;
}

int file_posix_lock(struct file *f, u32 cmd, struct flock *fl)
{
    bool ofd = cmd == F_OFD_GETLK || cmd == F_OFD_SETLK || cmd == F_OFD_SETLKW;
    bool get = cmd == F_GETLK || cmd == F_OFD_GETLK;
    struct file_lock l = { .kind = ofd ? LOCKS_OFD : LOCKS_POSIX, .pid = current()->proc->pid };
    struct file_lock_list *ll;
    int r;
    if (!f->inode)
        return -EBADF;
    l.owner = ofd ? (const void *)f : current()->files;
    if (ofd && fl->l_pid)
        return -EINVAL;
    if (fl->l_type != F_RDLCK && fl->l_type != F_WRLCK && (get || fl->l_type != F_UNLCK))
        return -EINVAL;
    if ((r = to_range(f, fl, &l)) < 0)
        return r;
    if (!get && ((fl->l_type == F_RDLCK && !(f->mode & FMODE_READ)) ||
                 (fl->l_type == F_WRLCK && !(f->mode & FMODE_WRITE))))
        return -EBADF;
    ll = locks_of(f->inode);
    if (!ll)
        return -ENOLCK;
    if (get) {
        get_lock(ll, &l, fl);
        return fl->l_type == F_UNLCK && locks_hosted(f->inode) ? ask_host(f->inode, &l, fl) : 0;
    }
    return set_lock(f->inode, ll, &l, fl->l_type == F_UNLCK,
                    cmd == F_SETLKW || cmd == F_OFD_SETLKW);
}
