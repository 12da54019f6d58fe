/* Waiting for doorbells and waking guests. A guest that shares the host's kernel (pv) rings
 * by a futex on a word; one in a virtual machine by an eventfd, and is interrupted by
 * one. Our own kernels count in that word in both cases, and look whether we sleep. */
#include <errno.h>
#include <linux/futex.h>
#include <poll.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "hv/dev/queue.h"

/* The system call and its structure are newer than some libcs and kernel headers. */
#ifndef SYS_futex_waitv
#define SYS_futex_waitv 449
#endif
struct waitv { uint64_t val, uaddr; uint32_t flags, reserved; };
enum { WAITV_FUTEX_32 = 2 };

/* For how long to look before sleeping: as long as a guest needs for a few host calls of
 * its own between two requests, where that has lately been of use. */
enum { SPIN_NS = 5000, SPIN_LONG_NS = 50000, SPIN_LUCK = 8 };

static void futex_wake_all(uint32_t *word)
{
    syscall(SYS_futex, word, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}

void dev_wake(struct dev *d, uint32_t *word)
{
    const uint64_t one = 1;

    if (d->irq_fd < 0)
        futex_wake_all(word);
    else if (write(d->irq_fd, &one, sizeof one) < 0)
        return;                         /* EAGAIN: it rings already */
}

static uint32_t rings(const struct bell *b)
{
    return __atomic_load_n(&b->dev->regs->doorbell, __ATOMIC_SEQ_CST) + b->heard;
}

void bell_init(struct bell *b, struct dev *d, uint32_t queues)
{
    *b = (struct bell){ .dev = d, .queues = queues };
    b->seen = rings(b) - 1;
}

bool bell_rang(struct bell *b)
{
    uint32_t now = rings(b);
    bool rang = now != b->seen;

    b->seen = now;
    return rang;
}

bool bell_waitv_works(void)
{
    syscall(SYS_futex_waitv, NULL, 0, 0, NULL, 0);      /* EINVAL where it exists */
    return errno != ENOSYS && errno != EPERM;
}

static bool any_rang(struct bell *const *b, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        if (rings(b[i]) != b[i]->seen)
            return true;
    }
    return false;
}

static uint64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Time that passes between two looks is another's, who needs the CPU. */
static bool spin_for_bell(struct bell *const *b, unsigned n)
{
    static unsigned luck;
    uint64_t now = now_ns(), last = now, end = now + (luck ? SPIN_LONG_NS : SPIN_NS);

    do {
        for (int i = 0; i < 16; i++) {
            if (any_rang(b, n)) {
                luck = SPIN_LUCK;
                return true;
            }
            __builtin_ia32_pause();
        }
        last = now;
        now = now_ns();
    } while (now < end && now - last < SPIN_NS);
    luck = now - last < SPIN_NS && luck ? luck - 1 : 0;
    return false;
}

static void sleep_on_words(struct bell *const *b, unsigned n)
{
    struct waitv w[BELLS_MAX];

    if (n == 1) {
        syscall(SYS_futex, &b[0]->dev->regs->doorbell, FUTEX_WAIT, b[0]->seen, NULL, NULL, 0);
        return;
    }
    for (unsigned i = 0; i < n; i++) {
        uintptr_t word = (uintptr_t)&b[i]->dev->regs->doorbell;

        w[i] = (struct waitv){ b[i]->seen, word, WAITV_FUTEX_32, 0 };
    }
    syscall(SYS_futex_waitv, w, n, 0, NULL, 0);
}

static void sleep_on_events(struct bell *const *b, unsigned n)
{
    struct pollfd p[BELLS_MAX * XENC_MAX_VQS];
    struct bell *of[BELLS_MAX * XENC_MAX_VQS];
    uint64_t count;
    nfds_t m = 0;

    for (unsigned i = 0; i < n; i++) {
        for (unsigned q = 0; q < b[i]->dev->nvqs; q++) {
            if (!(b[i]->queues >> q & 1))
                continue;
            of[m] = b[i];
            p[m++] = (struct pollfd){ .fd = b[i]->dev->bell_fd[q], .events = POLLIN };
        }
    }
    if (poll(p, m, -1) < 0)
        return;
    /* A kernel that is not ours counts in no word: here is where we learn of its rings. */
    for (nfds_t i = 0; i < m; i++) {
        if (p[i].revents && read(p[i].fd, &count, sizeof count) > 0)
            of[i]->heard++;
    }
}

void bell_wait(struct bell *const *b, unsigned n, bool spin)
{
    if (spin && b[0]->dev->boot->rang_on != this_cpu() && spin_for_bell(b, n))
        return;
    /* A count, not a flag: a console's two threads may wait for the same bell. */
    for (unsigned i = 0; i < n; i++)
        __atomic_fetch_add(&b[i]->dev->regs->doorbell_waiting, 1, __ATOMIC_SEQ_CST);
    if (!any_rang(b, n)) {
        if (b[0]->dev->irq_fd < 0)
            sleep_on_words(b, n);
        else
            sleep_on_events(b, n);
    }
    for (unsigned i = 0; i < n; i++)
        __atomic_fetch_sub(&b[i]->dev->regs->doorbell_waiting, 1, __ATOMIC_SEQ_CST);
}
