/* A directory tree as a layer's tar. */
#include <archive.h>
#include <archive_entry.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "base/fd.h"
#include "oci/import.h"
#include "oci/keymap.h"
#include "oci/unpack.h"

enum { DEPTH_MAX = 512 };

struct tree {
    struct archive *a;
    struct sink *sink;
    const struct oci_image_opts *opts;
    const struct stat *skip;
    dev_t dev;
    struct keymap links;        /* (device, inode) -> index of paths */
    char **paths;
    size_t npaths;
    struct arena mem;
    int failed;                 /* errno of the sink */
    bool warned_socket, warned_mount;
    unsigned char chunk[128 * 1024];
};

static la_ssize_t write_out(struct archive *a, void *arg, const void *data, size_t len)
{
    struct tree *t = arg;
    int rc = sink_put(t->sink, data, len);

    if (rc < 0) {
        t->failed = -rc;
        archive_set_error(a, -rc, "%s", strerror(-rc));
        return -1;
    }
    return (la_ssize_t)len;
}

static int tar_error(struct tree *t, const char *path, struct err *e)
{
    const char *why = archive_error_string(t->a);

    return err_set(e, t->failed ? t->failed : EIO, "%s: %s", path, why ? why : "tar");
}

static void warn(struct tree *t, bool *said, const char *what, const char *path)
{
    char text[4400];

    if (*said || !t->opts->warn)
        return;
    *said = true;
    snprintf(text, sizeof(text), "%s, the first is \"%s\"", what, path);
    t->opts->warn(t->opts->arg, text);
}

/* Attributes of the host's own kinds are left out, as unpacking would. */
static void add_xattrs(struct archive_entry *entry, int dir, const char *name)
{
    char path[512], list[8192], value[65536];
    ssize_t n;

    snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", dir, name);
    n = llistxattr(path, list, sizeof(list));
    for (char *p = list; n > 0 && p < list + n; p += strlen(p) + 1) {
        ssize_t len = xattr_is_foreign(p) ? -1 : lgetxattr(path, p, value, sizeof(value));
        if (len >= 0)
            archive_entry_xattr_add_entry(entry, p, value, (size_t)len);
    }
}

/* The stretches with data, so that the holes stay holes. */
static void add_sparse(struct archive_entry *entry, int fd, const struct stat *st)
{
    off_t at = 0, hole;

    if ((uint64_t)st->st_blocks * 512 >= (uint64_t)st->st_size)
        return;
    while (at < st->st_size) {
        at = lseek(fd, at, SEEK_DATA);
        if (at < 0)
            break;
        hole = lseek(fd, at, SEEK_HOLE);
        if (hole < 0)
            break;
        archive_entry_sparse_add_entry(entry, at, hole - at);
        at = hole;
    }
    if (archive_entry_sparse_count(entry) == 0)
        archive_entry_sparse_add_entry(entry, st->st_size, 0);
    lseek(fd, 0, SEEK_SET);
}

/* libarchive leaves the holes out itself: it is given every byte. */
static int copy_data(struct tree *t, int fd, const struct stat *st, const char *path,
                     struct err *e)
{
    off_t done = 0;

    while (done < st->st_size) {
        size_t want = sizeof(t->chunk);
        if ((off_t)want > st->st_size - done)
            want = (size_t)(st->st_size - done);
        ssize_t n = read_full(fd, t->chunk, want);
        if (n < 0)
            return err_sys(e, (int)-n, "read %s", path);
        if ((size_t)n != want)
            return err_set(e, EAGAIN, "%s became shorter while it was read", path);
        if (archive_write_data(t->a, t->chunk, want) < 0)
            return tar_error(t, path, e);
        done += n;
    }
    return 0;
}

static int remember_link(struct tree *t, uint64_t key, const char *path)
{
    if ((t->npaths & (t->npaths - 1)) == 0) {
        char **more = realloc(t->paths, (t->npaths ? t->npaths * 2 : 1) * sizeof(char *));
        if (!more)
            return -ENOMEM;
        t->paths = more;
    }
    t->paths[t->npaths] = arena_strdup(&t->mem, path);
    if (!t->paths[t->npaths] || !keymap_put(&t->links, key, (uint32_t)t->npaths))
        return -ENOMEM;
    t->npaths++;
    return 0;
}

/* Fills in what kind of thing it is; 1: leave it out. */
static int describe(struct tree *t, struct archive_entry *entry, int dir, const char *name,
                    const char *path, const struct stat *st, struct err *e)
{
    uint64_t key = (uint64_t)st->st_dev * 0x9e3779b97f4a7c15ull ^ st->st_ino;
    char target[4096];
    uint32_t first;

    archive_entry_set_pathname(entry, path);
    archive_entry_set_filetype(entry, st->st_mode & S_IFMT);
    archive_entry_set_perm(entry, st->st_mode & 07777);
    archive_entry_set_uid(entry, st->st_uid);
    archive_entry_set_gid(entry, st->st_gid);
    archive_entry_set_mtime(entry, st->st_mtim.tv_sec, st->st_mtim.tv_nsec);
    if (S_ISSOCK(st->st_mode)) {
        warn(t, &t->warned_socket, "sockets are left out", path);
        return 1;
    }
    if (!S_ISDIR(st->st_mode) && st->st_nlink > 1) {
        if (keymap_get(&t->links, key, &first)) {
            archive_entry_set_hardlink(entry, t->paths[first]);
            return 0;
        }
        if (remember_link(t, key, path) < 0)
            return err_sys(e, ENOMEM, "%s", path);
    }
    if (S_ISLNK(st->st_mode)) {
        ssize_t n = readlinkat(dir, name, target, sizeof(target) - 1);
        if (n < 0)
            return err_sys(e, errno, "%s", path);
        target[n] = 0;
        archive_entry_set_symlink(entry, target);
    }
    if (S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode))
        archive_entry_set_rdev(entry, st->st_rdev);
    add_xattrs(entry, dir, name);
    return 0;
}

