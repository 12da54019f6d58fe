// uses: unikernel-kernel/fs/poll.c unikernel-kernel/fs/epoll.c unikernel-kernel/fs/eventfd.c unikernel-kernel/fs/pipe.c unikernel-kernel/fs/fifo.c unikernel-kernel/fs/file.c unikernel-kernel/fs/objcache.c unikernel-kernel/fs/uio.c unikernel-kernel/fs/inode.c unikernel-kernel/fs/super.c unikernel-kernel/lib/rbtree.c tests/unit/unitfs.c
/* poll, select, epoll and eventfd over pipes. */
#include <asm/fcntl.h>
#include <asm/poll.h>
#include <linux/eventpoll.h>
#include "kpoll.h"
#include "unitfs.h"

static struct file *table[16];

struct file *fd_get(int fd)
{
    if (fd < 0 || fd >= 16 || !table[fd])
        return NULL;
    file_get(table[fd]);
    return table[fd];
}

static struct epoll_event ev[16];

static long wait_now(struct file *ep)
{
    return epoll_wait(ep, (uptr_t)ev, 16, 0);
}

static void write_later(void *arg)
{
    unit_sleep_ns(3000000);
    unit_write(arg, "x", 1);
}

static void test_poll(void)
{
    struct pollfd p[3] = { { 0, POLLIN, 0 }, { 1, POLLOUT, 0 }, { 9, POLLIN, 0 } };
    u64 in = 1, out = 2, rin = 0, rout = 0;
    u64 *const ins[3] = { &in, &out, NULL }, *const outs[3] = { &rin, &rout, NULL };
    char c;

    pipe_open(0, table);
    tap_is(poll_fds(p, 2, 0), 1, "an empty pipe can be written");
    tap_ok(p[0].revents == 0 && p[1].revents == POLLOUT, "only that");
    tap_is(poll_fds(p, 3, WAIT_FOREVER), 2, "a bad descriptor counts");
    tap_is(p[2].revents, POLLNVAL, "POLLNVAL");
    tap_is(poll_fds(p, 1, time_mono() + 2000000), 0, "the deadline");
    struct task *t = unit_task_new(NULL);
    unit_task_run(t, write_later, table[1]);
    tap_is(poll_fds(p, 1, WAIT_FOREVER), 1, "woken by a write");
    unit_task_join(t);
    unit_task_free(t);
    tap_is(select_fds(2, ins, outs, WAIT_FOREVER), 2, "select");
    tap_ok(rin == 1 && rout == 2, "its bits");
    unit_read(table[0], &c, 1);
    tap_is(select_fds(2, ins, outs, 0), 1, "select, one ready");
    tap_ok(rin == 0 && rout == 2, "its bits");
    in = 1u << 9;
    tap_is(select_fds(10, ins, outs, 0), -EBADF, "select of a closed descriptor");
    struct pollfd many[100];
    for (int i = 0; i < 100; i++)
        many[i] = (struct pollfd){ 0, POLLIN, 0 };
    tap_is(poll_fds(many, 100, time_mono() + 1000000), 0, "a hundred queues");
}

