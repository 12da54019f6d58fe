/* uname, sysinfo, getrandom, isatty, sleeping, alarms, hostname, unknown calls, memfd. */
#include "say.h"
#include <sys/utsname.h>
#include <sys/sysinfo.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <sys/ioctl.h>
#include <termios.h>

static volatile sig_atomic_t hits;
static void on(int s) { hits++; }

static void names(void)
{
    struct utsname u;
    char b[100];
    say("uname", uname(&u));
    note("%s %s %s", u.sysname, u.nodename, u.machine);
    say("bad pointer", uname((void *)8));
    say("gethostname", gethostname(b, sizeof b));
    note("%s", b);
    say("sethostname", sethostname("other", 5));
    uname(&u);
    note("%s", u.nodename);
    sethostname("guest", 5);
    say("too long", sethostname(b, 65));
    yes("page size", sysconf(_SC_PAGESIZE) == 4096);
    yes("cpus", sysconf(_SC_NPROCESSORS_CONF) >= 1);
    note("clock ticks %ld open max %ld", sysconf(_SC_CLK_TCK), sysconf(_SC_OPEN_MAX));
    struct sysinfo si;
    say("sysinfo", sysinfo(&si));
    yes("sane", si.totalram > si.freeram && si.mem_unit >= 1 && si.procs >= 1 && si.uptime >= 0);
}

static void randoms(void)
{
    unsigned char a[64], b[64];
    yes("getrandom", getrandom(a, 64, 0) == 64 && getrandom(b, 64, GRND_NONBLOCK) == 64);
    yes("differs", memcmp(a, b, 64) != 0);
    say("bad flags", getrandom(a, 10, 0x1000));
    say("bad pointer", getrandom((void *)8, 10, 0));
    say("nothing", getrandom(a, 0, 0));
    int fd = open("/dev/urandom", O_RDONLY);
    yes("/dev/urandom", read(fd, b, 64) == 64 && memcmp(a, b, 64));
    char *big = malloc(1 << 20);
    say("1 MB", read(fd, big, 1 << 20));
    fd = open("/dev/zero", O_RDONLY);
    say("zero", read(fd, big, 1000));
    note("%d", big[999]);
    fd = open("/dev/full", O_RDWR);
    say("full", write(fd, "x", 1));
    fd = open("/dev/null", O_RDWR);
    say("null", write(fd, "x", 1));
    say("null", read(fd, big, 10));
}

static void ttys(void)
{
    int p[2];
    struct winsize w;
    pipe(p);
    say("isatty pipe", isatty(p[0]) ? 0 : -1);
    int n = open("/dev/null", O_RDWR);
    say("isatty null", isatty(n) ? 0 : -1);
    say("isatty bad", isatty(99) ? 0 : -1);
    say("ttyname", ttyname(p[0]) ? 0 : -1);
    say("TIOCGWINSZ", ioctl(p[0], TIOCGWINSZ, &w));
    say("tcgetpgrp", tcgetpgrp(p[0]));
    say("/dev/tty without one", (setsid(), open("/dev/tty", O_RDWR)));
}

static void sleeps(void)
{
    struct timespec ts = { 0, 200000000 }, rem = { 9, 9 };
    struct sigaction sa = { .sa_handler = on };
    struct itimerval it = { { 0, 0 }, { 0, 50000 } };
    sigaction(SIGALRM, &sa, NULL);
    setitimer(ITIMER_REAL, &it, NULL);
    say("nanosleep", nanosleep(&ts, &rem));
    yes("what is left", rem.tv_sec == 0 && rem.tv_nsec > 80000000 && rem.tv_nsec < 170000000);
    ts.tv_nsec = 1000000000;
    say("bad", nanosleep(&ts, NULL));
    note("alarm %u", alarm(10));
    note("left %u", alarm(0));
    long long t = now_ms();
    usleep(30000);
    yes("usleep", now_ms() - t >= 29 && now_ms() - t < 2000);
    struct timespec abs;
    clock_gettime(CLOCK_MONOTONIC, &abs);
    abs.tv_nsec += 40000000;
    if (abs.tv_nsec >= 1000000000) abs.tv_sec++, abs.tv_nsec -= 1000000000;
    t = now_ms();
    note("absolute %d", clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &abs, NULL));
    yes("slept", now_ms() - t >= 35);
    note("in the past %d", clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &(struct timespec){ 1, 0 }, NULL));
    note("bad clock %d", clock_nanosleep(77, 0, &abs, NULL));
    struct timespec a, b;
    clock_gettime(CLOCK_MONOTONIC, &a);
    int back = 0;
    for (int i = 0; i < 20000; i++) {
        clock_gettime(CLOCK_MONOTONIC, &b);
        back += b.tv_sec < a.tv_sec || (b.tv_sec == a.tv_sec && b.tv_nsec < a.tv_nsec);
        a = b;
    }
    note("backwards %d", back);
    yes("time agrees", labs(time(NULL) - ({ struct timeval tv; gettimeofday(&tv, NULL); tv.tv_sec; })) <= 1);
}

static void unknown(void)
{
    say("call 999", syscall(999));
    say("call -1", syscall(-1l));
    say("call 100000", syscall(100000));
    say("removed call", syscall(SYS_create_module));
    say("reboot", syscall(SYS_reboot, 0, 0, 0, 0));
    say("iopl", syscall(SYS_iopl, 3));
}

static void memfds(void)
{
    struct stat st;
    int fd = memfd_create("name", MFD_ALLOW_SEALING);
    char b[100];
    did("memfd_create", fd);
    say("write", write(fd, "hello", 5));
    fstat(fd, &st);
    note("%o %d", st.st_mode, (int)st.st_size);
    snprintf(b, sizeof b, "/proc/self/fd/%d", fd);
    int n = readlink(b, b, sizeof b);
    note("%.*s", n, b);
    say("seals", fcntl(fd, F_GET_SEALS));
    say("seal", fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW));
    say("grow", ftruncate(fd, 100));
    say("shrink", ftruncate(fd, 1));
    say("append", pwrite(fd, "x", 1, 5));
    say("inside", pwrite(fd, "x", 1, 0));
    char *m = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    say("write seal while mapped", fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
    int c = fork();
    if (!c) {
        munmap(m, 4096);
        say("while mapped in the parent", fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
        _exit(0);
    }
    waitpid(c, NULL, 0);
    munmap(m, 4096);
    m = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    say("write seal", fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
    say("sealed twice", fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
    say("write", pwrite(fd, "x", 1, 0));
    say("shared mapping", mmap(NULL, 10, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED ? -1 : 0);
    say("seal the seals", fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL));
    say("no more", fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK));
    fd = memfd_create("plain", 0);
    say("without sealing", fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
    say("bad flags", memfd_create("x", 0x8000));
}

int main(void)
{
    names();
    randoms();
    ttys();
    sleeps();
    unknown();
    memfds();
    return 0;
}
