/* virtio-fs: the pages of files where there are no grants (virtiofs_grant.c). They are
 * what mappings show, what read(2) copies from and, as write(2) puts its bytes there too,
 * one view of the file. Stores through shared mappings make pages dirty, which goes to
 * the host by virtiofs_flush.c.
 *
 * Lock order: mm->lock, pages->lock, vnode->lock. */
#include "virtiofs.h"
#include "time.h"
#include "mm.h"
#include "user.h"
#include "virtiofs_pages.h"

static struct chunk *of(struct rbnode *n) { return n ? container_of(n, struct chunk, node) : NULL; }

struct chunk *chunk_next(struct vnode_pages *p, struct chunk *c)
{
    return of(c ? rb_next(&c->node) : rb_first(&p->chunks));
}

/* -- the tree: all with pages->lock held -- */

static struct chunk *chunk_find(struct vnode_pages *p, u64 first)
{
    struct rbnode *n = p->chunks.root;

    while (n && of(n)->first != first)
        n = first < of(n)->first ? n->left : n->right;
    return of(n);
}

static struct chunk *chunk_make(struct vnode_pages *p, u64 first)
{
    struct chunk *c = chunk_find(p, first);
    struct rbnode **link = &p->chunks.root, *parent = NULL;

    if (c || !(c = kzalloc(sizeof *c)))
        return c;
    c->first = first;
    while (*link) {
        parent = *link;
        link = first < of(parent)->first ? &parent->left : &parent->right;
    }
    rb_insert(&p->chunks, &c->node, parent, link);
    return c;
}

bool chunk_tidy(struct vnode_pages *p, struct chunk *c)
{
    for (u32 k = 0; k < CHUNK_PAGES; k++)
        if (c->page[k])
            return false;
    rb_erase(&p->chunks, &c->node);
    kfree(c);
    return true;
}

void chunk_drop_page(struct vnode_pages *p, struct chunk *c, u32 k)
{
    kpages_free(c->page[k], 1);
    c->page[k] = NULL;
    p->n--;
    __atomic_sub_fetch(&filecache_pages, 1, __ATOMIC_RELAXED);
}

static u8 *page_find(struct vnode_pages *p, u64 index)
{
    struct chunk *c = chunk_find(p, index - index % CHUNK_PAGES);

    return c ? c->page[index % CHUNK_PAGES] : NULL;
}

/* -- from the host -- */

/* n pages from index on into buf; what lies behind the end of the file is zero. */
static int read_pages(struct vnode_pages *p, u64 index, u8 *buf, u32 n)
{
    ssize_t r = virtiofs_msg_pread(p->vnode->inode, buf, n * PAGE_SIZE, index * PAGE_SIZE);

    if (r >= 0)
        memset(buf + r, 0, n * PAGE_SIZE - (size_t)r);
    return r < 0 ? (int)r : 0;
}

/* Reads the missing pages of c from k on, below end, up to the first that is there. */
static int fetch(struct vnode_pages *p, struct chunk *c, u32 k, u32 end)
{
    u32 n = 1;

    while (k + n < end && !c->page[k + n])
        n++;
    u8 *buf = kpages_raw(n);
    if (!buf && n > 1)
        buf = kpages_raw(n = 1);
    if (!buf)
        return -ENOMEM;
    int r = read_pages(p, c->first + k, buf, n);
    if (r < 0) {
        if (r != -ECONNABORTED) /* a broken device may still write there */
            kpages_free(buf, n);
        return r;
    }
    for (u32 j = 0; j < n; j++)
        c->page[k + j] = buf + j * PAGE_SIZE;
    p->n += n;
    __atomic_add_fetch(&filecache_pages, n, __ATOMIC_RELAXED);
    return 0;
}

/* The file has been changed by somebody else. Pages that a program sees are read again in
 * their place, so that all see the same; those that it may have written to are newer. */
static void revalidate(struct vnode_pages *p)
{
    struct chunk *c = chunk_next(p, NULL), *next;

    for (WRITE_ONCE(p->stale, false); c; c = next) {
        next = chunk_next(p, c);
        for (u32 k = 0; k < CHUNK_PAGES; k++) {
            if (!c->page[k] || plat_page_dirty(c->page[k], false))
                continue;
            if (!plat_page_users(c->page[k]))
                chunk_drop_page(p, c, k);
            else if (!p->writers)
                read_pages(p, c->first + k, c->page[k], 1);
        }
        chunk_tidy(p, c);
    }
}

u8 *vnode_page(struct vnode_pages *p, u64 index)
{
    u64 pages = PAGE_UP(READ_ONCE(p->vnode->inode->size)) >> PAGE_SHIFT;
    u32 k = index % CHUNK_PAGES;

    if (unlikely(READ_ONCE(p->stale)))
        revalidate(p);
    if (index >= pages)
        return NULL;
    struct chunk *c = chunk_make(p, index - k);
    if (!c)
        return NULL;
    if (!c->page[k] && fetch(p, c, k, (u32)min(pages - c->first, (u64)CHUNK_PAGES)) < 0)
        chunk_tidy(p, c);       /* page[k] is empty still: c may be gone */
    return page_find(p, index);
}

/* -- mappings -- */

static void *map_page(struct file *f, u64 index, bool write)
{
    return vnode_page(vnode_of(f->inode)->pages, index);
}

static void map_lock(struct file *f) { mutex_lock(&vnode_of(f->inode)->pages->lock); }
static void map_unlock(struct file *f) { mutex_unlock(&vnode_of(f->inode)->pages->lock); }

