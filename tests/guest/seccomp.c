/* A program that puts filters on itself. */
#define _GNU_SOURCE
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "guest.h"

static volatile int trapped_nr, trapped_data;

static void on_sys(int sig, siginfo_t *si, void *ctx)
{
    trapped_nr = si->si_syscall;
    trapped_data = si->si_errno;
}

/* nr -> action, all else allowed */
static int filter(int nr, unsigned action)
{
    struct sock_filter f[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)nr, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, action),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog p = { sizeof f / sizeof f[0], f };

    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &p);
}

static int child_status(int nr, unsigned action)
{
    int status;
    pid_t p;

    fflush(stdout);
    p = fork();
    if (!p) {
        filter(nr, action);
        _exit(syscall(nr) == -1 ? errno : 200);
    }
    waitpid(p, &status, 0);
    return status;
}

int main(void)
{
    struct sigaction sa = { .sa_sigaction = on_sys, .sa_flags = SA_SIGINFO };
    struct sock_filter bad[] = { BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 1) };
    struct sock_fprog badp = { 1, bad };
    unsigned action = SECCOMP_RET_ERRNO;
    int status;

    check(prctl(PR_GET_SECCOMP) == 0, "no filter at first");
    check(syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0, "ERRNO is known");
    check(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "no_new_privs");
    check(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1, "is kept");
    check(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &badp) < 0 && errno == EINVAL, "bad program");

    check(child_status(SYS_getppid, SECCOMP_RET_ERRNO | 42) == 42 << 8, "an errno");
    check(WTERMSIG(child_status(SYS_getppid, SECCOMP_RET_KILL_PROCESS)) == SIGSYS, "killed");
    check(WTERMSIG(child_status(SYS_getppid, SECCOMP_RET_TRAP)) == SIGSYS, "a trap without handler");

    sigaction(SIGSYS, &sa, NULL);
    check(filter(SYS_getpgrp, SECCOMP_RET_TRAP | 7) == 0, "a trap with one");
    syscall(SYS_getpgrp);
    check(trapped_nr == SYS_getpgrp && trapped_data == 7, "its particulars");
    check(filter(SYS_getuid, SECCOMP_RET_ERRNO | 5) == 0, "a second filter");
    check(syscall(SYS_getuid) == -1 && errno == 5, "acts too");
    trapped_nr = 0;
    syscall(SYS_getpgrp);
    check(trapped_nr == SYS_getpgrp, "as does the first still");
    check(prctl(PR_GET_SECCOMP) == 2, "filter mode");

    fflush(stdout);
    if (!fork()) _exit(syscall(SYS_getuid) == -1 ? errno : 0);
    wait(&status);
    check(status == 5 << 8, "children inherit");
    return guest_end();
}
