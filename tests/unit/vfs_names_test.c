// uses: unikernel-kernel/fs/objcache.c unikernel-kernel/fs/uio.c unikernel-kernel/fs/dcache.c unikernel-kernel/fs/pathname.c unikernel-kernel/fs/inode.c unikernel-kernel/fs/attr.c unikernel-kernel/fs/super.c unikernel-kernel/fs/walk.c unikernel-kernel/fs/namei.c unikernel-kernel/fs/fsctx.c unikernel-kernel/fs/mount*.c unikernel-kernel/fs/nsfs.c unikernel-kernel/core/ns.c unikernel-kernel/fs/file.c unikernel-kernel/fs/fdtable.c unikernel-kernel/fs/rw.c unikernel-kernel/fs/open.c unikernel-kernel/fs/dirops.c unikernel-kernel/fs/rename.c unikernel-kernel/fs/stat.c unikernel-kernel/fs/xattr.c unikernel-kernel/fs/tmpfs.c unikernel-kernel/fs/tmpfs_dir.c unikernel-kernel/fs/tmpfs_data.c unikernel-kernel/fs/tmpfs_pages.c unikernel-kernel/fs/tmpfs_xattr.c unikernel-kernel/fs/flock.c unikernel-kernel/fs/posixlock.c unikernel-kernel/fs/hostlock.c unikernel-kernel/fs/chrdev.c unikernel-kernel/fs/devtmpfs.c unikernel-kernel/fs/memfd.c unikernel-kernel/fs/pipe.c unikernel-kernel/fs/fifo.c unikernel-kernel/sys/fs_*.c unikernel-kernel/lib/rbtree.c tests/unit/unitvfs.c
/* Names: looking up, opening, making, removing, links, renaming. The errors are those
 * that Linux gives on a tmpfs. */
#include <asm/stat.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include "unitvfs.h"

static void test_open(void)
{
    long fd;
    tap_is(CALL(open, "/none", O_RDONLY), -ENOENT, "open: none");
    tap_is(CALL(open, "", O_RDONLY), -ENOENT, "open: empty name");
    tap_is(unit_file("/f", "hello"), 0, "create");
    tap_ok(!strcmp(unit_text("/f"), "hello"), "read back");
    tap_is(CALL(open, "/f", O_CREAT | O_EXCL | O_RDWR, 0600), -EEXIST, "O_EXCL");
    tap_is(CALL(open, "/f/", O_RDONLY), -ENOTDIR, "file with slash");
    tap_is(CALL(open, "/f/x", O_RDONLY), -ENOTDIR, "below a file");
    tap_is(CALL(open, "/f", O_RDONLY | O_DIRECTORY), -ENOTDIR, "O_DIRECTORY of a file");
    tap_is(CALL(open, "/new/", O_CREAT | O_RDWR, 0600), -EISDIR, "create with slash");
    tap_is(CALL(open, "/", O_RDWR), -EISDIR, "directory for writing");
    tap_is(CALL(open, "/", O_CREAT, 0600), -EISDIR, "create /");
    fd = CALL(open, "/f", O_WRONLY | O_TRUNC | O_APPEND);
    tap_is(fd, 0, "lowest descriptor");
    tap_is(CALL(write, fd, "a", 1), 1, "append");
    tap_is(CALL(lseek, fd, 0, SEEK_SET), 0, "seek");
    tap_is(CALL(write, fd, "b", 1), 1, "append again");
    tap_is(CALL(read, fd, &fd, 1), -EBADF, "read of O_WRONLY");
    tap_is(CALL(fcntl, fd, F_GETFL), O_WRONLY | O_APPEND | O_LARGEFILE, "F_GETFL");
    CALL(close, fd);
    tap_is(CALL(close, fd), -EBADF, "closed twice");
    tap_ok(!strcmp(unit_text("/f"), "ab"), "appended");
    fd = CALL(open, "/f", O_PATH);
    tap_is(CALL(read, fd, &fd, 1), -EBADF, "read of O_PATH");
    CALL(close, fd);
    tap_is(CALL(creat, "/f", 0600), 0, "creat");
    CALL(close, 0);
    tap_is(CALL(unlink, "/f"), 0, "unlink");
    tap_is(CALL(unlink, "/f"), -ENOENT, "unlink again");
}

