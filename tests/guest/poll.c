/* poll, select, epoll, eventfd. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "guest.h"

static volatile sig_atomic_t alarms;
static void on_alarm(int s) { alarms++; }

static double now(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void child_writes(int fd, int ms)
{
    if (fork() == 0) {
        usleep((useconds_t)ms * 1000);
        _exit(write(fd, "x", 1) != 1);
    }
}

static void polls(void)
{
    int p[2];
    char c;

    check(pipe(p) == 0, "pipe");
    struct pollfd f[3] = { { p[0], POLLIN, 7 }, { -1, POLLIN, 7 }, { 99, POLLIN, 7 } };
    check(poll(f, 2, 0) == 0 && !f[0].revents && !f[1].revents, "nothing");
    check(poll(f, 3, -1) == 1 && f[2].revents == POLLNVAL, "POLLNVAL");
    double t = now();
    check(poll(f, 2, 30) == 0 && now() - t > 0.029, "timeout");
    child_writes(p[1], 10);
    check(poll(f, 2, -1) == 1 && f[0].revents == POLLIN, "woken by another process");
    wait(NULL);
    check(read(p[0], &c, 1) == 1, "read");
    close(p[1]);
    check(poll(f, 1, -1) == 1 && f[0].revents == POLLHUP, "POLLHUP");
    close(p[0]);
    int fd = open("/dev/null", O_RDWR);
    f[0] = (struct pollfd){ fd, POLLIN | POLLOUT, 0 };
    check(poll(f, 1, 0) == 1 && f[0].revents == (POLLIN | POLLOUT), "a file is always ready");
    close(fd);
}

static void masks(void)
{
    int p[2];
    sigset_t block, none, pend;
    struct timespec ts = { 5, 0 };

    check(pipe(p) == 0, "pipe");
    struct pollfd f = { p[0], POLLIN, 0 };
    signal(SIGALRM, on_alarm);
    sigemptyset(&none);
    sigemptyset(&block);
    sigaddset(&block, SIGALRM);
    sigprocmask(SIG_BLOCK, &block, NULL);
    alarms = 0;
    raise(SIGALRM);
    check(poll(&f, 1, 20) == 0 && alarms == 0, "a blocked signal does not end poll");
    check(ppoll(&f, 1, &ts, &none) == -1 && errno == EINTR && alarms == 1, "ppoll lets it in");
    sigpending(&pend);
    raise(SIGALRM);
    check(alarms == 1, "the mask is back afterwards");
    fd_set r;
    FD_ZERO(&r);
    FD_SET(p[0], &r);
    check(pselect(p[0] + 1, &r, NULL, NULL, &ts, &none) == -1 && errno == EINTR && alarms == 2,
          "pselect as well");
    int ep = epoll_create1(0);
    struct epoll_event e;
    raise(SIGALRM);
    check(epoll_pwait(ep, &e, 1, 5000, &none) == -1 && errno == EINTR && alarms == 3,
          "epoll_pwait, too");
    sigprocmask(SIG_UNBLOCK, &block, NULL);
    close(ep);
    close(p[0]);
    close(p[1]);
}

static void selects(void)
{
    int p[2];
    fd_set r, w;
    struct timeval tv = { 0, 20000 };

    check(pipe(p) == 0, "pipe");
    FD_ZERO(&r);
    FD_ZERO(&w);
    FD_SET(p[0], &r);
    check(select(p[0] + 1, &r, NULL, NULL, &tv) == 0 && !FD_ISSET(p[0], &r), "timeout");
    check(tv.tv_sec == 0 && tv.tv_usec == 0, "the time left is written");
    FD_SET(p[0], &r);
    FD_SET(p[1], &w);
    check(select(p[1] + 1, &r, &w, NULL, NULL) == 1 && FD_ISSET(p[1], &w) && !FD_ISSET(p[0], &r),
          "writable");
    FD_SET(p[0], &r);
    child_writes(p[1], 10);
    check(select(p[0] + 1, &r, NULL, NULL, NULL) == 1 && FD_ISSET(p[0], &r), "readable");
    wait(NULL);
    close(p[0]);
    FD_SET(p[0], &r);
    check(select(p[0] + 1, &r, NULL, NULL, &tv) == -1 && errno == EBADF, "EBADF");
    close(p[1]);
}

static void epolls(void)
{
    struct epoll_event e = { .events = EPOLLIN, .data.u64 = 0x1122334455667788ull }, got[4];
    int p[2], ep = epoll_create1(EPOLL_CLOEXEC), fd = open("/dev/null", O_RDONLY);
    char c;

    check(ep >= 0 && pipe(p) == 0, "epoll");
    check(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &e) == 0, "add");
    check(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &e) == -1 && errno == EEXIST, "EEXIST");
    check(epoll_ctl(ep, EPOLL_CTL_ADD, ep, &e) == -1 && errno == EINVAL, "itself");
    check(epoll_ctl(ep, EPOLL_CTL_MOD, p[1], &e) == -1 && errno == ENOENT, "ENOENT");
    check(epoll_ctl(p[0], EPOLL_CTL_ADD, p[1], &e) == -1 && errno == EINVAL, "not an epoll");
    check(epoll_ctl(ep, EPOLL_CTL_ADD, 99, &e) == -1 && errno == EBADF, "EBADF");
    int reg = open("/tmp/guest-epoll", O_RDWR | O_CREAT, 0600);
    check(epoll_ctl(ep, EPOLL_CTL_ADD, reg, &e) == -1 && errno == EPERM, "a regular file: EPERM");
    unlink("/tmp/guest-epoll");
    check(epoll_wait(ep, got, 4, 20) == 0, "timeout");
    child_writes(p[1], 10);
    check(epoll_wait(ep, got, 4, -1) == 1 && got[0].events == EPOLLIN &&
          got[0].data.u64 == e.data.u64, "woken");
    wait(NULL);
    e.events = EPOLLIN | EPOLLET;
    epoll_ctl(ep, EPOLL_CTL_MOD, p[0], &e);
    check(epoll_wait(ep, got, 4, 0) == 1 && epoll_wait(ep, got, 4, 0) == 0, "edge: once");
    check(write(p[1], "y", 1) == 1 && epoll_wait(ep, got, 4, 0) == 1, "a new edge");
    e.events = EPOLLIN | EPOLLONESHOT;
    epoll_ctl(ep, EPOLL_CTL_MOD, p[0], &e);
    check(epoll_wait(ep, got, 4, 0) == 1 && epoll_wait(ep, got, 4, 0) == 0, "one shot");
    int d = dup(p[0]);
    close(p[0]);
    check(epoll_ctl(ep, EPOLL_CTL_ADD, d, &e) == 0, "a dup is another entry");
    close(d);
    check(epoll_wait(ep, got, 4, 0) == 0, "all closed: all gone");
    check(write(p[1], &c, 1) == -1 || 1, "pipe is broken");
    check(epoll_wait(ep, got, 0, 0) == -1 && errno == EINVAL, "no room for events");
    close(ep);
    close(fd);
}

static int ev;
static void *adder(void *arg)
{
    uint64_t one = 1;
    for (int i = 0; i < 1000; i++)
        if (write(ev, &one, 8) != 8)
            break;
    return NULL;
}

static void eventfds(void)
{
    uint64_t v = 0, sum = 0;
    pthread_t t[2];

    ev = eventfd(0, EFD_CLOEXEC);
    check(ev >= 0, "eventfd");
    for (int i = 0; i < 2; i++)
        pthread_create(&t[i], NULL, adder, NULL);
    while (sum < 2000 && read(ev, &v, 8) == 8)
        sum += v;
    check(sum == 2000, "2000 additions by two threads");
    for (int i = 0; i < 2; i++)
        pthread_join(t[i], NULL);
    int s = eventfd(2, EFD_SEMAPHORE | EFD_NONBLOCK);
    check(read(s, &v, 8) == 8 && v == 1 && read(s, &v, 8) == 8 && v == 1, "semaphore");
    check(read(s, &v, 8) == -1 && errno == EAGAIN, "at 0");
    v = ~0ull;
    check(write(s, &v, 8) == -1 && errno == EINVAL, "too large");
    close(s);
    close(ev);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    polls();
    masks();
    selects();
    epolls();
    eventfds();
    return guest_end();
}
