/* Host calls of the PV platform. Every one is listed in abi/pv_calls.def. They return
 * the host's result: negative errno on failure. */
#ifndef PLAT_PV_HOST_H
#define PLAT_PV_HOST_H

#include <asm/unistd.h>

#include "kernel.h"

static inline long host6(long nr, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f)
{
    long r;
    register u64 r10 __asm__("r10") = d;
    register u64 r8 __asm__("r8") = e;
    register u64 r9 __asm__("r9") = f;
    __asm__ volatile("syscall" : "=a"(r)
                     : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return r;
}
static inline long host4(long nr, u64 a, u64 b, u64 c, u64 d)
{
    long r;
    register u64 r10 __asm__("r10") = d;
    __asm__ volatile("syscall" : "=a"(r) : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10)
                     : "rcx", "r11", "memory");
    return r;
}
static inline long host3(long nr, u64 a, u64 b, u64 c)
{
    long r;
    __asm__ volatile("syscall" : "=a"(r) : "a"(nr), "D"(a), "S"(b), "d"(c)
                     : "rcx", "r11", "memory");
    return r;
}

/* Futexes in the domain's memory, shared between processes. */
struct host_timespec { s64 sec, nsec; };
/* Sleeps while *v == seen, until the absolute CLOCK_MONOTONIC deadline (~0: none). */
long host_futex_wait(u32 *v, u32 seen, u64 deadline);
void host_futex_wake(u32 *v, int n);

#endif
