/* Inside the FUSE server: nodes, open files, requests. One thread runs all of it. */
#ifndef XENC_DEV_FS_INT_H
#define XENC_DEV_FS_INT_H

#include <errno.h>
#include <linux/fuse.h>
#include <string.h>
#include <sys/stat.h>

#include "abi/fs.h"
#include "hv/dev/fs.h"
#include "hv/dev/keep.h"

enum {
    FS_IN_MAX = 65536 + 4096,   /* largest request without its write payload: SETXATTR */
    FS_OUT_MAX = 65536,         /* largest reply that isn't file data */
    FS_DENTS_MAX = 32768,
    FS_WRITE_MAX = 1 << 20,
    FS_NAME_MAX = 255,
    FS_FIRST_NODE = 3,          /* 1 the root, 2 XENC_FS_SHARES */
    FS_NODES_MAX = 1 << 20,     /* a guest that forgets nothing gets ENFILE */
    FS_OPEN_NODES_MAX = 1 << 16,        /* descriptors of them */
    FS_FILES_MAX = 1 << 16,
    FS_LOCKED_MAX = 4096,       /* files that the guest has locks on */
};

/* A file or directory the guest knows. Held by an O_PATH descriptor, which may be
 * closed when there are too many (fs_evict.c): then by its parent and name.
 *
 * Nodes and open files outlive the worker (struct fs_keep). A descriptor is noted after it
 * was opened, and forgotten before it is closed: so what is noted is open, and what is open
 * and noted nowhere a new worker closes. */
struct node {
    uint64_t dev, ino;
    uint64_t nlookup;           /* references the guest holds; changed by fs_set only */
    uint32_t parent;            /* node number; keeps that node in being */
    int32_t fd;                 /* -1: closed for now */
    uint16_t tree;
    uint8_t type;               /* S_IFMT >> 12, 0: slot is free */
    bool used;                  /* since the evicting hand last passed */
    /* The next worker computes these two itself. */
    uint32_t nchildren;         /* nodes whose parent is this one */
    uint32_t next;              /* hash chain or free list */
    char name[20];              /* last known name in `parent`; "": a tree's root; "/": it is
                                 * a long one and stands in fs_keep.names. A hint only. */
};

union file_state {              /* in one word, as it changes by one store */
    uint64_t word;              /* 0: the slot is free */
    struct { int32_t fd; bool open, dir, ro, append; } s;
};

struct file {                   /* an open file or directory */
    union file_state is;
    uint64_t pos;               /* directory: where the descriptor stands */
    uint32_t next_free;
};

union locked {                  /* fs_lock.c: fd carries the guest's locks on a node */
    uint64_t word;              /* 0: the slot is free; changed by one store */
    struct { uint32_t node; int32_t fd; } s;
};

enum { FS_UNDO_MAX = 8192 };    /* counts that one request may change */

/* A request that was begun, and what its repetition must know (fs_again.c). */
struct begun {
    uint32_t open;              /* it has not been answered yet */
    uint32_t opcode;
    uint64_t unique, nodeid;
    uint32_t acted;             /* the rest is valid: it was about to change something */
    uint64_t sec, nsec;         /* when */
    uint64_t fact;              /* a size or inode number from before */
};

/* What outlives a worker: shared memory, zero at first, mostly never touched. */
struct fs_keep {
    uint32_t nnodes;            /* slots that ever were in use; 0: no worker was here yet */
    uint32_t nfiles;
    uint32_t uid, gid;          /* ours: owner of a file before it gets its own */
    uint32_t open_max;          /* node descriptors, before some are evicted */
    uint32_t files_max;
    bool can_chown;
    uint64_t cookie;            /* of the last grant */
    bool setxattr_ext, auto_inval, handles_kill;        /* as negotiated */
    struct begun begun;
    uint32_t nundo;             /* of a request that is not finished */
    struct { uint64_t *at, old; } undo[FS_UNDO_MAX];
    uint32_t nlocked;           /* slots that ever were in use */
    union locked locked[FS_LOCKED_MAX];
    struct file files[FS_FILES_MAX];
    struct node nodes[FS_NODES_MAX];
    char names[FS_NODES_MAX][FS_NAME_MAX + 1];
};

struct fs {
    const struct fs_tree *trees;
    unsigned ntrees;
    int grant_fd;
    struct fs_keep *keep;
    bool own_keep, again;       /* again: a predecessor began this request */

    struct node *nodes;         /* keep's, by number */
    uint32_t free_node;
    uint32_t *buckets, nbuckets;        /* power of two */
    uint32_t live;              /* nodes in use */
    uint32_t open_nodes;        /* node descriptors */
    uint32_t hand, evicted;
    uint32_t garbage[FS_UNDO_MAX], ngarbage;    /* nodes maybe to be released */

    struct file *files;         /* keep's */
    uint32_t free_file, open_files;
    int closing;                /* descriptor of a released file, -1: none */
    struct news *news;          /* NULL: the guest has not asked this worker */

