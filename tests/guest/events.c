/* epoll (level, edge, one shot, nesting), eventfd, select on many descriptors. */
#include "say.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/resource.h>
#include <poll.h>
#include <pthread.h>

static int ep;
static void wait_(const char *what, int ms)
{
    struct epoll_event e[8];
    int n = epoll_wait(ep, e, 8, ms);
    printf("%s: %d", what, n);
    for (int i = 0; i < n; i++) printf(" [%x %d]", e[i].events, (int)e[i].data.u32);
    printf("\n");
}
static long ctl(int op, int fd, unsigned ev, int id)
{
    struct epoll_event e = { .events = ev, .data.u32 = id };
    return epoll_ctl(ep, op, fd, &e);
}

static void epolls(void)
{
    int p[2], q[2];
    char buf[100];

    did("epoll_create1", ep = epoll_create1(EPOLL_CLOEXEC));
    say("create 0", epoll_create(0));
    pipe2(p, O_NONBLOCK);
    pipe2(q, O_NONBLOCK);
    say("add", ctl(EPOLL_CTL_ADD, p[0], EPOLLIN, 1));
    say("add again", ctl(EPOLL_CTL_ADD, p[0], EPOLLIN, 1));
    say("mod unknown", ctl(EPOLL_CTL_MOD, q[0], EPOLLIN, 1));
    say("del unknown", ctl(EPOLL_CTL_DEL, q[0], 0, 1));
    say("itself", ctl(EPOLL_CTL_ADD, ep, EPOLLIN, 1));
    int file = open("ef", O_CREAT | O_RDWR, 0600);
    say("a regular file", ctl(EPOLL_CTL_ADD, file, EPOLLIN, 1));
    say("bad fd", ctl(EPOLL_CTL_ADD, 700, EPOLLIN, 1));
    say("not an epoll", epoll_ctl(p[0], EPOLL_CTL_ADD, q[0], &(struct epoll_event){ 0 }));
    say("no room", epoll_wait(ep, NULL, 0, 0));
    wait_("nothing", 0);
    wait_("nothing in 10 ms", 10);
    write(p[1], "abc", 3);
    wait_("level", -1);
    wait_("level again", 0);
    read(p[0], buf, 3);
    wait_("read", 0);
    say("edge", ctl(EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLET, 2));
    write(p[1], "abc", 3);
    wait_("edge", 0);
    wait_("edge again", 0);
    write(p[1], "d", 1);
    wait_("more", 0);
    read(p[0], buf, 1);
    wait_("part read", 0);
    say("re-armed by mod", ctl(EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLET, 3));
    wait_("reported anew", 0);
    say("one shot", ctl(EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLONESHOT, 4));
    wait_("once", 0);
    wait_("not twice", 0);
    write(p[1], "e", 1);
    wait_("nor then", 0);
    say("armed", ctl(EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLONESHOT, 5));
    wait_("once more", 0);
    say("out", ctl(EPOLL_CTL_ADD, p[1], EPOLLOUT, 6));
    wait_("writable", 0);
    while (write(p[1], buf, 100) > 0) continue;
    wait_("full", 0);
    while (read(p[0], buf, 100) > 0) continue;
    wait_("writable", 0);
    close(p[0]);
    wait_("reader gone", 0);
    say("del", ctl(EPOLL_CTL_DEL, p[1], 0, 0));
    wait_("none", 0);
    say("hup", ctl(EPOLL_CTL_ADD, q[0], EPOLLIN | EPOLLRDHUP, 7));
    close(q[1]);
    wait_("writer gone", 0);
    close(q[0]);
    wait_("closed is removed", 0);
    /* epoll in epoll */
    int outer = epoll_create1(0), ev = eventfd(0, EFD_NONBLOCK);
    ctl(EPOLL_CTL_ADD, ev, EPOLLIN, 8);
    epoll_ctl(outer, EPOLL_CTL_ADD, ep, &(struct epoll_event){ .events = EPOLLIN });
    struct epoll_event e;
    say("nested nothing", epoll_wait(outer, &e, 1, 0));
    eventfd_write(ev, 1);
    say("nested", epoll_wait(outer, &e, 1, 100));
    say("loop", ctl(EPOLL_CTL_ADD, outer, EPOLLIN, 9));
    struct pollfd pf = { ep, POLLIN, 0 };
    say("poll of an epoll", poll(&pf, 1, 0));
    /* a dup keeps the registration alive */
    int d = dup(ev);
    close(ev);
    wait_("registered by its file", 0);
    close(d);
    wait_("gone with the last", 0);
}

