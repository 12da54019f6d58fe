/* arch_prctl, gettid, set_tid_address, raw clone flags. */
#include "say.h"
#include <sched.h>
#include <sys/syscall.h>
#include <sys/mman.h>
#include <asm/prctl.h>
#include <linux/futex.h>

static int shared, ctid;
static int fn(void *a) { shared++; return 17; }
static int sleeper(void *a) { nap(30); shared = 9; return 3; }

int main(void)
{
    char *stack = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    unsigned long fs = 0, fs2 = 0;
    int ptid = 0;
    pid_t p;

    say("ARCH_GET_FS", syscall(SYS_arch_prctl, ARCH_GET_FS, &fs));
    __asm__("mov %%fs:0, %0" : "=r"(fs2));
    yes("it is the self pointer", fs == fs2);
    say("ARCH_SET_FS bad", syscall(SYS_arch_prctl, ARCH_SET_FS, 1ul << 63));
    say("unknown", syscall(SYS_arch_prctl, 0x9999, 0));
    yes("gettid", syscall(SYS_gettid) == getpid());
    yes("set_tid_address", syscall(SYS_set_tid_address, &ctid) == getpid());
    p = clone(fn, stack + 65536, SIGCHLD, NULL);
    say_wait("clone as fork", p);
    note("shared %d", shared);
    p = clone(fn, stack + 65536, CLONE_VM | CLONE_VFORK | SIGCHLD, NULL);
    note("shared %d", shared);
    say_wait("CLONE_VM|CLONE_VFORK", p);
    p = clone(fn, stack + 65536, CLONE_VFORK | SIGCHLD, NULL);
    say_wait("CLONE_VFORK", p);
    p = clone(fn, stack + 65536, CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | SIGCHLD, NULL, &ptid, NULL, &ctid);
    yes("parent's tid", ptid == p);
    waitpid(p, NULL, 0);
    /* A thread by hand. */
    shared = 0;
    ctid = 1;
    int t = clone(sleeper, stack + 65536, CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
                  CLONE_SYSVSEM | CLONE_CHILD_CLEARTID | CLONE_CHILD_SETTID | CLONE_PARENT_SETTID, NULL, &ptid, NULL, &ctid);
    yes("thread", t > 0 && ptid == t);
    while (__atomic_load_n(&ctid, __ATOMIC_SEQ_CST)) syscall(SYS_futex, &ctid, FUTEX_WAIT, t, NULL, NULL, 0);
    note("cleared, shared %d", shared);
    say("SIGHAND without VM", syscall(SYS_clone, CLONE_SIGHAND | SIGCHLD, 0, 0, 0, 0));
    say("THREAD without SIGHAND", syscall(SYS_clone, CLONE_THREAD | CLONE_VM, 0, 0, 0, 0));
    say("FS and NEWNS", syscall(SYS_clone, CLONE_FS | CLONE_NEWNS, 0, 0, 0, 0));
    p = clone(fn, stack + 65536, 0, NULL);
    int st;
    say("no exit signal: wait", waitpid(p, &st, WNOHANG) == -1 ? -1 : 0);
    say("with __WALL", waitpid(p, &st, __WALL) == p ? WEXITSTATUS(st) : -1);
    /* CLONE_FILES and CLONE_FS */
    p = syscall(SYS_clone, CLONE_FILES | CLONE_FS | SIGCHLD, 0, 0, 0, 0);
    if (!p) { dup2(1, 33); chdir("/"); umask(0123); _exit(0); }
    waitpid(p, NULL, 0);
    char cwd[100];
    note("fd %d cwd %s umask %o", fcntl(33, F_GETFD), getcwd(cwd, 100), umask(022));
    say("clone3 bad size", syscall(SYS_clone3, cwd, 8));
    struct { uint64_t flags, pidfd, ctid, ptid, exit, stack, size, tls; } a = { .exit = SIGCHLD };
    p = syscall(SYS_clone3, &a, sizeof a);
    if (!p) _exit(21);
    say_wait("clone3", p);
    return 0;
}
