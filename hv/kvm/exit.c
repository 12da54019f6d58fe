/* What a guest asks of the monitor: ports, registers of devices that it sets up, its end. */
#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "hv/kvm/kvm.h"

enum { RESET_I8042_PORT = 0x64, RESET_I8042 = 0xfe, RESET_CF9_PORT = 0xcf9,
       SLEEP_ENABLE = 1 << 5 };

static void ring(int fd)
{
    const uint64_t one = 1;

    write_all(fd, &one, sizeof one);
}

/* The state that the monitor will find; a guest's own word about it comes first. */
static bool end(struct kvm_vm *vm, uint32_t state, const char *report)
{
    struct xenc_boot *b = vm->d->boot;
    uint32_t now = __atomic_load_n(&b->state, __ATOMIC_SEQ_CST);

    if (vm->foreign || (now != XENC_ST_EXITED && now != XENC_ST_PANIC)) {
        snprintf(b->panic, sizeof b->panic, "%s", report);
        b->exit_status = 0;
        __atomic_store_n(&b->state, state, __ATOMIC_SEQ_CST);
        hv_futex_wake(&b->state);
    }
    ring(vm->over_w);
    return false;
}

/* Memory shared with the guest has changed; waiters of this process look at it. */
static void wake(struct kvm_vm *vm, uint32_t what)
{
    struct xenc_boot *b = vm->d->boot;
    struct xenc_log *l = hv_mem(vm->d, XENC_LOG_GPA, sizeof *l);

    switch (what) {
    case PVH_WAKE_STATE:
        if (!vm->program_ns && __atomic_load_n(&b->state, __ATOMIC_SEQ_CST) == XENC_ST_RUNNING)
            vm->program_ns = kvm_now_ns();
        hv_futex_wake(&b->state);
        break;
    case PVH_WAKE_CTL: hv_futex_wake(&b->ctl_seq); break;
    case PVH_WAKE_LOG: hv_futex_wake(&l->head); break;
    }
}

static bool own_port(struct kvm_vm *vm, uint16_t port, uint32_t v)
{
    if (port == PVH_PORT_EXIT)
        return end(vm, XENC_ST_PANIC, "");
    if (port == PVH_PORT_WAKE)
        wake(vm, v);
    return true;
}

static bool foreign_port(struct kvm_vm *vm, uint16_t port, uint8_t v)
{
    if ((port == PVH_PORT_SLEEP && v & SLEEP_ENABLE) ||
        (port == PVH_PORT_RESET && v == PVH_RESET_VALUE) ||
        (port == RESET_I8042_PORT && v == RESET_I8042) || (port == RESET_CF9_PORT && v & 4))
        return end(vm, XENC_ST_EXITED, "");
    return true;
}

static bool port_exit(struct kvm_vcpu *v)
{
    struct kvm_run *r = v->run;
    uint8_t *data = (uint8_t *)r + r->io.data_offset;
    uint32_t w = 0;

    if (r->io.direction == KVM_EXIT_IO_IN) {    /* nobody answers */
        memset(data, r->io.port == RESET_I8042_PORT ? 0 : 0xff, r->io.size * r->io.count);
        return true;
    }
    memcpy(&w, data, r->io.size <= sizeof w ? r->io.size : sizeof w);
    return v->vm->foreign ? foreign_port(v->vm, r->io.port, (uint8_t)w)
                          : own_port(v->vm, r->io.port, w);
}

static void ring_all(struct kvm_vm *vm, unsigned dev)
{
    for (unsigned q = 0; q < XENC_MAX_VQS; q++)
        if (vm->d->wires[dev].bell[q] >= 0)
            ring(vm->d->wires[dev].bell[q]);
}

static void mmio_exit(struct kvm_vcpu *v)
{
    struct kvm_vm *vm = v->vm;
    struct kvm_run *r = v->run;
    uint64_t at = r->mmio.phys_addr - PVH_MMIO_GPA, dev = at / PVH_MMIO_STEP, x = 0;
    unsigned len = r->mmio.len <= sizeof x ? r->mmio.len : sizeof x;

    if (r->mmio.phys_addr < PVH_MMIO_GPA || dev >= XENC_MAX_DEVS || !vm->mmio[dev].dev) {
        if (!r->mmio.is_write)
            memset(r->mmio.data, 0xff, sizeof r->mmio.data);
        return;
    }
    if (r->mmio.is_write) {
        memcpy(&x, r->mmio.data, len);
        if (mmio_write(&vm->mmio[dev], at % PVH_MMIO_STEP, len, x) != MMIO_NOTHING)
            ring_all(vm, (unsigned)dev);
    } else {
        x = mmio_read(&vm->mmio[dev], at % PVH_MMIO_STEP, len);
        memcpy(r->mmio.data, &x, sizeof x);
    }
}

bool kvm_exit(struct kvm_vcpu *v)
{
    char text[128];

    switch (v->run->exit_reason) {
    case KVM_EXIT_IO:
        return port_exit(v);
    case KVM_EXIT_MMIO:
        mmio_exit(v);
        return true;
    case KVM_EXIT_INTR:
        return true;
    case KVM_EXIT_SHUTDOWN:
        snprintf(text, sizeof text, "cpu %u of the domain shut down (triple fault)", v->id);
        return end(v->vm, XENC_ST_PANIC, text);
    case KVM_EXIT_SYSTEM_EVENT:
        return end(v->vm, XENC_ST_EXITED, "");
    default:
        snprintf(text, sizeof text, "cpu %u of the domain can't go on: KVM's exit reason %u",
                 v->id, v->run->exit_reason);
        return end(v->vm, XENC_ST_PANIC, text);
    }
}
