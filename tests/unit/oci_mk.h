/* Layouts made by hand, so that they can be wrong in every way. All lies below a fresh
 * temporary folder, which is the working directory. */
#ifndef OCI_MK_H
#define OCI_MK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "oci/oci.h"

enum { MK_PLAIN, MK_GZIP, MK_ZSTD };

struct mk_layer {
    struct buf tar;
    int packing;
    const char *media_type;     /* NULL: the right one */
    const char *digest, *diff_id;   /* NULL: the right ones */
    long size_off;              /* added to the descriptor's size */
};

struct mk_image {
    struct mk_layer layer[4];
    size_t nlayers;
    const char *config;         /* inside of "config": {...}; NULL: a command */
    const char *os;             /* NULL: linux */
    const char *manifest_type, *config_type;    /* NULL: the right ones */
};

/* Enters a new temporary folder; the other one leaves and removes it. */
void mk_begin(void);
void mk_end(void);
extern char mk_dir[64];

/* One tar entry; type as in a header: '0' file, '1' hard link, '2' symbolic link, '3'
 * '4' devices, '5' folder, '6' fifo. The name may be anything. */
void mk_entry(struct mk_layer *l, const char *name, char type, unsigned mode,
              const char *link_or_data);
void mk_owner(unsigned uid, unsigned gid);      /* of the entries that follow */
void mk_mtime(unsigned long mtime);
void mk_pax(struct mk_layer *l, const char *key, const char *value);   /* in front of one */

/* Writes a layout folder with the image under `tag` (NULL: none). */
void mk_layout(const char *dir, struct mk_image *im, const char *tag);
/* The descriptor that mk_layout put into index.json, and writing pieces alone. */
const char *mk_store(const char *dir, const char *text, size_t len);    /* its digest */
void mk_write(const char *path, const char *text);
char *mk_read(const char *path);                /* to be freed; NULL: no such file */
void mk_free(struct mk_image *im);

/* Unpacks; 0 or the negative errno. What went wrong is in mk_err. */
int mk_unpack(const char *ref, const char *bundle);
extern struct err mk_err;
extern char mk_warnings[4096];

bool mk_has(const char *path);                  /* lstat says it exists */
bool mk_text_is(const char *path, const char *want);

#endif
