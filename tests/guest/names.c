/* rename, link, symlink, readlink, unlink, mkdir, rmdir and their errors. */
#include "say.h"
#include <sys/syscall.h>
#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE 1
#define RENAME_EXCHANGE 2
#endif
static void touch(const char *n, const char *text)
{
    int fd = open(n, O_CREAT | O_WRONLY | O_TRUNC, 0644);
    if (fd >= 0) { write(fd, text, strlen(text)); close(fd); }
}
static void cat(const char *n)
{
    char b[100];
    int fd = open(n, O_RDONLY), k = fd < 0 ? -1 : read(fd, b, sizeof b);
    note("%s = %.*s", n, k < 0 ? 1 : k, k < 0 ? "-" : b);
    close(fd);
}
static int nlinks(const char *n) { struct stat st; return lstat(n, &st) ? -1 : (int)st.st_nlink; }
static long ino(const char *n) { struct stat st; return lstat(n, &st) ? -1 : (long)st.st_ino; }

static void renames(void)
{
    touch("a", "A"), touch("b", "B");
    mkdir("d1", 0755), mkdir("d2", 0755), mkdir("d2/sub", 0755), mkdir("d3", 0755);
    long i = ino("a");
    say("over a file", rename("a", "b"));
    cat("b");
    yes("same inode", ino("b") == i);
    say("gone", access("a", F_OK));
    say("missing", rename("a", "c"));
    say("to itself", rename("b", "b"));
    link("b", "hard");
    say("between hard links", rename("b", "hard"));
    note("both stay: %d %d", access("b", F_OK), nlinks("b"));
    unlink("hard");
    say("file over dir", rename("b", "d1"));
    say("dir over file", rename("d1", "b"));
    say("dir over full dir", rename("d1", "d2"));
    say("dir over empty dir", rename("d2", "d1"));
    note("sub moved along: %d", access("d1/sub", F_OK));
    say("into itself", rename("d1", "d1/sub/x"));
    say("the parent over the child", rename("d1/sub", "d1"));
    say("dot", rename("d1/.", "x"));
    say("dotdot", rename("d1/..", "x"));
    say("trailing slash on a file", rename("b/", "x"));
    say("dir with slash", rename("d1/", "d4/"));
    say("file to a name with slash", rename("b", "x/"));
    say("across directories", rename("b", "d4/b"));
    cat("d4/b");
    note("links of . %d d4 %d", nlinks("."), nlinks("d4"));
    say("dir across", rename("d4/sub", "d3/sub"));
    note("links d3 %d d4 %d", nlinks("d3"), nlinks("d4"));
    symlink("d3", "sl");
    say("a symlink itself", rename("sl", "sl2"));
    note("still a link: %d", readlink("sl2", (char[10]){ 0 }, 10));
    touch("x", "X"), touch("y", "Y");
    say("NOREPLACE", syscall(SYS_renameat2, AT_FDCWD, "x", AT_FDCWD, "y", RENAME_NOREPLACE));
    say("NOREPLACE free", syscall(SYS_renameat2, AT_FDCWD, "x", AT_FDCWD, "z", RENAME_NOREPLACE));
    say("EXCHANGE", syscall(SYS_renameat2, AT_FDCWD, "z", AT_FDCWD, "y", RENAME_EXCHANGE));
    cat("z"), cat("y");
    say("EXCHANGE missing", syscall(SYS_renameat2, AT_FDCWD, "z", AT_FDCWD, "none", RENAME_EXCHANGE));
    say("EXCHANGE file and dir", syscall(SYS_renameat2, AT_FDCWD, "z", AT_FDCWD, "d3", RENAME_EXCHANGE));
    note("z is a dir: %d", access("z/sub", F_OK));
    say("both flags", syscall(SYS_renameat2, AT_FDCWD, "z", AT_FDCWD, "y", 3));
    say("bad flags", syscall(SYS_renameat2, AT_FDCWD, "z", AT_FDCWD, "y", 64));
    say("to another file system", rename("y", "/dev/shm/y"));
    say("from root", rename("/", "x"));
    char cwd[200], *last;
    mkdir("w1", 0755);
    chdir("w1");
    rename("../w1", "../w2");
    last = getcwd(cwd, sizeof cwd);
    note("getcwd after rename: %s", last ? strrchr(last, '/') : "-");
    rmdir("../w2");
    say("getcwd in a removed one", getcwd(cwd, sizeof cwd) ? 0 : -1);
    say("chdir ..", chdir(".."));
}

