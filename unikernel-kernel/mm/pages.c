/* Pages of the kernel heap.
 *
 * The heap is a sparse range of addresses: memory appears when a page is first touched
 * and goes back to the host by plat_heap_release. So pages are handed out from the
 * lowest address up, which keeps the touched part dense, and nothing is touched before
 * it is used. The range is cut into chunks; a chunk starts with its own bookkeeping,
 * which also appears only as far as it is used:
 *
 *     used[]   bit: handed out (fresh memory reads 0: free)
 *     dirty[]  bit: touched since the host last gave it; others are known to be zero
 *     meta[]   16 bytes a page, for kmalloc.c
 *
 * Freed pages stay dirty for reuse up to a low-water mark; above it they are released. */
#include "kmem.h"
#include "mm.h"
#include "plat.h"

#define CHUNK_SHIFT 26
#define CHUNK_SIZE  (1ul << CHUNK_SHIFT)
#define CHUNK_PAGES (CHUNK_SIZE >> PAGE_SHIFT)
#define CHUNK_WORDS (CHUNK_PAGES / 64)
#define MAX_CHUNKS  1024u
#define RUN_MIN     16          /* pages worth a call to the host */
#define DIRTY_LOW   256u        /* free pages kept for reuse */
#define DIRTY_HIGH  1024u       /* beyond this single pages are looked for, too */
#define TRIM_STEP   1024u       /* after so many more freed: a look costs a walk over all */
#define TRIM_CALLS  64u         /* to the host, at most, each time */

struct chunk {
    u64 used[CHUNK_WORDS];
    u64 dirty[CHUNK_WORDS];
    struct page_meta meta[CHUNK_PAGES];
};
#define HEADER_PAGES (sizeof(struct chunk) / PAGE_SIZE)
_Static_assert(sizeof(struct chunk) % PAGE_SIZE == 0, "header is whole pages");

static struct {
    struct spinlock lock;
    u64 start, end;
    u32 nchunks;                /* opened so far */
    u64 limit, used, dirty_free;        /* pages */
    u64 trim_at;                /* of dirty_free: when to look for pages to give back */
    u64 high;                   /* of `used`: beyond it reclaim_poke is due */
    struct { u32 nfree; u32 low; } chunk[MAX_CHUNKS];   /* low: words below are full */
} heap SPARSE;

static struct chunk *chunk_at(u32 c)
{
    return (struct chunk *)(heap.start + (u64)c * CHUNK_SIZE);
}

void pages_init(u64 start, u64 end, u64 limit_bytes)
{
    heap.start = PAGE_UP(start);
    heap.end = PAGE_DOWN(end);
    if (heap.end - heap.start > MAX_CHUNKS * CHUNK_SIZE)
        heap.end = heap.start + MAX_CHUNKS * CHUNK_SIZE;
    heap.limit = limit_bytes >> PAGE_SHIFT;
    heap.high = ~0ull;
}

void kmem_set_low(u64 pages)
{
    heap.high = heap.limit - min(pages, heap.limit);
}

u32 page_index(const void *p)
{
    u64 a = (u64)p;

    if (a < heap.start || a >= heap.end)
        panic("heap: %p is not from here", p);
    return (u32)((a - heap.start) >> PAGE_SHIFT);
}

void *page_address(u32 index)
{
    return (void *)(heap.start + ((u64)index << PAGE_SHIFT));
}

struct page_meta *page_meta(u32 index)
{
    return &chunk_at(index / CHUNK_PAGES)->meta[index % CHUNK_PAGES];
}

/* First bit of value `want` in [from, end), or end. */
static u32 find_bit(const u64 *map, u32 from, u32 end, bool want)
{
    while (from < end) {
        u64 w = want ? map[from / 64] : ~map[from / 64];
        w &= ~0ull << from % 64;
        if (w) {
            u32 at = (from & ~63u) + (u32)__builtin_ctzll(w);
            return at < end ? at : end;
        }
        from = (from & ~63u) + 64;
    }
    return end;
}

