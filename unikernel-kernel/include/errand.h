/* Work done by another task in its own context, where its address space and registers are:
 * core/errand.c. Whoever asks waits; the other serves on its way back to its program, while
 * it is stopped, and in sleeps that a signal could end. */
#ifndef ERRAND_H
#define ERRAND_H
#include "kernel.h"

struct task;
struct uio;

/* Has t, which the caller counts, run fn(arg). 0; -ESRCH: it has ended; -EAGAIN: it did not
 * come to it within two seconds, and will not. No locks held. */
int errand_run(struct task *t, void (*fn)(void *arg), void *arg);
/* The current task does what it was asked: WORK_ERRAND. No locks held. */
void errand_serve(void);
/* The current task is about to let go of its address space: refuses all others. */
void errand_end(void);

/* Bytes of another task's memory: what an errand copies. */
struct errand_copy {
    u64 addr;                   /* in the other's address space */
    char *buf;                  /* kernel memory */
    size_t n, done;
    bool write;                 /* from buf */
    bool force;                 /* also where the program itself may not; shared memory is
                                 * not written so */
};
/* Done: how much; 0 and c->done < c->n: no memory there. */
int errand_copy(struct task *t, struct errand_copy *c);
/* The same between u and the other's memory, by way of c->buf: bytes moved, 0 when there is no
 * memory at c->addr, or -errno. */
ssize_t errand_move(struct task *t, struct uio *u, struct errand_copy *c);
#endif
