/* image-spec manifest.md and config.md. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "oci/image.h"
#include "oci/json.h"

enum { LAYERS_MAX = 4096 };

static bool is_one_of(const char *type, const char *const *list)
{
    for (; *list; list++) {
        if (!strcmp(type, *list))
            return true;
    }
    return false;
}

bool media_is_index(const char *type)
{
    static const char *const list[] = {
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json", NULL,
    };
    return is_one_of(type, list);
}

bool media_is_manifest(const char *type)
{
    static const char *const list[] = {
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v2+json", NULL,
    };
    return is_one_of(type, list);
}

bool media_is_config(const char *type)
{
    static const char *const list[] = {
        "application/vnd.oci.image.config.v1+json",
        "application/vnd.docker.container.image.v1+json", NULL,
    };
    return is_one_of(type, list);
}

/* The compression is told by the bytes themselves, so the types only have to be known. */
bool media_is_layer(const char *type)
{
    static const char *const list[] = {
        "application/vnd.oci.image.layer.v1.tar",
        "application/vnd.oci.image.layer.v1.tar+gzip",
        "application/vnd.oci.image.layer.v1.tar+zstd",
        "application/vnd.oci.image.layer.nondistributable.v1.tar",
        "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
        "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd",
        "application/vnd.docker.image.rootfs.diff.tar",
        "application/vnd.docker.image.rootfs.diff.tar.gzip",
        "application/vnd.docker.image.rootfs.diff.tar.zstd",
        "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", NULL,
    };
    return is_one_of(type, list);
}

static int read_config_desc(struct jp *j, struct json_object *o, void *out)
{
    struct desc *d = out;

    TRY(oci_read_desc(j, o, d));
    if (!media_is_config(d->media_type))
        return jp_err_key(j, "mediaType", "\"%s\" is not supported", d->media_type);
    return 0;
}

static int read_layer_desc(struct jp *j, struct json_object *o, void *out)
{
    struct desc *d = out;

    TRY(oci_read_desc(j, o, d));
    if (!media_is_layer(d->media_type))
        return jp_err_key(j, "mediaType", "\"%s\" is not supported", d->media_type);
    return 0;
}

static int read_manifest(struct jp *j, struct json_object *o, struct image *im)
{
    struct oci_i64 version = { 0 };

    TRY(jp_i64(j, o, "schemaVersion", &version));
    if (version.v != 2)
        return jp_err_key(j, "schemaVersion", "must be 2");
    TRY(jp_need(j, o, "config"));
    TRY(jp_obj(j, o, "config", read_config_desc, &im->config, NULL));
    TRY(jp_list(j, o, "layers", read_layer_desc, sizeof(*im->layers), &im->layers,
                &im->nlayers));
    if (im->nlayers > LAYERS_MAX)
        return jp_err_key(j, "layers", "are too many");
    return 0;
}

/* Volumes and ports are objects whose keys matter. */
static int read_keys(struct jp *j, struct json_object *o, void *out)
{
    struct oci_strv *s = out;

    s->v = arena_array(j->mem, (size_t)json_object_object_length(o) + 1, sizeof(char *));
    if (!s->v)
        return jp_nomem(j);
    json_object_object_foreach(o, key, value) {
        (void)value;
        s->v[s->n] = arena_strdup(j->mem, key);
        if (!s->v[s->n++])
            return jp_nomem(j);
    }
    return 0;
}

static int read_run(struct jp *j, struct json_object *o, void *out)
{
    struct image *im = out;

    TRY(jp_strv(j, o, "Env", &im->env));
    TRY(jp_strv(j, o, "Entrypoint", &im->entrypoint));
    TRY(jp_strv(j, o, "Cmd", &im->cmd));
    TRY(jp_str(j, o, "User", &im->user));
    TRY(jp_str(j, o, "WorkingDir", &im->workdir));
    TRY(jp_str(j, o, "StopSignal", &im->stop_signal));
    TRY(jp_map(j, o, "Labels", &im->labels));
    TRY(jp_obj(j, o, "Volumes", read_keys, &im->volumes, NULL));
    return jp_obj(j, o, "ExposedPorts", read_keys, &im->ports, NULL);
}

static int read_rootfs(struct jp *j, struct json_object *o, void *out)
{
    struct image *im = out;
    char *type = NULL;

    TRY(jp_str(j, o, "type", &type));
    if (!type || strcmp(type, "layers"))
        return jp_err_key(j, "type", "must be \"layers\"");
    TRY(jp_strv(j, o, "diff_ids", &im->diff_ids));
    if (im->diff_ids.n != im->nlayers)
        return jp_err_key(j, "diff_ids", "there are %zu for %zu layers", im->diff_ids.n,
                          im->nlayers);
    return 0;
}

static int read_config(struct jp *j, struct json_object *o, struct image *im)
{
    TRY(jp_str(j, o, "os", &im->os));
    TRY(jp_str(j, o, "architecture", &im->arch));
    TRY(jp_str(j, o, "author", &im->author));
    TRY(jp_str(j, o, "created", &im->created));
    if (im->os && im->os[0] && strcmp(im->os, "linux"))
        return jp_err_key(j, "os", "image is for \"%s\", not linux", im->os);
    if (im->arch && im->arch[0] && strcmp(im->arch, "amd64"))
        return jp_err_key(j, "architecture", "image is for \"%s\", not amd64", im->arch);
    TRY(jp_obj(j, o, "config", read_run, im, NULL));
    TRY(jp_need(j, o, "rootfs"));
    return jp_obj(j, o, "rootfs", read_rootfs, im, NULL);
}

static int read_blob(struct layout *l, const struct desc *d, struct arena *mem,
                     struct image *im,
                     int (*fn)(struct jp *, struct json_object *, struct image *),
                     struct err *e)
{
    _cleanup_free_ char *text = NULL;
    _cleanup_json_ struct json_object *o = NULL;
    struct jp j = { .mem = mem, .e = e };
    size_t len;
    int rc = layout_text(l, d, &text, &len, e);

    if (rc < 0)
        return rc;
    rc = json_parse(text, len, &o, e);
    if (rc == 0)
        rc = json_object_is_type(o, json_type_object) ? fn(&j, o, im)
                                                      : jp_err(&j, "must be an object");
    return rc < 0 ? err_add(e, "blob %s", d->digest) : 0;
}

int image_read(struct layout *l, const struct desc *manifest, struct arena *mem,
               struct image *im, struct err *e)
{
    int rc = read_blob(l, manifest, mem, im, read_manifest, e);

    if (rc < 0)
        return err_add(e, "manifest");
    rc = read_blob(l, &im->config, mem, im, read_config, e);
    return rc < 0 ? err_add(e, "image config") : 0;
}
