/* Whatever a program can have too much of: it is told so, and goes on. In a domain only. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include "../guest/guest.h"

static void *idle(void *a) { for (;;) pause(); }

static void threads(void)
{
    pthread_attr_t at;
    pthread_t t;
    int n = 0, e;
    pthread_attr_init(&at);
    pthread_attr_setstacksize(&at, 16384);
    while (n < 20000 && !(e = pthread_create(&t, &at, idle, NULL))) n++;
    fprintf(stderr, "# %d threads, %s\n", n, e ? strerror(e) : "no end");
    _exit(e == EAGAIN || e == ENOMEM || n == 20000 ? 0 : 1);
}

static void forks(void)
{
    int n = 0;
    pid_t c = 0;
    setpgid(0, 0);
    while (n < 20000 && (c = fork()) > 0) n++;
    if (!c) { for (;;) pause(); }
    fprintf(stderr, "# %d processes, %s\n", n, c < 0 ? strerror(errno) : "no end");
    int ok = c > 0 || errno == EAGAIN || errno == ENOMEM;
    signal(SIGTERM, SIG_IGN);
    kill(0, SIGTERM);
    while (wait(NULL) > 0) continue;
    _exit(!ok);
}

static void bomb(void)
{
    setpgid(0, 0);
    for (;;) fork();
}

static void maps(void)
{
    int n = 0;
    char *p;
    while (n < 200000) {
        int prot = n & 1 ? PROT_READ : PROT_READ | PROT_WRITE;
        p = mmap(NULL, 4096, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (p == MAP_FAILED) break;
        if (!(n & 1)) *p = 1;
        n++;
    }
    fprintf(stderr, "# %d mappings, %s\n", n, p == MAP_FAILED ? strerror(errno) : "no end");
    int ok = n > 1000 && (p != MAP_FAILED || errno == ENOMEM);
    pid_t c = fork();           /* with all of them */
    if (!c) _exit(7);
    int st = 0;
    if (c > 0) waitpid(c, &st, 0);
    _exit(!(ok && (c < 0 || WEXITSTATUS(st) == 7)));
}

static void space(void)
{
    int n = 0;
    while (n < 100000 && mmap(NULL, 1ul << 30, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
                              -1, 0) != MAP_FAILED) n++;
    fprintf(stderr, "# %d GiB of address space\n", n);
    _exit(!(n > 100));
}

static void files(void)
{
    struct rlimit r = { 12000, 12000 };
    int n = 0, fd, i, ok;
    if (setrlimit(RLIMIT_NOFILE, &r)) {
        getrlimit(RLIMIT_NOFILE, &r);
        r.rlim_cur = r.rlim_max;
        setrlimit(RLIMIT_NOFILE, &r);
    }
    mkdir("many", 0700);
    for (;;) {
        char name[40];
        snprintf(name, sizeof name, "many/%d", n % 1000);
        switch (n % 4) {
        case 0: fd = open(name, O_CREAT | O_RDWR, 0600); break;
        case 1: fd = eventfd(0, 0); break;
        case 2: fd = memfd_create("m", 0); break;
        default: fd = dup(1);
        }
        if (fd < 0) break;
        n++;
    }
    fprintf(stderr, "# %d files, %s\n", n, strerror(errno));
    ok = errno == EMFILE && n > 1000;
    pid_t c = fork();
    if (!c) _exit(7);
    int st;
    waitpid(c, &st, 0);
    for (i = 3; i < n; i += 2) close(i);
    _exit(!(ok && WEXITSTATUS(st) == 7 && open("/dev/null", O_RDONLY) == 3));
}

static void pipes(void)
{
    int n = 0, p[2];
    struct rlimit r = { 12000, 12000 };
    setrlimit(RLIMIT_NOFILE, &r);
    char *buf = calloc(1, 65536);
    while (!pipe2(p, O_NONBLOCK)) { write(p[1], buf, 65536); n++; }
    fprintf(stderr, "# %d full pipes, %s\n", n, strerror(errno));
    _exit(!(errno == EMFILE || errno == ENFILE || errno == ENOMEM));
}

static void deep(void)
{
    char c[20000];
    memset(c, 1, sizeof c);
    __asm__ volatile("" : : "r"(c) : "memory");
    deep();
    __asm__ volatile("" : : "r"(c) : "memory");
}

static int run(void (*fn)(void), int secs)
{
    int st, ms = 0;
    pid_t c = fork();
    if (!c) { fn(); _exit(0); }
    while (!waitpid(c, &st, WNOHANG) && ms++ < secs * 100) usleep(10000);
    if (ms >= secs * 100) { kill(-c, SIGKILL); kill(c, SIGKILL); waitpid(c, &st, 0); }
    kill(-c, SIGKILL);
    /* As process 1: those of a bomb take their time to die, and the next test needs room. */
    for (ms = 0; ms < 3000 && kill(-c, SIGKILL) == 0; ms++) {
        while (waitpid(-1, NULL, WNOHANG) > 0) continue;
        usleep(10000);
    }
    while (waitpid(-1, NULL, WNOHANG) > 0) continue;
    return st;
}

int main(int argc, char **argv)
{
    int st;
    check(run(threads, 60) == 0, "a thread bomb is told EAGAIN");
    check(run(forks, 60) == 0, "so many processes: EAGAIN");
    st = run(bomb, 2);
    check(WIFSIGNALED(st) && WTERMSIG(st) == SIGKILL, "a fork bomb can be killed");
    check(run(maps, 60) == 0, "mappings up to the limit: ENOMEM");
    check(run(space, 60) == 0, "address space");
    check(run(files, 60) == 0, "files up to the limit: EMFILE");
    check(run(pipes, 60) == 0, "full pipes up to the limit");
    st = run(deep, 20);
    check(WIFSIGNALED(st) && WTERMSIG(st) == SIGSEGV, "a stack without end: SIGSEGV");
    pid_t c = fork();
    if (!c) _exit(3);
    check(waitpid(c, &st, 0) == c && WEXITSTATUS(st) == 3, "fork works again");
    return guest_end();
}