static void test_dirs(void)
{
    char long_name[300], cwd[64];
    memset(long_name, 'x', sizeof long_name);
    long_name[0] = '/';
    long_name[256] = 0;
    tap_is(CALL(open, long_name, O_CREAT, 0600), 0, "a name of 255");
    CALL(close, 0);
    CALL(unlink, long_name);
    long_name[256] = 'x';
    long_name[257] = 0;
    tap_is(CALL(open, long_name, O_CREAT, 0600), -ENAMETOOLONG, "a name of 256");
    tap_is(CALL(mkdir, "/d", 0777), 0, "mkdir");
    tap_is(unit_mode("/d"), S_IFDIR | 0755, "umask");
    tap_is(CALL(mkdir, "/d", 0777), -EEXIST, "mkdir again");
    tap_is(CALL(mkdir, "/d/e/", 0700), 0, "mkdir with slash");
    tap_is(CALL(mkdir, "/n/e", 0700), -ENOENT, "mkdir below none");
    tap_is(CALL(mkdir, "/", 0700), -EEXIST, "mkdir /");
    tap_is(CALL(mkdir, "/d/.", 0700), -EEXIST, "mkdir .");
    tap_is(CALL(rmdir, "/d"), -ENOTEMPTY, "rmdir of a full one");
    tap_is(CALL(rmdir, "/d/."), -EINVAL, "rmdir .");
    tap_is(CALL(rmdir, "/d/e/.."), -ENOTEMPTY, "rmdir ..");
    tap_is(CALL(unlink, "/d"), -EISDIR, "unlink of a directory");
    tap_is(CALL(rmdir, "/"), -EBUSY, "rmdir /");
    tap_is(CALL(chdir, "/d/e"), 0, "chdir");
    tap_is(CALL(getcwd, cwd, sizeof cwd), 5, "getcwd");
    tap_ok(!strcmp(cwd, "/d/e"), "cwd is /d/e");
    tap_is(CALL(getcwd, cwd, 4), -ERANGE, "getcwd: too small");
    tap_is(unit_file("../g", "x"), 0, "relative name");
    tap_is(CALL(rmdir, "/d/e"), 0, "rmdir of the current directory");
    tap_is(CALL(getcwd, cwd, sizeof cwd), -ENOENT, "getcwd: removed");
    tap_is(CALL(open, "x", O_CREAT, 0600), -ENOENT, "create in a removed directory");
    tap_is(CALL(chdir, ".."), 0, "out of it");
    tap_is(unit_count("."), 1, "one entry");
    tap_is(CALL(unlink, "g"), 0, "unlink");
    tap_is(CALL(chdir, "/"), 0, "chdir /");
    tap_is(CALL(rmdir, "/d/"), 0, "rmdir with slash");
}

static void test_links(void)
{
    struct stat a, b;
    char buf[64], name[16];
    long fd;
    unit_file("/f", "text");
    tap_is(CALL(symlink, "f", "/l"), 0, "symlink");
    tap_is(CALL(symlink, "f", "/l"), -EEXIST, "symlink again");
    tap_is(CALL(symlink, "", "/m"), -ENOENT, "empty target");
    tap_is(CALL(readlink, "/l", buf, sizeof buf), 1, "readlink");
    tap_is(CALL(readlink, "/f", buf, sizeof buf), -EINVAL, "readlink of a file");
    tap_ok(!strcmp(unit_text("/l"), "text"), "through the link");
    tap_is(CALL(open, "/l", O_RDONLY | O_NOFOLLOW), -ELOOP, "O_NOFOLLOW");
    fd = CALL(open, "/l", O_PATH | O_NOFOLLOW);
    tap_is(CALL(readlinkat, fd, "", buf, sizeof buf), 1, "readlinkat of the link itself");
    CALL(close, fd);
    tap_is(CALL(open, "/l", O_CREAT | O_EXCL, 0600), -EEXIST, "O_EXCL does not follow");
    CALL(symlink, "/made", "/dangling");
    tap_is(unit_file("/dangling", "x"), 0, "create through a dangling link");
    tap_is(unit_mode("/made"), S_IFREG | 0644, "the target was made");
    CALL(symlink, "loop", "/loop");
    tap_is(CALL(open, "/loop", O_RDONLY), -ELOOP, "a loop");
    tap_is(CALL(open, "/loop", O_CREAT, 0600), -ELOOP, "a loop, to create");
    for (int k = 0; k < 41; k++) {
        snprintf(name, sizeof name, "/c%d", k);
        snprintf(buf, sizeof buf, k ? "c%d" : "f", k - 1);
        CALL(symlink, buf, name);
    }
    tap_is(CALL(stat, "/c39", &a), 0, "40 links");
    tap_is(CALL(stat, "/c40", &a), -ELOOP, "41 links");
    CALL(mkdir, "/d", 0755);
    CALL(symlink, "d", "/ld");
    CALL(symlink, "../f", "/d/up");
    tap_ok(!strcmp(unit_text("/ld/up"), "text"), "links in the middle and at the end");
    tap_is(CALL(lstat, "/ld/", &a), 0, "lstat with slash");
    tap_is(a.st_mode & S_IFMT, S_IFDIR, "follows");
    tap_is(CALL(link, "/f", "/h"), 0, "link");
    CALL(stat, "/f", &a);
    CALL(stat, "/h", &b);
    tap_ok(a.st_ino == b.st_ino && b.st_nlink == 2, "same inode, two links");
    tap_is(CALL(link, "/d", "/hd"), -EPERM, "link of a directory");
    tap_is(CALL(link, "/l", "/hl"), 0, "link of a symlink");
    tap_is(unit_mode("/hl") & S_IFMT, S_IFLNK, "is the link itself");
    fd = CALL(open, "/f", O_RDONLY);
    CALL(unlink, "/f");
    CALL(unlink, "/h");
    tap_is(CALL(read, fd, buf, 10), 4, "an open file outlives its names");
    CALL(fstat, fd, &a);
    tap_is(a.st_nlink, 0, "no links");
    CALL(close, fd);
}

