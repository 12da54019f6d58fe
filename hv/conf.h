/* How hv_start tells xenc-hv what to do: words of a command line that both sides make
 * from this one list. Descriptors are inherited. */
#ifndef XENC_HV_CONF_H
#define XENC_HV_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "hv/hv.h"

#define HV_MAX_SHARES 256

struct hv_conf {
    enum hv_kind kind;
    char id[256];
    uint64_t mem_bytes;
    unsigned ncpus, flags;              /* XENC_BOOT_* */
    bool autostart, tty, privileged;
    int record_fd, root_fd, log_fd, ctl_fd, sync_fd;
    bool root_ro;
    int stdio[3];
    struct { int fd; bool ro; } share[HV_MAX_SHARES];
    unsigned nshares;
    char libexec[4096];
    const char *kernel, *initrd, *cmdline;      /* hv_spec's; NULL: not given */
};

int hv_conf_parse(struct hv_conf *c, int argc, char **argv, struct err *e);

/* What the monitor writes to sync_fd once the domain stands, or when it can't. */
struct hv_sync { int32_t code; char text[1024]; };

#endif
