/* Random SIGKILL under load: a few processes are kept busy with forks, threads, pipes,
 * futexes, files, sockets, memory and System V IPC, and are killed at random moments. At the
 * end nothing may hang, no lock may be left, and tasks and memory must be as before.
 * usage: killstress [KILLS [SEED]] */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "guest.h"

enum { LANES = 6 };

static unsigned long long rnd_state;
static unsigned rnd(unsigned n)
{
    rnd_state = rnd_state * 6364136223846793005ull + 1442695040888963407ull;
    return (unsigned)(rnd_state >> 33) % n;
}

static int *word;               /* shared by all: a futex that everyone uses */
static int sem = -1;

static void *thread(void *a)
{
    for (int i = 0; i < 20; i++) {
        __atomic_add_fetch(word, 1, __ATOMIC_SEQ_CST);
        syscall(SYS_futex, word, FUTEX_WAKE, 10, NULL, NULL, 0);
        struct timespec t = { 0, 500000 };
        syscall(SYS_futex, word, FUTEX_WAIT, *word, &t, NULL, 0);
    }
    return a;
}

static void threads(void)
{
    pthread_t t[4];
    int n = 0;
    while (n < 4 && !pthread_create(&t[n], NULL, thread, NULL)) n++;
    while (n-- > 0) pthread_join(t[n], NULL);
}

static void forks(void)
{
    for (int i = 0; i < 4; i++) {
        pid_t c = fork();
        if (!c) { if (!(i & 1)) fork(); _exit(0); }
        if (i & 2) waitpid(c, NULL, 0);
    }
    char *arg[] = { "killstress", "nothing", NULL }, *env[] = { NULL };
    pid_t c;
    if (!posix_spawn(&c, "/proc/self/exe", NULL, NULL, arg, env)) waitpid(c, NULL, 0);
    while (waitpid(-1, NULL, WNOHANG) > 0) continue;
}

static void pipes(void)
{
    char buf[5000];
    int p[2], q[2];
    if (pipe(p) || pipe(q)) return;
    memset(buf, 1, sizeof buf);
    pid_t c = fork();
    if (!c) {
        close(p[1]), close(q[0]);
        ssize_t n;
        while ((n = read(p[0], buf, sizeof buf)) > 0) if (write(q[1], buf, n) != n) break;
        _exit(0);
    }
    close(p[0]), close(q[1]);
    for (int i = 0; i < 30; i++)
        if (write(p[1], buf, rnd(sizeof buf) + 1) < 0 || read(q[0], buf, sizeof buf) <= 0) break;
    close(p[1]), close(q[0]);
    waitpid(c, NULL, 0);
}

static void files(int lane)
{
    char name[40], other[40], buf[3000];
    memset(buf, 2, sizeof buf);
    for (int i = 0; i < 10; i++) {
        snprintf(name, sizeof name, "%s/f%d.%d", i & 1 ? "/tmp/ks" : "ks", lane, i);
        snprintf(other, sizeof other, "%s/g%d.%d", i & 1 ? "/tmp/ks" : "ks", lane, i);
        int fd = open(name, O_CREAT | O_RDWR, 0600);
        write(fd, buf, rnd(sizeof buf));
        fcntl(fd, F_SETLK, &(struct flock){ .l_type = F_WRLCK });
        char *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (p != MAP_FAILED) { ftruncate(fd, 4096); p[9] = 1; munmap(p, 4096); }
        rename(name, other);
        close(fd);
        if (i & 2) unlink(other);
    }
    DIR *d = opendir("ks");
    while (d && readdir(d)) continue;
    if (d) closedir(d);
}

static void sockets(void)
{
    int s[2], fd = open("/dev/null", O_RDWR), ep = epoll_create1(0), ev = eventfd(0, EFD_NONBLOCK);
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, s)) return;
    struct epoll_event e = { EPOLLIN, { .fd = s[1] } };
    epoll_ctl(ep, EPOLL_CTL_ADD, s[1], &e);
    epoll_ctl(ep, EPOLL_CTL_ADD, ev, &e);
    for (int i = 0; i < 10; i++) {
        char c = 1, cm[CMSG_SPACE(sizeof(int))];
        struct iovec v = { &c, 1 };
        struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = cm, .msg_controllen = sizeof cm };
        struct cmsghdr *h = CMSG_FIRSTHDR(&m);
        h->cmsg_level = SOL_SOCKET, h->cmsg_type = SCM_RIGHTS, h->cmsg_len = CMSG_LEN(sizeof fd);
        memcpy(CMSG_DATA(h), i & 1 ? &s[0] : &fd, sizeof fd);
        sendmsg(s[0], &m, MSG_DONTWAIT);
        eventfd_write(ev, 1);
        epoll_wait(ep, &e, 1, 1);
        if (i & 1) recv(s[1], &c, 1, MSG_DONTWAIT);
    }
    close(s[0]), close(s[1]), close(fd), close(ep), close(ev);
}

static void memory(void)
{
    size_t n = (rnd(64) + 1) * 4096ul;
    char *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) return;
    for (size_t i = 0; i < n; i += 4096) p[i] = 1;
    mprotect(p, n / 2 & ~4095ul, PROT_READ);
    char *q = mremap(p, n, n * 2, MREMAP_MAYMOVE);
    if (q != MAP_FAILED) munmap(q, n * 2);
    int fd = memfd_create("ks", 0);
    ftruncate(fd, n);
    p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (p != MAP_FAILED) { memset(p, 3, n); munmap(p, n); }
}

