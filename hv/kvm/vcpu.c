/* CPUs of a virtual machine: a thread each, which runs the guest until it needs something
 * that KVM does not do by itself. */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "hv/kvm/kvm.h"

#define CPUID_MAX   256
#define STACK_BYTES (64 * 1024)
#define KICK        SIGURG              /* makes KVM_RUN return */

static const struct kvm_segment flat_code = { .limit = 0xffffffff, .selector = 8, .type = 11,
                                              .present = 1, .s = 1, .db = 1, .g = 1 };
static const struct kvm_segment flat_data = { .limit = 0xffffffff, .selector = 16, .type = 3,
                                              .present = 1, .s = 1, .db = 1, .g = 1 };
static const struct kvm_segment some_tss = { .limit = 0x67, .type = 11, .present = 1 };

/* -- making them -- */

static int set_cpuid(struct kvm_vcpu *v, struct err *e)
{
    static struct { struct kvm_cpuid2 head; struct kvm_cpuid_entry2 e[CPUID_MAX]; } c;
    struct kvm_vm *vm = v->vm;
    bool deadline = ioctl(vm->dev_fd, KVM_CHECK_EXTENSION, KVM_CAP_TSC_DEADLINE_TIMER) > 0;

    c.head.nent = CPUID_MAX;
    if (ioctl(vm->dev_fd, KVM_GET_SUPPORTED_CPUID, &c) < 0)
        return err_sys(e, errno, "KVM_GET_SUPPORTED_CPUID");
    kvm_cpuid_filter(&c.head, v->id, vm->nvcpus, deadline);
    return ioctl(v->fd, KVM_SET_CPUID2, &c) < 0 ? err_sys(e, errno, "KVM_SET_CPUID2") : 0;
}

/* The PVH ABI's start: 32-bit mode without paging, flat segments, ebx: the start info. */
static int set_registers(struct kvm_vcpu *v, struct err *e)
{
    struct kvm_regs r = { .rip = v->vm->entry, .rbx = PVH_START_GPA, .rflags = 2 };
    struct kvm_sregs s;

    if (ioctl(v->fd, KVM_GET_SREGS, &s) < 0)
        return err_sys(e, errno, "KVM_GET_SREGS");
    s.cs = flat_code;
    s.ds = s.es = s.fs = s.gs = s.ss = flat_data;
    s.tr = some_tss;
    s.cr0 = 0x11;               /* PE, ET */
    s.cr4 = s.efer = 0;
    if (ioctl(v->fd, KVM_SET_SREGS, &s) < 0 || ioctl(v->fd, KVM_SET_REGS, &r) < 0)
        return err_sys(e, errno, "KVM_SET_REGS");
    return 0;
}

static int make(struct kvm_vm *vm, unsigned id, size_t run_size, struct err *e)
{
    struct kvm_vcpu *v = &vm->vcpu[id];

    v->vm = vm;
    v->id = id;
    v->fd = ioctl(vm->fd, KVM_CREATE_VCPU, id);
    if (v->fd < 0)
        return err_sys(e, errno, "KVM_CREATE_VCPU");
    v->run = mmap(NULL, run_size, PROT_READ | PROT_WRITE, MAP_SHARED, v->fd, 0);
    if (v->run == MAP_FAILED)
        return err_sys(e, errno, "a virtual CPU's memory");
    int r = set_cpuid(v, e);
    /* The others wait for the first one's start message. */
    return r < 0 || id ? r : set_registers(v, e);
}

int kvm_vcpus_make(struct kvm_vm *vm, struct err *e)
{
    int size = ioctl(vm->dev_fd, KVM_GET_VCPU_MMAP_SIZE, 0), r = 0;

    if (size < (int)sizeof(struct kvm_run))
        return err_sys(e, errno, "KVM_GET_VCPU_MMAP_SIZE");
    for (unsigned i = 0; i < vm->nvcpus && r == 0; i++)
        r = make(vm, i, (size_t)size, e);
    return r;
}

/* -- their threads -- */

/* A sanitizer's runtime makes calls of its own. */
#ifdef XENC_SANITIZED
static int lock_calls(void) { return 0; }
#else
static int lock_calls(void)
{
    static struct sock_filter filter[] = {
#include "vcpu_filter.inc"
    };
    struct sock_fprog prog = { sizeof(filter) / sizeof(filter[0]), filter };

    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog);
}
#endif

static void on_kick(int sig) { }

static void park(struct kvm_vm *vm)
{
    __atomic_add_fetch(&vm->parked, 1, __ATOMIC_SEQ_CST);
    hv_futex_wake(&vm->parked);
    while (__atomic_load_n(&vm->paused, __ATOMIC_SEQ_CST))
        hv_futex_wait(&vm->paused, 1, -1);
    __atomic_sub_fetch(&vm->parked, 1, __ATOMIC_SEQ_CST);
    hv_futex_wake(&vm->parked);
}

