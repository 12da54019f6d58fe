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

static int grow(struct fs *fs)
{
    uint32_t room = fs->node_room ? fs->node_room * 2 : NODES_AT_FIRST;
    struct node *nodes;
    uint32_t *buckets;

    if (room > FS_NODES_MAX)
        return -ENFILE;
    nodes = realloc(fs->nodes, room * sizeof(*nodes));
    if (!nodes)
        return -ENOMEM;
    fs->nodes = nodes;
    buckets = calloc(room, sizeof(*buckets));
    if (!buckets)
        return -ENOMEM;
    free(fs->buckets);
    fs->buckets = buckets;
    fs->nbuckets = room;
    fs->node_room = room;
    for (uint32_t i = 1; i < fs->nnodes; i++) {
        struct node *n = &fs->nodes[i];
        uint32_t *b;

        if (!n->type)
            continue;
        b = bucket(fs, n->tree, n->dev, n->ino);
        n->next = *b;
        *b = i;
    }
    return 0;
}

/* A zeroed slot: its number, or a negative errno. */
static int64_t slot_new(struct fs *fs)
{
    uint32_t id = fs->free_node;

    if (id) {
        fs->free_node = fs->nodes[id].next;
    } else {
        if (fs->nnodes == fs->node_room) {
            int rc = grow(fs);

            if (rc < 0)
                return rc;
        }
        id = fs->nnodes++;
    }
    memset(&fs->nodes[id], 0, sizeof(fs->nodes[id]));
    fs->nodes[id].fd = -1;
    return id;
}

static void link_in(struct fs *fs, uint32_t id, unsigned tree, int fd, const struct stat *st)
{
    struct node *n = &fs->nodes[id];
    uint32_t *b = bucket(fs, tree, st->st_dev, st->st_ino);

    n->dev = st->st_dev;
    n->ino = st->st_ino;
    n->tree = (uint16_t)tree;
    n->type = (uint8_t)(st->st_mode >> 12);
    n->fd = fd;
    n->nlookup = 1;
    n->next = *b;
    *b = id;
    fs->live++;
    fs->open_nodes++;
}

int nodes_init(struct fs *fs, struct err *e)
{
    struct stat st;
    int fd;

    if (grow(fs) < 0)
        return err_set(e, ENOMEM, "no memory for the file server");
    memset(fs->nodes, 0, FS_FIRST_NODE * sizeof(*fs->nodes));
    fs->nnodes = FS_FIRST_NODE;
    fd = fd_dup(fs->trees[0].fd);
    if (fd < 0)
        return err_sys(e, errno, "root file system");
    if (fstatat(fd, "", &st, AT_EMPTY_PATH) < 0 || !S_ISDIR(st.st_mode)) {
        close(fd);
        return err_set(e, ENOTDIR, "root file system: not a directory");
    }
    link_in(fs, FUSE_ROOT_ID, 0, fd, &st);
    return 0;
}

void nodes_free(struct fs *fs)
{
    for (uint32_t i = 1; i < fs->nnodes; i++) {
        if (fs->nodes[i].type) {
            free(fs->nodes[i].name);
            if (fs->nodes[i].fd >= 0)
                close(fs->nodes[i].fd);
        }
    }
    free(fs->nodes);
    free(fs->buckets);
    fs->nodes = NULL;
    fs->buckets = NULL;
    fs->nnodes = fs->node_room = fs->nbuckets = fs->free_node = 0;
    fs->live = fs->open_nodes = fs->hand = fs->evicted = 0;
}

struct node *node_get(struct fs *fs, uint64_t id)
{
    if (id >= fs->nnodes || !fs->nodes[id].type || !fs->nodes[id].nlookup)
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
    while (id >= FS_FIRST_NODE && !fs->nodes[id].nlookup && !fs->nodes[id].nchildren) {
        struct node *n = &fs->nodes[id];
        uint32_t *b = bucket(fs, n->tree, n->dev, n->ino), parent = n->parent;

        while (*b != id)
            b = &fs->nodes[*b].next;
        *b = n->next;
        if (n->fd >= 0) {
            close(n->fd);
            fs->open_nodes--;
        } else {
            fs->evicted--;
        }
        free(n->name);
        n->name = NULL;
        n->type = 0;
        n->next = fs->free_node;
        fs->free_node = id;
        fs->live--;
        if (!parent)
            return;
        fs->nodes[parent].nchildren--;
        id = parent;
    }
}

void node_forget(struct fs *fs, uint64_t id, uint64_t count)
{
    struct node *n = node_get(fs, id);

    if (!n || id < FS_FIRST_NODE)
        return;
    n->nlookup = count < n->nlookup ? n->nlookup - count : 0;
    node_release(fs, (uint32_t)id);
}

int node_set_name(struct fs *fs, struct node *n, uint32_t parent, const char *name)
{
    uint32_t old = n->parent;
    char *copy;

    if (old == parent && n->name && !strcmp(n->name, name))
        return 0;
    copy = strdup(name);
    if (!copy)
        return -ENOMEM;
    free(n->name);
    n->name = copy;
    n->parent = parent;
    fs->nodes[parent].nchildren++;
    if (old) {
        fs->nodes[old].nchildren--;
        node_release(fs, old);
    }
    return 0;
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
        n->nlookup++;
    } else {
        id = slot_new(fs);
        if (id < 0) {
            close(fd);
            return id;
        }
        link_in(fs, (uint32_t)id, tree, fd, st);
        n = &fs->nodes[id];
    }
    n->used = true;
    /* A tree's root keeps no name: nothing in the guest's reach could find it again. */
    if (parent && id >= FS_FIRST_NODE && parent != id)
        node_set_name(fs, n, parent, name);
    if (fs->open_nodes > fs->open_max)
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
