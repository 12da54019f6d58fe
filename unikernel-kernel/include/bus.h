/* The virtio bus as drivers see it: virtio-mmio on pvh, plain memory on pv. */
#ifndef BUS_H
#define BUS_H
#include "wait.h"

struct bus_dev;

unsigned bus_count(void);
struct bus_dev *bus_get(unsigned index);                /* NULL: no such device */
u32 bus_type(struct bus_dev *d);                        /* virtio device id */
u64 bus_host_features(struct bus_dev *d);
void bus_set_features(struct bus_dev *d, u64 features);
u32 bus_status(struct bus_dev *d);
void bus_set_status(struct bus_dev *d, u32 status);     /* 0: reset */
void bus_config_read(struct bus_dev *d, unsigned off, void *buf, unsigned n);
void bus_config_write(struct bus_dev *d, unsigned off, const void *buf, unsigned n);
u32 bus_config_gen(struct bus_dev *d);
/* num: entries; addresses as gpa. */
void bus_setup_queue(struct bus_dev *d, unsigned q, u32 num, u64 desc, u64 avail, u64 used);
void bus_notify(struct bus_dev *d, unsigned q);
/* For what nobody waits for: a device that sleeps may hear it with the next bus_notify, or
 * in some milliseconds. */
void bus_notify_soon(struct bus_dev *d, unsigned q);
/* fn runs in the kworker task when the device used buffers or changed its config. */
void bus_set_irq(struct bus_dev *d, void (*fn)(void *arg), void *arg);
/* For synchronous drivers: waits (spinning briefly, then asleep) until the device has
 * used buffers since `seq` was read by bus_seq(). The caller looks at its ring after
 * that. Not interruptible. */
u32 bus_seq(struct bus_dev *d);
void bus_wait(struct bus_dev *d, u32 seq);
/* Does bus_seq also count what a queue without interrupts (vq_set_irq) has used? */
bool bus_counts_silent(void);

/* kworker: runs the handlers of pending interrupts; sleeps until one or the deadline. */
void plat_irq_wait(u64 deadline);
void plat_irq_poke(void);               /* makes plat_irq_wait return soon */

/* The host's control mailbox (enum xenc_ctl in abi/boot.h): called in the kworker;
 * core/ answers with plat_control_done. */
void control_message(u32 cmd, const u64 *arg);
void plat_control_done(s64 result);
#endif