    uint8_t in[FS_IN_MAX];
    uint8_t out[FS_OUT_MAX];
    uint8_t dents[FS_DENTS_MAX] __attribute__((aligned(8)));
};

/* A request. `arg` is a private copy; `data` (WRITE's payload) and `reply` (room for
 * the answer behind its header) are guest memory. */
struct req {
    struct fuse_in_header h;
    const uint8_t *arg;
    size_t arg_len;
    struct iovec *data;
    unsigned ndata;
    struct iovec *reply;
    unsigned nreply;
    size_t room;
};

/* Handlers return the length of the answer, put in fs->out or by READ in place, or a
 * negative errno. */
typedef ssize_t (*fs_op)(struct fs *fs, struct req *rq);

/* fs.c: arguments. Copies the fixed part of a request; -EINVAL when it is short. */
int req_arg(const struct req *rq, void *arg, size_t size);

/* The string that begins `at` bytes into the request: checked to be terminated, or
 * NULL. */
const char *req_str(const struct req *rq, size_t at);

/* As req_str, and a single file name: 0 or a negative errno. */
int req_name(const struct req *rq, size_t at, const char **name_r);

/* Puts a reply structure into fs->out and returns its size. */
ssize_t reply(struct fs *fs, const void *data, size_t size);

/* fs_keep.c: changes that come to be with the request's end, or never. Sets a word of the
 * kept state, and back should the worker end before fs_commit. */
void fs_set(struct fs *fs, uint64_t *word, uint64_t value);

/* Takes a predecessor's state over: true; false: there was none. */
bool fs_take_over(struct fs *fs);

/* fs_again.c: a request whose worker was killed is done again. What was done already
 * would now fail; these tell. */

/* At the start of each request: sets fs->again. */
void again_begin(struct fs *fs, const struct fuse_in_header *h);

/* Right before a change that can't be repeated, with a fact about what it changes. When it
 * is a repetition the first one's fact and time stay. */
void again_note(struct fs *fs, uint64_t fact);

/* Did the first attempt come that far, and with which fact? */
bool again_noted(const struct fs *fs, uint64_t *fact_r);

/* EEXIST for `name` in dir: did the first attempt make it, as a file of this type? */
bool again_made(struct fs *fs, unsigned tree, int dir, const char *name, mode_t type);

/* Has that name's file changed since the first attempt began? */
bool again_since(struct fs *fs, int dir, const char *name);

/* fs_node.c. Numbers and pointers of nodes stay. */
int nodes_init(struct fs *fs, struct err *e);
int nodes_take_over(struct fs *fs);
void nodes_drop(struct fs *fs);         /* all the guest knows */
void nodes_settle(struct fs *fs);       /* after a commit: lets go of what nobody needs */
const char *node_name(struct fs *fs, const struct node *n);
struct node *node_get(struct fs *fs, uint64_t id);      /* NULL: the guest has no such */
struct node *node_find(struct fs *fs, unsigned tree, const struct stat *st);
void node_forget(struct fs *fs, uint64_t id, uint64_t n);

/* A node's descriptor, reopened if need be, or a negative errno. */
int node_fd(struct fs *fs, struct node *n);

/* The same for the request's node: -ENOENT, and -EROFS when it is to be written to. */
int req_node(struct fs *fs, uint64_t id, bool write, struct node **n_r);

/* Names the child found as `name` in `parent` to the guest: takes the O_PATH descriptor
 * fd over in any case. Returns the node's number or a negative errno. */
int64_t node_enter(struct fs *fs, uint32_t parent, unsigned tree, const char *name,
                   int fd, const struct stat *st);

int fd_dup(int fd);             /* close-on-exec; -1 and errno */

/* Opens the node's file itself (not by name) with these flags. */
int node_open(struct fs *fs, struct node *n, int flags);

/* fs_evict.c */
void evict_some(struct fs *fs);
int node_reopen(struct fs *fs, struct node *n);
/* Before `name` leads to something else: its node must not depend on it. */
void evict_unlinking(struct fs *fs, uint32_t dir, const char *name);
void node_set_name(struct fs *fs, struct node *n, uint32_t parent, const char *name);

/* fs_handle.c */
void files_init(struct fs *fs);         /* a predecessor's stay open */
void files_drop(struct fs *fs);
void files_settle(struct fs *fs);       /* after a commit */
/* `how` without its descriptor, which is taken over in any case. */
int file_add(struct fs *fs, int fd, union file_state how, uint64_t *fh_r);
int file_fd(const struct file *f);
struct file *file_get(struct fs *fs, uint64_t fh, bool dir);
void file_drop(struct fs *fs, uint64_t fh);

