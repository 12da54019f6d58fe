// uses: unikernel-kernel/fs/objcache.c unikernel-kernel/fs/uio.c unikernel-kernel/fs/dcache.c unikernel-kernel/fs/pathname.c unikernel-kernel/fs/inode.c unikernel-kernel/fs/attr.c unikernel-kernel/fs/super.c unikernel-kernel/fs/walk.c unikernel-kernel/fs/namei.c unikernel-kernel/fs/fsctx.c unikernel-kernel/fs/mount*.c unikernel-kernel/fs/nsfs.c unikernel-kernel/core/ns.c unikernel-kernel/fs/file.c unikernel-kernel/fs/fdtable.c unikernel-kernel/fs/rw.c unikernel-kernel/fs/open.c unikernel-kernel/fs/dirops.c unikernel-kernel/fs/rename.c unikernel-kernel/fs/stat.c unikernel-kernel/fs/xattr.c unikernel-kernel/fs/tmpfs.c unikernel-kernel/fs/tmpfs_dir.c unikernel-kernel/fs/tmpfs_data.c unikernel-kernel/fs/tmpfs_pages.c unikernel-kernel/fs/tmpfs_xattr.c unikernel-kernel/fs/flock.c unikernel-kernel/fs/posixlock.c unikernel-kernel/fs/hostlock.c unikernel-kernel/fs/chrdev.c unikernel-kernel/fs/devtmpfs.c unikernel-kernel/fs/memfd.c unikernel-kernel/fs/pipe.c unikernel-kernel/fs/fifo.c unikernel-kernel/sys/fs_*.c unikernel-kernel/lib/rbtree.c tests/unit/unitvfs.c
/* Who may what: modes, sticky and set-group-id directories, chmod, chown, times, access,
 * extended attributes, set-id bits that go. */
#include <asm/stat.h>
#include <linux/capability.h>
#include <linux/xattr.h>
#include "unitvfs.h"

static void test_modes(void)
{
    unit_file("/secret", "s");
    CALL(chmod, "/secret", 0600);
    CALL(mkdir, "/closed", 0700);
    unit_file("/closed/f", "x");
    CALL(chmod, "/", 0755);
    unit_be_user(1000, 1000);
    tap_is(CALL(open, "/secret", O_RDONLY), -EACCES, "unreadable file");
    tap_is(CALL(open, "/closed/f", O_RDONLY), -EACCES, "unsearchable directory");
    tap_is(CALL(open, "/mine", O_CREAT, 0600), -EACCES, "create in a directory of root");
    tap_is(CALL(unlink, "/secret"), -EACCES, "unlink there");
    tap_is(CALL(mkdir, "/m", 0700), -EACCES, "mkdir there");
    tap_is(CALL(chmod, "/secret", 0666), -EPERM, "chmod of another's");
    tap_is(CALL(chown, "/secret", 1000, 1000), -EPERM, "chown of another's");
    tap_is(CALL(mknod, "/n", S_IFCHR | 0600, 0x103), -EACCES, "mknod");
    tap_is(CALL(mount, "none", "/closed", "tmpfs", 0, 0), -EPERM, "mount");
    tap_is(CALL(chroot, "/"), -EPERM, "chroot");
    unit_be_root();
    tap_ok(!strcmp(unit_text("/secret"), "s"), "root reads it");
}

static void test_sticky(void)
{
    long fd;
    CALL(mkdir, "/tmp", 0777);
    CALL(chmod, "/tmp", 01777);
    unit_be_user(1000, 1000);
    tap_is(unit_file("/tmp/mine", "x"), 0, "create in a sticky directory");
    unit_be_user(1001, 1001);
    tap_is(CALL(unlink, "/tmp/mine"), -EPERM, "another cannot remove it");
    tap_is(CALL(rename, "/tmp/mine", "/tmp/yours"), -EPERM, "nor rename it");
    unit_be_user(1000, 1000);
    tap_is(CALL(rename, "/tmp/mine", "/tmp/still"), 0, "the owner renames");
    fd = CALL(open, "/tmp/odd", O_CREAT | O_WRONLY, 0);
    tap_ok(fd >= 0, "create with mode 0 opens for writing");
    CALL(close, fd);
    tap_is(CALL(open, "/tmp/odd", O_RDONLY), -EACCES, "a second open does not");
    tap_is(CALL(unlink, "/tmp/still"), 0, "the owner removes");
    unit_be_root();
}

static void test_setgid_dir(void)
{
    struct stat st;
    CALL(mkdir, "/grp", 0777);
    CALL(chown, "/grp", 0, 500);
    CALL(chmod, "/grp", 02777);
    unit_be_user(1000, 1000);
    unit_file("/grp/f", "");
    CALL(mkdir, "/grp/d", 0755);
    CALL(stat, "/grp/f", &st);
    tap_is(st.st_gid, 500, "a file gets the directory's group");
    CALL(stat, "/grp/d", &st);
    tap_ok(st.st_gid == 500 && (st.st_mode & S_ISGID), "a directory the bit too");
    tap_is(CALL(open, "/grp/s", O_CREAT, 02755), 0, "set-group-id file");
    tap_is(unit_mode("/grp/s") & 07777, 0755, "not for a stranger to the group");
    CALL(close, 0);
    unit_be_root();
}