struct vnode_pages *vnode_pages(struct vnode *v)
{
    struct virtiofs *fs = virtiofs_of(v->inode);
    struct vnode_pages *p = __atomic_load_n(&v->pages, __ATOMIC_ACQUIRE);

    if (p)
        return p;
    mutex_lock(&v->lock);
    p = v->pages;
    if (!p && (p = kzalloc(sizeof *p))) {
        p->vnode = v;
        __atomic_store_n(&v->pages, p, __ATOMIC_RELEASE);
        spin_lock(&fs->lock);
        list_add_tail(&fs->cached, &p->link);
        spin_unlock(&fs->lock);
    }
    mutex_unlock(&v->lock);
    return p;
}

int vnode_pages_map(struct file *f, struct map_source *s, bool writable)
{
    struct vnode *v = vnode_of(f->inode);
    int r = virtiofs_refresh(f->inode, false);
    struct vnode_pages *p = r < 0 ? NULL : vnode_pages(v);
    u64 fh;

    if (!p)
        return r < 0 ? r : -ENOMEM;
    if (writable) {
        r = vnode_fh(v, true, &fh);     /* the way back must be there */
        if (r < 0)
            return r;
        mutex_lock(&p->lock);
        p->writers = true;
        mutex_unlock(&p->lock);
        reclaim_expect_dirt();
    }
    s->kind = SRC_PAGES;
    s->page = map_page;
    s->lock = map_lock;
    s->unlock = map_unlock;
    s->counted = plat_counts_pages();
    return 0;
}

/* -- read(2) and write(2) -- */

#define CHUNK (CHUNK_PAGES * PAGE_SIZE)

/* The time for which the host said its attributes hold has passed: has the file changed? */
static int look(struct inode *i)
{
    u64 until = READ_ONCE(vnode_of(i)->cache_until);

    return until == WAIT_FOREVER || time_mono() < until ? 0 : virtiofs_refresh(i, true);
}

static u8 *page_held(struct vnode_pages *p, u64 index)
{
    mutex_lock(&p->lock);
    u8 *page = vnode_page(p, index);
    if (page)
        plat_page_hold(page);
    mutex_unlock(&p->lock);
    return page;
}

ssize_t vnode_pages_read(struct inode *i, struct uio *u, u64 pos)
{
    struct vnode_pages *p = vnode_pages(vnode_of(i));
    ssize_t done = 0, r = look(i);
    u32 tries = 16;
    u64 size = READ_ONCE(i->size);

    if (r < 0)
        return r;
    while (u->left && pos < size) {
        size_t off = pos % PAGE_SIZE, n = min(min(PAGE_SIZE - off, u->left), (size_t)(size - pos));
        mm_leave_room();
        u8 *page = p ? page_held(p, pos >> PAGE_SHIFT) : NULL;
        if (!page && kmem_free_bytes() < CHUNK && tries-- && mm_reclaim(CHUNK_PAGES))
            continue;
        if (!page) {            /* no memory for it, or it can't be read */
            r = virtiofs_msg_read(i, u, pos);
            return done && r <= 0 ? done : r < 0 ? r : done + r;
        }
        r = uio_write(u, page + off, n);
        plat_page_drop(page);
        if (r > 0) {
            done += r;
            pos += (u64)r;
        }
        if (r < (ssize_t)n)
            break;
    }
    return done ? done : r;
}

void vnode_pages_put(struct inode *i, const void *buf, size_t n, u64 pos)
{
    struct vnode_pages *p = vnode_of(i)->pages;
    const u8 *from = buf;

    if (!p || !READ_ONCE(p->n))
        return;
    mutex_lock(&p->lock);
    while (n) {
        size_t off = pos % PAGE_SIZE, k = min(n, PAGE_SIZE - off);
        u8 *page = page_find(p, pos >> PAGE_SHIFT);
        if (page)
            memcpy(page + off, from, k);
        from += k;
        pos += k;
        n -= k;
    }
    mutex_unlock(&p->lock);
}

void vnode_pages_cut(struct inode *i, u64 size)
{
    struct vnode_pages *p = vnode_of(i)->pages;
    u64 end = PAGE_UP(size) >> PAGE_SHIFT;
    struct chunk *c, *next;

    if (!p || !READ_ONCE(p->n))
        return;
    mm_file_zap(i, end);
    mutex_lock(&p->lock);
    u8 *last = size % PAGE_SIZE ? page_find(p, size >> PAGE_SHIFT) : NULL;
    if (last)
        memset(last + size % PAGE_SIZE, 0, PAGE_SIZE - size % PAGE_SIZE);
    for (c = chunk_next(p, NULL); c; c = next) {
        next = chunk_next(p, c);
        for (u32 k = 0; k < CHUNK_PAGES; k++) {
            if (!c->page[k] || c->first + k < end)
                continue;
            plat_page_dirty(c->page[k], true);
            if (plat_page_users(c->page[k]))    /* being read just now */
                memset(c->page[k], 0, PAGE_SIZE);
            else
                chunk_drop_page(p, c, k);
        }
        chunk_tidy(p, c);
    }
    mutex_unlock(&p->lock);
}

void vnode_pages_free(struct vnode *v)
{
    struct virtiofs *fs = virtiofs_of(v->inode);
    struct vnode_pages *p = v->pages;
    struct chunk *c;

    if (!p)
        return;
    spin_lock(&fs->lock);
    list_del(&p->link);
    spin_unlock(&fs->lock);
    while ((c = chunk_next(p, NULL))) {
        for (u32 k = 0; k < CHUNK_PAGES; k++)
            if (c->page[k])
                chunk_drop_page(p, c, k);
        chunk_tidy(p, c);
    }
    kfree(p);
    v->pages = NULL;
}
