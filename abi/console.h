/* Console devices (virtio 1.2, 5.3; no multiport). Queue 0: receive, 1: transmit.
 *
 * With a terminal there is one console device: both directions are the pty.
 * Without, device 0 receives standard input and transmits standard output, and the
 * second console device transmits standard error (it has a receive queue too, never
 * filled). A used receive buffer of length 0 means end of file. The device's config
 * space is struct virtio_console_config (12 bytes) followed by xenc's own words. */
#ifndef XENC_ABI_CONSOLE_H
#define XENC_ABI_CONSOLE_H

#include <stdint.h>

struct xenc_console_config {
    uint16_t cols, rows;        /* VIRTIO_CONSOLE_F_SIZE */
    uint32_t max_nr_ports;      /* unused */
    uint32_t emerg_wr;          /* guest: debug byte, VIRTIO_CONSOLE_F_EMERG_WRITE */
    uint32_t flags;             /* XENC_CON_* */
};

enum {
    XENC_CON_TTY = 1u << 0,     /* the host side is a terminal */
    XENC_CON_HANGUP = 1u << 1,  /* output's reader has gone: writes answer EPIPE/EIO */
};

_Static_assert(sizeof(struct xenc_console_config) == 16, "abi");

#endif
