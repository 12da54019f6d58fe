/* The console devices: byte pipes between the container and the host (abi/console.h).
 * drivers/console.c moves the bytes; with a terminal the tty layer (fs/) makes
 * /dev/console of port 0, without one console_open_stdio makes plain descriptors. */
#ifndef CONSOLE_H
#define CONSOLE_H
#include "wait.h"

struct file;

enum { CONSOLE_MAIN, CONSOLE_ERR, CONSOLE_PORTS };

/* Finds the devices and sets up their queues. At boot, before init's program. */
void console_init(void);
bool console_is_tty(void);              /* the host side of port 0 is a terminal */
/* The terminal's size as the host last told it; zeros when unknown. */
void console_winsize(u16 *rows_r, u16 *cols_r);

/* -- output -- */
/* Takes as many bytes as there is room for and starts sending them: the count (0: full),
 * or -EIO when there is no such port or the host's reader has gone. Never sleeps; takes
 * only spinlocks. */
ssize_t console_write(int port, const void *buf, size_t n);
size_t console_room(int port);          /* bytes console_write would take now */
bool console_hung_up(int port);         /* the host's reader has gone */
/* Woken with POLLOUT when room came back, POLLHUP at a hangup. */
struct waitq *console_waitq(int port);
/* Waits until the host has taken everything written so far on all ports, or until the
 * deadline (monotonic ns; WAIT_FOREVER): 0 or -ETIMEDOUT. Called once at the end of the
 * domain so that no output is lost. */
int console_tx_drain(u64 deadline);

/* -- input of a terminal -- */
/* From now on keep receive buffers with the host (before: none, so that nothing of the
 * host's input is eaten). The tty layer calls it when the first reader could come. */
void console_rx_start(void);
/* The tty layer has room again after tty_console_input took less than offered. */
void console_rx_resume(void);

/* Implemented by the tty layer. They run in the kworker task (or inside
 * console_rx_resume) with no lock held, one at a time.
 * input: the number of bytes taken; the rest is offered again after console_rx_resume. */
size_t tty_console_input(const u8 *buf, size_t n);
void tty_console_winsize(u16 rows, u16 cols);
void tty_console_hangup(void);          /* input has ended or the host's side has gone */

/* -- without a terminal -- */
/* Three open files for standard input, output and error (ref 1 each). 0 or -errno. */
int console_open_stdio(struct file *f[3]);
#endif
