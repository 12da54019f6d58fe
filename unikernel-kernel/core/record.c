/* Walks the container record: bounds and padding are checked here and nowhere else. */
#include "record.h"

int record_walk(const void *rec, size_t len,
                int (*fn)(u32 tag, const void *data, u32 len, void *arg), void *arg)
{
    const char *p = rec;
    size_t at = 0;

    while (at < len) {
        struct xenc_tlv h;
        size_t padded;
        int r;

        if (len - at < sizeof h) return -EINVAL;
        memcpy(&h, p + at, sizeof h);
        at += sizeof h;
        if (h.len > len - at) return -EINVAL;
        r = fn(h.tag, p + at, h.len, arg);
        if (r) return r;
        padded = ((size_t)h.len + 7) & ~(size_t)7;
        if (padded > len - at) {
            if (h.len != len - at) return -EINVAL;
            padded = h.len;     /* the last value need not be padded */
        }
        at += padded;
    }
    return 0;
}
