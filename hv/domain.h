/* A domain inside the monitor, and what a backend does for it. */
#ifndef XENC_HV_DOMAIN_H
#define XENC_HV_DOMAIN_H

#include <sys/types.h>

#include "abi/boot.h"
#include "hv/conf.h"

struct hv_domain;

/* One a kind: hv/pv, hv/kvm, hv/xen. Listed in backends.def. */
struct hv_backend {
    enum hv_kind kind;
    /* Memory, kernel and boot area; d->mem_fd and d->boot are set. */
    int (*create)(struct hv_domain *d, struct err *e);
    /* What still needs the monitor's rights; on pv the first guest instruction. Sets
     * d->over_fd. */
    int (*start)(struct hv_domain *d, struct err *e);
    /* Threads of this process that run the guest; they wait for `go`. The monitor has no
     * rights any more and is another user. May be NULL, as all below. */
    int (*threads)(struct hv_domain *d, struct err *e);
    /* The jail is complete: the guest may run. */
    void (*go)(struct hv_domain *d);
    /* The guest should look at irq_pending, irq_seq and started in its boot area. NULL: it
     * waits on irq_seq and started as futexes. */
    void (*wake)(struct hv_domain *d);
    /* Stops all of the guest, or lets it go on: 0 or a negative errno. */
    int (*pause)(struct hv_domain *d, bool on);
    void (*report)(struct hv_domain *d);        /* statistics to the log, at the end */
};

/* A device's ways to and from the guest, as eventfds; -1: words in the boot area serve. */
struct hv_wires { int irq, bell[XENC_MAX_VQS]; };

struct hv_domain {
    const struct hv_conf *conf;
    const struct hv_backend *backend;
    int mem_fd;
    int grant[2];               /* [0] guest's end, [1] driver domain's */
    int kernel_fd;
    uint64_t entry;
    /* The host-visible start of domain memory, hostile from the first instruction on. */
    struct xenc_boot *boot;
    int over_fd;                /* readable once the guest's part of the domain is over */
    struct hv_wires wires[XENC_MAX_DEVS];
    pid_t dev;                  /* driver domain */
    bool started;               /* the guest has the same word, to lie with */
    bool deaf;                  /* a kernel without our mailbox: signals can only end it */
};

#define HV_WINDOW PV_DATA_OFF   /* bytes mapped at d->boot */

#define HV_BACKEND(kind, name) extern const struct hv_backend hv_backend_##name;
#include "hv/backends.def"
#undef HV_BACKEND

/* mem.c: checked access to domain memory below HV_WINDOW; NULL outside. */
void *hv_mem(struct hv_domain *d, gpa_t at, uint64_t len);

/* devproc.c: starts the driver domain. */
int hv_dev_start(struct hv_domain *d, struct err *e);

/* notify.c: interrupts and control messages to the guest, the guest's log. */
void hv_irq(struct hv_domain *d, uint32_t bits);
/* XENC_CTL_*; waits at most a second: the guest's result, or -ETIMEDOUT. */
int64_t hv_control(struct hv_domain *d, uint32_t cmd, const uint64_t *arg, unsigned n);
/* XENC_CTL_KILL. *end_r: the domain is to end, without asking it. */
int64_t hv_signal(struct hv_domain *d, unsigned sig, bool all, bool *end_r);
/* Waits for the log's reader at most so long (-1: ever); the guest drops what it can't log. */
void hv_log_drain(struct hv_domain *d, int patience_ms);
void hv_log_write(struct hv_domain *d, const char *text, size_t n, int patience_ms);
int hv_log_thread(struct hv_domain *d);         /* for strace and debug: as it comes */
void hv_futex_wait(uint32_t *v, uint32_t seen, int timeout_ms);
void hv_futex_wake(uint32_t *v);

/* jail.c: after the domain was made, in this order; threads start in between. */
int hv_jail_rights(struct hv_domain *d, struct err *e);
int hv_jail_calls(struct err *e);               /* of the calling thread */
/* The filters leave no call that takes a path; should one get through all the same, then
 * there is nothing to find: a folder that is empty but for its own process. 0, or -1. */
int hv_empty_root(void);
/* Of root a user that nobody else is, made from the container's name: 0, or -1. */
int hv_own_user(const struct hv_conf *c);

/* monitor.c: until the domain ends; its exit status for people (0..255). */
int hv_monitor(struct hv_domain *d);

/* control.c: serves one connection's request. */
void hv_serve(struct hv_domain *d, int fd, bool *kill_r);

#endif
