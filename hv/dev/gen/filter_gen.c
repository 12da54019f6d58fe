/* Prints the driver domain's system call filter. */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>
#include <fcntl.h>

#include "hv/gen/emit.h"

#define FUTEX_WAITV_NR 449

/* Calls without conditions. Files are reached by descriptor and single name. */
static const int plain[] = {
    /* waiting and threads */
    SCMP_SYS(futex), FUTEX_WAITV_NR, SCMP_SYS(poll), SCMP_SYS(restart_syscall),
    SCMP_SYS(clock_gettime), SCMP_SYS(set_robust_list), SCMP_SYS(rseq),
    SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn),
    SCMP_SYS(sched_getaffinity), SCMP_SYS(gettid), SCMP_SYS(exit), SCMP_SYS(exit_group),
    /* memory of malloc */
    SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise),
    /* entropy, console, log, grants */
    SCMP_SYS(getrandom), SCMP_SYS(readv), SCMP_SYS(writev), SCMP_SYS(write), SCMP_SYS(read),
    SCMP_SYS(sendmsg), SCMP_SYS(splice), SCMP_SYS(pwritev2),
    /* files */
    SCMP_SYS(openat), SCMP_SYS(close), SCMP_SYS(newfstatat), SCMP_SYS(fstat),
    SCMP_SYS(fstatfs), SCMP_SYS(lseek), SCMP_SYS(getdents64), SCMP_SYS(preadv),
    SCMP_SYS(pwritev), SCMP_SYS(fsync), SCMP_SYS(fdatasync), SCMP_SYS(ftruncate),
    SCMP_SYS(fallocate), SCMP_SYS(copy_file_range), SCMP_SYS(readlinkat),
    SCMP_SYS(symlinkat), SCMP_SYS(mknodat), SCMP_SYS(mkdirat), SCMP_SYS(unlinkat),
    SCMP_SYS(renameat2), SCMP_SYS(renameat), SCMP_SYS(linkat), SCMP_SYS(fchownat),
    SCMP_SYS(fchmod), SCMP_SYS(fchmodat), SCMP_SYS(utimensat), SCMP_SYS(getxattr),
    SCMP_SYS(setxattr), SCMP_SYS(listxattr), SCMP_SYS(removexattr),
    /* what others change in them */
    SCMP_SYS(inotify_init1), SCMP_SYS(inotify_add_watch), SCMP_SYS(inotify_rm_watch),
    SCMP_SYS(flock),
    SCMP_SYS(flock), SCMP_SYS(syncfs),
};

/* The supervisor's besides, and what a worker does before its own filter forbids them. */
static const int supervising[] = {
    SCMP_SYS(wait4), SCMP_SYS(getpid), SCMP_SYS(getppid), SCMP_SYS(seccomp),
};
static const uint64_t worker_flags = CLONE_FILES | SIGCHLD;
static const int own_name[] = { PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_NAME };

/* What pthread_create passes: a thread, never a process. */
static const uint64_t thread_flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SYSVSEM |
    CLONE_SIGHAND | CLONE_THREAD | CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID;

static void add_rules(scmp_filter_ctx c)
{
    allow(c, plain, sizeof(plain) / sizeof(plain[0]));
    allow(c, supervising, sizeof(supervising) / sizeof(supervising[0]));
    must(seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
                          SCMP_A0(SCMP_CMP_EQ, worker_flags)));
    for (unsigned i = 0; i < sizeof(own_name) / sizeof(own_name[0]); i++)
        must(seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1,
                              SCMP_A0(SCMP_CMP_EQ, (uint64_t)own_name[i])));
    must(seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
                          SCMP_A0(SCMP_CMP_EQ, thread_flags)));
    must(seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
                          SCMP_A0(SCMP_CMP_EQ, thread_flags | CLONE_DETACHED)));
    /* Its arguments can't be checked; glibc then takes clone. */
    must(seccomp_rule_add(c, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0));
    must(seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 2,
                          SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0),
                          SCMP_A3(SCMP_CMP_MASKED_EQ, MAP_ANONYMOUS, MAP_ANONYMOUS)));
    must(seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
                          SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)));
    must(seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
                          SCMP_A1(SCMP_CMP_EQ, TIOCGWINSZ)));
    must(seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
                          SCMP_A1(SCMP_CMP_EQ, FIONREAD)));
    must(seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1,
                          SCMP_A1(SCMP_CMP_EQ, F_DUPFD_CLOEXEC)));
    must(seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1,
                          SCMP_A1(SCMP_CMP_EQ, F_OFD_SETLK)));
    must(seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1,
                          SCMP_A1(SCMP_CMP_EQ, F_OFD_GETLK)));
    /* The hottest first. */
    must(seccomp_syscall_priority(c, SCMP_SYS(futex), 255));
    must(seccomp_syscall_priority(c, FUTEX_WAITV_NR, 255));
    must(seccomp_syscall_priority(c, SCMP_SYS(newfstatat), 250));
    must(seccomp_syscall_priority(c, SCMP_SYS(openat), 250));
    must(seccomp_syscall_priority(c, SCMP_SYS(preadv), 240));
    must(seccomp_syscall_priority(c, SCMP_SYS(close), 240));
}

int main(void)
{
    scmp_filter_ctx c = seccomp_init(SCMP_ACT_KILL_PROCESS);

    if (!c)
        return 1;
    add_rules(c);
    return emit(c);
}
