/* What kinds of domain the host offers. */
#include <cpuid.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/fd.h"
#include "hv/hv.h"

/* Feature bits that <cpuid.h> has no names for: Intel SDM, CPUID leaf 1, ECX; AMD APM
 * volume 3, leaf 8000_0001h, ECX. */
#define CPUID_VMX (1u << 5)
#define CPUID_SVM (1u << 2)

#define KVM_API 12                      /* the only version there has been since 2007 */

bool hv_built(enum hv_kind k)
{
    static const enum hv_kind kinds[] = {
#define HV_BACKEND(kind, name) kind,
#include "hv/backends.def"
#undef HV_BACKEND
    };

    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (kinds[i] == k)
            return true;
    }
    return false;
}

/* A /dev/kvm can be there without: software implementations run a few prepared guests
 * only, and give no wall of the CPU's. */
static bool has_vmx_or_svm(void)
{
    unsigned a, b, c, d;

    if (__get_cpuid(1, &a, &b, &c, &d) && (c & CPUID_VMX))
        return true;
    return __get_cpuid(0x80000001u, &a, &b, &c, &d) && (c & CPUID_SVM);
}

static int probe_kvm(struct err *why)
{
    static const struct { int cap; const char *name; } needed[] = {
        { KVM_CAP_IRQCHIP, "in-kernel interrupt controllers" },
        { KVM_CAP_IRQFD, "irqfd" },
        { KVM_CAP_IOEVENTFD, "ioeventfd" },
        { KVM_CAP_USER_MEMORY, "user memory" },
        { KVM_CAP_IMMEDIATE_EXIT, "immediate exit" },
    };
    _cleanup_close_ int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);

    if (fd < 0)
        return err_sys(why, errno, "/dev/kvm");
    if (!has_vmx_or_svm())
        return err_set(why, ENODEV, "/dev/kvm is there, but the CPU offers neither VMX nor SVM");
    if (ioctl(fd, KVM_GET_API_VERSION, 0) != KVM_API)
        return err_set(why, ENODEV, "/dev/kvm speaks another version than %d", KVM_API);
    for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++) {
        if (ioctl(fd, KVM_CHECK_EXTENSION, needed[i].cap) <= 0)
            return err_set(why, ENODEV, "/dev/kvm lacks %s", needed[i].name);
    }
    return 0;
}

int hv_probe(enum hv_kind kind, const char *libexec, struct err *why)
{
    const char *kernel = kind == HV_PV ? "kernel-pv.elf" : "kernel-pvh.elf";
    char path[4200];
    int r = 0;

    if (!hv_built(kind))
        return err_set(why, ENOTSUP, "this build has no monitor for it");
    if (kind == HV_PVH_KVM)
        r = probe_kvm(why);
    if (r < 0)
        return r;
    snprintf(path, sizeof path, "%s/%s", libexec, kernel);
    return access(path, R_OK) == 0 ? 0 : err_sys(why, errno, "%s", path);
}
