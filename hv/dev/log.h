/* Messages of the driver domain: one line a write(2) to the descriptor given by --log.
 * base/log would read /etc/localtime, which inside the jail is the guest's file. */
#ifndef XENC_DEV_LOG_H
#define XENC_DEV_LOG_H

/* fd -1: nowhere. lines: counts them; shared by processes, NULL: this one's own. */
void dlog_init(int fd, unsigned *lines);

/* Writes "xenc-dev: <text>\n". A guest can cause messages at will, so only the first
 * hundred are written. Keeps errno. */
void dlog(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