static void sysv(void)
{
    struct sembuf down = { 0, -1, SEM_UNDO }, up = { 0, 1, SEM_UNDO };
    for (int i = 0; i < 10; i++) {
        if (semop(sem, &down, 1)) return;
        sched_yield();
        semop(sem, &up, 1);
    }
    int id = shmget(IPC_PRIVATE, 20000, 0600);
    char *p = shmat(id, NULL, 0);
    shmctl(id, IPC_RMID, NULL);
    if (p != (void *)-1) { p[5000] = 1; shmdt(p); }
}

static void timers(void)
{
    int t = timerfd_create(CLOCK_MONOTONIC, 0);
    struct itimerspec it = { { 0, 100000 }, { 0, 100000 } };
    unsigned long long n;
    timerfd_settime(t, 0, &it, NULL);
    struct pollfd p = { t, POLLIN };
    poll(&p, 1, 5);
    read(t, &n, sizeof n);
    close(t);
    timer_t id;
    struct sigevent ev = { .sigev_notify = SIGEV_NONE };
    if (!timer_create(CLOCK_REALTIME, &ev, &id)) timer_settime(id, 0, &it, NULL);
}

static void lane(int k)
{
    setpgid(0, 0);
    for (;;)
        switch (rnd(9)) {
        case 0: threads(); break;
        case 1: forks(); break;
        case 2: pipes(); break;
        case 3: files(k); break;
        case 4: sockets(); break;
        case 5: memory(); break;
        case 6: sysv(); break;
        case 7: timers(); break;
        default: kill(0, 0), sched_yield();
        }
}

static pid_t start(int k)
{
    unsigned s = rnd(1u << 31);
    pid_t c = fork();
    if (c) return c;
    rnd_state = s;
    lane(k);
    _exit(0);
}

/* A host has other processes and other users of its memory. */
static int inside(void)
{
    struct utsname u;
    return !uname(&u) && strstr(u.release, "xenc");
}

static int count_procs(void)
{
    DIR *d = opendir("/proc");
    struct dirent *e;
    int n = 0;
    while ((e = readdir(d))) n += e->d_name[0] >= '1' && e->d_name[0] <= '9';
    closedir(d);
    return n;
}

/* All of the group, then whoever is left of it; children of children come to us. */
static void kill_lane(pid_t c)
{
    switch (rnd(4)) {
    case 0: syscall(SYS_tgkill, c, c, SIGKILL); break;
    case 1: kill(c, SIGSTOP); kill(c, SIGKILL); break;
    default: kill(c, SIGKILL);
    }
    kill(-c, SIGKILL);
    waitpid(c, NULL, 0);
    kill(-c, SIGKILL);
}

static long free_kb(void)
{
    char line[100];
    long kb = -1;
    FILE *f = fopen("/proc/meminfo", "r");
    while (f && fgets(line, sizeof line, f)) if (sscanf(line, "MemAvailable: %ld", &kb) == 1) break;
    if (f) fclose(f);
    return kb;
}

static void settle(void)
{
    for (int i = 0; i < 200; i++) {
        while (waitpid(-1, NULL, WNOHANG) > 0) continue;
        if (waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD) break;
        usleep(10000);
    }
}

static int run(int kills)
{
    pid_t pid[LANES];
    int done = 0;
    for (int k = 0; k < LANES; k++) pid[k] = start(k);
    while (done < kills) {
        usleep(rnd(8) ? rnd(3000) : 0);
        int k = rnd(LANES);
        kill_lane(pid[k]);
        done++;
        while (waitpid(-1, NULL, WNOHANG) > 0) continue;
        pid[k] = start(k);
    }
    for (int k = 0; k < LANES; k++) kill_lane(pid[k]);
    settle();
    return done;
}

int main(int argc, char **argv)
{
    if (argc > 1 && !strcmp(argv[1], "nothing")) return 0;
    int kills = argc > 1 ? atoi(argv[1]) : 300;
    unsigned seed = argc > 2 ? strtoul(argv[2], NULL, 0) : 1;
    rnd_state = seed;
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    signal(SIGPIPE, SIG_IGN);
    mkdir("/tmp", 01777), mkdir("ks", 0700), mkdir("/tmp/ks", 0700);
    word = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    sem = semget(IPC_PRIVATE, 1, 0600);
    semctl(sem, 0, SETVAL, 1);
    fprintf(stderr, "# seed %u\n", seed);
    run(kills / 10);                    /* caches are warm */
    int procs = count_procs();
    long before = free_kb();
    check(run(kills) == kills, "killed at random, and nothing hangs");
    check(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD, "no child is left");
    check(!inside() || count_procs() <= procs, "no task is left");  /* others may have ended */
    check(semctl(sem, 0, GETVAL) == 1, "what was held is undone");
    check(semctl(sem, 0, GETNCNT) == 0, "nobody waits");
    long lost = before - free_kb();
    if (inside() && lost > 20000) fprintf(stderr, "# %ld kB are missing\n", lost);
    check(!inside() || lost <= 20000, "no memory is lost");
    semctl(sem, 0, IPC_RMID);
    check(!system("rm -rf ks /tmp/ks; echo still works > /dev/null"), "files and shells work");
    return guest_end();
}
