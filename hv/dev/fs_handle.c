/* Open files: handles to descriptors. Handle 0 is never given out. */
#include <unistd.h>

#include "hv/dev/fs_int.h"

void files_init(struct fs *fs)
{
    struct fs_keep *k = fs->keep;

    if (!k->nfiles)
        k->nfiles = 1;
    fs->free_file = fs->open_files = 0;
    fs->closing = -1;
    for (uint32_t i = k->nfiles - 1; i > 0; i--) {
        struct file *f = &fs->files[i];

        if (f->is.s.open) {
            f->pos = UINT64_MAX;        /* seek before the next read */
            fs->open_files++;
        } else {
            f->next_free = fs->free_file;
            fs->free_file = i;
        }
    }
}

void files_drop(struct fs *fs)
{
    for (uint32_t i = 1; i < fs->keep->nfiles; i++) {
        union file_state was = fs->files[i].is;

        fs->files[i].is.word = 0;
        KEEP_ORDER();
        if (was.s.open)
            close(was.s.fd);
    }
    fs->keep->nfiles = 0;
}

void files_settle(struct fs *fs)
{
    if (fs->closing >= 0)
        close(fs->closing);
    fs->closing = -1;
}

static int64_t slot_new(struct fs *fs)
{
    uint32_t i = fs->free_file;

    if (fs->open_files >= fs->keep->files_max)
        return -ENFILE;
    if (i) {
        fs->free_file = fs->files[i].next_free;
        return i;
    }
    if (fs->keep->nfiles == FS_FILES_MAX)
        return -ENFILE;
    return fs->keep->nfiles++;
}

int file_add(struct fs *fs, int fd, union file_state how, uint64_t *fh_r)
{
    int64_t i = slot_new(fs);

    if (i < 0) {
        close(fd);
        return (int)i;
    }
    how.s.fd = fd;
    how.s.open = true;
    fs->files[i].pos = 0;
    fs_set(fs, &fs->files[i].is.word, how.word);
    fs->open_files++;
    *fh_r = (uint64_t)i;
    return 0;
}

struct file *file_get(struct fs *fs, uint64_t fh, bool dir)
{
    struct file *f = fh < fs->keep->nfiles ? &fs->files[fh] : NULL;

    return f && f->is.s.open && f->is.s.dir == dir ? f : NULL;
}

int file_fd(const struct file *f)
{
    return f->is.s.fd;
}

/* One a request: it is closed once that is sure to be over. */
void file_drop(struct fs *fs, uint64_t fh)
{
    struct file *f = &fs->files[fh];

    fs->closing = f->is.s.fd;
    fs_set(fs, &f->is.word, 0);
    f->next_free = fs->free_file;
    fs->free_file = (uint32_t)fh;
    fs->open_files--;
}
