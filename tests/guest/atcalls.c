/* Calls relative to a directory descriptor, O_PATH, openat2, chroot, fchdir. */
#include "say.h"
#include <sys/syscall.h>
#include <linux/openat2.h>

static long open2(int d, const char *n, uint64_t flags, uint64_t resolve)
{
    struct open_how h = { .flags = flags, .resolve = resolve };
    long r = syscall(SYS_openat2, d, n, &h, sizeof h);
    if (r >= 0) { close(r); return 0; }
    return -1;
}

int main(void)
{
    char b[100];
    struct stat st;
    mkdir("d", 0755), mkdir("d/e", 0755);
    int d = open("d", O_RDONLY | O_DIRECTORY), p = open("d", O_PATH), f, pf;

    say("mkdirat", mkdirat(d, "sub", 0755));
    did("openat", f = openat(d, "file", O_CREAT | O_RDWR, 0644));
    say("symlinkat", symlinkat("file", d, "link"));
    say("readlinkat", readlinkat(d, "link", b, 100));
    say("linkat", linkat(d, "file", p, "hard", 0));
    say("renameat", renameat(d, "hard", p, "sub/hard"));
    say("mknodat", mknodat(d, "fifo", S_IFIFO | 0600, 0));
    say("fchmodat", fchmodat(p, "file", 0600, 0));
    say("fchownat", fchownat(p, "link", 1, 2, AT_SYMLINK_NOFOLLOW));
    say("faccessat", faccessat(d, "file", R_OK, 0));
    say("utimensat", utimensat(d, "file", NULL, 0));
    say("fstatat", fstatat(d, "link", &st, 0));
    note("size %d", (int)st.st_size);
    say("unlinkat", unlinkat(d, "fifo", 0));
    say("unlinkat dir", unlinkat(d, "e", AT_REMOVEDIR));
    say("of a file", openat(f, "x", O_RDONLY));
    say("of a bad fd", openat(77, "x", O_RDONLY));
    say("not a directory", mkdirat(f, "x", 0755));
    say("empty", openat(d, "", O_RDONLY));

    /* O_PATH */
    pf = openat(d, "file", O_PATH);
    say("read", read(pf, b, 1));
    say("write", write(pf, b, 1));
    say("fchmod", fchmod(pf, 0600));
    say("fchown", fchown(pf, 0, 0));
    say("ftruncate", ftruncate(pf, 0));
    say("fstat", fstat(pf, &st));
    note("F_GETFL %o", fcntl(pf, F_GETFL));
    say("dup", dup(pf) >= 0 ? 0 : -1);
    say("lseek", lseek(pf, 0, SEEK_SET));
    snprintf(b, sizeof b, "/proc/self/fd/%d", pf);
    say("opened by proc", open(b, O_RDONLY) >= 0 ? 0 : -1);
    int pl = openat(d, "link", O_PATH | O_NOFOLLOW);
    fstat(pl, &st);
    note("a link itself: %o", st.st_mode & S_IFMT);
    say("readlinkat of it", readlinkat(pl, "", b, 100));
    say("fchdir", fchdir(p));
    note("%s", strrchr(getcwd(b, 100), '/'));
    say("fchdir of a file", fchdir(f));
    chdir("..");

    say("openat2", open2(d, "file", O_RDONLY, 0));
    say("BENEATH", open2(d, "sub/../file", O_RDONLY, RESOLVE_BENEATH));
    say("BENEATH out", open2(d, "../d/file", O_RDONLY, RESOLVE_BENEATH));
    say("BENEATH absolute", open2(d, "/etc", O_RDONLY, RESOLVE_BENEATH));
    say("IN_ROOT", open2(d, "/file", O_RDONLY, RESOLVE_IN_ROOT));
    say("IN_ROOT up", open2(d, "../../../file", O_RDONLY, RESOLVE_IN_ROOT));
    say("NO_SYMLINKS", open2(d, "link", O_RDONLY, RESOLVE_NO_SYMLINKS));
    say("NO_MAGICLINKS", open2(d, "/proc/self/exe", O_RDONLY, RESOLVE_NO_MAGICLINKS));
    say("NO_XDEV", open2(d, "/proc/stat", O_RDONLY, RESOLVE_NO_XDEV));
    say("bad resolve", open2(d, "file", O_RDONLY, 0x1000));
    say("bad flags", open2(d, "file", 1ull << 40, 0));

    pid_t c = fork();
    if (!c) {
        say("chroot", chroot("d"));
        say("cwd stays outside", access("d", F_OK));
        getcwd(b, 100);
        note("getcwd %.13s", b);
        say("chdir", chdir("/"));
        note("getcwd %s", getcwd(b, 100));
        say("dotdot", stat("../../file", &st));
        note("same inode: %d", stat("/..", &st) == 0 && ({ struct stat s2; stat("/", &s2); s2.st_ino == st.st_ino; }));
        say("outside", access("/bin/busybox", F_OK));
        say("an open one gets out", openat(d, "../d", O_RDONLY) >= 0 ? 0 : -1);
        symlink("/file", "abs");
        say("absolute link", access("abs", F_OK));
        say("chroot to none", chroot("none"));
        say("chroot to a file", chroot("file"));
        _exit(0);
    }
    say_wait("chroot", c);
    say("getcwd small", getcwd(b, 2) ? 0 : -1);
    say("getcwd raw", syscall(SYS_getcwd, b, 100) > 2 ? 0 : -1);
    say("chdir file", chdir("d/file"));
    say("chdir none", chdir("none"));
    return 0;
}
