/* Text that grows: what /proc and /sys files are made of. Failure to grow sticks and is
 * reported once at the end. */
#ifndef SEQ_H
#define SEQ_H
#include "kernel.h"

struct seq { char *buf; size_t len, cap; bool failed; };        /* zeroed: empty */

void seq_printf(struct seq *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void seq_puts(struct seq *s, const char *t);
void seq_put(struct seq *s, const void *p, size_t n);
/* A name in a table of fields: blanks, newlines and backslashes as \ooo. */
void seq_escape(struct seq *s, const char *t);
void seq_dispose(struct seq *s);

struct uio;
/* What read(2) at *pos gives of the text. */
ssize_t seq_read(const struct seq *s, struct uio *u, int64_t *pos);
#endif
