/* The boot area: the first page of a domain's memory. The host fills in the upper
 * half before the first guest instruction; the guest writes the lower half. Nothing
 * the guest writes is trusted: the host copies and checks it. Little-endian, sizes
 * asserted. gpa_t: an offset from the start of the domain's memory. */
#ifndef XENC_ABI_BOOT_H
#define XENC_ABI_BOOT_H

#include <stdint.h>

#define XENC_BOOT_MAGIC   0x434e4558u   /* "XENC" */
#define XENC_BOOT_VERSION 1
#define XENC_MAX_DEVS     8
#define XENC_MAX_VQS      4

typedef uint64_t gpa_t;

enum { XENC_BOOT_STRACE = 1u << 0, XENC_BOOT_DEBUG = 1u << 1 };

/* A virtqueue as the guest driver set it up (virtio 1.2, 2.7 split virtqueues). */
struct xenc_vq {
    gpa_t desc, avail, used;
    uint32_t num;                       /* entries, a power of two; 0: not set up */
    uint32_t ready;
};

/* A virtio device on the PV bus: virtio-mmio's registers as plain memory.
 * `doorbell` is a futex word: the guest adds 1 and wakes all its sleepers after it
 * made buffers available on any queue. The device answers by setting bit i of
 * xenc_boot.irq_pending (i: the device's index) and waking xenc_boot.irq_seq.
 * Either side may skip the wake when the other's *_waiting word is 0. */
struct xenc_dev {
    uint32_t type;                      /* virtio device id; 0: no device */
    uint32_t nvqs;
    uint64_t host_features;
    uint64_t guest_features;            /* guest */
    uint32_t status;                    /* guest: virtio 2.1 */
    uint32_t doorbell;                  /* futex, guest increments */
    uint32_t doorbell_waiting;          /* device: how many sleep on doorbell */
    uint32_t config_gen;                /* device increments after a config change */
    uint32_t done_seq;                  /* futex: device increments per batch of used
                                         * buffers; tasks may wait on it directly */
    uint32_t done_waiting;              /* guest: number of tasks asleep on done_seq */
    struct xenc_vq vq[XENC_MAX_VQS];    /* guest */
    uint8_t config[80];                 /* the device type's virtio config space */
};

struct xenc_boot {
    /* host -> guest */
    uint32_t magic, version;
    uint64_t mem_size;                  /* bytes of domain memory that may be used */
    gpa_t heap_start;                   /* first byte after the kernel's bss, page aligned */
    uint32_t ncpus, flags;              /* flags: XENC_BOOT_* */
    gpa_t record;                       /* the container record (abi/record.h) */
    uint64_t record_len;
    uint64_t vdso;                      /* PV: address of the host's vDSO ELF, or 0 */
    gpa_t filter;                       /* PV: struct sock_filter[] to install */
    uint32_t filter_len, ndevs;
    uint64_t hwcap;                     /* AT_HWCAP of the host's programs */
    uint64_t reserved0[2];
    /* Hints, 0: unknown: 1 + the host's CPU on which a doorbell of the file system was rung
     * last (pv guest), or one was answered (device). Who is on the same looks in vain. */
    uint32_t rang_on, answered_on;
    /* both directions */
    uint32_t irq_seq;                   /* futex: incremented after irq_pending was set */
    uint32_t irq_pending;               /* bit i: device i; bit 31: control mailbox */
    uint32_t irq_waiting;               /* guest: 1 while the kworker may be asleep */
    uint32_t ctl_cmd;                   /* mailbox, enum xenc_ctl; guest writes 0 when taken */
    uint64_t ctl_arg[6];
    int64_t ctl_result;
    uint32_t ctl_seq;                   /* futex: guest increments when ctl_result is set */
    uint32_t started;                   /* futex: host sets 1: init may run its program */
    /* guest -> host */
    uint32_t state;                     /* enum xenc_state, futex */
    uint32_t exit_status;               /* wait(2) status of the first process */
    char panic[512];                    /* NUL-terminated report */
    struct xenc_dev dev[XENC_MAX_DEVS];
};

enum xenc_state { XENC_ST_BOOT, XENC_ST_READY, XENC_ST_RUNNING, XENC_ST_EXITED,
                  XENC_ST_PANIC };

/* The log: a ring of bytes the guest writes and the monitor reads. head and tail count
 * bytes for ever; both are futex words. */
#define XENC_LOG_GPA  0x1000ull
#define XENC_LOG_SIZE 4032u
struct xenc_log { uint32_t head, tail; uint8_t pad[56]; char data[XENC_LOG_SIZE]; };
_Static_assert(sizeof(struct xenc_log) == 4096, "abi");

/* Where the host puts the filter and the record: [XENC_HOST_GPA, kernel data). */
#define XENC_HOST_GPA 0x2000ull

/* Control mailbox. */
enum xenc_ctl {
    XENC_CTL_NONE,
    XENC_CTL_KILL,      /* arg: signal, all (0: first process, 1: every process) */
    XENC_CTL_EXEC,      /* arg: record gpa, length: result: guest pid */
};
#define XENC_IRQ_CTL (1u << 31)

_Static_assert(sizeof(struct xenc_vq) == 32, "abi");
_Static_assert(sizeof(struct xenc_dev) == 256, "abi");
_Static_assert(sizeof(struct xenc_boot) <= 4096, "abi: one page");

#endif
