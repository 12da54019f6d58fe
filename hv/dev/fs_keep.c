/* What a worker leaves to the next one. Counts of references and open files change by an
 * undo log: the old word is noted before the new one is stored, and with the request's end
 * the log is empty. The rest needs no log: a node nobody refers to is garbage, names
 * are hints, and hash chains and free lists are computed anew. */
#include <dirent.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "hv/dev/fs_int.h"

static bool have_chown(void)
{
    struct __user_cap_header_struct h = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct d[2] = { 0 };

    return syscall(SYS_capget, &h, d) == 0 && (d[0].effective & 1u << CAP_CHOWN);
}

/* Descriptors are dealt out: half of them to files the guest knows, a quarter to those
 * it has open. */
static void set_limits(struct fs_keep *fs)
{
    struct rlimit lim = { .rlim_max = 1024 };

    getrlimit(RLIMIT_NOFILE, &lim);
    fs->open_max = lim.rlim_max / 2 < FS_OPEN_NODES_MAX ? (uint32_t)(lim.rlim_max / 2)
                                                        : FS_OPEN_NODES_MAX;
    fs->files_max = lim.rlim_max / 4 < FS_FILES_MAX ? (uint32_t)(lim.rlim_max / 4)
                                                    : FS_FILES_MAX;
}

struct fs_keep *fs_keep_new(void)
{
    struct fs_keep *k = mmap(NULL, sizeof(*k), PROT_READ | PROT_WRITE,
                             MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (k == MAP_FAILED)
        return NULL;
    k->uid = (uint32_t)geteuid();
    k->gid = (uint32_t)getegid();
    k->can_chown = have_chown();
    set_limits(k);
    return k;
}

void fs_set(struct fs *fs, uint64_t *word, uint64_t value)
{
    struct fs_keep *k = fs->keep;

    /* No request changes so many: FS_IN_MAX and FS_OUT_MAX bound them. */
    if (k->nundo == FS_UNDO_MAX)
        abort();
    k->undo[k->nundo].at = word;
    k->undo[k->nundo].old = *word;
    KEEP_ORDER();
    k->nundo++;
    KEEP_ORDER();
    *word = value;
}

void fs_commit(struct fs *fs)
{
    KEEP_ORDER();
    fs->keep->nundo = 0;
    KEEP_ORDER();
    fs->keep->begun.open = 0;
    nodes_settle(fs);
    files_settle(fs);
}

/* Backwards, so that a word changed twice gets its oldest value. */
static void roll_back(struct fs_keep *k)
{
    for (uint32_t i = k->nundo; i > 0; i--)
        *k->undo[i - 1].at = k->undo[i - 1].old;
    KEEP_ORDER();
    k->nundo = 0;
}

bool fs_take_over(struct fs *fs)
{
    fs->nodes = fs->keep->nodes;
    fs->files = fs->keep->files;
    if (!fs->keep->nnodes)
        return false;
    roll_back(fs->keep);
    return true;
}

void fs_each_fd(const struct fs *fs, void (*fn)(void *arg, int fd), void *arg)
{
    for (uint32_t i = 1; i < fs->keep->nnodes; i++) {
        if (fs->nodes[i].type && fs->nodes[i].fd >= 0)
            fn(arg, fs->nodes[i].fd);
    }
    for (uint32_t i = 0; i < fs->keep->nlocked; i++) {
        if (fs->keep->locked[i].word)
            fn(arg, fs->keep->locked[i].s.fd);
    }
    for (uint32_t i = 1; i < fs->keep->nfiles; i++) {
        if (fs->files[i].is.s.open)
            fn(arg, fs->files[i].is.s.fd);
    }
}

_Static_assert(sizeof(struct node) == 64, "a cache line");
_Static_assert(sizeof(union file_state) == 8, "one store");
_Static_assert(sizeof(union locked) == 8, "one store");
_Static_assert(FS_IN_MAX / sizeof(struct fuse_forget_one) < FS_UNDO_MAX, "BATCH_FORGET");
_Static_assert(2 * FS_OUT_MAX / sizeof(struct fuse_direntplus) < FS_UNDO_MAX, "READDIRPLUS");
