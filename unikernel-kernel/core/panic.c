/* The kernel found itself broken: report and end the domain. */
#include "ksyms.h"
#include "plat.h"
#include "task.h"

enum { BACKTRACE_MAX = 12 };

static size_t add(char *buf, size_t n, size_t at, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
static size_t add(char *buf, size_t n, size_t at, const char *fmt, ...)
{
    va_list ap;
    int r;

    if (at >= n) return at;
    va_start(ap, fmt);
    r = vsnprintf(buf + at, n - at, fmt, ap);
    va_end(ap);
    return r < 0 ? at : min(at + (size_t)r, n - 1);
}

/* Frame pointers are kept in the whole kernel (Makefile). A frame that does not lie
 * above the last one, or too far above, ends the walk. */
static size_t backtrace(char *buf, size_t n, size_t at)
{
    u64 *frame = __builtin_frame_address(0);

    at = add(buf, n, at, "; at");
    for (int i = 0; i < BACKTRACE_MAX && frame && !((u64)frame & 7); i++) {
        u64 *up = (u64 *)frame[0];

        if (!frame[1]) break;
        u32 off = 0;
        const char *name = ksym_find(frame[1], &off);
        if (name) at = add(buf, n, at, " %s+%x", name, off);
        else at = add(buf, n, at, " %lx", (unsigned long)frame[1]);
        if (up <= frame || (u64)up - (u64)frame > 65536) break;
        frame = up;
    }
    return at;
}

void panic(const char *fmt, ...)
{
    static struct task *reporting;
    static char report[500];
    struct task *t = current(), *first = NULL;
    size_t at;
    va_list ap;
    int r;

    if (!__atomic_compare_exchange_n(&reporting, &first, t, false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_ACQUIRE)) {
        if (first == t) {
            /* as far as it came: the walk up the stack goes wrong most easily */
            plat_panic(*report ? report : "kernel panic while reporting a kernel panic");
        }
        for (;;) plat_task_wait(t, WAIT_FOREVER);      /* the first one's report counts */
    }
    at = add(report, sizeof report, 0, "kernel panic: ");
    va_start(ap, fmt);
    r = vsnprintf(report + at, sizeof report - at, fmt, ap);
    va_end(ap);
    if (r > 0) at = min(at + (size_t)r, sizeof report - 1);
    at = add(report, sizeof report, at, "; task %d (%s)", t ? t->tid : 0, t ? t->comm : "none");
    backtrace(report, sizeof report, at);
    plat_panic(report);
}
