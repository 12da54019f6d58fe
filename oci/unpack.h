/* Inside oci/: the state of an unpack and its files. Every name is handled as (folder
 * descriptor, one path component), so no link in a layer can lead outside the root. */
#ifndef XENC_OCI_UNPACK_H
#define XENC_OCI_UNPACK_H

#include <sys/stat.h>
#include <time.h>

#include "oci/image.h"
#include "oci/keymap.h"

struct archive_entry;

enum warn_kind { WARN_OWNER, WARN_DEVICE, WARN_XATTR, WARN_SOCKET, WARN_KINDS };

/* A folder whose times (and mode, when it was in a layer) are set at the end. */
struct folder {
    char *path;                 /* as some layer named it, clean */
    uint64_t ino;
    struct timespec times[2];
    mode_t mode;
    bool has_mode;
};

struct unpack {
    int root;
    struct oci_image_opts opts;
    struct arena mem;           /* folders' paths */
    struct keymap fresh;        /* (parent inode, name) pairs that this layer has made */
    struct keymap by_ino;       /* inode -> index of folders */
    struct folder *folders;
    size_t nfolders, folders_cap;
    bool warned[WARN_KINDS];
    /* The folder of the entry before: layers list a folder's content in a row. */
    int parent;                 /* -1: none */
    bool parent_stale;          /* something on its path may have been replaced */
    uint64_t parent_ino;
    char parent_path[4096];
};

/* One entry while it is being made. */
struct target {
    const char *name;           /* its last component; "" for the root */
    const char *path;           /* the clean path, for messages and folders */
    int dir;                    /* parent folder, borrowed */
    uint64_t dir_ino;
};

/* Says a kind of trouble once an unpack. */
void unpack_warn(struct unpack *u, enum warn_kind kind, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* unpack_meta.c: owner, mode, extended attributes and times, in the order in which the
 * kernel does not undo the one for the other. fd: the open object, or -1. */
int meta_apply(struct unpack *u, const struct target *t, int fd, struct archive_entry *entry,
               struct err *e);
struct timespec meta_mtime(struct archive_entry *entry);
/* Attributes that belong to the host: labels, integrity, overlays. */
bool xattr_is_foreign(const char *name);

/* unpack_dirs.c */
int folders_note_parent(struct unpack *u, int fd, const char *path, struct err *e);
int folders_note_entry(struct unpack *u, int fd, const char *path,
                       struct archive_entry *entry, struct err *e);
int folders_finish(struct unpack *u, struct err *e);

/* unpack_white.c: image-spec layer.md, "Whiteouts". */
uint64_t fresh_key(uint64_t dir_ino, const char *name);
bool is_whiteout(const char *name);
int whiteout_apply(struct unpack *u, const struct target *t, struct err *e);

#endif
