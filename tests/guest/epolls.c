/* epoll's modes: edge triggered, one shot, exclusive, nested; and what it refuses. */
#include "say.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/syscall.h>
#include <poll.h>
#include <pthread.h>

static int add(int ep, int fd, uint32_t ev, int tag)
{
    struct epoll_event e = { ev, { .u64 = (uint64_t)tag } };
    return epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e);
}
static int mod(int ep, int fd, uint32_t ev, int tag)
{
    struct epoll_event e = { ev, { .u64 = (uint64_t)tag } };
    return epoll_ctl(ep, EPOLL_CTL_MOD, fd, &e);
}

/* What is ready now. */
static void look(const char *what, int ep)
{
    struct epoll_event e[8];
    int n = epoll_wait(ep, e, 8, 0);
    printf("%s: %d", what, n);
    for (int i = 0; i < n; i++) printf(" %d:%x", (int)e[i].data.u64, e[i].events);
    putchar('\n');
    fflush(stdout);
}

static void edges(void)
{
    int ep = epoll_create1(0), s[2], p[2];
    char b[100];
    socketpair(AF_UNIX, SOCK_STREAM, 0, s);
    say("add", add(ep, s[0], EPOLLIN | EPOLLOUT | EPOLLET | EPOLLRDHUP, 1));
    look("first", ep);
    look("no news", ep);
    write(s[1], "abc", 3);
    look("bytes", ep);
    read(s[0], b, 1);
    look("not read to the end", ep);
    write(s[1], "d", 1);
    look("more bytes", ep);
    mod(ep, s[0], EPOLLIN | EPOLLET, 2);
    look("modified", ep);
    look("after that", ep);
    shutdown(s[1], SHUT_WR);
    look("shut down", ep);
    close(s[1]);
    look("closed", ep);
    look("still", ep);
    pipe(p);
    add(ep, p[0], EPOLLIN | EPOLLET, 3);
    write(p[1], "x", 1);
    look("pipe", ep);
    write(p[1], "y", 1);
    look("pipe again", ep);
    close(p[1]);
    look("writer gone", ep);
    close(p[0]), close(s[0]);
    look("all gone", ep);
    close(ep);
}

static void one_shot(void)
{
    int ep = epoll_create1(EPOLL_CLOEXEC), e = eventfd(0, EFD_NONBLOCK), d;
    uint64_t v = 1;
    add(ep, e, EPOLLIN | EPOLLONESHOT, 1);
    write(e, &v, 8);
    look("once", ep);
    write(e, &v, 8);
    look("disarmed", ep);
    mod(ep, e, EPOLLIN | EPOLLONESHOT, 2);
    look("armed", ep);
    look("disarmed", ep);
    say("added twice", add(ep, e, EPOLLIN, 3));
    d = dup(e);
    say("a duplicate is another", add(ep, d, EPOLLIN, 4));
    look("both", ep);
    close(e);
    look("closed, but open elsewhere", ep);
    read(d, &v, 8);
    look("read empty", ep);
    mod(ep, d, 0, 5);
    write(d, &v, 8);
    look("asked for nothing", ep);
    say("delete", epoll_ctl(ep, EPOLL_CTL_DEL, d, NULL));
    say("again", epoll_ctl(ep, EPOLL_CTL_DEL, d, NULL));
    say("modify what is not there", mod(ep, d, EPOLLIN, 1));
    close(d), close(ep);
}

static void nested(void)
{
    int a = epoll_create1(0), b = epoll_create1(0), c = epoll_create1(0), p[2];
    struct pollfd pf = { a, POLLIN, 0 };
    char ch;
    pipe(p);
    say("pipe in c", add(c, p[0], EPOLLIN, 1));
    say("c in b", add(b, c, EPOLLIN, 2));
    say("b in a", add(a, b, EPOLLIN | EPOLLET, 3));
    say("itself", add(a, a, EPOLLIN, 4));
    say("a ring", add(c, a, EPOLLIN, 5));
    say("poll", poll(&pf, 1, 0));
    write(p[1], "x", 1);
    say("poll", poll(&pf, 1, 0));
    look("a", a);
    look("a, edge triggered", a);
    look("b", b);
    look("c", c);
    read(p[0], &ch, 1);
    look("b, read empty", b);
    write(p[1], "y", 1);
    look("a, new edge", a);
    int deep[8];
    deep[0] = epoll_create1(0);
    for (int i = 1; i < 8; i++) {
        deep[i] = epoll_create1(0);
        if (add(deep[i], deep[i - 1], EPOLLIN, i)) { note("depth %d: %s", i, strerror(errno)); break; }
    }
    close(a), close(b), close(c), close(p[0]), close(p[1]);
}

