/* The vDSO of programs in a PVH domain: clocks without a system call. One page of code
 * and tables; the page behind it is the kernel's data, read-only here (pvh.h). */
#include "../vdso_data.h"

#include <asm/unistd.h>
#include <linux/time.h>

#define NSEC 1000000000ull
#define PAGE 4096ull

int __vdso_clock_gettime(int clock, struct timespec *ts);
int __vdso_gettimeofday(struct timeval *tv, struct timezone *tz);
long __vdso_time(long *t);

static const struct vdso_data *data(void)
{
    u64 here;

    __asm__("lea (%%rip), %0" : "=r"(here));
    return (const struct vdso_data *)((here & ~(PAGE - 1)) + PAGE);
}

static u64 mono(const struct vdso_data *d)
{
    u64 t = __builtin_ia32_rdtsc() - d->base_tsc;

    return (u64)((unsigned __int128)t * d->to_ns >> 32) + d->base_mono;
}

/* It changes when the host's clock is set. */
static u64 real(const struct vdso_data *d)
{
    return *(const volatile u64 *)&d->base_real;
}

int __vdso_clock_gettime(int clock, struct timespec *ts)
{
    const struct vdso_data *d = data();
    u64 ns;

    switch (clock) {
    case CLOCK_REALTIME: case CLOCK_REALTIME_COARSE:
        ns = mono(d) + real(d);
        break;
    case CLOCK_MONOTONIC: case CLOCK_MONOTONIC_RAW: case CLOCK_MONOTONIC_COARSE:
        ns = mono(d);
        break;
    default: {
        long r;
        __asm__ volatile("syscall" : "=a"(r) : "a"(__NR_clock_gettime), "D"(clock), "S"(ts)
                         : "rcx", "r11", "memory");
        return (int)r;
    }
    }
    ts->tv_sec = (long)(ns / NSEC);
    ts->tv_nsec = (long)(ns % NSEC);
    return 0;
}

int __vdso_gettimeofday(struct timeval *tv, struct timezone *tz)
{
    const struct vdso_data *d = data();
    u64 ns = mono(d) + real(d);

    if (tv) {
        tv->tv_sec = (long)(ns / NSEC);
        tv->tv_usec = (long)(ns % NSEC / 1000);
    }
    if (tz)
        tz->tz_minuteswest = tz->tz_dsttime = 0;
    return 0;
}

long __vdso_time(long *t)
{
    const struct vdso_data *d = data();
    long s = (long)((mono(d) + real(d)) / NSEC);

    if (t)
        *t = s;
    return s;
}
