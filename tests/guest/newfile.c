/* A new file's attributes and contents, changed by turns: each is there when it is asked for,
 * and the last one stays. */
#include "guest.h"
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static struct stat st;
static const struct timespec old[2] = { { 1000000000, 111 }, { 1100000000, 222 } };

static int recent(void)
{
    return st.st_mtim.tv_sec > 1700000000;
}

static int is_old(void)
{
    return st.st_mtim.tv_sec == 1100000000 && st.st_mtim.tv_nsec == 222;
}

static void times_and_writes(int fd)
{
    int bad[4] = { 0 };

    for (int i = 0; i < 50; i++) {
        write(fd, "text", 4);
        futimens(fd, old);
        fstat(fd, &st);
        bad[0] += !is_old();
        write(fd, "more", 4);
        fstat(fd, &st);
        bad[1] += !recent();
        futimens(fd, old);
        write(fd, "more", 4);   /* at once */
        fstat(fd, &st);
        bad[2] += !recent();
        futimens(fd, old);
        ftruncate(fd, i);
        fstat(fd, &st);
        bad[3] += !recent() || st.st_size != i;
    }
    check(!bad[0], "times that were set");
    check(!bad[1], "a write after that was seen makes them new");
    check(!bad[2], "a write at once, too");
    check(!bad[3], "and a new size");
}

static void mapped(int fd)
{
    ftruncate(fd, 4096);
    futimens(fd, old);
    char *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    p[0] = 1;
    msync(p, 4096, MS_SYNC);
    fstat(fd, &st);
    check(recent(), "a store makes times new");
    munmap(p, 4096);
}

static void modes(int fd)
{
    int bad = 0;

    for (int m = 0; m < 01000; m++) {
        fchmod(fd, (mode_t)m);
        if (m & 1)
            fstat(fd, &st);
        else
            stat("new", &st);
        bad += (st.st_mode & 07777) != (mode_t)m;
    }
    check(!bad, "each mode");
    check(fchmod(fd, 04755) == 0 && fstat(fd, &st) == 0 && (st.st_mode & 07777) == 04755, "set-id");
    check(fchown(fd, 0, 0) == 0 && fstat(fd, &st) == 0 && (st.st_mode & 07777) == 0755,
          "the same owner takes that away");
    struct timespec before = st.st_ctim;
    usleep(20000);
    fchown(fd, 0, 0);
    fstat(fd, &st);
    check(st.st_ctim.tv_sec > before.tv_sec || st.st_ctim.tv_nsec != before.tv_nsec,
          "and is a change");
    check(fchown(fd, 12, 34) == 0 && fchmod(fd, 0604) == 0 && fstat(fd, &st) == 0 &&
          st.st_uid == 12 && st.st_gid == 34 && (st.st_mode & 07777) == 0604, "another owner");
}

static void in_a_row(int fd)
{
    for (int i = 0; i < 1000; i++)
        fchmod(fd, (mode_t)i & 0777);
    fstat(fd, &st);
    check((st.st_mode & 07777) == (999 & 0777), "a thousand changes in a row");
}

/* Where the file ends, also when another process has moved that. */
static void ends(int fd)
{
    int bad = 0;

    for (int i = 0; i < 40; i++) {
        int size = i % 7 * 5000, how;
        pid_t p = fork();

        if (p == 0) {
            int other = open("new", O_RDWR);
            _exit(ftruncate(other, size) != 0 || pwrite(other, "x", 1, size) != 1);
        }
        waitpid(p, &how, 0);
        bad += how != 0 || lseek(fd, 0, SEEK_END) != size + 1 || lseek(fd, 0, SEEK_END) != size + 1;
    }
    ftruncate(fd, 0);
    check(!bad && lseek(fd, 0, SEEK_END) == 0, "where it ends");
}

static void many(void)
{
    char name[32];
    int bad = 0;

    for (int i = 0; i < 300; i++) {
        sprintf(name, "m%d", i);
        int fd = open(name, O_CREAT | O_EXCL | O_WRONLY, 0600);
        write(fd, name, strlen(name));
        futimens(fd, old);
        fchmod(fd, 0400 | i % 64);
        close(fd);
        if (i % 3 == 0)
            unlink(name);
    }
    for (int i = 0; i < 300; i++) {
        sprintf(name, "m%d", i);
        if (i % 3 == 0)
            bad += stat(name, &st) == 0;
        else
            bad += stat(name, &st) != 0 || !is_old() || st.st_size != (off_t)strlen(name) ||
                   (st.st_mode & 0777) != (mode_t)(0400 | i % 64);
        unlink(name);
    }
    check(!bad, "many, as tar makes them");
}

int main(void)
{
    umask(0);
    int fd = open("new", O_CREAT | O_EXCL | O_RDWR, 0600);

    check(fd >= 0, "a new file");
    times_and_writes(fd);
    mapped(fd);
    modes(fd);
    fchmod(fd, 0600);
    fchown(fd, 0, 0);
    ends(fd);
    close(fd);
    fd = open("another", O_CREAT | O_EXCL | O_RDWR, 0600);
    in_a_row(fd);
    close(fd);
    check(open("new", O_CREAT | O_EXCL | O_RDWR, 0600) == -1 && errno == EEXIST, "once");
    many();
    return guest_end();
}
