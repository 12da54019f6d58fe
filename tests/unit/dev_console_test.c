// uses: hv/dev/[!m]*.c base/err.c tests/unit/dev_guest.c
// libs: -lutil
/* Consoles and entropy end to end: pipes, files and a pty on the host's side. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "dev_guest.h"
#include "tap.h"

enum { C0 = DEV_CONSOLE0, C1 = DEV_CONSOLE1, RX = 0, TX = 1, IN_AT = 0x90000 };

static struct guest g;
static bool use_exec;

static struct guest_host host(int in, int out, int err)
{
    return (struct guest_host){ .root = "/tmp", .con = { { in, out }, { -1, err } },
                                .exec = use_exec };
}

static void start(const struct guest_host *h)
{
    guest_init(&g, h);
    guest_start(&g, h);
}

static struct xenc_console_config *config(unsigned d)
{
    return (void *)g.boot->dev[d].config;
}

static void say(unsigned d, const char *text)
{
    memcpy(g.mem + guest_buf(), text, strlen(text));
    guest_offer(&g, d, TX, 0, guest_buf(), (uint32_t)strlen(text), 0, 0);
}

static bool hear(int fd, const char *want)
{
    struct pollfd p = { .fd = fd, .events = POLLIN };
    char buf[256];
    ssize_t n = poll(&p, 1, 2000) == 1 ? read(fd, buf, sizeof(buf)) : -1;

    return n == (ssize_t)strlen(want) && !memcmp(buf, want, (size_t)n);
}

/* Offers a receive buffer and waits for it: its length, -1 for not yet. */
static int64_t listen_(int ms)
{
    guest_offer(&g, C0, RX, 0, 0, 0, IN_AT, 64);
    return guest_used_wait(&g, C0, RX, ms);
}

static void test_output(void)
{
    int out[2], err[2];

    if (pipe2(out, 0) < 0 || pipe2(err, 0) < 0)
        return;
    struct guest_host h = host(-1, out[1], err[1]);

    start(&h);
    say(C0, "to output");
    tap_ok(hear(out[0], "to output"), "output");
    tap_is(guest_used_wait(&g, C0, TX, 1000), 0, "its buffer comes back");
    say(C1, "to error");
    tap_ok(hear(err[0], "to error"), "error output");
    guest_used_wait(&g, C1, TX, 1000);
    tap_is(listen_(1000), 0, "no input: end of file");
    tap_is(config(C0)->flags, 0, "no hang-up so far");
    close(out[0]);
    close(out[1]);
    say(C0, "nobody listens");
    tap_is(guest_used_wait(&g, C0, TX, 1000), 0, "output without a reader is consumed");
    tap_is(config(C0)->flags, XENC_CON_HANGUP, "and reported");
    tap_ok(g.boot->dev[C0].config_gen == 1 && g.boot->irq_pending & 1u << C0, "with a change");
    say(C1, "still there");
    tap_ok(hear(err[0], "still there"), "the other console isn't concerned");
    guest_stop(&g);
    close(err[0]);
    close(err[1]);
}

/* A reader that doesn't read stops this console's output and nothing else. */
static void test_blocked(void)
{
    int out[2], err[2], in[2];
    static char drain[65536 + 4096];
    ssize_t n, total = 0;

    if (pipe2(out, 0) < 0 || pipe2(err, 0) < 0 || pipe2(in, 0) < 0)
        return;
    struct guest_host h = host(in[0], out[1], err[1]);

    fcntl(out[1], F_SETFL, O_NONBLOCK);         /* an engine may have set it */
    start(&h);
    memset(g.mem + guest_buf(), 'x', 65536 + 4096);
    guest_offer(&g, C0, TX, 0, guest_buf(), 65536 + 4096, 0, 0);
    tap_is(guest_used_wait(&g, C0, TX, 100), -1, "output waits for its reader");
    say(C1, "error");
    tap_ok(hear(err[0], "error"), "error output does not");
    n = write(in[1], "in", 2);
    tap_is(listen_(1000), 2, "nor does input");
    while (total < (ssize_t)sizeof(drain) && (n = read(out[0], drain, sizeof(drain))) > 0)
        total += n;
    tap_is(total, 65536 + 4096, "all of it arrives");
    tap_is(guest_used_wait(&g, C0, TX, 1000), 0, "then its buffer comes back");
    guest_stop(&g);
    for (int i = 0; i < 2; i++)
        close(out[i]), close(err[i]), close(in[i]);
}

