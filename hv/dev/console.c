#include "hv/dev/console.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "abi/console.h"
#include "hv/dev/keep.h"
#include "hv/dev/log.h"

enum { RX, TX };

static void hangup(struct console *c)
{
    uint32_t *flags = &((struct xenc_console_config *)(void *)c->dev.regs->config)->flags;
    uint32_t old = __atomic_fetch_or(flags, XENC_CON_HANGUP, __ATOMIC_SEQ_CST);

    if (!(old & XENC_CON_HANGUP))
        dev_config_changed(&c->dev);
}

static void wait_for(int fd, short events)
{
    struct pollfd p = { .fd = fd, .events = events };

    poll(&p, 1, -1);
}

/* Writes all of it, or what the host takes: a guest must never hang because its reader
 * has gone, so what can't be written is dropped. */
static void write_out(struct console *c)
{
    struct con_keep *k = c->keep;
    unsigned n = iov_slice(c->tx.iov, c->tx.nread, (size_t)k->done, SIZE_MAX);

    while (n > 0 && c->out >= 0) {
        ssize_t done = writev(c->out, c->tx.iov, (int)n);

        if (done >= 0) {
            k->done += (uint64_t)done;
            n = iov_slice(c->tx.iov, n, (size_t)done, SIZE_MAX);
        } else if (errno == EAGAIN) {
            wait_for(c->out, POLLOUT);
        } else if (errno != EINTR) {
            if (errno == EPIPE || errno == EIO)
                hangup(c);
            else
                dlog("%s: output lost: error %d", c->dev.name, errno);
            return;
        }
    }
}

/* Fills c->rx from the host: the count, 0 at the end of input. Waits. */
static size_t read_in(struct console *c)
{
    const struct iovec *iov = c->rx.iov + c->rx.nread;

    while (c->in >= 0 && c->rx.nwrite > 0) {
        ssize_t n = readv(c->in, iov, (int)c->rx.nwrite);

        if (n >= 0)
            return (size_t)n;
        if (errno == EAGAIN) {
            wait_for(c->in, POLLIN);
        } else if (errno != EINTR) {
            if (errno == EIO)
                hangup(c);
            return 0;
        }
    }
    return 0;
}

/* One receive buffer from pop to notification. False: no buffer, or no more input. */
static bool receive_one(struct console *c)
{
    size_t n;

    if (c->eof || !dev_pop(&c->dev, RX, &c->rx))
        return false;
    n = read_in(c);
    if (c->tty && !c->own_session)
        console_update_size(c);
    /* A buffer without room comes back empty but doesn't mean the end. */
    c->eof = n == 0 && c->rx.nwrite > 0;
    dev_push(&c->dev, RX, &c->rx, (uint32_t)n);
    dev_notify(&c->dev, RX);
    return true;
}

/* Ended already, by a writer that has gone? Then a read doesn't wait. */
static bool ended(int fd)
{
    struct pollfd p = { .fd = fd, .events = POLLIN };

    return poll(&p, 1, 0) == 1 && (p.revents & POLLHUP) && !(p.revents & POLLIN);
}

enum serve_result console_receive(void *con, bool may_block)
{
    struct console *c = con;

    if (!may_block && dev_avail(&c->dev, RX) && c->kind != IN_NONE) {
        if (c->kind == IN_FILE || !ended(c->in))
            return SERVE_OWN_THREAD;
    }
    /* What the guest has no room for stays with the host. */
    while (receive_one(c))
        ;
    return c->eof ? SERVE_OVER : SERVE_IDLE;
}

/* Goes on where a predecessor stopped, if this is the chain it was at. */
static void begin_chain(struct console *c)
{
    uint64_t chain = c->dev.keep->vq[TX].done;

    if (c->keep->chain == chain)
        return;
    c->keep->done = 0;
    KEEP_ORDER();
    c->keep->chain = chain;
}

enum serve_result console_transmit(void *con, bool may_block)
{
    struct console *c = con;

    if (!may_block && dev_avail(&c->dev, TX))
        return SERVE_OWN_THREAD;
    while (dev_pop(&c->dev, TX, &c->tx)) {
        begin_chain(c);
        write_out(c);
        dev_push(&c->dev, TX, &c->tx, 0);
        dev_notify(&c->dev, TX);
    }
    return SERVE_IDLE;
}
