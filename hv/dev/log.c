#include "hv/dev/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

enum { LOG_LINES_MAX = 100 };

static int log_to = -1;
static unsigned own_lines, *log_lines = &own_lines;

void dlog_init(int fd, unsigned *lines)
{
    log_to = fd;
    log_lines = lines ? lines : &own_lines;
}

void dlog(const char *fmt, ...)
{
    static const char prefix[] = "xenc-dev: ";
    char line[512];
    size_t n = sizeof(prefix) - 1, room;
    int saved = errno, len;
    va_list ap;

    if (log_to < 0 || __atomic_fetch_add(log_lines, 1, __ATOMIC_RELAXED) >= LOG_LINES_MAX)
        return;
    __builtin_memcpy(line, prefix, n);
    room = sizeof(line) - n - 1;
    va_start(ap, fmt);
    len = vsnprintf(line + n, room, fmt, ap);
    va_end(ap);
    if (len > 0)
        n += (size_t)len < room ? (size_t)len : room - 1;
    line[n++] = '\n';
    while (write(log_to, line, n) < 0 && errno == EINTR)
        ;
    errno = saved;
}
