/* inotify: what watchers are told, in which order, on both kinds of file systems. */
#include "say.h"
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <poll.h>
#include <dirent.h>

static int in, first_cookie;
static const char *const names[] = {
    "ACCESS", "MODIFY", "ATTRIB", "CLOSE_WRITE", "CLOSE_NOWRITE", "OPEN", "MOVED_FROM",
    "MOVED_TO", "CREATE", "DELETE", "DELETE_SELF", "MOVE_SELF", "12", "UNMOUNT", "Q_OVERFLOW",
    "IGNORED" };

/* Prints what has come since the last call. */
static void events(const char *what)
{
    char buf[8192] __attribute__((aligned(8)));
    ssize_t n;
    note("%s", what);
    while ((n = read(in, buf, sizeof buf)) > 0)
        for (char *p = buf; p < buf + n;) {
            struct inotify_event *e = (void *)p;
            printf("   %d", e->wd);
            for (int b = 0; b < 16; b++) if (e->mask & 1u << b) printf(" %s", names[b]);
            if (e->mask & IN_ISDIR) printf(" dir");
            if (e->cookie) {
                if (!first_cookie) first_cookie = e->cookie;
                printf(" cookie+%d", e->cookie - first_cookie);
            }
            if (e->len) printf(" %s (%d)", e->name, e->len);
            printf("\n");
            p += sizeof *e + e->len;
        }
    if (n == -1 && errno != EAGAIN) say("read", n);
}

static void put(const char *name, const char *text)
{
    int fd = open(name, O_CREAT | O_WRONLY, 0644);
    if (*text) write(fd, text, strlen(text));
    close(fd);
}

static void contents(void)
{
    char b[100];
    put("d/new", "x");
    events("create, write, close");
    int fd = open("d/new", O_RDWR);
    write(fd, "abc", 3);
    write(fd, "def", 3);
    pread(fd, b, 10, 0);
    read(fd, b, 10);
    ftruncate(fd, 2);
    fchmod(fd, 0600);
    close(fd);
    events("open, two writes are one, read, truncate, chmod");
    close(open("d/new", O_RDONLY | O_TRUNC));
    close(open("d/new", O_WRONLY | O_TRUNC));
    close(open("d/new", O_PATH));
    events("O_TRUNC; nothing of O_PATH");
    truncate("d/new", 100);
    chown("d/new", 0, 0);
    utimensat(AT_FDCWD, "d/new", NULL, 0);
    struct timespec t[2] = { { 5, 0 }, { 0, UTIME_OMIT } };
    utimensat(AT_FDCWD, "d/new", t, 0);
    t[0].tv_nsec = UTIME_OMIT; t[1].tv_nsec = 7;
    utimensat(AT_FDCWD, "d/new", t, 0);
    events("truncate, chown, times, atime, mtime");
    if (setxattr("d/new", "user.a", "1", 1, 0) == 0) removexattr("d/new", "user.a");
    events("xattrs");
    struct stat st;
    stat("d/new", &st);
    access("d/new", R_OK);
    events("stat: nothing");
}

static void entries(void)
{
    mkdir("d/sub", 0755);
    symlink("new", "d/sym");
    link("d/new", "d/hard");
    mkfifo("d/fifo", 0600);
    events("mkdir, symlink, link, fifo");
    unlink("d/hard");
    unlink("d/sym");
    unlink("d/fifo");
    rmdir("d/sub");
    events("and away");
    mkdir("d/many", 0755);
    DIR *dir = opendir("d/many");
    while (readdir(dir)) continue;
    closedir(dir);
    rmdir("d/many");
    events("reading a directory");
    rename("d/new", "d/renamed");
    rename("d/renamed", "out");
    rename("out", "d/new");
    events("rename within, out and in");
    put("d/other", "");
    events("other");
    rename("d/other", "d/new");
    events("rename over");
    put("d/x", "");
    mkdir("d/y", 0700);
    events("x y");
    renameat2(AT_FDCWD, "d/x", AT_FDCWD, "d/y", RENAME_EXCHANGE);
    events("exchange");
    rmdir("d/x");
    unlink("d/y");
    unlink("d/none");
    events("away");
}

