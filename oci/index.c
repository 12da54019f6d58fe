/* image-spec image-index.md: which manifest a tag means on this machine. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/fd.h"
#include "oci/image.h"
#include "oci/json.h"

enum { DEPTH_MAX = 4, INDEX_MAX = 16 << 20 };

struct found { struct desc *v; size_t n; };

static int read_platform(struct jp *j, struct json_object *o, void *out)
{
    struct desc *d = out;

    TRY(jp_str(j, o, "os", &d->os));
    TRY(jp_str(j, o, "architecture", &d->arch));
    return jp_str(j, o, "variant", &d->variant);
}

static int read_annotations(struct jp *j, struct json_object *o, void *out)
{
    return jp_str(j, o, "org.opencontainers.image.ref.name",
                  &((struct desc *)out)->ref_name);
}

int oci_read_desc(struct jp *j, struct json_object *o, void *out)
{
    struct desc *d = out;
    struct oci_u64 size = { 0 };

    if (!json_object_is_type(o, json_type_object))
        return jp_err(j, "must be an object");
    TRY(jp_need(j, o, "mediaType"));
    TRY(jp_str(j, o, "mediaType", &d->media_type));
    TRY(jp_need(j, o, "digest"));
    TRY(jp_str(j, o, "digest", &d->digest));
    TRY(jp_need(j, o, "size"));
    TRY(jp_u64(j, o, "size", &size));
    d->size = size.v;
    TRY(jp_str(j, o, "artifactType", &d->artifact_type));
    TRY(jp_obj(j, o, "annotations", read_annotations, d, NULL));
    return jp_obj(j, o, "platform", read_platform, d, NULL);
}

/* How well it suits this machine: 0 not at all. Variants of amd64 (v2, v3, ...) promise
 * a newer CPU, so the plain one is preferred; no platform at all is settled by the
 * image's config later. */
static int suits(const struct desc *d)
{
    if (!media_is_index(d->media_type) && !media_is_manifest(d->media_type))
        return 0;
    if (d->artifact_type && d->artifact_type[0])
        return 0;
    if (!d->os && !d->arch)
        return 2;
    if (!d->os || !d->arch || strcmp(d->os, "linux") || strcmp(d->arch, "amd64"))
        return 0;
    if (!d->variant || !d->variant[0] || !strcmp(d->variant, "v1"))
        return 3;
    return 1;
}

/* "name" or "registry/path:name". */
static bool tag_matches(const struct desc *d, const char *tag)
{
    const char *colon;

    if (!d->ref_name)
        return false;
    colon = strrchr(d->ref_name, ':');
    return !strcmp(d->ref_name, tag) || (colon && !strcmp(colon + 1, tag));
}

static int list_manifests(const char *text, size_t len, const char *what, struct arena *mem,
                          struct found *f, struct err *e)
{
    _cleanup_json_ struct json_object *o = NULL;
    struct jp j = { .mem = mem, .e = e };
    int rc = json_parse(text, len, &o, e);

    if (rc == 0 && !json_object_is_type(o, json_type_object))
        rc = err_set(e, EINVAL, "must be an object");
    if (rc == 0)
        rc = jp_list(&j, o, "manifests", oci_read_desc, sizeof(*f->v), &f->v, &f->n);
    return rc < 0 ? err_add(e, "%s", what) : 0;
}

/* "a, b, c": what the user could have meant. */
static int not_found(const struct found *f, const char *tag, struct err *e)
{
    _cleanup_buf_ struct buf names = { 0 };
    const char *text;

    for (size_t i = 0; i < f->n; i++) {
        if (f->v[i].ref_name)
            buf_printf(&names, "%s%s", names.len ? ", " : "", f->v[i].ref_name);
    }
    text = names.len ? buf_cstr(&names) : NULL;
    if (tag)
        return err_set(e, ENOENT, "no image is tagged \"%s\"%s%s", tag,
                       text ? "; there are: " : "", text ? text : "");
    return err_set(e, EINVAL, "has several images, a tag must say which%s%s",
                   text ? ": " : "", text ? text : "");
}

/* The best of a list. At the top, two different images that suit equally are an
 * ambiguity; in a nested index the first one counts. */
static int choose(const struct found *f, const char *tag, bool top, struct desc *best_r,
                  struct err *e)
{
    const struct desc *best = NULL;
    bool tagged = false, twice = false;

    for (size_t i = 0; i < f->n; i++) {
        const struct desc *d = &f->v[i];
        if (top && tag && !tag_matches(d, tag))
            continue;
        tagged = true;
        if (!suits(d) || (best && suits(d) < suits(best)))
            continue;
        if (best && suits(d) == suits(best)) {
            twice |= strcmp(d->digest, best->digest) != 0;
            continue;
        }
        best = d;
        twice = false;
    }
    if (best && top && twice)
        return not_found(f, NULL, e);
    if (!best && top && tag && !tagged)
        return not_found(f, tag, e);
    if (!best)
        return err_set(e, ENOENT, f->n ? "has no image for linux/amd64" : "has no image");
    *best_r = *best;
    return 0;
}

int index_find(struct layout *l, const char *tag, struct arena *mem, struct desc *manifest_r,
               struct err *e)
{
    _cleanup_free_ char *text = NULL;
    struct found f = { 0 };
    size_t len;
    int rc = layout_file(l, "index.json", INDEX_MAX, &text, &len, e);

    if (rc == 0)
        rc = list_manifests(text, len, "index.json", mem, &f, e);
    if (rc == 0)
        rc = choose(&f, tag, true, manifest_r, e);
    for (int depth = 0; rc == 0 && media_is_index(manifest_r->media_type); depth++) {
        if (depth == DEPTH_MAX)
            return err_set(e, ELOOP, "indexes are nested more than %d deep", DEPTH_MAX);
        free(ptr_steal(&text));
        memset(&f, 0, sizeof(f));
        rc = layout_text(l, manifest_r, &text, &len, e);
        if (rc == 0)
            rc = list_manifests(text, len, manifest_r->digest, mem, &f, e);
        if (rc == 0)
            rc = choose(&f, NULL, false, manifest_r, e);
    }
    return rc;
}
