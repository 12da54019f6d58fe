/* Mount, host name and IPC namespaces: unshare, clone, setns; propagation of mounts; moving,
 * pivoting and unmounting them. */
#include "say.h"
#include <sched.h>
#include <sys/ipc.h>
#include <sys/mount.h>
#include <sys/msg.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/utsname.h>

static void touch(const char *n) { int fd = open(n, O_CREAT | O_WRONLY, 0644); if (fd < 0) say(n, -1); else close(fd); }
static char base[200];

/* Mounts below the test's folder: where, what of it, options, and whose peers by letters. */
static void show(const char *what)
{
    char line[2000], root[300], at[300], opt[200], rest[500], letter[100] = "";
    int id, up, ma, mi;
    FILE *f = fopen("/proc/self/mountinfo", "r");
    note("%s", what);
    while (f && fgets(line, sizeof line, f)) {
        if (sscanf(line, "%d %d %d:%d %s %s %s %[^\n]", &id, &up, &ma, &mi, root, at, opt, rest) != 8) continue;
        if (strncmp(at, base, strlen(base)) || !at[strlen(base)]) continue;
        char *dash = strstr(rest, "- ");
        printf("   %s root %s %s", at + strlen(base), strcmp(root, "/") ? "(part)" : "/", opt);
        for (char *p = strtok(rest, " "); p && strcmp(p, "-"); p = strtok(NULL, " ")) {
            char *c = strchr(p, ':');
            if (!c) { printf(" %s", p); continue; }
            int g = atoi(c + 1) % 1000000, k;
            static int groups[20], n;
            for (k = 0; k < n && groups[k] != g; k++) continue;
            if (k == n) groups[n++] = g;
            printf(" %.*s:%c", (int)(c - p), p, 'A' + k);
        }
        printf(" %s\n", strncmp(dash, "- tmpfs", 7) ? "other" : "tmpfs");
    }
    if (f) fclose(f);
}

static void ns_of(const char *pid, const char *kind, char *out)
{
    char p[100];
    sprintf(p, "/proc/%s/ns/%s", pid, kind);
    int n = readlink(p, out, 99);
    out[n > 0 ? n : 0] = 0;
}

static void propagation(void)
{
    mkdir("a", 0755), mkdir("b", 0755), mkdir("c", 0755), mkdir("d", 0755);
    say("a", mount("a", "a", "tmpfs", 0, NULL));
    mkdir("a/x", 0755), mkdir("a/y", 0755);
    show("private");
    say("shared", mount(NULL, "a", NULL, MS_SHARED, NULL));
    say("a peer", mount("a", "b", NULL, MS_BIND, NULL));
    say("and a slave", mount("a", "c", NULL, MS_BIND, NULL) | mount(NULL, "c", NULL, MS_SLAVE, NULL));
    say("and a private one", mount("a", "d", NULL, MS_BIND, NULL) | mount(NULL, "d", NULL, MS_PRIVATE, NULL));
    show("four");
    say("mounted on a/x", mount("x", "a/x", "tmpfs", 0, NULL));
    touch("a/x/f");
    say("on the peer", access("b/x/f", F_OK));
    say("on the slave", access("c/x/f", F_OK));
    say("not on the private one", access("d/x/f", F_OK));
    say("mounted on the slave", mount("y", "c/y", "tmpfs", 0, NULL));
    touch("c/y/f");
    say("not on the master", access("a/y/f", F_OK));
    show("all");
    say("umount on the peer", umount("b/x"));
    say("a", access("a/x/f", F_OK));
    say("c", access("c/x/f", F_OK));
    show("less");
    say("unbindable", mount(NULL, "d", NULL, MS_UNBINDABLE, NULL));
    mkdir("e", 0755);
    say("bind it", mount("d", "e", NULL, MS_BIND, NULL));
    say("two types", mount(NULL, "d", NULL, MS_SHARED | MS_PRIVATE, NULL));
    say("not a mount", mount(NULL, "e", NULL, MS_SHARED, NULL));
    show("unbindable");
    umount2("d", MNT_DETACH), umount2("c", MNT_DETACH), umount2("b", MNT_DETACH), umount2("a", MNT_DETACH);
    show("none");
}

