/* See unitvfs.h. What lies outside fs/ and is not under test here is weak and empty. */
#include "unitvfs.h"
#include "ipc.h"
#include "proc.h"
#include <asm/stat.h>

#define WEAK __attribute__((weak))

int unit_vfs_signal;
static long blocks_before;
static struct cred *root_cred;

#define FS(name, fn) \
    WEAK int fn(const char *source, u64 flags, const char *data, struct super **sb_r) \
    { return -ENODEV; }
#include "../../unikernel-kernel/fs/types.def"
#undef FS
/* Devices of other rooms: without operations. */
static const struct file_ops none;
#define CHR(major, first, count, name, mode, fops) \
    extern const struct file_ops fops __attribute__((weak, alias("none")));
#include "../../unikernel-kernel/fs/chrdev.def"
#undef CHR

WEAK void ipc_ns_end(u32 ns) { }
WEAK struct nsset *task_nsset_get(struct task *t) { return nsset_get(t->ns); }
WEAK void exec_image_free(struct exec_image *x) {}
bool mm_file_may_store(const struct inode *i);
WEAK bool mm_file_may_store(const struct inode *i) { return false; }
struct tinode;
void tmpfs_mq_evict(struct tinode *t);
WEAK void tmpfs_mq_evict(struct tinode *t) {}
WEAK void epoll_file_gone(struct file *f) {}
WEAK int signal_send_self(int sig) { return signal_send_task(unit_current(), sig, NULL); }
WEAK int signal_send_task(struct task *t, int sig, const struct ksiginfo *info)
{
    unit_vfs_signal = sig;
    return 0;
}

struct task *unit_vfs_init(void)
{
    struct task *t = unit_task_init();
    struct super *sb;
    int r;
    fdtable_put(t->files);
    vfs_init();
    blocks_before = unit_blocks;
    sb = tmpfs_super("tmpfs", "mode=0755", &r);
    assert(sb && !vfs_mount_root(sb, 0));
    t->fs = fsctx_new_root();
    t->files = fdtable_new();
    root_cred = t->cred;
    return t;
}

bool unit_vfs_end(void)
{
    struct task *t = current();
    struct mount *m = first_mntns->root;
    struct dentry *point;
    unit_be_root();
    fdtable_put(t->files);
    fsctx_put(t->fs);
    t->files = NULL;
    t->fs = NULL;
    mount_detach_locked(m, &point);
    kfree(first_mntns);
    first_mntns = NULL;
    mount_put(m);
    vfs_shrink();
    if (unit_blocks != blocks_before)
        printf("# %ld blocks left\n", unit_blocks - blocks_before);
    return unit_blocks == blocks_before;
}

struct task *unit_vfs_task(bool shared)
{
    struct task *me = current(), *t = unit_task_new(shared ? me->proc : NULL);
    fdtable_put(t->files);
    fsctx_put(t->fs);
    if (shared) {
        ref_get(&me->files->ref);
        ref_get(&me->fs->ref);
        t->files = me->files;
        t->fs = me->fs;
    } else {
        t->files = fdtable_copy(me->files);
        t->fs = fsctx_copy(me->fs);
    }
    return t;
}

void unit_vfs_task_free(struct task *t)
{
    fdtable_put(t->files);
    fsctx_put(t->fs);
    t->files = NULL;
    t->fs = NULL;
    unit_task_free(t);
}

void unit_be_user(u32 uid, u32 gid)
{
    struct task *t = current();
    struct cred *c = cred_dup(root_cred);
    c->uid = c->euid = c->suid = c->fsuid = uid;
    c->gid = c->egid = c->sgid = c->fsgid = gid;
    c->cap_eff = c->cap_perm = 0;
    c->ngroups = 0;
    unit_be_root();
    t->cred = c;
}

void unit_be_root(void)
{
    struct task *t = current();
    if (t->cred != root_cred)
        cred_put(t->cred);
    t->cred = root_cred;
}

int unit_file(const char *name, const char *text)
{
    long fd = CALL(open, name, O_CREAT | O_TRUNC | O_WRONLY, 0644), r;
    if (fd < 0)
        return (int)fd;
    r = CALL(write, fd, text, strlen(text));
    CALL(close, fd);
    return r < 0 ? (int)r : 0;
}

const char *unit_text(const char *name)
{
    static char buf[4096];
    long fd = CALL(open, name, O_RDONLY), n;
    if (fd < 0)
        return "(cannot open)";
    n = CALL(read, fd, buf, sizeof buf - 1);
    CALL(close, fd);
    if (n < 0)
        return "(cannot read)";
    buf[n] = 0;
    return buf;
}

u32 unit_mode(const char *name)
{
    struct stat st;
    return CALL(lstat, name, &st) ? 0 : st.st_mode;
}

long unit_count(const char *dir)
{
    char buf[100];              /* small: several calls for a directory */
    long fd = CALL(open, dir, O_RDONLY | O_DIRECTORY), n = 0, got;
    if (fd < 0)
        return fd;
    while ((got = CALL(getdents64, fd, buf, sizeof buf)) > 0)
        for (long at = 0; at < got;) {
            u16 len;
            const char *name = buf + at + 19;
            memcpy(&len, buf + at + 16, sizeof len);
            n += strcmp(name, ".") && strcmp(name, "..");
            at += len;
        }
    CALL(close, fd);
    return got < 0 ? got : n;
}
