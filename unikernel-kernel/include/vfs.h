/* The file system layer: inodes, names, mounts, open files, descriptor tables.
 *
 * Locks, in the order they are taken: mount_mutex, super->rename_lock, file->pos_lock,
 * inode->lock of directories (parents before children, else by address), inode->lock of
 * other inodes, fdtable->lock (spin), dcache_lock (spin).
 * Name lookups that hit the cache take only dcache_lock, once a path.
 *
 * The name cache itself holds one reference to each dentry that can be found in it, so
 * that letting go of a dentry is a decrement and no lock. */
#ifndef VFS_H
#define VFS_H
#include "cred.h"
#include "ns.h"
#include "user.h"
#include "wait.h"

struct inode;
struct dentry;
struct super;
struct file;
struct mount;
struct task;
struct vma;
struct polltable;
struct flock;
struct path;
struct map_source;
struct kstatfs;
struct pipe;
struct exec_image;

struct kstat {                  /* everything stat and statx report */
    u64 ino, size, blocks, dev, rdev;
    u32 mode, nlink, uid, gid, blksize;
    u64 atime, mtime, ctime, btime;     /* ns since 1970, before it: as if signed; btime 0:
                                         * unknown */
    u64 mnt_id;
};
/* Such a time as whole seconds, rounded down, and the rest. */
static inline s64 stamp_sec(u64 t)
{
    s64 s = (s64)t / (s64)NSEC_PER_SEC;
    return (s64)t % (s64)NSEC_PER_SEC < 0 ? s - 1 : s;
}
static inline u32 stamp_nsec(u64 t) { return (u32)((s64)t - stamp_sec(t) * (s64)NSEC_PER_SEC); }
/* The other way, as far as it reaches: the years 1678 to 2261. */
static inline u64 stamp_of(s64 sec, u32 nsec)
{
    const s64 most = INT64_MAX / (s64)NSEC_PER_SEC - 1;
    sec = sec > most ? most : sec < -most ? -most : sec;
    return (u64)(sec * (s64)NSEC_PER_SEC + nsec);
}

enum { ATTR_MODE = 1, ATTR_UID = 2, ATTR_GID = 4, ATTR_SIZE = 8, ATTR_ATIME = 16,
       ATTR_MTIME = 32, ATTR_CTIME = 64, ATTR_KILL_PRIV = 128 };
struct iattr { u32 valid; u32 mode, uid, gid; u64 size, atime, mtime, ctime; struct file *file; };

/* A lock towards those outside the domain. type: F_RDLCK, F_WRLCK, F_UNLCK; end inclusive;
 * last: all locks of the file go; get: who is in the way goes to *found, nothing is locked. */
struct host_lock { bool flock, last, get; short type; loff_t start, end; struct flock *found; };

struct inode_ops {
    /* Fills dentry with d_add(dentry, inode or NULL). Directory's lock held. */
    int (*lookup)(struct inode *dir, struct dentry *d);
    int (*create)(struct inode *dir, struct dentry *d, u32 mode);       /* regular */
    int (*mkdir)(struct inode *dir, struct dentry *d, u32 mode);
    int (*mknod)(struct inode *dir, struct dentry *d, u32 mode, u64 rdev);
    int (*symlink)(struct inode *dir, struct dentry *d, const char *target);
    int (*link)(struct inode *inode, struct inode *dir, struct dentry *d);
    int (*unlink)(struct inode *dir, struct dentry *d);
    int (*rmdir)(struct inode *dir, struct dentry *d);
    int (*rename)(struct inode *od, struct dentry *o, struct inode *nd, struct dentry *n,
                  u32 flags);
    int (*tmpfile)(struct inode *dir, struct inode **inode_r, u32 mode);
    /* Target into buf (n bytes with room for a NUL): its length. */
    ssize_t (*readlink)(struct inode *i, char *buf, size_t n);
    /* Magic links (/proc/PID/fd/N, exe, cwd): the object itself. Optional. */
    int (*follow)(struct inode *i, struct path *p_r);
    int (*getattr)(struct inode *i, struct kstat *st);  /* NULL: from the inode */
    int (*setattr)(struct inode *i, const struct iattr *a);
    void (*size_set)(struct inode *i);          /* or NULL: after a size was set, unlocked */
    int (*permission)(struct inode *i, int mask);       /* NULL: by mode; mask MAY_* */
    /* A cached name is about to be used: true if it still holds. NULL: always. */
    bool (*revalidate)(struct dentry *d);       /* asked of the directory's ops, only after
                                                 * d->valid_until; the directory's lock is
                                                 * held. False: looked up anew */
    ssize_t (*getxattr)(struct inode *i, const char *name, void *buf, size_t n);
    int (*setxattr)(struct inode *i, const char *name, const void *v, size_t n, int flags);
    ssize_t (*listxattr)(struct inode *i, char *buf, size_t n);
    int (*removexattr)(struct inode *i, const char *name);
    /* create, mkdir, mknod, symlink and link answer EEXIST themselves: a name that is not
     * cached need not be looked up before. */
    bool makers_tell;
    /* Optional: others beside this domain lock the file. -EAGAIN: one has; -ENOSYS. */
    int (*host_lock)(struct inode *i, const struct host_lock *l);
};
enum { MAY_EXEC = 1, MAY_WRITE = 2, MAY_READ = 4 };

