// uses: unikernel-kernel/fs/pipe.c unikernel-kernel/fs/fifo.c unikernel-kernel/fs/file.c unikernel-kernel/fs/objcache.c unikernel-kernel/fs/uio.c unikernel-kernel/fs/inode.c unikernel-kernel/fs/super.c tests/unit/unitfs.c
/* Pipes between two tasks: amounts, blocking, atomic writes, packets, ends. */
#include <asm/fcntl.h>
#include <asm/ioctls.h>
#include <asm/poll.h>
#include <asm/signal.h>
#include <linux/fcntl.h>
#include "unitfs.h"

static u8 big[200000], back[200000];

static void put2(struct file *f[2])
{
    file_put(f[0]);
    file_put(f[1]);
}

static void test_basics(void)
{
    struct file *f[2];
    char buf[64] = "";
    int n;

    tap_is(pipe_open(O_NONBLOCK, f), 0, "pipe2");
    tap_is(unit_read(f[0], buf, 10), -EAGAIN, "empty: EAGAIN");
    tap_is(unit_write(f[1], "hello", 5), 5, "write");
    tap_is(unit_write(f[1], " world", 6), 6, "write behind it");
    f[0]->ops->ioctl(f[0], FIONREAD, (u64)&n);
    tap_is(n, 11, "FIONREAD");
    tap_is(f[0]->ops->poll(f[0], NULL), POLLIN | POLLRDNORM, "readable");
    tap_is(unit_read(f[0], buf, 3), 3, "part");
    tap_is(unit_read(f[0], buf + 3, 60), 8, "the rest of both writes");
    tap_ok(!strncmp(buf, "hello world", 11), "in order");
    tap_is(unit_write(f[1], big, sizeof big), 65536, "64 KiB fit");
    tap_is(unit_write(f[1], big, 1), -EAGAIN, "then it is full");
    tap_is(f[1]->ops->poll(f[1], NULL), 0, "and not writable");
    tap_is(pipe_fcntl(f[1], F_SETPIPE_SZ, 4096), -EBUSY, "can't shrink below what is in it");
    tap_is(pipe_fcntl(f[1], F_SETPIPE_SZ, 100000), 131072, "grows to a power of two");
    tap_is(unit_write(f[1], big, sizeof big), 65536, "room for more");
    tap_is(unit_read(f[0], back, sizeof back), 131072, "all comes out");
    tap_is(pipe_fcntl(f[0], F_GETPIPE_SZ, 0), 131072, "F_GETPIPE_SZ");
    file_put(f[1]);
    tap_is(unit_read(f[0], buf, 1), 0, "end of file when the writer has gone");
    tap_is(f[0]->ops->poll(f[0], NULL), POLLHUP, "POLLHUP");
    file_put(f[0]);
}

static void test_broken(void)
{
    struct file *f[2];

    pipe_open(0, f);
    file_put(f[0]);
    tap_is(unit_write(f[1], "x", 1), -EPIPE, "EPIPE without a reader");
    tap_is(unit_last_signal, SIGPIPE, "and SIGPIPE");
    tap_is(f[1]->ops->poll(f[1], NULL) & POLLERR, POLLERR, "POLLERR");
    file_put(f[1]);
}

static void test_packets(void)
{
    struct file *f[2];
    char buf[8];

    pipe_open(O_DIRECT | O_NONBLOCK, f);
    unit_write(f[1], "abcdef", 6);
    unit_write(f[1], "gh", 2);
    tap_is(unit_read(f[0], buf, 4), 4, "a packet is cut");
    tap_is(unit_read(f[0], buf, 8), 2, "and its rest dropped");
    tap_is(buf[0], 'g', "the next packet");
    put2(f);
}

static struct file *ends[2];

static void slow_reader(void *arg)
{
    size_t *total = arg;
    ssize_t n;

    while ((n = unit_read(ends[0], back + *total, 3000)) > 0)
        *total += (size_t)n;
}

static void test_blocking(void)
{
    size_t total = 0;

    for (size_t i = 0; i < sizeof big; i++)
        big[i] = (u8)(i * 7 ^ i >> 8);
    pipe_open(0, ends);
    struct task *t = unit_task_new(NULL);
    unit_task_run(t, slow_reader, &total);
    tap_is(unit_write(ends[1], big, sizeof big), sizeof big, "a large write waits for room");
    file_put(ends[1]);
    unit_task_join(t);
    unit_task_free(t);
    tap_is(total, sizeof big, "and all arrives");
    tap_ok(!memcmp(big, back, sizeof big), "unchanged");
    file_put(ends[0]);
}

static int fifo_result[2];
static struct inode *fifo;
static struct file *fifo_file[2];

static void open_fifo(void *arg)
{
    int i = *(int *)arg;

    inode_get(fifo);
    fifo_file[i]->inode = fifo;
    fifo_result[i] = fifo_fops.open(fifo, fifo_file[i]);
}

static void test_fifo(void)
{
    static const int reader = 0, writer = 1;
    static const struct super_ops sops;
    struct super *sb = super_new("t", &sops, NULL);
    char buf[4];

    fifo = inode_new(sb, 0010600);
    fifo_file[0] = file_anon("", &fifo_fops, NULL, FMODE_WRITE, O_WRONLY | O_NONBLOCK);
    inode_get(fifo);
    fifo_file[0]->inode = fifo;
    tap_is(fifo_fops.open(fifo, fifo_file[0]), -ENXIO, "writing end without reader: ENXIO");
    file_put(fifo_file[0]);
    fifo_file[0] = file_anon("", &fifo_fops, NULL, FMODE_READ, O_RDONLY);
    fifo_file[1] = file_anon("", &fifo_fops, NULL, FMODE_WRITE, O_WRONLY);
    fifo_result[0] = 99;
    struct task *t = unit_task_new(NULL);
    unit_task_run(t, open_fifo, (void *)(u64)&reader);
    unit_sleep_ns(5000000);
    tap_is(READ_ONCE(fifo_result[0]), 99, "the reader's open waits");
    open_fifo((void *)(u64)&writer);
    unit_task_join(t);
    unit_task_free(t);
    tap_ok(!fifo_result[0] && !fifo_result[1], "both ends are open");
    tap_is(unit_write(fifo_file[1], "hey", 3), 3, "write");
    tap_is(unit_read(fifo_file[0], buf, 3), 3, "read");
    put2(fifo_file);
    fifo_file[0] = file_anon("", &fifo_fops, NULL, FMODE_READ, O_RDONLY | O_NONBLOCK);
    inode_get(fifo);
    fifo_file[0]->inode = fifo;
    tap_is(fifo_fops.open(fifo, fifo_file[0]), 0, "O_NONBLOCK reader opens alone");
    tap_is(fifo_file[0]->ops->poll(fifo_file[0], NULL), 0, "no hangup before a writer came");
    file_put(fifo_file[0]);
    inode_put(fifo);
    super_put(sb);
}

int main(void)
{
    unit_task_init();
    test_basics();
    test_broken();
    test_packets();
    test_blocking();
    test_fifo();
    return tap_end();
}
