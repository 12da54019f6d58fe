/* The kernel's one thread of its own: runs timers and device handlers. */
#include "abi/boot.h"
#include "bus.h"
#include "proc.h"
#include "time.h"

static struct task *kworker_task;

static void kworker(void *arg)
{
    for (;;) {
        u64 next = ktimer_run();

        task_reap_dead();
        plat_irq_wait(next);
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
