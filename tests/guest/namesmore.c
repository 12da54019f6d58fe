/* Names: renameat2's flags, O_TMPFILE and linkat, utimensat's special times, statx's masks. */
#include "say.h"
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <linux/stat.h>
#include <dirent.h>

#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE 1
#define RENAME_EXCHANGE 2
#define RENAME_WHITEOUT 4
#endif

static int ren(const char *a, const char *b, unsigned f) { return (int)syscall(SYS_renameat2, AT_FDCWD, a, AT_FDCWD, b, f); }
static void put(const char *name, const char *text)
{
    int fd = open(name, O_CREAT | O_WRONLY | O_TRUNC, 0644);
    write(fd, text, strlen(text));
    close(fd);
}
static void get(const char *name)
{
    char b[20] = "";
    int fd = open(name, O_RDONLY);
    struct stat st;
    if (fd < 0) { note("%s: %s", name, strerror(errno)); return; }
    fstat(fd, &st);
    if (S_ISDIR(st.st_mode)) note("%s: a folder, %d links", name, (int)st.st_nlink);
    else { read(fd, b, 19); note("%s: %s, %d links", name, b, (int)st.st_nlink); }
    close(fd);
}

static void renames(void)
{
    put("a", "A"), put("b", "B");
    mkdir("d", 0755), mkdir("d/e", 0755), mkdir("f", 0755);
    say("no replace", ren("a", "b", RENAME_NOREPLACE));
    say("no replace, free", ren("a", "a2", RENAME_NOREPLACE));
    say("exchange", ren("a2", "b", RENAME_EXCHANGE));
    get("a2"), get("b");
    say("exchange with nothing", ren("a2", "none", RENAME_EXCHANGE));
    say("file and folder", ren("a2", "d", RENAME_EXCHANGE));
    get("a2"), get("d");
    say("back", ren("d", "a2", RENAME_EXCHANGE));
    say("into itself", ren("d", "d/e", RENAME_EXCHANGE));
    say("below itself", ren("d", "d/e/x", 0));
    say("parent", ren("d/e", "d", RENAME_EXCHANGE));
    say("both flags", ren("a2", "b", RENAME_EXCHANGE | RENAME_NOREPLACE));
    say("unknown flag", ren("a2", "b", 8));
    say("folder over empty", ren("f", "d/e", 0));
    say("folder over full", ren("d/e", "d", 0));
    say("file over folder", ren("a2", "d", 0));
    say("folder over file", ren("d", "a2", 0));
    say("slash", ren("a2", "b/", 0));
    say("folder with slash", ren("d/", "d2/", 0));
    say("dot", ren("d2/.", "d3", 0));
    say("dots", ren("d2/e/..", "d3", 0));
    say("onto dots", ren("a2", "d2/..", 0));
    say("same name", ren("a2", "a2", 0));
    link("a2", "hard");
    say("two names of one", ren("a2", "hard", 0));
    get("a2"), get("hard");
    say("no replace of one", ren("a2", "hard", RENAME_NOREPLACE));
    symlink("a2", "sym");
    say("a link itself", ren("sym", "sym2", 0));
    say("exchange a link", ren("sym2", "b", RENAME_EXCHANGE));
    char t[10] = "";
    say("readlink", readlink("b", t, 9));
    unlink("hard"), unlink("b"), unlink("sym2"), unlink("a2");
    rmdir("d2/e"), rmdir("d2");
}

static void nameless(void)
{
    int d = open(".", O_RDONLY), fd;
    char path[64];
    struct stat st;
    say("read only", open(".", O_TMPFILE | O_RDONLY, 0600));
    say("of a file", (put("x", "X"), open("x", O_TMPFILE | O_RDWR, 0600)));
    did("made", fd = open(".", O_TMPFILE | O_RDWR, 0640));
    write(fd, "tmp", 3);
    fstat(fd, &st);
    note("mode %o links %d size %d", st.st_mode, (int)st.st_nlink, (int)st.st_size);
    say("by descriptor", linkat(fd, "", AT_FDCWD, "named", AT_EMPTY_PATH));
    get("named");
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    say("by /proc", linkat(AT_FDCWD, path, AT_FDCWD, "named2", AT_SYMLINK_FOLLOW));
    say("exists", linkat(AT_FDCWD, path, AT_FDCWD, "named2", AT_SYMLINK_FOLLOW));
    say("without following", linkat(AT_FDCWD, path, d, "named3", 0));
    say("flags", linkat(AT_FDCWD, path, d, "named3", 0x4000));
    get("named2");
    close(fd);
    did("exclusive", fd = open(".", O_TMPFILE | O_RDWR | O_EXCL, 0600));
    say("may not be named", linkat(fd, "", AT_FDCWD, "named4", AT_EMPTY_PATH));
    close(fd);
    did("unlinked", fd = open("x", O_RDWR));
    unlink("x");
    say("can't come back", linkat(fd, "", AT_FDCWD, "x", AT_EMPTY_PATH));
    close(fd);
    say("a folder", linkat(AT_FDCWD, ".", AT_FDCWD, "dir2", 0));
    unlink("named"), unlink("named2"), unlink("named3"), close(d);
}

static void when(const char *what, const char *name)
{
    struct stat st;
    time_t now = time(NULL);
    if (lstat(name, &st)) { note("%s: %s", what, strerror(errno)); return; }
    printf("%s:", what);
    struct timespec t[2] = { st.st_atim, st.st_mtim };
    for (int i = 0; i < 2; i++) {
        if (labs(t[i].tv_sec - now) < 100) printf(" now");
        else printf(" %ld.%09ld", (long)t[i].tv_sec, t[i].tv_nsec);
    }
    printf(" ctime %s\n", labs(st.st_ctim.tv_sec - now) < 100 ? "now" : "old");
    fflush(stdout);
}

