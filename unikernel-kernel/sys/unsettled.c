/* Calls that a forked child may make on its parent's thread, before it settles (plat.h):
 * what children do between fork and exec or exit. Each is over at once, or sleeps in the
 * kernel, where the child settles anyway; none changes the address space or forks. */
#include "sys.h"

#include <asm/unistd.h>

static const bool stays[] = {
    /* who am I */
    [__NR_getpid] = true, [__NR_gettid] = true, [__NR_getppid] = true, [__NR_getuid] = true,
    [__NR_geteuid] = true, [__NR_getgid] = true, [__NR_getegid] = true,
    [__NR_getresuid] = true, [__NR_getresgid] = true, [__NR_getgroups] = true,
    [__NR_getpgrp] = true, [__NR_getpgid] = true, [__NR_getsid] = true, [__NR_uname] = true,
    [__NR_getcwd] = true, [__NR_getrandom] = true, [__NR_clock_gettime] = true,
    [__NR_gettimeofday] = true, [__NR_time] = true,
    /* who I shall be */
    [__NR_setpgid] = true, [__NR_setsid] = true, [__NR_setuid] = true, [__NR_setgid] = true,
    [__NR_setreuid] = true, [__NR_setregid] = true, [__NR_setresuid] = true,
    [__NR_setresgid] = true, [__NR_setgroups] = true, [__NR_setfsuid] = true,
    [__NR_setfsgid] = true, [__NR_capset] = true, [__NR_capget] = true, [__NR_prctl] = true,
    [__NR_prlimit64] = true, [__NR_getrlimit] = true, [__NR_setrlimit] = true,
    [__NR_setpriority] = true, [__NR_umask] = true, [__NR_chdir] = true, [__NR_fchdir] = true,
    [__NR_set_tid_address] = true, [__NR_set_robust_list] = true, [__NR_rseq] = true,
    [__NR_arch_prctl] = true,
    /* signals */
    [__NR_rt_sigaction] = true, [__NR_rt_sigprocmask] = true, [__NR_sigaltstack] = true,
    [__NR_rt_sigreturn] = true, [__NR_kill] = true, [__NR_tkill] = true, [__NR_tgkill] = true,
    /* descriptors */
    [__NR_close] = true, [__NR_close_range] = true, [__NR_dup] = true, [__NR_dup2] = true,
    [__NR_dup3] = true, [__NR_fcntl] = true, [__NR_pipe] = true, [__NR_pipe2] = true,
    [__NR_ioctl] = true, [__NR_open] = true, [__NR_openat] = true, [__NR_access] = true,
    [__NR_faccessat] = true, [__NR_faccessat2] = true, [__NR_stat] = true, [__NR_lstat] = true,
    [__NR_fstat] = true, [__NR_newfstatat] = true, [__NR_readlink] = true,
    [__NR_lseek] = true, [__NR_write] = true, [__NR_writev] = true,
    /* and away */
    [__NR_execve] = true, [__NR_execveat] = true, [__NR_exit] = true, [__NR_exit_group] = true,
};

bool syscall_stays_unsettled(u64 nr)
{
    return nr < ARRAY_SIZE(stays) && stays[nr];
}
