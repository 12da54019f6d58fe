/* The files the guest knows: numbers to descriptors. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "hv/dev/fs_int.h"

enum { NODES_AT_FIRST = 64 };

static uint32_t *bucket(struct fs *fs, unsigned tree, uint64_t dev, uint64_t ino)
{
    uint64_t h = (ino ^ dev << 32 ^ (uint64_t)tree << 56) * 0x9e3779b97f4a7c15u;

    return &fs->buckets[h >> 32 & (fs->nbuckets - 1)];
}

static void hash_in(struct fs *fs, uint32_t id)
{
    struct node *n = &fs->nodes[id];
    uint32_t *b = bucket(fs, n->tree, n->dev, n->ino);

    n->next = *b;
    *b = id;
}

/* A hash of `room` buckets over the nodes there are. */
static int rehash(struct fs *fs, uint32_t room)
{
    uint32_t *buckets = calloc(room, sizeof(*buckets));

    if (!buckets)
        return -ENOMEM;
    free(fs->buckets);
    fs->buckets = buckets;
    fs->nbuckets = room;
    for (uint32_t i = 1; i < fs->keep->nnodes; i++) {
        if (fs->nodes[i].type)
            hash_in(fs, i);
    }
    return 0;
}

/* A free slot's number, or a negative errno. */
static int64_t slot_new(struct fs *fs)
{
    uint32_t id = fs->free_node;

    if (id) {
        fs->free_node = fs->nodes[id].next;
        return id;
    }
    if (fs->keep->nnodes == FS_NODES_MAX)
        return -ENFILE;
    if (fs->keep->nnodes >= fs->nbuckets && rehash(fs, 2 * fs->nbuckets) < 0)
        return -ENOMEM;
    return fs->keep->nnodes++;
}

/* The slot becomes a node nobody refers to yet. */
static void link_in(struct fs *fs, uint32_t id, unsigned tree, int fd, const struct stat *st)
{
    struct node *n = &fs->nodes[id];

    *n = (struct node){ .dev = st->st_dev, .ino = st->st_ino, .fd = fd,
                        .tree = (uint16_t)tree };
    KEEP_ORDER();
    n->type = (uint8_t)(st->st_mode >> 12);
    KEEP_ORDER();
    hash_in(fs, id);
    fs->live++;
    fs->open_nodes++;
}

int nodes_init(struct fs *fs, struct err *e)
{
    struct stat st;
    int fd;

    if (rehash(fs, NODES_AT_FIRST) < 0)
        return err_set(e, ENOMEM, "no memory for the file server");
    fd = fd_dup(fs->trees[0].fd);
    if (fd < 0)
        return err_sys(e, errno, "root file system");
    if (fstatat(fd, "", &st, AT_EMPTY_PATH) < 0 || !S_ISDIR(st.st_mode)) {
        close(fd);
        return err_set(e, ENOTDIR, "root file system: not a directory");
    }
    link_in(fs, FUSE_ROOT_ID, 0, fd, &st);
    fs->nodes[FUSE_ROOT_ID].nlookup = 1;
    KEEP_ORDER();
    fs->keep->nnodes = FS_FIRST_NODE;
    return 0;
}

void nodes_drop(struct fs *fs)
{
    for (uint32_t i = 1; i < fs->keep->nnodes; i++) {
        struct node *n = &fs->nodes[i];
        bool open = n->type && n->fd >= 0;

        n->type = 0;
        n->nlookup = 0;
        KEEP_ORDER();
        if (open)
            close(n->fd);
    }
    free(fs->buckets);
    fs->buckets = NULL;
    fs->keep->nnodes = fs->nbuckets = fs->free_node = 0;
    fs->live = fs->open_nodes = fs->hand = fs->evicted = fs->ngarbage = 0;
}

struct node *node_get(struct fs *fs, uint64_t id)
{
    if (id >= fs->keep->nnodes || !fs->nodes[id].type || !fs->nodes[id].nlookup)
        return NULL;
    return &fs->nodes[id];
}

struct node *node_find(struct fs *fs, unsigned tree, const struct stat *st)
{
    uint32_t i = *bucket(fs, tree, st->st_dev, st->st_ino);

    for (; i; i = fs->nodes[i].next) {
        struct node *n = &fs->nodes[i];

        if (n->ino == st->st_ino && n->dev == st->st_dev && n->tree == tree &&
            n->type == st->st_mode >> 12)
            return n;
    }
    return NULL;
}

/* Frees a node that neither the guest nor a child needs, and then maybe its parent. */
static void node_release(struct fs *fs, uint32_t id)
{
    while (id >= FS_FIRST_NODE && fs->nodes[id].type && !fs->nodes[id].nlookup &&
           !fs->nodes[id].nchildren) {
        struct node *n = &fs->nodes[id];
        uint32_t *b = bucket(fs, n->tree, n->dev, n->ino), parent = n->parent;

        while (*b != id)
            b = &fs->nodes[*b].next;
        *b = n->next;
        news_node_gone(fs, id);
        n->type = 0;
        KEEP_ORDER();
        if (n->fd >= 0) {
            close(n->fd);
            fs->open_nodes--;
        } else {
            fs->evicted--;
        }
        locks_forget(fs, id);
        n->next = fs->free_node;
        fs->free_node = id;
        fs->live--;
        if (!parent)
            return;
        fs->nodes[parent].nchildren--;
        id = parent;
    }
}

