/* stat, statx, times, modes, owners, access, sticky directories, xattr, statfs. */
#include "say.h"
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/time.h>
#include <sys/sysmacros.h>
#include <linux/stat.h>
#include <utime.h>

static struct stat st;
static void mode(const char *n) { lstat(n, &st); note("%s: %o %d %d", n, st.st_mode, st.st_uid, st.st_gid); }

static void stats(void)
{
    int fd = open("f", O_CREAT | O_RDWR | O_TRUNC, 0644);
    struct stat a, b;
    write(fd, "0123456789", 10);
    fstat(fd, &a), stat("f", &b);
    yes("same by name", a.st_ino == b.st_ino && a.st_dev == b.st_dev && a.st_size == 10 && b.st_size == 10);
    note("links %d blksize %d rdev %d", (int)b.st_nlink, (int)b.st_blksize, (int)b.st_rdev);
    say("fstatat empty", fstatat(fd, "", &b, AT_EMPTY_PATH));
    say("fstatat empty without", fstatat(fd, "", &b, 0));
    say("fstatat bad flags", fstatat(fd, "", &b, 0x80000));
    say("fstatat bad fd", fstatat(99, "x", &b, 0));
    say("absolute ignores it", fstatat(99, "/", &b, 0));
    say("fstatat of a file's child", fstatat(fd, "x", &b, 0));
    say("stat none", stat("none", &b));
    say("stat through a file", stat("f/x", &b));
    say("stat bad buffer", stat("f", (void *)8));
    struct statx sx;
    say("statx", syscall(SYS_statx, AT_FDCWD, "f", 0, STATX_BASIC_STATS, &sx));
    note("mask %d size %d mode %o", (sx.stx_mask & 0x7ff) == 0x7ff, (int)sx.stx_size, sx.stx_mode);
    say("statx bad", syscall(SYS_statx, AT_FDCWD, "f", 0x9000000, 0, &sx));
    stat("/dev/null", &b);
    note("null %o %d:%d", b.st_mode, major(b.st_rdev), minor(b.st_rdev));
    fstat(0, &b);
    note("stdin %o", b.st_mode & S_IFMT);
    close(fd);
}

static int eq(struct timespec a, long s, long n) { return a.tv_sec == s && a.tv_nsec == n; }
static void times_(void)
{
    struct timespec ts[2] = { { 1000, 5000 }, { 2000, 6000 } };
    struct utimbuf ub = { 11, 22 };
    struct timeval tv[2] = { { 33, 44 }, { 55, 66 } };
    close(open("t", O_CREAT | O_RDWR, 0644));
    say("utimensat", utimensat(AT_FDCWD, "t", ts, 0));
    stat("t", &st);
    yes("set", eq(st.st_atim, 1000, 5000) && eq(st.st_mtim, 2000, 6000));
    ts[0].tv_nsec = UTIME_OMIT, ts[1].tv_nsec = UTIME_NOW;
    say("omit and now", utimensat(AT_FDCWD, "t", ts, 0));
    stat("t", &st);
    yes("as asked", eq(st.st_atim, 1000, 5000) && st.st_mtim.tv_sec > 1600000000);
    ts[0].tv_nsec = 1000000000;
    say("bad", utimensat(AT_FDCWD, "t", ts, 0));
    say("utime", utime("t", &ub));
    say("utimes", utimes("t", tv));
    stat("t", &st);
    yes("set", eq(st.st_atim, 33, 44000) && eq(st.st_mtim, 55, 66000));
    int fd = open("t", O_RDWR);
    ts[0] = ts[1] = (struct timespec){ 7, 8 };
    say("futimens", futimens(fd, ts));
    fstat(fd, &st);
    yes("set", eq(st.st_mtim, 7, 8));
    struct timespec c = st.st_ctim;
    nap(20);
    write(fd, "x", 1);
    fstat(fd, &st);
    yes("write moves mtime and ctime", st.st_mtim.tv_sec > 100 && (st.st_ctim.tv_sec > c.tv_sec || st.st_ctim.tv_nsec > c.tv_nsec));
    symlink("t", "tl");
    ts[0] = ts[1] = (struct timespec){ 99, 0 };
    say("of a symlink", utimensat(AT_FDCWD, "tl", ts, AT_SYMLINK_NOFOLLOW));
    lstat("tl", &st);
    yes("itself", st.st_mtim.tv_sec == 99);
    stat("t", &st);
    yes("not its target", st.st_mtim.tv_sec != 99);
    mkdir("td", 0755);
    utimensat(AT_FDCWD, "td", ts, 0);
    close(open("td/x", O_CREAT | O_RDWR, 0600));
    stat("td", &st);
    yes("a new entry moves the directory's", st.st_mtim.tv_sec > 1000);
    say("none", utimensat(AT_FDCWD, "none", ts, 0));
    ts[0].tv_sec = 1ll << 33;
    say("beyond 2106", utimensat(AT_FDCWD, "t", ts, 0));
    stat("t", &st);
    yes("kept", st.st_atim.tv_sec == 1ll << 33);
}

