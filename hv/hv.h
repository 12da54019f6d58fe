/* The hypervisor layer as the runtime sees it: make a domain, drive it, know its end.
 * Nothing here knows config.json; runtime/plan.c translates. */
#ifndef XENC_HV_H
#define XENC_HV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

enum hv_kind { HV_AUTO, HV_PV, HV_PVH_KVM, HV_PVH_XEN };

/* A directory or file of the host that the guest may mount. */
struct hv_share {
    int fd;                     /* O_PATH, borrowed */
    bool ro;
};

struct hv_spec {
    enum hv_kind kind;
    const char *id;             /* container id, for messages and the process title */
    uint64_t mem_bytes;         /* most the domain may use; 0: the host's memory */
    unsigned ncpus;             /* 0: the host's count */
    const char *kernel;         /* pvh: another PVH ELF, absolute path; NULL: our own */
    const char *initrd;         /* pvh, with kernel: its initial file tree; NULL: none */
    const char *cmdline;        /* pvh, with kernel: its command line; NULL: empty */
    bool strace, debug;
    bool autostart;             /* run the program at once: no hv_ctl start is awaited */
    const void *record;         /* container record, abi/record.h */
    size_t record_len;
    struct hv_share root;
    const struct hv_share *shares;      /* share i is XT_MOUNT's share number i */
    size_t nshares;
    bool terminal;              /* stdio[0] is the slave side of a pty */
    int stdio[3];               /* the container's own descriptors, borrowed */
    int log_fd;                 /* the domain's messages; -1: none */
    int ctl_fd;                 /* listening AF_UNIX SOCK_SEQPACKET socket; -1: none */
    const char *libexec;        /* folder of xenc-hv, xenc-dev and the kernels */
    const int *cgroup_procs;    /* cgroup.procs files, open for writing, borrowed: the
                                 * child writes "0" to each before it makes the domain */
    size_t ncgroup_procs;
};

/* Starts the monitor of a new domain as a child of the caller and waits until the
 * guest kernel is ready for its program (with autostart: until it runs it). *pid_r is
 * the monitor's process id: it exits with the program's exit status, 128+n for a
 * signal. On failure nothing is left behind. */
int hv_start(const struct hv_spec *spec, pid_t *pid_r, struct err *e);

/* One request to a running domain over its control socket (path). */
enum hv_cmd { HV_CMD_START = 1, HV_CMD_KILL, HV_CMD_STATE, HV_CMD_PAUSE, HV_CMD_RESUME };
struct hv_request { uint32_t cmd; uint32_t arg[3]; };   /* KILL: signal, all(0/1) */
struct hv_reply { int32_t result; uint32_t state; char text[248]; };

/* Sends one request and waits for the reply: 0 or a negative errno. -ECONNREFUSED or
 * -ENOENT: the domain is gone. */
int hv_ctl(const char *sock_path, const struct hv_request *rq, struct hv_reply *rp_r,
           struct err *e);

/* Has this build a monitor for domains of this kind? */
bool hv_built(enum hv_kind kind);

/* Does the host offer domains of this kind, and have we what it takes (libexec)? 0, or a
 * negative errno with the reason in *why. Starts nothing. */
int hv_probe(enum hv_kind kind, const char *libexec, struct err *why);

/* The name of a kind as users write it: "pv", "pvh". */
const char *hv_kind_name(enum hv_kind k);

#endif
