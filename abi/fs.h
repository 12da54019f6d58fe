/* The file system device: virtio-fs (virtio 1.2, 5.11) speaking FUSE 7.31 or later as
 * <linux/fuse.h> defines it, over queue 0 (high priority: FORGET) and queue 1
 * (requests). A message's buffers are physically in domain memory.
 *
 * Shares: FUSE_ROOT_ID (1) is the container's root file system. Further shares (bind
 * mounts) are looked up as children of the reserved node XENC_FS_SHARES by the decimal
 * name of their number; a share may be a directory or a single file.
 *
 * Grants (PV only; offered by bit XENC_FS_F_GRANT of the device's features): the guest
 * asks for a host descriptor of an open file. The device sends one SOCK_SEQPACKET
 * message {struct xenc_grant_msg, SCM_RIGHTS fd} on the grant socket before it
 * completes the request with struct xenc_grant_out. The guest may map it (PROT_EXEC
 * and private always; shared as opened) and use pread64/pwrite64 on it; it is the
 * host's page cache, so it is coherent with every other reader of the file.
 *
 * XENC_FUSE_CREATE is FUSE_CREATE, opened read-write, that brings a grant along: struct
 * fuse_entry_out, fuse_open_out (fh 0: no handle), xenc_grant_out (cookie 0: no grant). Who
 * has both closes the grant before it releases the handle. XENC_FUSE_LOOKUP is FUSE_LOOKUP of
 * what is to be read: struct fuse_entry_out, then xenc_grant_out, read-only, cookie 0: none.
 *
 * News: names that the guest need not ask for again and again. From the first
 * XENC_FUSE_NEWS on, answers about names in directories of the root file system that the
 * device watches (inotify) are valid for XENC_FS_UNTIL_NEWS seconds, and OPENDIR says
 * FOPEN_CACHE_DIR; a new directory whose attributes hold that long was watched before
 * anybody made something in it, or else that is news. XENC_FUSE_NEWS (no arguments; nodeid
 * FUSE_ROOT_ID) asks what others have changed: struct xenc_news_out, then `count` of struct
 * xenc_news, each with its name and padding to 8. What it does not name has not changed up
 * to that moment. ENOSYS: the device can't watch. */
#ifndef XENC_ABI_FS_H
#define XENC_ABI_FS_H

#include <stdint.h>

#define XENC_FS_SHARES   2ull           /* node id, answers LOOKUP only */
#define XENC_FS_F_GRANT  (1ull << 24)   /* device feature bit */

enum {
    XENC_FUSE_GRANT = 0x58470001,       /* opcode; nodeid: a regular file */
    XENC_FUSE_NEWS,
    XENC_FUSE_CREATE, XENC_FUSE_LOOKUP,
};

#define XENC_FS_UNTIL_NEWS (~0ull)      /* entry_valid, attr_valid */
enum { XENC_NEWS_ALL = 1,               /* any name may have changed */
       XENC_NEWS_MORE = 2 };            /* ask again */
struct xenc_news_out { uint32_t flags, count; };
/* A changed name in a directory; without a name: the directory's own attributes. */
struct xenc_news { uint64_t nodeid; uint32_t namelen, pad; };
#define XENC_NEWS_SIZE(len) (sizeof(struct xenc_news) + (((size_t)(len) + 7) & ~(size_t)7))


/* FUSE_SETLK, FUSE_GETLK: the guest is one owner for each node; fh and owner are not looked
 * at. With FUSE_LK_FLOCK the lock is flock's, of the types of fcntl's. -EAGAIN: another has
 * it; nothing waits. FUSE_SETLK with XENC_LK_LAST drops all locks of the node. */
#define XENC_LK_LAST (1u << 16)

struct xenc_grant_in  { uint32_t flags /* O_RDONLY, O_RDWR */, pad; };
struct xenc_grant_out { uint64_t cookie; };
struct xenc_grant_msg { uint64_t cookie; };

_Static_assert(sizeof(struct xenc_news_out) == 8, "abi");
_Static_assert(sizeof(struct xenc_news) == 16, "abi");
_Static_assert(sizeof(struct xenc_grant_in) == 8, "abi");
_Static_assert(sizeof(struct xenc_grant_out) == 8, "abi");

#endif
