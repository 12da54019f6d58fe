#include "hv/dev/console.h"

#include <poll.h>

#include "abi/console.h"

void console_hangup(struct console *c)
{
    uint32_t *flags = &((struct xenc_console_config *)(void *)c->dev.regs->config)->flags;
    uint32_t old = __atomic_fetch_or(flags, XENC_CON_HANGUP, __ATOMIC_SEQ_CST);

    if (!(old & XENC_CON_HANGUP))
        dev_config_changed(&c->dev);
}

/* One receive buffer from pop to notification. False: no buffer, or no more input. */
static bool receive_one(struct console *c)
{
    size_t n;

    if (c->eof || !dev_pop(&c->dev, CON_RX, &c->rx))
        return false;
    n = console_read(c);
    if (c->tty && !c->own_session)
        console_update_size(c);
    /* A buffer without room comes back empty but doesn't mean the end. */
    c->eof = n == 0 && c->rx.nwrite > 0;
    dev_push(&c->dev, CON_RX, &c->rx, (uint32_t)n);
    dev_notify(&c->dev, CON_RX);
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

    if (!may_block && dev_avail(&c->dev, CON_RX) && c->kind != IN_NONE) {
        if (c->kind == IN_FILE || !ended(c->in))
            return SERVE_OWN_THREAD;
    }
    /* What the guest has no room for stays with the host. */
    while (receive_one(c))
        ;
    return c->eof ? SERVE_OVER : SERVE_IDLE;
}

enum serve_result console_transmit(void *con, bool may_block)
{
    struct console *c = con;

    if (!may_block && dev_avail(&c->dev, CON_TX))
        return SERVE_OWN_THREAD;
    while (dev_pop(&c->dev, CON_TX, &c->tx)) {
        console_write(c);
        dev_push(&c->dev, CON_TX, &c->tx, 0);
        dev_notify(&c->dev, CON_TX);
    }
    return SERVE_IDLE;
}
