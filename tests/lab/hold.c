/* Keeps a virtual machine with one CPU, which never runs, for as long as the lab lives.
 *
 * Linux patches its own code when the first virtual machine comes and when the last one goes
 * (preempt_notifier_key in schedule(), apic_sw_disabled in KVM). QEMU's emulator with a thread
 * for each CPU has now and then kept what it had translated of the code in between, a
 * breakpoint, and the lab's kernel stepped on it for ever. */
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

int main(void)
{
    int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
    int vm = kvm < 0 ? -1 : ioctl(kvm, KVM_CREATE_VM, 0);
    if (vm < 0 || ioctl(vm, KVM_CREATE_IRQCHIP, 0) < 0 || ioctl(vm, KVM_CREATE_VCPU, 0) < 0) {
        perror("the lab's own virtual machine");
        return 1;
    }
    puts("held");
    fflush(stdout);
    for (;;) pause();
}
