/* image-spec image-layout.md: a folder, or a tar file of one. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "oci/image.h"
#include "oci/json.h"

enum { TEXT_MAX = 16 << 20 };   /* of a manifest, an index or a config */

struct layout {
    int fd;                     /* the folder or the tar file */
    bool tar;
    struct tar_index index;
    struct arena mem;
};

void blob_close(struct blob *b)
{
    if (b->fd >= 0)
        close(b->fd);
    b->fd = -1;
}

ssize_t blob_read(const struct blob *b, uint64_t pos, void *data, size_t len)
{
    ssize_t n;

    if (pos >= b->size)
        return 0;
    if (len > b->size - pos)
        len = (size_t)(b->size - pos);
    do {
        n = pread(b->fd, data, len, (off_t)(b->off + pos));
    } while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

static int open_in_tar(struct layout *l, const char *name, struct blob *b)
{
    /* The last one of a name counts, as when unpacking. */
    for (size_t i = l->index.n; i-- > 0;) {
        const struct tar_file *f = &l->index.v[i];
        if (strcmp(f->name, name))
            continue;
        b->fd = fcntl(l->fd, F_DUPFD_CLOEXEC, 3);
        b->off = f->off;
        b->size = f->size;
        return b->fd < 0 ? -errno : 0;
    }
    return -ENOENT;
}

/* O_NONBLOCK: a fifo in the layout must not hang us before fstat tells. */
static int open_file(struct layout *l, const char *name, struct blob *b)
{
    struct stat st;

    if (l->tar)
        return open_in_tar(l, name, b);
    b->fd = openat(l->fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (b->fd < 0)
        return -errno;
    if (fstat(b->fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        blob_close(b);
        return -EINVAL;
    }
    b->off = 0;
    b->size = (uint64_t)st.st_size;
    return 0;
}

/* The blob's bytes with a NUL behind. */
static int read_text(const struct blob *b, size_t max, char **text_r, size_t *len_r,
                     struct err *e)
{
    _cleanup_free_ char *text = NULL;
    uint64_t got = 0;

    if (b->size > max)
        return err_set(e, EFBIG, "is larger than %zu bytes", max);
    text = malloc(b->size + 1);
    if (!text)
        return err_sys(e, ENOMEM, "read");
    while (got < b->size) {
        ssize_t n = blob_read(b, got, text + got, b->size - got);
        if (n <= 0)
            return err_sys(e, n < 0 ? (int)-n : EIO, "read");
        got += (uint64_t)n;
    }
    text[got] = 0;
    *len_r = got;
    *text_r = ptr_steal(&text);
    return 0;
}

int layout_file(struct layout *l, const char *name, size_t max, char **text_r,
                size_t *len_r, struct err *e)
{
    struct blob b = BLOB_NONE;
    int rc = open_file(l, name, &b);

    if (rc < 0)
        return err_sys(e, -rc, "%s", name);
    rc = read_text(&b, max, text_r, len_r, e);
    blob_close(&b);
    return rc < 0 ? err_add(e, "%s", name) : 0;
}

int layout_blob(struct layout *l, const struct desc *d, struct blob *b, struct err *e)
{
    char name[128];
    int rc;

    if (!digest_valid(d->digest))
        return err_set(e, EINVAL, "digest \"%s\" is not supported (sha256 is)", d->digest);
    snprintf(name, sizeof(name), "blobs/sha256/%s", d->digest + 7);
    rc = open_file(l, name, b);
    if (rc < 0)
        return err_sys(e, -rc, "blob %s", d->digest);
    if (b->size != d->size) {
        rc = err_set(e, EINVAL, "blob %s has %llu bytes, its descriptor says %llu",
                     d->digest, (unsigned long long)b->size, (unsigned long long)d->size);
        blob_close(b);
    }
    return rc;
}

int layout_text(struct layout *l, const struct desc *d, char **text_r, size_t *len_r,
                struct err *e)
{
    struct blob b = BLOB_NONE;
    char digest[DIGEST_LEN + 1];
    struct hash h;
    int rc = layout_blob(l, d, &b, e);

    if (rc < 0)
        return rc;
    rc = read_text(&b, TEXT_MAX, text_r, len_r, e);
    blob_close(&b);
    if (rc < 0)
        return err_add(e, "blob %s", d->digest);
    hash_init(&h);
    hash_add(&h, *text_r, *len_r);
    hash_end(&h, digest);
    if (strcmp(digest, d->digest)) {
        free(*text_r);
        *text_r = NULL;
        return err_set(e, EBADMSG, "blob %s is damaged: its digest is %s", d->digest, digest);
    }
    return 0;
}

/* The marker file says which layout version this is. */
static int check_version(struct layout *l, struct err *e)
{
    _cleanup_free_ char *text = NULL;
    _cleanup_json_ struct json_object *o = NULL;
    const char *v;
    size_t len;
    int rc = layout_file(l, "oci-layout", 4096, &text, &len, e);

    if (rc == -ENOENT)
        return err_set(e, ENOENT, "is no OCI image layout: it has no oci-layout file");
    if (rc == 0)
        rc = json_parse(text, len, &o, e);
    if (rc < 0)
        return err_add(e, "oci-layout");
    v = json_object_get_string(jp_get(o, "imageLayoutVersion"));
    if (!v || strncmp(v, "1.", 2))
        return err_set(e, EINVAL, "oci-layout: imageLayoutVersion \"%s\" is not supported "
                       "(1.x is)", v ? v : "");
    return 0;
}

int layout_open(const char *path, struct layout **l_r, struct err *e)
{
    struct layout *l = calloc(1, sizeof(*l));
    struct stat st;
    int rc = 0;

    if (!l)
        return err_sys(e, ENOMEM, "%s", path);
    l->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (l->fd < 0 || fstat(l->fd, &st) < 0) {
        rc = err_sys(e, errno, "%s", path);
        layout_close(l);
        return rc;
    }
    l->tar = S_ISREG(st.st_mode);
    if (!l->tar && !S_ISDIR(st.st_mode))
        rc = err_set(e, EINVAL, "is neither a folder nor a file");
    if (l->tar)
        rc = tar_index_read(l->fd, &l->mem, &l->index, e);
    if (rc == 0)
        rc = check_version(l, e);
    if (rc < 0) {
        layout_close(l);
        return err_add(e, "%s", path);
    }
    *l_r = l;
    return 0;
}

void layout_close(struct layout *l)
{
    if (!l)
        return;
    if (l->fd >= 0)
        close(l->fd);
    tar_index_dispose(&l->index);
    arena_dispose(&l->mem);
    free(l);
}

int layout_split_ref(const char *ref, struct arena *mem, char **path_r, char **tag_r,
                     struct err *e)
{
    const char *colon = strrchr(ref, ':');
    struct stat st;

    *tag_r = NULL;
    if (!ref[0])
        return err_set(e, EINVAL, "image reference is empty");
    if (!colon || colon == ref || strchr(colon, '/') || stat(ref, &st) == 0) {
        *path_r = arena_strdup(mem, ref);
    } else {
        if (!colon[1])
            return err_set(e, EINVAL, "image reference \"%s\" has an empty tag", ref);
        *path_r = arena_strndup(mem, ref, (size_t)(colon - ref));
        *tag_r = arena_strdup(mem, colon + 1);
        if (!*tag_r)
            *path_r = NULL;
    }
    return *path_r ? 0 : err_sys(e, ENOMEM, "%s", ref);
}
