// uses: unikernel-kernel/core/record.c
/* The container record's walker: bounds, padding, early stop, garbage. */
#include "record.h"
#include "unitplat.h"

#include <stdlib.h>
#include <string.h>

static u32 seen_n, seen_len;

static int count(u32 tag, const void *data, u32 len, void *arg)
{
    volatile const char *p = data;

    for (u32 i = 0; i < len; i++) (void)p[i];   /* ASan watches */
    seen_n++;
    seen_len += len;
    return arg && tag == *(u32 *)arg ? 7 : 0;
}

static int walk(const void *rec, size_t len, u32 *stop)
{
    /* a copy of the exact size, so that a byte too far is found */
    char *copy = malloc(len ? len : 1);
    int r;

    memcpy(copy, rec, len);
    seen_n = seen_len = 0;
    r = record_walk(copy, len, count, stop);
    free(copy);
    return r;
}

int main(void)
{
    struct { struct xenc_tlv h; char d[8]; struct xenc_tlv h2; char d2[4]; } r = {
        { XT_ARG, 3 }, "sh", { XT_UID, 4 }, { 0 } };
    u32 stop = XT_ARG;
    unsigned seed = 1;

    tap_is(walk(&r, sizeof r, NULL), 0, "two values, the last one not padded");
    tap_is(seen_n, 2, "both seen");
    tap_is(seen_len, 7, "with their own lengths");
    tap_is(walk(&r, sizeof r, &stop), 7, "a nonzero answer stops the walk");
    tap_is(seen_n, 1, "at once");
    tap_is(walk(&r, 0, NULL), 0, "an empty record is fine");
    tap_is(walk(&r, 5, NULL), -EINVAL, "a cut header is not");
    tap_is(walk(&r, 10, NULL), -EINVAL, "nor a cut value");
    tap_is(walk(&r, 12, NULL), -EINVAL, "nor cut padding");
    r.h.len = 0xffffffff;
    tap_is(walk(&r, sizeof r, NULL), -EINVAL, "a huge length is refused");
    r.h.len = 0;
    tap_is(walk(&r, 8, NULL), 0, "an empty value is fine");

    for (int i = 0; i < 20000; i++) {
        u32 junk[16];

        for (int k = 0; k < 16; k++) {
            seed = seed * 1103515245 + 12345;
            junk[k] = (seed >> 16) % 40;
        }
        walk(junk, (seed >> 8) % sizeof junk, NULL);
    }
    tap_ok(true, "random records stay inside their bounds");
    return tap_end();
}
