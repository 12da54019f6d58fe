/* tmpfs inside: names in two trees a directory, contents in a radix tree of pages. */
#ifndef TMPFS_H
#define TMPFS_H
#include "fs.h"

#define TNODE_BITS  6
#define TNODE_SLOTS (1u << TNODE_BITS)
#define TDIRENT_SIZE 20         /* what one name adds to a directory's st_size, as Linux says */

struct tnode { void *slot[TNODE_SLOTS]; };
struct txattr { struct txattr *next; char *name; void *value; size_t len; };

struct tmpfs {                  /* super->priv */
    u64 max_pages, max_inodes;  /* 0: no limit */
    u64 pages, inodes, last_ino;        /* atomic */
    struct spinlock lock;
    struct list dying;          /* dirents of directories that go with their super */
    bool draining;
};

struct tinode {                 /* inode->priv */
    struct spinlock lock;       /* the page tree; inode->lock is taken before by all but
                                 * page faults */
    void *root;                 /* height 0: page 0 itself, else a tnode */
    u32 height;
    u64 npages;
    bool mapped;                /* pages may be in programs: they stay until the end */
    bool cut;                   /* it became shorter, and mappings do not know yet */
    u32 seals;                  /* F_SEAL_*; F_SEAL_SEAL from the start if not sealable */
    struct txattr *xattrs;
    struct rbtree by_name, by_cookie;   /* of tdirents */
    u64 next_cookie;
    struct mqueue *mq;          /* of the mqueue file system: the queue */
};

struct tdirent {
    struct rbnode name_node, cookie_node;
    struct list dying;
    u64 cookie;                 /* where readdir finds it; never used again */
    struct inode *inode;        /* counted */
    u32 hash;
    u16 len;
    char name[];
};

static inline struct tinode *tinode_of(const struct inode *i) { return i->priv; }
static inline struct tmpfs *tmpfs_of(const struct super *sb) { return sb->priv; }

/* tmpfs.c */
struct inode *tmpfs_inode(struct super *sb, const struct inode *dir, u32 mode, u64 rdev,
                          int *err_r);
struct super *tmpfs_super(const char *type, const char *data, int *err_r);
/* tmpfs_dir.c */
extern const struct inode_ops tmpfs_dir_iops;
extern const struct file_ops tmpfs_dir_fops;
int tmpfs_add(struct inode *dir, const char *name, size_t len, struct inode *i);
void tmpfs_dir_free(struct inode *dir);
/* tmpfs_data.c */
extern const struct file_ops tmpfs_file_fops;
void tmpfs_data_free(struct inode *i);
int tmpfs_set_size(struct inode *i, u64 size);
void tmpfs_size_set(struct inode *i);
void tmpfs_mq_evict(struct tinode *t);  /* mqueue_fs.c: t->mq goes */
/* tmpfs_pages.c: tree lock not held by the caller */
void *tpages_find(struct tinode *t, u64 index);
/* The page at index, made (zeroed unless raw) if need be. below: only if index is still
 * below this many pages of i->size, else NULL; -ENOSPC/-ENOMEM through err_r. */
void *tpages_get(struct inode *i, u64 index, bool raw, bool check_size, int *err_r);
/* Frees (or, of mapped files, zeroes) the pages first..last. */
void tpages_drop(struct inode *i, u64 first, u64 last);
/* The first index >= from that has a page; ~0: none. */
u64 tpages_next(struct tinode *t, u64 from);
/* tmpfs_xattr.c */
ssize_t tmpfs_getxattr(struct inode *i, const char *name, void *buf, size_t n);
int tmpfs_setxattr(struct inode *i, const char *name, const void *v, size_t n, int flags);
ssize_t tmpfs_listxattr(struct inode *i, char *buf, size_t n);
int tmpfs_removexattr(struct inode *i, const char *name);
void tmpfs_xattr_free(struct inode *i);
int tmpfs_setattr(struct inode *i, const struct iattr *a);
#define TMPFS_ATTR_OPS \
    .setattr = tmpfs_setattr, .size_set = tmpfs_size_set, .getxattr = tmpfs_getxattr, \
    .setxattr = tmpfs_setxattr, .listxattr = tmpfs_listxattr, .removexattr = tmpfs_removexattr
#endif
