/* virtio-fs: pages for private and read-only mappings where there are no grants: read by
 * messages into kernel memory when first touched, in chunks. They are a picture of the
 * file as it was: a mapping made after it has changed begins a new one. Old ones stay,
 * as they may be mapped, until the inode goes. */
#include "virtiofs.h"
#include "mm.h"
#include "user.h"

enum { CHUNK_PAGES = 16 };
#define CHUNK (CHUNK_PAGES * PAGE_SIZE)

struct vnode_pages {
    struct vnode_pages *older;
    u64 size, mtime, ctime;             /* the file's when they were begun */
    void *chunk[];                      /* NULL: not read yet */
};

static u64 chunk_bytes(const struct vnode_pages *p, u64 n)
{
    return min(PAGE_UP(p->size) - n * CHUNK, (u64)CHUNK);
}

static u64 chunks(const struct vnode_pages *p)
{
    return (p->size + CHUNK - 1) / CHUNK;
}

/* What is not mapped yet comes from the newest picture, whichever was current at mmap. */
static void *pages_get(struct file *f, u64 index, bool write)
{
    struct inode *i = f->inode;
    struct vnode_pages *p = READ_ONCE(vnode_of(i)->pages);
    u64 n = index / CHUNK_PAGES;
    struct iov v;
    struct uio u;
    u8 *c, *none = NULL;

    if (!p || index >= PAGE_UP(p->size) >> PAGE_SHIFT)
        return NULL;
    c = __atomic_load_n(&p->chunk[n], __ATOMIC_ACQUIRE);
    if (!c) {
        u64 bytes = chunk_bytes(p, n);

        c = kpages(bytes / PAGE_SIZE);
        if (!c)
            return NULL;
        uio_init_kernel(&u, &v, c, bytes);
        if (virtiofs_msg_read(i, &u, n * CHUNK) < 0) {
            kpages_free(c, bytes / PAGE_SIZE);
            return NULL;
        }
        if (!__atomic_compare_exchange_n((u8 **)&p->chunk[n], &none, c, false, __ATOMIC_ACQ_REL,
                                         __ATOMIC_ACQUIRE)) {
            kpages_free(c, bytes / PAGE_SIZE);          /* another one was first */
            c = none;
        }
    }
    return c + index % CHUNK_PAGES * PAGE_SIZE;
}

int vnode_pages_map(struct file *f, struct map_source *s)
{
    struct inode *i = f->inode;
    struct vnode *v = vnode_of(i);
    int r = virtiofs_refresh(i, false);

    if (r < 0)
        return r;
    mutex_lock(&v->lock);
    struct vnode_pages *p = v->pages;
    if (!p || p->size != i->size || p->mtime != i->mtime || p->ctime != i->ctime) {
        struct vnode_pages shape = { p, i->size, i->mtime, i->ctime };

        p = kzalloc(sizeof *p + chunks(&shape) * sizeof p->chunk[0]);
        if (p) {
            *p = shape;
            __atomic_store_n(&v->pages, p, __ATOMIC_RELEASE);
        }
    }
    mutex_unlock(&v->lock);
    s->kind = SRC_PAGES;
    s->page = pages_get;
    return p ? 0 : -ENOMEM;
}

void vnode_pages_free(struct vnode *v)
{
    while (v->pages) {
        struct vnode_pages *p = v->pages;

        v->pages = p->older;
        for (u64 n = 0; n < chunks(p); n++)
            if (p->chunk[n])
                kpages_free(p->chunk[n], chunk_bytes(p, n) / PAGE_SIZE);
        kfree(p);
    }
}
