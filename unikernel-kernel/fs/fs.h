/* What the files of fs/ share among themselves; everyone else includes vfs.h. */
#ifndef FS_H
#define FS_H
#include <linux/fcntl.h>
#include <linux/limits.h>
#include <linux/magic.h>
#include <linux/mount.h>
#include <linux/stat.h>

#include "task.h"
#include "vfs.h"

/* -- objcache.c: fixed-size blocks kept for the next user -- */
struct objcache {
    struct spinlock lock;
    u32 size, n, max;           /* n: kept, at most max */
    u32 live;                   /* handed out */
    void *free;
};
#define OBJCACHE(type_size, keep) { .size = (type_size), .max = (keep) }
void *objcache_get(struct objcache *c);         /* not zeroed; NULL: no memory */
void objcache_put(struct objcache *c, void *p);
void objcache_drain(struct objcache *c);        /* memory is short: nothing is kept */
extern struct objcache dentry_cache, inode_cache, file_cache, name_cache;

/* -- dcache.c -- */
u32 d_hash_name(const struct dentry *parent, u32 name_hash);
static inline u32 d_hash_step(u32 h, u8 c) { return (h ^ c) * 0x01000193u; }
#define D_HASH_INIT 0x811c9dc5u
/* dcache_lock held; the result is not counted. */
/* Names that D_UNTIL_NEWS has kept are to be asked for again. */
void d_expire_news(struct super *sb);
/* Does a cached name hold at `now` without asking? */
static inline bool d_valid(const struct dentry *d, u64 now)
{
    u64 until = READ_ONCE(d->valid_until);

    return now < (until == D_UNTIL_NEWS ? READ_ONCE(d->sb->news_until) : until);
}
struct dentry *d_find_locked(const struct dentry *parent, const char *name, size_t len,
                             u32 name_hash);
struct dentry *d_alloc(struct dentry *parent, const char *name, size_t len);
/* A dentry that is never found by name: unlinked temporaries, anonymous files. */
struct dentry *d_alloc_nameless(struct super *sb, const char *name, struct inode *i);
/* Moves o to the place and name of n; with exchange n takes o's. */
void d_move(struct dentry *o, struct dentry *n, bool exchange);
/* The name has gone from the file system. */
void d_unlinked(struct dentry *d);
bool d_is_below_locked(const struct dentry *d, const struct dentry *a);  /* dcache_lock held */
bool d_is_ancestor(const struct dentry *a, const struct dentry *d);     /* or the same */
/* The names below a directory that is gone: what was known not to be there keeps it. */
void d_drop_children(struct dentry *dir);
void d_drop_super(struct super *sb);            /* all names of a super that ends */
void dcache_init(void);
static inline bool d_hashed(const struct dentry *d) { return !list_empty(&d->hash_link); }

/* -- inode.c -- */
/* By mode bits and capabilities of c alone: 0 or -EACCES. Never sleeps. */
int inode_mode_allows(const struct inode *i, const struct cred *c, int mask);
bool inode_owner_or_capable(const struct inode *i);
/* The mode of what is made in dir: a set-group-id program does not go to a group that its
 * maker is not in. */
u32 inode_new_mode(const struct inode *dir, u32 mode);
/* Set-id bits and file capabilities go when contents change. */
int inode_kill_priv(struct inode *i);
void inode_touch_atime(struct file *f);
int inode_get_write(struct inode *i);           /* for an open: 0 or -ETXTBSY */
/* Checks who may and calls the file system; inode lock taken here. d: the name that
 * watchers are told, or NULL. */
int inode_setattr(struct dentry *d, struct inode *i, struct iattr *a);
void super_get(struct super *sb);
void super_put(struct super *sb);

/* -- walk.c: one name lookup -- */
#define WALK_MAX_LINKS 40
enum last_type { LAST_NORM, LAST_DOT, LAST_DOTDOT, LAST_ROOT };
struct last {                   /* of a walk that stops at the parent */
    enum last_type type;
    const char *name;
    u32 len, hash;
    bool slash;                 /* trailing slashes followed */
};
struct walk {
    struct path cur;            /* counted through pin, or safe under dcache_lock */
    struct path pin;            /* references held; may be empty while locked */
    struct path root;           /* what "/" means; counted when root_held */
    struct file *dir;           /* the dfd's file, counted */
    const struct cred *cred;
    struct last last;
    u64 now;                    /* time_mono(), asked once if needed */
    u32 flags, nlinks, depth, nbufs;
    bool locked, root_held, must_dir, at_cwd;
    bool to_read;               /* this component is to be opened for reading */
    char *bufs[WALK_MAX_LINKS]; /* links' targets; freed by walk_end */
    const char *rest[WALK_MAX_LINKS];
};
int walk_start(struct walk *w, int dfd, const char *name, u32 flags);
/* Walks name (without the last component in LOOKUP_PARENT). */
int walk_run(struct walk *w, const char *name);
/* From here on cur is counted (by pin) and dcache_lock free. */
void walk_unlock(struct walk *w);
/* The end of the walk, counted, to the caller; walk_end is all that may follow. */
void walk_take(struct walk *w, struct path *p_r);
/* A symlink met as last component (after walk_unlock): goes on with its target in the
 * same mode. link: counted, taken over. 1: a magic link; cur is the object itself. */
