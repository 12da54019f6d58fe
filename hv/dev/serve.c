#include "hv/dev/serve.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "hv/dev/log.h"

/* At most: one a device, and one for a console's input. No malloc, no guard pages:
 * nothing on these threads recurses or has large frames. */
enum { THREADS_MAX = XENC_MAX_DEVS + 1, STACK_BYTES = 32768 };

static char stacks[THREADS_MAX][STACK_BYTES] __attribute__((aligned(4096)));
static atomic_uint nstacks;

int thread_start(void *(*fn)(void *), void *arg)
{
    unsigned i = atomic_fetch_add(&nstacks, 1);
    pthread_attr_t attr;
    pthread_t t;
    int rc;

    if (i >= THREADS_MAX)
        return -EAGAIN;
    pthread_attr_init(&attr);
    pthread_attr_setstack(&attr, stacks[i], STACK_BYTES);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    rc = pthread_create(&t, &attr, fn, arg);
    pthread_attr_destroy(&attr);
    return -rc;
}

static void *serve_one(void *arg)
{
    const struct served *s = arg;

    for (;;) {
        uint32_t seen = bell_read(s->dev);

        s->fn(s->arg, true);
        bell_wait(&s->dev, &seen, 1, false);
    }
    return NULL;
}

static int detach(struct served *s)
{
    int rc = thread_start(serve_one, s);

    if (rc < 0)
        dlog("%s: can't start a thread: error %d", s->dev->name, -rc);
    return rc;
}

/* Spinning pays only when the guest can run meanwhile. */
static bool may_spin(void)
{
    cpu_set_t set;

    return sched_getaffinity(0, sizeof(set), &set) == 0 && CPU_COUNT(&set) > 1;
}

/* Serves those of the first *n whose bell has rung, and drops those that moved to a
 * thread of their own from the two arrays. */
static int serve_round(struct served **s, struct dev **dev, uint32_t *seen, unsigned *n)
{
    for (unsigned i = 0; i < *n; i++) {
        uint32_t bell = bell_read(dev[i]);

        if (bell == seen[i])
            continue;
        seen[i] = bell;
        if (s[i]->fn(s[i]->arg, s[i]->may_block) == SERVE_IDLE)
            continue;
        if (detach(s[i]) < 0)
            return -EAGAIN;
        *n -= 1;
        s[i] = s[*n];
        dev[i] = dev[*n];
        seen[i] = seen[*n];
        i--;
    }
    return 0;
}

int serve_all(struct served *all, unsigned n)
{
    struct served *s[XENC_MAX_DEVS];
    struct dev *dev[XENC_MAX_DEVS];
    uint32_t seen[XENC_MAX_DEVS];
    bool spin = may_spin();
    unsigned kept = 0;

    for (unsigned i = 0; i < n; i++) {
        __atomic_store_n(&all[i].dev->regs->doorbell_waiting, 0, __ATOMIC_SEQ_CST);
        if (i > 0 && !bell_waitv_works()) {
            if (detach(&all[i]) < 0)
                return -EAGAIN;
            continue;
        }
        s[kept] = &all[i];
        dev[kept] = all[i].dev;
        /* Never the bell's value: work queued before our time is found at once. */
        seen[kept++] = bell_read(all[i].dev) - 1;
    }
    for (;;) {
        int rc = serve_round(s, dev, seen, &kept);

        if (rc < 0)
            return rc;
        bell_wait(dev, seen, kept, spin);
    }
}
