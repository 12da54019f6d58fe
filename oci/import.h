/* Inside oci/: making images. */
#ifndef XENC_OCI_IMPORT_H
#define XENC_OCI_IMPORT_H

#include <zlib.h>

#include "oci/image.h"

/* sink.c: bytes of a tar become a gzip blob, hashed on both sides. */
struct sink {
    int fd;                     /* borrowed */
    z_stream z;
    bool open;
    struct hash plain, packed;
    const volatile int *cancel; /* may be NULL */
    unsigned char out[64 * 1024];
};
int sink_open(struct sink *s, int fd, const volatile int *cancel, struct err *e);
int sink_put(struct sink *s, const void *data, size_t len);     /* 0 or -errno */
int sink_finish(struct sink *s, struct err *e);
void sink_close(struct sink *s);

/* tree.c: a directory as tar: sorted, with whole seconds and nanoseconds, hard links,
 * attributes and holes; without names of users. `skip`: a folder not to descend into
 * (the layout, should it lie inside). */
struct stat;
int tree_write(int rootfd, const struct stat *skip, struct sink *s,
               const struct oci_image_opts *opts, struct err *e);

/* store.c: a layout being written. */
struct store {
    int fd;                     /* the layout's folder, locked */
    int blobs;                  /* blobs/sha256 */
    char *path;                 /* borrowed */
    bool made, fresh;           /* the folder is ours; its content is */
};
int store_open(struct store *st, char *path, struct err *e);
int store_add(struct store *st, const void *data, size_t len, struct desc *d, struct arena *mem,
              struct err *e);
/* A blob that is written in pieces: its name until the digest is known. */
int store_new_file(struct store *st, char name[static 64], struct err *e);
int store_rename(struct store *st, const char *name, const char *digest, struct err *e);
/* Makes `tag` mean this manifest. */
int store_tag(struct store *st, const char *tag, const struct desc *manifest, struct err *e);
void store_close(struct store *st, bool failed);

#endif
