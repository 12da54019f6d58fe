/* The host's side of a console: what kind of input it is, terminal mode and size. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <termios.h>
#include <unistd.h>

#include "abi/console.h"
#include "hv/dev/console.h"

/* For the signal handler; there is one terminal at most. */
static struct console *sized;

static enum con_input input_kind(int fd)
{
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0)
        return IN_NONE;
    if (S_ISCHR(st.st_mode))
        return st.st_rdev == makedev(1, 3) ? IN_NONE : IN_STREAM;
    return S_ISREG(st.st_mode) || S_ISBLK(st.st_mode) ? IN_FILE : IN_STREAM;
}

static enum con_output output_kind(int fd)
{
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0)
        return OUT_OTHER;
    return S_ISREG(st.st_mode) ? OUT_FILE : S_ISFIFO(st.st_mode) ? OUT_PIPE : OUT_OTHER;
}

void console_open(struct console *c, int in, int out, bool tty)
{
    struct termios t;

    c->keep = &c->own;
    c->in = in;
    c->out = out;
    c->tty = tty;
    c->kind = input_kind(in);
    c->out_kind = output_kind(out);
    c->stage[0] = c->stage[1] = -1;
    if (c->kind == IN_STREAM && pipe2(c->stage, O_CLOEXEC) < 0)
        c->stage[0] = c->stage[1] = -1;
    if (!tty)
        return;
    /* The guest has its own line discipline. */
    if (tcgetattr(out, &t) == 0) {
        cfmakeraw(&t);
        tcsetattr(out, TCSANOW, &t);
    }
    /* Its session gets SIGWINCH. SIGHUP comes when the other side closes: what then
     * happens to the guest's programs is the guest's to decide. */
    signal(SIGHUP, SIG_IGN);
    setsid();
    c->own_session = ioctl(out, TIOCSCTTY, 0) == 0;
}

void console_update_size(struct console *c)
{
    struct xenc_console_config *cfg = (void *)c->dev.regs->config;
    struct winsize w;

    if (ioctl(c->out, TIOCGWINSZ, &w) < 0)
        return;
    if (w.ws_col == cfg->cols && w.ws_row == cfg->rows)
        return;
    __atomic_store_n(&cfg->cols, w.ws_col, __ATOMIC_SEQ_CST);
    __atomic_store_n(&cfg->rows, w.ws_row, __ATOMIC_SEQ_CST);
    dev_config_changed(&c->dev);
}

static void on_winch(int sig)
{
    int saved = errno;

    console_update_size(sized);
    errno = saved;
}

void console_watch_size(struct console *c)
{
    struct sigaction sa = { .sa_handler = on_winch, .sa_flags = SA_RESTART };

    sized = c;
    sigaction(SIGWINCH, &sa, NULL);
    console_update_size(c);
}