static void recursive(void)
{
    mkdir("r", 0755), mkdir("s", 0755);
    mount("r", "r", "tmpfs", 0, NULL);
    mkdir("r/in", 0755);
    mount("in", "r/in", "tmpfs", MS_NOSUID | MS_NODEV, NULL);
    mkdir("r/in/deep", 0755);
    mount("deep", "r/in/deep", "tmpfs", MS_RDONLY, NULL);
    say("rbind", mount("r", "s", NULL, MS_BIND | MS_REC, NULL));
    show("a copy of three");
    say("busy", umount("s"));
    say("expire a busy one", umount2("s", MNT_EXPIRE));
    say("detach", umount2("s", MNT_DETACH));
    show("and back");
    say("expire with force", umount2("r/in/deep", MNT_EXPIRE | MNT_FORCE));
    say("expire", umount2("r/in/deep", MNT_EXPIRE));
    say("expire again", umount2("r/in/deep", MNT_EXPIRE));
    symlink("in", "r/link");
    say("nofollow", umount2("r/link", UMOUNT_NOFOLLOW));
    say("bad flags", umount2("r/in", 0x100));
    say("follow", umount2("r/link", 0));
    /* moving */
    mount("in", "r/in", "tmpfs", 0, NULL);
    touch("r/in/f");
    say("move", mount("r/in", "s", NULL, MS_MOVE, NULL));
    say("there", access("s/f", F_OK));
    show("moved");
    say("move below itself", mount("s", "s", NULL, MS_MOVE, NULL));
    say("move what is none", mount("r/in", "s", NULL, MS_MOVE, NULL));
    touch("file");
    say("on a file", mount("s", "file", NULL, MS_MOVE, NULL));
    mount(NULL, "r", NULL, MS_SHARED, NULL);
    mount("in", "r/in", "tmpfs", 0, NULL);
    mkdir("t", 0755);
    say("move out of a shared one", mount("r/in", "t", NULL, MS_MOVE, NULL));
    int fd = open("s/f", O_RDONLY);
    say("detach while open", umount2("s", MNT_DETACH));
    struct stat st;
    say("still there", fstat(fd, &st));
    close(fd);
    umount2("r", MNT_DETACH);
    say("no such type", mount("o", "t", "nosuchfs", 0, NULL));
    show("none");
}

static void pivot(void)
{
    if (unshare(CLONE_NEWNS)) { say("unshare", -1); return; }
    mkdir("p", 0755);
    mount("p", "p", "tmpfs", 0, NULL);
    mkdir("p/new", 0755);
    chdir("p");
    say("chroot", chroot("."));
    say("not a mount", syscall(SYS_pivot_root, "new", "new"));
    mount("n", "new", "tmpfs", 0, NULL);
    mkdir("new/old", 0755), mkdir("other", 0755), touch("was"), touch("new/is");
    say("old not below new", syscall(SYS_pivot_root, "new", "other"));
    say("a file", syscall(SYS_pivot_root, "new", "was"));
    say("none", syscall(SYS_pivot_root, "new", "none"));
    mount(NULL, "/", NULL, MS_SHARED, NULL);
    say("shared", syscall(SYS_pivot_root, "new", "new/old"));
    mount(NULL, "/", NULL, MS_PRIVATE, NULL);
    say("pivot", syscall(SYS_pivot_root, "new", "new/old"));
    say("new root", access("/is", F_OK));
    say("old root", access("/old/was", F_OK));
    char cwd[100];
    note("cwd %s", getcwd(cwd, sizeof cwd));
    say("drop the old one", umount2("/old", MNT_DETACH));
    say("gone", access("/old/was", F_OK));
    /* onto itself, as container tools do */
    mkdir("/again", 0755);
    mount("n", "/again", "tmpfs", 0, NULL);
    touch("/again/third");
    chdir("/again");
    say("pivot onto itself", syscall(SYS_pivot_root, ".", "."));
    say("and away", umount2(".", MNT_DETACH));
    chdir("/");
    say("third", access("/third", F_OK));
}