static void modes(void)
{
    close(open("m", O_CREAT | O_RDWR, 0644));
    mkdir("md", 0755);
    for (int i = 0; i < 4; i++) {
        static const int m[] = { 0, 0777, 06755, 01644 };
        say("chmod", chmod("m", m[i]));
        mode("m");
    }
    chmod("m", 06777);
    say("chown clears set-id", chown("m", 1000, 1001));
    mode("m");
    say("chown -1", chown("m", -1, 7));
    mode("m");
    say("chown both -1", chown("m", -1, -1));
    symlink("m", "ml");
    say("lchown", lchown("ml", 5, 6));
    mode("ml");
    mode("m");
    int fd = open("m", O_RDWR);
    say("fchmod", fchmod(fd, 04700));
    mode("m");
    say("fchown", fchown(fd, 0, 0));
    say("fchmodat nofollow", fchmodat(AT_FDCWD, "ml", 0600, AT_SYMLINK_NOFOLLOW));
    chmod("md", 02755);
    chown("md", 0, 500);
    chmod("md", 02755);
    close(open("md/f", O_CREAT | O_RDWR, 0600));
    mkdir("md/d", 0755);
    mode("md/f");
    mode("md/d");
}

static void as(unsigned uid, void (*fn)(void))
{
    pid_t p = fork();
    if (!p) { if (setgid(uid) || setuid(uid)) _exit(9); fn(); _exit(0); }
    say_wait("as another", p);
}

static void unprivileged(void)
{
    static const char *const names[] = { "p0", "p4", "p6", "p7", "pd0/x", "pd5/x", "pdx/x", "own" };
    char b[80];
    for (unsigned i = 0; i < 8; i++)
        for (int m = 0; m < 8; m++) { sprintf(b, "access %s %d", names[i], m); say(b, access(names[i], m)); }
    say("open unreadable", open("p0", O_RDONLY));
    say("open unwritable", open("p4", O_WRONLY));
    say("create in another's", open("pd5/new", O_CREAT | O_RDWR, 0600));
    say("chmod another's", chmod("p7", 0));
    say("chown own away", chown("own", 0, -1));
    say("chown own group", chown("own", -1, 0));
    say("chmod own", chmod("own", 02711));
    stat("own", &st);
    note("%o", st.st_mode);
    say("utime of another's", utimes("p7", (struct timeval[2]){ { 1, 1 }, { 1, 1 } }));
    say("touch writable", utimes("p6", NULL));
    say("touch unwritable", utimes("p4", NULL));
    say("sticky unlink", unlink("sticky/theirs"));
    say("sticky rename", rename("sticky/theirs", "sticky/x"));
    say("sticky own", unlink("sticky/own"));
    say("rename over theirs", rename("sticky/own2", "sticky/theirs"));
    say("mknod", mknod("sticky/dev", S_IFCHR | 0600, makedev(1, 3)));
    say("fifo", mkfifo("sticky/fifo", 0600));
    say("chroot", chroot("/"));
    say("exec unexecutable", execl("p6", "p6", (char *)NULL));
    say("chdir no x", chdir("pd0"));
    int d = open("pdx", O_RDONLY);
    say("list no r", d);
}

