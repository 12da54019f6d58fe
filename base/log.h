/* Log lines in runc's two formats, to standard error or a file. One log a process,
 * because engines give one --log; before log_open it is text at level info on
 * standard error. A line is one write(2), so processes may share a file. */
#ifndef XENC_BASE_LOG_H
#define XENC_BASE_LOG_H

#include <stdbool.h>

#include "base/err.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

/* Sends lines to `path` (appended, made 0644; NULL: standard error) as text or JSON;
 * lines below `least` are dropped. */
int log_open(const char *path, bool json, enum log_level least, struct err *e);

/* The same to a descriptor the caller keeps open (-1: nowhere). */
void log_to_fd(int fd, bool json, enum log_level least);

/* The log's descriptor (2: standard error), to keep it open in a child. */
int log_fd(void);

/* Would a line of this level be written? For callers with dear arguments. */
bool log_on(enum log_level level);

void log_line(enum log_level level, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#define log_debug(...) log_line(LOG_DEBUG, __VA_ARGS__)
#define log_info(...)  log_line(LOG_INFO, __VA_ARGS__)
#define log_warn(...)  log_line(LOG_WARN, __VA_ARGS__)
#define log_error(...) log_line(LOG_ERROR, __VA_ARGS__)

#endif