static void *later(void *a) { nap(30); eventfd_write((int)(long)a, 7); return NULL; }
static void eventfds(void)
{
    uint64_t v;
    int fd = eventfd(5, EFD_NONBLOCK);
    pthread_t t;
    say("read", read(fd, &v, 8));
    note("value %d", (int)v);
    say("empty", read(fd, &v, 8));
    say("short", read(fd, &v, 4));
    v = ~0ull;
    say("too big", write(fd, &v, 8));
    v = ~0ull - 1;
    say("max", write(fd, &v, 8));
    v = 1;
    say("full", write(fd, &v, 8));
    struct pollfd pf = { fd, POLLIN | POLLOUT, 0 };
    say("poll", poll(&pf, 1, 0));
    note("%x", pf.revents);
    read(fd, &v, 8);
    close(fd);
    fd = eventfd(3, EFD_SEMAPHORE | EFD_NONBLOCK);
    for (int i = 0; i < 4; i++) { v = 99; say("semaphore", read(fd, &v, 8)); note("%d", (int)v); }
    close(fd);
    fd = eventfd(0, 0);
    pthread_create(&t, NULL, later, (void *)(long)fd);
    say("blocking read", read(fd, &v, 8));
    note("%d", (int)v);
    pthread_join(t, NULL);
    say("bad flags", eventfd(0, 0x100));
}

static void selects(void)
{
    enum { N = 300 };
    static int p[N][2];
    fd_set r, w;
    struct timeval tv = { 0, 10000 };
    int max = 0;
    for (int i = 0; i < N; i++) { if (pipe(p[i])) { note("pipe %d", i); return; } if (p[i][1] > max) max = p[i][1]; }
    FD_ZERO(&r);
    for (int i = 0; i < N; i++) FD_SET(p[i][0], &r);
    say("none of many", select(max + 1, &r, NULL, NULL, &tv));
    write(p[7][1], "x", 1), write(p[299][1], "x", 1), write(p[150][1], "x", 1);
    FD_ZERO(&r); FD_ZERO(&w);
    for (int i = 0; i < N; i++) FD_SET(p[i][0], &r);
    FD_SET(p[5][1], &w);
    say("four", select(max + 1, &r, &w, NULL, NULL));
    for (int i = 0; i < N; i++) if (FD_ISSET(p[i][0], &r)) note("readable %d", i);
    note("writable %d", FD_ISSET(p[5][1], &w));
    close(p[9][0]);
    FD_SET(p[9][0], &r);
    say("a closed one", select(max + 1, &r, NULL, NULL, NULL));
    say("negative", select(-1, NULL, NULL, NULL, NULL));
    tv.tv_usec = -1;
    say("negative time", select(0, NULL, NULL, NULL, &tv));
    static struct pollfd pf[N + 3];
    for (int i = 0; i < N; i++) pf[i] = (struct pollfd){ i == 9 ? -1 : p[i][0], POLLIN, 0 };
    pf[N] = (struct pollfd){ 900, POLLIN, 0 };
    say("poll", poll(pf, N + 1, 0));
    for (int i = 0; i <= N; i++) if (pf[i].revents) note("%d: %x", i, pf[i].revents);
    struct rlimit rl;
    getrlimit(RLIMIT_NOFILE, &rl);
    say("poll too many", poll(pf, rl.rlim_cur + 1, 0));
}

int main(void)
{
    epolls();
    eventfds();
    selects();
    return 0;
}
