/* Open files: handles to descriptors. Handle 0 is never given out. */
#include <stdlib.h>
#include <unistd.h>

#include "hv/dev/fs_int.h"

int files_init(struct fs *fs, struct err *e)
{
    fs->file_room = 16;
    fs->files = calloc(fs->file_room, sizeof(*fs->files));
    if (!fs->files)
        return err_set(e, ENOMEM, "no memory for the file server");
    fs->files[0].fd = -1;
    fs->nfiles = 1;
    fs->free_file = 0;
    return 0;
}

void files_free(struct fs *fs)
{
    for (uint32_t i = 1; i < fs->nfiles; i++) {
        if (fs->files[i].fd >= 0)
            close(fs->files[i].fd);
    }
    free(fs->files);
    fs->files = NULL;
    fs->nfiles = fs->file_room = fs->free_file = fs->open_files = 0;
}

static int64_t slot_new(struct fs *fs)
{
    uint32_t i = fs->free_file;

    if (fs->open_files >= fs->files_max)
        return -ENFILE;
    if (i) {
        fs->free_file = fs->files[i].next_free;
        return i;
    }
    if (fs->nfiles == fs->file_room) {
        struct file *f = realloc(fs->files, 2ul * fs->file_room * sizeof(*f));

        if (!f)
            return -ENOMEM;
        fs->files = f;
        fs->file_room *= 2;
    }
    return fs->nfiles++;
}

int file_add(struct fs *fs, int fd, bool dir, bool ro, uint64_t *fh_r)
{
    int64_t i = slot_new(fs);

    if (i < 0) {
        close(fd);
        return (int)i;
    }
    fs->files[i] = (struct file){ .fd = fd, .dir = dir, .ro = ro };
    fs->open_files++;
    *fh_r = (uint64_t)i;
    return 0;
}

struct file *file_get(struct fs *fs, uint64_t fh, bool dir)
{
    struct file *f = fh < fs->nfiles ? &fs->files[fh] : NULL;

    return f && f->fd >= 0 && f->dir == dir ? f : NULL;
}

void file_drop(struct fs *fs, uint64_t fh)
{
    struct file *f = &fs->files[fh];

    close(f->fd);
    f->fd = -1;
    f->next_free = fs->free_file;
    fs->free_file = (uint32_t)fh;
    fs->open_files--;
}
