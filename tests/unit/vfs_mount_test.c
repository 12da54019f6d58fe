// uses: unikernel-kernel/fs/objcache.c unikernel-kernel/fs/uio.c unikernel-kernel/fs/dcache.c unikernel-kernel/fs/pathname.c unikernel-kernel/fs/inode.c unikernel-kernel/fs/attr.c unikernel-kernel/fs/super.c unikernel-kernel/fs/walk.c unikernel-kernel/fs/namei.c unikernel-kernel/fs/fsctx.c unikernel-kernel/fs/mount*.c unikernel-kernel/fs/nsfs.c unikernel-kernel/core/ns.c unikernel-kernel/fs/file.c unikernel-kernel/fs/fdtable.c unikernel-kernel/fs/rw.c unikernel-kernel/fs/open.c unikernel-kernel/fs/dirops.c unikernel-kernel/fs/rename.c unikernel-kernel/fs/stat.c unikernel-kernel/fs/xattr.c unikernel-kernel/fs/tmpfs.c unikernel-kernel/fs/tmpfs_dir.c unikernel-kernel/fs/tmpfs_data.c unikernel-kernel/fs/tmpfs_pages.c unikernel-kernel/fs/tmpfs_xattr.c unikernel-kernel/fs/flock.c unikernel-kernel/fs/posixlock.c unikernel-kernel/fs/hostlock.c unikernel-kernel/fs/chrdev.c unikernel-kernel/fs/devtmpfs.c unikernel-kernel/fs/memfd.c unikernel-kernel/fs/pipe.c unikernel-kernel/fs/fifo.c unikernel-kernel/sys/fs_*.c unikernel-kernel/lib/rbtree.c tests/unit/unitvfs.c
/* Mounts: crossing them, binding, moving, flags, busy ones, lazy ones, pivot_root. */
#include <asm/stat.h>
#include <linux/fs.h>
#include "unitvfs.h"

#define TMPFS(at) CALL(mount, "none", at, "tmpfs", 0, 0)

static void test_cross(void)
{
    struct stat up, root, m;
    char cwd[64];
    CALL(mkdir, "/m", 0755);
    unit_file("/m/below", "below");
    tap_is(TMPFS("/m"), 0, "mount");
    tap_is(unit_count("/m"), 0, "covers");
    unit_file("/m/f", "f");
    CALL(stat, "/", &root);
    CALL(stat, "/m", &m);
    CALL(stat, "/m/..", &up);
    tap_ok(m.st_dev != root.st_dev && up.st_ino == root.st_ino && up.st_dev == root.st_dev,
           ".. crosses back");
    CALL(mkdir, "/m/d", 0755);
    CALL(chdir, "/m/d");
    tap_ok(CALL(getcwd, cwd, sizeof cwd) > 0 && !strcmp(cwd, "/m/d"), "names across it");
    tap_is(CALL(umount2, "/m", 0), -EBUSY, "busy by a current directory");
    tap_is(CALL(rmdir, "/m"), -EBUSY, "rmdir of a mount point");
    tap_is(CALL(rename, "/m", "/n"), -EBUSY, "rename of a mount point");
    tap_is(CALL(rename, "/m/f", "/f"), -EXDEV, "rename across");
    tap_is(CALL(link, "/m/f", "/f"), -EXDEV, "link across");
    CALL(chdir, "/");
    tap_is(TMPFS("/m"), 0, "a second on top");
    tap_is(unit_count("/m"), 0, "covers the first");
    tap_is(CALL(umount2, "/m", 0), 0, "umount");
    tap_ok(!strcmp(unit_text("/m/f"), "f"), "the first is back");
    tap_is(CALL(umount2, "/m", 0), 0, "umount");
    tap_ok(!strcmp(unit_text("/m/below"), "below"), "what was below is back");
    tap_is(CALL(umount2, "/m", 0), -EINVAL, "not mounted");
    tap_is(CALL(mount, "none", "/m/below", "tmpfs", 0, 0), -ENOTDIR, "onto a file");
    tap_is(CALL(mount, "none", "/m", "nofs", 0, 0), -ENODEV, "unknown type");
    tap_is(CALL(mount, "none", "/nowhere", "tmpfs", 0, 0), -ENOENT, "unknown place");
}

