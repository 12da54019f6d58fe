/* A console device, shared by console.c (devices, output, terminals) and
 * console_stdio.c (descriptors without a terminal). */
#ifndef CONSOLE_PORT_H
#define CONSOLE_PORT_H
#include "console.h"
#include "virtqueue.h"

enum { CONSOLE_TX = 65536 };            /* a power of two */

struct console_port {
    struct bus_dev *dev;                /* NULL: no such port */
    struct virtqueue rx, tx;
    struct waitq tx_wq, rx_wq;
    u8 *ring;                           /* CONSOLE_TX bytes; tx.lock guards these: */
    u32 head, sent, tail, inflight;     /* bytes written, given to the device, used by it */
    u32 config_gen;
    u16 rows, cols;
    bool tty, hup, ready;
    /* Input of a port that is no terminal; rx.lock. */
    u8 *in;
    u32 in_len, in_at;
    bool in_posted, in_eof;
};

extern struct console_port console_ports[CONSOLE_PORTS];
/* The host has everything; if not, tx_wq will be woken as it takes more. */
bool console_tx_done(struct console_port *p);
void console_stdio_irq(struct console_port *p);
#endif
