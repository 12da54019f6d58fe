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
    struct served *s = arg;
    struct bell *bell = &s->bell;

    bell_init(bell, s->dev, s->queues);         /* rung for work that is there already */
    for (;;) {
        if (bell_rang(bell) && s->fn(s->arg, true) == SERVE_OVER)
            return NULL;
        bell_wait(&bell, 1, false);
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
static void serve_round(struct served **s, struct bell **bell, unsigned *n)
{
    for (unsigned i = 0; i < *n; i++) {
        if (!bell_rang(bell[i]))
            continue;
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
        bell[i] = bell[*n];
        i--;
    }
}

int serve_all(struct served *all, unsigned n)
{
    struct served *s[SERVED_MAX];
    struct bell *bell[SERVED_MAX];
    bool spin = may_spin(), one_waits = all[0].dev->irq_fd >= 0 || bell_waitv_works();
    unsigned kept = 0;

    for (unsigned i = 0; i < n; i++) {
        __atomic_store_n(&all[i].dev->regs->doorbell_waiting, 0, __ATOMIC_SEQ_CST);
        if (i > 0 && !one_waits) {
            if (detach(&all[i]) < 0)
                return -EAGAIN;
            continue;
        }
        s[kept] = &all[i];
        bell[kept] = &all[i].bell;
        bell_init(bell[kept++], all[i].dev, all[i].queues);
    }
    for (;;) {
        serve_round(s, bell, &kept);
        bell_wait(bell, kept, spin);
    }
}
