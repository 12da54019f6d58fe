// uses: unikernel-kernel/fs/objcache.c unikernel-kernel/fs/uio.c unikernel-kernel/fs/dcache.c unikernel-kernel/fs/pathname.c unikernel-kernel/fs/inode.c unikernel-kernel/fs/attr.c unikernel-kernel/fs/super.c unikernel-kernel/fs/walk.c unikernel-kernel/fs/namei.c unikernel-kernel/fs/fsctx.c unikernel-kernel/fs/mount*.c unikernel-kernel/fs/nsfs.c unikernel-kernel/core/ns.c unikernel-kernel/fs/file.c unikernel-kernel/fs/fdtable.c unikernel-kernel/fs/rw.c unikernel-kernel/fs/open.c unikernel-kernel/fs/dirops.c unikernel-kernel/fs/rename.c unikernel-kernel/fs/stat.c unikernel-kernel/fs/xattr.c unikernel-kernel/fs/tmpfs.c unikernel-kernel/fs/tmpfs_dir.c unikernel-kernel/fs/tmpfs_data.c unikernel-kernel/fs/tmpfs_pages.c unikernel-kernel/fs/tmpfs_xattr.c unikernel-kernel/fs/flock.c unikernel-kernel/fs/posixlock.c unikernel-kernel/fs/hostlock.c unikernel-kernel/fs/chrdev.c unikernel-kernel/fs/devtmpfs.c unikernel-kernel/fs/memfd.c unikernel-kernel/fs/pipe.c unikernel-kernel/fs/fifo.c unikernel-kernel/sys/fs_*.c unikernel-kernel/lib/rbtree.c tests/unit/unitvfs.c
/* flock, record locks, open file description locks; then names and contents from several
 * tasks at once. */
#include <asm/stat.h>
#include <linux/fs.h>
#include "unitvfs.h"

static long set(long fd, u32 cmd, int type, s64 start, s64 len)
{
    struct flock fl = { .l_type = (short)type, .l_start = start, .l_len = len };
    return CALL(fcntl, fd, cmd, &fl);
}

static struct flock probe(long fd, u32 cmd, int type, s64 start, s64 len)
{
    struct flock fl = { .l_type = (short)type, .l_start = start, .l_len = len };
    CALL(fcntl, fd, cmd, &fl);
    return fl;
}

static void test_flock(void)
{
    long a = CALL(open, "/l", O_CREAT | O_RDWR, 0644), b = CALL(open, "/l", O_RDWR);
    tap_is(CALL(flock, a, LOCK_EX), 0, "LOCK_EX");
    tap_is(CALL(flock, b, LOCK_SH | LOCK_NB), -EAGAIN, "LOCK_SH elsewhere");
    tap_is(CALL(flock, a, LOCK_SH), 0, "down to LOCK_SH");
    tap_is(CALL(flock, b, LOCK_SH | LOCK_NB), 0, "now both");
    tap_is(CALL(flock, b, LOCK_EX | LOCK_NB), -EAGAIN, "not up");
    CALL(close, a);
    tap_is(CALL(flock, b, LOCK_EX | LOCK_NB), 0, "close lets go");
    tap_is(CALL(flock, b, 77), -EINVAL, "bad operation");
    CALL(close, b);
}

static void test_posix(struct task *other)
{
    struct task *me = current();
    long fd = CALL(open, "/l", O_RDWR), fd2;
    struct flock fl;
    tap_is(set(fd, F_SETLK, F_WRLCK, 10, 20), 0, "write lock [10,30)");
    tap_is(set(fd, F_SETLK, F_RDLCK, 15, 5), 0, "read lock in its middle");
    unit_set_current(other);
    fd2 = CALL(open, "/l", O_RDWR);
    fl = probe(fd2, F_GETLK, F_RDLCK, 0, 0);
    tap_ok(fl.l_type == F_WRLCK && fl.l_start == 10 && fl.l_len == 5 &&
           fl.l_pid == me->proc->pid, "F_GETLK shows the first part");
    tap_is(set(fd2, F_SETLK, F_RDLCK, 15, 5), 0, "reading the middle");
    tap_is(set(fd2, F_SETLK, F_RDLCK, 15, 6), -EAGAIN, "not beyond");
    tap_is(set(fd2, F_SETLK, F_WRLCK, 30, 0), 0, "write lock to the end");
    unit_set_current(me);
    tap_is(set(fd, F_SETLK, F_UNLCK, 0, 12), 0, "unlock the front");
    tap_is(set(fd, F_SETLK, F_WRLCK, 15, 5), -EAGAIN, "no upgrade while another reads");
    tap_is(set(fd, F_OFD_SETLK, F_WRLCK, 12, 1), -EAGAIN, "an OFD lock minds POSIX ones");
    tap_is(set(fd, F_OFD_SETLK, F_WRLCK, 0, 5), 0, "elsewhere it is fine");
    CALL(close, CALL(dup, fd));
    unit_set_current(other);
    tap_is(probe(fd2, F_GETLK, F_WRLCK, 10, 19).l_type, F_UNLCK, "any close ends POSIX locks");
    tap_is(probe(fd2, F_GETLK, F_WRLCK, 0, 5).l_type, F_WRLCK, "but not OFD ones");
    tap_is(probe(fd2, F_GETLK, F_WRLCK, 0, 5).l_pid, -1, "which have no pid");
    CALL(close, fd2);
    unit_set_current(me);
    CALL(close, fd);
}

