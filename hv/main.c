/* xenc-hv: the monitor of one domain. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "hv/domain.h"

static const struct hv_backend *const backends[] = {
#define HV_BACKEND(kind, name) [kind] = &hv_backend_##name,
#include "hv/backends.def"
#undef HV_BACKEND
};

static int choose(struct hv_domain *d, struct err *e)
{
    enum hv_kind k = d->conf->kind;

    if ((size_t)k < sizeof backends / sizeof backends[0])
        d->backend = backends[k];
    return d->backend ? 0 : err_set(e, ENOTSUP, "xenc-hv: no domains of kind %d", (int)k);
}

static int create(struct hv_domain *d, struct err *e)
{
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, d->grant) < 0)
        return err_sys(e, errno, "socketpair");
    int r = d->backend->create(d, e);
    if (r == 0)
        r = hv_dev_start(d, e);
    if (r == 0)
        r = d->backend->start(d, e);
    if (r == 0)
        r = hv_jail_rights(d, e);
    if (r == 0 && d->backend->threads)
        r = d->backend->threads(d, e);
    if (r == 0 && d->conf->flags)
        r = hv_log_thread(d);
    if (r == 0)
        r = hv_jail_calls(e);
    if (r == 0 && d->backend->go)
        d->backend->go(d);
    return r;
}

static bool over(const struct hv_domain *d)
{
    struct pollfd p = { .fd = d->over_fd, .events = POLLIN };

    return poll(&p, 1, 0) == 1;
}

/* For `create`: the caller hears of the domain only when it stands. */
static int await_ready(struct hv_domain *d, struct err *e)
{
    uint32_t st;

    while ((st = __atomic_load_n(&d->boot->state, __ATOMIC_SEQ_CST)) == XENC_ST_BOOT) {
        hv_futex_wait(&d->boot->state, st, 100);
        if (over(d)) {
            st = __atomic_load_n(&d->boot->state, __ATOMIC_SEQ_CST);
            break;
        }
    }
    if (st == XENC_ST_READY || st == XENC_ST_RUNNING)
        return 0;
    hv_log_drain(d, 1000);
    return err_set(e, EIO, "%s", st == XENC_ST_PANIC ? "the guest kernel stopped while booting"
                                                     : "the container could not be started");
}

static void answer(int fd, int code, const char *text)
{
    struct hv_sync s = { .code = code };

    if (text)
        snprintf(s.text, sizeof s.text, "%s", text);
    write_all(fd, &s, sizeof s);
    close(fd);
}

int main(int argc, char **argv)
{
    static struct hv_conf conf;
    struct hv_domain d = { .conf = &conf, .mem_fd = -1, .kernel_fd = -1, .over_fd = -1 };
    struct err e = { 0 };

    if (hv_conf_parse(&conf, argc, argv, &e) < 0) {
        dprintf(2, "%s\n", e.text);
        return 2;
    }
    prctl(PR_SET_DUMPABLE, 0);
    memset(d.wires, -1, sizeof d.wires);
    d.started = conf.autostart;
    int r = choose(&d, &e);
    if (r == 0)
        r = create(&d, &e);
    if (r == 0 && !conf.autostart)
        r = await_ready(&d, &e);
    if (r < 0) {
        answer(conf.sync_fd, e.code ? e.code : -r, e.text);
        return 255;
    }
    answer(conf.sync_fd, 0, NULL);
    for (int i = 0; i < 3; i++)         /* the driver domain's now */
        if (conf.stdio[i] != conf.log_fd)
            close(conf.stdio[i]);
    return hv_monitor(&d);
}
