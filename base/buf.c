#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi/record.h"

void buf_dispose(struct buf *b)
{
    free(b->data);
    memset(b, 0, sizeof(*b));
}

/* One byte more than asked for is kept for the NUL of buf_cstr. */
static bool reserve(struct buf *b, size_t len)
{
    size_t cap = b->cap ? b->cap : 256;
    unsigned char *p;

    if (b->failed || len >= SIZE_MAX / 4 - b->len) {
        b->failed = true;
        return false;
    }
    if (b->len + len + 1 <= b->cap)
        return true;
    while (cap < b->len + len + 1)
        cap *= 2;
    p = realloc(b->data, cap);
    if (!p) {
        b->failed = true;
        return false;
    }
    b->data = p;
    b->cap = cap;
    return true;
}

void *buf_extend(struct buf *b, size_t len)
{
    if (!reserve(b, len))
        return NULL;
    void *p = b->data + b->len;
    b->len += len;
    return p;
}

void buf_put(struct buf *b, const void *data, size_t len)
{
    void *p = buf_extend(b, len);
    if (p && len)
        memcpy(p, data, len);
}

void buf_puts(struct buf *b, const char *s)
{
    buf_put(b, s, strlen(s));
}

void buf_putz(struct buf *b, const char *s)
{
    s = s ? s : "";
    buf_put(b, s, strlen(s) + 1);
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0 || !reserve(b, (size_t)n)) {
        b->failed = true;
        return;
    }
    va_start(ap, fmt);
    vsnprintf((char *)b->data + b->len, (size_t)n + 1, fmt, ap);
    va_end(ap);
    b->len += (size_t)n;
}

char *buf_cstr(struct buf *b)
{
    if (!reserve(b, 0))
        return NULL;
    b->data[b->len] = 0;
    return (char *)b->data;
}

char *buf_take(struct buf *b)
{
    char *s = buf_cstr(b);
    if (s)
        memset(b, 0, sizeof(*b));
    return s;
}

size_t buf_tlv_begin(struct buf *b, uint32_t tag)
{
    struct xenc_tlv t = { .tag = tag };
    size_t mark = b->len;

    buf_put(b, &t, sizeof(t));
    return mark;
}

void buf_tlv_end(struct buf *b, size_t mark)
{
    static const char zero[8];
    size_t len;
    uint32_t len32;

    if (b->failed)
        return;
    len = b->len - mark - sizeof(struct xenc_tlv);
    if (len > UINT32_MAX) {
        b->failed = true;
        return;
    }
    len32 = (uint32_t)len;
    memcpy(b->data + mark + offsetof(struct xenc_tlv, len), &len32, sizeof(len32));
    buf_put(b, zero, -len & 7);
}

void buf_put_tlv(struct buf *b, uint32_t tag, const void *data, size_t len)
{
    size_t mark = buf_tlv_begin(b, tag);
    buf_put(b, data, len);
    buf_tlv_end(b, mark);
}

void buf_put_tlv_str(struct buf *b, uint32_t tag, const char *s)
{
    buf_put_tlv(b, tag, s, strlen(s) + 1);
}

void buf_put_tlv_u32(struct buf *b, uint32_t tag, uint32_t v)
{
    buf_put_tlv(b, tag, &v, sizeof(v));
}