/* The compiler's own would be a call to a library that is not here. */
static u32 popcount(u64 v)
{
    v -= v >> 1 & 0x5555555555555555ull;
    v = (v & 0x3333333333333333ull) + (v >> 2 & 0x3333333333333333ull);
    return (u32)(((v + (v >> 4)) & 0x0f0f0f0f0f0f0f0full) * 0x0101010101010101ull >> 56);
}

/* Sets or clears n bits from `at`; returns how many of them differed before. */
static u32 change_bits(u64 *map, u32 at, u32 n, bool set)
{
    u32 changed = 0;

    while (n) {
        u32 k = min(n, 64 - at % 64);
        u64 mask = (k == 64 ? ~0ull : (1ull << k) - 1) << at % 64;
        u64 *w = &map[at / 64];
        changed += popcount((set ? ~*w : *w) & mask);
        *w = set ? *w | mask : *w & ~mask;
        at += k;
        n -= k;
    }
    return changed;
}

static u32 count_bits(const u64 *map, u32 at, u32 n)
{
    u32 r = 0;

    for (u32 end = at + n; at < end; at++)
        r += (u32)(map[at / 64] >> at % 64 & 1);
    return r;
}

static bool open_chunk(void)
{
    u32 c = heap.nchunks;
    u64 at = heap.start + (u64)c * CHUNK_SIZE;

    if (c == MAX_CHUNKS || at + sizeof(struct chunk) + PAGE_SIZE > heap.end)
        return false;
    u64 pages = min(heap.end - at, CHUNK_SIZE) >> PAGE_SHIFT;
    change_bits(chunk_at(c)->used, 0, HEADER_PAGES, true);
    change_bits(chunk_at(c)->used, (u32)pages, (u32)(CHUNK_PAGES - pages), true);
    heap.chunk[c].nfree = (u32)(pages - HEADER_PAGES);
    u64 seam = plat_heap_seam() - PAGE_SIZE;    /* one page is left out, and no run goes over it */
    if (seam >= at && seam < at + (pages << PAGE_SHIFT))
        heap.chunk[c].nfree -= change_bits(chunk_at(c)->used, (u32)((seam - at) >> PAGE_SHIFT), 1,
                                           true);
    heap.chunk[c].low = HEADER_PAGES / 64;
    heap.nchunks++;
    return true;
}

/* n free pages in a row in chunk c: the page's number in it, or CHUNK_PAGES. */
static u32 find_run(u32 c, u32 n)
{
    const u64 *used = chunk_at(c)->used;
    u32 at = heap.chunk[c].low * 64;

    if (heap.chunk[c].nfree < n)
        return CHUNK_PAGES;
    at = find_bit(used, at, CHUNK_PAGES, false);
    heap.chunk[c].low = at / 64;
    while (at + n <= CHUNK_PAGES) {
        u32 end = find_bit(used, at, at + n, true);
        if (end == at + n)
            return at;
        at = find_bit(used, end, CHUNK_PAGES, false);
    }
    return CHUNK_PAGES;
}

static void zero_dirty(struct chunk *k, u32 at, u32 n)
{
    u8 *base = (u8 *)k;

    /* The bits of our own pages stand still while we own the pages. */
    for (u32 i = at; i < at + n; i++)
        if (READ_ONCE(k->dirty[i / 64]) >> i % 64 & 1)
            memset(base + ((u64)i << PAGE_SHIFT), 0, PAGE_SIZE);
}

