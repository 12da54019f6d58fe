/* `xenc run` in the foreground: signals go to the container, with a terminal bytes and
 * window sizes as well, until the monitor ends. */
#include "runtime/runtime.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <termios.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/proc.h"
#include "base/shed.h"

/* All that can be caught but what the kernel sends for our own doings. */
static void passed_on(sigset_t *set)
{
    static const int own[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS,
                               SIGPIPE, SIGURG };

    sigfillset(set);
    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
        sigdelset(set, own[i]);
}

void rt_attach_prepare(void)
{
    sigset_t set;

    /* A caller that ignores SIGCHLD would take the exit status from us. */
    signal(SIGCHLD, SIG_DFL);
    passed_on(&set);
    sigprocmask(SIG_BLOCK, &set, NULL);
}

static void pass_on(const struct rt_dir *d, int sig)
{
    struct err e = { 0 };

    /* A container that is just ending refuses; its end is reported anyway. */
    if (rt_dir_ctl(d, HV_CMD_KILL, (uint32_t)sig, 0, &e) < 0)
        log_debug("signal %d: %s", sig, e.text);
}

/* True once the monitor has ended. */
static bool reaped(pid_t monitor, int *status_r)
{
    int status;
    pid_t r = waitpid(monitor, &status, WNOHANG);

    if (r == 0)
        return false;
    *status_r = r == monitor ? proc_exit_code(status) : 1;
    if (r == monitor && WIFSIGNALED(status))
        log_error("the container's monitor was killed by signal %d: by somebody outside, or by "
                  "the host when it had no memory left", WTERMSIG(status));
    return true;
}

static void attach_signals(pid_t monitor, const struct rt_dir *d, int *status_r)
{
    sigset_t set;

    passed_on(&set);
    const struct timespec *until = &(struct timespec){ .tv_sec = 1 };
    for (;;) {
        int sig = sigtimedwait(&set, NULL, until);
        if (sig < 0 && errno == EAGAIN) {
            until = NULL;               /* a container that stays: settle down */
            shed_text();
            continue;
        }
        if (sig == SIGCHLD && reaped(monitor, status_r))
            return;
        if (sig > 0 && sig != SIGCHLD)
            pass_on(d, sig);
    }
}

/* The terminal ------------------------------------------------------------------------ */

/* One direction. What could not be written waits here, so that a full pty never keeps
 * the other direction, or the container's end, waiting. */
struct pipe_half {
    int from, to;               /* from -1: ended */
    size_t start, len;
    char data[16384];
};

struct tty {
    struct pipe_half in, out;   /* keyboard -> master, master -> screen */
    struct termios saved;
    bool raw;
    int master;
};

static void tty_raw(struct tty *t)
{
    struct termios raw;

    if (tcgetattr(STDIN_FILENO, &t->saved) < 0)
        return;
    raw = t->saved;
    cfmakeraw(&raw);
    t->raw = tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
}

static void tty_restore(struct tty *t)
{
    if (t->raw)
        tcsetattr(STDIN_FILENO, TCSANOW, &t->saved);
}

static void copy_size(int master)
{
    struct winsize ws;

    if (ioctl(STDIN_FILENO, TIOCGWINSZ, &ws) == 0)
        ioctl(master, TIOCSWINSZ, &ws);
}

static void half_events(const struct pipe_half *h, struct pollfd *from, struct pollfd *to)
{
    if (h->len)
        to->events |= POLLOUT;
    else if (h->from >= 0)
        from->events |= POLLIN;
}

/* Moves what can be moved without waiting. The end of the source ends this half; a
 * destination that is gone swallows. */
static void half_move(struct pipe_half *h, bool readable, bool writable)
{
    ssize_t n;

    if (!h->len && readable && h->from >= 0) {
        n = read(h->from, h->data, sizeof(h->data));
        if (n > 0) {
            h->start = 0;
            h->len = (size_t)n;
            writable = true;
        } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
            h->from = -1;
        }
    }
    if (!h->len || !writable)
        return;
    n = write(h->to, h->data + h->start, h->len);
    if (n > 0) {
        h->start += (size_t)n;
        h->len -= (size_t)n;
    } else if (n < 0 && errno != EAGAIN && errno != EINTR) {
        h->len = 0;
    }
}

static void tty_signal(struct tty *t, const struct rt_dir *d, int sig)
{
    if (sig == SIGWINCH) {
        copy_size(t->master);
    } else if (sig == SIGCONT && t->raw) {
        /* The shell that stopped us has put its own modes back. */
        struct termios raw = t->saved;
        cfmakeraw(&raw);
        tcsetattr(STDIN_FILENO, TCSANOW, &raw);
        copy_size(t->master);
    } else if (sig != SIGCHLD && sig != SIGTTIN && sig != SIGTTOU) {
        pass_on(d, sig);
    }
}

static void tty_loop(struct tty *t, int sfd, pid_t monitor, const struct rt_dir *d,
                     int *status_r)
{
    enum { SIGNALS, KEYS, MASTER, SCREEN, N };
    const int fds[N] = { sfd, STDIN_FILENO, t->master, STDOUT_FILENO };

    for (;;) {
        struct pollfd p[N] = { [SIGNALS] = { .events = POLLIN } };
        struct signalfd_siginfo si;
        half_events(&t->in, &p[KEYS], &p[MASTER]);
        half_events(&t->out, &p[MASTER], &p[SCREEN]);
        /* poll reports a hang-up unasked, so who has nothing to do sits out. */
        for (int i = 0; i < N; i++)
            p[i].fd = p[i].events ? fds[i] : -1;
        if (poll(p, N, -1) < 0)
            continue;
        if (p[SIGNALS].revents && read(sfd, &si, sizeof(si)) == sizeof(si))
            tty_signal(t, d, (int)si.ssi_signo);
        half_move(&t->in, p[KEYS].revents, p[MASTER].revents & (POLLOUT | POLLHUP | POLLERR));
        half_move(&t->out, p[MASTER].revents & (POLLIN | POLLHUP | POLLERR), p[SCREEN].revents);
        if (p[SIGNALS].revents && reaped(monitor, status_r))
            return;
    }
}

/* What the container wrote before it ended is still in the pty. */
static void tty_drain(struct tty *t)
{
    struct pollfd in = { .fd = t->master, .events = POLLIN };

    while (t->out.len || (t->out.from >= 0 && poll(&in, 1, 0) == 1)) {
        struct pollfd out = { .fd = t->out.to, .events = POLLOUT };
        if (poll(&out, 1, 1000) != 1)
            return;
        half_move(&t->out, true, true);
    }
}

static int attach_tty(pid_t monitor, const struct rt_dir *d, const struct rt_console *c,
                      int *status_r, struct err *e)
{
    struct tty t = {
        .in = { .from = STDIN_FILENO, .to = c->master },
        .out = { .from = c->master, .to = STDOUT_FILENO },
        .master = c->master,
    };
    _cleanup_close_ int sfd = -1;
    sigset_t set;

    passed_on(&set);
    sfd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (sfd < 0)
        return err_sys(e, errno, "signalfd");
    fcntl(c->master, F_SETFL, O_RDWR | O_NONBLOCK);
    tty_raw(&t);
    tty_loop(&t, sfd, monitor, d, status_r);
    tty_drain(&t);
    tty_restore(&t);
    return 0;
}

int rt_attach(pid_t monitor, const struct rt_dir *d, const struct rt_console *c,
              int *status_r, struct err *e)
{
    if (c->master >= 0)
        return attach_tty(monitor, d, c, status_r, e);
    attach_signals(monitor, d, status_r);
    return 0;
}