static void test_bind(void)
{
    CALL(mkdir, "/src", 0755);
    CALL(mkdir, "/src/sub", 0755);
    CALL(mkdir, "/dst", 0755);
    unit_file("/src/f", "f");
    TMPFS("/src/sub");
    unit_file("/src/sub/s", "s");
    tap_is(CALL(mount, "/src", "/dst", 0, MS_BIND, 0), 0, "bind");
    tap_ok(!strcmp(unit_text("/dst/f"), "f"), "same file");
    tap_is(unit_count("/dst/sub"), 0, "without what is mounted below");
    CALL(umount2, "/dst", 0);
    tap_is(CALL(mount, "/src", "/dst", 0, MS_BIND | MS_REC, 0), 0, "recursive bind");
    tap_ok(!strcmp(unit_text("/dst/sub/s"), "s"), "with it");
    tap_is(CALL(umount2, "/dst", 0), -EBUSY, "busy by a mount");
    tap_is(CALL(mount, 0, "/dst", 0, MS_REMOUNT | MS_BIND | MS_RDONLY, 0), 0, "read-only");
    tap_is(unit_file("/dst/g", ""), -EROFS, "create");
    tap_is(CALL(open, "/dst/f", O_WRONLY), -EROFS, "open for writing");
    tap_is(CALL(unlink, "/dst/f"), -EROFS, "unlink");
    tap_is(CALL(mkdir, "/dst/d", 0755), -EROFS, "mkdir");
    tap_is(CALL(mkdir, "/dst/sub", 0755), -EEXIST, "mkdir of what exists");
    tap_is(CALL(chmod, "/dst/f", 0600), -EROFS, "chmod");
    tap_is(CALL(truncate, "/dst/f", 0), -EROFS, "truncate");
    tap_is(CALL(access, "/dst/f", 2), -EROFS, "access");
    tap_is(CALL(rename, "/dst/f", "/dst/g"), -EROFS, "rename");
    tap_is(CALL(setxattr, "/dst/f", "user.x", "", 0, 0), -EROFS, "setxattr");
    tap_is(unit_file("/src/g", "g"), 0, "the source is not");
    tap_is(CALL(umount2, "/dst", 2 /* MNT_DETACH */), 0, "lazy umount of both");
    tap_is(unit_count("/dst"), 0, "gone");
    unit_file("/one", "one");
    unit_file("/two", "two");
    tap_is(CALL(mount, "/one", "/two", 0, MS_BIND, 0), 0, "bind of a file");
    tap_ok(!strcmp(unit_text("/two"), "one"), "over a file");
    tap_is(unit_file("/two", "new"), 0, "O_CREAT|O_TRUNC opens what is mounted");
    tap_ok(!strcmp(unit_text("/one"), "new"), "and writes there");
    tap_is(CALL(unlink, "/two"), -EBUSY, "unlink of a mount point");
    tap_is(CALL(umount2, "/two", 0), 0, "umount");
    CALL(umount2, "/src/sub", 0);
}

static void test_move(void)
{
    long fd;
    CALL(mkdir, "/a", 0755);
    CALL(mkdir, "/b", 0755);
    TMPFS("/a");
    unit_file("/a/f", "moved");
    CALL(mkdir, "/a/in", 0755);
    tap_is(CALL(mount, "/a", "/a/in", 0, MS_MOVE, 0), -ELOOP, "below itself");
    tap_is(CALL(mount, "/a", "/b", 0, MS_MOVE, 0), 0, "move");
    tap_ok(!strcmp(unit_text("/b/f"), "moved") && unit_count("/a") == 0, "there and not here");
    fd = CALL(open, "/b/f", O_RDONLY);
    tap_is(CALL(umount2, "/b", 0), -EBUSY, "busy by an open file");
    tap_is(CALL(umount2, "/b", 2), 0, "lazily");
    CALL(unlink, "/b");
    tap_is(CALL(read, fd, &(char[8]){ 0 }, 8), 5, "the open file lives on");
    CALL(close, fd);
}

static void test_chroot_pivot(void)
{
    char buf[64];
    CALL(mkdir, "/new", 0755);
    TMPFS("/new");
    CALL(mkdir, "/new/old", 0755);
    unit_file("/new/here", "new root");
    unit_file("/there", "old root");
    tap_is(CALL(pivot_root, "/a", "/a"), -EBUSY, "on the root's own mount");
    tap_is(CALL(pivot_root, "/new", "/a"), -EBUSY, "put_old is not below");
    tap_is(CALL(pivot_root, "/new", "/new/old"), 0, "pivot_root");
    tap_ok(!strcmp(unit_text("/here"), "new root"), "new");
    tap_ok(!strcmp(unit_text("/old/there"), "old root"), "old");
    tap_ok(CALL(getcwd, buf, sizeof buf) > 0 && !strcmp(buf, "/"), "the current directory moved");
    CALL(mkdir, "/jail", 0755);
    unit_file("/jail/x", "x");
    CALL(symlink, "/../../x", "/jail/l");
    tap_is(CALL(chroot, "/jail"), 0, "chroot");
    CALL(chdir, "/");
    tap_ok(!strcmp(unit_text("/../../x"), "x"), ".. stops at the root");
    tap_ok(!strcmp(unit_text("l"), "x"), "links too");
}

int main(void)
{
    unit_vfs_init();
    test_cross();
    test_bind();
    test_move();
    test_chroot_pivot();
    return tap_end();
}
