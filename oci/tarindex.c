/* The table of contents of an uncompressed tar file, so that blobs in it are read in
 * place: layouts as archives come from other tools, in any order of blobs. Knows ustar,
 * pax names and sizes, and GNU long names. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "oci/image.h"

struct header {
    char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], sum[8], type;
    char link[100], magic[6], version[2], user[32], group[32], major[8], minor[8];
    char prefix[155], pad[12];
};
_Static_assert(sizeof(struct header) == 512, "tar");

enum { EXTRA_MAX = 64 * 1024, FILES_MAX = 1 << 20 };

struct reader {
    int fd;
    uint64_t pos, end;
    struct arena *mem;
    char *next_name;            /* from a pax or GNU header in front */
    bool has_size;
    uint64_t next_size;
};

/* Octal digits, or GNU's big-endian binary when the top bit is set. */
static bool number(const char *field, size_t len, uint64_t *out)
{
    uint64_t v = 0;
    size_t i = 0;

    if ((unsigned char)field[0] & 0x80) {
        v = (unsigned char)field[0] & 0x7f;
        for (i = 1; i < len; i++) {
            if (v >> 55)
                return false;
            v = v << 8 | (unsigned char)field[i];
        }
        *out = v;
        return true;
    }
    while (i < len && field[i] == ' ')
        i++;
    for (; i < len && field[i] >= '0' && field[i] <= '7'; i++)
        v = v << 3 | (uint64_t)(field[i] - '0');
    *out = v;
    return i == len || field[i] == 0 || field[i] == ' ';
}

static bool checksum_ok(const struct header *h)
{
    const unsigned char *p = (const unsigned char *)h;
    uint64_t want, sum = 0;

    for (size_t i = 0; i < sizeof(*h); i++) {
        bool blank = i >= offsetof(struct header, sum) && i < offsetof(struct header, type);
        sum += blank ? ' ' : p[i];
    }
    return number(h->sum, sizeof(h->sum), &want) && want == sum;
}

static bool all_zero(const struct header *h)
{
    static const struct header zero;
    return memcmp(h, &zero, sizeof(zero)) == 0;
}

static int damaged(const struct reader *r, struct err *e)
{
    return err_set(e, EINVAL, "damaged tar archive near byte %llu",
                   (unsigned long long)r->pos);
}

/* "LEN key=value\n" records: path and size matter here. */
static int pax_records(struct reader *r, char *p, size_t len, struct err *e)
{
    while (len) {
        char *end, *key, *eq;
        unsigned long n = strtoul(p, &end, 10);
        if (n > len || *end != ' ' || n < (size_t)(end - p) + 3 || p[n - 1] != '\n')
            return damaged(r, e);
        p[n - 1] = 0;
        key = end + 1;
        eq = strchr(key, '=');
        if (!eq)
            return damaged(r, e);
        *eq = 0;
        if (!strcmp(key, "path")) {
            r->next_name = arena_strdup(r->mem, eq + 1);
        } else if (!strcmp(key, "size")) {
            r->next_size = strtoull(eq + 1, NULL, 10);
            r->has_size = true;
        }
        p += n;
        len -= n;
    }
    return 0;
}

static int extra_header(struct reader *r, char type, uint64_t size, struct err *e)
{
    _cleanup_free_ char *data = NULL;

    if (size > EXTRA_MAX)
        return damaged(r, e);
    data = calloc(1, size + 1);
    if (!data)
        return err_sys(e, ENOMEM, "read tar archive");
    if (pread(r->fd, data, size, (off_t)r->pos) != (ssize_t)size)
        return damaged(r, e);
    if (type == 'x')
        return pax_records(r, data, size, e);
    r->next_name = arena_strdup(r->mem, data);
    return 0;
}

static int add(struct tar_index *ix, char *name, uint64_t off, uint64_t size, struct err *e)
{
    while (!strncmp(name, "./", 2))
        name += 2;
    if (ix->n == ix->cap) {
        size_t cap = ix->cap ? ix->cap * 2 : 32;
        struct tar_file *v = cap > FILES_MAX ? NULL : realloc(ix->v, cap * sizeof(*v));
        if (!v)
            return err_sys(e, ENOMEM, "read tar archive");
        ix->v = v;
        ix->cap = cap;
    }
    ix->v[ix->n++] = (struct tar_file){ .name = name, .off = off, .size = size };
    return 0;
}

static char *header_name(struct reader *r, const struct header *h)
{
    char name[sizeof(h->prefix) + sizeof(h->name) + 2], *p = name;
    size_t n = strnlen(h->prefix, sizeof(h->prefix));

    if (!memcmp(h->magic, "ustar\0", 6) && n) {
        memcpy(p, h->prefix, n);
        p += n;
        *p++ = '/';
    }
    n = strnlen(h->name, sizeof(h->name));
    memcpy(p, h->name, n);
    p[n] = 0;
    return arena_strdup(r->mem, name);
}

static int one_header(struct reader *r, const struct header *h, struct tar_index *ix,
                      struct err *e)
{
    uint64_t size;
    char *name;

    if (!checksum_ok(h) || !number(h->size, sizeof(h->size), &size))
        return r->pos == sizeof(*h) ? err_set(e, EINVAL, "is no layout folder and no "
                                              "uncompressed tar archive of one")
                                    : damaged(r, e);
    bool extra = h->type == 'x' || h->type == 'L';
    if (!extra && r->has_size)
        size = r->next_size;
    if (size > r->end - r->pos)
        return err_set(e, EINVAL, "tar archive is cut off");
    if (extra) {
        int rc = extra_header(r, h->type, size, e);
        if (rc < 0)
            return rc;
    } else if (h->type != 'g' && h->type != 'K') {
        name = r->next_name ? r->next_name : header_name(r, h);
        if (!name)
            return err_sys(e, ENOMEM, "read tar archive");
        if (h->type == '0' || h->type == 0 || h->type == '7') {
            int rc = add(ix, name, r->pos, size, e);
            if (rc < 0)
                return rc;
        }
        r->next_name = NULL;
        r->has_size = false;
    }
    r->pos += (size + 511) & ~511ull;
    return 0;
}

int tar_index_read(int fd, struct arena *mem, struct tar_index *ix, struct err *e)
{
    struct reader r = { .fd = fd, .mem = mem };
    struct header h;
    struct stat st;

    if (fstat(fd, &st) < 0)
        return err_sys(e, errno, "stat");
    r.end = (uint64_t)st.st_size;
    while (r.pos < r.end) {
        if (pread(fd, &h, sizeof(h), (off_t)r.pos) != sizeof(h))
            return err_set(e, EINVAL, "tar archive is cut off");
        r.pos += sizeof(h);
        if (all_zero(&h))
            break;
        int rc = one_header(&r, &h, ix, e);
        if (rc < 0)
            return rc;
    }
    return 0;
}

void tar_index_dispose(struct tar_index *ix)
{
    free(ix->v);
    memset(ix, 0, sizeof(*ix));
}