static void run(struct kvm_vcpu *v)
{
    struct kvm_vm *vm = v->vm;

    for (;;) {
        v->run->immediate_exit = 0;     /* before the look: who pauses sets both */
        if (__atomic_load_n(&vm->paused, __ATOMIC_SEQ_CST))
            park(vm);
        int r = ioctl(v->fd, KVM_RUN, 0);
        if (r < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (r < 0)
            v->run->exit_reason = KVM_EXIT_INTERNAL_ERROR;
        uint32_t why = v->run->exit_reason;
        v->exits[why < KVM_REASONS ? why : KVM_REASONS - 1]++;
        if (!kvm_exit(v))
            return;
    }
}

/* No signal but the kick is for this thread; no call but those of its filter. */
static void *vcpu_main(void *arg)
{
    struct kvm_vcpu *v = arg;

    __atomic_store_n(&v->tid, (pid_t)syscall(SYS_gettid), __ATOMIC_SEQ_CST);
    if (lock_calls() != 0)
        _exit(255);
    hv_futex_wake((uint32_t *)&v->tid);
    while (!__atomic_load_n(&v->vm->go, __ATOMIC_SEQ_CST))
        hv_futex_wait(&v->vm->go, 0, -1);
    run(v);
    for (;;)
        hv_futex_wait(&v->vm->go, 1, -1);       /* until the monitor ends the process */
    return NULL;
}

int kvm_vcpus_start(struct hv_domain *d, struct err *e)
{
    struct kvm_vm *vm = kvm_of(d);
    struct sigaction sa = { .sa_handler = on_kick };
    sigset_t all, old;
    pthread_attr_t a;
    pthread_t t;
    int r = 0;

    sigaction(KICK, &sa, NULL);
    sigfillset(&all);
    sigdelset(&all, KICK);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    pthread_attr_init(&a);
    pthread_attr_setstacksize(&a, STACK_BYTES);
    /* Each is under its filter before the next one starts. */
    for (unsigned i = 0; i < vm->nvcpus && r == 0; i++) {
        r = pthread_create(&t, &a, vcpu_main, &vm->vcpu[i]);
        while (r == 0 && !__atomic_load_n(&vm->vcpu[i].tid, __ATOMIC_SEQ_CST))
            hv_futex_wait((uint32_t *)&vm->vcpu[i].tid, 0, -1);
    }
    pthread_attr_destroy(&a);
    close(vm->dev_fd);                  /* not vm->fd: interrupts would end with it */
    sigaddset(&old, KICK);              /* never for the monitor's own threads */
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return r ? err_sys(e, r, "a virtual CPU's thread") : 0;
}

void kvm_vcpus_go(struct hv_domain *d)
{
    struct kvm_vm *vm = kvm_of(d);

    vm->go_ns = kvm_now_ns();
    __atomic_store_n(&vm->go, 1, __ATOMIC_SEQ_CST);
    hv_futex_wake(&vm->go);
}

uint64_t kvm_now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* -- pause -- */

static void kick_all(struct kvm_vm *vm)
{
    for (unsigned i = 0; i < vm->nvcpus; i++) {
        vm->vcpu[i].run->immediate_exit = 1;    /* one that is about to enter the guest */
        syscall(SYS_tgkill, getpid(), vm->vcpu[i].tid, KICK);
    }
}

int kvm_vcpus_pause(struct hv_domain *d, bool on)
{
    struct kvm_vm *vm = kvm_of(d);
    uint32_t want = on ? vm->nvcpus : 0, n;

    __atomic_store_n(&vm->paused, on, __ATOMIC_SEQ_CST);
    if (on)
        kick_all(vm);
    else
        hv_futex_wake(&vm->paused);
    for (int tries = 0; (n = __atomic_load_n(&vm->parked, __ATOMIC_SEQ_CST)) != want; tries++) {
        if (tries == 20)
            return -ETIMEDOUT;
        hv_futex_wait(&vm->parked, n, 50);
    }
    return 0;
}

/* -- statistics -- */

void kvm_vcpus_report(struct hv_domain *d)
{
    static const char *const names[KVM_REASONS] = {
        [KVM_EXIT_IO] = "port", [KVM_EXIT_MMIO] = "mmio", [KVM_EXIT_HLT] = "halt",
        [KVM_EXIT_SHUTDOWN] = "shutdown", [KVM_EXIT_INTR] = "signal",
        [KVM_EXIT_INTERNAL_ERROR] = "internal error", [KVM_EXIT_FAIL_ENTRY] = "failed entry",
    };
    struct kvm_vm *vm = kvm_of(d);
    char line[256];

    if (vm->program_ns)
        hv_log_write(d, line, (size_t)snprintf(line, sizeof line,
                     "xenc: the program ran %llu us after the first instruction\n",
                     (unsigned long long)(vm->program_ns - vm->go_ns) / 1000), 100);
    for (unsigned why = 0; why < KVM_REASONS; why++) {
        uint64_t sum = 0;
        for (unsigned i = 0; i < vm->nvcpus; i++)
            sum += vm->vcpu[i].exits[why];
        if (!sum)
            continue;
        int n = snprintf(line, sizeof line, "xenc: exits to the monitor: %s (%u): %llu\n",
                         names[why] ? names[why] : "other", why, (unsigned long long)sum);
        hv_log_write(d, line, (size_t)n, 100);
    }
}
