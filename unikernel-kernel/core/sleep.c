/* nanosleep(2) and clock_nanosleep(2): sleeping until a time, going on after signals
 * that have no handler. */
#include <linux/time.h>
#include "task.h"
#include "user.h"

/* restart_arg: [0] RESTART_NANOSLEEP, [1] where the rest goes or 0. */
static long sleep_until(u64 deadline, uptr_t rem)
{
    struct task *t = current();
    u64 now = time_mono();
    int r;

    if (deadline <= now) {      /* the host would add its timer slack */
        plat_yield();
        return 0;
    }
    do {
        r = task_sleep(deadline, true);
    } while (!r);
    if (r == -ETIMEDOUT) return 0;
    now = time_mono();
    if (now >= deadline) return 0;
    if (rem && timespec_to_user(rem, deadline - now) < 0) return -EFAULT;
    t->restart_deadline = deadline;
    t->restart_arg[0] = RESTART_NANOSLEEP;
    t->restart_arg[1] = rem;
    return -ERESTART_RESTARTBLOCK;
}

long sleep_relative(u64 ns, uptr_t rem)
{
    return sleep_until(ns ? time_deadline(0, ns) : 0, rem);
}

long sleep_absolute(u64 deadline)
{
    long r = sleep_until(deadline, 0);

    /* the caller's time still means the same when the call is made once more */
    return r == -ERESTART_RESTARTBLOCK ? -ERESTARTNOHAND : r;
}

long sleep_restart(void)
{
    struct task *t = current();

    return sleep_until(t->restart_deadline, t->restart_arg[1]);
}