/* fs_attr.c */
void attr_fill(struct fuse_attr *a, const struct stat *st);
ssize_t op_getattr(struct fs *fs, struct req *rq);
ssize_t op_setattr(struct fs *fs, struct req *rq);
ssize_t op_statfs(struct fs *fs, struct req *rq);
int kill_suidgid(int fd);       /* of a file that was just written to */

/* "17" for descriptor 17: its file's name in our working directory. */
struct fd_name { char s[12]; };
struct fd_name fd_name(int fd);

/* fs_name.c: names in directories */
ssize_t op_lookup(struct fs *fs, struct req *rq);
ssize_t op_unlink(struct fs *fs, struct req *rq);
ssize_t op_rmdir(struct fs *fs, struct req *rq);
ssize_t op_rename(struct fs *fs, struct req *rq);
ssize_t op_rename2(struct fs *fs, struct req *rq);
ssize_t op_link(struct fs *fs, struct req *rq);
ssize_t op_readlink(struct fs *fs, struct req *rq);

/* Looks `name` up and fills the reply; nodeid 0 isn't used: -ENOENT. */
int entry_lookup(struct fs *fs, uint32_t dir, const char *name, struct fuse_entry_out *o);
void entry_fill(struct fuse_entry_out *o, uint64_t id, const struct stat *st);

/* fs_make.c: new files */
ssize_t op_symlink(struct fs *fs, struct req *rq);
ssize_t op_mknod(struct fs *fs, struct req *rq);
ssize_t op_mkdir(struct fs *fs, struct req *rq);
ssize_t op_create(struct fs *fs, struct req *rq);
ssize_t op_tmpfile(struct fs *fs, struct req *rq);

/* fs_file.c: open files */
int open_flags(uint32_t guest_flags);   /* those we honour, or -EINVAL */
ssize_t op_open(struct fs *fs, struct req *rq);
ssize_t op_read(struct fs *fs, struct req *rq);
ssize_t op_write(struct fs *fs, struct req *rq);
ssize_t op_release(struct fs *fs, struct req *rq);
ssize_t op_flush(struct fs *fs, struct req *rq);
ssize_t op_fsync(struct fs *fs, struct req *rq);
ssize_t op_syncfs(struct fs *fs, struct req *rq);
ssize_t op_fallocate(struct fs *fs, struct req *rq);
ssize_t op_lseek(struct fs *fs, struct req *rq);
ssize_t op_copy_file_range(struct fs *fs, struct req *rq);
ssize_t op_grant(struct fs *fs, struct req *rq);
/* Sends before the reply, so that a guest that has the reply can receive at once. Never
 * waits: a guest that doesn't take its descriptors gets EAGAIN. The cookie: keep->cookie. */
int send_grant(struct fs *fs, int fd);
/* Opens the node's file with these flags and grants it: 0 or a negative errno. */
int grant_file(struct fs *fs, uint64_t id, int flags, struct xenc_grant_out *o);

/* fs_dir.c */
ssize_t op_opendir(struct fs *fs, struct req *rq);
ssize_t op_readdir(struct fs *fs, struct req *rq);
ssize_t op_readdirplus(struct fs *fs, struct req *rq);
ssize_t op_releasedir(struct fs *fs, struct req *rq);
ssize_t op_fsyncdir(struct fs *fs, struct req *rq);

/* fs_news.c: what others change */
ssize_t op_news(struct fs *fs, struct req *rq);
void news_free(struct fs *fs);
void news_node_gone(struct fs *fs, uint32_t id);
/* A directory was just made: it is watched, and if it has something in it, that is news. */
void news_made(struct fs *fs, uint32_t dir);
/* Watches a directory, if the guest wants to know: before its names are read. */
bool news_watch(struct fs *fs, uint32_t dir);
/* For how many seconds names of the directory hold. */
uint64_t news_valid(struct fs *fs, uint32_t dir);
/* Says in an answer about a name of `dir` for how long it holds. */
void news_entry(struct fs *fs, uint32_t dir, struct fuse_entry_out *o);
/* We have just changed this name ourselves; mask: the events (IN_*) that it makes. */
struct own_change { uint32_t dir; const char *name; uint32_t mask; };
void news_take(struct fs *fs, const struct own_change *own, unsigned nown);
void news_own(struct fs *fs, uint32_t dir, const char *name, uint32_t mask);
void news_own_node(struct fs *fs, const struct node *n, uint32_t mask);
/* fs_lock.c */
ssize_t op_setlk(struct fs *fs, struct req *rq);
ssize_t op_getlk(struct fs *fs, struct req *rq);
void locks_forget(struct fs *fs, uint32_t node);
void locks_drop(struct fs *fs);          /* all of them */

/* fs_xattr.c */
ssize_t op_setxattr(struct fs *fs, struct req *rq);
ssize_t op_getxattr(struct fs *fs, struct req *rq);
ssize_t op_listxattr(struct fs *fs, struct req *rq);
ssize_t op_removexattr(struct fs *fs, struct req *rq);

#endif