struct dirent_ctx {
    /* False: the buffer is full, stop (entry not taken). off: position after it. */
    bool (*emit)(struct dirent_ctx *c, const char *name, size_t len, u64 ino, u64 off, u8 type);
};

struct file_ops {
    int (*open)(struct inode *i, struct file *f);       /* f->ops may be replaced */
    void (*release)(struct file *f);                    /* last reference has gone */
    int (*flush)(struct file *f);                       /* each close(2) */
    ssize_t (*read)(struct file *f, struct uio *u, loff_t *pos);
    ssize_t (*write)(struct file *f, struct uio *u, loff_t *pos);
    u32 (*poll)(struct file *f, struct polltable *pt);  /* POLL* now true; NULL: always ready */
    long (*ioctl)(struct file *f, u32 cmd, u64 arg);
    /* From f->pos on, directory's lock held. The caller sets f->pos to the `off` of the
     * last entry taken; readdir_dots emits the first two (offsets 1 and 2). */
    int (*readdir)(struct file *f, struct dirent_ctx *c);
    /* NULL: by size; see FMODE_STREAM */
    loff_t (*llseek)(struct file *f, loff_t off, int whence);
    int (*fsync)(struct file *f, bool data_only);
    int (*fallocate)(struct file *f, int mode, loff_t off, loff_t len);
    /* Mapping: tells mm/ where the bytes are. NULL: -ENODEV. mm.h has struct map_source. */
    int (*mmap)(struct file *f, struct map_source *s, u32 prot, bool shared);
    void (*unmapped)(struct file *f);   /* a part of a shared mapping has gone; optional */
    /* Bytes readable now, FIONREAD; optional. */
    int (*show_fdinfo)(struct file *f, char *buf, size_t n);
};

struct inode {
    struct ref ref;
    struct super *sb;
    u64 ino;
    u32 mode, uid, gid, nlink;
    u64 rdev, size, blocks;
    u64 atime, mtime, ctime, btime;
    struct mutex lock;
    const struct inode_ops *ops;
    const struct file_ops *fops;
    void *priv;
    struct pipe *pipe;                  /* FIFOs that are open */
    struct sockaddr_binding *bound;     /* unix sockets (next issue) */
    char *link;                         /* symlink's target once known: kmalloc, freed with the
                                         * inode; set by inode_set_link */
    bool linkable;                      /* O_TMPFILE: link(2) may give it a name */
    bool names_lost;                    /* directory: names of it have left the name cache */
    bool has_fcaps;                     /* may have security.capability */
    struct list dentries;               /* aliases; dcache_lock */
    struct file_lock_list *flocks;      /* flock and POSIX locks, fs/flock.c */
    s32 write_count;                    /* open for writing; exec vs ETXTBSY (negative: denied) */
    struct exec_image *image;           /* prepared program text, mm/ */
    struct watch *watches;              /* inotify; notify_lock */
};

