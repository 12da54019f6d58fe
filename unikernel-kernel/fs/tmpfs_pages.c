/* A file's pages: a radix tree that is as high as the last page needs. Files of one page
 * have no tree at all. */
#include "tmpfs.h"

static u64 capacity(u32 height)
{
    return height * TNODE_BITS >= 52 ? ~0ull : 1ull << (height * TNODE_BITS);
}

/* The slot of a page, or NULL when the tree has none. Lock held. */
static void **slot_locked(struct tinode *t, u64 index)
{
    void **slot = &t->root;
    if (index >= capacity(t->height))
        return NULL;
    for (u32 h = t->height; h; h--) {
        struct tnode *n = *slot;
        if (!n)
            return NULL;
        slot = &n->slot[index >> ((h - 1) * TNODE_BITS) & (TNODE_SLOTS - 1)];
    }
    return slot;
}

void *tpages_find(struct tinode *t, u64 index)
{
    void **slot, *page;
    spin_lock(&t->lock);
    slot = slot_locked(t, index);
    page = slot ? *slot : NULL;
    spin_unlock(&t->lock);
    return page;
}

/* Adds one missing tnode on the way to index, taking *spare: true when the slot is there. */
static bool grow_step_locked(struct tinode *t, u64 index, struct tnode **spare)
{
    void **slot = &t->root;
    if (index >= capacity(t->height)) {
        if (t->root) {
            (*spare)->slot[0] = t->root;
            t->root = *spare;
            *spare = NULL;
        }
        t->height++;            /* an empty tree just becomes higher */
        return false;
    }
    for (u32 h = t->height; h; h--) {
        if (!*slot) {
            *slot = *spare;
            *spare = NULL;
            return false;
        }
        slot = &((struct tnode *)*slot)->slot[index >> ((h - 1) * TNODE_BITS) & (TNODE_SLOTS - 1)];
    }
    return true;
}

static bool charge(struct tmpfs *fs)
{
    u64 n = __atomic_add_fetch(&fs->pages, 1, __ATOMIC_RELAXED);
    if (!fs->max_pages || n <= fs->max_pages)
        return true;
    __atomic_sub_fetch(&fs->pages, 1, __ATOMIC_RELAXED);
    return false;
}

static void uncharge(struct tmpfs *fs, u64 n)
{
    __atomic_sub_fetch(&fs->pages, n, __ATOMIC_RELAXED);
}

/* Puts page into the tree. What was there already wins and is returned. */
static void *insert(struct inode *i, u64 index, void *page, bool check_size, int *err_r)
{
    struct tinode *t = tinode_of(i);
    struct tnode *spare = NULL;
    void *there = NULL, **slot;
    *err_r = 0;
    for (bool done = false; !done && !*err_r;) {
        if (!spare && !(spare = kzalloc(sizeof *spare))) {
            *err_r = -ENOMEM;
            break;
        }
        spin_lock(&t->lock);
        if (check_size && index << PAGE_SHIFT >= i->size) {
            *err_r = -ENXIO;
        } else if (grow_step_locked(t, index, &spare)) {
            slot = slot_locked(t, index);
            there = *slot;
            if (!there) {
                there = *slot = page;
                t->npages++;
                i->blocks = t->npages * (PAGE_SIZE / 512);
            }
            done = true;
        }
        spin_unlock(&t->lock);
    }
    kfree(spare);
    return *err_r ? NULL : there;
}

void *tpages_get(struct inode *i, u64 index, bool raw, bool check_size, int *err_r)
{
    struct tmpfs *fs = tmpfs_of(i->sb);
    void *page = tpages_find(tinode_of(i), index), *there;
    *err_r = 0;
    if (page)
        return page;
    if (!charge(fs)) {
        *err_r = -ENOSPC;
        return NULL;
    }
    page = raw ? kpages_raw(1) : kpages(1);
    if (!page) {
        uncharge(fs, 1);
        *err_r = -ENOMEM;
        return NULL;
    }
    there = insert(i, index, page, check_size, err_r);
    if (there != page) {
        kpages_free(page, 1);
        uncharge(fs, 1);
    }
    return there;
}

/* The first page at or after *index below node: *index is moved to it. */
static bool next_below(void *node, u32 h, u64 base, u64 *index)
{
    u64 span = capacity(h);
    if (!node || *index >= base + span)
        return false;
    if (!h)
        return true;
    span = capacity(h - 1);
    for (u64 k = *index > base ? (*index - base) / span : 0; k < TNODE_SLOTS; k++) {
        u64 at = base + k * span;
        if (*index < at)
            *index = at;
        if (next_below(((struct tnode *)node)->slot[k], h - 1, at, index))
            return true;
    }
    return false;
}

u64 tpages_next(struct tinode *t, u64 from)
{
    bool found;
    spin_lock(&t->lock);
    found = next_below(t->root, t->height, 0, &from);
    spin_unlock(&t->lock);
    return found ? from : ~0ull;
}

void tpages_drop(struct inode *i, u64 first, u64 last)
{
    struct tinode *t = tinode_of(i);
    u64 freed = 0;
    while (first <= last && (first = tpages_next(t, first)) <= last) {
        void **slot, *page = NULL;
        spin_lock(&t->lock);
        slot = slot_locked(t, first);
        if (slot && *slot && t->mapped) {
            memset(*slot, 0, PAGE_SIZE);
        } else if (slot && *slot) {
            page = *slot;
            *slot = NULL;
            t->npages--;
            freed++;
            i->blocks = t->npages * (PAGE_SIZE / 512);
        }
        spin_unlock(&t->lock);
        kpages_free(page, 1);
        first++;
    }
    uncharge(tmpfs_of(i->sb), freed);
}

static void free_below(void *node, u32 h, u64 *n)
{
    if (!node)
        return;
    if (!h) {
        kpages_free(node, 1);
        ++*n;
        return;
    }
    for (u32 k = 0; k < TNODE_SLOTS; k++)
        free_below(((struct tnode *)node)->slot[k], h - 1, n);
    kfree(node);
}

void tmpfs_data_free(struct inode *i)
{
    struct tinode *t = tinode_of(i);
    u64 n = 0;
    free_below(t->root, t->height, &n);
    t->root = NULL;
    uncharge(tmpfs_of(i->sb), n);
}
