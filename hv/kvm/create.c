/* A virtual machine: memory, interrupt controllers, CPUs. */
#include <errno.h>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "hv/kvm/kvm.h"

#define KVM_PATH      "/dev/kvm"
#define OWN_LOW_BYTES (64ull << 20)     /* for the kernel's image and its page tables */
#define HUGE_LEAST    (128ull << 20)    /* memory in which huge pages are no waste */
#define TSS_GPA       0xfffbd000ul      /* three pages that Intel's CPUs need, in the hole */
#define IDENTITY_GPA  0xfffbc000ull

struct kvm_vm *kvm_of(struct hv_domain *d)
{
    static struct kvm_vm vm;            /* one domain a process */

    vm.d = d;
    return &vm;
}

static int check_caps(const struct kvm_vm *vm, struct err *e)
{
    static const struct { int cap; const char *name; } need[] = {
        { KVM_CAP_IRQCHIP, "KVM_CAP_IRQCHIP" }, { KVM_CAP_IRQFD, "KVM_CAP_IRQFD" },
        { KVM_CAP_IOEVENTFD, "KVM_CAP_IOEVENTFD" }, { KVM_CAP_EXT_CPUID, "KVM_CAP_EXT_CPUID" },
        { KVM_CAP_USER_MEMORY, "KVM_CAP_USER_MEMORY" },
        { KVM_CAP_IMMEDIATE_EXIT, "KVM_CAP_IMMEDIATE_EXIT" },
    };

    if (ioctl(vm->dev_fd, KVM_GET_API_VERSION, 0) != KVM_API_VERSION)
        return err_set(e, ENOTSUP, KVM_PATH ": another API than version %d", KVM_API_VERSION);
    for (unsigned i = 0; i < sizeof need / sizeof need[0]; i++)
        if (ioctl(vm->dev_fd, KVM_CHECK_EXTENSION, need[i].cap) <= 0)
            return err_set(e, ENOTSUP, KVM_PATH ": the host's KVM has no %s", need[i].name);
    return 0;
}

static int make_machine(struct kvm_vm *vm, struct err *e)
{
    uint64_t identity = IDENTITY_GPA;

    vm->dev_fd = open(KVM_PATH, O_RDWR | O_CLOEXEC);
    if (vm->dev_fd < 0)
        return err_sys(e, errno, "pvh domains need " KVM_PATH);
    int r = check_caps(vm, e);
    if (r < 0)
        return r;
    while ((vm->fd = ioctl(vm->dev_fd, KVM_CREATE_VM, 0)) < 0)
        if (errno != EINTR)
            return err_sys(e, errno, "KVM_CREATE_VM");
    fcntl(vm->fd, F_SETFD, FD_CLOEXEC);
    /* AMD's have no use for these and refuse nothing. */
    if (ioctl(vm->fd, KVM_SET_IDENTITY_MAP_ADDR, &identity) < 0 ||
        ioctl(vm->fd, KVM_SET_TSS_ADDR, TSS_GPA) < 0)
        return err_sys(e, errno, "KVM_SET_TSS_ADDR");
    return ioctl(vm->fd, KVM_CREATE_IRQCHIP, 0) < 0 ? err_sys(e, errno, "KVM_CREATE_IRQCHIP") : 0;
}

static int add_slot(struct kvm_vm *vm, uint32_t slot, uint64_t start, uint64_t end, struct err *e)
{
    struct kvm_userspace_memory_region m = {
        .slot = slot, .guest_phys_addr = start, .memory_size = end - start,
        .userspace_addr = (uintptr_t)vm->mem + start,
    };

    return ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &m) < 0
               ? err_sys(e, errno, "KVM_SET_USER_MEMORY_REGION") : 0;
}

/* An offset into the file is an address of the guest: the file has the hole, too. */
static int make_memory(struct kvm_vm *vm, struct err *e)
{
    struct hv_domain *d = vm->d;

    if (d->conf->mem_bytes < KVM_MEM_LEAST)
        return err_set(e, ENOMEM,
                       "a pvh domain needs at least %u MiB of memory, the limit is %llu bytes",
                       (unsigned)(KVM_MEM_LEAST >> 20), (unsigned long long)d->conf->mem_bytes);
    vm->low_end = vm->mem_end = d->conf->mem_bytes;
    if (vm->mem_end > PVH_HOLE_START) {
        /* Our kernel wants its heap in one piece: nearly all of it above the hole. */
        vm->low_end = vm->foreign ? PVH_HOLE_START : OWN_LOW_BYTES;
        vm->mem_end = PVH_HOLE_END + d->conf->mem_bytes - vm->low_end;
    }
    d->mem_fd = memfd_create("xenc-domain", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (d->mem_fd < 0 || ftruncate(d->mem_fd, (off_t)vm->mem_end) < 0 ||
        fcntl(d->mem_fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
        return err_sys(e, errno, "domain memory");
    vm->mem = mmap(NULL, vm->mem_end, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE,
                   d->mem_fd, 0);
    if (vm->mem == MAP_FAILED)
        return err_sys(e, errno, "domain memory");
    if (d->conf->mem_bytes >= HUGE_LEAST)       /* heard where shmem_enabled is "advise" */
        madvise(vm->mem, vm->mem_end, MADV_HUGEPAGE);
    d->boot = (struct xenc_boot *)(void *)vm->mem;
    int r = add_slot(vm, 0, 0, vm->low_end, e);
    return r == 0 && vm->mem_end > vm->low_end ? add_slot(vm, 1, PVH_HOLE_END, vm->mem_end, e)
                                               : r;
}

static int kvm_create(struct hv_domain *d, struct err *e)
{
    struct kvm_vm *vm = kvm_of(d);
    int r;

    vm->foreign = d->deaf = d->conf->kernel != NULL;
    vm->nvcpus = d->conf->ncpus < KVM_MAX_VCPUS ? d->conf->ncpus : KVM_MAX_VCPUS;
    vm->over_w = d->over_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (d->over_fd < 0)
        return err_sys(e, errno, "eventfd");
    (void)((r = make_machine(vm, e)) < 0 || (r = make_memory(vm, e)) < 0 ||
           (r = kvm_boot_area(vm, e)) < 0 || (r = kvm_wire(vm, e)) < 0);
    return r;
}

static int kvm_start(struct hv_domain *d, struct err *e)
{
    return kvm_vcpus_make(kvm_of(d), e);
}

/* A foreign kernel knows no `started`: it is let go when it may run. */
static void kvm_go(struct hv_domain *d)
{
    if (kvm_of(d)->foreign && !d->started)
        __atomic_store_n(&d->boot->state, XENC_ST_READY, __ATOMIC_SEQ_CST);
    else
        kvm_vcpus_go(d);
}

/* The interrupt makes the guest look at the words in its boot area. */
static void kvm_wake(struct hv_domain *d)
{
    const uint64_t one = 1;

    if (!kvm_of(d)->foreign)
        write_all(kvm_of(d)->ctl_irq, &one, sizeof one);
    else if (d->started)
        kvm_vcpus_go(d);
}

const struct hv_backend hv_backend_kvm = {
    .kind = HV_PVH_KVM,
    .create = kvm_create,
    .start = kvm_start,
    .threads = kvm_vcpus_start,
    .go = kvm_go,
    .wake = kvm_wake,
    .pause = kvm_vcpus_pause,
    .report = kvm_vcpus_report,
};
