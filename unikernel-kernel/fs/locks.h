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
    struct spinlock lock;
    struct list locks;
    struct waitq wq;            /* woken when a lock goes */
};

struct file_lock_list *locks_of(struct inode *i);       /* made if need be; NULL: no memory */
/* The first lock of another owner in the way of l, or NULL. List's lock held. */
struct file_lock *locks_conflict(struct file_lock_list *ll, const struct file_lock *l);
/* Removes all of owner's locks of this kind and wakes waiters. */
void locks_remove_all(struct file_lock_list *ll, enum lock_kind kind, const void *owner);
#endif
