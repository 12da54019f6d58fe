/* Words to and from the guest: interrupts, the control mailbox, the log ring. All of it
 * lies in memory the guest can write at any moment: read once, checked, never trusted. */
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "abi/pv.h"
#include "base/fd.h"
#include "hv/domain.h"

void hv_futex_wait(uint32_t *v, uint32_t seen, int timeout_ms)
{
    struct timespec ts = { timeout_ms / 1000, timeout_ms % 1000 * 1000000L };

    syscall(SYS_futex, v, FUTEX_WAIT, seen, timeout_ms < 0 ? NULL : &ts);
}

void hv_futex_wake(uint32_t *v)
{
    syscall(SYS_futex, v, FUTEX_WAKE, INT_MAX);
}

void *hv_mem(struct hv_domain *d, gpa_t at, uint64_t len)
{
    if (at > HV_WINDOW || len > HV_WINDOW - at)
        return NULL;
    return (char *)d->boot + at;
}

void hv_irq(struct hv_domain *d, uint32_t bits)
{
    __atomic_or_fetch(&d->boot->irq_pending, bits, __ATOMIC_SEQ_CST);
    __atomic_add_fetch(&d->boot->irq_seq, 1, __ATOMIC_SEQ_CST);
    if (d->backend->wake)
        d->backend->wake(d);
    else if (__atomic_load_n(&d->boot->irq_waiting, __ATOMIC_SEQ_CST))
        hv_futex_wake(&d->boot->irq_seq);
}

/* What a guest may answer: a number, or an errno. */
static int64_t result(int64_t r)
{
    return r < -4095 || r > INT32_MAX ? -EIO : r;
}

int64_t hv_control(struct hv_domain *d, uint32_t cmd, const uint64_t *arg, unsigned n)
{
    struct xenc_boot *b = d->boot;
    uint32_t seq = __atomic_load_n(&b->ctl_seq, __ATOMIC_SEQ_CST);

    for (unsigned i = 0; i < 6; i++)
        b->ctl_arg[i] = i < n ? arg[i] : 0;
    __atomic_store_n(&b->ctl_cmd, cmd, __ATOMIC_SEQ_CST);
    hv_irq(d, XENC_IRQ_CTL);
    for (int tries = 0; tries < 10; tries++) {
        if (__atomic_load_n(&b->ctl_seq, __ATOMIC_SEQ_CST) != seq)
            return result(b->ctl_result);
        hv_futex_wait(&b->ctl_seq, seq, 100);
    }
    return -ETIMEDOUT;
}

/* A reader that has stopped must not stop the monitor: a pipe that polls as writable
 * takes a page without waiting. */
void hv_log_write(struct hv_domain *d, const char *text, size_t n, int patience_ms)
{
    struct pollfd p = { .fd = d->conf->log_fd, .events = POLLOUT };

    if (p.fd >= 0 && poll(&p, 1, patience_ms) == 1)
        write_all(p.fd, text, n);       /* a log that can't be written ends no container */
}

static bool log_stuck(const struct hv_domain *d, int patience_ms)
{
    struct pollfd p = { .fd = d->conf->log_fd, .events = POLLOUT };

    return p.fd >= 0 && poll(&p, 1, patience_ms) != 1;
}

void hv_log_drain(struct hv_domain *d, int patience_ms)
{
    static uint32_t busy;       /* the log thread and the main one */
    struct xenc_log *l = hv_mem(d, XENC_LOG_GPA, sizeof *l);
    uint32_t head = __atomic_load_n(&l->head, __ATOMIC_ACQUIRE);
    char buf[XENC_LOG_SIZE];

    if (head == l->tail || log_stuck(d, patience_ms) ||
        __atomic_exchange_n(&busy, 1, __ATOMIC_ACQUIRE))
        return;
    uint32_t tail = l->tail;
    if (head - tail > XENC_LOG_SIZE)
        tail = head - XENC_LOG_SIZE;    /* the guest's word is no reason to read beyond */
    uint32_t n = head - tail;
    for (uint32_t i = 0; i < n; i++)
        buf[i] = l->data[(tail + i) % XENC_LOG_SIZE];
    __atomic_store_n(&l->tail, head, __ATOMIC_SEQ_CST);
    hv_futex_wake(&l->tail);
    hv_log_write(d, buf, n, 0);
    __atomic_store_n(&busy, 0, __ATOMIC_RELEASE);
}

static void *log_loop(void *arg)
{
    struct hv_domain *d = arg;
    struct xenc_log *l = hv_mem(d, XENC_LOG_GPA, sizeof *l);
    struct err e;

    if (hv_jail_calls(&e) < 0)
        _exit(255);
    for (;;) {
        uint32_t head = __atomic_load_n(&l->head, __ATOMIC_SEQ_CST);
        if (head == l->tail)
            hv_futex_wait(&l->head, head, -1);
        hv_log_drain(d, -1);
    }
    return NULL;
}

int hv_log_thread(struct hv_domain *d)
{
    pthread_t t;
    pthread_attr_t a;
    sigset_t all, old;

    pthread_attr_init(&a);
    pthread_attr_setstacksize(&a, 64 * 1024);
    sigfillset(&all);                   /* signals are the main thread's */
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int r = pthread_create(&t, &a, log_loop, d);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    pthread_attr_destroy(&a);
    return -r;
}
