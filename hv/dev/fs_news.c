/* What others change in directories whose names the guest keeps (abi/fs.h, "News"): an
 * inotify watch a directory. Our own changes make events too; they are taken out of the
 * queue right after each, as the guest knows of them. */
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/uio.h>
#include <unistd.h>

#include "hv/dev/fs_int.h"

enum {
    NEWS_WATCHES = 8192,        /* of a container: a host has some ten thousand */
    NEWS_BUCKETS = 1024,
    NEWS_BYTES = 16384,         /* changes that the guest has not asked for yet */
};

#define NEWS_MASK (IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB | \
                   IN_CLOSE_WRITE | IN_ONLYDIR | IN_EXCL_UNLINK)

/* A watched directory. Entry 0 is not used. */
struct watched {
    uint32_t node;
    int watch;                  /* inotify's number for it */
    uint32_t next_node, next_watch;     /* chains of the two tables */
};

/* Not kept for the next worker: that one tells the guest that anything may have changed. */
struct news {
    int fd;                     /* of inotify */
    uint32_t by_node[NEWS_BUCKETS], by_watch[NEWS_BUCKETS];
    uint32_t nwatched, free;    /* entries ever used; chained by next_node */
    struct watched watched[NEWS_WATCHES];
    bool all;                   /* more has changed than could be noted */
    uint32_t count;
    size_t len;                 /* of pending */
    uint8_t pending[NEWS_BYTES];        /* struct xenc_news with names */
};

/* The entry of a node; 0: it is not watched. */
static uint32_t entry_of(const struct news *w, uint32_t node)
{
    uint32_t i = w->by_node[node % NEWS_BUCKETS];

    while (i && w->watched[i].node != node)
        i = w->watched[i].next_node;
    return i;
}

static uint32_t entry_of_watch(const struct news *w, int watch)
{
    uint32_t i = w->by_watch[(unsigned)watch % NEWS_BUCKETS];

    while (i && w->watched[i].watch != watch)
        i = w->watched[i].next_watch;
    return i;
}

/* A free entry; 0: there are as many as there may be. */
static uint32_t entry_new(struct news *w)
{
    uint32_t i = w->free;

    if (i)
        w->free = w->watched[i].next_node;
    else if (w->nwatched + 1 < NEWS_WATCHES)
        i = ++w->nwatched;
    return i;
}

static void entry_add(struct news *w, uint32_t i, uint32_t node, int watch)
{
    uint32_t *n = &w->by_node[node % NEWS_BUCKETS];
    uint32_t *p = &w->by_watch[(unsigned)watch % NEWS_BUCKETS];

    w->watched[i] = (struct watched){ node, watch, *n, *p };
    *n = *p = i;
}

static void entry_drop(struct news *w, uint32_t i)
{
    struct watched *e = &w->watched[i];
    uint32_t *n = &w->by_node[e->node % NEWS_BUCKETS];
    uint32_t *p = &w->by_watch[(unsigned)e->watch % NEWS_BUCKETS];

    while (*n != i)
        n = &w->watched[*n].next_node;
    *n = e->next_node;
    while (*p != i)
        p = &w->watched[*p].next_watch;
    *p = e->next_watch;
    e->next_node = w->free;
    w->free = i;
}

void news_node_gone(struct fs *fs, uint32_t id)
{
    uint32_t i = fs->news ? entry_of(fs->news, id) : 0;

    if (!i)
        return;
    inotify_rm_watch(fs->news->fd, fs->news->watched[i].watch);
    entry_drop(fs->news, i);
}

void news_free(struct fs *fs)
{
    if (!fs->news)
        return;
    close(fs->news->fd);
    free(fs->news);
    fs->news = NULL;
}

bool news_watch(struct fs *fs, uint32_t dir)
{
    struct node *n = &fs->nodes[dir];
    struct news *w = fs->news;
    int fd, watch;
    uint32_t i;

    if (!w || n->tree != 0 || n->type != S_IFDIR >> 12)
        return false;
    if (entry_of(w, dir))
        return true;
    fd = node_fd(fs, n);
    i = fd < 0 ? 0 : entry_new(w);
    if (!i)
        return false;
    watch = inotify_add_watch(w->fd, fd_name(fd).s, NEWS_MASK);
    /* One watch a directory: a second node for it (a bind mount) goes without. */
    if (watch <= 0 || entry_of_watch(w, watch)) {
        w->watched[i].next_node = w->free;
        w->free = i;
        return false;
    }
    entry_add(w, i, dir, watch);
    return true;
}

uint64_t news_valid(struct fs *fs, uint32_t dir)
{
    return fs->news && entry_of(fs->news, dir) ? XENC_FS_UNTIL_NEWS : 1;
}

void news_entry(struct fs *fs, uint32_t dir, struct fuse_entry_out *o)
{
    uint64_t valid = news_valid(fs, dir);

    /* A file with more names can be changed through one that nobody watches; what is in
     * a directory is told by its own watch. */
    o->entry_valid = valid;
    if (S_ISDIR(o->attr.mode))
        o->attr_valid = news_valid(fs, (uint32_t)o->nodeid);
    else
        o->attr_valid = o->attr.nlink == 1 ? valid : 1;
}

