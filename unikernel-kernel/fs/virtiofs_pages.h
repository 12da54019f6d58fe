/* Inside virtio-fs: a file's pages (virtiofs_pages.c, virtiofs_flush.c). */
#ifndef VIRTIOFS_PAGES_H
#define VIRTIOFS_PAGES_H
#include "virtiofs.h"
#include "mm.h"

enum { CHUNK_PAGES = 16 };      /* read from the host at once */

struct chunk {
    struct rbnode node;
    u64 first;                  /* index of page[0] in the file: a multiple of CHUNK_PAGES */
    u8 *page[CHUNK_PAGES];      /* NULL: not here */
};

struct vnode_pages {
    struct mutex lock;
    struct rbtree chunks;       /* none is empty while the lock is free */
    u64 n;                      /* pages */
    struct vnode *vnode;
    struct list link;           /* virtiofs.cached; fs->lock */
    bool stale;                 /* the host's file is another by now */
    bool writers;               /* mapped shared and writable since it was opened */
};

extern u64 filecache_pages;     /* of all files */

/* pages->lock held. */
struct chunk *chunk_next(struct vnode_pages *p, struct chunk *c);       /* c NULL: the first */
bool chunk_tidy(struct vnode_pages *p, struct chunk *c);        /* frees c if it is empty */
void chunk_drop_page(struct vnode_pages *p, struct chunk *c, u32 k);
/* The page, read from the host if need be; NULL: beyond the end, or it can't be had. */
u8 *vnode_page(struct vnode_pages *p, u64 index);
/* Made at the first call; NULL: no memory. */
struct vnode_pages *vnode_pages(struct vnode *v);
#endif
