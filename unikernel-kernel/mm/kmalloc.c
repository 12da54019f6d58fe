/* Blocks of kernel memory. Up to 2 KiB they come from slabs of one page, a size class
 * each; larger ones are pages. Nothing is stored in front of a block: the page's
 * metadata says what it is. A slab's blocks are handed out lowest first, and used ones
 * before never used ones, so that few pages and lines are touched. */
#include "../../abi/boot.h"
#include "kmem.h"
#include "plat.h"

#define BLOCK_MAX 2048u

static const u16 class_size[] = { 32, 64, 96, 128, 192, 256, 384, 512, 672, 1024, 1360, 2048 };
#define CLASSES ARRAY_SIZE(class_size)

/* Class of a size, by (size + 15) / 16. */
static u8 class_of[BLOCK_MAX / 16 + 1];

static struct class {
    struct spinlock lock;
    u32 partial;                /* page number + 1 of the first slab with room */
    u32 spare;                  /* slabs in the list without a block in use */
} __attribute__((aligned(64))) classes[CLASSES];

void kmem_init(void)
{
    u64 start, end;

    plat_heap_range(&start, &end);
    pages_init(start, end, plat_boot()->mem_size);
    for (u32 i = 0, c = 0; i < ARRAY_SIZE(class_of); i++) {
        if (i * 16 > class_size[c])
            c++;
        class_of[i] = (u8)c;
    }
}

static void list_push(struct class *k, u32 page, struct page_meta *m)
{
    m->prev = 0;
    m->next = k->partial;
    if (m->next)
        page_meta(m->next - 1)->prev = page + 1;
    k->partial = page + 1;
}

static void list_remove(struct class *k, struct page_meta *m)
{
    if (m->prev)
        page_meta(m->prev - 1)->next = m->next;
    else
        k->partial = m->next;
    if (m->next)
        page_meta(m->next - 1)->prev = m->prev;
}

/* Lock held. */
static bool add_slab(struct class *k, u32 class)
{
    void *p = pages_alloc(1, false);

    if (!p)
        return false;
    u32 page = page_index(p);
    struct page_meta *m = page_meta(page);
    *m = (struct page_meta){ .kind = PAGE_SLAB, .class = (u8)class };
    k->spare++;
    list_push(k, page, m);
    return true;
}

static void *slab_alloc(u32 class)
{
    struct class *k = &classes[class];
    u32 size = class_size[class], i;

    spin_lock(&k->lock);
    if (unlikely(!k->partial) && !add_slab(k, class)) {
        spin_unlock(&k->lock);
        return NULL;
    }
    u32 page = k->partial - 1;
    struct page_meta *m = page_meta(page);
    u8 *base = page_address(page);
    if (m->free_head) {
        i = m->free_head - 1u;
        m->free_head = *(u16 *)(void *)(base + i * size);
    } else {
        i = m->carved++;
    }
    if (m->inuse++ == 0)
        k->spare--;
    if (!m->free_head && (m->carved + 1u) * size > PAGE_SIZE)
        list_remove(k, m);
    spin_unlock(&k->lock);
    return base + i * size;
}

static void slab_free(void *p, u32 page, struct page_meta *m)
{
    struct class *k = &classes[m->class];
    u32 size = class_size[m->class];
    u32 i = (u32)((u64)p & ~PAGE_MASK) / size;
    bool give_back = false;

    spin_lock(&k->lock);
    if (unlikely(!m->inuse || ((u64)p & ~PAGE_MASK) != i * size || i >= m->carved))
        panic("kfree: %p is not in use", p);
    bool was_full = !m->free_head && (m->carved + 1u) * size > PAGE_SIZE;
    *(u16 *)p = m->free_head;
    m->free_head = (u16)(i + 1);
    if (was_full)
        list_push(k, page, m);
    if (--m->inuse == 0) {
        give_back = k->spare > 0;       /* one empty slab a class is kept */
        if (give_back) {
            list_remove(k, m);
            m->kind = PAGE_PLAIN;
        } else {
            k->spare++;
        }
    }
    spin_unlock(&k->lock);
    if (give_back)
        pages_free(page_address(page), 1);
}

static void *large_alloc(size_t n, bool zero)
{
    if (n > ~0ull - PAGE_SIZE)
        return NULL;
    size_t pages = PAGE_UP(n) >> PAGE_SHIFT;
    void *p = pages_alloc(pages, zero);
    if (p) {
        struct page_meta *m = page_meta(page_index(p));
        m->kind = PAGE_LARGE;
        m->next = (u32)pages;
    }
    return p;
}

void *kmalloc(size_t n)
{
    return likely(n <= BLOCK_MAX) ? slab_alloc(class_of[(n + 15) / 16]) : large_alloc(n, false);
}

void *kzalloc(size_t n)
{
    if (n > BLOCK_MAX)          /* what is zero already is not touched */
        return large_alloc(n, true);
    void *p = kmalloc(n);

    if (p)
        memset(p, 0, n);
    return p;
}

void kfree(void *p)
{
    if (!p)
        return;
    u32 page = page_index(p);
    struct page_meta *m = page_meta(page);
    if (likely(m->kind == PAGE_SLAB)) {
        slab_free(p, page, m);
    } else if (m->kind == PAGE_LARGE && !((u64)p & ~PAGE_MASK)) {
        m->kind = PAGE_PLAIN;
        pages_free(p, m->next);
    } else {
        panic("kfree: %p is not a block", p);
    }
}

/* What fits into the block that holds p. */
static size_t block_room(const void *p)
{
    const struct page_meta *m = page_meta(page_index(p));

    return m->kind == PAGE_SLAB ? class_size[m->class] : (size_t)m->next << PAGE_SHIFT;
}

void *krealloc(void *p, size_t old, size_t n)
{
    if (!p)
        return kmalloc(n);
    size_t room = block_room(p);
    if (n <= room && (room <= 64 || n > room / 2))
        return p;
    void *q = kmalloc(n);
    if (!q)
        return NULL;
    memcpy(q, p, min(old, n));
    kfree(p);
    return q;
}

char *kstrdup(const char *s)
{
    size_t n = strlen(s) + 1;
    char *d = kmalloc(n);

    return d ? memcpy(d, s, n) : NULL;
}

void *kpages(size_t n)
{
    return pages_alloc(n, true);
}

void *kpages_raw(size_t n)
{
    return pages_alloc(n, false);
}

void kpages_free(void *p, size_t n)
{
    if (p)
        pages_free(p, n);
}
