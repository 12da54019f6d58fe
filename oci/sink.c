#include <errno.h>
#include <string.h>

#include "base/fd.h"
#include "oci/import.h"

/* Level 6 and no name or time in the header: the bytes depend on the input alone. */
int sink_open(struct sink *s, int fd, const volatile int *cancel, struct err *e)
{
    memset(&s->z, 0, sizeof(s->z));
    s->fd = fd;
    s->cancel = cancel;
    hash_init(&s->plain);
    hash_init(&s->packed);
    if (deflateInit2(&s->z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return err_sys(e, ENOMEM, "gzip");
    s->open = true;
    return 0;
}

static int run(struct sink *s, int flush)
{
    int r;

    do {
        s->z.next_out = s->out;
        s->z.avail_out = sizeof(s->out);
        r = deflate(&s->z, flush);
        size_t n = sizeof(s->out) - s->z.avail_out;
        hash_add(&s->packed, s->out, n);
        int rc = write_all(s->fd, s->out, n);
        if (rc < 0)
            return rc;
    } while (s->z.avail_out == 0 && r != Z_STREAM_END);
    return 0;
}

int sink_put(struct sink *s, const void *data, size_t len)
{
    const unsigned char *p = data;

    if (s->cancel && *s->cancel)
        return -EINTR;
    hash_add(&s->plain, data, len);
    while (len) {
        unsigned piece = len > 1u << 30 ? 1u << 30 : (unsigned)len;
        s->z.next_in = (z_const Bytef *)(uintptr_t)p;
        s->z.avail_in = piece;
        int rc = run(s, Z_NO_FLUSH);
        if (rc < 0)
            return rc;
        p += piece;
        len -= piece;
    }
    return 0;
}

int sink_finish(struct sink *s, struct err *e)
{
    s->z.avail_in = 0;
    int rc = run(s, Z_FINISH);
    return rc < 0 ? err_sys(e, -rc, "write layer") : 0;
}

void sink_close(struct sink *s)
{
    if (s->open)
        deflateEnd(&s->z);
    s->open = false;
}
