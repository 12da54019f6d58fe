/* Files beyond the usual: openat2, O_PATH, unnamed files, renames with flags, access lists,
 * set-id bits, times before 1970, directories that change, calls that are refused. */
#include "say.h"
#include <dirent.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/xattr.h>

static void put(const char *n, const char *s) { int fd = open(n, O_CREAT | O_TRUNC | O_WRONLY, 0644); write(fd, s, strlen(s)); close(fd); }
static long at2(int d, const char *n, unsigned long flags, unsigned long resolve)
{
    struct open_how h = { .flags = flags, .resolve = resolve };
    long r = syscall(SYS_openat2, d, n, &h, sizeof h);
    if (r >= 0) { close(r); return 0; }
    return -1;
}

static void openat2s(void)
{
    struct open_how h = { .flags = O_RDONLY };
    char big[64] = { 0 };
    mkdir("r", 0755), mkdir("r/sub", 0755);
    put("r/f", "x"), put("outside", "y");
    symlink("../outside", "r/out"), symlink("f", "r/in"), symlink("/etc", "r/abs"), symlink("/proc/self/exe", "r/magic");
    int c = AT_FDCWD, d = open("r", O_PATH | O_DIRECTORY);
    say("plain", at2(c, "r/in", O_RDONLY, 0));
    say("no symlinks", at2(c, "r/in", O_RDONLY, RESOLVE_NO_SYMLINKS));
    say("no symlinks, none", at2(c, "r/f", O_RDONLY, RESOLVE_NO_SYMLINKS));
    say("no magic links", at2(c, "/proc/self/exe", O_RDONLY, RESOLVE_NO_MAGICLINKS));
    say("no magic links, the link", at2(c, "/proc/self/exe", O_PATH | O_NOFOLLOW, RESOLVE_NO_MAGICLINKS));
    say("no xdev", at2(c, "/proc/self/stat", O_RDONLY, RESOLVE_NO_XDEV));
    say("beneath", at2(d, "in", O_RDONLY, RESOLVE_BENEATH));
    say("beneath, out", at2(d, "out", O_RDONLY, RESOLVE_BENEATH));
    say("beneath, ..", at2(d, "../outside", O_RDONLY, RESOLVE_BENEATH));
    say("beneath, sub/..", at2(d, "sub/../f", O_RDONLY, RESOLVE_BENEATH));
    say("beneath, absolute", at2(d, "/etc", O_RDONLY, RESOLVE_BENEATH));
    say("beneath, absolute link", at2(d, "abs", O_RDONLY, RESOLVE_BENEATH));
    say("in root", at2(d, "/f", O_RDONLY, RESOLVE_IN_ROOT));
    say("in root, ..", at2(d, "../../f", O_RDONLY, RESOLVE_IN_ROOT));
    say("in root, out", at2(d, "out", O_RDONLY, RESOLVE_IN_ROOT));
    say("in root, absolute link", at2(d, "abs", O_RDONLY, RESOLVE_IN_ROOT));
    say("in root, magic", at2(d, "magic", O_RDONLY, RESOLVE_IN_ROOT));
    say("both", at2(d, "f", O_RDONLY, RESOLVE_IN_ROOT | RESOLVE_BENEATH));
    say("bad resolve", at2(d, "f", O_RDONLY, 0x1000));
    say("unknown flag", at2(d, "f", 1ull << 40, 0));
    say("O_PATH and O_RDWR", at2(d, "f", O_PATH | O_RDWR, 0));
    say("small", syscall(SYS_openat2, d, "f", &h, 8));
    memcpy(big, &h, sizeof h);
    did("bigger, zeros", syscall(SYS_openat2, d, "f", big, sizeof big));
    big[60] = 1;
    say("bigger, not zeros", syscall(SYS_openat2, d, "f", big, sizeof big));
    h.mode = 0600;
    say("mode without O_CREAT", syscall(SYS_openat2, d, "f", &h, sizeof h));
    close(d);
}