struct super_ops {
    void (*evict)(struct inode *i);             /* last reference: free priv */
    int (*statfs)(struct super *sb, struct kstatfs *st);
    void (*umount)(struct super *sb);
    /* What is kept here goes to whom it is from; disk: and from there to its disk. */
    int (*sync)(struct super *sb, bool disk);
};
struct kstatfs { u64 type, bsize, blocks, bfree, bavail, files, ffree, namelen, frsize, flags; };
struct super {
    struct ref ref;                     /* mounts and inodes */
    u32 active;                         /* mounts; at 0 its names are dropped */
    u32 dev;                            /* st_dev, unique */
    const char *type;
    char source[64];
    const struct super_ops *ops;
    struct dentry *root;
    void *priv;
    u32 magic;
    bool nocache;                       /* names are kept only while used (proc) */
    bool no_host_locks;                 /* host_lock has nobody to tell */
    bool keep_times;                    /* vfs updates access times in the inode */
    struct mutex rename_lock;           /* directories change places */
    u64 news_until;                     /* time_mono(): for names with D_UNTIL_NEWS */
};

struct dentry {
    struct ref ref;
    struct super *sb;
    struct inode *inode;                /* NULL: known not to exist */
    struct dentry *parent;              /* itself for a root */
    struct list siblings, children, hash_link, alias_link, lru_link;
    u32 hash;
    u16 len;
    bool unlinked, mounted;             /* mounted: something is mounted on it */
    bool to_read;                       /* looked up to be opened for reading: a hint */
    bool hot;                           /* used since d_shrink looked */
    u64 valid_until;                    /* time_mono() until which revalidate is not asked;
                                         * ~0: never, 0: always; D_UNTIL_NEWS */
    char *name;                         /* points to short_name or kmalloc */
    char short_name[32];
};

/* Valid for as long as the file system says in super.news_until. */
#define D_UNTIL_NEWS (~0ull - 1)

struct mount {
    struct ref ref;
    int id;
    u64 flags;                          /* MS_RDONLY MS_NOSUID MS_NODEV MS_NOEXEC ... */
    struct super *sb;
    struct dentry *root;
    struct mount *parent;               /* NULL: the root mount */
    struct dentry *point;
    struct list all_link, hash_link;    /* mount order; by (parent, point); dcache_lock */
    u32 nchildren;                      /* mounts on this one */
    struct mntns *ns;                   /* NULL: in no tree */
    /* Propagation, fs/mount_prop.c; mount_mutex. group: whose peer it is, master: whose
     * slave; 0: none. pass, born: marks of one walk over all mounts. */
    u32 group, master, pass, born;
    bool unbindable, expiring;          /* expiring: unused since umount2 with MNT_EXPIRE */
    struct mount *copy;                 /* while its namespace is copied */
};
/* A mount namespace (ns.h). */
struct mntns { struct ns ns; struct mount *root; };
struct path { struct mount *mnt; struct dentry *dentry; };      /* both counted */

struct fsctx {                          /* CLONE_FS */
    struct ref ref;
    struct spinlock lock;
    struct path root, cwd;
    struct mntns *mntns;                /* counted */
    u32 umask;
};

enum { FMODE_READ = 1, FMODE_WRITE = 2, FMODE_PATH = 4, FMODE_STREAM = 8 /* no position */,
       FMODE_EXEC = 16, FMODE_COUNTED = 32 /* in inode->write_count */,
       FMODE_DENY = 64 /* writers are denied until it is put */ };
/* vfs_open_path: to execute it. Asks for MAY_EXEC alone and denies writers. */
#define O_EXEC_OPEN 0x20u
struct file {
    struct ref ref;
    u32 mode;                           /* FMODE_* */
    u32 flags;                          /* O_APPEND O_NONBLOCK O_DIRECT ...: fcntl F_GETFL */
    loff_t pos;
    struct mutex pos_lock;
    const struct file_ops *ops;
    struct path path;                   /* empty for anonymous files */
    struct inode *inode;                /* counted */
    void *priv;
    const struct cred *cred;
    int owner_pid, owner_sig;           /* F_SETOWN, F_SETSIG */
    struct list epitems;                /* epoll entries on this file */
    struct spinlock ep_lock;
    const char *anon_name;              /* "anon_inode:[eventpoll]", "pipe:" ... */
};

