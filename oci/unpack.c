#include "oci/unpack.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"

void unpack_warn(struct unpack *u, enum warn_kind kind, const char *fmt, ...)
{
    char text[512];
    va_list ap;

    if (u->warned[kind] || !u->opts.warn)
        return;
    u->warned[kind] = true;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    u->opts.warn(u->opts.arg, text);
}

static void forget_parent(struct unpack *u)
{
    if (u->parent >= 0)
        close(u->parent);
    u->parent = -1;
}

/* Opens the folder an entry goes to, as if the root were "/": links on the way are
 * followed inside it, missing folders are made. 1: a whiteout in what is no folder, which
 * some tools write when a folder became a file; it has nothing to hide. */
static int open_parent(struct unpack *u, char *path, struct target *t, struct err *e)
{
    char *slash = strrchr(path, '/');
    const char *dir = slash ? path : "";
    struct stat st;

    t->path = path;
    t->name = slash ? slash + 1 : path;
    if (slash)
        *slash = 0;
    if (u->parent < 0 || u->parent_stale || strcmp(u->parent_path, dir)) {
        bool white = is_whiteout(t->name);
        int fd = white ? open_in_root(u->root, *dir ? dir : ".", O_PATH | O_DIRECTORY, 0)
                       : mkdirs_in_root(u->root, dir, 0755);
        if (white && (fd == -ENOENT || fd == -ENOTDIR))
            return 1;
        if (fd < 0)
            return err_sys(e, -fd, "folder of \"%s%s%s\"", dir, slash ? "/" : "", t->name);
        forget_parent(u);
        u->parent = fd;
        u->parent_stale = false;
        strcpy(u->parent_path, dir);
        if (fstat(fd, &st) < 0)
            return err_sys(e, errno, "stat \"%s\"", dir);
        u->parent_ino = st.st_ino;
        int rc = folders_note_parent(u, fd, dir, e);
        if (rc < 0)
            return rc;
    }
    if (slash)
        *slash = '/';
    t->dir = u->parent;
    t->dir_ino = u->parent_ino;
    return 0;
}