int walk_follow_last(struct walk *w, struct dentry *link);
void walk_end(struct walk *w);
/* Looks name up below dir: from the cache or the file system. dir->inode->lock not held.
 * Counted dentry, perhaps negative. */
int walk_lookup(struct dentry *dir, const char *name, u32 len, u32 hash, bool to_read,
                struct dentry **d_r);
/* The same with the lock held. */
/* For making a name in dir, whose lock is held: as lookup_locked, or, where the name is not
 * cached, its maker tells and the caller may make it, a new dentry, of which nobody knows. */
int lookup_for_making(const struct path *dir, const struct last *name, struct dentry **d_r);
int lookup_locked(struct dentry *dir, const char *name, u32 len, u32 hash, struct dentry **d_r);

char *name_alloc(void);         /* PATH_MAX bytes, for name_put */

/* -- dirops.c -- */
/* May the current task make a name in dir? dir's lock held. */
int may_create(const struct path *dir);
/* ... take victim away from dir? want_dir: rmdir. */
int may_delete(const struct path *dir, struct dentry *victim, bool want_dir);

/* -- mount.c -- */
extern struct mutex mount_mutex;        /* who changes the mount tree */
extern struct mntns *first_mntns;
extern struct list mounts_all;          /* dcache_lock; of all namespaces, by id */
struct mount *mount_new(struct super *sb, struct dentry *root, u64 flags);
/* One more of m's file system, from dentry root on, as a peer or slave where m is one. */
struct mount *mount_clone(struct mount *m, struct dentry *root);
void mount_get(struct mount *m);
void mount_put(struct mount *m);
/* dcache_lock held; not counted: what is mounted on (m, d), topmost, or NULL. */
struct mount *mount_on_locked(const struct mount *m, const struct dentry *d);
void mount_attach_locked(struct mount *m, struct mount *parent, struct dentry *point);
void mount_attach_root_locked(struct mount *m, struct mntns *ns);
/* Takes m out of the tree. The caller puts *point_r (NULL: m was the root) afterwards, and
 * m's reference of being in the tree unless it attaches it again. */
void mount_detach_locked(struct mount *m, struct dentry **point_r);
void super_end(struct super *sb);       /* the last mount has gone, or none came */
bool mount_is_below_locked(const struct mount *m, const struct mount *top);
void mount_init(void);
/* Takes top and all that is mounted below it out of the tree and puts them; mount_mutex. */
void mount_detach_tree(struct mount *top);

/* -- mount_ns.c -- */
struct mntns *mntns_new(u32 ino);
/* Copies the mounts below (from, dir) to the same places below to; mount_mutex held. all:
 * those that can't be bound, too. */
int mount_copy_below(struct mount *from, struct dentry *dir, struct mount *to, bool all);

/* -- mount_prop.c; mount_mutex held -- */
void mount_make_shared(struct mount *m);
void mount_leave_peers(struct mount *m);
void mount_set_propagation(struct mount *top, u64 type, bool recursive);
/* m has just come: it comes to all who hear of its parent. */
int mount_propagate(struct mount *m);
/* m is about to go: so do its twins. */
void mount_propagate_umount(struct mount *m);

/* The mount functions of the table. */
#define FS(name, fn) int fn(const char *source, u64 flags, const char *data, struct super **sb_r);
#include "types.def"
#undef FS

/* -- file.c -- */
struct file *file_new(void);            /* zeroed, ref 1, cred taken */

/* -- chrdev.c: the table; false: no such line -- */
struct chrdev_info { const char *name; u64 rdev; u32 mode; };
bool chrdev_nth(unsigned k, struct chrdev_info *c);

/* -- memfd.c -- */
int file_get_seals(struct file *f);
int file_add_seals(struct file *f, u32 seals);

/* -- open.c -- */
struct open_req { int dfd; const char *name; u32 flags, mode, lookup; };
/* lookup: LOOKUP_BENEATH and such of openat2. */
int vfs_open_req(const struct open_req *rq, struct file **file_r);

/* -- fsctx.c -- */
void fsctx_root_cwd_moved(const struct path *from, const struct path *to);
/* Takes a reference to n over, copies the paths. */
void fsctx_set(struct fsctx *fs, struct mntns *n, const struct path *root, const struct path *cwd);

/* Kind of file as a directory entry's type. */
static inline u8 mode_dtype(u32 mode) { return (u8)((mode & S_IFMT) >> 12); }
#endif
