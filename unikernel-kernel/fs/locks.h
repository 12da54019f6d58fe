/* Advisory locks on files, guest-local: what flock.c and posixlock.c share. */
#ifndef LOCKS_H
#define LOCKS_H
#include "fs.h"

enum lock_kind { LOCKS_FLOCK, LOCKS_POSIX, LOCKS_OFD };

struct file_lock {
    struct list link;
    enum lock_kind kind;
    bool write;
    s64 start, end;             /* end inclusive; INT64_MAX: to the end of file */
    const void *owner;          /* POSIX: descriptor table; else the open file */
    int pid;
};

struct file_lock_list {         /* inode->flocks; lives as long as the inode */
    struct list all_link;       /* of all there are, for /proc/locks */
    struct inode *inode;
    struct spinlock lock;
    struct list locks;
    struct waitq wq;            /* woken when a lock goes */
    struct mutex host;          /* fs/hostlock.c */
};

struct file_lock_list *locks_of(struct inode *i);       /* made if need be; NULL: no memory */
/* The first lock of another owner in the way of l, or NULL. List's lock held. */
struct file_lock *locks_conflict(struct file_lock_list *ll, const struct file_lock *l);
/* Removes all of owner's locks of this kind on i and wakes waiters. */
void locks_remove_all(struct inode *i, enum lock_kind kind, const void *owner);

void locks_free(struct file_lock_list *ll);             /* NULL is fine; its inode goes */
/* Calls fn for each lock there is, under spinlocks. */
void locks_for_each(void (*fn)(const struct inode *i, const struct file_lock *l, void *arg),
                    void *arg);

/* -- hostlock.c: ll->host held where locks change -- */
bool locks_hosted(const struct inode *i);
/* May we have l? 0: the host keeps it for us; -EAGAIN. */
int locks_host_take(struct inode *i, const struct file_lock *l);
/* Locks in [start, end] became weaker or went. */
void locks_host_sync(struct file_lock_list *ll, struct inode *i, bool flock, s64 start, s64 end);
int locks_host_get(struct inode *i, const struct file_lock *l, struct flock *fl);

/* How long to wait before the host is asked again; *ns_io grows from call to call. */
static inline u64 locks_host_retry(u64 *ns_io)
{
    *ns_io = *ns_io ? min(*ns_io * 2, 50000000ull) : 1000000;
    return time_mono() + *ns_io;
}
#endif