static void test_rename(void)
{
    unit_file("/a", "a");
    unit_file("/b", "b");
    CALL(mkdir, "/x", 0755);
    CALL(mkdir, "/x/y", 0755);
    CALL(mkdir, "/z", 0755);
    tap_is(CALL(rename, "/a", "/b"), 0, "over a file");
    tap_ok(!strcmp(unit_text("/b"), "a"), "replaced");
    tap_is(CALL(open, "/a", O_RDONLY), -ENOENT, "old name gone");
    tap_is(CALL(rename, "/b", "/x"), -EISDIR, "file over directory");
    tap_is(CALL(rename, "/x", "/b"), -ENOTDIR, "directory over file");
    tap_is(CALL(rename, "/x", "/x/y/w"), -EINVAL, "into itself");
    tap_is(CALL(rename, "/x/y", "/x"), -ENOTEMPTY, "over its parent");
    tap_is(CALL(rename, "/z", "/x"), -ENOTEMPTY, "over a full directory");
    tap_is(CALL(rename, "/x", "/z"), 0, "directory over an empty one");
    tap_is(unit_mode("/z/y") & S_IFMT, S_IFDIR, "its contents moved");
    tap_is(CALL(rename, "/b", "/z/y/"), -ENOTDIR, "file to a name with slash");
    tap_is(CALL(rename, "/b", "/z/y/c"), 0, "to another directory");
    tap_is(CALL(rename, "/z/y/.", "/q"), -EBUSY, "of .");
    tap_is(CALL(rename, "/none", "/q"), -ENOENT, "of none");
    unit_file("/p", "p");
    tap_is(CALL(renameat2, AT_FDCWD, "/p", AT_FDCWD, "/z/y/c", RENAME_NOREPLACE), -EEXIST,
           "RENAME_NOREPLACE");
    tap_is(CALL(renameat2, AT_FDCWD, "/p", AT_FDCWD, "/z", RENAME_EXCHANGE), 0, "RENAME_EXCHANGE");
    tap_ok(!strcmp(unit_text("/z"), "p") && !strcmp(unit_text("/p/y/c"), "a"), "exchanged");
    tap_is(CALL(renameat2, AT_FDCWD, "/p", AT_FDCWD, "/z", RENAME_EXCHANGE | RENAME_NOREPLACE),
           -EINVAL, "both flags");
    tap_is(CALL(renameat2, AT_FDCWD, "/z", AT_FDCWD, "/z2", RENAME_WHITEOUT), 0, "RENAME_WHITEOUT");
    tap_is(unit_mode("/z"), S_IFCHR, "left a whiteout");
    CALL(link, "/z2", "/z3");
    tap_is(CALL(rename, "/z2", "/z3"), 0, "two names of one file");
    tap_ok(unit_mode("/z2") && unit_mode("/z3"), "both stay");
}