static void permissions(void)
{
    static const int m[] = { 0, 0444, 0666, 0777 };
    static const char *const n[] = { "p0", "p4", "p6", "p7" };
    for (int i = 0; i < 4; i++) { close(open(n[i], O_CREAT | O_RDWR, 0600)); chmod(n[i], m[i]); }
    mkdir("pd0", 0700), mkdir("pd5", 0755), mkdir("pdx", 0700);
    close(open("pd0/x", O_CREAT | O_RDWR, 0644));
    close(open("pd5/x", O_CREAT | O_RDWR, 0644));
    close(open("pdx/x", O_CREAT | O_RDWR, 0644));
    chmod("pdx", 0711);
    close(open("own", O_CREAT | O_RDWR, 0644));
    chown("own", 1234, 1234);
    mkdir("sticky", 0777);
    chmod("sticky", 01777);
    static const char *const s[] = { "sticky/theirs", "sticky/own", "sticky/own2" };
    for (int i = 0; i < 3; i++) { close(open(s[i], O_CREAT | O_RDWR, 0666)); if (i) chown(s[i], 1234, 1234); }
    as(1234, unprivileged);
    for (int k = 0; k < 8; k++) { char b[20]; sprintf(b, "root %d", k); say(b, access("p0", k)); }
}

static void xattrs(void)
{
    char b[5000];
    int n, fd = open("x", O_CREAT | O_RDWR, 0644);
    say("set", setxattr("x", "user.one", "value", 5, 0));
    if (errno == EOPNOTSUPP) note("(not here)");
    say("size", getxattr("x", "user.one", NULL, 0));
    say("get", getxattr("x", "user.one", b, sizeof b));
    say("too small", getxattr("x", "user.one", b, 2));
    say("none", getxattr("x", "user.none", b, 10));
    say("CREATE exists", setxattr("x", "user.one", "v", 1, XATTR_CREATE));
    say("REPLACE none", setxattr("x", "user.two", "v", 1, XATTR_REPLACE));
    say("empty value", fsetxattr(fd, "user.empty", "", 0, 0));
    n = listxattr("x", b, sizeof b);
    note("list %d", n);
    say("list size", flistxattr(fd, NULL, 0));
    say("no prefix", setxattr("x", "plain", "v", 1, 0));
    say("remove", removexattr("x", "user.one"));
    say("again", removexattr("x", "user.one"));
    symlink("x", "xl");
    say("on a symlink", lsetxattr("xl", "user.one", "v", 1, 0));
    say("through it", setxattr("xl", "user.one", "v", 1, 0));
    say("get", getxattr("x", "user.one", b, 10));
    mkdir("xd", 0755);
    say("on a directory", setxattr("xd", "user.d", "v", 1, 0));
    mkfifo("xf", 0600);
    say("on a fifo", setxattr("xf", "user.d", "v", 1, 0));
    memset(b, 'n', 300);
    memcpy(b, "user.", 5);
    b[300] = 0;
    say("name too long", setxattr("x", b, "v", 1, 0));
}

static void fs(void)
{
    struct statfs s;
    struct statvfs v;
    say("statfs", statfs(".", &s));
    yes("sane", s.f_bsize >= 512 && s.f_blocks >= s.f_bfree && s.f_bfree >= s.f_bavail && s.f_namelen == 255);
    say("statvfs", statvfs(".", &v));
    say("statfs none", statfs("none", &s));
    int fd = open(".", O_RDONLY);
    say("fstatfs", fstatfs(fd, &s));
    say("proc", statfs("/proc", &s));
    note("type %lx", (long)s.f_type);
    say("devpts", statfs("/dev/pts", &s));
    note("type %lx", (long)s.f_type);
    say("tmp", statfs("/tmp", &s));
    note("type %lx", (long)s.f_type);
    sync();
    say("syncfs", syncfs(fd));
}

int main(void)
{
    for (int i = 0; i < 2; i++) {
        mkdir(i ? "/tmp/attrs" : "here", 0755);
        if (chdir(i ? "/tmp/attrs" : "here")) return 1;
        note("== %s", i ? "tmpfs" : "root");
        stats();
        times_();
        modes();
        permissions();
        xattrs();
        fs();
    }
    return 0;
}
