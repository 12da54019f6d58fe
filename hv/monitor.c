/* The monitor's life: waits for the domain's end, for requests and for signals. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "hv/domain.h"

enum { FIRST, DRIVER, CTL };            /* fixed places in the poll set */
#define MAX_CONNS 8
#define PATIENCE_MS 1000                /* for the log's reader, at the end */

static volatile sig_atomic_t forwarded;

static void on_signal(int sig)
{
    forwarded = sig;
}

static void say(struct hv_domain *d, const char *text)
{
    char line[700];
    int n = snprintf(line, sizeof line, "xenc: %s\n", text);

    hv_log_write(d, line, (size_t)n < sizeof line ? (size_t)n : sizeof line - 1, PATIENCE_MS);
}

static int shell_status(uint32_t wait_status)
{
    int st = (int)wait_status;

    return WIFSIGNALED(st) ? 128 + WTERMSIG(st) : WEXITSTATUS(st);
}

/* What the guest left behind when one of its processes ended: >= 0: the domain's end. */
static int look(struct hv_domain *d)
{
    char report[sizeof d->boot->panic];
    uint32_t state = __atomic_load_n(&d->boot->state, __ATOMIC_SEQ_CST);

    if (state == XENC_ST_EXITED)
        return shell_status(d->boot->exit_status);
    if (state == XENC_ST_PANIC) {
        memcpy(report, d->boot->panic, sizeof report);
        report[sizeof report - 1] = 0;
        for (char *p = report; *p; p++)
            if (*p < ' ' || *p == 0x7f)         /* char is signed: bytes above 127 too */
                *p = '?';
        say(d, report[0] ? report : "the guest kernel stopped and gave no reason");
        return 255;
    }
    return -1;
}

/* A process that the domain can't do without has ended: the exit status. */
static int ended(struct hv_domain *d, bool driver)
{
    int end = look(d);

    if (end >= 0)
        return end;
    say(d, driver ? "the driver domain ended" : "a guest process was killed by the host");
    return driver ? 255 : 128 + SIGKILL;
}

static void forward(struct hv_domain *d, bool *kill_r)
{
    unsigned sig = (unsigned)forwarded;

    forwarded = 0;
    if (sig)
        hv_signal(d, sig, false, kill_r);
}

static void catch_signals(sigset_t *open_r)
{
    static const int caught[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2 };
    struct sigaction sa = { .sa_handler = on_signal };
    sigset_t block;

    sigemptyset(&block);
    for (unsigned i = 0; i < sizeof caught / sizeof caught[0]; i++) {
        sigaction(caught[i], &sa, NULL);
        sigaddset(&block, caught[i]);
    }
    sigprocmask(SIG_BLOCK, &block, open_r);
    signal(SIGPIPE, SIG_IGN);
    /* Guest processes come and go by the thousand: the host collects them by itself.
     * The two that matter are watched by descriptor; the guest kernel looks for others
     * that the host killed (core/kworker.c). */
    struct sigaction ign = { .sa_handler = SIG_IGN, .sa_flags = SA_NOCLDWAIT };
    sigaction(SIGCHLD, &ign, NULL);
}

static int watch(pid_t pid)
{
    return (int)syscall(SYS_pidfd_open, pid, 0);
}

/* Takes a connection in, or serves one that has spoken. */
static void control(struct hv_domain *d, struct pollfd *p, unsigned *n, bool *kill_r)
{
    if ((p[CTL].revents & POLLIN) && *n < CTL + 1 + MAX_CONNS) {
        int fd = accept4(p[CTL].fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0)
            p[(*n)++] = (struct pollfd){ .fd = fd, .events = POLLIN };
    }
    for (unsigned i = CTL + 1; i < *n; i++) {
        if (!p[i].revents)
            continue;
        hv_serve(d, p[i].fd, kill_r);
        close(p[i].fd);
        p[i--] = p[--*n];
    }
}

int hv_monitor(struct hv_domain *d)
{
    struct pollfd p[CTL + 1 + MAX_CONNS] = {
        [FIRST] = { .fd = d->over_fd, .events = POLLIN },
        [DRIVER] = { .fd = watch(d->dev), .events = POLLIN },
        [CTL] = { .fd = d->conf->ctl_fd, .events = POLLIN },
    };
    unsigned n = CTL + 1;
    sigset_t open;
    bool kill_now = false;

    catch_signals(&open);
    while (!kill_now) {
        bool driver = p[DRIVER].fd < 0 || p[DRIVER].revents;
        if (p[FIRST].fd < 0 || p[FIRST].revents || driver) {
            hv_log_drain(d, PATIENCE_MS);
            if (d->backend->report && d->conf->flags & XENC_BOOT_DEBUG)
                d->backend->report(d);
            return ended(d, driver && !p[FIRST].revents);
        }
        hv_log_drain(d, 0);
        if (ppoll(p, n, NULL, &open) < 0) {
            if (errno != EINTR)
                return 255;
            for (unsigned i = 0; i < n; i++)
                p[i].revents = 0;
            forward(d, &kill_now);
            continue;
        }
        control(d, p, &n, &kill_now);
    }
    return 128 + SIGKILL;
}
