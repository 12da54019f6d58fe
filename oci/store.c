/* Writing a layout: image-spec image-layout.md. index.json changes last and in one step,
 * so a reader or a crash never sees a tag without its blobs. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "oci/import.h"
#include "oci/json.h"

#define MARKER "{\"imageLayoutVersion\":\"1.0.0\"}"
#define EMPTY_INDEX "{\"schemaVersion\":2,\"manifests\":[]}"
#define REF_NAME "org.opencontainers.image.ref.name"

static int make_blobs(struct store *st, struct err *e)
{
    if ((mkdirat(st->fd, "blobs", 0755) < 0 && errno != EEXIST) ||
        (mkdirat(st->fd, "blobs/sha256", 0755) < 0 && errno != EEXIST))
        return err_sys(e, errno, "%s/blobs", st->path);
    st->blobs = openat(st->fd, "blobs/sha256", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return st->blobs < 0 ? err_sys(e, errno, "%s/blobs/sha256", st->path) : 0;
}

/* An existing folder must be a layout, or empty. */
static int check_layout(struct store *st, struct err *e)
{
    struct layout *l = NULL;
    int rc, empty = folder_is_empty(st->fd);

    if (empty < 0)
        return err_sys(e, -empty, "%s", st->path);
    if (!empty) {
        rc = layout_open(st->path, &l, e);
        layout_close(l);
        return rc;
    }
    st->fresh = true;
    rc = write_file_at(st->fd, "oci-layout", MARKER, strlen(MARKER), 0644, e);
    if (rc == 0)
        rc = write_file_at(st->fd, "index.json", EMPTY_INDEX, strlen(EMPTY_INDEX), 0644, e);
    return rc;
}

int store_open(struct store *st, char *path, struct err *e)
{
    int rc;

    *st = (struct store){ .fd = -1, .blobs = -1, .path = path };
    if (mkdir(path, 0755) == 0)
        st->made = true;
    else if (errno != EEXIST)
        return err_sys(e, errno, "create layout %s", path);
    st->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (st->fd < 0)
        return err_sys(e, errno, "layout %s", path);
    /* Two imports into one layout would lose one's tag. */
    if (flock(st->fd, LOCK_EX) < 0)
        return err_sys(e, errno, "lock layout %s", path);
    rc = check_layout(st, e);
    return rc < 0 ? rc : make_blobs(st, e);
}

int store_new_file(struct store *st, char name[static 64], struct err *e)
{
    snprintf(name, 64, ".new.%d", (int)getpid());
    int fd = openat(st->blobs, name, O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
                    0644);
    return fd < 0 ? err_sys(e, errno, "create blob in %s", st->path) : fd;
}

int store_rename(struct store *st, const char *name, const char *digest, struct err *e)
{
    if (renameat(st->blobs, name, st->blobs, digest + 7) == 0)
        return 0;
    return err_sys(e, errno, "blob %s", digest);
}

int store_add(struct store *st, const void *data, size_t len, struct desc *d,
              struct arena *mem, struct err *e)
{
    struct hash h;

    d->digest = arena_alloc(mem, DIGEST_LEN + 1);
    if (!d->digest)
        return err_sys(e, ENOMEM, "blob");
    hash_init(&h);
    hash_add(&h, data, len);
    hash_end(&h, d->digest);
    d->size = len;
    return write_file_at(st->blobs, d->digest + 7, data, len, 0644, e);
}

static struct json_object *tag_entry(const char *tag, const struct desc *m)
{
    struct json_object *o = json_object_new_object();
    struct json_object *platform = json_object_new_object();
    struct json_object *notes = json_object_new_object();

    json_object_object_add(o, "mediaType", json_object_new_string(m->media_type));
    json_object_object_add(o, "digest", json_object_new_string(m->digest));
    json_object_object_add(o, "size", json_object_new_int64((int64_t)m->size));
    json_object_object_add(platform, "architecture", json_object_new_string("amd64"));
    json_object_object_add(platform, "os", json_object_new_string("linux"));
    json_object_object_add(o, "platform", platform);
    json_object_object_add(notes, REF_NAME, json_object_new_string(tag));
    json_object_object_add(o, "annotations", notes);
    return o;
}

/* The index is edited as it is, so that what others wrote into it stays. */
static int retag(struct json_object *index, const char *tag, const struct desc *m,
                 struct err *e)
{
    struct json_object *list = jp_get(index, "manifests");

    if (!list) {
        list = json_object_new_array();
        json_object_object_add(index, "manifests", list);
    }
    if (!json_object_is_type(list, json_type_array))
        return err_set(e, EINVAL, "index.json: manifests: must be a list");
    for (size_t i = json_object_array_length(list); i-- > 0;) {
        struct json_object *d = json_object_array_get_idx(list, i);
        struct json_object *name = jp_get(jp_get(d, "annotations"), REF_NAME);
        if (name && !strcmp(json_object_get_string(name), tag))
            json_object_array_del_idx(list, i, 1);
    }
    json_object_array_add(list, tag_entry(tag, m));
    return 0;
}

int store_tag(struct store *st, const char *tag, const struct desc *m, struct err *e)
{
    _cleanup_json_ struct json_object *index = NULL;
    _cleanup_free_ char *text = NULL;
    const char *out;
    size_t len;
    int rc = read_file_at(st->fd, "index.json", 16 << 20, &text, &len, e);

    if (rc == 0)
        rc = json_parse(text, len, &index, e);
    if (rc == 0 && !json_object_is_type(index, json_type_object))
        rc = err_set(e, EINVAL, "index.json: must be an object");
    if (rc == 0)
        rc = retag(index, tag, m, e);
    if (rc < 0)
        return err_add(e, "%s", st->path);
    out = json_object_to_json_string_ext(index, JSON_C_TO_STRING_PLAIN |
                                                    JSON_C_TO_STRING_NOSLASHESCAPE);
    if (!out)
        return err_sys(e, ENOMEM, "index.json");
    return write_file_at(st->fd, "index.json", out, strlen(out), 0644, e);
}

void store_close(struct store *st, bool failed)
{
    if (st->blobs >= 0)
        close(st->blobs);
    if (failed && st->fresh) {
        remove_tree_at(st->fd, "blobs");
        unlinkat(st->fd, "index.json", 0);
        unlinkat(st->fd, "oci-layout", 0);
    }
    if (failed && st->made)
        rmdir(st->path);
    if (st->fd >= 0)
        close(st->fd);
}
