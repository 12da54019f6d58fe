#include "hv/dev/console.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "abi/console.h"
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
    unsigned n = c->tx.nread;

    while (n > 0 && c->out >= 0) {
        ssize_t done = writev(c->out, c->tx.iov, (int)n);

        if (done >= 0) {
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

static void *input_thread(void *con)
{
    struct console *c = con;
    struct dev *d = &c->dev;

    while (!c->eof) {
        uint32_t seen = bell_read(d);

        if (!receive_one(c))
            bell_wait(&d, &seen, 1, false);
    }
    return NULL;
}

/* Ended already, by a writer that has gone? Then a read doesn't wait. */
static bool ended(int fd)
{
    struct pollfd p = { .fd = fd, .events = POLLIN };

    return poll(&p, 1, 0) == 1 && (p.revents & POLLHUP) && !(p.revents & POLLIN);
}

/* Gives input that may have to wait its thread, once the guest wants any: what the
 * guest has no room for stays with the host. False: input must be served here. */
static bool input_elsewhere(struct console *c)
{
    if (c->reading)
        return true;
    if (c->kind != IN_STREAM || c->eof || !dev_avail(&c->dev, RX))
        return false;
    if (ended(c->in)) {
        c->kind = IN_NONE;
        return false;
    }
    c->reading = true;
    if (thread_start(input_thread, c) == 0)
        return true;
    dlog("%s: no thread for input: it ends here", c->dev.name);
    c->in = -1;
    c->reading = false;
    c->kind = IN_NONE;
    return false;
}

static bool transmit_one(struct console *c)
{
    if (!dev_pop(&c->dev, TX, &c->tx))
        return false;
    write_out(c);
    dev_push(&c->dev, TX, &c->tx, 0);
    dev_notify(&c->dev, TX);
    return true;
}

enum serve_result console_serve(void *con, bool may_block)
{
    struct console *c = con;
    bool rx = !input_elsewhere(c), more;

    if (!may_block) {
        if (dev_avail(&c->dev, TX) || (rx && c->kind == IN_FILE && dev_avail(&c->dev, RX)))
            return SERVE_OWN_THREAD;
        while (rx && receive_one(c))
            ;
        return SERVE_IDLE;
    }
    do {
        more = transmit_one(c);
        if (rx && receive_one(c))
            more = true;
    } while (more);
    return SERVE_IDLE;
}