/* -- descriptors -- */
struct fdtable {
    struct ref ref;
    struct spinlock lock;
    u32 size, next_free;
    struct file **file;
    u64 *cloexec;                       /* bitmap */
};
struct fdtable *fdtable_new(void);
struct fdtable *fdtable_copy(struct fdtable *t);
void fdtable_put(struct fdtable *t);            /* last: closes all */
void fdtable_close_on_exec(struct fdtable *t);
struct file *fd_get(int fd);                    /* counted; NULL: EBADF. Not for O_PATH */
struct file *fd_get_raw(int fd);                /* O_PATH descriptors too */
/* Lowest free descriptor >= min; takes over the reference on success. fd or -EMFILE.. */
int fd_install(struct file *f, int min, bool cloexec);
int fd_replace(int fd, struct file *f, bool cloexec);   /* dup2/3; takes a reference over */
int fd_close(int fd);
/* FD_CLOEXEC of fd; set >= 0: and its new value. -EBADF. */
int fd_flags(int fd, int set);
/* The first open descriptor >= from and its file, counted; *f_r NULL: none. Any table. */
u32 fdtable_next(struct fdtable *t, u32 from, struct file **f_r);
static inline void file_get(struct file *f) { ref_get(&f->ref); }
void file_put(struct file *f);
void file_discard(struct file *f);              /* file_put without release: open failed */
/* A file with no name: ref 1. anon_name is kept as is (static). */
struct file *file_anon(const char *anon_name, const struct file_ops *ops, void *priv,
                       u32 fmode, u32 flags);

/* -- names -- */
enum { LOOKUP_FOLLOW = 1, LOOKUP_DIRECTORY = 2, LOOKUP_EMPTY = 4, LOOKUP_PARENT = 8,
       LOOKUP_CREATE = 16, LOOKUP_NO_XDEV = 32, LOOKUP_NO_SYMLINKS = 64,
       LOOKUP_NO_MAGICLINKS = 128, LOOKUP_BENEATH = 256, LOOKUP_IN_ROOT = 512,
       LOOKUP_TO_READ = 1024 /* the last component is to be opened for reading */ };
/* dfd: AT_FDCWD or a descriptor. name: kernel string. path_r is counted. */
int path_lookup(int dfd, const char *name, u32 flags, struct path *path_r);
/* The parent directory and the last component (copied to last, NAME_MAX+1 bytes). */
int path_parent(int dfd, const char *name, u32 flags, struct path *dir_r, char *last);
void path_get(struct path *p);
void path_put(struct path *p);
/* Absolute name seen from the current root into buf: start pointer inside buf, or NULL
 * (-ENAMETOOLONG). " (deleted)" is added where that holds. */
char *path_name(const struct path *p, char *buf, size_t n);
/* The same; *reached_r: it lies below the root. */
char *path_name_from_root(const struct path *p, char *buf, size_t n, bool *reached_r);
/* The same as seen from another root; NULL: it is not below it. */
char *path_name_below(const struct path *p, const struct path *root, char *buf, size_t n);
/* The same from p->mnt's own root, for /proc/PID/mountinfo field 4. */
char *dentry_name(struct dentry *d, char *buf, size_t n);
/* User string to a kernel one of PATH_MAX: kfree with name_put. Returns negative errno. */
int name_get(uptr_t user, char **name_r);
void name_put(char *name);

/* -- operations on paths (permission checks included; current task's cred) -- */
int vfs_open(int dfd, const char *name, u32 flags, u32 mode, struct file **file_r);
int vfs_open_path(const struct path *p, u32 flags, struct file **file_r);
/* A path for an open file: its own, or for anonymous files a nameless one over f->inode
 * (opening it opens the object anew: /dev/stdin on a pipe). Counted; -ENXIO: none. */