static void mount_ns(void)
{
    char mine[100], theirs[100], pid[20];
    int ready[2], go[2];
    char c;
    mkdir("n", 0755);
    pipe(ready), pipe(go);
    ns_of("self", "mnt", mine);
    pid_t p = fork();
    if (!p) {
        say("unshare", unshare(CLONE_NEWNS));
        say("mount", mount("n", "n", "tmpfs", 0, NULL));
        touch("n/theirs");
        write(ready[1], "", 1);
        read(go[0], &c, 1);
        _exit(0);
    }
    read(ready[0], &c, 1);
    say("not seen here", access("n/theirs", F_OK));
    sprintf(pid, "%d", p);
    ns_of(pid, "mnt", theirs);
    yes("another namespace", *mine && *theirs && strcmp(mine, theirs));
    char path[100];
    sprintf(path, "/proc/%d/ns/mnt", p);
    int fd = open(path, O_RDONLY), self = open("/proc/self/ns/mnt", O_RDONLY);
    struct stat a, b;
    fstat(fd, &a), stat(path, &b);
    yes("one inode a namespace", a.st_ino == b.st_ino && a.st_dev == b.st_dev);
    fstat(self, &b);
    yes("and others", a.st_ino != b.st_ino);
    sprintf(path, "/proc/%d/root/%s/n/theirs", p, base);
    say("seen through its root", access(path, F_OK));
    if (!fork()) {
        say("setns", setns(fd, CLONE_NEWNS));
        char abs[300];
        sprintf(abs, "%s/n/theirs", base);
        say("seen after setns", access(abs, F_OK));
        say("back", setns(self, 0));
        say("not seen", access(abs, F_OK));
        _exit(0);
    }
    wait(NULL);
    int pfd = syscall(SYS_pidfd_open, p, 0);
    if (!fork()) {
        char abs[300];
        say("by pidfd", setns(pfd, CLONE_NEWNS | CLONE_NEWUTS));
        sprintf(abs, "%s/n/theirs", base);
        say("seen", access(abs, F_OK));
        _exit(0);
    }
    wait(NULL);
    say("wrong kind", setns(fd, CLONE_NEWUTS));
    say("pidfd without kinds", setns(pfd, 0));
    say("no namespace", setns(ready[0], 0));
    say("closed", setns(-1, 0));
    write(go[1], "", 1);
    say_wait("child", p);
    if (!fork()) {      /* its file keeps it */
        char abs[300];
        say("setns", setns(fd, 0));
        sprintf(abs, "%s/n/theirs", base);
        say("still there", access(abs, F_OK));
        _exit(0);
    }
    wait(NULL);
    close(fd);
    say("rmdir", rmdir("n"));
}

static int in_child(void *arg)
{
    struct utsname u;
    sethostname("inner", 5);
    uname(&u);
    note("child %s", u.nodename);
    say("mount", mount("n", "cl", "tmpfs", 0, NULL));
    touch("cl/x");
    int id = shmget(0x1234, 4096, 0);
    say("shm of the parent", id);
    did("own shm", shmget(0x1234, 4096, IPC_CREAT | 0600));
    char b[100];
    FILE *f = fopen("/proc/sys/kernel/hostname", "r");
    fscanf(f, "%99s", b);
    note("proc says %s", b);
    return 0;
}

static void others(void)
{
    static char stack[65536];
    struct utsname before, after;
    char a[100], b[100];
    mkdir("cl", 0755);
    uname(&before);
    int id = shmget(0x1234, 8192, IPC_CREAT | 0600);
    did("shm", id);
    pid_t p = clone(in_child, stack + sizeof stack, CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | SIGCHLD, NULL);
    say_wait("clone", p);
    uname(&after);
    yes("our name stays", !strcmp(before.nodename, after.nodename));
    say("its mount is gone", access("cl/x", F_OK));
    yes("our shm stays", shmget(0x1234, 8192, 0) == id);
    shmctl(id, IPC_RMID, NULL);
    static const char *const kinds[] = { "cgroup", "ipc", "mnt", "net", "pid", "pid_for_children", "time", "user", "uts" };
    for (int i = 0; i < 9; i++) {
        char path[40];
        sprintf(path, "/proc/self/ns/%s", kinds[i]);
        int n = readlink(path, a, 99);
        a[n > 0 ? n : 0] = 0;
        *strchrnul(a, ':') = 0;
        note("%s: %s", kinds[i], a);
    }
    if (!fork()) {
        ns_of("self", "uts", a);
        say("unshare uts and ipc", unshare(CLONE_NEWUTS | CLONE_NEWIPC));
        ns_of("self", "uts", b);
        yes("new", strcmp(a, b));
        if (!fork()) { char c[100]; ns_of("self", "uts", c); yes("handed on", !strcmp(b, c)); _exit(0); }
        wait(NULL);
        _exit(0);
    }
    wait(NULL);
    say("bad flags", unshare(1));
    say("clone fs and ns", syscall(SYS_clone, CLONE_NEWNS | CLONE_FS | SIGCHLD, 0, 0, 0, 0));
    if (!fork()) {
        setgid(1000), setuid(1000);
        say("unprivileged", unshare(CLONE_NEWNS));
        say("unprivileged uts", unshare(CLONE_NEWUTS));
        say("mount", mount("x", "cl", "tmpfs", 0, NULL));
        _exit(0);
    }
    wait(NULL);
}

int main(void)
{
    getcwd(base, sizeof base);
    say("a namespace of our own", unshare(CLONE_NEWNS));
    say("all private", mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) && errno != EINVAL ? -1 : 0);
    propagation();
    recursive();
    mount_ns();
    others();
    if (!fork()) { pivot(); _exit(0); }
    wait(NULL);
    show("nothing of it here");
    return 0;
}
