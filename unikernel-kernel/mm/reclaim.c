/* Memory that only makes things faster, and is given up when it is needed for something
 * else: pages of files, names and inodes nobody uses, kept kernel stacks. A kernel thread
 * sees to it that there is some free memory at all times, as the kernel itself can't wait
 * for it in most places. It also writes back what was stored through mappings. */
#include "kmem.h"
#include "mm.h"
#include "proc.h"
#include "vfs.h"

#define FLUSH_NS (5 * NSEC_PER_SEC)
#define PAUSE_NS (NSEC_PER_SEC / 50)
#define WAIT_NS  (NSEC_PER_SEC / 4)
#define WORTH    8              /* pages: there is something to be had */
#define TRIES    3              /* the first look at a page only takes its mark of use */

static struct task *worker;
static u32 poked, dirt;
static u64 kept;                /* pages: low_mark(); 0: nobody sees to it */

/* Free pages that are too few; the thread makes twice as many. */
static u64 low_mark(void)
{
    u64 n = kmem_total_bytes() / 16;

    return max(min(n, 16ul << 20), 256ul << 10) >> PAGE_SHIFT;
}

u64 mm_reclaim(u64 want)
{
    u64 got = filecache_shrink(want, false);

    if (got < want)
        got += plat_reclaim();
    for (int k = 0; k < TRIES && got < want; k++) {
        mm_file_age();
        got += filecache_shrink(want - got, true);
    }
    return got;
}

/* Half of the reserve is left to those who can't wait. The thread may not have got a CPU yet,
 * or be at work with the locks that we would need. */
void mm_leave_room(void)
{
    const u64 least = kept / 2;

    if (likely(kmem_free_bytes() >> PAGE_SHIFT >= least))
        return;
    for (u64 end = time_mono() + WAIT_NS; time_mono() < end; plat_yield()) {
        mm_reclaim(kept);
        if (kmem_free_bytes() >> PAGE_SHIFT >= least)
            return;
        reclaim_poke();
    }
}

void reclaim_poke(void)
{
    if (worker && !__atomic_exchange_n(&poked, 1, __ATOMIC_SEQ_CST))
        task_wake(worker);
}

void reclaim_expect_dirt(void)
{
    if (worker && !__atomic_exchange_n(&dirt, 1, __ATOMIC_SEQ_CST))
        task_wake(worker);
}

/* When there is nothing more to win, not again at once: those that need memory now will
 * see to it themselves (core/oom.c). */
static void make_room(void)
{
    u64 want = 2 * low_mark(), have = kmem_free_bytes() >> PAGE_SHIFT;

    if (have >= want || mm_reclaim(want - have) >= WORTH)
        return;
    vfs_shrink();               /* names and inodes: their pages are gone already */
    task_sleep(time_mono() + PAUSE_NS, false);
}

static void reclaim_thread(void *arg)
{
    u64 flush_at = WAIT_FOREVER;

    for (;;) {
        if (READ_ONCE(dirt) && flush_at == WAIT_FOREVER)
            flush_at = time_mono() + FLUSH_NS;
        if (!READ_ONCE(poked))
            task_sleep(flush_at, false);
        if (__atomic_exchange_n(&poked, 0, __ATOMIC_SEQ_CST))
            make_room();
        if (time_mono() < flush_at)
            continue;
        __atomic_store_n(&dirt, 0, __ATOMIC_SEQ_CST);
        flush_at = WAIT_FOREVER;
        if (filecache_flush())
            __atomic_store_n(&dirt, 1, __ATOMIC_SEQ_CST);
    }
}

int reclaim_start(void)
{
    if (!plat_counts_pages())   /* the host has what there would be to reclaim */
        return 0;
    kept = low_mark();
    kmem_set_low(kept);
    worker = kthread_start("reclaim", reclaim_thread, NULL);
    return worker ? 0 : -ENOMEM;
}
