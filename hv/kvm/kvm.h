/* Inside the KVM backend: one virtual machine, held by this process. */
#ifndef XENC_HV_KVM_H
#define XENC_HV_KVM_H

#include <linux/kvm.h>
#include <stdbool.h>

#include "abi/pvh.h"
#include "hv/domain.h"
#include "hv/kvm/mmio.h"

#define KVM_MAX_VCPUS 16
#define KVM_REASONS   64                /* exit reasons counted; the last: all others */
#define KVM_MEM_LEAST (6ull << 20)

struct kvm_vcpu {
    struct kvm_vm *vm;
    unsigned id;
    pid_t tid;                          /* 0: its thread has not started yet */
    int fd;
    struct kvm_run *run;
    uint64_t exits[KVM_REASONS];
};

struct kvm_vm {
    struct hv_domain *d;
    int dev_fd, fd;                     /* /dev/kvm, the machine */
    uint8_t *mem;                       /* gpa 0; d->mem_bytes and the hole */
    uint64_t low_end, mem_end;          /* gpa: memory ends below the hole; at all */
    uint32_t entry;                     /* of the kernel, in 32-bit mode */
    bool foreign;                       /* not our own kernel */
    int ctl_irq;                        /* eventfd: PVH_GSI_CTL */
    int over_w;                         /* eventfd: the guest's part is over */
    uint32_t go;                        /* futex: vCPUs may run */
    uint64_t go_ns, program_ns;         /* CLOCK_MONOTONIC: then, and when the program ran */
    uint32_t paused, parked;            /* futex: they must stop; how many have */
    unsigned nvcpus;
    struct kvm_vcpu vcpu[KVM_MAX_VCPUS];
    struct mmio_dev mmio[XENC_MAX_DEVS];
};

/* create.c */
struct kvm_vm *kvm_of(struct hv_domain *d);

/* boot.c: kernel, start info, record, boot area into memory. */
int kvm_boot_area(struct kvm_vm *vm, struct err *e);

/* wires.c: doorbells and interrupts, as descriptors. */
int kvm_wire(struct kvm_vm *vm, struct err *e);

/* cpuid.c. Pure: what the host's KVM supports -> what CPU `id` of `n` shows. */
void kvm_cpuid_filter(struct kvm_cpuid2 *c, unsigned id, unsigned n, bool tsc_deadline);

/* vcpu.c */
int kvm_vcpus_make(struct kvm_vm *vm, struct err *e);
int kvm_vcpus_start(struct hv_domain *d, struct err *e);        /* threads; they wait for go */
void kvm_vcpus_go(struct hv_domain *d);
int kvm_vcpus_pause(struct hv_domain *d, bool on);
void kvm_vcpus_report(struct hv_domain *d);     /* exits by reason, to the log */
uint64_t kvm_now_ns(void);

/* exit.c: what a vCPU could not do by itself. False: this CPU runs no more. */
bool kvm_exit(struct kvm_vcpu *v);

#endif
