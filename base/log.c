#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static struct {
    int fd;
    bool json;
    enum log_level least;
} log_state = { .fd = 2, .least = LOG_INFO };

static const char *const level_names[] = {
    [LOG_DEBUG] = "debug", [LOG_INFO] = "info",
    [LOG_WARN] = "warning", [LOG_ERROR] = "error",
};

int log_open(const char *path, bool json, enum log_level least, struct err *e)
{
    int fd = 2;

    if (path) {
        fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
        if (fd < 0)
            return err_sys(e, errno, "log file %s", path);
    }
    if (log_state.fd > 2)
        close(log_state.fd);
    log_to_fd(fd, json, least);
    return 0;
}

void log_to_fd(int fd, bool json, enum log_level least)
{
    log_state.fd = fd;
    log_state.json = json;
    log_state.least = least;
}

int log_fd(void)
{
    return log_state.fd;
}

bool log_on(enum log_level level)
{
    return log_state.fd >= 0 && level >= log_state.least;
}

/* The time as RFC 3339 in UTC: both formats carry it. */
static void put_time(char out[static 32])
{
    time_t now = time(NULL);
    struct tm tm;

    gmtime_r(&now, &tm);
    strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

/* Appends `s` as the inside of a JSON string, as much as fits before `end`. */
static char *put_escaped(char *p, char *end, const char *s)
{
    for (; *s && end - p > 6; s++) {
        unsigned char c = (unsigned char)*s;
        if (c == '"' || c == '\\')
            p += sprintf(p, "\\%c", c);
        else if (c == '\n')
            p += sprintf(p, "\\n");
        else if (c == '\t')
            p += sprintf(p, "\\t");
        else if (c < 0x20 || c == 0x7f)
            p += sprintf(p, "\\u%04x", c);
        else
            *p++ = (char)c;
    }
    return p;
}

void log_line(enum log_level level, const char *fmt, ...)
{
    char msg[2048], line[6144], when[32], *p = line, *end = line + sizeof(line) - 128;
    int saved = errno;
    va_list ap;

    if (!log_on(level))
        return;
    va_start(ap, fmt);
    vsnprintf(msg, sizeof(msg), fmt, ap);
    va_end(ap);
    put_time(when);
    if (log_state.json) {
        p += sprintf(p, "{\"level\":\"%s\",\"msg\":\"", level_names[level]);
        p = put_escaped(p, end, msg);
        p += sprintf(p, "\",\"time\":\"%s\"}\n", when);
    } else {
        p += sprintf(p, "time=\"%s\" level=%s msg=\"", when, level_names[level]);
        p = put_escaped(p, end, msg);
        p += sprintf(p, "\"\n");
    }
    while (write(log_state.fd, line, (size_t)(p - line)) < 0 && errno == EINTR)
        ;
    errno = saved;
}
