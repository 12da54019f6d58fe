/* Inside oci/: from a layout to the parts of one image. */
#ifndef XENC_OCI_IMAGE_H
#define XENC_OCI_IMAGE_H

#include <locale.h>
#include <nettle/sha2.h>
#include <sys/types.h>

#include "oci/oci.h"

/* digest.c: only sha256 is accepted, as "sha256:" and 64 lower-case hex digits. */
#define DIGEST_LEN 71
struct hash { struct sha256_ctx ctx; uint64_t bytes; };
void hash_init(struct hash *h);
void hash_add(struct hash *h, const void *data, size_t len);
void hash_end(struct hash *h, char digest[static DIGEST_LEN + 1]);
bool digest_valid(const char *digest);

/* A content descriptor (image-spec descriptor.md). */
struct desc {
    char *media_type, *digest;
    uint64_t size;
    char *ref_name;             /* annotation org.opencontainers.image.ref.name, or NULL */
    char *os, *arch, *variant;  /* platform; NULL: not given */
    char *artifact_type;        /* set: not an image to run */
};

/* Where a blob's bytes lie: a file of its own, or a stretch of a tar file. */
struct blob { int fd; uint64_t off, size; };
#define BLOB_NONE { .fd = -1 }
void blob_close(struct blob *b);
/* Reads at `pos` of the blob: the count, 0 at its end, or a negative errno. */
ssize_t blob_read(const struct blob *b, uint64_t pos, void *data, size_t len);

/* layout.c: a layout as folder or tar file. */
struct layout;
int layout_open(const char *path, struct layout **l_r, struct err *e);
void layout_close(struct layout *l);
int layout_file(struct layout *l, const char *name, size_t max, char **text_r,
                size_t *len_r, struct err *e);
/* Checks that the blob's size is the descriptor's. */
int layout_blob(struct layout *l, const struct desc *d, struct blob *b, struct err *e);
/* A whole small blob, digest and size verified. */
int layout_text(struct layout *l, const struct desc *d, char **text_r, size_t *len_r,
                struct err *e);
/* Splits "LAYOUT[:TAG]": an existing path is a path, whatever it contains. */
int layout_split_ref(const char *ref, struct arena *mem, char **path_r, char **tag_r,
                     struct err *e);

/* tarindex.c: the plain files of an uncompressed tar, by name. */
struct tar_file { char *name; uint64_t off, size; };
struct tar_index { struct tar_file *v; size_t n, cap; };
int tar_index_read(int fd, struct arena *mem, struct tar_index *ix, struct err *e);
void tar_index_dispose(struct tar_index *ix);

/* index.c: the image's manifest for this machine. */
int index_find(struct layout *l, const char *tag, struct arena *mem, struct desc *manifest_r,
               struct err *e);

/* manifest.c */
struct image {
    struct desc config;
    struct desc *layers;
    size_t nlayers;
    struct oci_strv diff_ids;   /* as many as layers */
    struct oci_strv env, entrypoint, cmd;
    char *user, *workdir, *stop_signal;
    char *os, *arch, *author, *created;
    struct oci_pairs labels;
    struct oci_strv volumes, ports;
};
int image_read(struct layout *l, const struct desc *manifest, struct arena *mem,
               struct image *im, struct err *e);

bool media_is_index(const char *type);
bool media_is_manifest(const char *type);
bool media_is_config(const char *type);
bool media_is_layer(const char *type);

/* layer.c: a blob as a stream of tar entries, hashed on both sides of compression. */
struct archive;
struct layer;
struct layer_io {
    void (*consumed)(void *arg, uint64_t bytes);    /* progress; may be NULL */
    void *arg;
    const volatile int *cancel;                     /* may be NULL */
};
int layer_open(const struct blob *b, const struct layer_io *io, struct layer **l_r,
               struct err *e);
/* For archive_read_next_header; NULL: layer_error tells. */
struct archive *layer_archive(struct layer *l);
/* Reads the rest and gives the digests of the blob and of the plain tar. */
int layer_finish(struct layer *l, char blob_digest[static DIGEST_LEN + 1],
                 char plain_digest[static DIGEST_LEN + 1], struct err *e);
/* The plain bytes instead of entries: the next run of them, 0 at the end. */
ssize_t layer_plain(struct layer *l, const void **data_r, struct err *e);
/* The error that the archive reports, in our words where it is ours. */
int layer_error(struct layer *l, const char *what, struct err *e);
void layer_free(struct layer *l);

/* name.c: an entry's name as a clean relative path without ".", ".." or empty parts, ""
 * for the root itself. A name that has ".." or is too long is refused. */
int layer_name(const char *raw, char out[static 4096], struct err *e);

/* unpack.c: applies layers to the folder `rootfd`, bottom first. */
struct unpack;
int unpack_new(int rootfd, const struct oci_image_opts *opts, struct unpack **u_r,
               struct err *e);
int unpack_layer(struct unpack *u, struct layer *l, struct err *e);
/* Folder times and modes, which could not be set while folders were being filled. */
int unpack_finish(struct unpack *u, struct err *e);
void unpack_free(struct unpack *u);

/* passwd.c: the image's "User" as runc reads it, looked up in the root's files. */
struct image_user { uint32_t uid, gid; uint32_t *groups; size_t ngroups; char *home; };
int image_user_find(int rootfd, const char *user, struct arena *mem, struct image_user *u,
                    struct err *e);

/* utf8.c: around all use of libarchive. */
locale_t utf8_enter(locale_t *old_r);
void utf8_leave(locale_t loc, locale_t old);

/* bundle.c: config.json's text for an unpacked image, to be freed. */
int bundle_config(const struct image *im, int rootfd, bool terminal, char **text_r,
                  struct err *e);

#endif
