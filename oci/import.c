/* oci_image_import: a tar file or a directory becomes an image of one layer. */
#include "oci/import.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "oci/json.h"

#define LAYER_TYPE "application/vnd.oci.image.layer.v1.tar+gzip"
#define CONFIG_TYPE "application/vnd.oci.image.config.v1+json"
#define MANIFEST_TYPE "application/vnd.oci.image.manifest.v1+json"
#define DEFAULT_PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

struct import {
    const struct oci_import_opts *opts;
    struct oci_progress progress;
    struct store store;
    struct sink sink;
    struct arena mem;
    struct desc layer, config, manifest;
    char diff_id[DIGEST_LEN + 1], layer_digest[DIGEST_LEN + 1];
};

/* LAYOUT:TAG, where LAYOUT need not exist yet. */
static int split(struct import *im, const char *ref, char **path_r, char **tag_r,
                 struct err *e)
{
    const char *colon = strrchr(ref, ':');

    if (!colon || colon == ref || !colon[1] || strchr(colon, '/'))
        return err_set(e, EINVAL, "\"%s\" is not LAYOUT:TAG", ref);
    if (strlen(colon + 1) > 128 ||
        colon[1 + strspn(colon + 1, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                    "0123456789._-")])
        return err_set(e, EINVAL, "tag \"%s\" has other characters than letters, digits, "
                       "\".\", \"_\" and \"-\"", colon + 1);
    *path_r = arena_strndup(&im->mem, ref, (size_t)(colon - ref));
    *tag_r = arena_strdup(&im->mem, colon + 1);
    return *path_r && *tag_r ? 0 : err_sys(e, ENOMEM, "%s", ref);
}

static void consumed(void *arg, uint64_t bytes)
{
    struct import *im = arg;

    im->progress.done += bytes;
    if (im->opts->common.progress)
        im->opts->common.progress(im->opts->common.arg, &im->progress);
}

static int open_tar(struct import *im, const struct blob *b, struct layer **l_r,
                    struct err *e)
{
    struct layer_io io = { consumed, im, im->opts->common.cancel };

    return layer_open(b, &io, l_r, e);
}

/* First reading: is it a tar that could be unpacked again? */
static int check_tar(struct import *im, const struct blob *b, struct err *e)
{
    char packed[DIGEST_LEN + 1], plain[DIGEST_LEN + 1], name[4096];
    struct archive_entry *entry;
    struct layer *l = NULL;
    struct archive *a;
    int r = ARCHIVE_FATAL, rc = open_tar(im, b, &l, e);

    if (rc < 0)
        return rc;
    a = layer_archive(l);
    while (a && rc == 0) {
        r = archive_read_next_header(a, &entry);
        if (r != ARCHIVE_OK && r != ARCHIVE_WARN)
            break;
        const char *raw = archive_entry_pathname(entry);
        rc = raw ? layer_name(raw, name, e) : err_set(e, EINVAL, "entry without a name");
    }
    if (rc == 0 && r != ARCHIVE_EOF)
        rc = layer_error(l, "tar", e);
    if (rc == 0)
        rc = layer_finish(l, packed, plain, e);
    layer_free(l);
    return rc;
}

/* Second reading: the plain bytes, unchanged, so that the diff_id is the tar's own. */
static int copy_tar(struct import *im, int fd, uint64_t size, struct err *e)
{
    struct blob b = { .fd = fd, .size = size };
    struct layer *l = NULL;
    const void *data;
    ssize_t n = 0;
    int rc;

    im->progress.nlayers = 1;
    im->progress.total = 2 * size;
    rc = check_tar(im, &b, e);
    if (rc == 0)
        rc = open_tar(im, &b, &l, e);
    while (rc == 0 && (n = layer_plain(l, &data, e)) > 0) {
        rc = sink_put(&im->sink, data, (size_t)n);
        if (rc < 0)
            err_sys(e, -rc, "write layer");
    }
    layer_free(l);
    im->progress.finished = true;
    consumed(im, 0);
    return rc < 0 ? rc : (int)n;
}

