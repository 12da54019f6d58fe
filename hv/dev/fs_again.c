/* Requests done again. Reads and writes at an offset, attributes, looking up: whatever the
 * first attempt did, a second one comes to the same end. Making, moving and removing names
 * does not: there the journal says when the first attempt began, and what was before. */
#include <fcntl.h>
#include <time.h>

#include "hv/dev/fs_int.h"

void again_begin(struct fs *fs, const struct fuse_in_header *h)
{
    struct begun *b = &fs->keep->begun;

    fs->again = b->open && b->acted && b->unique == h->unique && b->opcode == h->opcode &&
                b->nodeid == h->nodeid;
    if (fs->again)
        return;
    b->open = 0;
    KEEP_ORDER();
    b->unique = h->unique;
    b->opcode = h->opcode;
    b->nodeid = h->nodeid;
    b->acted = 0;
    KEEP_ORDER();
    b->open = 1;
}

void again_note(struct fs *fs, uint64_t fact)
{
    struct begun *b = &fs->keep->begun;
    struct timespec now;

    if (b->acted)
        return;
    /* The clock that files get their times from. */
    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    b->sec = (uint64_t)now.tv_sec;
    b->nsec = (uint64_t)now.tv_nsec;
    b->fact = fact;
    KEEP_ORDER();
    b->acted = 1;
    KEEP_ORDER();
}

bool again_noted(const struct fs *fs, uint64_t *fact_r)
{
    *fact_r = fs->keep->begun.fact;
    return fs->again;
}

static bool changed_since(struct fs *fs, const struct stat *st)
{
    const struct begun *b = &fs->keep->begun;
    uint64_t sec = (uint64_t)st->st_ctim.tv_sec, nsec = (uint64_t)st->st_ctim.tv_nsec;

    return fs->again && (sec > b->sec || (sec == b->sec && nsec >= b->nsec));
}

bool again_since(struct fs *fs, int dir, const char *name)
{
    struct stat st;

    return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && changed_since(fs, &st);
}

/* What the guest knows was there before; what did not change since neither. */
bool again_made(struct fs *fs, unsigned tree, int dir, const char *name, mode_t type)
{
    struct stat st;

    return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && changed_since(fs, &st) &&
           (st.st_mode & S_IFMT) == type && !node_find(fs, tree, &st);
}