/* -- events -- */

static void note(struct news *w, uint32_t dir, const char *name, size_t len)
{
    struct xenc_news e = { .nodeid = dir, .namelen = (uint32_t)len };

    if (XENC_NEWS_SIZE(len) > NEWS_BYTES - w->len) {
        w->all = true;
        return;
    }
    memset(w->pending + w->len, 0, XENC_NEWS_SIZE(len));
    memcpy(w->pending + w->len, &e, sizeof(e));
    memcpy(w->pending + w->len + sizeof(e), name, len);
    w->len += XENC_NEWS_SIZE(len);
    w->count++;
}

void news_made(struct fs *fs, uint32_t dir)
{
    int at = news_watch(fs, dir) ? node_fd(fs, &fs->nodes[dir]) : -1, fd;
    struct { uint64_t ino, off; uint16_t reclen; char rest[6]; } dots[2];

    if (at < 0)
        return;
    /* There is room for "." and ".." alone. */
    fd = openat(at, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || getdents64(fd, (void *)dots, sizeof(dots)) != sizeof(dots) ||
        getdents64(fd, (void *)fs->dents, sizeof(fs->dents)) != 0)
        note(fs->news, dir, "", 0);
    if (fd >= 0)
        close(fd);
}

static bool is_ours(const struct own_change *own, unsigned nown, uint32_t dir,
                    const struct inotify_event *ev, const char *name)
{
    for (unsigned i = 0; i < nown; i++) {
        if (own[i].dir == dir && !strcmp(own[i].name, name) &&
            !(ev->mask & NEWS_MASK & ~own[i].mask))
            return true;
    }
    return false;
}

static void take_event(struct fs *fs, const struct inotify_event *ev, const char *name,
                       const struct own_change *own, unsigned nown)
{
    struct news *w = fs->news;
    uint32_t i;

    if (ev->mask & IN_Q_OVERFLOW) {
        w->all = true;
        return;
    }
    i = entry_of_watch(w, ev->wd);
    if (!i)
        return;                 /* of a watch that we have taken away */
    if (ev->mask & IN_IGNORED)
        entry_drop(w, i);       /* the directory is gone */
    else if (!is_ours(own, nown, w->watched[i].node, ev, name))
        note(w, w->watched[i].node, name, strlen(name));
}

void news_take(struct fs *fs, const struct own_change *own, unsigned nown)
{
    char buf[4096] __attribute__((aligned(8)));
    struct iovec iov = { buf, sizeof(buf) };
    ssize_t n;

    if (!fs->news || !fs->news->nwatched)
        return;
    do {
        n = readv(fs->news->fd, &iov, 1);
        for (ssize_t at = 0; at < n;) {
            const struct inotify_event *ev = (const void *)(buf + at);

            take_event(fs, ev, ev->len ? ev->name : "", own, nown);
            at += (ssize_t)(sizeof(*ev) + ev->len);
        }
    } while (n > (ssize_t)(sizeof(buf) / 2));
}

void news_own(struct fs *fs, uint32_t dir, const char *name, uint32_t mask)
{
    struct own_change own = { dir, name, mask };

    if (fs->news && entry_of(fs->news, dir))
        news_take(fs, &own, 1);
}

void news_own_node(struct fs *fs, const struct node *n, uint32_t mask)
{
    if (n->parent)
        news_own(fs, n->parent, node_name(fs, n), mask);
}

/* -- the guest asks -- */

static int start(struct fs *fs)
{
    struct news *w = calloc(1, sizeof(*w));

    if (!w)
        return -ENOMEM;
    w->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (w->fd < 0) {            /* a user may have 128 as a rule */
        free(w);
        return -ENOSYS;
    }
    w->all = true;              /* what it knows so far, nobody has watched */
    fs->news = w;
    return 0;
}

ssize_t op_news(struct fs *fs, struct req *rq)
{
    struct xenc_news_out o = { 0 };
    struct news *w;
    size_t at = 0;
    int rc = fs->news ? 0 : start(fs);

    if (rc < 0)
        return rc;
    w = fs->news;
    news_take(fs, NULL, 0);
    if (w->all) {
        o.flags = XENC_NEWS_ALL;
        w->len = w->count = 0;
        w->all = false;
        return reply(fs, &o, sizeof(o));
    }
    while (at < w->len) {
        struct xenc_news e;

        memcpy(&e, w->pending + at, sizeof(e));
        if (sizeof(o) + at + XENC_NEWS_SIZE(e.namelen) > rq->room)
            break;
        at += XENC_NEWS_SIZE(e.namelen);
        o.count++;
    }
    memcpy(fs->out + sizeof(o), w->pending, at);
    w->len -= at;
    w->count -= o.count;
    memmove(w->pending, w->pending + at, w->len);
    if (w->len)
        o.flags = XENC_NEWS_MORE;
    memcpy(fs->out, &o, sizeof(o));
    return (ssize_t)(sizeof(o) + at);
}