static int copy_source(struct import *im, const char *src, struct err *e)
{
    _cleanup_close_ int fd = open(src, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat st, layout;
    int rc;

    if (fd < 0 || fstat(fd, &st) < 0)
        return err_sys(e, errno, "%s", src);
    if (fstat(im->store.fd, &layout) < 0)
        return err_sys(e, errno, "layout");
    if (S_ISREG(st.st_mode))
        rc = copy_tar(im, fd, (uint64_t)st.st_size, e);
    else if (S_ISDIR(st.st_mode))
        rc = tree_write(fd, &layout, &im->sink, &im->opts->common, e);
    else
        return err_set(e, EINVAL, "%s is neither a tar file nor a directory", src);
    return rc < 0 ? err_add(e, "%s", src) : 0;
}

static int add_layer(struct import *im, const char *src, struct err *e)
{
    char name[64];
    int rc;
    _cleanup_close_ int fd = store_new_file(&im->store, name, e);

    if (fd < 0)
        return fd;
    rc = sink_open(&im->sink, fd, im->opts->common.cancel, e);
    if (rc == 0)
        rc = copy_source(im, src, e);
    if (rc == 0)
        rc = sink_finish(&im->sink, e);
    sink_close(&im->sink);
    if (rc == 0) {
        im->layer.media_type = arena_strdup(&im->mem, LAYER_TYPE);
        im->layer.digest = im->layer_digest;
        im->layer.size = im->sink.packed.bytes;
        hash_end(&im->sink.packed, im->layer_digest);
        hash_end(&im->sink.plain, im->diff_id);
        rc = store_rename(&im->store, name, im->layer_digest, e);
    }
    if (rc < 0)
        unlinkat(im->store.blobs, name, 0);
    return rc;
}

static struct json_object *words(const char *const *list)
{
    struct json_object *a = json_object_new_array();

    for (; list && *list; list++)
        json_object_array_add(a, json_object_new_string(*list));
    return a;
}

static void set(struct json_object *o, const char *key, struct json_object *v)
{
    json_object_object_add(o, key, v);
}

static struct json_object *run_part(const struct oci_import_opts *opts)
{
    static const char *const shell[] = { "/bin/sh", NULL };
    struct json_object *o = json_object_new_object(), *env = json_object_new_array();
    bool has_path = false;

    for (const char *const *p = opts->env; p && *p; p++)
        has_path |= !strncmp(*p, "PATH=", 5);
    if (!has_path)
        json_object_array_add(env, json_object_new_string(DEFAULT_PATH));
    for (const char *const *p = opts->env; p && *p; p++)
        json_object_array_add(env, json_object_new_string(*p));
    set(o, "Env", env);
    if (opts->entrypoint)
        set(o, "Entrypoint", words(opts->entrypoint));
    if (opts->cmd || !opts->entrypoint)
        set(o, "Cmd", words(opts->cmd ? opts->cmd : shell));
    if (opts->user)
        set(o, "User", json_object_new_string(opts->user));
    if (opts->workdir)
        set(o, "WorkingDir", json_object_new_string(opts->workdir));
    return o;
}

/* No time of creation: the same input makes the same image. */
static struct json_object *config_json(struct import *im)
{
    struct json_object *o = json_object_new_object(), *rootfs = json_object_new_object();
    struct json_object *ids = json_object_new_array(), *history = json_object_new_array();
    struct json_object *step = json_object_new_object();

    set(o, "architecture", json_object_new_string("amd64"));
    set(o, "os", json_object_new_string("linux"));
    set(o, "config", run_part(im->opts));
    json_object_array_add(ids, json_object_new_string(im->diff_id));
    set(rootfs, "type", json_object_new_string("layers"));
    set(rootfs, "diff_ids", ids);
    set(o, "rootfs", rootfs);
    set(step, "created_by", json_object_new_string("xenc image import"));
    json_object_array_add(history, step);
    set(o, "history", history);
    return o;
}

static struct json_object *desc_json(const struct desc *d)
{
    struct json_object *o = json_object_new_object();

    set(o, "mediaType", json_object_new_string(d->media_type));
    set(o, "digest", json_object_new_string(d->digest));
    set(o, "size", json_object_new_int64((int64_t)d->size));
    return o;
}

static struct json_object *manifest_json(struct import *im)
{
    struct json_object *o = json_object_new_object(), *layers = json_object_new_array();

    set(o, "schemaVersion", json_object_new_int(2));
    set(o, "mediaType", json_object_new_string(MANIFEST_TYPE));
    set(o, "config", desc_json(&im->config));
    json_object_array_add(layers, desc_json(&im->layer));
    set(o, "layers", layers);
    return o;
}

/* Stores a JSON text (taken) as a blob. */
static int add_json(struct import *im, struct json_object *o, const char *type,
                    struct desc *d, struct err *e)
{
    const char *text = json_object_to_json_string_ext(
        o, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
    int rc = text ? 0 : err_sys(e, ENOMEM, "image");

    d->media_type = arena_strdup(&im->mem, type);
    if (rc == 0)
        rc = store_add(&im->store, text, strlen(text), d, &im->mem, e);
    json_object_put(o);
    return rc;
}

int oci_image_import(const char *src, const char *ref, const struct oci_import_opts *opts,
                     struct err *e)
{
    static const struct oci_import_opts none;
    struct import *im = calloc(1, sizeof(*im));
    char *path = NULL, *tag = NULL;
    int rc;

    if (!im)
        return err_sys(e, ENOMEM, "import");
    im->opts = opts ? opts : &none;
    im->store.fd = im->store.blobs = -1;
    rc = split(im, ref, &path, &tag, e);
    if (rc == 0) {
        locale_t old, loc = utf8_enter(&old);
        rc = store_open(&im->store, path, e);
        if (rc == 0)
            rc = add_layer(im, src, e);
        if (rc == 0)
            rc = add_json(im, config_json(im), CONFIG_TYPE, &im->config, e);
        if (rc == 0)
            rc = add_json(im, manifest_json(im), MANIFEST_TYPE, &im->manifest, e);
        if (rc == 0)
            rc = store_tag(&im->store, tag, &im->manifest, e);
        store_close(&im->store, rc < 0);
        utf8_leave(loc, old);
    }
    arena_dispose(&im->mem);
    free(im);
    return rc;
}
