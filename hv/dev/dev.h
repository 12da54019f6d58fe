/* The driver domain (xenc-dev): one confined host process per container that serves
 * the virtio devices in the domain's memory. It knows no backend.
 *
 * Started by the monitor as
 *   xenc-dev --mem=FD --grant=FD --log=FD --root=FD[:ro] [--share=N:FD[:ro]]...
 *            --console=INFD,OUTFD[,tty] [--console=-1,ERRFD]
 *            [--wires=DEVICE:IRQFD,BELLFD...]...     eventfds, where words do not serve
 * with exactly those descriptors open. Device order in the boot area is fixed:
 * 0 file system, 1 entropy, 2 and 3 consoles (as many as --console was given), 4 the balloon
 * of a virtual machine. */
#ifndef XENC_HV_DEV_H
#define XENC_HV_DEV_H

#include <stdbool.h>

#include "abi/boot.h"

enum { DEV_FS, DEV_RNG, DEV_CONSOLE0, DEV_CONSOLE1, DEV_BALLOON };

/* Fills the host's half of the device table (types, features, config spaces) in a new
 * boot area. Pure; called by the monitor before the guest runs. */
struct dev_layout {
    bool tty;
    unsigned nconsoles;
    unsigned short rows, cols;
    bool grants;                /* the guest shares the host's kernel, and open files with it */
    bool balloon;               /* the guest can't give memory back by itself */
};
void dev_describe(struct xenc_boot *boot, const struct dev_layout *l);

#endif