static void test_input(void)
{
    struct pollfd p;
    int in[2];

    if (pipe2(in, 0) < 0)
        return;
    struct guest_host h = host(in[0], 2, 2);

    start(&h);
    if (write(in[1], "first", 5) != 5)
        return;
    usleep(50000);
    p = (struct pollfd){ .fd = in[0], .events = POLLIN };
    tap_is(poll(&p, 1, 0), 1, "input stays with the host until the guest has room");
    tap_is(listen_(1000), 5, "then it comes");
    tap_ok(!memcmp(g.mem + IN_AT, "first", 5), "unchanged");
    tap_is(listen_(50), -1, "a buffer waits for input");
    tap_is(write(in[1], "second", 6), 6, "which is written");
    tap_is(guest_used_wait(&g, C0, RX, 1000), 6, "and comes");
    close(in[0]);
    close(in[1]);
    tap_is(listen_(1000), 0, "end of file");
    tap_is(listen_(50), -1, "once");
    guest_stop(&g);
}

static void test_input_kinds(void)
{
    int file = memfd_create("in", 0), null = open("/dev/null", O_RDONLY), ended[2];
    struct guest_host h = host(file, 2, 2);

    if (write(file, "from a file", 11) != 11 || pipe2(ended, 0) < 0)
        return;
    lseek(file, 0, SEEK_SET);
    start(&h);
    tap_is(listen_(1000), 11, "input from a file");
    tap_is(listen_(1000), 0, "its end");
    guest_stop(&g);
    h = host(null, 2, 2);
    start(&h);
    tap_is(listen_(1000), 0, "/dev/null ends at once");
    guest_stop(&g);
    h = host(ended[0], 2, 2);
    close(ended[1]);
    start(&h);
    tap_is(listen_(1000), 0, "so does a pipe whose writer has gone");
    guest_stop(&g);
    close(file);
    close(null);
    close(ended[0]);
}

static bool wait_size(unsigned rows, unsigned cols)
{
    for (int i = 0; i < 1000; i++, usleep(1000)) {
        if (config(C0)->rows == rows && config(C0)->cols == cols)
            return true;
    }
    return false;
}

static void test_tty(void)
{
    struct winsize w = { .ws_row = 24, .ws_col = 80 };
    struct termios t;
    int master, slave;

    if (openpty(&master, &slave, NULL, NULL, &w) < 0)
        return;
    struct guest_host h = host(slave, slave, -1);

    h.tty = true;
    fcntl(master, F_SETFD, FD_CLOEXEC);
    start(&h);
    tap_is(config(C0)->flags, XENC_CON_TTY, "a terminal says so");
    tap_ok(wait_size(24, 80), "its size");
    say(C0, "a\nb");
    tap_ok(hear(master, "a\nb"), "output is raw");
    guest_used_wait(&g, C0, TX, 1000);
    tcgetattr(slave, &t);
    tap_ok(!(t.c_lflag & (ICANON | ECHO | ISIG)) && !(t.c_oflag & OPOST), "so is the mode");
    tap_is(write(master, "\3\r", 2), 2, "Ctrl-C and return");
    tap_is(listen_(1000), 2, "arrive");
    tap_ok(!memcmp(g.mem + IN_AT, "\3\r", 2), "as they are");
    close(slave);
    w.ws_row = 50;
    ioctl(master, TIOCSWINSZ, &w);
    tap_ok(wait_size(50, 80), "a new size arrives by itself");
    tap_is(listen_(20), -1, "a buffer waits");
    close(master);
    tap_is(guest_used_wait(&g, C0, RX, 1000), 0, "the terminal goes: end of file");
    say(C0, "x");
    tap_is(guest_used_wait(&g, C0, TX, 1000), 0, "output is consumed");
    tap_is(config(C0)->flags, XENC_CON_TTY | XENC_CON_HANGUP, "and hung up");
    tap_is(waitpid(g.pid, NULL, WNOHANG), 0, "xenc-dev lives on");
    guest_stop(&g);
}

static void test_rng(void)
{
    struct guest_host h = host(-1, 2, 2);
    uint8_t *p, zero[256] = { 0 };

    guest_init(&g, &h);
    p = g.mem + guest_buf();
    /* Before xenc-dev runs: it must find what was queued. */
    guest_offer(&g, DEV_RNG, 0, 0, 0, 0, guest_buf(), 256);
    guest_start(&g, &h);
    tap_is(guest_used_wait(&g, DEV_RNG, 0, 1000), 256, "entropy asked for early");
    tap_ok(memcmp(p, zero, 256) && memcmp(p, p + 128, 128), "looks random");
    guest_offer(&g, DEV_RNG, 0, 1, 0, 0, guest_buf(), 1 << 20);
    tap_is(guest_used_wait(&g, DEV_RNG, 0, 1000), 65536, "a request is bounded");
    guest_stop(&g);
}

int main(void)
{
    for (int i = 0; i < 2; i++) {
        use_exec = i;
        printf("# %s\n", use_exec ? "the binary in its jail" : "a sanitized fork");
        test_rng();
        test_output();
        test_blocked();
        test_input();
        test_input_kinds();
        test_tty();
    }
    return tap_end();
}
