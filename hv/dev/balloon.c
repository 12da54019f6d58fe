/* The memory balloon (virtio 1.2, 5.5) of guests that are virtual machines, for the one
 * thing that its free page reporting does: memory that the guest has freed goes back to
 * the host. We never ask for any. */
#include <sys/mman.h>

#include "hv/dev/serve.h"

enum { INFLATE, DEFLATE, REPORTING, PAGE = 4096 };

/* Whole pages only. The range was checked to be the guest's; that it is free is its word,
 * and it is the one to lose. */
static void release(const struct iovec *v)
{
    uintptr_t start = ((uintptr_t)v->iov_base + PAGE - 1) & ~(uintptr_t)(PAGE - 1);
    uintptr_t end = ((uintptr_t)v->iov_base + v->iov_len) & ~(uintptr_t)(PAGE - 1);

    if (end > start)
        madvise((void *)start, end - start, MADV_REMOVE);
}

enum serve_result balloon_serve(void *dev, bool may_block)
{
    static struct chain c;
    struct dev *d = dev;

    while (dev_pop(d, REPORTING, &c)) {
        for (unsigned i = 0; i < c.nwrite; i++)
            release(&c.iov[c.nread + i]);
        dev_push(d, REPORTING, &c, 0);
        dev_notify(d, REPORTING);
    }
    /* Pages that we did not ask for: it may have them back at any time. */
    for (unsigned q = INFLATE; q <= DEFLATE; q++) {
        while (dev_pop(d, q, &c)) {
            dev_push(d, q, &c, 0);
            dev_notify(d, q);
        }
    }
    return SERVE_IDLE;
}