static int write_entry(struct tree *t, int dir, const char *name, const char *path,
                       const struct stat *st, struct err *e)
{
    struct archive_entry *entry = archive_entry_new();
    _cleanup_close_ int fd = -1;
    bool data;
    int rc;

    if (!entry)
        return err_sys(e, ENOMEM, "%s", path);
    rc = describe(t, entry, dir, name, path, st, e);
    data = rc == 0 && S_ISREG(st->st_mode) && !archive_entry_hardlink(entry) && st->st_size;
    if (data) {
        archive_entry_set_size(entry, st->st_size);     /* bounds what is sparse */
        fd = open_child(dir, name, O_RDONLY | O_NONBLOCK, 0);
        if (fd < 0)
            rc = err_sys(e, -fd, "%s", path);
        else
            add_sparse(entry, fd, st);
    }
    if (rc == 0 && archive_write_header(t->a, entry) < ARCHIVE_WARN)
        rc = tar_error(t, path, e);
    if (rc == 0 && data)
        rc = copy_data(t, fd, st, path, e);
    archive_entry_free(entry);
    return rc < 0 ? rc : 0;
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int not_dots(const struct dirent *de)
{
    return strcmp(de->d_name, ".") && strcmp(de->d_name, "..");
}

static int walk(struct tree *t, int dir, char path[static 4096], int depth, struct err *e);

static int walk_one(struct tree *t, int dir, const char *name, char path[static 4096],
                    int depth, struct err *e)
{
    struct stat st;
    int rc;

    if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return err_sys(e, errno, "%s", path);
    if (st.st_dev == t->skip->st_dev && st.st_ino == t->skip->st_ino)
        return 0;
    rc = write_entry(t, dir, name, path, &st, e);
    if (rc < 0 || !S_ISDIR(st.st_mode))
        return rc;
    if (st.st_dev != t->dev) {
        warn(t, &t->warned_mount, "what is mounted in the tree is left out", path);
        return 0;
    }
    _cleanup_close_ int fd = open_child(dir, name, O_RDONLY | O_DIRECTORY, 0);
    if (fd < 0)
        return err_sys(e, -fd, "%s", path);
    return walk(t, fd, path, depth + 1, e);
}

static int walk(struct tree *t, int dir, char path[static 4096], int depth, struct err *e)
{
    size_t len = strlen(path);
    struct dirent **list;
    int rc = 0, n;

    if (depth > DEPTH_MAX)
        return err_set(e, ELOOP, "%s: folders are nested too deep", path);
    n = scandirat(dir, ".", &list, not_dots, by_bytes);
    if (n < 0)
        return err_sys(e, errno, "%s", path);
    for (int i = 0; i < n; i++) {
        const char *name = list[i]->d_name;
        size_t room = 4096 - len;
        if (rc == 0 && (size_t)snprintf(path + len, room, "%s%s", len ? "/" : "", name) >= room)
            rc = err_set(e, ENAMETOOLONG, "%.200s...: path is too long", path);
        if (rc == 0)
            rc = walk_one(t, dir, name, path, depth, e);
        free(list[i]);
    }
    free(list);
    path[len] = 0;
    return rc;
}

static int write_root(struct tree *t, int rootfd, const struct stat *st, struct err *e)
{
    struct archive_entry *entry = archive_entry_new();
    int rc;

    if (!entry)
        return err_sys(e, ENOMEM, "tar");
    rc = describe(t, entry, rootfd, ".", "./", st, e);
    if (rc == 0 && archive_write_header(t->a, entry) < ARCHIVE_WARN)
        rc = tar_error(t, "./", e);
    archive_entry_free(entry);
    return rc;
}

int tree_write(int rootfd, const struct stat *skip, struct sink *s,
               const struct oci_image_opts *opts, struct err *e)
{
    struct tree *t = calloc(1, sizeof(*t));
    char path[4096] = "";
    struct stat st;
    int rc = 0;

    if (!t || fstat(rootfd, &st) < 0 || !(t->a = archive_write_new())) {
        free(t);
        return err_sys(e, ENOMEM, "tar");
    }
    t->sink = s;
    t->opts = opts;
    t->skip = skip;
    t->dev = st.st_dev;
    archive_write_set_format_pax_restricted(t->a);
    archive_write_set_format_option(t->a, "pax", "xattrheader", "SCHILY");
    archive_write_set_bytes_in_last_block(t->a, 1);
    if (archive_write_open(t->a, t, NULL, write_out, NULL) != ARCHIVE_OK)
        rc = tar_error(t, "tar", e);
    if (rc == 0)
        rc = write_root(t, rootfd, &st, e);
    if (rc == 0)
        rc = walk(t, rootfd, path, 0, e);
    if (rc == 0 && archive_write_close(t->a) != ARCHIVE_OK)
        rc = tar_error(t, "tar", e);
    if (rc < 0)
        archive_write_fail(t->a);
    archive_write_free(t->a);
    keymap_dispose(&t->links);
    arena_dispose(&t->mem);
    free(t->paths);
    free(t);
    return rc;
}