void *pages_alloc(size_t n, bool zero)
{
    u32 c = 0, at = CHUNK_PAGES;

    if (!n || n > CHUNK_PAGES - HEADER_PAGES)
        return NULL;
    spin_lock(&heap.lock);
    if (heap.used + n > heap.limit) {
        spin_unlock(&heap.lock);
        return NULL;
    }
    for (;; c++) {
        if (c == heap.nchunks && !open_chunk())
            break;
        at = find_run(c, (u32)n);
        if (at != CHUNK_PAGES)
            break;
    }
    if (at == CHUNK_PAGES) {
        spin_unlock(&heap.lock);
        return NULL;
    }
    struct chunk *k = chunk_at(c);
    change_bits(k->used, at, (u32)n, true);
    heap.chunk[c].nfree -= (u32)n;
    heap.used += n;
    u32 dirty = count_bits(k->dirty, at, (u32)n);
    heap.dirty_free -= dirty;
    bool low = heap.used > heap.high;
    spin_unlock(&heap.lock);
    if (unlikely(low))
        reclaim_poke();
    if (zero && dirty)
        zero_dirty(k, at, (u32)n);
    return (u8 *)k + ((u64)at << PAGE_SHIFT);
}

/* Lock held; makes pages free that are marked used. */
static void put_free(u32 c, u32 at, u32 n, bool dirty)
{
    struct chunk *k = chunk_at(c);

    change_bits(k->dirty, at, n, dirty);
    if (change_bits(k->used, at, n, false) != n)
        panic("heap: page freed twice (%p, %u pages)", (void *)((u8 *)k + at * PAGE_SIZE), n);
    heap.chunk[c].nfree += n;
    heap.chunk[c].low = min(heap.chunk[c].low, at / 64);
    if (dirty)
        heap.dirty_free += n;
}

/* Gives free dirty runs of at least min_run pages in chunk c back; at most `calls`
 * calls to the host. Lock held; it is dropped for the calls, with the run marked used. */
static u32 trim_chunk(u32 c, u32 min_run, u32 calls)
{
    struct chunk *k = chunk_at(c);
    u32 at = HEADER_PAGES, done = 0;

    while (done < calls && at < CHUNK_PAGES) {
        at = find_bit(k->dirty, at, CHUNK_PAGES, true);
        u32 end = find_bit(k->dirty, at, CHUNK_PAGES, false);
        u32 used = find_bit(k->used, at, end, true);
        u32 n = used - at;
        if (n && n >= min_run) {
            change_bits(k->used, at, n, true);
            heap.chunk[c].nfree -= n;
            heap.dirty_free -= n;
            spin_unlock(&heap.lock);
            plat_heap_release((u8 *)k + ((u64)at << PAGE_SHIFT), n * PAGE_SIZE);
            spin_lock(&heap.lock);
            put_free(c, at, n, false);
            done++;
        }
        at = used < end ? find_bit(k->used, used, end, false) : end;
    }
    return done;
}

void pages_free(void *p, size_t n)
{
    u32 index = page_index(p), c = index / CHUNK_PAGES, at = index % CHUNK_PAGES;
    bool release = n >= RUN_MIN && READ_ONCE(heap.dirty_free) + n > DIRTY_LOW;

    if (release)
        plat_heap_release(p, n * PAGE_SIZE);
    spin_lock(&heap.lock);
    put_free(c, at, (u32)n, !release);
    heap.used -= n;
    heap.trim_at = min(heap.trim_at, heap.dirty_free + TRIM_STEP);
    if (heap.dirty_free > DIRTY_HIGH && heap.dirty_free >= heap.trim_at) {
        for (u32 i = heap.nchunks, calls = TRIM_CALLS; i-- && calls;)
            calls -= trim_chunk(i, RUN_MIN, calls);
        heap.trim_at = heap.dirty_free + TRIM_STEP;
    }
    spin_unlock(&heap.lock);
}

void kmem_trim(void)
{
    spin_lock(&heap.lock);
    for (u32 i = 0; i < heap.nchunks && heap.dirty_free; i++)
        trim_chunk(i, 1, CHUNK_PAGES);
    spin_unlock(&heap.lock);
}

u64 kmem_free_bytes(void)
{
    u64 used = READ_ONCE(heap.used);

    return used < heap.limit ? (heap.limit - used) << PAGE_SHIFT : 0;
}

u64 kmem_total_bytes(void)
{
    return heap.limit << PAGE_SHIFT;
}