void nodes_settle(struct fs *fs)
{
    while (fs->ngarbage)
        node_release(fs, fs->garbage[--fs->ngarbage]);
}

/* To be released when the request is over. There are never more than counts change. */
static void maybe_garbage(struct fs *fs, uint32_t id)
{
    if (fs->ngarbage < FS_UNDO_MAX)
        fs->garbage[fs->ngarbage++] = id;
}

void node_forget(struct fs *fs, uint64_t id, uint64_t count)
{
    struct node *n = node_get(fs, id);

    if (!n || id < FS_FIRST_NODE || !count)
        return;
    fs_set(fs, &n->nlookup, count < n->nlookup ? n->nlookup - count : 0);
    if (!n->nlookup)
        maybe_garbage(fs, (uint32_t)id);
}

/* What a new worker finds: nodes and whom they refer to. The rest is counted again. */
int nodes_take_over(struct fs *fs)
{
    uint32_t room = NODES_AT_FIRST, n = fs->keep->nnodes;

    while (room < n)
        room *= 2;
    if (rehash(fs, room) < 0)
        return -ENOMEM;
    for (uint32_t i = 1; i < n; i++)
        fs->nodes[i].nchildren = 0;
    for (uint32_t i = n - 1; i > 0; i--) {
        struct node *p = &fs->nodes[i];

        if (p->type) {
            fs->live++;
            *(p->fd >= 0 ? &fs->open_nodes : &fs->evicted) += 1;
            fs->nodes[p->parent].nchildren++;
        } else if (i >= FS_FIRST_NODE) {
            p->next = fs->free_node;
            fs->free_node = i;
        }
    }
    for (uint32_t i = FS_FIRST_NODE; i < n; i++)
        node_release(fs, i);
    return 0;
}

const char *node_name(struct fs *fs, const struct node *n)
{
    return n->name[0] == '/' ? fs->keep->names[n - fs->nodes] : n->name;
}

/* A name half written leads to nothing, and is then no worse than an old one. */
void node_set_name(struct fs *fs, struct node *n, uint32_t parent, const char *name)
{
    uint32_t old = n->parent;
    size_t len = strlen(name);

    if (old == parent && !strcmp(node_name(fs, n), name))
        return;
    if (len < sizeof(n->name)) {
        memcpy(n->name, name, len + 1);
    } else {
        memcpy(fs->keep->names[n - fs->nodes], name, len + 1);
        memcpy(n->name, "/", 2);
    }
    n->parent = parent;
    fs->nodes[parent].nchildren++;
    if (old) {
        fs->nodes[old].nchildren--;
        maybe_garbage(fs, old);
    }
}

int node_fd(struct fs *fs, struct node *n)
{
    n->used = true;
    return n->fd >= 0 ? n->fd : node_reopen(fs, n);
}

int req_node(struct fs *fs, uint64_t id, bool write, struct node **n_r)
{
    *n_r = node_get(fs, id);
    if (!*n_r)
        return -ENOENT;
    return write && fs->trees[(*n_r)->tree].ro ? -EROFS : 0;
}

int64_t node_enter(struct fs *fs, uint32_t parent, unsigned tree, const char *name,
                   int fd, const struct stat *st)
{
    struct node *n = node_find(fs, tree, st);
    int64_t id;

    if (n) {
        id = n - fs->nodes;
        if (n->fd < 0) {
            n->fd = fd;
            fs->open_nodes++;
            fs->evicted--;
        } else {
            close(fd);
        }
    } else {
        id = slot_new(fs);
        if (id < 0) {
            close(fd);
            return id;
        }
        link_in(fs, (uint32_t)id, tree, fd, st);
        n = &fs->nodes[id];
    }
    fs_set(fs, &n->nlookup, n->nlookup + 1);
    n->used = true;
    /* A tree's root keeps no name: nothing in the guest's reach could find it again. */
    if (parent && id >= FS_FIRST_NODE && parent != id)
        node_set_name(fs, n, parent, name);
    if (fs->open_nodes > fs->keep->open_max)
        evict_some(fs);
    return id;
}

/* The call itself: musl's fcntl makes a second one that the jail doesn't know. */
int fd_dup(int fd)
{
    return (int)syscall(SYS_fcntl, fd, F_DUPFD_CLOEXEC, 0);
}

struct fd_name fd_name(int fd)
{
    struct fd_name n;
    char *p = n.s + sizeof(n.s) - 1;
    char *end = p;

    *p = 0;
    do
        *--p = (char)('0' + fd % 10);
    while (fd /= 10);
    memmove(n.s, p, (size_t)(end - p) + 1);
    return n;
}

int node_open(struct fs *fs, struct node *n, int flags)
{
    int fd = node_fd(fs, n);

    if (fd < 0)
        return fd;
    fd = openat(AT_FDCWD, fd_name(fd).s, flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    return fd < 0 ? -errno : fd;
}