int file_path(struct file *f, struct path *p_r);
ssize_t vfs_read(struct file *f, struct uio *u, loff_t *pos);   /* pos NULL: f->pos */
ssize_t vfs_write(struct file *f, struct uio *u, loff_t *pos);
ssize_t vfs_kread(struct file *f, void *buf, size_t n, loff_t off);
ssize_t vfs_kwrite(struct file *f, const void *buf, size_t n, loff_t off);
loff_t vfs_llseek(struct file *f, loff_t off, int whence);
int vfs_readdir(struct file *f, struct dirent_ctx *c);  /* sets nothing; returns 0 or -errno */
/* "." and "..": false when the buffer is full. Offsets 0 and 1, next 2. */
bool readdir_dots(struct file *f, struct dirent_ctx *c);
int vfs_truncate(const struct path *p, u64 size);
int vfs_ftruncate(struct file *f, u64 size);
ssize_t vfs_readlink(const struct path *p, char *buf, size_t n);
int vfs_stat(const struct path *p, struct kstat *st_r);
int vfs_fstat(struct file *f, struct kstat *st_r);
int vfs_setattr(const struct path *p, struct iattr *a);
/* Modes of the vfs_mk* calls are used as given: sys/ applies the umask. */
int vfs_mkdir(int dfd, const char *name, u32 mode);
int vfs_mkdirs(const char *name, u32 mode);     /* with parents; existing is fine */
/* Owner and mode (07777) without asking for permission: boot code. */
int vfs_set_owner(const char *name, u32 uid, u32 gid, u32 mode);
int vfs_mknod(int dfd, const char *name, u32 mode, u64 rdev);
int vfs_symlink(const char *target, int dfd, const char *name);
int vfs_unlink(int dfd, const char *name, bool dir);
int vfs_link(int odfd, const char *old, int ndfd, const char *new, u32 lookup_flags);
int vfs_rename(int odfd, const char *old, int ndfd, const char *new, u32 flags);
int inode_permission(struct inode *i, int mask);
bool path_is_readonly(const struct path *p);
int vfs_chdir(const struct path *p);            /* current task; takes a reference */
int vfs_chroot(const struct path *p);
ssize_t vfs_getxattr(const struct path *p, const char *name, void *buf, size_t n);
int vfs_setxattr(const struct path *p, const char *name, const void *v, size_t n, int flags);
ssize_t vfs_listxattr(const struct path *p, char *buf, size_t n);
int vfs_removexattr(const struct path *p, const char *name);
int vfs_statfs(struct super *sb, struct kstatfs *st_r);
int vfs_sync_all(bool disk);
/* exec: no one may open it for writing while it is denied. -ETXTBSY: someone has. */
int inode_deny_write(struct inode *i);
void inode_allow_write(struct inode *i);

/* -- for file systems -- */
struct inode *inode_new(struct super *sb, u32 mode);    /* ref 1, times now, owner fsuid/fsgid */
static inline void inode_get(struct inode *i) { ref_get(&i->ref); }
/* From a table of the file system's own, under its lock: false when it is being freed
 * (evict will come, and removes it from the table). */
bool inode_tryget(struct inode *i);
void inode_put(struct inode *i);
void exec_image_free(struct exec_image *im);    /* mm/: its inode is being freed */
/* Owner, group and mode as a new member of dir: set-group-id directories pass theirs on. */
void inode_init_owner(struct inode *i, const struct inode *dir, u32 mode);
/* FIFOs, devices, sockets: sets fops and rdev by i->mode. */
void inode_init_special(struct inode *i, u64 rdev);
/* Stores the changes of a (checked by the caller) in the inode; ctime too. */
void inode_apply_attr(struct inode *i, const struct iattr *a);
void inode_fill_stat(const struct inode *i, struct kstat *st);
/* Keeps a copy of the target so that walks need not ask again. */
void inode_set_link(struct inode *i, const char *target, size_t len);
struct super *super_new(const char *type, const struct super_ops *ops, void *priv);
struct dentry *d_root(struct super *sb, struct inode *i);       /* takes the inode over */
void d_add(struct dentry *d, struct inode *i);  /* takes the inode over; NULL: negative */
struct dentry *d_lookup_or_new(struct dentry *parent, const char *name, size_t len);
void d_drop(struct dentry *d);                  /* forget the name */
static inline void dentry_get(struct dentry *d) { ref_get(&d->ref); }
void dentry_put(struct dentry *d);
void d_shrink(u32 keep);                        /* drop unused names, oldest first */
/* Pages of files in kernel memory (fs/virtiofs_flush.c): what there is; what was stored
 * through mappings to the host: true when there may be more later; at most `want` pages
 * that nobody uses are freed: how many. write: dirty ones, too. */
u64 filecache_bytes(void);
bool filecache_flush(void);
u64 filecache_shrink(u64 want, bool write);
void vfs_shrink(void);                          /* memory is short: all that is only cached */
extern struct spinlock dcache_lock;

/* File system types register by a line in fs/types.def: FS(name, mount function). */
typedef int (*fs_mount_fn)(const char *source, u64 flags, const char *data, struct super **sb_r);
int vfs_mount(const char *type, const char *source, const char *target, u64 flags,
              const char *data);
