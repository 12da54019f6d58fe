/* Text that grows. */
#include "seq.h"
#include "user.h"

static bool seq_room(struct seq *s, size_t n)
{
    size_t cap = s->cap ? s->cap : 512;
    char *p;

    if (s->failed)
        return false;
    if (s->cap - s->len >= n)
        return true;
    while (cap - s->len < n)
        cap *= 2;
    p = krealloc(s->buf, s->cap, cap);
    if (!p) {
        s->failed = true;
        return false;
    }
    s->buf = p;
    s->cap = cap;
    return true;
}

void seq_put(struct seq *s, const void *p, size_t n)
{
    if (n && seq_room(s, n)) {
        memcpy(s->buf + s->len, p, n);
        s->len += n;
    }
}

void seq_puts(struct seq *s, const char *t) { seq_put(s, t, strlen(t)); }

void seq_printf(struct seq *s, const char *fmt, ...)
{
    va_list ap;
    int n;

    if (!seq_room(s, 128))
        return;
    va_start(ap, fmt);
    n = vsnprintf(s->buf + s->len, s->cap - s->len, fmt, ap);
    va_end(ap);
    if (n >= 0 && (size_t)n >= s->cap - s->len) {
        if (!seq_room(s, (size_t)n + 1))
            return;
        va_start(ap, fmt);
        n = vsnprintf(s->buf + s->len, s->cap - s->len, fmt, ap);
        va_end(ap);
    }
    if (n > 0)
        s->len += (size_t)n;
}

void seq_escape(struct seq *s, const char *t)
{
    for (; *t; t++) {
        if (strchr(" \t\n\\", *t))
            seq_printf(s, "\\%03o", (unsigned char)*t);
        else
            seq_put(s, t, 1);
    }
}

void seq_dispose(struct seq *s)
{
    kfree(s->buf);
    memset(s, 0, sizeof *s);
}

ssize_t seq_read(const struct seq *s, struct uio *u, int64_t *pos)
{
    ssize_t r;

    if (*pos < 0 || (u64)*pos >= s->len)
        return 0;
    r = uio_write(u, s->buf + *pos, min(s->len - (u64)*pos, u->left));
    if (r > 0)
        *pos += r;
    return r;
}
