/* What fs/notify.c (who watches what) and fs/inotify.c (queues of events, descriptors)
 * share. One lock guards both: watches are few, and nobody waits with it. */
#ifndef WATCH_H
#define WATCH_H
#include "fs.h"
#include "notify.h"

struct inotify;

struct watch {
    struct watch *next;                 /* of the same inode */
    struct rbnode node;                 /* of the instance, by wd */
    struct inotify *in;
    struct inode *inode;                /* counted */
    s32 wd;
    u32 mask;
};

extern struct spinlock notify_lock;

/* All with notify_lock held. */
struct watch *watch_find(const struct inode *i, const struct inotify *in);
void watch_attach(struct watch *w);     /* to its inode */
/* Takes w away from inode and instance and chains it at *dead by next: watches_free. */
void watch_end(struct watch *w, struct watch **dead);
/* Queues an event for w's instance; len 0: no name. */
void inotify_queue(struct watch *w, u32 mask, u32 cookie, const char *name, size_t len);
void inotify_forget(struct watch *w);   /* w leaves its instance's tree and counts */
/* The first watch of any instance on sb, or NULL. */
struct watch *inotify_watch_on(const struct super *sb);

void watches_free(struct watch *dead);  /* without the lock */
#endif