/* Removes what stands in an entry's place. */
static int make_way(struct unpack *u, const struct target *t)
{
    struct stat st;

    if (fstatat(t->dir, t->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 0 : -errno;
    if (!S_ISREG(st.st_mode))
        u->parent_stale = true;
    return remove_tree_at(t->dir, t->name);
}

static int copy_data(struct layer *l, int fd, struct archive_entry *entry,
                     const struct target *t, struct err *e)
{
    struct archive *a = layer_archive(l);
    la_int64_t size = archive_entry_size(entry), off, end = 0;
    const void *data;
    size_t len;
    int rc;

    while ((rc = archive_read_data_block(a, &data, &len, &off)) == ARCHIVE_OK) {
        const char *p = data;
        while (len) {
            ssize_t n = pwrite(fd, p, len, off);
            if (n < 0 && errno == EINTR)
                continue;
            if (n < 0)
                return err_sys(e, errno, "write \"%s\"", t->path);
            p += n;
            off += n;
            len -= (size_t)n;
        }
        end = off > end ? off : end;
    }
    if (rc != ARCHIVE_EOF)
        return layer_error(l, t->path, e);
    /* A sparse file may end in a hole. */
    if (size > end && ftruncate(fd, size) < 0)
        return err_sys(e, errno, "size of \"%s\"", t->path);
    return 0;
}

static int make_file(struct unpack *u, struct layer *l, const struct target *t,
                     struct archive_entry *entry, struct err *e)
{
    int flags = O_WRONLY | O_CREAT | O_EXCL, rc;
    _cleanup_close_ int fd = open_child(t->dir, t->name, flags, 0600);

    if (fd == -EEXIST) {
        rc = make_way(u, t);
        fd = rc < 0 ? rc : open_child(t->dir, t->name, flags, 0600);
    }
    if (fd < 0)
        return err_sys(e, -fd, "create \"%s\"", t->path);
    rc = copy_data(l, fd, entry, t, e);
    return rc < 0 ? rc : meta_apply(u, t, fd, entry, e);
}

/* The link's other end is looked up in the root like any entry, and its last component
 * is never followed. */
static int make_hardlink(struct unpack *u, const struct target *t, const char *to,
                         struct err *e)
{
    char path[4096];
    const char *name;
    struct stat a, b;
    char *slash;
    int rc = layer_name(to, path, e);

    if (rc < 0)
        return err_add(e, "hard link \"%s\"", t->path);
    slash = strrchr(path, '/');
    name = slash ? slash + 1 : path;
    if (slash)
        *slash = 0;
    _cleanup_close_ int dir =
        open_in_root(u->root, slash ? path : ".", O_PATH | O_DIRECTORY, 0);
    if (dir < 0)
        return err_sys(e, -dir, "hard link \"%s\" to \"%s\"", t->path, to);
    if (linkat(dir, name, t->dir, t->name, 0) == 0)
        return 0;
    if (errno == EEXIST) {
        if (fstatat(dir, name, &a, AT_SYMLINK_NOFOLLOW) == 0 &&
            fstatat(t->dir, t->name, &b, AT_SYMLINK_NOFOLLOW) == 0 && a.st_ino == b.st_ino &&
            a.st_dev == b.st_dev)
            return 0;
        rc = make_way(u, t);
        if (rc == 0 && linkat(dir, name, t->dir, t->name, 0) == 0)
            return 0;
        if (rc < 0)
            errno = -rc;
    }
    return err_sys(e, errno, "hard link \"%s\" to \"%s\"", t->path, to);
}

/* Symbolic links, devices and fifos: made by one call, which is tried again after what
 * is in the way is gone. */
static int make_node_once(const struct target *t, struct archive_entry *entry)
{
    mode_t type = archive_entry_filetype(entry);
    int rc;

    if (type == AE_IFLNK) {
        const char *to = archive_entry_symlink(entry);
        rc = to ? symlinkat(to, t->dir, t->name) : (errno = EINVAL, -1);
    } else {
        rc = mknodat(t->dir, t->name, type | 0600,
                     type == AE_IFIFO ? 0 : archive_entry_rdev(entry));
    }
    return rc < 0 ? -errno : 0;
}

static int make_node(struct unpack *u, const struct target *t, struct archive_entry *entry,
                     struct err *e)
{
    mode_t type = archive_entry_filetype(entry);
    int rc = make_node_once(t, entry);

    if (rc == -EEXIST) {
        rc = make_way(u, t);
        rc = rc < 0 ? rc : make_node_once(t, entry);
    }
    if (rc == -EPERM && (type == AE_IFCHR || type == AE_IFBLK)) {
        unpack_warn(u, WARN_DEVICE, "device nodes are left out, the first is \"%s\": "
                    "not permitted to make them", t->path);
        return 0;
    }
    if (rc < 0)
        return err_sys(e, -rc, "create \"%s\"", t->path);
    return meta_apply(u, t, -1, entry, e);
}

static int make_folder(struct unpack *u, const struct target *t, struct archive_entry *entry,
                       struct err *e)
{
    const char *name = t->name[0] ? t->name : ".";
    int rc = 0;

    if (t->name[0] && mkdirat(t->dir, name, 0700) < 0)
        rc = -errno;
    if (rc == -EEXIST) {
        struct stat st;
        rc = 0;
        if (fstatat(t->dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISDIR(st.st_mode)) {
            rc = make_way(u, t);
            if (rc == 0 && mkdirat(t->dir, name, 0700) < 0)
                rc = -errno;
        }
    }
    _cleanup_close_ int fd =
        rc < 0 ? rc : open_child(t->dir, name, O_RDONLY | O_DIRECTORY, 0);
    if (fd < 0)
        return err_sys(e, -fd, "create folder \"%s\"", t->path);
    rc = meta_apply(u, t, fd, entry, e);
    return rc < 0 ? rc : folders_note_entry(u, fd, t->path, entry, e);
}

static int make_entry(struct unpack *u, struct layer *l, const struct target *t,
                      struct archive_entry *entry, struct err *e)
{
    const char *link = archive_entry_hardlink(entry);

    if (!t->name[0] && (link || archive_entry_filetype(entry) != AE_IFDIR))
        return err_set(e, EINVAL, "entry for the root is no folder");
    if (link)
        return make_hardlink(u, t, link, e);
    switch (archive_entry_filetype(entry)) {
    case AE_IFREG:
        return make_file(u, l, t, entry, e);
    case AE_IFDIR:
        return make_folder(u, t, entry, e);
    case AE_IFLNK: case AE_IFCHR: case AE_IFBLK: case AE_IFIFO:
        return make_node(u, t, entry, e);
    case AE_IFSOCK:
        unpack_warn(u, WARN_SOCKET, "sockets are left out, the first is \"%s\"", t->path);
        return 0;
    default:
        return err_set(e, EINVAL, "entry \"%s\" has an unknown type", t->path);
    }
}

static int one_entry(struct unpack *u, struct layer *l, struct archive_entry *entry,
                     struct err *e)
{
    const char *raw = archive_entry_pathname(entry);
    char path[4096];
    struct target t;
    int rc;

    if (!raw)
        return err_set(e, EINVAL, "entry without a readable name");
    rc = layer_name(raw, path, e);
    if (rc == 0)
        rc = open_parent(u, path, &t, e);
    if (rc != 0)
        return rc < 0 ? rc : 0;
    if (is_whiteout(t.name))
        return whiteout_apply(u, &t, e);
    rc = make_entry(u, l, &t, entry, e);
    if (rc == 0 && !keymap_put(&u->fresh, fresh_key(t.dir_ino, t.name), 0))
        rc = err_sys(e, ENOMEM, "unpack \"%s\"", path);
    return rc;
}

int unpack_layer(struct unpack *u, struct layer *l, struct err *e)
{
    struct archive *a = layer_archive(l);
    struct archive_entry *entry;
    int rc = 0, r = ARCHIVE_FATAL;

    keymap_clear(&u->fresh);
    while (a && rc == 0) {
        r = archive_read_next_header(a, &entry);
        /* A warning is about a name's characters; the name itself is whole. */
        if (r != ARCHIVE_OK && r != ARCHIVE_WARN)
            break;
        rc = one_entry(u, l, entry, e);
    }
    forget_parent(u);
    if (rc == 0 && r != ARCHIVE_EOF)
        rc = layer_error(l, "layer", e);
    return rc;
}

int unpack_new(int rootfd, const struct oci_image_opts *opts, struct unpack **u_r,
               struct err *e)
{
    struct unpack *u = calloc(1, sizeof(*u));

    if (!u)
        return err_sys(e, ENOMEM, "unpack");
    u->root = rootfd;
    u->parent = -1;
    if (opts)
        u->opts = *opts;
    *u_r = u;
    return 0;
}

int unpack_finish(struct unpack *u, struct err *e)
{
    return folders_finish(u, e);
}

void unpack_free(struct unpack *u)
{
    if (!u)
        return;
    forget_parent(u);
    keymap_dispose(&u->fresh);
    keymap_dispose(&u->by_ino);
    free(u->folders);
    arena_dispose(&u->mem);
    free(u);
}
