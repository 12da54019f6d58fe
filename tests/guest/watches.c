/* inotify: which events, in what order, with which names; masks, moves, removal, overflow. */
#include "say.h"
#include <poll.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/time.h>
#include <sys/xattr.h>

static int in;

static void names(uint32_t m)
{
    static const struct { uint32_t bit; const char *name; } t[] = {
        { IN_ACCESS, "ACCESS" }, { IN_MODIFY, "MODIFY" }, { IN_ATTRIB, "ATTRIB" },
        { IN_CLOSE_WRITE, "CLOSE_WRITE" }, { IN_CLOSE_NOWRITE, "CLOSE_NOWRITE" },
        { IN_OPEN, "OPEN" }, { IN_MOVED_FROM, "MOVED_FROM" }, { IN_MOVED_TO, "MOVED_TO" },
        { IN_CREATE, "CREATE" }, { IN_DELETE, "DELETE" }, { IN_DELETE_SELF, "DELETE_SELF" },
        { IN_MOVE_SELF, "MOVE_SELF" }, { IN_UNMOUNT, "UNMOUNT" }, { IN_Q_OVERFLOW, "OVERFLOW" },
        { IN_IGNORED, "IGNORED" }, { IN_ISDIR, "ISDIR" } };
    for (unsigned i = 0; i < sizeof t / sizeof *t; i++)
        if (m & t[i].bit) printf(" %s", t[i].name);
}

/* What has come: cookies as whether they are the last one's. */
static void events(const char *what)
{
    static uint32_t last;
    char b[8192] __attribute__((aligned(8)));
    ssize_t n;

    printf("%s:\n", what);
    while ((n = read(in, b, sizeof b)) > 0)
        for (char *p = b; p < b + n; p += sizeof(struct inotify_event) + ((struct inotify_event *)p)->len) {
            struct inotify_event *e = (void *)p;
            printf("   %d", e->wd);
            names(e->mask);
            if (e->len) printf(" '%s' %u", e->name, e->len);
            if (e->cookie) printf(e->cookie == last ? " paired" : " cookie");
            last = e->cookie;
            printf("\n");
        }
    if (n < 0 && errno != EAGAIN) say("   read", n);
    fflush(stdout);
}

static int watch(const char *path, uint32_t mask) { return (int)say(path, inotify_add_watch(in, path, mask)); }
static int make(const char *name, int flags) { return open(name, flags | O_CREAT, 0644); }

static void files(void)
{
    char b[20];
    mkdir("d", 0755);
    int wd = watch("d", IN_ALL_EVENTS), fd = make("d/f", O_RDWR);
    events("created");
    write(fd, "hello", 5);
    write(fd, "hello", 5);
    pread(fd, b, 5, 0);
    pread(fd, b, 5, 100);
    events("written and read");
    ftruncate(fd, 3);
    fchmod(fd, 0600);
    futimens(fd, NULL);
    fsetxattr(fd, "user.x", "1", 1, 0);
    events("attributes");
    posix_fallocate(fd, 0, 10000);
    close(fd);
    events("closed");
    close(open("d/f", O_RDONLY));
    close(open("d/f", O_WRONLY | O_TRUNC));
    truncate("d/f", 9);
    int again = open("d/f", O_RDONLY), two = dup(again);
    close(again);
    close(two);
    close(open("d/f", O_PATH));
    struct stat st;
    stat("d/f", &st);
    access("d/f", R_OK);
    events("opens");
    link("d/f", "d/hard");
    symlink("f", "d/soft");
    mkfifo("d/fifo", 0600);
    mkdir("d/sub", 0755);
    readlink("d/soft", b, sizeof b);
    events("names");
    unlink("d/hard");
    unlink("d/fifo");
    rmdir("d/sub");
    unlink("d/soft");
    events("names gone");
    say("rm_watch", inotify_rm_watch(in, wd));
    say("again", inotify_rm_watch(in, wd));
    close(make("d/silent", O_WRONLY));
    events("removed");
}

static void moves(void)
{
    mkdir("from", 0755);
    mkdir("to", 0755);
    close(make("from/a", O_WRONLY));
    close(make("from/c", O_WRONLY));
    watch("from", IN_ALL_EVENTS);
    watch("to", IN_ALL_EVENTS);
    watch("from/a", IN_ALL_EVENTS);
    rename("from/a", "from/b");
    events("renamed");
    rename("from/b", "to/b");
    events("moved");
    close(open("to/b", O_RDONLY));
    rename("from/c", "to/b");
    events("moved over");
    mkdir("from/dir", 0755);
    rename("from/dir", "to/dir");
    events("a directory");
    close(make("from/x", O_WRONLY));
    events("x");
    syscall(316, AT_FDCWD, "from/x", AT_FDCWD, "to/b", 2);
    events("exchanged");
    rename("from/x", "elsewhere");
    events("out");
    rename("elsewhere", "to/back");
    events("in");
    rmdir("from");
    rename("to", "to2");
    close(make("to2/n", O_WRONLY));
    events("itself");
}

