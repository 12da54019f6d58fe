#include "hv/dev/serve.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "hv/dev/log.h"

/* No malloc, no guard pages: nothing on these threads recurses or has large frames. */
enum { STACK_BYTES = 32768 };

static char stacks[SERVED_MAX][STACK_BYTES] __attribute__((aligned(4096)));
static atomic_uint nstacks;

static int thread_start(void *(*fn)(void *), void *arg)
{
    unsigned i = atomic_fetch_add(&nstacks, 1);
    pthread_attr_t attr;
    pthread_t t;
    int rc;

    if (i >= SERVED_MAX)
        return -EAGAIN;
    pthread_attr_init(&attr);
    pthread_attr_setstack(&attr, stacks[i], STACK_BYTES);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    rc = pthread_create(&t, &attr, fn, arg);
    pthread_attr_destroy(&attr);
    if (rc)
        atomic_fetch_sub(&nstacks, 1);          /* only the first thread starts others */
    return -rc;
}

static void *serve_one(void *arg)
{
    const struct served *s = arg;

    for (;;) {
        uint32_t seen = bell_read(s->dev);

        if (s->fn(s->arg, true) == SERVE_OVER)
            return NULL;
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
static void serve_round(struct served **s, struct dev **dev, uint32_t *seen, unsigned *n)
{
    for (unsigned i = 0; i < *n; i++) {
        uint32_t bell = bell_read(dev[i]);

        if (bell == seen[i])
            continue;
        seen[i] = bell;
        switch (s[i]->fn(s[i]->arg, s[i]->may_block)) {
        case SERVE_IDLE:
            continue;
        case SERVE_OWN_THREAD:
            if (detach(s[i]) == 0)
                break;
            /* The container has used up its tasks. What ends by itself is done here,
             * input is asked for again at the next ring. */
            if (s[i]->ends)
                s[i]->fn(s[i]->arg, true);
            continue;
        case SERVE_OVER:
            break;
        }
        *n -= 1;
        s[i] = s[*n];
        dev[i] = dev[*n];
        seen[i] = seen[*n];
        i--;
    }
}

int serve_all(struct served *all, unsigned n)
{
    struct served *s[SERVED_MAX];
    struct dev *dev[SERVED_MAX];
    uint32_t seen[SERVED_MAX];
    bool spin = may_spin(), one_waits = bell_waitv_works();
    unsigned kept = 0;

    for (unsigned i = 0; i < n; i++) {
        __atomic_store_n(&all[i].dev->regs->doorbell_waiting, 0, __ATOMIC_SEQ_CST);
        if (i > 0 && !one_waits) {
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
        serve_round(s, dev, seen, &kept);
        bell_wait(dev, seen, kept, spin);
    }
}
