/* The device's side of virtio on the PV bus: split virtqueues (virtio 1.2, 2.7) in the
 * domain's memory, doorbells and completion.
 *
 * The guest may change every byte of that memory at any time. Descriptors are copied
 * once and checked; only payload is touched in place. Whatever a guest puts there,
 * the worst outcome is that its own device is marked broken. */
#ifndef XENC_DEV_QUEUE_H
#define XENC_DEV_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "abi/boot.h"

enum { VQ_MAX_NUM = 1024, CHAIN_MAX = 512, BELLS_MAX = 8 };

struct dev_mem {                /* the domain's memory as mapped here */
    uint8_t *base;
    size_t size;
};

/* What a driver domain's next worker must know of a queue (supervise.h): how far it came,
 * and the last two completions, of which the guest may not have heard. */
struct vq_keep {
    gpa_t desc, avail, used;    /* where it lay, */
    uint32_t num, which;        /* and which one it was; 0: none */
    uint64_t from, done;        /* chains completed before our time, and in all */
    struct { uint16_t head; uint32_t len; } last[2];
};

struct dev_keep {
    uint32_t broken;            /* atomic: 1 until the guest resets the device */
    struct vq_keep vq[XENC_MAX_VQS];
};

struct vq {
    uint8_t *desc, *avail, *used;
    uint16_t num, next_avail;
    bool ready;
    uint32_t which;             /* the guest's `ready` word: another one, another queue */
    struct vq_keep *keep;
};

struct dev {
    const struct dev_mem *mem;
    struct xenc_boot *boot;
    struct xenc_dev *regs;      /* guest memory */
    unsigned index;
    const char *name;           /* for messages */
    unsigned nvqs;
    struct dev_keep *keep, own; /* own: where nobody comes after us */
    /* Eventfds, where the guest is a virtual machine: to it, and from it by queue. -1: words
     * in guest memory serve. */
    int irq_fd, bell_fd[XENC_MAX_VQS];
    struct vq vq[XENC_MAX_VQS];
};

/* One buffer chain: iov[0..nread) is what the device reads, the nwrite behind it what
 * it writes. Neighbours in memory are merged, empty parts dropped. */
struct chain {
    uint16_t head;
    unsigned nread, nwrite;
    size_t read_len, write_len;
    struct iovec iov[CHAIN_MAX];
};

/* As in rang_on, answered_on: the limit of a segment that Linux has for this. */
static inline uint32_t this_cpu(void)
{
    uint32_t limit;

    __asm__("lsl %1, %0" : "=r"(limit) : "r"(0x7b));
    return (limit & 0xfff) + 1;
}

/* queue.c */

void dev_init(struct dev *d, const struct dev_mem *mem, unsigned index, unsigned nvqs,
              const char *name);

/* Keeps its state in *k, and goes on from what is there. Before the first dev_pop. */
void dev_keep(struct dev *d, struct dev_keep *k);

/* Tells the guest again what a predecessor may not have: interrupts, wakes. */
void dev_resume(struct dev *d);

/* Takes the next chain of queue q: true, or false when there is none, the driver isn't
 * ready or the device is (or just became) broken. One thread a queue. */
bool dev_pop(struct dev *d, unsigned q, struct chain *c);

/* Would dev_pop find something? */
bool dev_avail(struct dev *d, unsigned q);

/* Gives a chain back, `len` bytes of it written. dev_notify tells the guest. In two steps
 * for who has to finish something in between: from dev_done on the chain is not taken
 * again, whatever happens, and with dev_publish the guest can see that. */
void dev_push(struct dev *d, unsigned q, const struct chain *c, uint32_t len);
void dev_done(struct dev *d, unsigned q, const struct chain *c, uint32_t len);
void dev_publish(struct dev *d, unsigned q);
void dev_notify(struct dev *d, unsigned q);

/* The config space changed. Safe in a signal handler. */
void dev_config_changed(struct dev *d);

/* bell.c: doorbells. Has the bell rung? Look at the queues, then wait until it does. */

struct bell {                   /* one waiter's */
    struct dev *dev;
    uint32_t queues;            /* bit i: queue i is this waiter's */
    uint32_t seen, heard;
};

/* A new one has rung: work queued before our time is found at once. */
void bell_init(struct bell *b, struct dev *d, uint32_t queues);
bool bell_rang(struct bell *b);         /* since it was last asked */

/* Sleeps until one of n (BELLS_MAX) has rung, or for no reason: ask again. All are bells
 * of one guest. spin: look for some microseconds before sleeping. */
void bell_wait(struct bell *const *b, unsigned n, bool spin);

/* Can one thread wait for several words (futex_waitv, Linux 5.16)? */
bool bell_waitv_works(void);

/* Wakes a guest's tasks that sleep on a word of the boot area. */
void dev_wake(struct dev *d, uint32_t *word);

/* iovec helpers (queue.c) */

/* Copies up to n bytes out of or into the vector; returns how many. */
size_t iov_read(const struct iovec *iov, unsigned n, void *buf, size_t len);
size_t iov_write(const struct iovec *iov, unsigned n, const void *buf, size_t len);

/* Drops the first `skip` bytes and all behind `keep` more; returns the new count. */
unsigned iov_slice(struct iovec *iov, unsigned n, size_t skip, size_t keep);

#endif
