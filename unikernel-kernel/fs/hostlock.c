/* Locks on files that others outside this domain may lock, too (volumes of several
 * containers, the host): what the domain's programs hold together is held once more by the
 * device, as one owner. Among themselves the programs are kept apart here.
 *
 * ll->host orders changes of such a file's locks; a refusal of the host comes before
 * anything has changed. */
#include <linux/fcntl.h>

#include "locks.h"

bool locks_hosted(const struct inode *i) { return i->ops->host_lock && !i->sb->no_host_locks; }

static int ask(struct inode *i, const struct host_lock *h)
{
    int r = i->ops->host_lock(i, h);
    if (r != -ENOSYS && r != -EROFS)
        return r;
    i->sb->no_host_locks = true;        /* the share is ours alone, or read-only */
    return 0;
}

int locks_host_take(struct inode *i, const struct file_lock *l)
{
    struct host_lock h = { .flock = l->kind == LOCKS_FLOCK, .start = l->start, .end = l->end,
                           .type = l->write ? F_WRLCK : F_RDLCK };
    return ask(i, &h);
}

/* The strongest lock at `at`, and in *end_r how far that holds, at most to *end_r. */
static short strongest(struct file_lock_list *ll, bool flock, s64 at, s64 *end_r)
{
    const struct file_lock *k;
    short type = F_UNLCK;
    spin_lock(&ll->lock);
    list_for_each(k, &ll->locks, link) {
        if ((k->kind == LOCKS_FLOCK) != flock || k->end < at)
            continue;
        if (k->start > at) {
            *end_r = min(*end_r, k->start - 1);
            continue;
        }
        *end_r = min(*end_r, k->end);
        if (type != F_WRLCK)
            type = k->write ? F_WRLCK : F_RDLCK;
    }
    spin_unlock(&ll->lock);
    return type;
}

void locks_host_sync(struct file_lock_list *ll, struct inode *i, bool flock, s64 start, s64 end)
{
    struct host_lock h = { .flock = flock, .end = -1 };
    if (list_empty(&ll->locks)) {
        h = (struct host_lock){ .flock = flock, .type = F_UNLCK, .end = INT64_MAX, .last = true };
        ask(i, &h);
        return;
    }
    for (s64 at = start; h.end != end; at = h.end + 1) {
        h.start = at;
        h.end = end;
        h.type = strongest(ll, flock, at, &h.end);
        ask(i, &h);             /* weaker than what is held: can't be refused */
    }
}

/* What the host's side has in the way of l, as F_GETLK tells it. */
int locks_host_get(struct inode *i, const struct file_lock *l, struct flock *fl)
{
    struct host_lock h = { .start = l->start, .end = l->end, .get = true,
                           .type = l->write ? F_WRLCK : F_RDLCK, .found = fl };
    return ask(i, &h);
}
