/* virtio-fs: pages that leave: dirty ones to the host, clean ones when memory is short. */
#include "virtiofs.h"
#include "virtiofs_pages.h"

u64 filecache_pages;

u64 filecache_bytes(void) { return READ_ONCE(filecache_pages) << PAGE_SHIFT; }

/* pages->lock held. Page k of c and those behind it that are dirty too and lie in a row:
 * how many; their marks are taken. */
static u32 take_run(struct chunk *c, u32 k)
{
    u32 n = 0;

    while (k + n < CHUNK_PAGES && c->page[k + n] && c->page[k + n] == c->page[k] + n * PAGE_SIZE &&
           plat_page_dirty(c->page[k + n], true))
        n++;
    return n;
}

/* pages->lock held. *any_r: something was written. */
static int write_chunk(struct vnode_pages *p, struct chunk *c, bool *any_r)
{
    struct inode *i = p->vnode->inode;
    int r = 0;

    for (u32 k = 0, n; k < CHUNK_PAGES; k += n) {
        u64 pos = (c->first + k) << PAGE_SHIFT, size = READ_ONCE(i->size);
        n = c->page[k] ? take_run(c, k) : 0;
        if (n && pos < size) {
            ssize_t w = virtiofs_msg_pwrite(i, c->page[k], min(n * PAGE_SIZE, size - pos), pos);
            if (w < 0)          /* as on Linux: reported once, and lost */
                r = (int)w;
            *any_r = true;
        }
        n = max(n, 1u);
    }
    return r;
}

int vnode_pages_write(struct inode *i)
{
    struct vnode_pages *p = vnode_of(i)->pages;
    bool any = false;
    int r = 0;

    if (!p || !READ_ONCE(p->writers))
        return 0;
    mutex_lock(&p->lock);
    for (struct chunk *c = chunk_next(p, NULL); c; c = chunk_next(p, c)) {
        int e = write_chunk(p, c, &any);
        r = e < 0 ? e : r;
    }
    mutex_unlock(&p->lock);
    if (any)
        virtiofs_wrote(i, 0);
    return r;
}

int vnode_pages_sync(struct inode *i)
{
    struct vnode_pages *p = vnode_of(i)->pages;

    if (!p || !READ_ONCE(p->writers))
        return 0;
    mm_file_sweep(i);
    int r = vnode_pages_write(i);
    mutex_lock(&p->lock);
    if (!READ_ONCE(p->vnode->opens))    /* so no mapping either */
        p->writers = false;
    mutex_unlock(&p->lock);
    return r;
}

/* -- all files -- */

/* The next of the list, which goes to its end, its inode counted; NULL: none. */
static struct vnode_pages *next_cached(struct virtiofs *fs)
{
    struct vnode_pages *p, *found = NULL;

    spin_lock(&fs->lock);
    for (u32 tries = 16; tries && !found && !list_empty(&fs->cached); tries--) {
        p = list_first(&fs->cached, struct vnode_pages, link);
        list_del(&p->link);
        list_add_tail(&fs->cached, &p->link);
        if (inode_tryget(p->vnode->inode))
            found = p;
    }
    spin_unlock(&fs->lock);
    return found;
}

static u32 count_cached(struct virtiofs *fs)
{
    struct vnode_pages *p;
    u32 n = 0;

    spin_lock(&fs->lock);
    list_for_each(p, &fs->cached, link)
        n++;
    spin_unlock(&fs->lock);
    return n;
}

bool filecache_flush(void)
{
    struct virtiofs *fs = virtiofs_instance();
    struct vnode_pages *p;
    bool writers = false;

    for (u32 n = fs ? count_cached(fs) : 0; n && (p = next_cached(fs)); n--) {
        struct inode *i = p->vnode->inode;
        writers |= READ_ONCE(p->writers);
        vnode_pages_sync(i);
        inode_put(i);
    }
    return writers;
}

/* The unused clean pages of one file, at most `want`. */
static u64 shrink_one(struct vnode_pages *p, u64 want, bool write)
{
    struct chunk *c, *next;
    bool any = false;
    u64 got = 0;

    if (!mutex_trylock(&p->lock))
        return 0;
    for (c = chunk_next(p, NULL); c && got < want; c = next) {
        next = chunk_next(p, c);
        if (write && p->writers)
            write_chunk(p, c, &any);
        for (u32 k = 0; k < CHUNK_PAGES; k++)
            if (c->page[k] && !plat_page_users(c->page[k]) && !plat_page_dirty(c->page[k], false)) {
                chunk_drop_page(p, c, k);
                got++;
            }
        chunk_tidy(p, c);
    }
    mutex_unlock(&p->lock);
    if (any)
        virtiofs_wrote(p->vnode->inode, 0);
    return got;
}

u64 filecache_shrink(u64 want, bool write)
{
    struct virtiofs *fs = virtiofs_instance();
    struct vnode_pages *p;
    u64 got = 0;

    for (u32 n = fs ? count_cached(fs) : 0; n && got < want && (p = next_cached(fs)); n--) {
        struct inode *i = p->vnode->inode;
        got += shrink_one(p, want - got, write);
        inode_put(i);
    }
    return got;
}
