/* A guest in a test: domain memory with a boot area, drivers for its rings, and a
 * driver domain (xenc-dev) behind them, as a process. */
#ifndef DEV_GUEST_H
#define DEV_GUEST_H

#include <linux/fuse.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "abi/boot.h"
#include "abi/console.h"
#include "abi/fs.h"
#include "hv/dev/dev.h"

enum { G_MEM = 4 << 20, G_NUM = 16, G_BUF = 1 << 20 };

struct guest {
    uint8_t *mem;
    struct xenc_boot *boot;
    int memfd, grant, log;      /* our ends */
    pid_t pid;                  /* xenc-dev; 0: none */
    uint16_t seen[XENC_MAX_DEVS][XENC_MAX_VQS];
    uint64_t unique;
    uint32_t uid, gid;          /* of FUSE requests */
};

struct guest_host {             /* what the driver domain is given */
    const char *root;
    bool root_ro;
    const char *share[2];
    bool share_ro[2];
    int con[2][2];              /* input, output; output -1: no such console */
    bool tty, exec;             /* exec: the real binary, else a fork under sanitizers */
    bool nobody;                /* as a user without privileges */
    bool balloon;               /* describe that device, too */
};

void guest_init(struct guest *g, const struct guest_host *h);
void guest_start(struct guest *g, const struct guest_host *h);
void guest_stop(struct guest *g);               /* kills xenc-dev, frees all */

/* Lays out queue q of device d, ready for use. */
void guest_queue(struct guest *g, unsigned d, unsigned q);
void guest_driver_ok(struct guest *g, unsigned d);

/* Places where queue q's parts lie, to tamper with. */
struct vring_desc *guest_desc(struct guest *g, unsigned d, unsigned q);
uint16_t *guest_avail(struct guest *g, unsigned d, unsigned q);         /* flags, idx, … */
uint16_t *guest_used(struct guest *g, unsigned d, unsigned q);

/* Offers a chain of one readable part (or none: len 0) and one writable, at these
 * offsets of memory; descriptors 2*slot and 2*slot+1. Rings the bell. */
void guest_offer(struct guest *g, unsigned d, unsigned q, unsigned slot,
                 uint64_t in, uint32_t in_len, uint64_t out, uint32_t out_len);
void guest_ring(struct guest *g, unsigned d);

/* Waits for the next used buffer: its length, or -1 after ms. */
int64_t guest_used_wait(struct guest *g, unsigned d, unsigned q, int ms);

/* One FUSE request of up to three parts: the reply's error (0 or negative errno) and,
 * behind its header, *out and *outlen. */
struct part { const void *p; size_t n; };
int guest_fuse(struct guest *g, uint32_t op, uint64_t node, const struct part *parts,
               unsigned nparts, void *out, size_t room, size_t *outlen_r);

/* Buffer space of the test in domain memory. */
uint64_t guest_buf(void);

/* A descriptor that was granted, with its cookie; -1: there is none. */
int guest_receive(struct guest *g, uint64_t *cookie);

#endif
