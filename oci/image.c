/* oci_image_unpack: the whole way from a reference to a bundle. */
#include "oci/image.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"

#define ROOTFS_NEW ".rootfs.new"

struct job {
    const struct oci_image_opts *opts;
    struct oci_progress progress;
    struct layout *layout;
    struct image image;
    struct arena mem;
    int bundle;                 /* the bundle's folder */
    bool made_bundle;
};

static void consumed(void *arg, uint64_t bytes)
{
    struct job *job = arg;

    job->progress.done += bytes;
    if (job->opts->progress)
        job->opts->progress(job->opts->arg, &job->progress);
}

static int verify(const char *what, const char *want, const char *got, struct err *e)
{
    if (!strcmp(want, got))
        return 0;
    return err_set(e, EBADMSG, "%s is %s, not %s", what, got, want);
}

static int one_layer(struct job *job, struct unpack *u, size_t i, struct err *e)
{
    struct layer_io io = { consumed, job, job->opts->cancel };
    char packed[DIGEST_LEN + 1], plain[DIGEST_LEN + 1];
    const struct desc *d = &job->image.layers[i];
    struct blob blob = BLOB_NONE;
    struct layer *l = NULL;
    int rc = layout_blob(job->layout, d, &blob, e);

    if (rc == 0)
        rc = layer_open(&blob, &io, &l, e);
    if (rc == 0)
        rc = unpack_layer(u, l, e);
    if (rc == 0)
        rc = layer_finish(l, packed, plain, e);
    if (rc == 0)
        rc = verify("digest of the blob", d->digest, packed, e);
    if (rc == 0)
        rc = verify("digest of the uncompressed layer", job->image.diff_ids.v[i], plain, e);
    layer_free(l);
    blob_close(&blob);
    if (rc < 0)
        err_add(e, "layer %zu of %zu (%.19s)", i + 1, job->image.nlayers, d->digest);
    return rc;
}

static int unpack_layers(struct job *job, int rootfd, struct err *e)
{
    struct unpack *u = NULL;
    int rc = unpack_new(rootfd, job->opts, &u, e);

    job->progress.nlayers = (unsigned)job->image.nlayers;
    for (size_t i = 0; i < job->image.nlayers; i++)
        job->progress.total += job->image.layers[i].size;
    for (size_t i = 0; rc == 0 && i < job->image.nlayers; i++) {
        job->progress.layer = (unsigned)i;
        rc = one_layer(job, u, i, e);
    }
    if (rc == 0)
        rc = unpack_finish(u, e);
    unpack_free(u);
    job->progress.finished = true;
    if (rc == 0 && job->opts->progress)
        job->opts->progress(job->opts->arg, &job->progress);
    return rc;
}

static int fill_bundle(struct job *job, struct err *e)
{
    _cleanup_free_ char *config = NULL;
    locale_t old, loc;
    int rc;

    if (mkdirat(job->bundle, ROOTFS_NEW, 0755) < 0)
        return err_sys(e, errno, "create rootfs");
    _cleanup_close_ int rootfd = open_child(job->bundle, ROOTFS_NEW,
                                            O_RDONLY | O_DIRECTORY, 0);
    if (rootfd < 0)
        return err_sys(e, -rootfd, "open rootfs");
    loc = utf8_enter(&old);
    rc = unpack_layers(job, rootfd, e);
    utf8_leave(loc, old);
    if (rc == 0)
        rc = bundle_config(&job->image, rootfd, job->opts->terminal, &config, e);
    if (rc < 0)
        return rc;
    if (renameat(job->bundle, ROOTFS_NEW, job->bundle, "rootfs") < 0)
        return err_sys(e, errno, "rename rootfs");
    return write_file_at(job->bundle, "config.json", config, strlen(config), 0644, e);
}

/* A new folder, closed to others: the root file system in it has the image's setuid
 * programs and owners. An empty folder is taken as it is. */
static int make_bundle(struct job *job, const char *bundle, struct err *e)
{
    if (mkdir(bundle, 0700) == 0)
        job->made_bundle = true;
    else if (errno != EEXIST)
        return err_sys(e, errno, "create bundle %s", bundle);
    job->bundle = open(bundle, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (job->bundle < 0) {
        int code = errno;
        if (job->made_bundle)
            rmdir(bundle);
        return err_sys(e, code, "bundle %s", bundle);
    }
    int empty = folder_is_empty(job->bundle);
    if (empty < 0)
        return err_sys(e, -empty, "bundle %s", bundle);
    return empty ? 0 : err_set(e, EEXIST, "bundle %s exists and is not empty", bundle);
}

static void unmake_bundle(struct job *job, const char *bundle)
{
    remove_tree_at(job->bundle, ROOTFS_NEW);
    remove_tree_at(job->bundle, "rootfs");
    remove_tree_at(job->bundle, "config.json");
    if (job->made_bundle)
        rmdir(bundle);
}

static int open_image(struct job *job, const char *ref, struct err *e)
{
    struct desc manifest = { 0 };
    char *path, *tag;
    int rc = layout_split_ref(ref, &job->mem, &path, &tag, e);

    if (rc < 0)
        return rc;
    rc = layout_open(path, &job->layout, e);
    if (rc < 0)
        return err_add(e, "image layout");
    rc = index_find(job->layout, tag, &job->mem, &manifest, e);
    if (rc == 0)
        rc = image_read(job->layout, &manifest, &job->mem, &job->image, e);
    return rc < 0 ? err_add(e, "image %s", ref) : 0;
}

int oci_image_unpack(const char *ref, const char *bundle, const struct oci_image_opts *opts,
                     struct err *e)
{
    static const struct oci_image_opts none;
    struct job job = { .opts = opts ? opts : &none, .bundle = -1 };
    int rc = open_image(&job, ref, e);

    if (rc == 0)
        rc = make_bundle(&job, bundle, e);
    if (rc == 0) {
        mode_t old = umask(0);
        rc = fill_bundle(&job, e);
        if (rc < 0) {
            unmake_bundle(&job, bundle);
            err_add(e, "image %s", ref);
        }
        umask(old);
    }
    if (job.bundle >= 0)
        close(job.bundle);
    layout_close(job.layout);
    arena_dispose(&job.mem);
    return rc;
}
