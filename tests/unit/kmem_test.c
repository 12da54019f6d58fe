// uses: unikernel-kernel/mm/pages.c unikernel-kernel/mm/kmalloc.c
/* The heap over a sparse range of this program's addresses. */
#include <stdlib.h>
#include <sys/mman.h>
#include "../../abi/boot.h"
#include "unitplat.h"

#define HEAP (256ul << 20)
#define LIMIT (64ul << 20)
static struct xenc_boot boot = { .mem_size = LIMIT };
static u8 *base;
static unsigned releases;

struct xenc_boot *plat_boot(void) { return &boot; }

void plat_heap_range(u64 *start_r, u64 *end_r)
{
    base = mmap(NULL, HEAP, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                -1, 0);
    *start_r = (u64)base;
    *end_r = (u64)base + HEAP;
}

void plat_heap_release(void *p, size_t len)
{
    releases++;
    madvise(p, len, MADV_DONTNEED);
}

static size_t resident_pages(void)
{
    static u8 vec[HEAP / PAGE_SIZE];
    size_t n = 0;

    mincore(base, HEAP, vec);
    for (size_t i = 0; i < sizeof vec; i++)
        n += vec[i] & 1;
    return n;
}

static bool all(const void *p, u8 v, size_t n)
{
    const u8 *b = p;

    for (size_t i = 0; i < n; i++)
        if (b[i] != v)
            return false;
    return true;
}

#define SLOTS 3000
static struct { u8 *p; size_t n; bool pages; } slot[SLOTS];

/* Random traffic; every block is filled with its slot's number and checked at its end. */
static void churn(void)
{
    bool kept = true, aligned = true, zeroed = true;

    for (int round = 0; round < 200000; round++) {
        int i = rand() % SLOTS;
        if (slot[i].p) {
            size_t n = slot[i].pages ? slot[i].n * PAGE_SIZE : slot[i].n;
            kept &= all(slot[i].p, (u8)i, n);
            if (slot[i].pages)
                kpages_free(slot[i].p, slot[i].n);
            else
                kfree(slot[i].p);
            slot[i].p = NULL;
            continue;
        }
        slot[i].pages = rand() % 20 == 0;
        if (slot[i].pages) {
            slot[i].n = 1 + (size_t)rand() % (rand() % 10 ? 3 : 40);
            slot[i].p = kpages(slot[i].n);
            zeroed &= !slot[i].p || all(slot[i].p, 0, slot[i].n * PAGE_SIZE);
            aligned &= ((u64)slot[i].p & ~PAGE_MASK) == 0;
        } else {
            slot[i].n = 1 + (size_t)rand() % (rand() % 10 ? 300 : 9000);
            slot[i].p = kmalloc(slot[i].n);
            aligned &= ((u64)slot[i].p & 15) == 0;
        }
        if (slot[i].p)
            memset(slot[i].p, i, slot[i].pages ? slot[i].n * PAGE_SIZE : slot[i].n);
    }
    tap_ok(kept, "no block changed while it was held");
    tap_ok(aligned, "blocks are 16-aligned, pages page-aligned");
    tap_ok(zeroed, "kpages are zero");
    for (int i = 0; i < SLOTS; i++) {
        if (slot[i].p && slot[i].pages)
            kpages_free(slot[i].p, slot[i].n);
        else
            kfree(slot[i].p);
        slot[i].p = NULL;
    }
}

static void exhaust(void)
{
    static void *p[LIMIT / PAGE_SIZE + 1];
    size_t n = 0;

    while (n < ARRAY_SIZE(p) && (p[n] = kpages_raw(1)))
        n++;
    tap_ok(n > LIMIT / PAGE_SIZE - 64 && n <= LIMIT / PAGE_SIZE, "the limit holds");
    tap_ok(!kmalloc(PAGE_SIZE), "and NULL is the answer");
    for (size_t i = 1; i < n; i += 2)
        kpages_free(p[i], 1);
    u8 *two = kpages(2);
    tap_ok(two >= (u8 *)p[n - 1], "two pages in a row only behind the comb");
    kpages_free(two, 2);
    for (size_t i = 0; i < n; i += 2)
        kpages_free(p[i], 1);
    void *big = kpages(LIMIT / PAGE_SIZE / 2);
    tap_ok(big != NULL, "a large run once all is free");
    kpages_free(big, LIMIT / PAGE_SIZE / 2);
}

static void grow(void)
{
    char *s = kstrdup("seed");

    for (size_t n = 8; n < 100000; n *= 3) {
        s = krealloc(s, 5, n);
        memset(s + 5, 1, n - 5);
    }
    tap_ok(!strcmp(s, "seed"), "krealloc keeps the contents");
    s = krealloc(s, 60000, 5);
    tap_ok(!strcmp(s, "seed"), "shrinking, too");
    kfree(s);
}

int main(void)
{
    srand(3);
    kmem_init();
    for (int i = 0; i < 100; i++)
        slot[i].p = kmalloc(60);
    tap_ok(resident_pages() <= 4, "100 small blocks touch four pages (%zu)", resident_pages());
    for (int i = 0; i < 100; i++)
        kfree(slot[i].p), slot[i].p = NULL;
    tap_ok(kmalloc(~0ul) == NULL && kpages(HEAP) == NULL, "absurd sizes");
    for (int i = 0; i < 3; i++)
        churn();
    exhaust();
    grow();
    kmem_trim();
    tap_ok(releases > 0 && resident_pages() < 400, "memory went back to the host (%u calls, "
           "%zu pages left)", releases, resident_pages());
    tap_ok(kmem_free_bytes() >= kmem_total_bytes() - 14 * PAGE_SIZE, "all pages but the kept "
           "slabs are free");
    return tap_end();
}