static void opaths(void)
{
    char b[100];
    struct stat st;
    put("p", "text");
    symlink("p", "pl");
    int p = open("p", O_PATH), l = open("pl", O_PATH | O_NOFOLLOW), d = open(".", O_PATH);
    say("read", read(p, b, 1));
    say("write", write(p, b, 1));
    say("fstat", fstat(p, &st));
    say("fchmod", fchmod(p, 0600));
    say("fchown", fchown(p, 0, 0));
    say("ioctl", syscall(SYS_ioctl, p, 0x541b, b));
    say("fgetxattr", fgetxattr(p, "user.x", b, 10));
    say("mmap", mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, p, 0) == MAP_FAILED ? -1 : 0);
    say("ftruncate", ftruncate(p, 0));
    say("lseek", lseek(p, 0, SEEK_SET));
    say("fsync", fsync(p));
    did("dup", dup(p));
    say("fchdir", fchdir(d));
    did("openat", openat(d, "p", O_RDONLY));
    say("readlinkat", readlinkat(l, "", b, sizeof b));
    say("fstat of a link", fstat(l, &st));
    yes("is a link", S_ISLNK(st.st_mode));
    sprintf(b, "/proc/self/fd/%d", p);
    did("opened anew", open(b, O_RDWR));
    sprintf(b, "/proc/self/fd/%d", l);
    say("the link anew", open(b, O_RDONLY));
    say("linkat", linkat(p, "", AT_FDCWD, "plinked", AT_EMPTY_PATH));
    say("fstatfs", fstatfs(p, &(struct statfs){ 0 }));
    say("flock", syscall(SYS_flock, p, 1));
    close(p), close(l), close(d);
    unlink("plinked");
}

static void unnamed(void)
{
    char b[100];
    struct stat st;
    int fd = open(".", O_TMPFILE | O_RDWR, 0640);
    did("O_TMPFILE", fd);
    write(fd, "unnamed", 7);
    fstat(fd, &st);
    note("links %d mode %o size %d", (int)st.st_nlink, st.st_mode & 0777, (int)st.st_size);
    sprintf(b, "/proc/self/fd/%d", fd);
    say("named by /proc", linkat(AT_FDCWD, b, AT_FDCWD, "named", AT_SYMLINK_FOLLOW));
    fstat(fd, &st);
    note("links %d", (int)st.st_nlink);
    say("and by fd", linkat(fd, "", AT_FDCWD, "named2", AT_EMPTY_PATH));
    stat("named2", &st);
    note("links %d size %d", (int)st.st_nlink, (int)st.st_size);
    close(fd);
    fd = open(".", O_TMPFILE | O_RDWR | O_EXCL, 0600);
    sprintf(b, "/proc/self/fd/%d", fd);
    say("O_EXCL stays unnamed", linkat(AT_FDCWD, b, AT_FDCWD, "never", AT_SYMLINK_FOLLOW));
    close(fd);
    say("read-only", open(".", O_TMPFILE | O_RDONLY, 0600));
    say("on a file", open("named", O_TMPFILE | O_RDWR, 0600));
    unlink("named"), unlink("named2");
    fd = open("u", O_CREAT | O_RDWR, 0600);
    write(fd, "abc", 3);
    unlink("u");
    fstat(fd, &st);
    note("unlinked: links %d size %d", (int)st.st_nlink, (int)st.st_size);
    sprintf(b, "/proc/self/fd/%d", fd);
    int again = open(b, O_RDWR);
    did("opened anew", again);
    say("read", pread(again, b, 10, 0));
    say("truncate", ftruncate(again, 1));
    fstat(fd, &st);
    note("size %d", (int)st.st_size);
    say("link it", linkat(fd, "", AT_FDCWD, "back", AT_EMPTY_PATH));
    say("fchmod", fchmod(fd, 0644));
    say("fsetxattr", fsetxattr(fd, "user.a", "1", 1, 0));
    close(again), close(fd);
    put("a", "a"), put("b", "bb");
    say("noreplace", renameat2(AT_FDCWD, "a", AT_FDCWD, "b", RENAME_NOREPLACE));
    say("exchange", renameat2(AT_FDCWD, "a", AT_FDCWD, "b", RENAME_EXCHANGE));
    stat("a", &st);
    note("a has %d", (int)st.st_size);
    say("exchange none", renameat2(AT_FDCWD, "a", AT_FDCWD, "none", RENAME_EXCHANGE));
    say("both", renameat2(AT_FDCWD, "a", AT_FDCWD, "b", RENAME_EXCHANGE | RENAME_NOREPLACE));
    say("unknown", renameat2(AT_FDCWD, "a", AT_FDCWD, "b", 0x80));
    mkdir("xd", 0755), put("xd/in", "1");
    say("a file and a directory", renameat2(AT_FDCWD, "a", AT_FDCWD, "xd", RENAME_EXCHANGE));
    say("it moved", access("a/in", F_OK));
    say("noreplace free", renameat2(AT_FDCWD, "b", AT_FDCWD, "c", RENAME_NOREPLACE));
}