/* -- deadlock: two tasks wait for each other -- */

static long dead_result;
static bool dead_ready;

static void dead_fn(void *arg)
{
    long fd = CALL(open, "/l", O_RDWR);
    set(fd, F_SETLK, F_WRLCK, 100, 1);
    __atomic_store_n(&dead_ready, true, __ATOMIC_RELEASE);
    dead_result = set(fd, F_SETLKW, F_WRLCK, 200, 1);
    CALL(close, fd);
}

static void test_deadlock(struct task *other)
{
    long fd = CALL(open, "/l", O_RDWR), r = 0;
    set(fd, F_SETLK, F_WRLCK, 200, 1);
    unit_task_run(other, dead_fn, NULL);
    while (!__atomic_load_n(&dead_ready, __ATOMIC_ACQUIRE))
        unit_sleep_ns(100000);
    unit_sleep_ns(20000000);
    r = set(fd, F_SETLKW, F_WRLCK, 100, 1);
    tap_is(r, -EDEADLK, "EDEADLK");
    CALL(close, fd);
    unit_task_join(other);
    tap_is(dead_result, 0, "the other one gets its lock");
}

/* -- everything at once -- */

enum { ROUNDS = 400, TASKS = 4 };

static void busy_fn(void *arg)
{
    char a[32], b[32], dir[32];
    unsigned id = (unsigned)(u64)arg;
    for (unsigned k = 0; k < ROUNDS; k++) {
        struct stat st;
        snprintf(a, sizeof a, "/w/%u", k % 5);
        snprintf(b, sizeof b, "/w/sub/%u", (k + id) % 5);
        snprintf(dir, sizeof dir, "/w/d%u", k % 3);
        unit_file(a, "data");
        CALL(rename, a, b);
        CALL(mkdir, dir, 0755);
        CALL(rename, dir, "/w/sub/dd");
        CALL(stat, b, &st);
        CALL(link, b, a);
        unit_count("/w/sub");
        CALL(symlink, "/w/sub", "/w/s");
        CALL(stat, "/w/s/../sub/1", &st);
        CALL(unlink, "/w/s");
        CALL(unlink, k & 1 ? a : b);
        CALL(rmdir, "/w/sub/dd");
        CALL(renameat2, AT_FDCWD, "/w/sub/1", AT_FDCWD, "/w/2", RENAME_EXCHANGE);
        if (k % 16 == id)
            vfs_shrink();
        if (k % 8 == id) {
            CALL(mkdir, "/w/m", 0755);
            CALL(mount, "none", "/w/m", "tmpfs", 0, 0);
            unit_file("/w/m/x", "y");
            CALL(umount2, "/w/m", 2);
        }
    }
}

static void test_race(void)
{
    struct task *t[TASKS];
    CALL(mkdir, "/w", 0755);
    CALL(mkdir, "/w/sub", 0755);
    for (int k = 0; k < TASKS; k++) {
        t[k] = unit_vfs_task(k & 1);
        unit_task_run(t[k], busy_fn, (void *)(u64)k);
    }
    for (int k = 0; k < TASKS; k++) {
        unit_task_join(t[k]);
        unit_vfs_task_free(t[k]);
    }
    /* Two unmounts at once may both mean the same mount: one of them then stays. */
    while (CALL(umount2, "/w/m", 2) == 0)
        ;
    tap_ok(true, "%d tasks at once", TASKS);
}

int main(void)
{
    struct task *other;
    unit_vfs_init();
    other = unit_vfs_task(false);
    test_flock();
    test_posix(other);
    test_deadlock(other);
    unit_vfs_task_free(other);
    test_race();
    tap_ok(unit_vfs_end(), "nothing left behind");
    return tap_end();
}
