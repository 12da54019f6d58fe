/* A layer's blob as tar entries. Two libarchive readers in a row, because both sides of
 * the compression have a digest: the first only undoes gzip or zstd, the second reads
 * tar from what the first gives. */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "oci/image.h"

enum { CHUNK = 256 * 1024 };

struct layer {
    struct blob blob;           /* borrowed */
    struct layer_io io;
    uint64_t pos;               /* read of the blob */
    struct hash packed, plain;
    struct archive *unpack;     /* compression only */
    struct archive *tar;
    bool tar_open, plain_done;
    int failed;                 /* errno of our own callbacks */
    unsigned char chunk[CHUNK];
};

static la_ssize_t read_packed(struct archive *a, void *arg, const void **data)
{
    struct layer *l = arg;
    ssize_t n;

    if (l->io.cancel && *l->io.cancel) {
        l->failed = EINTR;
        archive_set_error(a, EINTR, "interrupted");
        return -1;
    }
    n = blob_read(&l->blob, l->pos, l->chunk, sizeof(l->chunk));
    if (n == 0 && l->pos < l->blob.size)
        n = -EIO;               /* the file shrank meanwhile */
    if (n < 0) {
        l->failed = (int)-n;
        archive_set_error(a, l->failed, "read: %s", strerror(l->failed));
        return -1;
    }
    hash_add(&l->packed, l->chunk, (size_t)n);
    l->pos += (uint64_t)n;
    if (l->io.consumed)
        l->io.consumed(l->io.arg, (uint64_t)n);
    *data = l->chunk;
    return n;
}

static la_ssize_t read_plain(struct archive *a, void *arg, const void **data)
{
    struct layer *l = arg;
    la_int64_t off;
    size_t len = 0;
    int rc;

    if (l->plain_done)
        return 0;
    do {
        rc = archive_read_data_block(l->unpack, data, &len, &off);
    } while (rc == ARCHIVE_OK && len == 0);
    if (rc == ARCHIVE_EOF) {
        l->plain_done = true;
        return 0;
    }
    if (rc != ARCHIVE_OK) {
        const char *why = archive_error_string(l->unpack);
        archive_set_error(a, EIO, "%s", why ? why : "damaged compression");
        return -1;
    }
    hash_add(&l->plain, *data, len);
    return (la_ssize_t)len;
}

int layer_error(struct layer *l, const char *what, struct err *e)
{
    const char *why = archive_error_string(l->tar);

    if (!why && l->unpack)
        why = archive_error_string(l->unpack);
    if (l->failed == EINTR)
        return err_set(e, EINTR, "interrupted");
    return err_set(e, l->failed ? l->failed : EBADMSG, "%s: %s", what,
                   why ? why : "damaged archive");
}

/* The archives only know these, so nothing else of libarchive is linked or reachable. */
static int open_archives(struct layer *l, struct err *e)
{
    struct archive_entry *entry;
    int rc;

    l->unpack = archive_read_new();
    l->tar = archive_read_new();
    if (!l->unpack || !l->tar)
        return err_sys(e, ENOMEM, "read layer");
    if (archive_read_support_filter_gzip(l->unpack) != ARCHIVE_OK ||
        archive_read_support_filter_zstd(l->unpack) != ARCHIVE_OK)
        return err_set(e, ENOSYS, "libarchive was built without gzip or zstd");
    archive_read_support_format_raw(l->unpack);
    archive_read_support_format_tar(l->tar);
    if (archive_read_open(l->unpack, l, NULL, read_packed, NULL) != ARCHIVE_OK)
        return layer_error(l, "read layer", e);
    rc = archive_read_next_header(l->unpack, &entry);
    if (rc == ARCHIVE_EOF)
        return err_set(e, EBADMSG, "layer is empty");
    if (rc != ARCHIVE_OK)
        return layer_error(l, "read layer", e);
    return 0;
}

int layer_open(const struct blob *b, const struct layer_io *io, struct layer **l_r,
               struct err *e)
{
    struct layer *l = calloc(1, sizeof(*l));
    int rc;

    if (!l)
        return err_sys(e, ENOMEM, "read layer");
    l->blob = *b;
    l->io = *io;
    hash_init(&l->packed);
    hash_init(&l->plain);
    rc = open_archives(l, e);
    if (rc < 0)
        layer_free(l);
    else
        *l_r = l;
    return rc;
}

/* Opened at the first call: who wants plain bytes must not have it take some. */
struct archive *layer_archive(struct layer *l)
{
    if (!l->tar_open)
        l->tar_open = archive_read_open(l->tar, l, NULL, read_plain, NULL) == ARCHIVE_OK;
    return l->tar_open ? l->tar : NULL;
}

ssize_t layer_plain(struct layer *l, const void **data_r, struct err *e)
{
    la_ssize_t n = read_plain(l->tar, l, data_r);

    return n < 0 ? layer_error(l, "read layer", e) : n;
}

/* Behind the tar's end mark there may be padding, and behind the compressed stream
 * anything: both belong to what was hashed when the layer was made. */
int layer_finish(struct layer *l, char blob_digest[static DIGEST_LEN + 1],
                 char plain_digest[static DIGEST_LEN + 1], struct err *e)
{
    const void *data;
    la_ssize_t n;

    while ((n = read_plain(l->tar, l, &data)) > 0)
        ;
    while (n == 0 && l->pos < l->blob.size)
        n = read_packed(l->unpack, l, &data) < 0 ? -1 : 0;
    if (n < 0)
        return layer_error(l, "read layer", e);
    hash_end(&l->packed, blob_digest);
    hash_end(&l->plain, plain_digest);
    return 0;
}

void layer_free(struct layer *l)
{
    if (!l)
        return;
    archive_read_free(l->tar);
    archive_read_free(l->unpack);
    free(l);
}