static void self(void)
{
    int w, fd;
    put("f", "123");
    w = inotify_add_watch(in, "f", IN_ALL_EVENTS);
    note("a file: wd %d", w);
    note("again: wd %d", inotify_add_watch(in, "f", IN_ALL_EVENTS));
    put("f", "4");
    chmod("f", 0600);
    link("f", "f2");
    rename("f", "g");
    unlink("f2");
    events("its own events have no name");
    fd = open("g", O_RDONLY);
    unlink("g");
    events("unlinked, but open");
    close(fd);
    events("now it goes");
    put("f", "");
    put("h", "");
    w = inotify_add_watch(in, "f", IN_ALL_EVENTS);
    rename("h", "f");
    events("replaced by another");
    w = inotify_add_watch(in, "f", IN_CLOSE_WRITE);
    say("rm_watch", inotify_rm_watch(in, w));
    say("rm_watch twice", inotify_rm_watch(in, w));
    put("f", "z");
    events("removed");
    mkdir("e", 0755);
    w = inotify_add_watch(in, "e", IN_ALL_EVENTS);
    note("numbers go up: %d", w);
    rename("e", "e2");
    rmdir("e2");
    events("a directory moves and goes");
    unlink("f");
    events("nothing");
}

static void flags(void)
{
    int w, fd;
    say("onlydir on a file", inotify_add_watch(in, "d/new", IN_OPEN | IN_ONLYDIR));
    say("no bits", inotify_add_watch(in, "d/new", 0));
    say("unknown bits", inotify_add_watch(in, "d/new", 0x10000));
    say("none", inotify_add_watch(in, "none", IN_OPEN));
    say("bad fd", inotify_add_watch(0, "d/new", IN_OPEN));
    say("bad fd rm", inotify_rm_watch(0, 1));
    say("closed fd", inotify_add_watch(-1, "d/new", IN_OPEN));
    say("init flags", inotify_init1(1));
    put("f", "");
    w = inotify_add_watch(in, "f", IN_OPEN | IN_ONESHOT);
    close(open("f", O_RDONLY));
    close(open("f", O_RDONLY));
    events("once");
    w = inotify_add_watch(in, "f", IN_OPEN);
    say("create", inotify_add_watch(in, "f", IN_CLOSE | IN_MASK_CREATE));
    yes("add keeps the number", w == inotify_add_watch(in, "f", IN_CLOSE | IN_MASK_ADD));
    close(open("f", O_RDONLY));
    events("both");
    yes("replaced", w == inotify_add_watch(in, "f", IN_CLOSE_WRITE));
    close(open("f", O_RDONLY));
    events("nothing");
    say("add and create", inotify_add_watch(in, "f", IN_OPEN | IN_MASK_ADD | IN_MASK_CREATE));
    inotify_rm_watch(in, w);
    symlink("f", "s");
    w = inotify_add_watch(in, "s", IN_ATTRIB | IN_DONT_FOLLOW);
    chmod("f", 0640);
    events("the link itself");
    lchown("s", 1, 1);
    events("is changed");
    inotify_rm_watch(in, w);
    unlink("s");
    unlink("f");
    events("away");
    mkdir("x", 0755);
    put("x/f", "");
    w = inotify_add_watch(in, "x", IN_ALL_EVENTS | IN_EXCL_UNLINK);
    fd = open("x/f", O_RDWR);
    unlink("x/f");
    write(fd, "a", 1);
    close(fd);
    events("unlinked children are quiet");
    inotify_rm_watch(in, w);
    w = inotify_add_watch(in, "x", IN_ALL_EVENTS);
    fd = open("x/f", O_RDWR | O_CREAT, 0600);
    unlink("x/f");
    write(fd, "a", 1);
    close(fd);
    events("or not");
    rmdir("x");
    events("gone");
}

static void queue(void)
{
    char b[64];
    int n, w;
    struct pollfd p = { in, POLLIN };
    struct epoll_event e = { EPOLLIN }, got;
    int ep = epoll_create1(0);
    epoll_ctl(ep, EPOLL_CTL_ADD, in, &e);
    say("poll: nothing", poll(&p, 1, 0));
    say("read: nothing", read(in, b, sizeof b));
    say("FIONREAD", (ioctl(in, FIONREAD, &n), n));
    put("d/a-name-of-a-good-length", "");
    say("poll", poll(&p, 1, 1000));
    say("epoll", epoll_wait(ep, &got, 1, 1000));
    say("FIONREAD", (ioctl(in, FIONREAD, &n), n));
    say("too small", read(in, b, 20));
    say("one fits", read(in, b, 60));
    say("FIONREAD", (ioctl(in, FIONREAD, &n), n));
    events("the others");
    close(ep);
    unlink("d/a-name-of-a-good-length");
    events("away");
    /* a reader that waits */
    fcntl(in, F_SETFL, 0);
    if (!fork()) { nap(30); put("d/late", ""); _exit(0); }
    say("waited", read(in, b, sizeof b) > 0);
    wait(NULL);
    fcntl(in, F_SETFL, O_NONBLOCK);
    events("rest");
    unlink("d/late");
    events("away");
    say("write", write(in, b, 1));
    char line[300];
    sprintf(b, "/proc/self/fdinfo/%d", in);
    w = inotify_add_watch(in, "d/new", IN_OPEN);
    FILE *f = fopen(b, "r");
    n = 0;
    while (fgets(line, sizeof line, f)) n += !strncmp(line, "inotify wd:", 11);
    fclose(f);
    note("fdinfo has %d", n);
    sprintf(b, "/proc/self/fd/%d", in);
    n = readlink(b, line, sizeof line);
    note("link %.*s", n, line);
    inotify_rm_watch(in, w);
    events("removed");
}

