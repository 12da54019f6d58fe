/* Reading directories: all names once, types, positions, while they change. */
#include "say.h"
#include <dirent.h>
#include <sys/syscall.h>

static int cmp(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }
static void list(const char *path)
{
    DIR *d = opendir(path);
    struct dirent *e;
    char *names[3000];
    int n = 0;
    if (!d) { say(path, -1); return; }
    while ((e = readdir(d))) { char b[300]; sprintf(b, "%s:%d", e->d_name, e->d_type); names[n++] = strdup(b); }
    closedir(d);
    qsort(names, n, sizeof *names, cmp);
    printf("%s %d:", path, n);
    for (int i = 0; i < n && i < 20; i++) printf(" %s", names[i]);
    printf("\n");
}

static void all(void)
{
    char b[50];
    struct dirent *e;
    mkdir("d", 0755);
    close(open("d/file", O_CREAT | O_RDWR, 0600));
    mkdir("d/sub", 0755);
    symlink("x", "d/link");
    mkfifo("d/fifo", 0600);
    mknod("d/sock", S_IFSOCK | 0600, 0);
    list("d");
    list("d/sub");
    list("d/file");
    list("none");
    mkdir("many", 0755);
    for (int i = 0; i < 1500; i++) { sprintf(b, "many/name-%d", i); close(open(b, O_CREAT | O_RDWR, 0600)); }
    list("many");
    /* Delete while reading, as rm -r does. */
    DIR *d = opendir("many");
    int n = 0, m = 0;
    while ((e = readdir(d))) {
        if (e->d_name[0] == '.') continue;
        sprintf(b, "many/%s", e->d_name);
        if (unlink(b)) note("unlink %s", b);
        n++;
    }
    closedir(d);
    note("deleted %d", n);
    list("many");
    say("rmdir", rmdir("many"));
    /* Positions: telldir and seekdir come back to the same entry. */
    mkdir("tell", 0755);
    for (int i = 0; i < 100; i++) { sprintf(b, "tell/%d", i); close(open(b, O_CREAT | O_RDWR, 0600)); }
    d = opendir("tell");
    long at = 0;
    char want[50];
    for (int i = 0; i < 50; i++) { at = telldir(d); strcpy(want, readdir(d)->d_name); }
    while (readdir(d)) m++;
    seekdir(d, at);
    e = readdir(d);
    yes("seekdir", e && !strcmp(e->d_name, want));
    note("rest %d", m);
    rewinddir(d);
    for (n = 0; readdir(d); n++) continue;
    note("rewound %d", n);
    /* An entry made after rewind is seen; one that is there all the time exactly once. */
    close(open("tell/new", O_CREAT | O_RDWR, 0600));
    rewinddir(d);
    for (n = 0; (e = readdir(d));) n += !strcmp(e->d_name, "new");
    note("new seen %d", n);
    closedir(d);
    int fd = open("tell", O_RDONLY | O_DIRECTORY);
    char buf[4096];
    say("a buffer too small", syscall(SYS_getdents64, fd, buf, 10));
    say("bad buffer", syscall(SYS_getdents64, fd, 8, 4096));
    int f2 = open("d/file", O_RDONLY);
    say("of a file", syscall(SYS_getdents64, f2, buf, 4096));
    say("old getdents", syscall(SYS_getdents, fd, buf, 4096) > 0 ? 0 : -1);
    rmdir("d/sub");
    mkdir("gone", 0755);
    int g = open("gone", O_RDONLY);
    rmdir("gone");
    say("removed", syscall(SYS_getdents64, g, buf, 4096));
    /* inode numbers agree with stat */
    d = opendir("d");
    int bad = 0;
    struct stat st;
    while ((e = readdir(d))) {
        if (!strcmp(e->d_name, "..")) continue;
        fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW);
        bad += st.st_ino != e->d_ino;
    }
    closedir(d);
    note("inode numbers that differ: %d", bad);
}

int main(void)
{
    for (int i = 0; i < 2; i++) {
        mkdir(i ? "/tmp/dents" : "here", 0755);
        if (chdir(i ? "/tmp/dents" : "here")) return 1;
        note("== %s", i ? "tmpfs" : "root");
        all();
    }
    return 0;
}
