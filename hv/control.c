/* Requests on the control socket: from the runtime, as the same user (mode 0600). */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "hv/domain.h"

int64_t hv_signal(struct hv_domain *d, unsigned sig, bool all, bool *end_r)
{
    static const int ends[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT };
    uint64_t arg[2] = { sig, all };

    if (sig > 64)
        return -EINVAL;
    *end_r |= sig == SIGKILL;           /* no need to ask the guest */
    for (unsigned i = 0; d->deaf && i < sizeof ends / sizeof ends[0]; i++)
        *end_r |= sig == (unsigned)ends[i];
    if (*end_r)
        return 0;
    return d->deaf ? -ENOTSUP : hv_control(d, XENC_CTL_KILL, arg, 2);
}

static int32_t do_start(struct hv_domain *d)
{
    if (d->started)
        return -EALREADY;
    d->started = true;
    __atomic_store_n(&d->boot->started, 1, __ATOMIC_SEQ_CST);
    if (d->backend->wake)
        d->backend->wake(d);
    else
        hv_futex_wake(&d->boot->started);
    return 0;
}

static void do_pause(struct hv_domain *d, bool on, struct hv_reply *rp)
{
    rp->result = d->backend->pause ? d->backend->pause(d, on) : -ENOTSUP;
    if (rp->result == -ENOTSUP)
        snprintf(rp->text, sizeof rp->text, "domains of this kind cannot be paused yet");
}

void hv_serve(struct hv_domain *d, int fd, bool *kill_r)
{
    struct hv_request rq;
    struct hv_reply rp = { 0 };

    if (recv(fd, &rq, sizeof rq, MSG_DONTWAIT) != (ssize_t)sizeof rq)
        return;
    switch (rq.cmd) {
    case HV_CMD_START:
        rp.result = do_start(d);
        break;
    case HV_CMD_KILL:
        rp.result = (int32_t)hv_signal(d, rq.arg[0], rq.arg[1], kill_r);
        break;
    case HV_CMD_STATE:
        rp.state = d->started ? XENC_ST_RUNNING : XENC_ST_READY;
        break;
    case HV_CMD_PAUSE:
    case HV_CMD_RESUME:
        do_pause(d, rq.cmd == HV_CMD_PAUSE, &rp);
        break;
    default:
        rp.result = -ENOTSUP;
    }
    send(fd, &rp, sizeof rp, MSG_NOSIGNAL | MSG_DONTWAIT);
}