static void overflow(void)
{
    char b[100];
    int fd = open("/proc/sys/fs/inotify/max_queued_events", O_RDONLY), i, saved = in;
    b[read(fd, b, 20)] = 0;
    close(fd);
    yes("a limit", atoi(b) >= 16384);
    int max = atoi(b), n = 0, over = 0;
    in = inotify_init1(IN_NONBLOCK);
    int w = (mkdir("o", 0700), inotify_add_watch(in, "o", IN_ATTRIB));
    put("o/b", "");
    put("o/a", "");
    for (i = 0; i < max + 10; i++) chmod(i & 1 ? "o/a" : "o/b", 0600);
    struct { struct inotify_event e; char room[300]; } e;
    char *all = malloc(1 << 20);
    ssize_t k;
    while ((k = read(in, all, 1 << 20)) > 0)
        for (char *p = all; p < all + k; n++) {
            struct inotify_event *v = (void *)p;
            if (v->mask & IN_Q_OVERFLOW) over++, note("overflow wd %d len %d", v->wd, v->len);
            p += sizeof *v + v->len;
        }
    note("%d more than the limit, %d overflow", n - max, over);
    unlink("o/b");
    unlink("o/a");
    rmdir("o");
    close(in);
    free(all);
    in = saved;
}

static void other_process(void)
{
    pid_t p = fork();
    if (!p) {
        put("d/theirs", "1");
        int fd = open("d/theirs", O_RDWR);
        struct iovec v = { "abc", 3 };
        writev(fd, &v, 1);
        pwrite(fd, "x", 1, 10);
        close(fd);
        execl("/bin/true", "true", NULL);
        _exit(0);
    }
    waitpid(p, NULL, 0);
    unlink("d/theirs");
    events("another process");
}

static void unmounting(void)
{
    mkdir("m", 0755);
    if (mount("t", "m", "tmpfs", 0, NULL)) { say("mount", -1); return; }
    put("m/f", "");
    inotify_add_watch(in, "m", IN_ALL_EVENTS);
    inotify_add_watch(in, "m/f", IN_OPEN);
    say("umount", umount("m"));
    char buf[500];
    int n = read(in, buf, sizeof buf), un = 0, ig = 0;
    for (char *p = buf; p < buf + n; p += sizeof(struct inotify_event) + ((struct inotify_event *)p)->len) {
        un += !!(((struct inotify_event *)p)->mask & IN_UNMOUNT);
        ig += !!(((struct inotify_event *)p)->mask & IN_IGNORED);
    }
    note("unmount %d, ignored %d", un, ig);
    rmdir("m");
}

int main(void)
{
    for (int i = 0; i < 2; i++) {
        if (chdir(i ? "/tmp" : ".")) return 1;
        note("-- in %s", i ? "/tmp" : "the root");
        in = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
        first_cookie = 0;
        mkdir("d", 0755);
        note("wd %d", inotify_add_watch(in, "d", IN_ALL_EVENTS));
        contents();
        entries();
        self();
        flags();
        queue();
        other_process();
        overflow();
        events("what of it here");
        unlink("d/new");
        say("rmdir", rmdir("d"));
        events("the end");
        unmounting();
        close(in);
        /* limits */
        int n = 0, max = 0;
        FILE *f = fopen("/proc/sys/fs/inotify/max_user_instances", "r");
        fscanf(f, "%d", &max);
        fclose(f);
        int fds[2000];
        if (max < 1000) {
            while (n < 1999 && (fds[n] = inotify_init()) >= 0) n++;
            yes("instances are limited", n <= max && errno == EMFILE);
            while (n) close(fds[--n]);
        }
    }
    return 0;
}
