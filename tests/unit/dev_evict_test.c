// uses: hv/dev/fs*.c hv/dev/queue.c hv/dev/bell.c hv/dev/log.c base/err.c
/* The file server with fewer descriptors than the guest knows files: nodes are closed
 * and found again, also after the guest moved or removed what they are called. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hv/dev/fs_int.h"
#include "tap.h"

enum { DIRS = 10, FILES = 100 };

static struct fs *fs;
static struct fs_tree tree;

static int call(uint32_t op, uint64_t node, const void *a, size_t an, const void *b,
                size_t bn, void *out, size_t room)
{
    struct fuse_in_header h = { .len = (uint32_t)(sizeof(h) + an + bn), .opcode = op,
                                .unique = 1, .nodeid = node };
    struct fuse_out_header oh = { .error = -ETIMEDOUT };
    struct iovec in[] = { { &h, sizeof(h) }, { (void *)(uintptr_t)a, an },
                          { (void *)(uintptr_t)b, bn } };
    struct iovec to[] = { { &oh, sizeof(oh) }, { out, room } };

    fs_handle(fs, in, 3, to, 2);
    return oh.error;
}

static int lookup(uint64_t dir, const char *name, uint64_t *id)
{
    struct fuse_entry_out o = { 0 };
    int rc = call(FUSE_LOOKUP, dir, name, strlen(name) + 1, NULL, 0, &o, sizeof(o));

    *id = o.nodeid;
    return rc;
}

static int getattr(uint64_t id, struct fuse_attr_out *o)
{
    struct fuse_getattr_in in = { 0 };

    return call(FUSE_GETATTR, id, &in, sizeof(in), NULL, 0, o, sizeof(*o));
}

static uint64_t dirs[DIRS], files[DIRS][FILES], inos[DIRS][FILES];

static void make_tree(void)
{
    char name[32];

    for (int d = 0; d < DIRS; d++) {
        snprintf(name, sizeof(name), "d%d", d);
        mkdirat(tree.fd, name, 0755);
        for (int i = 0; i < FILES; i++) {
            snprintf(name, sizeof(name), "d%d/f%d", d, i);
            close(openat(tree.fd, name, O_CREAT | O_WRONLY, 0644));
        }
    }
}

static void learn_all(void)
{
    struct fuse_attr_out a = { 0 };
    bool ok = true;
    char name[32];

    for (int d = 0; d < DIRS; d++) {
        snprintf(name, sizeof(name), "d%d", d);
        ok = ok && lookup(1, name, &dirs[d]) == 0;
        for (int i = 0; i < FILES; i++) {
            snprintf(name, sizeof(name), "f%d", i);
            ok = ok && lookup(dirs[d], name, &files[d][i]) == 0 &&
                 getattr(files[d][i], &a) == 0;
            inos[d][i] = a.attr.ino;
        }
    }
    tap_ok(ok, "a thousand files are looked up");
    tap_ok(fs->open_nodes <= fs->keep->open_max + 1 && fs->evicted > 800, "most are closed again");
}

static void test_reopen(void)
{
    struct fuse_attr_out a = { 0 };
    bool ok = true;

    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < DIRS * FILES; i++) {
            int n = i * 7 % (DIRS * FILES);

            ok = ok && getattr(files[n / FILES][n % FILES], &a) == 0 &&
                 a.attr.ino == inos[n / FILES][n % FILES];
            if (fs->open_nodes > fs->keep->open_max)
                evict_some(fs);
        }
    }
    tap_ok(ok, "each is found again as itself");
    tap_is(fs->open_nodes + fs->evicted, fs->live, "the counts agree");
}

static void test_moved(void)
{
    struct fuse_rename_in rn = { dirs[1] };
    struct fuse_attr_out a = { 0 };
    uint64_t id;

    fs->nodes[files[0][0]].used = fs->nodes[files[0][1]].used = false;
    evict_some(fs);
    rn.newdir = 1;
    tap_is(call(FUSE_RENAME, 1, &rn, sizeof(rn), "d0\0moved", 9, NULL, 0), 0,
           "a directory is moved");
    tap_ok(getattr(files[0][5], &a) == 0 && a.attr.ino == inos[0][5],
           "the files in it are still known");
    rn.newdir = dirs[1];
    tap_is(call(FUSE_RENAME, dirs[0], &rn, sizeof(rn), "f0\0g0", 6, NULL, 0), 0,
           "a file is moved");
    tap_ok(getattr(files[0][0], &a) == 0 && a.attr.ino == inos[0][0], "and still known");
    tap_is(call(FUSE_UNLINK, dirs[0], "f1", 3, NULL, 0, NULL, 0), 0, "a file is removed");
    for (int i = 0; i < 20; i++)
        evict_some(fs);
    tap_ok(getattr(files[0][1], &a) == 0 && a.attr.ino == inos[0][1] && a.attr.nlink == 0,
           "and still known, nameless");
    tap_is(lookup(dirs[1], "g0", &id), 0, "the moved file's new name");
    tap_is(id, files[0][0], "is the same node");
    close(openat(tree.fd, "d2/new", O_CREAT | O_WRONLY, 0644));
    renameat(tree.fd, "d2/new", tree.fd, "d2/f2");
    if (fs->nodes[files[2][2]].fd < 0)
        tap_is(getattr(files[2][2], &a), -ESTALE, "a file the host replaced is stale");
    else
        tap_ok(false, "the file to replace should have been closed");
}

static void test_forget(void)
{
    struct fuse_forget_in two = { 2 };

    for (int d = 0; d < DIRS; d++) {
        call(FUSE_FORGET, dirs[d], &two, sizeof(two), NULL, 0, NULL, 0);
        for (int i = 0; i < FILES; i++)
            call(FUSE_FORGET, files[d][i], &two, sizeof(two), NULL, 0, NULL, 0);
    }
    tap_is(fs->live, 1, "all forgotten: the root is left");
    tap_ok(fs->open_nodes == 1 && fs->evicted == 0, "with its descriptor");
}

int main(void)
{
    const struct rlimit lim = { 128, 128 };
    char dir[] = "/tmp/dev_evict_XXXXXX", cmd[64];
    struct err e;

    if (!mkdtemp(dir))
        return 1;
    snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
    tree.fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    make_tree();
    setrlimit(RLIMIT_NOFILE, &lim);
    if (chdir("/proc/self/fd") < 0)
        return 1;
    fs = fs_new(&tree, 1, -1, NULL, &e);
    learn_all();
    test_reopen();
    test_moved();
    test_forget();
    fs_free(fs);
    tap_is(system(cmd), 0, "clean up");
    return tap_end();
}