static void links(void)
{
    char b[300], name[5000];
    touch("f", "F");
    say("link", link("f", "g"));
    note("links %d same %d", nlinks("f"), ino("f") == ino("g"));
    say("exists", link("f", "g"));
    say("missing", link("none", "h"));
    say("a directory", link(".", "h"));
    say("across", link("f", "/dev/shm/h"));
    say("unlink", unlink("f"));
    note("links %d", nlinks("g"));
    cat("g");
    symlink("g", "s");
    say("link of a symlink", link("s", "s2"));
    note("it is one: %d", readlink("s2", b, 10));
    say("linkat follow", linkat(AT_FDCWD, "s", AT_FDCWD, "h3", AT_SYMLINK_FOLLOW));
    note("links %d", nlinks("g"));
    int fd = open("g", O_RDONLY);
    say("by /proc", ({ snprintf(b, 100, "/proc/self/fd/%d", fd); linkat(AT_FDCWD, b, AT_FDCWD, "h4", AT_SYMLINK_FOLLOW); }));
    say("AT_EMPTY_PATH", linkat(fd, "", AT_FDCWD, "h5", AT_EMPTY_PATH));
    say("symlink exists", symlink("x", "s"));
    say("symlink empty", symlink("", "se"));
    memset(name, 'q', sizeof name);
    name[4095] = 0;
    say("symlink 4095", symlink(name, "sl"));
    say("readlink of it", readlink("sl", name, sizeof name));
    name[4095] = 'q', name[4096] = 0;
    say("symlink 4096", symlink(name, "slx"));
    say("readlink short", readlink("s", b, 1));
    say("readlink size 0", readlink("s", b, 0));
    say("readlink of a file", readlink("g", b, 10));
    say("readlink missing", readlink("none", b, 10));
    struct stat st;
    lstat("s", &st);
    note("lstat: %o size %d", st.st_mode, (int)st.st_size);
    symlink("c2", "c1");
    for (int i = 2; i < 45; i++) { sprintf(b, "c%d", i); sprintf(name, "c%d", i + 1); symlink(name, b); }
    touch("c41", "end");
    unlink("c41"), touch("c41", "end");
    say("40 links", open("c1", O_RDONLY) >= 0 ? 0 : -1);
    say("41 links", (symlink("c1", "c0"), open("c0", O_RDONLY) >= 0 ? 0 : -1));
    say("unlink of a symlink", unlink("s"));
    cat("g");
}

static void dirs(void)
{
    say("mkdir", mkdir("m", 0755));
    say("again", mkdir("m", 0755));
    say("in none", mkdir("none/m", 0755));
    say("in a file", (touch("tf", "x"), mkdir("tf/m", 0755)));
    say("trailing slash", mkdir("m/s/", 0755));
    say("rmdir full", rmdir("m"));
    say("rmdir .", rmdir("m/s/."));
    say("rmdir ..", rmdir("m/s/.."));
    say("rmdir file", rmdir("tf"));
    say("unlink dir", unlink("m"));
    say("unlinkat dir", unlinkat(AT_FDCWD, "m", AT_REMOVEDIR));
    say("rmdir", rmdir("m/s"));
    say("rmdir", rmdir("m/"));
    say("rmdir none", rmdir("m"));
    say("unlink none", unlink("none"));
    say("unlink with slash", unlink("tf/"));
    say("rmdir root", rmdir("/"));
    say("mkdir root", mkdir("/", 0755));
    say("unlink empty", unlink(""));
    symlink("nowhere", "dl");
    say("mkdir on a dangling link", mkdir("dl", 0755));
    say("rmdir of a link", rmdir("dl"));
    say("mknod fifo", mknod("nf", S_IFIFO | 0600, 0));
    say("mknod file", mknod("nr", S_IFREG | 0600, 0));
    say("mknod dir", mknod("nd", S_IFDIR | 0600, 0));
    say("mknod socket", mknod("ns", S_IFSOCK | 0600, 0));
    say("open a socket", open("ns", O_RDONLY));
    int fd = open("tf", O_RDWR);
    unlink("tf");
    write(fd, "after", 5);
    char c[10];
    say("unlinked but open", pread(fd, c, 10, 0));
    struct stat st;
    fstat(fd, &st);
    note("links %d size %d", (int)st.st_nlink, (int)st.st_size);
    touch("tf", "new");
    note("a new one is another: %d", ino("tf") != (long)st.st_ino);
}

int main(void)
{
    for (int i = 0; i < 2; i++) {
        mkdir(i ? "/tmp/names" : "here", 0755);
        if (chdir(i ? "/tmp/names" : "here")) return 1;
        note("== %s", i ? "tmpfs" : "root");
        renames();
        links();
        dirs();
    }
    return 0;
}