static void ends(void)
{
    int fd = make("u", O_RDWR);
    int wd = watch("u", IN_ALL_EVENTS);
    unlink("u");
    events("unlinked while open");
    write(fd, "x", 1);
    events("still written");
    close(fd);
    events("gone");
    say("rm_watch", inotify_rm_watch(in, wd));
    mkdir("e", 0755);
    watch("e", IN_DELETE_SELF);
    rmdir("e");
    events("directory gone");
    close(make("o", O_WRONLY));
    watch("o", IN_CLOSE_NOWRITE | IN_ONESHOT);
    close(open("o", O_RDONLY));
    close(open("o", O_RDONLY));
    events("one shot");
    mkdir("x", 0755);
    watch("x", IN_MODIFY | IN_EXCL_UNLINK);
    fd = make("x/f", O_WRONLY);
    write(fd, "1", 1);
    unlink("x/f");
    write(fd, "2", 1);
    events("after unlink");
    close(fd);
    mkdir("m", 0755);
    if (mount("none", "m", "tmpfs", 0, NULL)) say("mount", -1);
    watch("m", IN_CREATE);
    umount("m");
    events("unmounted");
}

static void masks(void)
{
    int fd = make("k", O_RDWR), wd = watch("k", IN_OPEN);
    say("same", watch("k", IN_MODIFY) == wd);
    close(open("k", O_RDONLY));
    write(fd, "1", 1);
    events("replaced");
    watch("k", IN_OPEN | IN_MASK_ADD);
    close(open("k", O_RDONLY));
    write(fd, "1", 1);
    events("added");
    say("create", inotify_add_watch(in, "k", IN_OPEN | IN_MASK_CREATE));
    say("both", inotify_add_watch(in, "k", IN_OPEN | IN_MASK_CREATE | IN_MASK_ADD));
    say("none", inotify_add_watch(in, "k", 0));
    say("only dir", inotify_add_watch(in, "k", IN_OPEN | IN_ONLYDIR));
    say("missing", inotify_add_watch(in, "nothing", IN_OPEN));
    say("not inotify", inotify_add_watch(fd, "k", IN_OPEN));
    say("closed", inotify_add_watch(99, "k", IN_OPEN));
    say("bad flags", inotify_init1(1));
    say("rm of nothing", inotify_rm_watch(in, 1000));
    symlink("k", "l");
    say("link itself", inotify_add_watch(in, "l", IN_OPEN | IN_DONT_FOLLOW) > 0);
    close(open("l", O_RDONLY));
    events("through a link");
    mkdir("secret", 0700);
    if (fork() == 0) {
        setuid(1000);
        say("no right", inotify_add_watch(in, "secret", IN_OPEN));
        _exit(0);
    }
    wait(NULL);
    close(fd);
}

static void waiting(void)
{
    char b[400];
    int n, wd = watch("k", IN_MODIFY), fd = open("k", O_WRONLY);
    struct pollfd p = { in, POLLIN, 0 };
    events("before");
    say("poll", poll(&p, 1, 0));
    write(fd, "1", 1);
    say("poll", poll(&p, 1, 0));
    say("FIONREAD", ioctl(in, FIONREAD, &n));
    say("n", n);
    say("too small", read(in, b, 15));
    say("fits", read(in, b, 16));
    say("empty", read(in, b, 400));
    say("write", write(in, b, 16));
    say("seek", lseek(in, 0, SEEK_SET));
    fcntl(in, F_SETFL, 0);
    if (fork() == 0) {
        usleep(100000);
        write(fd, "2", 1);
        _exit(0);
    }
    say("waits", read(in, b, 400));
    wait(NULL);
    fcntl(in, F_SETFL, O_NONBLOCK);
    struct inotify_event *e = (void *)b;
    yes("its watch", e->wd == wd);
    /* The same event again and again is one. */
    for (int i = 0; i < 100; i++) write(fd, "3", 1);
    say("merged", read(in, b, 400));
    close(fd);
}

static void overflow(void)
{
    char b[65536], name[30];
    int total = 0, over = 0;
    chdir("/tmp");              /* so many files are slow elsewhere */
    mkdir("many", 0755);
    watch("many", IN_CREATE | IN_DELETE);
    for (int i = 0; i < 9000; i++) {
        snprintf(name, sizeof name, "many/f%d", i);
        close(make(name, O_WRONLY));
        unlink(name);
    }
    for (ssize_t n; (n = read(in, b, sizeof b)) > 0;)
        for (char *p = b; p < b + n; p += sizeof(struct inotify_event) + ((struct inotify_event *)p)->len) {
            struct inotify_event *e = (void *)p;
            total++;
            over += e->mask == IN_Q_OVERFLOW && e->wd == -1;
        }
    note("%d events, %d overflow", total, over);
}

int main(void)
{
    in = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    did("inotify_init1", in);
    say("flags", fcntl(in, F_GETFD));
    files();
    moves();
    ends();
    masks();
    waiting();
    overflow();
    close(in);
    did("inotify_init", in = inotify_init());
    return 0;
}
