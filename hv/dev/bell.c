/* Waiting for doorbells and waking guests: futexes in memory shared between processes. */
#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "hv/dev/queue.h"

/* The system call and its structure are newer than some libcs and kernel headers. */
#ifndef SYS_futex_waitv
#define SYS_futex_waitv 449
#endif
struct waitv { uint64_t val, uaddr; uint32_t flags, reserved; };
enum { WAITV_FUTEX_32 = 2, SPIN_NS = 5000 };

void futex_wake_all(uint32_t *word)
{
    syscall(SYS_futex, word, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}

uint32_t bell_read(const struct dev *d)
{
    return __atomic_load_n(&d->regs->doorbell, __ATOMIC_SEQ_CST);
}

bool bell_waitv_works(void)
{
    syscall(SYS_futex_waitv, NULL, 0, 0, NULL, 0);      /* EINVAL where it exists */
    return errno != ENOSYS && errno != EPERM;
}

static bool rung(struct dev *const *d, const uint32_t *seen, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        if (bell_read(d[i]) != seen[i])
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

static bool spin_for_bell(struct dev *const *d, const uint32_t *seen, unsigned n)
{
    uint64_t end = now_ns() + SPIN_NS;

    do {
        for (int i = 0; i < 16; i++) {
            if (rung(d, seen, n))
                return true;
            __builtin_ia32_pause();
        }
    } while (now_ns() < end);
    return false;
}

void bell_wait(struct dev *const *d, const uint32_t *seen, unsigned n, bool spin)
{
    struct waitv w[BELLS_MAX];

    if (spin && spin_for_bell(d, seen, n))
        return;
    /* A count, not a flag: a console's two threads may wait for the same bell. */
    for (unsigned i = 0; i < n; i++)
        __atomic_fetch_add(&d[i]->regs->doorbell_waiting, 1, __ATOMIC_SEQ_CST);
    if (!rung(d, seen, n)) {
        if (n == 1) {
            syscall(SYS_futex, &d[0]->regs->doorbell, FUTEX_WAIT, seen[0], NULL, NULL, 0);
        } else {
            for (unsigned i = 0; i < n; i++) {
                uintptr_t word = (uintptr_t)&d[i]->regs->doorbell;

                w[i] = (struct waitv){ seen[i], word, WAITV_FUTEX_32, 0 };
            }
            syscall(SYS_futex_waitv, w, n, 0, NULL, 0);
        }
    }
    for (unsigned i = 0; i < n; i++)
        __atomic_fetch_sub(&d[i]->regs->doorbell_waiting, 1, __ATOMIC_SEQ_CST);
}
