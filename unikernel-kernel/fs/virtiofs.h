/* The virtio-fs client: files of the host as inodes. One `struct virtiofs` a device
 * carries all its mounts (the container's root and its shares).
 *
 *   virtiofs.c          mounting, the table of inodes, forgetting
 *   virtiofs_attr.c     attributes, extended attributes
 *   virtiofs_dir.c      names: lookup and everything that changes a directory
 *   virtiofs_readdir.c  listing directories
 *   virtiofs_news.c     what others have changed
 *   virtiofs_file.c     open files: read, write, mmap, sync
 *   virtiofs_grant.c    descriptors of the host for file data
 *   virtiofs_pages.c    the page cache, where there is no grant
 *   virtiofs_flush.c    pages that leave it
 *   virtiofs_io.c       file data by messages, where there is no grant
 *
 * This container is nearly always the only one that changes what it sees, so its own
 * changes go into the cached attributes at once; what others change is seen when the
 * times to live that the device gave have passed. Where the device watches directories,
 * names and attributes hold until it tells of a change; it is asked once a second. */
#ifndef VIRTIOFS_H
#define VIRTIOFS_H
#include "fuse.h"
#include "vfs.h"

enum { VFS_HASH = 512, FORGET_BATCH = 64, GRANT_LIMIT = 4096 };

struct virtiofs {
    struct fuse_conn *conn;
    struct spinlock lock;               /* hash, forgets, grants list */
    struct list hash[VFS_HASH];         /* vnodes by node id */
    struct fuse_forget_one forget[FORGET_BATCH];
    u32 nforget;
    struct mutex grant_lock;            /* one shrinks the list at a time */
    struct list grants;                 /* vnodes that have some; next victim first */
    u32 ngrants;
    struct list cached;                 /* struct vnode_pages; next victim first */
    bool no_tmpfile, no_rename2, no_xattr, no_news;     /* the device said so */
    struct mutex news_lock;             /* one asks at a time */
    u32 news_seq;                       /* odd while somebody does */
    u32 lookups;                        /* names asked for before there was news */
    struct super *news_sb;              /* the one that gets them: of the root */
    u8 *news_buf;
    u32 names_gen;                      /* dir_names of an older one are not to be used */
    u32 names_bytes;                    /* of all of them */
};

/* A directory's names as the device listed them, kept while it has no news. */
struct dir_names {
    struct ref ref;
    u32 gen, len;
    u8 dirents[];                       /* struct fuse_dirent */
};

struct vnode {
    struct inode *inode;
    struct list hash_link, grant_link;
    u64 nodeid, nlookup;                /* nlookup: to be given back by FORGET */
    u64 attr_until;                     /* attributes hold; 0: must be asked for */
    u64 rest_until;                     /* ... all that a write does not change */
    u32 attr_version;                   /* counts our own changes of size and times */
    u32 opens;                          /* open files; VNODE_CLOSING: grants being closed */
    s32 grant[2];                       /* read-only, read-write: handle or -1 */
    bool grant_refused[2];
    bool grant_recent;
    bool fh_open[2];
    u64 fh[2];                          /* handles of the device, for messages */
    struct vnode_pages *pages;          /* what is in memory, without a grant */
    u64 cache_until;                    /* the pages need not be doubted before */
    u64 seen_mtime; u32 seen_version;   /* as the host last said; attr_version then */
    u64 open_since;                     /* time_mono() when `opens` left 0 */
    struct dir_names *names;            /* directory: all its names, or NULL; fs->lock */
    u32 names_version;                  /* counts their changes */
    u32 whole;                          /* directory: made here; names_gen + 1 of then: all its
                                         * names are cached, unless names_lost; 0: maybe not */
    char *absent;                       /* directory: the name we removed last, while it is */
    u64 absent_until;                   /* ... known not to exist; directory's lock */
    bool msg_written;                   /* the new file's handle has served its write */
    bool made;                          /* by us, and still our user's */
    u64 sent;                           /* ticket of the last change that nobody waits for */
    bool no_fcaps;                      /* known to have no security.capability */
    struct mutex append_lock;           /* finding the end and writing there; before lock */
    struct mutex lock;                  /* size, getting grants and handles */
};
#define VNODE_CLOSING 0x80000000u

static inline struct vnode *vnode_of(const struct inode *i) { return i->priv; }
static inline struct virtiofs *virtiofs_of(const struct inode *i) { return i->sb->priv; }
/* Before something that the device must not see after, or do before, a change of times. */
static inline void vnode_await(struct vnode *v)
{
    u64 ticket = READ_ONCE(v->sent);

    if (unlikely(ticket)) {
        fuse_await(virtiofs_of(v->inode)->conn, ticket);
        __atomic_compare_exchange_n(&v->sent, &ticket, 0, false, __ATOMIC_RELAXED,
                                    __ATOMIC_RELAXED);
    }
}

/* virtiofs.c */
int virtiofs_mount(const char *source, u64 flags, const char *data, struct super **sb_r);
/* Type "share": source is the share's number in decimal. */
int virtiofs_mount_share(const char *source, u64 flags, const char *data, struct super **sb_r);
/* The inode of a LOOKUP-like answer, counted; NULL with *rc_r set. Takes over the lookup
 * count of the answer even when it fails. */
struct inode *virtiofs_iget(struct super *sb, const struct fuse_entry_out *e, u32 seq,
                            int *rc_r);
