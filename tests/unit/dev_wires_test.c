// uses: hv/dev/[!m]*.c base/err.c tests/unit/dev_guest.c
/* Devices of a virtual machine: doorbells and interrupts by eventfd, and the balloon. */
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dev_guest.h"
#include "hv/dev/serve.h"
#include "tap.h"

static struct guest g;
static struct dev_mem mem;
static struct dev dev;
static struct chain c;

static void fresh(unsigned index, unsigned nvqs)
{
    static const struct guest_host h = { .con = { { -1, -1 }, { -1, -1 } }, .balloon = true };

    if (g.mem)
        guest_stop(&g);
    guest_init(&g, &h);
    mem = (struct dev_mem){ g.mem, G_MEM };
    dev_init(&dev, &mem, index, nvqs, "test");
    dev.irq_fd = eventfd(0, EFD_NONBLOCK);
    for (unsigned q = 0; q < nvqs; q++)
        dev.bell_fd[q] = eventfd(0, EFD_NONBLOCK);
}

static void ring(int fd)
{
    uint64_t one = 1;

    if (write(fd, &one, sizeof one) != sizeof one)
        tap_ok(false, "eventfd");
}

static uint64_t count(int fd)
{
    uint64_t n = 0;

    return read(fd, &n, sizeof n) < 0 ? 0 : n;
}

static void test_bells(void)
{
    struct bell b0, b1, *first = &b0, *both[] = { &b0, &b1 };

    fresh(DEV_FS, 2);
    bell_init(&b0, &dev, 1);
    bell_init(&b1, &dev, 2);
    tap_ok(bell_rang(&b0) && !bell_rang(&b0), "a new bell has rung, once");
    bell_rang(&b1);
    ring(dev.bell_fd[0]);
    bell_wait(&first, 1, false);
    tap_ok(bell_rang(&b0), "a ring of a kernel that counts nowhere is heard");
    ring(dev.bell_fd[1]);
    bell_wait(both, 2, false);
    tap_ok(bell_rang(&b1) && !bell_rang(&b0), "by the one whose queue it was");
    tap_is(g.boot->dev[DEV_FS].doorbell_waiting, 0, "and nobody sleeps any more");
    g.boot->dev[DEV_FS].doorbell++;
    bell_wait(both, 2, false);
    tap_ok(bell_rang(&b0) && bell_rang(&b1), "one that is counted needs no event");
}

static void test_interrupts(void)
{
    fresh(DEV_FS, 2);
    for (unsigned i = 0; i < 3; i++)
        guest_offer(&g, DEV_FS, 1, i, 0x80000, 64, 0x90000, 64);
    tap_ok(dev_pop(&dev, 1, &c), "a chain");
    dev_push(&dev, 1, &c, 0);
    dev_notify(&dev, 1);
    tap_is(count(dev.irq_fd), 1, "one interrupt");
    guest_avail(&g, DEV_FS, 1)[0] = VRING_AVAIL_F_NO_INTERRUPT;
    tap_ok(dev_pop(&dev, 1, &c), "another one");
    dev_push(&dev, 1, &c, 0);
    dev_notify(&dev, 1);
    tap_is(count(dev.irq_fd), 0, "none where none is wanted");
    g.boot->dev[DEV_FS].done_waiting = 1;
    tap_ok(dev_pop(&dev, 1, &c), "a third one");
    dev_push(&dev, 1, &c, 0);
    dev_notify(&dev, 1);
    tap_is(count(dev.irq_fd), 1, "but for a task that sleeps on the count");
    dev_config_changed(&dev);
    tap_is(count(dev.irq_fd), 1, "a changed config space");
}

/* A driver that resets its device and sets it up again finds a new queue, even when the
 * device did not look meanwhile. */
static void test_reset(void)
{
    fresh(DEV_FS, 2);
    guest_offer(&g, DEV_FS, 1, 0, 0x80000, 64, 0x90000, 64);
    tap_ok(dev_pop(&dev, 1, &c), "a chain");
    dev_push(&dev, 1, &c, 0);
    guest_queue(&g, DEV_FS, 1);
    g.boot->dev[DEV_FS].vq[1].ready = 2;
    tap_ok(!dev_pop(&dev, 1, &c), "a new queue is empty");
    guest_offer(&g, DEV_FS, 1, 0, 0x80000, 64, 0x90000, 64);
    tap_ok(dev_pop(&dev, 1, &c) && !dev.keep->broken, "and begins at its start");
}

static void test_balloon(void)
{
    enum { AT = 0x200000, PAGE = 4096 };
    struct stat before, after;

    fresh(DEV_BALLOON, 3);
    memset(g.mem + AT, 0x77, 4 * PAGE);
    fstat(g.memfd, &before);
    guest_offer(&g, DEV_BALLOON, 2, 0, 0, 0, AT + 100, 3 * PAGE);
    tap_is(balloon_serve(&dev, true), SERVE_IDLE, "a report is served");
    fstat(g.memfd, &after);
    tap_is(before.st_blocks - after.st_blocks, 2 * PAGE / 512, "its two whole pages are gone");
    tap_ok(g.mem[AT + PAGE] == 0 && g.mem[AT + 3 * PAGE - 1] == 0, "they read as zeros");
    tap_ok(g.mem[AT + PAGE - 1] == 0x77 && g.mem[AT + 3 * PAGE] == 0x77, "others stay");
    tap_is(guest_used_wait(&g, DEV_BALLOON, 2, 0), 0, "it is answered");
    guest_offer(&g, DEV_BALLOON, 2, 1, 0, 0, G_MEM - PAGE, 2 * PAGE);
    balloon_serve(&dev, true);
    tap_ok(dev.keep->broken, "memory behind the end breaks the device");
}

int main(void)
{
    test_bells();
    test_interrupts();
    test_reset();
    test_balloon();
    return tap_end();
}
