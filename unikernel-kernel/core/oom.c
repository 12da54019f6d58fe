/* Out of memory: the process with the most of it has to go. */
#include "mm.h"
#include "proc.h"
#include "signal.h"

#include <asm/signal.h>

enum { LOCK_MS = 300, WAIT_MS = 2000, RECLAIM_MS = 300, ENOUGH = 64 /* pages */ };

static u64 charge_of(struct proc *p)
{
    u64 n = 0;

    if (!list_empty(&p->threads)) {
        struct mm *mm = task_mm_get(list_first(&p->threads, struct task, proc_link));
        if (mm)
            n = READ_ONCE(mm->charge);
        mm_put(mm);
    }
    return n;
}

struct oom_counts oom_counts;

/* procs_lock held. */
static struct proc *largest(u64 *charge_r)
{
    struct proc *p, *best = NULL;

    *charge_r = 0;
    list_for_each(p, &procs_all, all_link) {
        u64 n = charge_of(p);
        if (n > *charge_r) {
            *charge_r = n;
            best = p;
        }
    }
    return best;
}

/* The last victim, while it still holds what it was killed for. */
static bool still_dying(int pid)
{
    struct proc *p;

    list_for_each(p, &procs_all, all_link)
        if (p->pid == pid)
            return charge_of(p) > 0;
    return false;
}

/* 0: nothing to win; else the process that is on its way out. */
static int choose_victim(void)
{
    static int victim;
    u64 charge;

    if (victim && still_dying(victim))
        return victim;
    struct proc *p = largest(&charge);
    victim = p ? p->pid : 0;
    if (p) {
        printk(3, "out of memory: killed process %d (%s), which had %lu MiB of %lu\n", p->pid,
               list_first(&p->threads, struct task, proc_link)->comm,
               (unsigned long)(charge >> 20), (unsigned long)(kmem_total_bytes() >> 20));
        oom_counts.kills++;
        signal_send_proc(p, SIGKILL, NULL);
    }
    return victim;
}

/* What is only cached goes before any process has to. Another task may be at it, and hold
 * the locks: it is given time as long as memory comes free. */
static bool reclaimed(void)
{
    u64 end = plat_clock_mono() + RECLAIM_MS * 1000000ull, had = kmem_free_bytes();

    if (!plat_counts_pages())
        return false;
    do {
        if (mm_reclaim(ENOUGH) || kmem_free_bytes() > had + ENOUGH * PAGE_SIZE)
            return true;
        reclaim_poke();
        plat_yield();
    } while (plat_clock_mono() < end);
    return false;
}

int oom_relieve(void)
{
    if (reclaimed())
        return 0;
    u64 end = plat_clock_mono() + WAIT_MS * 1000000ull;
    int victim;

    /* A fault can come with any lock held, even this one: never wait for it. */
    for (u64 until = plat_clock_mono() + LOCK_MS * 1000000ull; !mutex_trylock(&procs_lock);) {
        if (plat_clock_mono() >= until)
            return -ENOMEM;
        plat_yield();
    }
    oom_counts.hits++;
    victim = choose_victim();
    mutex_unlock(&procs_lock);
    if (victim == current()->proc->pid)
        return -EINTR;
    while (victim && plat_clock_mono() < end) {
        plat_yield();
        if (!mutex_trylock(&procs_lock))
            continue;
        bool dying = still_dying(victim);
        mutex_unlock(&procs_lock);
        if (!dying)
            return 0;
    }
    return -ENOMEM;
}