/* fs->lock held: the node's inode in this super, counted; NULL: it has none. */
struct inode *virtiofs_find(struct super *sb, u64 nodeid);
struct fuse_req *virtiofs_req(const struct inode *i, u32 opcode);
struct virtiofs *virtiofs_instance(void);       /* NULL: none is mounted */
/* sec, nsec: as the device's answer says. seq: virtiofs_news_seq() before it was asked. */
u64 virtiofs_deadline(const struct virtiofs *fs, u32 seq, u64 sec, u32 nsec);

/* virtiofs_news.c */
static inline u32 virtiofs_news_seq(const struct virtiofs *fs) { return READ_ONCE(fs->news_seq); }
/* Asks for news unless that was done within the last second: may names and attributes
 * with D_UNTIL_NEWS be believed? */
bool virtiofs_news(struct super *sb);

/* virtiofs_attr.c */
void virtiofs_set_attr(struct inode *i, const struct fuse_attr *a, u64 until);
/* Attributes as of now if their time has passed: 0 or -errno. */
int virtiofs_refresh(struct inode *i, bool force);
static inline void virtiofs_stale(struct inode *i)
{
    vnode_of(i)->attr_until = vnode_of(i)->rest_until = 0;
}
int virtiofs_getattr(struct inode *i, struct kstat *st);
int virtiofs_setattr(struct inode *i, const struct iattr *a);
ssize_t virtiofs_getxattr(struct inode *i, const char *name, void *buf, size_t n);
int virtiofs_setxattr(struct inode *i, const char *name, const void *v, size_t n, int flags);
ssize_t virtiofs_listxattr(struct inode *i, char *buf, size_t n);
int virtiofs_removexattr(struct inode *i, const char *name);

/* virtiofs_readdir.c: the directory's names have changed. */
void virtiofs_names_drop(struct inode *dir);

/* virtiofs_dir.c, virtiofs_readdir.c, virtiofs_file.c */
/* Our own change of the contents, which may have moved the end. */
void virtiofs_wrote(struct inode *i, u64 end);
extern const struct inode_ops virtiofs_dir_iops, virtiofs_file_iops, virtiofs_link_iops;
extern const struct file_ops virtiofs_dir_fops, virtiofs_file_fops;

/* virtiofs_lock.c */
int virtiofs_host_lock(struct inode *i, const struct host_lock *l);

/* virtiofs_grant.c: a handle for file data, or -errno (-EOPNOTSUPP: use messages).
 * The caller has the file open. */
int vnode_grant_slow(struct vnode *v, bool write);
void vnode_grants_close(struct vnode *v);
/* A grant that came without being asked for. One for writing came with a handle: the device
 * closes last, so that it knows whose the writing was. */
void vnode_grant_given(struct vnode *v, bool write, s32 grant);
void vnode_opened(struct vnode *v);     /* an open file more: grants stay */
/* One less: true when it was the last. */
bool vnode_closed(struct vnode *v);
/* Counts it as open if it is: its grants stay until vnode_closed(). */
bool vnode_pin(struct vnode *v);
/* Nobody has it open any more: what the host could want of it for itself goes. */
void vnode_idle(struct vnode *v);
/* One that is there, for what either serves; -1: none. */
static inline s32 vnode_any_grant(const struct vnode *v)
{
    s32 g = READ_ONCE(v->grant[1]);

    return g >= 0 ? g : READ_ONCE(v->grant[0]);
}
static inline int vnode_grant(struct vnode *v, bool write)
{
    s32 g = READ_ONCE(v->grant[write]);
    return g >= 0 ? g : vnode_grant_slow(v, write);
}

/* virtiofs_pages.c: where there is no grant. writable: shared and writable. */
int vnode_pages_map(struct file *f, struct map_source *s, bool writable);
ssize_t vnode_pages_read(struct inode *i, struct uio *u, u64 pos);
/* Bytes that are written to the file: into the pages that are there, before and after. */
void vnode_pages_put(struct inode *i, const void *buf, size_t n, u64 pos);
void vnode_pages_cut(struct inode *i, u64 size);        /* the file ends there now */
void vnode_pages_stale(struct vnode *v);                /* they must be read again */
void vnode_pages_free(struct vnode *v);

/* virtiofs_flush.c: what was stored through shared mappings to the host: known so far;
 * or all (walks through all processes, so with no mm->lock held). 0 or -errno. */
int vnode_pages_write(struct inode *i);
int vnode_pages_sync(struct inode *i);

/* virtiofs_io.c */
/* The device's handle for the file, opened at the first call; v->lock not held. */
int vnode_fh(struct vnode *v, bool write, u64 *fh_r);
void vnode_fh_release(struct vnode *v);
ssize_t virtiofs_msg_read(struct inode *i, struct uio *u, u64 pos);
ssize_t virtiofs_msg_write(struct inode *i, struct uio *u, u64 pos);
/* The same for kernel heap memory, with no buffer between. The read is short at the end of
 * the file only; -ECONNABORTED: the device is broken, and may write to buf still. */
ssize_t virtiofs_msg_pread(struct inode *i, void *buf, size_t n, u64 pos);
ssize_t virtiofs_msg_pwrite(struct inode *i, void *buf, size_t n, u64 pos);
int virtiofs_msg_fsync(struct inode *i, bool data_only);
int virtiofs_msg_fallocate(struct inode *i, int mode, u64 off, u64 len);
s64 virtiofs_msg_lseek(struct inode *i, u64 off, int whence);
#endif