static void test_openat2(void)
{
    struct open_how how = { .flags = O_RDONLY, .resolve = RESOLVE_BENEATH };
    long d;
    CALL(mkdir, "/jail", 0755);
    CALL(mkdir, "/jail/in", 0755);
    CALL(symlink, "/etc", "/jail/abs");
    CALL(symlink, "..", "/jail/up");
    unit_file("/jail/in/f", "x");
    CALL(mkdir, "/etc", 0755);
    CALL(mkdir, "/jail/etc", 0755);
    d = CALL(open, "/jail", O_PATH | O_DIRECTORY);
#define OPENAT2(n) CALL(openat2, d, n, &how, sizeof how)
    tap_is(OPENAT2("in/../in/f"), 1, "BENEATH: inside");
    CALL(close, 1);
    tap_is(OPENAT2(".."), -EXDEV, "BENEATH: ..");
    tap_is(OPENAT2("abs"), -EXDEV, "BENEATH: absolute link");
    tap_is(OPENAT2("up"), -EXDEV, "BENEATH: link up");
    tap_is(OPENAT2("/jail"), -EXDEV, "BENEATH: absolute name");
    how.resolve = RESOLVE_IN_ROOT;
    tap_is(OPENAT2("/../../abs"), 1, "IN_ROOT: stays");
    CALL(close, 1);
    how.resolve = RESOLVE_NO_SYMLINKS;
    tap_is(OPENAT2("up"), -ELOOP, "NO_SYMLINKS");
    how.flags = 1ull << 40;
    tap_is(OPENAT2("in"), -EINVAL, "unknown flag");
    how.flags = O_RDONLY;
    how.mode = 0600;
    tap_is(OPENAT2("in"), -EINVAL, "mode without O_CREAT");
    CALL(close, d);
}

static void test_tmpfile(void)
{
    long fd = CALL(open, "/jail", O_TMPFILE | O_RDWR, 0600);
    struct stat st;
    tap_ok(fd >= 0, "O_TMPFILE");
    CALL(write, fd, "secret", 6);
    CALL(fstat, fd, &st);
    tap_is(st.st_nlink, 0, "no name");
    tap_is(CALL(linkat, fd, "", AT_FDCWD, "/named", AT_EMPTY_PATH), 0, "linkat gives it one");
    tap_ok(!strcmp(unit_text("/named"), "secret"), "contents");
    CALL(close, fd);
    tap_is(CALL(open, "/jail", O_TMPFILE | O_RDONLY, 0600), -EINVAL, "O_TMPFILE needs writing");
    fd = CALL(open, "/jail", O_TMPFILE | O_EXCL | O_RDWR, 0600);
    tap_is(CALL(linkat, fd, "", AT_FDCWD, "/named2", AT_EMPTY_PATH), -ENOENT, "O_EXCL: never");
    CALL(close, fd);
}

/* readdir while names come and go: those that stay are seen exactly once. */
static void test_readdir(void)
{
    char name[32], buf[128];
    long fd, got, kept = 0, rounds = 0;
    CALL(mkdir, "/many", 0755);
    for (int k = 0; k < 500; k++) {
        snprintf(name, sizeof name, "/many/%d", k);
        unit_file(name, "");
    }
    tap_is(unit_count("/many"), 500, "500 entries");
    fd = CALL(open, "/many", O_RDONLY);
    while ((got = CALL(getdents64, fd, buf, sizeof buf)) > 0) {
        for (long at = 0; at < got; at += *(u16 *)(void *)(buf + at + 16)) {
            const char *n = buf + at + 19;
            kept += n[0] >= '0' && n[0] <= '9' && (n[strlen(n) - 1] - '0') % 2 == 0;
        }
        snprintf(name, sizeof name, "/many/%ld", rounds * 2 + 1);
        CALL(unlink, name);
        snprintf(name, sizeof name, "/many/new%ld", rounds++);
        if (rounds < 100)
            unit_file(name, "");
    }
    tap_is(kept, 250, "each kept name once");
    tap_is(CALL(lseek, fd, 0, SEEK_SET), 0, "rewind");
    tap_is(CALL(getdents64, fd, buf, 20), -EINVAL, "buffer too small");
    CALL(close, fd);
}

int main(void)
{
    unit_vfs_init();
    test_open();
    test_dirs();
    test_links();
    test_rename();
    test_openat2();
    test_tmpfile();
    test_readdir();
    tap_ok(unit_vfs_end(), "nothing left behind");
    return tap_end();
}
