/* Living with fewer descriptors than the guest knows files: the least recently used are
 * closed and found again by parent and name, if their names can be trusted. A node whose
 * name no longer leads to it (unlinked, moved) is never closed. */
#include <fcntl.h>
#include <unistd.h>

#include "hv/dev/fs_int.h"

enum { DEPTH_MAX = 512 };       /* of directories to reopen; stale names may form a ring */

static int reopen_at(struct fs *fs, struct node *n, unsigned depth);

static int parent_fd(struct fs *fs, struct node *n, unsigned depth)
{
    struct node *p = &fs->nodes[n->parent];

    if (!n->name[0] || depth > DEPTH_MAX)
        return -ESTALE;
    p->used = true;
    return p->fd >= 0 ? p->fd : reopen_at(fs, p, depth + 1);
}

static bool same(const struct node *n, const struct stat *st)
{
    return st->st_ino == n->ino && st->st_dev == n->dev && st->st_mode >> 12 == n->type;
}

static int reopen_at(struct fs *fs, struct node *n, unsigned depth)
{
    int dir = parent_fd(fs, n, depth), fd;
    struct stat st;

    if (dir < 0)
        return dir;
    fd = openat(dir, node_name(fs, n), O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? -ESTALE : -errno;
    if (fstatat(fd, "", &st, AT_EMPTY_PATH) < 0 || !same(n, &st)) {
        close(fd);
        return -ESTALE;
    }
    n->fd = fd;
    fs->open_nodes++;
    fs->evicted--;
    return fd;
}

int node_reopen(struct fs *fs, struct node *n)
{
    return reopen_at(fs, n, 0);
}

static bool try_evict(struct fs *fs, struct node *n)
{
    struct stat st;
    int dir, fd;

    if (!n->type || n->fd < 0 || !n->name[0])
        return false;
    if (n->used) {
        n->used = false;
        return false;
    }
    dir = parent_fd(fs, n, 0);
    if (dir < 0 || fstatat(dir, node_name(fs, n), &st, AT_SYMLINK_NOFOLLOW) < 0 || !same(n, &st))
        return false;
    fd = n->fd;
    n->fd = -1;
    KEEP_ORDER();
    close(fd);
    fs->open_nodes--;
    fs->evicted++;
    return true;
}

/* Two rounds of the clock's hand at most, an eighth of the limit at a time. */
void evict_some(struct fs *fs)
{
    uint32_t want = fs->keep->open_max / 8 + 1, steps = 2 * fs->keep->nnodes;

    while (want && steps--) {
        if (++fs->hand >= fs->keep->nnodes)
            fs->hand = FS_FIRST_NODE;
        if (fs->hand < fs->keep->nnodes && try_evict(fs, &fs->nodes[fs->hand]))
            want--;
    }
}

void evict_unlinking(struct fs *fs, uint32_t dir, const char *name)
{
    struct node *d = &fs->nodes[dir], *n;
    struct stat st;
    int fd = d->fd;

    if (!fs->evicted || fd < 0)
        return;
    fd = openat(fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return;
    n = fstatat(fd, "", &st, AT_EMPTY_PATH) == 0 ? node_find(fs, d->tree, &st) : NULL;
    if (n && n->fd < 0) {
        n->fd = fd;
        fs->open_nodes++;
        fs->evicted--;
    } else {
        close(fd);
    }
}
