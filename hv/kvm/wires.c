/* Doorbells and interrupts of the devices: descriptors that the driver domain inherits and
 * KVM serves, so that neither passes through this process. */
#include <errno.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>

#include "hv/kvm/kvm.h"

static int event(int *fd_r, struct err *e)
{
    *fd_r = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return *fd_r < 0 ? err_sys(e, errno, "eventfd") : 0;
}

/* Our kernel rings by port, which costs KVM less than to find out what a write to memory
 * was meant to do. */
static int wire_bell(struct kvm_vm *vm, unsigned dev, unsigned queue, int fd, struct err *e)
{
    struct kvm_ioeventfd b = {
        .datamatch = queue, .len = 4, .fd = fd, .flags = KVM_IOEVENTFD_FLAG_DATAMATCH,
        .addr = PVH_MMIO_GPA + dev * PVH_MMIO_STEP + 0x50 /* QueueNotify */,
    };

    if (!vm->foreign) {
        b.addr = PVH_PORT_BELL + 4 * dev;
        b.flags |= KVM_IOEVENTFD_FLAG_PIO;
    }
    return ioctl(vm->fd, KVM_IOEVENTFD, &b) < 0 ? err_sys(e, errno, "KVM_IOEVENTFD") : 0;
}

static int wire_irq(struct kvm_vm *vm, unsigned gsi, int *fd_r, struct err *e)
{
    int r = event(fd_r, e);
    struct kvm_irqfd q = { .fd = (uint32_t)*fd_r, .gsi = gsi };

    if (r == 0 && ioctl(vm->fd, KVM_IRQFD, &q) < 0)
        return err_sys(e, errno, "KVM_IRQFD");
    return r;
}

static struct kvm_irq_routing_entry message(unsigned gsi, unsigned vector)
{
    return (struct kvm_irq_routing_entry){
        .gsi = gsi, .type = KVM_IRQ_ROUTING_MSI,
        .u.msi = { .address_lo = 0xfee00000, .data = vector },  /* to CPU 0 */
    };
}

/* For our kernel. A foreign one finds the lines at an I/O APIC, as KVM routes them at first. */
static int route_messages(struct kvm_vm *vm, struct err *e)
{
    struct { struct kvm_irq_routing head; struct kvm_irq_routing_entry e[XENC_MAX_DEVS + 1]; }
        r = { .head.nr = XENC_MAX_DEVS + 1 };

    r.e[0] = message(PVH_GSI_CTL, PVH_VECTOR_CTL);
    for (unsigned i = 0; i < XENC_MAX_DEVS; i++)
        r.e[1 + i] = message(PVH_GSI_DEV + i, PVH_VECTOR_DEV + i);
    return ioctl(vm->fd, KVM_SET_GSI_ROUTING, &r) < 0 ? err_sys(e, errno, "KVM_SET_GSI_ROUTING")
                                                      : 0;
}

int kvm_wire(struct kvm_vm *vm, struct err *e)
{
    const struct xenc_boot *b = vm->d->boot;
    int r = vm->foreign ? 0 : route_messages(vm, e);

    if (r == 0)
        r = wire_irq(vm, PVH_GSI_CTL, &vm->ctl_irq, e);
    for (unsigned i = 0; r == 0 && i < b->ndevs; i++) {
        struct hv_wires *w = &vm->d->wires[i];
        if (!b->dev[i].type)
            continue;
        mmio_init(&vm->mmio[i], &vm->d->boot->dev[i]);
        r = wire_irq(vm, PVH_GSI_DEV + i, &w->irq, e);
        for (unsigned q = 0; r == 0 && q < b->dev[i].nvqs; q++)
            if ((r = event(&w->bell[q], e)) == 0)
                r = wire_bell(vm, i, q, w->bell[q], e);
    }
    return r;
}
