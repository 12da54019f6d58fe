/* Bytes between a console's chains and the host, so that of each byte it is known whether it
 * was moved, even if we are killed in the middle of the call that moves it. The host tells
 * afterwards where it keeps count: by a file's position, or by what is left in a pipe of
 * ours. For output to pipes and terminals it does not: a write that was under way is
 * repeated, and so made short. */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "hv/dev/console.h"
#include "hv/dev/keep.h"
#include "hv/dev/log.h"

enum { PIECE = 2048 };          /* a terminal or pipe that is ready takes as much at once */

static void wait_for(int fd, short events)
{
    struct pollfd p = { .fd = fd, .events = events };

    poll(&p, 1, -1);
}

/* -- output -- */

static ssize_t write_file(struct console *c, const struct iovec *iov, unsigned n)
{
    struct con_keep *k = c->keep;

    k->out.at = lseek(c->out, 0, SEEK_CUR);
    KEEP_ORDER();
    k->out.moving = true;
    return writev(c->out, iov, (int)n);
}

/* A write that waits in the middle would not be known to have done its first half. */
static ssize_t write_stream(struct console *c, struct iovec *iov, unsigned n)
{
    ssize_t done;

    if (c->out_kind == OUT_PIPE) {
        /* The position in full: -1 is no position. */
        done = syscall(SYS_pwritev2, c->out, iov, n, -1L, -1L, RWF_NOWAIT);
        if (done >= 0 || errno != EOPNOTSUPP)
            return done;
        c->out_kind = OUT_OTHER;
    }
    wait_for(c->out, POLLOUT);
    if (iov->iov_len > PIECE)
        return write(c->out, iov->iov_base, PIECE);
    return write(c->out, iov->iov_base, iov->iov_len);
}

/* Goes on where a predecessor stopped, if this is the chain it was at. */
static void begin_output(struct console *c)
{
    uint64_t chain = c->dev.keep->vq[CON_TX].done;

    if (c->keep->out.chain == chain)
        return;
    c->keep->out.moving = false;
    c->keep->out.done = 0;
    KEEP_ORDER();
    c->keep->out.chain = chain;
}

void console_write(struct console *c)
{
    struct con_keep *k = c->keep;
    unsigned n;

    begin_output(c);
    n = iov_slice(c->tx.iov, c->tx.nread, (size_t)k->out.done, SIZE_MAX);
    while (n > 0 && c->out >= 0) {
        ssize_t done = c->out_kind == OUT_FILE ? write_file(c, c->tx.iov, n)
                                               : write_stream(c, c->tx.iov, n);

        if (done >= 0) {
            k->out.done += (uint64_t)done;
            KEEP_ORDER();
            k->out.moving = false;
            n = iov_slice(c->tx.iov, n, (size_t)done, SIZE_MAX);
        } else if (errno == EAGAIN) {
            wait_for(c->out, POLLOUT);
        } else if (errno != EINTR) {
            if (errno == EPIPE || errno == EIO)
                console_hangup(c);
            else
                dlog("%s: output lost: error %d", c->dev.name, errno);
            return;
        }
    }
}

/* A file's position has moved by what was written; with O_APPEND it may have moved further,
 * which iov_slice takes for all. */
static void resume_output(struct console *c)
{
    struct con_keep *k = c->keep;
    off_t now;

    if (!k->out.moving || k->out.chain != c->dev.keep->vq[CON_TX].done)
        return;
    now = lseek(c->out, 0, SEEK_CUR);
    if (now > k->out.at)
        k->out.done += (uint64_t)(now - k->out.at);
    KEEP_ORDER();
    k->out.moving = false;
}

/* -- input -- */

/* Into the guest: how much of what is in the stage. */
static ssize_t from_stage(struct console *c, const struct iovec *iov)
{
    struct con_keep *k = c->keep;
    ssize_t n;

    if (!k->in.staged) {
        n = splice(c->in, NULL, c->stage[1], NULL, c->rx.write_len, 0);
        if (n <= 0)
            return n;
        k->in.staged = (uint64_t)n;
    }
    n = readv(c->stage[0], iov, (int)c->rx.nwrite);
    if (n > 0)
        k->in.have = (uint64_t)n;
    return n;
}

static ssize_t read_once(struct console *c, const struct iovec *iov)
{
    ssize_t n;

    if (c->kind == IN_FILE) {
        c->keep->in.at = lseek(c->in, 0, SEEK_CUR);
        KEEP_ORDER();
        c->keep->in.moving = true;
    } else if (c->stage[0] >= 0) {
        n = from_stage(c, iov);
        if (n >= 0 || errno != EINVAL)
            return n;
        c->stage[0] = -1;       /* this kind of input can't be spliced */
    }
    return readv(c->in, iov, (int)c->rx.nwrite);
}

/* What is left of the last chain's: the stage keeps it. */
static void begin_input(struct console *c)
{
    struct con_keep *k = c->keep;
    uint64_t chain = c->dev.keep->vq[CON_RX].done;

    if (k->in.chain == chain)
        return;
    k->in.moving = false;
    k->in.staged -= k->in.have;
    k->in.have = 0;
    KEEP_ORDER();
    k->in.chain = chain;
}

size_t console_read(struct console *c)
{
    const struct iovec *iov = c->rx.iov + c->rx.nread;

    begin_input(c);
    if (c->keep->in.have)       /* a predecessor had read it */
        return c->keep->in.have;
    while (c->in >= 0 && c->rx.nwrite > 0) {
        ssize_t n = read_once(c, iov);

        if (n >= 0)
            return (size_t)n;
        if (errno == EAGAIN) {
            wait_for(c->in, POLLIN);
        } else if (errno != EINTR) {
            if (errno == EIO)
                console_hangup(c);
            return 0;
        }
    }
    return 0;
}

/* What has left the stage for this chain is in guest memory already. Of a file the same
 * bytes are read again. */
static void resume_input(struct console *c)
{
    struct con_keep *k = c->keep;
    bool same = k->in.chain == c->dev.keep->vq[CON_RX].done;
    int left = 0;

    if (c->stage[0] >= 0 && ioctl(c->stage[0], FIONREAD, &left) == 0) {
        if (same && k->in.staged)
            k->in.have = k->in.staged - (uint64_t)left;
        else
            k->in.have = 0, k->in.staged = (uint64_t)left;
        KEEP_ORDER();
        k->in.chain = c->dev.keep->vq[CON_RX].done;
    }
    if (same && k->in.moving)
        lseek(c->in, k->in.at, SEEK_SET);
}

void console_resume(struct console *c)
{
    resume_output(c);
    resume_input(c);
}
