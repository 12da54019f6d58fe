/* The entropy device (virtio 1.2, 5.4): one queue of buffers to fill. */
#include <sys/random.h>

#include "hv/dev/serve.h"

enum { RNG_CHAIN_MAX = 65536 };         /* more a request than anybody needs */

static uint32_t fill(const struct chain *c)
{
    uint32_t done = 0;

    for (unsigned i = 0; i < c->nwrite && done < RNG_CHAIN_MAX; i++) {
        const struct iovec *v = &c->iov[c->nread + i];
        size_t want = v->iov_len < RNG_CHAIN_MAX - done ? v->iov_len : RNG_CHAIN_MAX - done;
        size_t at = 0;

        while (at < want) {
            ssize_t n = getrandom((char *)v->iov_base + at, want - at, 0);

            if (n < 0)
                return done;
            at += (size_t)n;
            done += (uint32_t)n;
        }
    }
    return done;
}

enum serve_result rng_serve(void *dev, bool may_block)
{
    static struct chain c;
    struct dev *d = dev;

    while (dev_pop(d, 0, &c)) {
        dev_push(d, 0, &c, fill(&c));
        dev_notify(d, 0);
    }
    return SERVE_IDLE;
}
