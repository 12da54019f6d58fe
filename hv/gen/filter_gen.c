/* Prints the system call filter that the monitor runs under once its domain stands. */
#include <signal.h>

#include "hv/gen/emit.h"

#define PIDFD_OPEN_NR 434

/* Waiting, answering, logging, ending: no file is opened and no process made any more. */
static const int plain[] = {
    SCMP_SYS(ppoll), SCMP_SYS(poll), SCMP_SYS(futex), SCMP_SYS(waitid), SCMP_SYS(wait4),
    PIDFD_OPEN_NR, SCMP_SYS(accept4), SCMP_SYS(recvfrom), SCMP_SYS(sendto), SCMP_SYS(write),
    SCMP_SYS(close), SCMP_SYS(getpid), SCMP_SYS(clock_gettime), SCMP_SYS(restart_syscall),
    SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn),
    SCMP_SYS(exit), SCMP_SYS(exit_group),
};

int main(void)
{
    scmp_filter_ctx c = seccomp_init(SCMP_ACT_KILL_PROCESS);

    if (!c)
        return 1;
    allow(c, plain, sizeof(plain) / sizeof(plain[0]));
    /* Kicks virtual CPUs. */
    must(seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
                          SCMP_A2(SCMP_CMP_EQ, SIGURG)));
    return emit(c);
}