static void refused(void)
{
    int ep = epoll_create1(0), f = open("/proc/self/exe", O_RDONLY), d = open("/", O_RDONLY), p[2];
    struct epoll_event e;
    pipe(p);
    say("size 0", epoll_create(0));
    say("flags", epoll_create1(1));
    say("a file", add(ep, f, EPOLLIN, 1));
    say("a folder", add(ep, d, EPOLLIN, 1));
    say("nothing", add(ep, 99, EPOLLIN, 1));
    say("not an epoll", add(p[0], p[1], EPOLLIN, 1));
    say("operation", epoll_ctl(ep, 9, p[0], &e));
    say("no event", epoll_ctl(ep, EPOLL_CTL_ADD, p[0], NULL));
    say("wait for none", epoll_wait(ep, &e, 0, 0));
    say("for too many", epoll_wait(ep, &e, 0x10000000, 0));
    say("bad buffer", (write(p[1], "x", 1), add(ep, p[0], EPOLLIN, 1), epoll_wait(ep, (void *)8, 1, 0)));
    look("not lost", ep);
    say("exclusive", (epoll_ctl(ep, EPOLL_CTL_DEL, p[0], NULL), add(ep, p[0], EPOLLIN | EPOLLEXCLUSIVE, 7)));
    say("modified", mod(ep, p[0], EPOLLIN, 7));
    epoll_ctl(ep, EPOLL_CTL_DEL, p[0], NULL);
    add(ep, p[0], EPOLLIN, 7);
    say("made exclusive", mod(ep, p[0], EPOLLIN | EPOLLEXCLUSIVE, 7));
    epoll_ctl(ep, EPOLL_CTL_DEL, p[0], NULL);
    say("exclusive one shot", add(ep, p[0], EPOLLIN | EPOLLEXCLUSIVE | EPOLLONESHOT, 7));
    say("exclusive, a hang-up", add(ep, p[0], EPOLLRDHUP | EPOLLEXCLUSIVE, 7));
    say("exclusive epoll", add(ep, epoll_create1(0), EPOLLIN | EPOLLEXCLUSIVE, 7));
    struct timespec ts = { 0, 1000000 }, bad = { 0, 1000000000 };
    say("pwait2", syscall(SYS_epoll_pwait2, ep, &e, 1, &ts, NULL, 0));
    say("pwait2, bad time", syscall(SYS_epoll_pwait2, ep, &e, 1, &bad, NULL, 0));
    sigset_t none;
    sigemptyset(&none);
    say("bad mask size", syscall(SYS_epoll_pwait, ep, &e, 1, 0, &none, 7));
}

/* Ten wait for one pipe, each with an epoll of its own: an event wakes one of them. */
static int woken, done;
static int shared[2];
static void *waits(void *arg)
{
    struct epoll_event e;
    int ep = *(int *)arg;
    if (epoll_wait(ep, &e, 1, 3000) == 1) {
        __atomic_add_fetch(&woken, 1, __ATOMIC_SEQ_CST);
        while (!__atomic_load_n(&done, __ATOMIC_SEQ_CST)) usleep(1000);
    }
    return NULL;
}
static void exclusive(uint32_t how)
{
    pthread_t t[6];
    int ep[6];
    woken = done = 0;
    pipe(shared);
    for (int i = 0; i < 6; i++) {
        ep[i] = epoll_create1(0);
        add(ep[i], shared[0], EPOLLIN | how, i);
        pthread_create(&t[i], NULL, waits, &ep[i]);
    }
    usleep(100000);
    write(shared[1], "x", 1);
    usleep(300000);
    int n = __atomic_load_n(&woken, __ATOMIC_SEQ_CST);
    note("woken: %s", n == 6 ? "all" : n == 1 ? "one" : n ? "some" : "none");
    __atomic_store_n(&done, 1, __ATOMIC_SEQ_CST);
    for (int i = 0; i < 6; i++) {
        if (how) write(shared[1], "x", 1);
        pthread_join(t[i], NULL);
        close(ep[i]);
    }
    close(shared[0]), close(shared[1]);
}

int main(void)
{
    edges();
    one_shot();
    nested();
    refused();
    exclusive(0);
    exclusive(EPOLLEXCLUSIVE);
    return 0;
}