static void two_times(const char *what)
{
    struct stat st;
    stat("old", &st);
    note("%s: %lld.%ld %lld.%ld", what, (long long)st.st_atim.tv_sec, st.st_atim.tv_nsec,
         (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
}

static void times(int tmp)
{
    struct timespec t[2] = { { -1000, 5 }, { -2147483648ll, 999999999 } };
    struct statx sx;
    put("old", "");
    say("before 1970", utimensat(AT_FDCWD, "old", t, 0));
    two_times("old");
    t[0] = (struct timespec){ -1, 0 }, t[1] = (struct timespec){ 0, 0 };
    say("around it", utimensat(AT_FDCWD, "old", t, 0));
    two_times("newer");
    syscall(SYS_statx, AT_FDCWD, "old", 0, STATX_ALL, &sx);
    note("statx %lld.%u", (long long)sx.stx_atime.tv_sec, sx.stx_atime.tv_nsec);
    if (tmp) yes("birth time", (sx.stx_mask & STATX_BTIME) && sx.stx_btime.tv_sec > 1600000000);
    yes("mount id", sx.stx_mask & 0x1000);
    note("attributes %llx", (unsigned long long)(sx.stx_attributes & (STATX_ATTR_IMMUTABLE | STATX_ATTR_APPEND | STATX_ATTR_MOUNT_ROOT)));
    syscall(SYS_statx, AT_FDCWD, "/proc", 0, STATX_BASIC_STATS, &sx);
    yes("mount root", sx.stx_attributes & STATX_ATTR_MOUNT_ROOT);
    say("both sync flags", syscall(SYS_statx, AT_FDCWD, "old", AT_STATX_FORCE_SYNC | AT_STATX_DONT_SYNC, 0, &sx));
    say("reserved mask", syscall(SYS_statx, AT_FDCWD, "old", 0, 0x80000000u, &sx));
}

static void acl(int tmp)
{
    /* version 2; user::rw-, user:1000:rwx, group::r--, mask::rwx, other::r-- */
    static const unsigned char v[] = { 2, 0, 0, 0, 1, 0, 6, 0, 255, 255, 255, 255, 2, 0, 7, 0, 0xe8, 3, 0, 0,
        4, 0, 4, 0, 255, 255, 255, 255, 16, 0, 7, 0, 255, 255, 255, 255, 32, 0, 4, 0, 255, 255, 255, 255 };
    char b[200] = { 0 };
    struct stat st;
    put("acl", "");
    if (!tmp) {
        say("set", setxattr("acl", "system.posix_acl_access", v, sizeof v, 0));
        say("get", getxattr("acl", "system.posix_acl_access", b, sizeof b));
        yes("same", !memcmp(b, v, sizeof v));
        stat("acl", &st);
        note("mode %o", st.st_mode & 0777);
        chmod("acl", 0604);
        say("after chmod", getxattr("acl", "system.posix_acl_access", b, sizeof b));
        note("mask is %d", b[30]);
        say("bad", setxattr("acl", "system.posix_acl_access", v, 7, 0));
        say("default on a file", setxattr("acl", "system.posix_acl_default", v, sizeof v, 0));
        mkdir("ad", 0755);
        say("default", setxattr("ad", "system.posix_acl_default", v, sizeof v, 0));
        put("ad/new", "");
        say("inherited", getxattr("ad/new", "system.posix_acl_access", b, sizeof b));
        stat("ad/new", &st);
        note("mode %o", st.st_mode & 0777);
        say("remove", removexattr("acl", "system.posix_acl_access"));
        say("gone", getxattr("acl", "system.posix_acl_access", b, sizeof b));
    }
    if (tmp) {
        say("trusted", setxattr("acl", "trusted.t", "1", 1, 0));
        say("trusted get", getxattr("acl", "trusted.t", b, 10));
        say("security", setxattr("acl", "security.x", "1", 1, 0));
        say("security get", getxattr("acl", "security.x", b, 10));
    }
    say("unknown", setxattr("acl", "nosuch.x", "1", 1, 0));
    if (!fork()) {
        setgid(1000), setuid(1000);
        say("trusted, unprivileged", getxattr("acl", "trusted.t", b, 10));
        say("set", setxattr("acl", "trusted.t", "1", 1, 0));
        say("security", setxattr("acl", "security.x", "1", 1, 0));
        _exit(0);
    }
    wait(NULL);
}

static void bits(int tmp)
{
    struct stat st;
    put("su", "x");
    chmod("su", 06755);
    put("su2", "x");
    chown("su2", 1000, 1000), chmod("su2", 06777);
    if (!fork()) {
        setgid(1000), setuid(1000);
        int fd = open("su2", O_RDWR);
        write(fd, "y", 1);
        fstat(fd, &st);
        note("written by its owner %o", st.st_mode & 07777);
        chmod("su2", 06777);
        ftruncate(fd, 0);
        fstat(fd, &st);
        note("cut by its owner %o", st.st_mode & 07777);
        chmod("su2", 06777);
        fallocate(fd, 0, 0, 100);
        fstat(fd, &st);
        note("allocated %o", st.st_mode & 07777);
        _exit(0);
    }
    wait(NULL);
    int fd = open("su", O_RDWR);
    write(fd, "y", 1);
    fstat(fd, &st);
    if (tmp) note("written by root %o", st.st_mode & 07777);
    chown("su", 0, 0);
    stat("su", &st);
    note("chown %o", st.st_mode & 07777);
    close(fd);
}

static void refused(void)
{
    char h[400] = { 0 };
    int mid, fd;
    put("x", "");
    fd = open("x", O_RDWR);
    say("getlease", fcntl(fd, F_GETLEASE) == F_UNLCK ? 0 : -1);
    say("setns of a file", syscall(SYS_setns, fd, 0));
    *(unsigned *)h = 64;
    say("name_to_handle_at, none", syscall(SYS_name_to_handle_at, AT_FDCWD, "none", h, &mid, 0));
    say("name_to_handle_at, bad flags", syscall(SYS_name_to_handle_at, AT_FDCWD, "x", h, &mid, 0x8000));
    close(fd);
}

static void coherent(void)
{
    char b[10];
    int fd = open("map", O_CREAT | O_RDWR | O_TRUNC, 0600);
    ftruncate(fd, 8192);
    char *s = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    char *p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    pwrite(fd, "one", 3, 100);
    note("shared sees a write: %.3s", s + 100);
    memcpy(s + 4096, "two", 3);
    pread(fd, b, 3, 4096);
    note("read sees a store: %.3s", b);
    note("private sees it, too: %.3s", p + 4096);
    p[100] = 'X';
    pread(fd, b, 3, 100);
    note("a private store is private: %.3s", b);
    if (!fork()) { memcpy(s + 200, "child", 5); _exit(0); }
    wait(NULL);
    pread(fd, b, 5, 200);
    note("a child's store: %.5s", b);
    say("msync", msync(s, 8192, MS_SYNC));
    munmap(s, 8192), munmap(p, 8192), close(fd);
}

static void changing(void)
{
    char n[30], seen[400] = { 0 }, third[300];
    struct dirent *e;
    int twice = 0, k, missed = 0, rest = 0;
    mkdir("ch", 0755);
    for (int i = 0; i < 300; i++) { sprintf(n, "ch/f%03d", i); put(n, ""); }
    DIR *d = opendir("ch");
    long where = -1;
    for (k = 0; (e = readdir(d)); k++) {
        int i;
        if (sscanf(e->d_name, "f%d", &i) == 1 && i < 300 && seen[i]++) twice++;
        if (k == 50) for (i = 0; i < 300; i += 3) { sprintf(n, "ch/f%03d", i); unlink(n); }
        if (k == 60) for (i = 300; i < 350; i++) { sprintf(n, "ch/f%03d", i); put(n, ""); }
        if (k == 40) where = telldir(d);
    }
    for (int i = 0; i < 300; i++) if (i % 3 && !seen[i]) missed++;
    note("twice %d, missed %d", twice, missed);
    rewinddir(d);
    for (k = 0; readdir(d); k++) continue;
    note("after rewinddir %d", k);
    seekdir(d, where);
    while (readdir(d)) rest++;
    yes("seekdir goes on in the middle", rest > 100 && rest < k);
    rewinddir(d);
    readdir(d), readdir(d), readdir(d);
    where = telldir(d);
    strcpy(third, readdir(d)->d_name);
    for (int i = 0; i < 20; i++) readdir(d);
    seekdir(d, where);
    yes("the same entry", !strcmp(third, readdir(d)->d_name));
    closedir(d);
    for (int i = 0; i < 350; i++) { sprintf(n, "ch/f%03d", i); unlink(n); }
    say("rmdir", rmdir("ch"));
}

int main(void)
{
    umask(022);
    for (int i = 0; i < 2; i++) {
        if (chdir(i ? "/tmp" : ".")) return 1;
        note("-- %d", i);
        openat2s(), opaths(), unnamed(), times(i), acl(i), bits(i), refused(), coherent(), changing();
    }
    return 0;
}
