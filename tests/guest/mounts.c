/* mount: tmpfs, bind, read-only, umount, what crosses and what does not. */
#include "say.h"
#include <sys/mount.h>
#include <sys/statfs.h>

static void touch(const char *n) { int fd = open(n, O_CREAT | O_WRONLY, 0644); if (fd < 0) say(n, -1); else close(fd); }

int main(void)
{
    struct stat a, b;
    struct statfs sf;
    char line[1000];

    mkdir("m", 0755), mkdir("b", 0755), mkdir("src", 0755), mkdir("src/sub", 0755);
    touch("m/under"), touch("src/file");
    say("tmpfs", mount("none", "m", "tmpfs", 0, "size=1m,mode=0711"));
    stat("m", &a), stat(".", &b);
    note("mode %o, another device %d", a.st_mode, a.st_dev != b.st_dev);
    say("what was under it", access("m/under", F_OK));
    statfs("m", &sf);
    note("type %lx size %ld", (long)sf.f_type, (long)(sf.f_blocks * sf.f_bsize));
    touch("m/new");
    int fd = open("m/big", O_CREAT | O_RDWR, 0600), n = 0;
    static char buf[65536];
    while (write(fd, buf, sizeof buf) == sizeof buf) n++;
    note("full after %d: %s", n, strerror(errno));
    say("busy", umount("m"));
    close(fd);
    say("rename across", rename("m/new", "x"));
    say("rmdir of a mount point", rmdir("m"));
    say("rename of a mount point", rename("m", "mm"));
    stat("m/..", &a);
    note("dotdot leads out %d", a.st_ino == b.st_ino);
    say("umount", umount("m"));
    say("under it again", access("m/under", F_OK));
    say("again", umount("m"));
    say("bind", mount("src", "b", NULL, MS_BIND, NULL));
    say("seen", access("b/file", F_OK));
    touch("b/made");
    say("there too", access("src/made", F_OK));
    stat("b", &a), stat("src", &b);
    note("same inode %d", a.st_ino == b.st_ino && a.st_dev == b.st_dev);
    say("link across a bind", link("b/file", "src/link"));
    say("read-only remount", mount(NULL, "b", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
    say("write", open("b/file", O_WRONLY));
    say("create", open("b/x", O_CREAT | O_RDWR, 0600));
    say("unlink", unlink("b/made"));
    say("mkdir", mkdir("b/d", 0755));
    say("chmod", chmod("b/file", 0600));
    say("access W", access("b/file", W_OK));
    say("the source is writable", open("src/file", O_WRONLY) >= 0 ? 0 : -1);
    say("umount", umount2("b", 0));
    touch("bf");
    say("bind a file", mount("src/file", "bf", NULL, MS_BIND, NULL));
    stat("bf", &a), stat("src/file", &b);
    note("same %d", a.st_ino == b.st_ino);
    say("dir on file", mount("src", "bf", NULL, MS_BIND, NULL));
    say("umount", umount("bf"));
    say("nosuid noexec", mount("none", "m", "tmpfs", MS_NOSUID | MS_NOEXEC | MS_NODEV, NULL));
    int s = open("m/s", O_CREAT | O_WRONLY, 0755);
    write(s, "#!/bin/sh\n", 10), close(s);
    pid_t p = fork();
    if (!p) { execl("m/s", "s", NULL); note("exec: %s", strerror(errno)); _exit(0); }
    waitpid(p, NULL, 0);
    say("mknod", mknod("m/null", S_IFCHR | 0666, 0x103));
    say("open a device there", open("m/null", O_RDONLY));
    say("on top", mount("none", "m", "tmpfs", 0, NULL));
    say("hidden", access("m/s", F_OK));
    say("off", umount("m"));
    say("seen again", access("m/s", F_OK));
    fd = open("m/s", O_RDONLY);
    say("lazy", umount2("m", MNT_DETACH));
    say("still readable", read(fd, line, 5));
    say("not a mount", umount("src"));
    say("no such", umount("none"));
    say("unknown type", mount("none", "m", "nosuchfs", 0, NULL));
    say("target missing", mount("none", "none", "tmpfs", 0, NULL));
    say("target a file", mount("none", "bf", "tmpfs", 0, NULL));
    say("bad options", mount("none", "m", "tmpfs", 0, "nonsense=1"));
    say("proc", mount("proc", "m", "proc", 0, NULL));
    say("works", access("m/self/stat", F_OK));
    say("umount", umount("m"));
    if (!(p = fork())) {
        setuid(1000);
        say("as a user", mount("none", "m", "tmpfs", 0, NULL));
        say("umount", umount("/tmp"));
        _exit(0);
    }
    waitpid(p, NULL, 0);
    return 0;
}
