/* Folders' times and modes. Filling a folder changes its time, and a mode without write
 * permission would keep an unprivileged caller from filling it, so both wait for the
 * end. A folder that a layer only adds to keeps the time it had. */
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "oci/unpack.h"

/* The folder's record, made when there is none. */
static struct folder *record(struct unpack *u, const struct stat *st, const char *path,
                             bool *new_r)
{
    uint32_t i;

    *new_r = !keymap_get(&u->by_ino, st->st_ino, &i);
    if (*new_r) {
        if (u->nfolders == u->folders_cap) {
            size_t cap = u->folders_cap ? u->folders_cap * 2 : 256;
            struct folder *more = realloc(u->folders, cap * sizeof(*more));
            if (!more)
                return NULL;
            u->folders = more;
            u->folders_cap = cap;
        }
        i = (uint32_t)u->nfolders;
        if (!keymap_put(&u->by_ino, st->st_ino, i))
            return NULL;
        u->folders[u->nfolders++] = (struct folder){ .ino = st->st_ino };
    }
    if (*new_r || strcmp(u->folders[i].path, path)) {
        u->folders[i].path = arena_strdup(&u->mem, path);
        if (!u->folders[i].path)
            return NULL;
    }
    return &u->folders[i];
}

int folders_note_parent(struct unpack *u, int fd, const char *path, struct err *e)
{
    struct folder *f;
    struct stat st;
    bool is_new;

    if (fstat(fd, &st) < 0)
        return err_sys(e, errno, "stat \"%s\"", path);
    if (keymap_get(&u->by_ino, st.st_ino, NULL))
        return 0;
    f = record(u, &st, path, &is_new);
    if (!f)
        return err_sys(e, ENOMEM, "unpack \"%s\"", path);
    f->times[0] = st.st_atim;
    f->times[1] = st.st_mtim;
    return 0;
}

int folders_note_entry(struct unpack *u, int fd, const char *path,
                       struct archive_entry *entry, struct err *e)
{
    struct folder *f;
    struct stat st;
    bool is_new;

    if (fstat(fd, &st) < 0)
        return err_sys(e, errno, "stat \"%s\"", path);
    f = record(u, &st, path, &is_new);
    if (!f)
        return err_sys(e, ENOMEM, "unpack \"%s\"", path);
    f->times[0] = f->times[1] = meta_mtime(entry);
    f->mode = archive_entry_perm(entry);
    f->has_mode = true;
    return 0;
}

/* Deeper folders first: a parent may become closed to us. */
static int deeper_first(const void *a, const void *b)
{
    return strcmp(((const struct folder *)b)->path, ((const struct folder *)a)->path);
}

int folders_finish(struct unpack *u, struct err *e)
{
    if (u->nfolders)
        qsort(u->folders, u->nfolders, sizeof(*u->folders), deeper_first);
    for (size_t i = 0; i < u->nfolders; i++) {
        const struct folder *f = &u->folders[i];
        struct stat st;
        _cleanup_close_ int fd = open_in_root(u->root, f->path[0] ? f->path : ".",
                                              O_RDONLY | O_DIRECTORY, 0);
        /* Removed or replaced by a later entry. */
        if (fd == -ENOENT || fd == -ENOTDIR || fd == -ELOOP)
            continue;
        if (fd < 0 || fstat(fd, &st) < 0)
            return err_sys(e, fd < 0 ? -fd : errno, "folder \"%s\"", f->path);
        if (st.st_ino != f->ino)
            continue;
        if (f->has_mode && (st.st_mode & 07777) != f->mode && fchmod(fd, f->mode) < 0)
            return err_sys(e, errno, "mode of \"%s\"", f->path);
        if (futimens(fd, f->times) < 0)
            return err_sys(e, errno, "times of \"%s\"", f->path);
    }
    return 0;
}