static void test_setid_goes(void)
{
    struct stat st;
    long fd;
    unit_file("/suid", "x");
    CALL(chown, "/suid", 1000, 1000);
    CALL(chmod, "/suid", 06777);
    tap_is(CALL(chown, "/suid", 1001, -1), 0, "chown");
    tap_is(unit_mode("/suid") & 07777, 0777, "takes the bits away");
    CALL(chmod, "/suid", 06777);
    unit_be_user(1002, 1002);
    fd = CALL(open, "/suid", O_WRONLY);
    CALL(write, fd, "y", 1);
    CALL(close, fd);
    unit_be_root();
    tap_is(unit_mode("/suid") & 07777, 0777, "so does a write");
    unit_be_user(1001, 1001);
    tap_is(CALL(chmod, "/suid", 02755), 0, "chmod by the owner");
    tap_is(unit_mode("/suid") & 07777, 0755, "not in the file's group: no set-group-id");
    tap_is(CALL(chown, "/suid", 1001, 1001), 0, "chgrp to the own group");
    tap_is(CALL(chown, "/suid", 1001, 7), -EPERM, "not to another");
    tap_is(CALL(stat, "/suid", &st), 0, "stat");
    tap_is(st.st_gid, 1001, "group");
    unit_be_root();
}

static void test_access(void)
{
    struct cred *c;
    CALL(chmod, "/secret", 0640);
    tap_is(CALL(access, "/secret", 7), -EACCES, "root: no x bit");
    tap_is(CALL(access, "/secret", 6), 0, "root: read and write");
    tap_is(CALL(access, "/nothing", 0), -ENOENT, "F_OK");
    tap_is(CALL(access, "/secret", 8), -EINVAL, "bad mode");
    unit_be_user(1000, 1000);
    c = current()->cred;
    c->euid = c->fsuid = 0;             /* a set-user-id program */
    c->cap_eff = c->cap_perm = ~0ull >> 23;
    tap_is(CALL(access, "/secret", 4), -EACCES, "asks for the real user");
    tap_is(CALL(faccessat2, AT_FDCWD, "/secret", 4, AT_EACCESS), 0, "AT_EACCESS: the effective");
    unit_be_root();
}

static void test_times(void)
{
    s64 ts[4] = { 100, 5, 200, 6 };
    struct stat st;
    tap_is(CALL(utimensat, AT_FDCWD, "/secret", ts, 0), 0, "utimensat");
    CALL(stat, "/secret", &st);
    tap_ok(st.st_atime == 100 && st.st_atime_nsec == 5 && st.st_mtime == 200, "set");
    ts[1] = (1 << 30) - 2;
    ts[2] = 300;
    tap_is(CALL(utimensat, AT_FDCWD, "/secret", ts, 0), 0, "UTIME_OMIT");
    CALL(stat, "/secret", &st);
    tap_ok(st.st_atime == 100 && st.st_mtime == 300, "one of two");
    ts[1] = -1;
    tap_is(CALL(utimensat, AT_FDCWD, "/secret", ts, 0), -EINVAL, "bad nanoseconds");
    ts[1] = 0;
    unit_be_user(1000, 1000);
    tap_is(CALL(utimensat, AT_FDCWD, "/secret", ts, 0), -EPERM, "another's, to a value");
    tap_is(CALL(utimensat, AT_FDCWD, "/secret", 0, 0), -EACCES, "another's, to now");
    unit_be_root();
}

static void test_xattr(void)
{
    char buf[100], caps[20] = { 0, 0, 0, 2 };   /* revision 2 */
    tap_is(CALL(setxattr, "/secret", "user.a", "one", 3, 0), 0, "set");
    tap_is(CALL(setxattr, "/secret", "user.a", "two!", 4, XATTR_CREATE), -EEXIST, "XATTR_CREATE");
    tap_is(CALL(setxattr, "/secret", "user.b", "", 0, XATTR_REPLACE), -ENODATA, "XATTR_REPLACE");
    tap_is(CALL(getxattr, "/secret", "user.a", buf, 100), 3, "get");
    tap_is(CALL(getxattr, "/secret", "user.a", 0, 0), 3, "size");
    tap_is(CALL(getxattr, "/secret", "user.a", buf, 2), -ERANGE, "too small");
    tap_is(CALL(getxattr, "/secret", "user.c", buf, 2), -ENODATA, "none");
    tap_is(CALL(getxattr, "/secret", "bogus", buf, 2), -EOPNOTSUPP, "no name space");
    CALL(setxattr, "/secret", "trusted.t", "x", 1, 0);
    tap_is(CALL(listxattr, "/secret", buf, 100), 17, "list");
    unit_be_user(1000, 1000);
    tap_is(CALL(setxattr, "/secret", "user.a", "x", 1, 0), -EACCES, "not another's");
    tap_is(CALL(getxattr, "/secret", "trusted.t", buf, 9), -ENODATA, "trusted is hidden");
    tap_is(CALL(setxattr, "/secret", "security.capability", caps, 20, 0), -EPERM, "nor capabilities");
    unit_be_root();
    tap_is(CALL(setxattr, "/secret", "security.capability", "x", 1, 0), -EINVAL, "bad capabilities");
    tap_is(CALL(setxattr, "/secret", "security.capability", caps, 20, 0), 0, "capabilities");
    CALL(chown, "/secret", 5, 5);
    tap_is(CALL(getxattr, "/secret", "security.capability", buf, 9), -ENODATA,
           "file capabilities go with chown");
    tap_is(CALL(removexattr, "/secret", "user.a"), 0, "remove");
    tap_is(CALL(removexattr, "/secret", "user.a"), -ENODATA, "remove again");
}

int main(void)
{
    unit_vfs_init();
    current()->fs->umask = 0;
    test_modes();
    test_sticky();
    test_setgid_dir();
    test_setid_goes();
    test_access();
    test_times();
    test_xattr();
    tap_ok(unit_vfs_end(), "nothing left behind");
    return tap_end();
}