int vfs_mount_super(struct super *sb, struct dentry *root, const char *target, u64 flags);
int vfs_mount_root(struct super *sb, u64 flags);
int vfs_bind(const char *source, const char *target, bool recursive);
int vfs_remount(const char *target, u64 flags);
int vfs_umount(const char *target, int flags);
int vfs_move_mount(const char *source, const char *target);
int vfs_pivot_root(const char *new_root, const char *put_old);
/* type: MS_SHARED, MS_SLAVE, MS_PRIVATE or MS_UNBINDABLE. */
int vfs_set_propagation(const char *target, u64 type, bool recursive);
/* Calls fn for every mount, oldest first, under dcache_lock. For /proc/PID/mounts. */
void vfs_for_each_mount(void (*fn)(struct mount *m, void *arg), void *arg);
/* Each counted mount in turn: the one after prev (NULL: first), or NULL. Puts prev. */
struct mount *vfs_mount_next(struct mount *prev);
bool vfs_type_name(unsigned index, const char **name_r);        /* /proc/filesystems */
void vfs_init(void);
struct fsctx *fsctx_new_root(void);
struct fsctx *fsctx_copy(struct fsctx *c);
void fsctx_put(struct fsctx *c);
struct ns *fsctx_mntns_get(struct fsctx *c);    /* counted */
/* fs gets a mount namespace of its own, a copy of the one it has; fs is the caller's alone. */
int fsctx_unshare_mounts(struct fsctx *fs);
/* fs joins n, at its root. -EINVAL: fs is shared. */
int fsctx_enter(struct fsctx *fs, struct ns *n);
void mntns_free(struct ns *n);                  /* from ns_put */

/* Character devices register by a line in fs/chrdev.def:
 * CHR(major, first minor, number of minors, name in devtmpfs or "", mode, fops). */
extern const struct file_ops chrdev_fops;       /* of every S_IFCHR inode: finds its device */
extern const struct file_ops fifo_fops;         /* of every S_IFIFO inode; fs/pipe.c */
long pipe_fcntl(struct file *f, u32 cmd, u64 arg);      /* F_[GS]ETPIPE_SZ; fs/pipe.c */
int pipe_open(u32 flags, struct file *f[2]);    /* pipe2(2): reading end, writing end */
bool file_is_pipe(const struct file *f);        /* an open pipe or FIFO */
/* fs/splice.c; the pipe is `in`, `out`, or both. pos NULL: the file's own. */
ssize_t splice_from_pipe(struct file *in, struct file *out, loff_t *pos, size_t n, bool nonblock);
ssize_t splice_to_pipe(struct file *in, loff_t *pos, struct file *out, size_t n, bool nonblock);
ssize_t splice_pipes(struct file *in, struct file *out, size_t n, bool nonblock, bool keep);
#define MKDEV(ma, mi) ((((u64)(ma) & 0xfff) << 8) | ((mi) & 0xff) | \
                       (((u64)(mi) & ~0xffull) << 12) | (((u64)(ma) & ~0xfffull) << 32))
#define DEV_MAJOR(d) ((u32)(((d) >> 8 & 0xfff) | ((u64)(d) >> 32 & ~0xfffull)))
#define DEV_MINOR(d) ((u32)(((d) & 0xff) | ((d) >> 12 & ~0xffull)))

/* A file of anonymous memory that programs can map: memfd_create, shared mappings. */
struct file *tmpfs_anon_file(const char *name, u64 size, bool sealable);
int shmem_file_new(const char *name, u64 size, struct file **file_r);

/* File locks, fs/flock.c and fs/posixlock.c. */
struct flock;
int file_flock(struct file *f, int op);                 /* flock(2) */
int file_posix_lock(struct file *f, u32 cmd, struct flock *fl);
void file_locks_close(struct file *f, struct fdtable *t);       /* close(2): POSIX */
void file_locks_release(struct file *f);                /* last reference: flock, OFD */

/* -- polling (fs/poll.c) -- */
struct polltable {
    void (*add)(struct polltable *pt, struct file *f, struct waitq *q); /* NULL: just ask */
};
static inline void poll_wait(struct polltable *pt, struct file *f, struct waitq *q)
{
    if (pt && pt->add) pt->add(pt, f, q);
}
u32 file_poll(struct file *f, struct polltable *pt);
void epoll_file_gone(struct file *f);           /* from file_put */
#endif
