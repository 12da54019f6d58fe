/* flock and fcntl locks between processes. */
#include "say.h"
#include <sys/file.h>

static long lk(int fd, int cmd, int type, long from, long len)
{
    struct flock l = { .l_type = type, .l_whence = SEEK_SET, .l_start = from, .l_len = len };
    long r = fcntl(fd, cmd, &l);
    if (cmd == F_GETLK && r == 0)
        note("  holder type %d from %ld len %ld %s", l.l_type, (long)l.l_start,
             (long)l.l_len, l.l_type == F_UNLCK ? "" : l.l_pid == getppid() ? "parent" : "other");
    return r;
}

static void child(void (*fn)(void)) { pid_t p = fork(); if (!p) { fn(); _exit(0); } say_wait("child", p); }
static int fd;

static void contend(void)
{
    int f = open("lock", O_RDWR);
    say("write 0-10 taken", lk(f, F_SETLK, F_WRLCK, 0, 10));
    say("read 0-10 taken", lk(f, F_SETLK, F_RDLCK, 0, 10));
    say("write 10-20 free", lk(f, F_SETLK, F_WRLCK, 10, 10));
    say("who", lk(f, F_GETLK, F_WRLCK, 5, 100));
    say("read 30 shared", lk(f, F_SETLK, F_RDLCK, 30, 10));
    say("write 30 shared", lk(f, F_SETLK, F_WRLCK, 30, 10));
    say("the inherited descriptor", lk(fd, F_SETLK, F_WRLCK, 0, 1));
}
static void parts(void)
{
    int f = open("lock", O_RDWR);
    for (long i = 0; i < 10; i++) if (lk(f, F_SETLK, F_WRLCK, i, 1) == -1) note("  %ld taken", i);
}
static void waiter(void)
{
    int f = open("lock", O_RDWR);
    long long t = now_ms();
    say("F_SETLKW", lk(f, F_SETLKW, F_WRLCK, 0, 0));
    yes("waited", now_ms() - t >= 30);
}
static void on(int s) { }
static void interrupted(void)
{
    int f = open("lock", O_RDWR);
    struct sigaction sa = { .sa_handler = on };
    sigaction(SIGALRM, &sa, NULL);
    ualarm(30000, 0);
    say("EINTR", lk(f, F_SETLKW, F_WRLCK, 0, 0));
}
static void flocks(void)
{
    int f = open("lock", O_RDWR);
    say("LOCK_EX taken", flock(f, LOCK_EX | LOCK_NB));
    say("LOCK_SH taken", flock(f, LOCK_SH | LOCK_NB));
    say("the inherited one is the same lock", flock(fd, LOCK_EX | LOCK_NB));
}
static void shared(void)
{
    int f = open("lock", O_RDWR);
    say("LOCK_SH with another", flock(f, LOCK_SH | LOCK_NB));
    say("no upgrade", flock(f, LOCK_EX | LOCK_NB));
}
/* What /proc/locks says of our file, without numbers of the machine. */
static void proc_locks(void)
{
    char found[10][200];
    int n = 0;
    char line[300], kind[20], type[20], pid[20], dev[60], from[30], to[30];
    struct stat st;
    FILE *f = fopen("/proc/locks", "r");
    fstat(fd, &st);
    while (f && fgets(line, sizeof line, f)) {
        char *ino;
        if (sscanf(line, "%*d: %19s ADVISORY %19s %19s %59s %29s %29s", kind, type, pid, dev, from, to) != 6) continue;
        ino = strrchr(dev, ':');
        if (!ino || strtoul(ino + 1, NULL, 10) != st.st_ino) continue;
        sprintf(found[n++ % 10], "  %s %s %s %s-%s", kind, type,
                atoi(pid) == getpid() ? "ours" : atoi(pid) == -1 ? "-1" : "other", from, to);
    }
    if (f) fclose(f);
    qsort(found, n, sizeof *found, (int (*)(const void *, const void *))strcmp);
    for (int i = 0; i < n; i++) note("%s", found[i]);
}
static void ofd(void)
{
    int f = open("lock", O_RDWR);
    struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 0 };
    say("OFD taken", fcntl(f, F_OFD_SETLK, &l));
    say("its owner's descriptor", fcntl(fd, F_OFD_SETLK, &l));
}

int main(void)
{
    for (int i = 0; i < 2; i++) {
        if (chdir(i ? "/tmp" : ".")) return 1;
        fd = open("lock", O_CREAT | O_RDWR | O_TRUNC, 0644);
        write(fd, "0123456789012345678901234567890123456789", 40);
        say("write lock", lk(fd, F_SETLK, F_WRLCK, 0, 10));
        say("read lock", lk(fd, F_SETLK, F_RDLCK, 30, 5));
        proc_locks();
        say("own is no obstacle", lk(fd, F_GETLK, F_WRLCK, 0, 0));
        child(contend);
        say("split", lk(fd, F_SETLK, F_UNLCK, 3, 4));
        child(parts);
        say("downgrade", lk(fd, F_SETLK, F_RDLCK, 0, 10));
        child(parts);
        int other = open("lock", O_RDWR);
        close(other);
        note("closing any descriptor drops all");
        child(parts);
        lk(fd, F_SETLK, F_WRLCK, 0, 0);
        pid_t p = fork();
        if (!p) { waiter(); _exit(0); }
        nap(50);
        lk(fd, F_SETLK, F_UNLCK, 0, 0);
        say_wait("waiter", p);
        lk(fd, F_SETLK, F_WRLCK, 0, 0);
        child(interrupted);
        /* deadlock */
        lk(fd, F_SETLK, F_UNLCK, 0, 0);
        lk(fd, F_SETLK, F_WRLCK, 0, 1);
        if (!(p = fork())) {
            lk(fd, F_SETLK, F_WRLCK, 1, 1);
            nap(60);
            say("a circle", lk(fd, F_SETLKW, F_WRLCK, 0, 1));
            _exit(0);
        }
        nap(25);
        long r = lk(fd, F_SETLKW, F_WRLCK, 1, 1);
        waitpid(p, NULL, 0);
        say("the first got it when the other left", r);
        lk(fd, F_SETLK, F_UNLCK, 0, 0);
        int ro = open("lock", O_RDONLY);
        say("write lock on read-only", lk(ro, F_SETLK, F_WRLCK, 0, 1));
        say("bad type", lk(fd, F_SETLK, 77, 0, 1));
        say("negative", lk(fd, F_SETLK, F_WRLCK, -5, 1));
        close(ro);
        say("flock", flock(fd, LOCK_EX));
        child(flocks);
        say("to shared", flock(fd, LOCK_SH));
        child(shared);
        say("unlock", flock(fd, LOCK_UN));
        say("bad", flock(fd, 0));
        struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
        say("OFD", fcntl(fd, F_OFD_SETLK, &l));
        proc_locks();
        child(ofd);
        l.l_type = F_UNLCK;
        fcntl(fd, F_OFD_SETLK, &l);
        flock(fd, LOCK_EX);
        if (!(p = fork())) {
            int f = open("lock", O_RDWR);
            long long t = now_ms();
            flock(f, LOCK_EX);
            yes("waited", now_ms() - t > 20);
            _exit(0);
        }
        nap(40);
        close(fd);
        note("the child's copy still holds it: %d", waitpid(p, NULL, WNOHANG));
        kill(p, SIGKILL);
        waitpid(p, NULL, 0);
    }
    return 0;
}
