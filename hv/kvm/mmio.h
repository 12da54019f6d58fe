/* The registers of one virtio-mmio device (virtio 1.2, 4.2.2, version 2) as a foreign
 * kernel sees them. What it sets goes into the device's words in the boot area, where
 * the driver domain looks; nothing here knows what kind of device it is. */
#ifndef XENC_HV_KVM_MMIO_H
#define XENC_HV_KVM_MMIO_H

#include <stdint.h>

#include "abi/boot.h"

#define MMIO_VENDOR 0x434e4558u         /* "XENC" */
#define MMIO_QUEUE_MAX 256u

struct mmio_dev {
    struct xenc_dev *dev;               /* in the guest's memory */
    uint32_t host_sel, guest_sel, queue_sel;
    uint32_t shown_gen, acked_gen;      /* config_gen as last shown, and acknowledged */
    uint32_t sets;                      /* queues that were set up so far */
};

void mmio_init(struct mmio_dev *m, struct xenc_dev *dev);

/* Reads and writes of len bytes (1, 2, 4 or 8) at a register; other widths and registers
 * read as 0 and ignore what is written. */
uint64_t mmio_read(struct mmio_dev *m, uint64_t off, unsigned len);

/* What the driver domain should know after a write. */
enum mmio_event { MMIO_NOTHING, MMIO_NOTIFY, MMIO_STATUS };
enum mmio_event mmio_write(struct mmio_dev *m, uint64_t off, unsigned len, uint64_t v);

#endif
