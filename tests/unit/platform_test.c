// uses: unikernel-kernel/include/kernel.h
/* The unit platform itself: waking, locks, user memory with a hole; lists. */
#include "unitplat.h"
#include "user.h"

static u64 hole;
static bool not_hole(u64 addr, size_t n, bool write) { return addr + n <= hole || addr >= hole + 64; }

static struct waitq wq;
static struct mutex lock;
static int flag, total;

static void sleeper(void *arg)
{
    int r = wait_until(&wq, READ_ONCE(flag), WAIT_FOREVER, false);
    for (int i = 0; i < 20000; i++) {
        mutex_lock(&lock);
        total++;
        mutex_unlock(&lock);
    }
    *(int *)arg = r;
}

int main(void)
{
    struct task *t[3];
    int r[3] = { -1, -1, -1 };
    char buf[256] = "abc", out[256];

    unit_task_init();
    tap_is(copy_from_user(out, (uptr_t)buf, 4), 0, "user memory is readable");
    hole = (u64)buf + 128;
    unit_user_ok = not_hole;
    tap_is(copy_to_user((uptr_t)buf + 120, out, 16), -EFAULT, "a hole faults");
    unit_user_ok = NULL;
    tap_is(copy_from_user(out, 0, 1), -EFAULT, "page 0 faults");
    tap_is(strncpy_from_user(out, (uptr_t)buf, sizeof out), 3, "string copied");

    waitq_init(&wq);
    for (int i = 0; i < 3; i++) {
        t[i] = unit_task_new(NULL);
        unit_task_run(t[i], sleeper, &r[i]);
    }
    unit_sleep_ns(2000000);
    WRITE_ONCE(flag, 1);
    waitq_wake_all(&wq, 0);
    for (int i = 0; i < 3; i++) {
        unit_task_join(t[i]);
        unit_task_free(t[i]);
    }
    tap_ok(!r[0] && !r[1] && !r[2], "all sleepers woke");
    tap_is(total, 60000, "the lock excludes");
    tap_is(task_sleep(time_mono() + 1000000, true), -ETIMEDOUT, "sleep times out");
    unit_task_free(current());
    tap_is(unit_blocks, 0, "nothing leaked");
    return tap_end();
}