static void times(void)
{
    struct timespec t[2] = { { 1000, 5 }, { 2000, 999999999 } };
    put("t", "T"), symlink("t", "ln");
    say("set", utimensat(AT_FDCWD, "t", t, 0)), when("both", "t");
    t[0].tv_nsec = UTIME_OMIT, t[1] = (struct timespec){ 3000, 1 };
    say("omit access", utimensat(AT_FDCWD, "t", t, 0)), when("one", "t");
    t[1].tv_nsec = UTIME_OMIT;
    say("omit both", utimensat(AT_FDCWD, "t", t, 0)), when("none", "t");
    say("omit both of nothing", utimensat(AT_FDCWD, "none", t, 0));
    t[0].tv_nsec = UTIME_NOW, t[0].tv_sec = 77;
    say("now", utimensat(AT_FDCWD, "t", t, 0)), when("now", "t");
    t[0] = (struct timespec){ 1, 1000000000 };
    say("too many nanoseconds", utimensat(AT_FDCWD, "t", t, 0));
    t[0] = (struct timespec){ 1, -1 };
    say("negative ones", utimensat(AT_FDCWD, "t", t, 0));
    t[0] = (struct timespec){ 11, 0 }, t[1] = (struct timespec){ 12, 0 };
    say("a link itself", utimensat(AT_FDCWD, "ln", t, AT_SYMLINK_NOFOLLOW)), when("link", "ln");
    when("file", "t");
    say("flags", utimensat(AT_FDCWD, "t", t, 0x200));
    say("no times", utimensat(AT_FDCWD, "t", NULL, 0)), when("all now", "t");
    int fd = open("t", O_RDONLY), path = open("t", O_PATH);
    t[0] = (struct timespec){ 21, 0 };
    say("descriptor", futimens(fd, t)), when("by it", "t");
    say("of a path descriptor", futimens(path, t));
    say("empty path", utimensat(path, "", t, AT_EMPTY_PATH));
    pid_t p = fork();
    if (!p) {
        setgid(5), setuid(5);
        say("others may not", utimensat(AT_FDCWD, "t", t, 0));
        say("nor now", utimensat(AT_FDCWD, "t", NULL, 0));
        _exit(0);
    }
    waitpid(p, NULL, 0);
    chmod("t", 0666);
    p = fork();
    if (!p) {
        setgid(5), setuid(5);
        say("who may write", utimensat(AT_FDCWD, "t", NULL, 0));
        t[0].tv_nsec = t[1].tv_nsec = UTIME_NOW;
        say("both now", utimensat(AT_FDCWD, "t", t, 0));
        t[0].tv_nsec = UTIME_OMIT;
        say("one now", utimensat(AT_FDCWD, "t", t, 0));
        _exit(0);
    }
    waitpid(p, NULL, 0);
    close(fd), close(path);
    unlink("ln"), unlink("t");
}

static void statxs(void)
{
    struct statx x;
    memset(&x, 0x5a, sizeof x);
    put("s", "12345");
    say("basic", statx(AT_FDCWD, "s", 0, STATX_BASIC_STATS, &x));
    note("mask %x mode %o size %llu links %u blocks? %d", x.stx_mask & STATX_BASIC_STATS, x.stx_mode, (unsigned long long)x.stx_size,
         x.stx_nlink, x.stx_blksize > 0);
    note("spare is zero %d", !x.__spare0[0] && !x.stx_rdev_major);
    say("type alone", statx(AT_FDCWD, "s", 0, STATX_TYPE, &x));
    note("has type %d", (x.stx_mask & STATX_TYPE) != 0);
    say("nothing", statx(AT_FDCWD, "s", 0, 0, &x));
    say("reserved", statx(AT_FDCWD, "s", 0, 0x80000000u, &x));
    say("both syncs", statx(AT_FDCWD, "s", AT_STATX_FORCE_SYNC | AT_STATX_DONT_SYNC, STATX_BASIC_STATS, &x));
    say("unknown flag", statx(AT_FDCWD, "s", 0x10, STATX_BASIC_STATS, &x));
    say("device", statx(AT_FDCWD, "/dev/null", 0, STATX_BASIC_STATS, &x));
    note("%u %u", x.stx_rdev_major, x.stx_rdev_minor);
    say("mount id", statx(AT_FDCWD, "/proc", 0, STATX_MNT_ID, &x));
    note("has it %d, a mount's root %d", (x.stx_mask & STATX_MNT_ID) != 0, !!(x.stx_attributes & STATX_ATTR_MOUNT_ROOT));
    int fd = open("s", O_PATH);
    say("descriptor", statx(fd, "", AT_EMPTY_PATH, STATX_SIZE, &x));
    say("bad address", syscall(SYS_statx, fd, "", AT_EMPTY_PATH, STATX_SIZE, (void *)8));
    say("empty path without the flag", statx(fd, "", 0, STATX_SIZE, &x));
    close(fd);
    unlink("s");
}

static void all(const char *where)
{
    if (chdir(where) || mkdir("nm", 0755) || chdir("nm")) { note("no folder"); return; }
    renames();
    nameless();
    times();
    statxs();
    chdir("..");
    say("left clean", rmdir("nm"));
}

int main(void)
{
    umask(022);
    char here[200];
    if (!getcwd(here, sizeof here)) return 1;
    note("root"), all(here);
    note("tmpfs"), all("/tmp");
    return 0;
}
