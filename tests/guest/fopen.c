/* open(2): flags, modes, errors, on the root file system and on tmpfs. */
#include "say.h"

static void opens(void)
{
    static const int flags[] = { 0, O_CREAT, O_EXCL, O_TRUNC, O_CREAT | O_EXCL, O_CREAT | O_TRUNC,
        O_DIRECTORY, O_NOFOLLOW, O_CREAT | O_DIRECTORY, O_PATH, O_APPEND };
    static const char *const names[] = { "file", "dir", "link", "dangling", "new", "loop", "fifo",
        "file/", "dir/", "new/", "file/x", "nodir/x", "", ".", "..", "link/", "dlink", "dlink/" };
    char buf[100];
    struct stat st;

    for (int acc = 0; acc < 3; acc++)
        for (unsigned f = 0; f < sizeof flags / sizeof *flags; f++)
            for (unsigned n = 0; n < sizeof names / sizeof *names; n++) {
                int fd = open("file", O_CREAT | O_WRONLY | O_TRUNC, 0644);
                write(fd, "data", 4);
                close(fd);
                mkdir("dir", 0755);
                symlink("file", "link");
                symlink("dangle", "dangling");
                symlink("loop", "loop");
                symlink("dir", "dlink");
                mkfifo("fifo", 0600);
                unlink("new"), unlink("dangle");
                fd = open(names[n], acc | flags[f] | O_NONBLOCK, 0640);
                snprintf(buf, sizeof buf, "%s %d %o", names[n], acc, flags[f]);
                if (fd < 0) say(buf, -1);
                else {
                    fstat(fd, &st);
                    note("%s: type %o size %d fl %o", buf, st.st_mode & S_IFMT,
                         S_ISREG(st.st_mode) ? (int)st.st_size : 0, fcntl(fd, F_GETFL));
                    close(fd);
                }
            }
}

static void modes(void)
{
    struct stat st;
    for (int m = 0; m < 4; m++) {
        static const int umasks[] = { 0, 022, 077, 0777 };
        umask(umasks[m]);
        unlink("u");
        close(open("u", O_CREAT | O_RDWR, 07777));
        stat("u", &st);
        rmdir("ud");
        mkdir("ud", 07777);
        note("umask %o: file %o", umasks[m], st.st_mode);
        stat("ud", &st);
        note("dir %o", st.st_mode);
        unlink("uf");
        mkfifo("uf", 0666);
        stat("uf", &st);
        note("fifo %o", st.st_mode);
    }
    umask(022);
    int fd = open("nomode", O_CREAT | O_RDWR, 0);
    say("a mode without rights", write(fd, "x", 1));
    close(fd);
}

static void appends(void)
{
    char buf[200] = "";
    int a = open("app", O_CREAT | O_WRONLY | O_APPEND | O_TRUNC, 0644), b = open("app", O_RDWR | O_APPEND), st;
    write(a, "one ", 4);
    write(b, "two ", 4);
    lseek(a, 0, SEEK_SET);
    write(a, "three ", 6);
    say("position after", lseek(a, 0, SEEK_CUR));
    say("pwrite appends too", pwrite(a, "four ", 5, 0));
    say("pread", pread(b, buf, sizeof buf, 0));
    note("%s", buf);
    for (int i = 0; i < 4; i++)
        if (!fork()) { for (int k = 0; k < 50; k++) write(a, "12345678\n", 9); _exit(0); }
    while (wait(&st) > 0) continue;
    struct stat s;
    fstat(a, &s);
    note("four writers: %d", (int)s.st_size);
    say("pwrite negative", pwrite(b, "x", 1, -1));
    say("pread negative", pread(b, buf, 1, -1));
    close(a), close(b);
}

static void lengths(void)
{
    char name[300], path[5000];
    memset(name, 'n', sizeof name);
    name[255] = 0;
    did("255 bytes", open(name, O_CREAT | O_RDWR, 0600));
    name[255] = 'n', name[256] = 0;
    say("256 bytes", open(name, O_CREAT | O_RDWR, 0600));
    for (int i = 0; i < 4095; i++) path[i] = i & 1 ? '/' : '.';
    path[4094] = 0;
    did("4094 bytes of path", open(path, O_RDONLY));
    path[4094] = '/', path[4095] = '.', path[4096] = 0;
    say("4096", open(path, O_RDONLY));
    say("bad pointer", open((char *)8, O_RDONLY));
    say("bad flags", open(".", O_RDONLY | 0x40000000 | O_TMPFILE));
    unlink(name);
    /* Descriptors of removed things. */
    mkdir("gone", 0755);
    int d = open("gone", O_RDONLY);
    rmdir("gone");
    say("in a removed directory", openat(d, "x", O_CREAT | O_RDWR, 0600));
    say("its dot", openat(d, ".", O_RDONLY) >= 0 ? 0 : -1);
    struct stat st;
    fstat(d, &st);
    note("links %d", (int)st.st_nlink);
}

int main(void)
{
    for (int i = 0; i < 2; i++) {
        mkdir(i ? "/tmp/fopen" : "here", 0755);
        if (chdir(i ? "/tmp/fopen" : "here")) return 1;
        note("== %s", i ? "tmpfs" : "root");
        opens();
        modes();
        appends();
        lengths();
    }
    return 0;
}
