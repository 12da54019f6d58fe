/* Prints the system call filter of a virtual CPU's thread. */
#include <linux/kvm.h>

#include "hv/gen/emit.h"

/* Waiting and waking, ringing an eventfd, coming back from the kick, the time, ending. */
static const int plain[] = {
    SCMP_SYS(futex), SCMP_SYS(write), SCMP_SYS(rt_sigreturn), SCMP_SYS(restart_syscall),
    SCMP_SYS(exit_group), SCMP_SYS(clock_gettime),
};

int main(void)
{
    scmp_filter_ctx c = seccomp_init(SCMP_ACT_KILL_PROCESS);

    if (!c)
        return 1;
    allow(c, plain, sizeof(plain) / sizeof(plain[0]));
    must(seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
                          SCMP_A1(SCMP_CMP_EQ, KVM_RUN)));
    must(seccomp_syscall_priority(c, SCMP_SYS(ioctl), 255));
    return emit(c);
}
