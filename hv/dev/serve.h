/* Who serves which device on which thread. */
#ifndef XENC_DEV_SERVE_H
#define XENC_DEV_SERVE_H

#include "hv/dev/queue.h"

enum { SERVED_MAX = BELLS_MAX };

enum serve_result {
    SERVE_IDLE,                 /* done all there was to do; ring to call again */
    SERVE_OVER,                 /* never call again */
    SERVE_OWN_THREAD,           /* there is work that may block: give me a thread */
};

/* Does all the work that is queued. Without may_block it must not wait for anything
 * that another tenant or a slow reader can delay. */
typedef enum serve_result (*serve_fn)(void *arg, bool may_block);

struct served {                 /* a device, or some queues of it */
    struct dev *dev;
    uint32_t queues;            /* bit i: queue i */
    serve_fn fn;
    void *arg;
    bool may_block;             /* on the first thread too: its latency matters most */
    bool ends;                  /* its work ends by itself once the host's side takes it */
    struct bell bell;           /* serve_all's */
};

/* Serves them for ever, SERVED_MAX at most. One thread waits for all doorbells; what may
 * block gets a thread at its first such work. Returns a negative errno when it
 * can't go on. */
int serve_all(struct served *s, unsigned n);

/* rng.c */
enum serve_result rng_serve(void *dev, bool may_block);

/* balloon.c */
enum serve_result balloon_serve(void *dev, bool may_block);

#endif
