/* The driver domain is two processes: a supervisor, which does nothing but wait, and a
 * worker, which does everything. A worker that is killed or crashes is replaced; the guest
 * waits a moment and goes on.
 *
 * Both have one descriptor table (CLONE_FILES), so what a worker opened stays open when it
 * dies. What else must stay lies in shared memory (keep.h). */
#ifndef XENC_DEV_SUPERVISE_H
#define XENC_DEV_SUPERVISE_H

#include <stdbool.h>
#include <stdint.h>

/* How the supervisor sees that a worker gets on. In shared memory; the worker's words. */
struct progress {
    uint32_t serving;           /* it has begun to serve */
    uint32_t busy;              /* it is at a request */
    uint64_t done;              /* requests answered by all workers */
};

/* Runs workers for ever: work(arg) in a process of its own each, whose return value is the
 * driver domain's exit status. Returns in the supervisor with the exit status when there is
 * no sense in going on: the worker gave up by itself, or workers die at the same
 * request again and again. Call it with one thread, after jail_lock. argv0 is written to. */
int supervise(struct progress *p, char *argv0, int (*work)(void *arg), void *arg);

#endif
