/* A console device (abi/console.h): host descriptors on one side, virtio on the other. */
#ifndef XENC_DEV_CONSOLE_H
#define XENC_DEV_CONSOLE_H

#include "hv/dev/serve.h"

/* Of a chain that is being written: which one, and how many bytes of it have gone out. */
struct con_keep { uint64_t chain, done; };

/* Input kinds: IN_NONE is at its end, IN_FILE never waits for somebody, IN_STREAM may. */
enum { CONSOLE_RX = 1, CONSOLE_TX = 2 };        /* struct served.queues of each direction */

struct console {
    struct dev dev;
    int in, out;                /* -1: none */
    bool tty;
    bool own_session;           /* SIGWINCH reaches us */
    enum con_input { IN_NONE, IN_FILE, IN_STREAM } kind;
    bool eof;                   /* said end of file to the guest */
    struct chain rx, tx;
    struct con_keep *keep, own;
};

/* Before the jail: raw mode, controlling terminal, kind of input. `dev` is set up. */
void console_open(struct console *c, int in, int out, bool tty);

/* Window size of a terminal: now and on SIGWINCH; and for one that sends none, now. */
void console_watch_size(struct console *c);
void console_update_size(struct console *c);

/* The two directions, served apart: a stuck reader must not stop input. */
enum serve_result console_receive(void *con, bool may_block);
enum serve_result console_transmit(void *con, bool may_block);

#endif
