/* The virtio console devices: a byte ring for output and a few buffers for input each.
 *
 * Output needs no interrupt while there is room: each write takes back what the host is
 * done with. Only a full ring, or one with bytes that are not with the device yet, asks
 * for interrupts; the kworker then sends on and wakes writers. */
#include "console_port.h"
#include <linux/virtio_console.h>
#include <linux/virtio_ids.h>
#include <asm/poll.h>
#include "abi/console.h"
#include "time.h"

enum { RX, TX, RING = 32, TX_CHUNK = 32768, TX_INFLIGHT = 4, TTY_RX_BUFS = 4, TTY_RX_LEN = 512 };

struct console_port console_ports[CONSOLE_PORTS];

static struct {
    struct ktimer resume;
    struct console_port *port;
    u8 *bufs;
    struct { u8 *p; u32 len, at; } cur;         /* taken off the ring, not all consumed */
    bool started, ended;
} tty_rx;

static struct console_port *port_of(int port)
{
    return port >= 0 && port < CONSOLE_PORTS && console_ports[port].dev ? &console_ports[port]
                                                                        : NULL;
}

/* -- output: the queue's lock held -- */

static void tx_collect(struct console_port *p)
{
    void *token;

    while ((token = vq_used(&p->tx, NULL))) {
        p->tail += (u32)(uintptr_t)token;       /* sent in order, used in order */
        p->inflight--;
    }
}

/* Gives the device what it has not got yet: true if something was added. */
static bool tx_push(struct console_port *p)
{
    bool added = false;

    while (p->sent != p->head && p->inflight < TX_INFLIGHT) {
        u32 at = p->sent & (CONSOLE_TX - 1);
        u32 n = min(min(p->head - p->sent, (u32)TX_CHUNK), (u32)CONSOLE_TX - at);
        struct vq_buf b = { p->ring + at, n };

        if (vq_add(&p->tx, &b, 1, 0, (void *)(uintptr_t)n) < 0)
            break;
        p->sent += n;
        p->inflight++;
        added = true;
    }
    return added;
}

static u32 tx_room(const struct console_port *p)
{
    return CONSOLE_TX - (p->head - p->tail);
}

/* Sends and decides about interrupts: true if the device wants to be told. */
static bool tx_run(struct console_port *p)
{
    bool kick, irq;

    tx_collect(p);
    kick = tx_push(p);
    irq = p->sent != p->head || !tx_room(p);
    vq_set_irq(&p->tx, irq);
    if (irq) {
        tx_collect(p);
        kick |= tx_push(p);
    }
    return kick;
}

ssize_t console_write(int port, const void *buf, size_t n)
{
    struct console_port *p = port_of(port);
    size_t k = 0;
    bool kick;

    if (!p || p->hup)
        return -EIO;
    spin_lock(&p->tx.lock);
    if (tx_room(p) < n)
        tx_collect(p);
    while (k < n && tx_room(p)) {
        u32 at = p->head & (CONSOLE_TX - 1);
        u32 part = min((u32)min(n - k, (size_t)tx_room(p)), (u32)CONSOLE_TX - at);

        memcpy(p->ring + at, (const u8 *)buf + k, part);
        p->head += part;
        k += part;
    }
    kick = tx_run(p);
    spin_unlock(&p->tx.lock);
    if (kick)
        vq_kick(&p->tx);
    return (ssize_t)k;
}

size_t console_room(int port)
{
    struct console_port *p = port_of(port);
    size_t n;
    bool kick;

    if (!p)
        return 0;
    spin_lock(&p->tx.lock);
    kick = tx_run(p);
    n = tx_room(p);
    spin_unlock(&p->tx.lock);
    if (kick)
        vq_kick(&p->tx);
    return n;
}

bool console_hung_up(int port)
{
    struct console_port *p = port_of(port);

    return !p || p->hup;
}

struct waitq *console_waitq(int port)
{
    struct console_port *p = port_of(port);

    return p ? &p->tx_wq : NULL;
}

/* True when the host has it all. seq: read before looking. */
static bool tx_empty(struct console_port *p, u32 *seq)
{
    bool kick, empty;

    *seq = bus_seq(p->dev);
    spin_lock(&p->tx.lock);
    kick = tx_run(p);
    empty = p->head == p->tail;
    if (!empty) {
        vq_set_irq(&p->tx, true);
        tx_collect(p);          /* what was used before came without an interrupt */
        empty = p->head == p->tail;
    }
    spin_unlock(&p->tx.lock);
    if (kick)
        vq_kick(&p->tx);
    return empty || p->tx.broken || virtio_broken(p->dev);
}

bool console_tx_done(struct console_port *p)
{
    u32 seq;

    return !p->dev || tx_empty(p, &seq);
}

int console_tx_drain(u64 deadline)
{
    for (int k = 0; k < CONSOLE_PORTS; k++) {
        struct console_port *p = port_of(k);
        u32 seq;

        while (p && !tx_empty(p, &seq)) {
            if (deadline == WAIT_FOREVER)
                bus_wait(p->dev, seq);
            else if (wait_until(&p->tx_wq, tx_empty(p, &seq), deadline, false) < 0)
                return -ETIMEDOUT;
        }
    }
    return 0;
}

/* -- input of a terminal: in the kworker -- */

