/* A console device (abi/console.h): host descriptors on one side, virtio on the other. */
#ifndef XENC_DEV_CONSOLE_H
#define XENC_DEV_CONSOLE_H

#include "hv/dev/serve.h"

enum { CON_RX, CON_TX };        /* queues */

/* For the next worker (keep.h): which chain was being moved, and how far that had come. */
struct con_keep {
    struct { uint64_t chain, done; bool moving; off_t at; } out;
    struct { uint64_t chain, staged, have; bool moving; off_t at; } in;
};

/* Input kinds: IN_NONE is at its end, IN_FILE never waits for somebody, IN_STREAM may.
 * Output kinds: one that keeps a position, a pipe, others. */
enum { CONSOLE_RX = 1, CONSOLE_TX = 2 };        /* struct served.queues of each direction */

struct console {
    struct dev dev;
    int in, out;                /* -1: none */
    bool tty;
    bool own_session;           /* SIGWINCH reaches us */
    enum con_input { IN_NONE, IN_FILE, IN_STREAM } kind;
    enum con_output { OUT_OTHER, OUT_FILE, OUT_PIPE } out_kind;
    int stage[2];               /* a pipe that input comes through, -1: none */
    bool eof;                   /* said end of file to the guest */
    struct chain rx, tx;
    struct con_keep *keep, own;
};

/* Before the jail: raw mode, controlling terminal, kind of input. `dev` is set up. */
void console_open(struct console *c, int in, int out, bool tty);

/* Window size of a terminal: now and on SIGWINCH; and for one that sends none, now. */
void console_watch_size(struct console *c);
void console_update_size(struct console *c);

/* con_move.c: what a chain has room for from the host: the count, 0 at the end. Waits. */
size_t console_read(struct console *c);

/* All of a chain to the host, or what it takes: a guest must never hang because its reader
 * has gone, so what can't be written is dropped. */
void console_write(struct console *c);

/* In a new worker, before either: how far had the last one come? */
void console_resume(struct console *c);

/* Output's reader or the terminal has gone: tells the guest, once. */
void console_hangup(struct console *c);

/* The two directions, served apart: a stuck reader must not stop input. */
enum serve_result console_receive(void *con, bool may_block);
enum serve_result console_transmit(void *con, bool may_block);

#endif
