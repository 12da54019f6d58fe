/* The kernel's one thread of its own: runs timers and device handlers. */
#include "abi/boot.h"
#include "bus.h"
#include "proc.h"
#include "time.h"

static struct task *kworker_task;

/* While there are other processes than the first, a look once a second for those that
 * the host has killed: nobody else would miss them. A container that has long been one
 * process is left asleep; its next fork wakes us (kworker_forked). */
enum { LOOKS_ALONE = 10 };
static bool looking;

static u64 look_for_killed(u64 now, u64 *next, int *alone)
{
    if (!READ_ONCE(looking)) return WAIT_FOREVER;
    if (now < *next) return *next;
    *next = now + NSEC_PER_SEC;
    *alone = task_count() > 1 ? 0 : *alone + 1;
    if (*alone == 0) tasks_check_alive();
    if (*alone < LOOKS_ALONE) return *next;
    *alone = 0;
    WRITE_ONCE(looking, false);
    return WAIT_FOREVER;
}

void kworker_forked(void)
{
    if (likely(READ_ONCE(looking))) return;
    WRITE_ONCE(looking, true);
    kworker_poke();
}

static void kworker(void *arg)
{
    u64 check = 0;
    int alone = 0;

    for (;;) {
        u64 next = ktimer_run();

        task_reap_dead();
        u64 now = time_mono();
        next = min(next, plat_settle_watch(now));
        plat_irq_wait(min(next, look_for_killed(now, &check, &alone)));
    }
}

void kworker_poke(void)
{
    plat_irq_poke();
}

/* The host's wishes: answered at once, or with an error that it reports. */
void control_message(u32 cmd, const u64 *arg)
{
    s64 r = -ENOSYS;

    if (cmd == XENC_CTL_KILL) r = signal_from_host((int)arg[0], arg[1] != 0);
    plat_control_done(r);
}

int kworker_start(void)
{
    kworker_task = kthread_start("kworker", kworker, NULL);
    return kworker_task ? 0 : -ENOMEM;
}
