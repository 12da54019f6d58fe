/* A growable byte buffer. Failure to grow sticks: `failed` is checked once at the end,
 * not after every put. A zeroed struct is an empty buffer. */
#ifndef XENC_BASE_BUF_H
#define XENC_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf {
    unsigned char *data;    /* NULL while empty */
    size_t len, cap;
    bool failed;            /* no memory (or more than 4 GiB in a value) once */
};

void buf_dispose(struct buf *b);
#define _cleanup_buf_ __attribute__((cleanup(buf_dispose)))

void buf_put(struct buf *b, const void *data, size_t len);
void buf_puts(struct buf *b, const char *s);        /* without the NUL */
void buf_putz(struct buf *b, const char *s);        /* with the NUL; NULL counts as "" */
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Room for len bytes at the end, counted as written; NULL on failure. */
void *buf_extend(struct buf *b, size_t len);

/* The content as a C string (a NUL is put behind, not counted), owned by the buffer;
 * NULL on failure. buf_take hands it over: the caller frees, the buffer is empty. */
char *buf_cstr(struct buf *b);
char *buf_take(struct buf *b);

/* Tagged values as abi/record.h lays them out: header, value, padded to 8. */
void buf_put_tlv(struct buf *b, uint32_t tag, const void *data, size_t len);
void buf_put_tlv_str(struct buf *b, uint32_t tag, const char *s);
void buf_put_tlv_u32(struct buf *b, uint32_t tag, uint32_t v);

/* A value made of parts: begin returns a mark for end, puts go between. */
size_t buf_tlv_begin(struct buf *b, uint32_t tag);
void buf_tlv_end(struct buf *b, size_t mark);

#endif