static void test_levels(struct file *ep)
{
    char c;

    tap_is(epoll_ctl(ep, EPOLL_CTL_ADD, 0, table[0], EPOLLIN, 77), 0, "add");
    tap_is(epoll_ctl(ep, EPOLL_CTL_ADD, 0, table[0], EPOLLIN, 77), -EEXIST, "twice");
    tap_is(wait_now(ep), 0, "nothing yet");
    unit_write(table[1], "ab", 2);
    tap_is(wait_now(ep), 1, "ready");
    tap_ok(ev[0].events == EPOLLIN && ev[0].data == 77, "event and data");
    tap_is(wait_now(ep), 1, "level: again");
    unit_read(table[0], &c, 1);
    unit_read(table[0], &c, 1);
    tap_is(wait_now(ep), 0, "until it is read");

    epoll_ctl(ep, EPOLL_CTL_MOD, 0, table[0], EPOLLIN | EPOLLET, 78);
    unit_write(table[1], "a", 1);
    tap_is(wait_now(ep), 1, "edge");
    tap_is(wait_now(ep), 0, "once");
    unit_write(table[1], "a", 1);
    tap_is(wait_now(ep), 1, "the next edge");
    epoll_ctl(ep, EPOLL_CTL_MOD, 0, table[0], EPOLLIN | EPOLLONESHOT, 79);
    tap_is(wait_now(ep), 1, "MOD sees what is ready");
    unit_write(table[1], "a", 1);
    tap_is(wait_now(ep), 0, "ONESHOT is off after one");
    epoll_ctl(ep, EPOLL_CTL_MOD, 0, table[0], EPOLLIN, 80);
    tap_is(wait_now(ep), 1, "and on again by MOD");
    while (unit_read(table[0], &c, 1) == 1 && table[0]->ops->poll(table[0], NULL))
        continue;
    struct task *t = unit_task_new(NULL);
    unit_task_run(t, write_later, table[1]);
    tap_is(epoll_wait(ep, (uptr_t)ev, 16, WAIT_FOREVER), 1, "a sleeping wait");
    unit_task_join(t);
    unit_task_free(t);
    tap_is(epoll_wait(ep, 16, 16, 0), -EFAULT, "a bad array");
    tap_is(wait_now(ep), 1, "loses no event");
    tap_is(epoll_ctl(ep, EPOLL_CTL_DEL, 0, table[0], 0, 0), 0, "delete");
    tap_is(epoll_ctl(ep, EPOLL_CTL_DEL, 0, table[0], 0, 0), -ENOENT, "twice");
    tap_is(wait_now(ep), 0, "gone");
}

static void test_nesting(void)
{
    struct file *e[8];

    for (int i = 0; i < 8; i++)
        e[i] = epoll_new();
    tap_is(epoll_ctl(e[0], EPOLL_CTL_ADD, 5, e[1], EPOLLIN, 1), 0, "an epoll in an epoll");
    tap_is(epoll_ctl(e[1], EPOLL_CTL_ADD, 5, e[0], EPOLLIN, 1), -ELOOP, "a ring");
    tap_is(epoll_ctl(e[0], EPOLL_CTL_ADD, 5, e[0], EPOLLIN, 1), -EINVAL, "itself");
    epoll_ctl(e[1], EPOLL_CTL_ADD, 0, table[0], EPOLLIN, 2);
    tap_is(wait_now(e[0]), 1, "readiness passes through");
    char c;
    unit_read(table[0], &c, 1);
    tap_is(wait_now(e[0]), 0, "and ends");
    unit_write(table[1], "x", 1);
    tap_is(wait_now(e[0]), 1, "a wake passes through");
    int r = 0, i;
    for (i = 1; i < 7 && !r; i++)
        r = epoll_ctl(e[i], EPOLL_CTL_ADD, 5, e[i + 1], EPOLLIN, 1);
    tap_ok(r == -ELOOP && i >= 4, "a tower ends at level %d", i);
    for (i = 0; i < 8; i++)
        file_put(e[i]);
}

static void test_eventfd(struct file *ep)
{
    struct file *e = eventfd_new(0, O_NONBLOCK), *s = eventfd_new(3, EFD_SEMAPHORE);
    u64 v = 5;

    tap_is(unit_read(e, &v, 8), -EAGAIN, "an eventfd at 0");
    epoll_ctl(ep, EPOLL_CTL_ADD, 3, e, EPOLLIN, 3);
    v = 5;
    unit_write(e, &v, 8);
    unit_write(e, &v, 8);
    tap_is(wait_now(ep), 1, "epoll sees it");
    tap_is(unit_read(e, &v, 8), 8, "read");
    tap_is(v, 10, "the sum");
    v = ~0ull;
    tap_is(unit_write(e, &v, 8), -EINVAL, "too large");
    v = ~0ull - 1;
    unit_write(e, &v, 8);
    v = 1;
    tap_is(unit_write(e, &v, 8), -EAGAIN, "full");
    tap_is(unit_read(e, &v, 4), -EINVAL, "short");
    unit_read(s, &v, 8);
    tap_is(v, 1, "a semaphore gives 1");
    file_put(s);
    file_put(e);
    tap_is(wait_now(ep), 0, "a closed file leaves the epoll");
}

int main(void)
{
    unit_task_init();
    test_poll();
    struct file *ep = epoll_new();
    test_levels(ep);
    test_nesting();
    test_eventfd(ep);
    epoll_ctl(ep, EPOLL_CTL_ADD, 0, table[0], EPOLLIN, 1);
    file_put(ep);
    file_put(table[0]);
    file_put(table[1]);
    return tap_end();
}
