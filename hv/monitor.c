/* The monitor's life: waits for the domain's end, for requests and for signals. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "hv/domain.h"

#define MAX_CONNS 8

static volatile sig_atomic_t forwarded;

static void on_signal(int sig)
{
    if (sig != SIGCHLD)
        forwarded = sig;
}

static void say(struct hv_domain *d, const char *text)
{
    char line[700];
    int n = snprintf(line, sizeof line, "xenc: %s\n", text);

    if (d->conf->log_fd >= 0)
        write_all(d->conf->log_fd, line, (size_t)n < sizeof line ? (size_t)n : sizeof line - 1);
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
            if ((unsigned char)*p < ' ' && *p != '\n')
                *p = '?';
        say(d, report);
        return 255;
    }
    return -1;
}

/* Collects what ended. */
static int reap(struct hv_domain *d)
{
    char text[128];
    int st;
    pid_t pid;

    while ((pid = waitpid(-1, &st, WNOHANG | __WALL)) > 0) {
        int end = look(d);
        if (end >= 0)
            return end;
        if (pid == d->dev) {
            snprintf(text, sizeof text, "the driver domain ended (%s %d)",
                     WIFSIGNALED(st) ? "signal" : "status",
                     WIFSIGNALED(st) ? WTERMSIG(st) : WEXITSTATUS(st));
            say(d, text);
            return 255;
        }
        if (WIFSIGNALED(st) || pid == d->first) {
            snprintf(text, sizeof text, "a guest process was killed by the host (%s %d)",
                     WIFSIGNALED(st) ? "signal" : "status",
                     WIFSIGNALED(st) ? WTERMSIG(st) : WEXITSTATUS(st));
            say(d, text);
            return WIFSIGNALED(st) ? 128 + WTERMSIG(st) : 255;
        }
    }
    return -1;
}

static void forward(struct hv_domain *d)
{
    uint64_t arg[2] = { (uint64_t)forwarded, 0 };

    forwarded = 0;
    if (arg[0])
        hv_control(d, XENC_CTL_KILL, arg, 2);
}

static void catch_signals(sigset_t *open_r)
{
    static const int caught[] = { SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2 };
    struct sigaction sa = { .sa_handler = on_signal };
    sigset_t block;

    sigemptyset(&block);
    for (unsigned i = 0; i < sizeof caught / sizeof caught[0]; i++) {
        sigaction(caught[i], &sa, NULL);
        sigaddset(&block, caught[i]);
    }
    sigprocmask(SIG_BLOCK, &block, open_r);
    signal(SIGPIPE, SIG_IGN);
}

int hv_monitor(struct hv_domain *d)
{
    struct pollfd p[1 + MAX_CONNS] = { { .fd = d->conf->ctl_fd, .events = POLLIN } };
    unsigned n = 1;
    sigset_t open;
    bool kill_now = false;

    catch_signals(&open);
    for (;;) {
        int end = reap(d);
        hv_log_drain(d);
        if (end < 0)
            end = kill_now ? 128 + SIGKILL : -1;
        if (end >= 0)
            return end;
        if (ppoll(p, n, NULL, &open) < 0) {
            if (errno != EINTR)
                return 255;
            forward(d);
            continue;
        }
        if ((p[0].revents & POLLIN) && n <= MAX_CONNS) {
            int fd = accept4(p[0].fd, NULL, NULL, SOCK_CLOEXEC);
            if (fd >= 0)
                p[n++] = (struct pollfd){ .fd = fd, .events = POLLIN };
        }
        for (unsigned i = 1; i < n; i++) {
            if (!p[i].revents)
                continue;
            hv_serve(d, p[i].fd, &kill_now);
            close(p[i].fd);
            p[i--] = p[--n];
        }
    }
}
