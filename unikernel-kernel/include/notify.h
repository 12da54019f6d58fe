/* Telling watchers what happens to files: fs/notify.c, fs/inotify.c. As long as nothing in
 * the domain is watched, each of these calls costs one look at a word.
 *
 * Masks are those of linux/inotify.h; IN_ISDIR is added where it belongs. */
#ifndef NOTIFY_H
#define NOTIFY_H
#include <linux/inotify.h>

#include "vfs.h"

extern u32 notify_watches;              /* how many watches there are in the domain */

/* The slow halves: somebody watches something. */
void notify_tell_dentry(struct dentry *d, u32 mask);
void notify_tell_entry(struct inode *dir, const char *name, size_t len, u32 mask, u32 cookie);
void notify_tell_inode(struct inode *i, u32 mask);
void notify_tell_gone(struct inode *i);

/* What d names was used: watchers of its directory hear d's name, its own none. */
static inline void notify_dentry(struct dentry *d, u32 mask)
{
    if (unlikely(READ_ONCE(notify_watches)) && d)
        notify_tell_dentry(d, mask);
}
/* The same of an open file; pipes and such have no watchers. */
static inline void notify_file(struct file *f, u32 mask)
{
    if (unlikely(READ_ONCE(notify_watches)) && f->path.dentry && !(f->mode & FMODE_PATH))
        notify_tell_dentry(f->path.dentry, mask);
}
/* An entry of dir came, went or moved. mask has IN_ISDIR when it is a directory; cookie
 * joins the two ends of a rename, else 0. */
static inline void notify_entry(struct inode *dir, const char *name, size_t len, u32 mask,
                                u32 cookie)
{
    if (unlikely(READ_ONCE(notify_watches)))
        notify_tell_entry(dir, name, len, mask, cookie);
}
/* Something that only i's own watchers hear: link count, IN_MOVE_SELF. */
static inline void notify_inode(struct inode *i, u32 mask)
{
    if (unlikely(READ_ONCE(notify_watches)))
        notify_tell_inode(i, mask);
}
/* The last name of i has gone and nobody has it open by that name: IN_DELETE_SELF. */
static inline void notify_gone(struct inode *i)
{
    if (unlikely(READ_ONCE(notify_watches)))
        notify_tell_gone(i);
}
void notify_unmounted(struct super *sb);        /* its watches end */
u32 notify_cookie(void);                        /* for one rename */
static inline u32 notify_dir_bit(const struct inode *i)
{
    return (i->mode & 0170000) == 0040000 ? IN_ISDIR : 0;
}

/* inotify instances (fs/inotify.c). flags: O_NONBLOCK. -EMFILE: the user has too many. */
int inotify_new(u32 flags, struct file **file_r);
/* A watch descriptor or -errno; -EINVAL: f is no instance. The mask is checked here. */
int inotify_add(struct file *f, const struct path *p, u32 mask);
int inotify_remove(struct file *f, s32 wd);
#endif