static void tty_rx_post(u8 *buf)
{
    struct vq_buf b = { buf, TTY_RX_LEN };
    struct console_port *p = tty_rx.port;

    spin_lock(&p->rx.lock);
    vq_add(&p->rx, &b, 0, 1, buf);
    spin_unlock(&p->rx.lock);
    vq_kick(&p->rx);
}

/* The current buffer's rest to the tty: false when it has no room. */
static bool tty_rx_offer(void)
{
    if (!tty_rx.cur.p)
        return true;
    if (tty_rx.cur.at < tty_rx.cur.len)
        tty_rx.cur.at += (u32)tty_console_input(tty_rx.cur.p + tty_rx.cur.at,
                                                tty_rx.cur.len - tty_rx.cur.at);
    if (tty_rx.cur.at < tty_rx.cur.len)
        return false;
    tty_rx_post(tty_rx.cur.p);
    tty_rx.cur.p = NULL;
    return true;
}

static void tty_rx_run(void)
{
    struct console_port *p = tty_rx.port;

    while (!tty_rx.ended && tty_rx_offer()) {
        u32 len = 0;
        u8 *buf;

        spin_lock(&p->rx.lock);
        buf = vq_used(&p->rx, &len);
        spin_unlock(&p->rx.lock);
        if (!buf)
            return;
        tty_rx.cur.p = buf;
        tty_rx.cur.len = min(len, (u32)TTY_RX_LEN);
        tty_rx.cur.at = 0;
        if (len == 0) {
            tty_rx.ended = true;
            tty_console_hangup();
        }
    }
}

static void tty_rx_timer(struct ktimer *t)
{
    if (tty_rx.started)
        tty_rx_run();
}

void console_rx_resume(void)
{
    if (tty_rx.started)
        ktimer_set(&tty_rx.resume, time_mono());
}

void console_rx_start(void)
{
    struct console_port *p = port_of(CONSOLE_MAIN);

    if (!p || !p->tty || __atomic_exchange_n(&tty_rx.started, true, __ATOMIC_ACQ_REL))
        return;
    tty_rx.port = p;
    tty_rx.bufs = kpages(1);
    for (unsigned i = 0; tty_rx.bufs && i < TTY_RX_BUFS; i++)
        tty_rx_post(tty_rx.bufs + i * TTY_RX_LEN);
}

/* -- configuration and interrupts -- */

static void config_changed(struct console_port *p)
{
    struct xenc_console_config c;

    bus_config_read(p->dev, 0, &c, sizeof c);
    p->tty = c.flags & XENC_CON_TTY;
    if (p->tty && (c.rows != p->rows || c.cols != p->cols)) {
        p->rows = c.rows;
        p->cols = c.cols;
        if (p->ready)
            tty_console_winsize(c.rows, c.cols);
    }
    if (c.flags & XENC_CON_HANGUP && !p->hup) {
        p->hup = true;
        waitq_wake_all(&p->tx_wq, POLLHUP | POLLERR | POLLOUT);
        if (p->tty)
            tty_console_hangup();
    }
}

static void console_irq(void *arg)
{
    struct console_port *p = arg;
    u32 gen = bus_config_gen(p->dev);
    bool kick;

    if (gen != p->config_gen) {
        p->config_gen = gen;
        config_changed(p);
    }
    spin_lock(&p->tx.lock);
    kick = tx_run(p);
    spin_unlock(&p->tx.lock);
    if (kick)
        vq_kick(&p->tx);
    waitq_wake_all(&p->tx_wq, POLLOUT);
    if (!p->tty)
        console_stdio_irq(p);
    else if (tty_rx.started)
        tty_rx_run();
}

static int port_init(struct console_port *p, struct bus_dev *d)
{
    u64 features;
    int rc = virtio_begin(d, 1ull << VIRTIO_CONSOLE_F_SIZE, &features);

    p->ring = kpages(CONSOLE_TX / PAGE_SIZE);
    if (rc == 0 && !p->ring)
        rc = -ENOMEM;
    if (rc == 0)
        rc = vq_init(&p->rx, d, RX, RING);
    if (rc == 0)
        rc = vq_init(&p->tx, d, TX, RING);
    if (rc < 0)
        return rc;
    vq_set_irq(&p->tx, false);
    p->dev = d;
    p->config_gen = bus_config_gen(d);
    config_changed(p);
    p->ready = true;
    bus_set_irq(d, console_irq, p);
    virtio_ready(d);
    return 0;
}

void console_init(void)
{
    int n = 0, rc;

    for (int k = 0; k < CONSOLE_PORTS; k++) {
        waitq_init(&console_ports[k].tx_wq);
        waitq_init(&console_ports[k].rx_wq);
    }
    ktimer_init(&tty_rx.resume, tty_rx_timer);
    for (unsigned i = 0; i < bus_count() && n < CONSOLE_PORTS; i++) {
        struct bus_dev *d = bus_get(i);

        if (!d || bus_type(d) != VIRTIO_ID_CONSOLE)
            continue;
        rc = port_init(&console_ports[n++], d);
        if (rc < 0)
            printk(3, "console %d: error %d", n - 1, -rc);
    }
}

bool console_is_tty(void) { return console_ports[CONSOLE_MAIN].tty; }

void console_winsize(u16 *rows_r, u16 *cols_r)
{
    *rows_r = console_ports[CONSOLE_MAIN].rows;
    *cols_r = console_ports[CONSOLE_MAIN].cols;
}
