/* The kernel heap's inside: pages (pages.c) under blocks (kmalloc.c). */
#ifndef KMEM_H
#define KMEM_H
#include "lock.h"

/* What kmalloc.c knows of a page: its own, kept beside the page allocator's bitmaps. */
struct page_meta {
    u8 kind;            /* enum page_kind */
    u8 class;           /* slab: size class */
    u16 inuse;          /* slab: blocks handed out */
    u16 free_head;      /* slab: index + 1 of the first free block, 0: none */
    u16 carved;         /* slab: blocks from here on were never handed out */
    u32 next, prev;     /* slab: partial list, page numbers + 1; large: next is the
                         * number of pages */
};
_Static_assert(sizeof(struct page_meta) == 16, "256 to a page of metadata");
enum page_kind { PAGE_PLAIN, PAGE_SLAB, PAGE_LARGE };

/* reclaim_poke when fewer pages than this are free. */
void kmem_set_low(u64 pages);
void pages_init(u64 start, u64 end, u64 limit_bytes);
void *pages_alloc(size_t n, bool zero);
void pages_free(void *p, size_t n);
struct page_meta *page_meta(u32 index);
u32 page_index(const void *p);          /* panics when p is not the heap's */
void *page_address(u32 index);
#endif
