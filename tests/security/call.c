/* One host call from inside the kernel's text, and what came of it.
 *   call nr N PATH PID    number N with arguments that would do something
 *   call bad I            case I of the table: an allowed call, forbidden arguments
 *   call harmless I       case I: passes the filter, must do no harm
 *   call list KIND        the names, one a line
 * "RETURNED r" means that the host has executed it; a domain that reports signal 31 in
 * the kernel means that it has not. */
#include "hostile.h"

#include <asm/prctl.h>
#include <linux/futex.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>

#define PAGE 4096ull
#define AT_HINT 0x5000000000ull
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#define RECV (MSG_DONTWAIT | MSG_CMSG_CLOEXEC)

struct host_case { const char *name; u64 nr, arg[6]; };

static char page[2 * 4096] __attribute__((aligned(4096)));
static uint32_t word;

#define CASE(name, call, ...) { name, SYS_##call, { __VA_ARGS__ } }
static const struct host_case bad[] = {
    CASE("mmap without MAP_FIXED", mmap, AT_HINT, PAGE, 3, ANON, ~0u),
    CASE("mmap at 0 without MAP_FIXED", mmap, 0, PAGE, 3, ANON, ~0u),
    CASE("mmap over kernel text", mmap, PV_TEXT_BASE, PAGE, 7, ANON | MAP_FIXED, ~0u),
    CASE("mmap over kernel data", mmap, PV_MEM_BASE, PAGE, 3, ANON | MAP_FIXED, ~0u),
    CASE("mmap of the domain over kernel text", mmap, PV_TEXT_BASE, PAGE, 7,
         MAP_SHARED | MAP_FIXED, PV_FD_MEM),
    CASE("mmap of memory behind kernel text", mmap, PV_TEXT_BASE + PV_TEXT_MAX - PAGE, PAGE, 7,
         ANON | MAP_FIXED, ~0u),
    CASE("mmap in front of the kernel", mmap, PV_TEXT_BASE - PAGE, PAGE, 7, ANON | MAP_FIXED,
         ~0u),
    CASE("mmap that reaches into the kernel", mmap, PV_USER_TOP - PAGE,
         PV_TEXT_BASE - PV_USER_TOP + 2 * PAGE, 3, ANON | MAP_FIXED, ~0u),
    CASE("mmap with anonymous memory in the windows", mmap, PV_WIN_BASE, PAGE, 3,
         ANON | MAP_FIXED, ~0u),
    CASE("mmap with MAP_GROWSDOWN", mmap, AT_HINT, PAGE, 3, ANON | MAP_FIXED | MAP_GROWSDOWN,
         ~0u),
    CASE("mmap with MAP_HUGETLB", mmap, AT_HINT, 2 << 20, 3, ANON | MAP_FIXED | MAP_HUGETLB,
         ~0u),
    CASE("mmap with MAP_LOCKED", mmap, AT_HINT, PAGE, 3, ANON | MAP_FIXED | MAP_LOCKED, ~0u),
    CASE("mmap with MAP_32BIT", mmap, 0, PAGE, 3, ANON | MAP_FIXED | MAP_32BIT, ~0u),
    CASE("mmap with MAP_SYNC", mmap, AT_HINT, PAGE, 3, MAP_FIXED | 0x80000 | 3, PV_FD_MEM),
    CASE("mmap of descriptor 0", mmap, AT_HINT, PAGE, 3, MAP_SHARED | MAP_FIXED, 0),
    CASE("mmap of descriptor 3", mmap, AT_HINT, PAGE, 3, MAP_SHARED | MAP_FIXED, 3),
    CASE("munmap of the kernel", munmap, PV_TEXT_BASE, PAGE),
    CASE("munmap of kernel data", munmap, PV_MEM_BASE, PAGE),
    CASE("munmap of all", munmap, 0, ~0ull & ~(PAGE - 1)),
    CASE("munmap across the kernel", munmap, PV_USER_TOP - PAGE, 0x3000000000ull),
    CASE("mprotect of kernel text", mprotect, PV_TEXT_BASE, PAGE, 7),
    CASE("mprotect of kernel data", mprotect, PV_MEM_BASE, PAGE, 7),
    CASE("mprotect that reaches the kernel", mprotect, PV_USER_TOP - PAGE, PV_LEN_MAX + PAGE, 7),
    CASE("mremap of kernel text", mremap, PV_TEXT_BASE, PAGE, PAGE, 3, AT_HINT),
    CASE("mremap of kernel data away", mremap, PV_MEM_BASE, PAGE, PAGE, 3, AT_HINT),
    CASE("mremap onto kernel text", mremap, AT_HINT, PAGE, PAGE, 3, PV_TEXT_BASE),
    CASE("mremap to behind kernel text", mremap, AT_HINT, PAGE, PAGE, 3, PV_TEXT_BASE + 0x800000),
    CASE("mremap from above onto the kernel", mremap, PV_KERNEL_END + PAGE, PAGE, PAGE, 3,
         PV_TEXT_BASE),
    CASE("mremap growing into the kernel", mremap, PV_USER_TOP - PAGE, PAGE, PV_LEN_MAX + PAGE, 0,
         0),
    CASE("mremap with MREMAP_DONTUNMAP", mremap, AT_HINT, PAGE, PAGE, 5, 0),
    CASE("madvise MADV_HWPOISON", madvise, (u64)page, PAGE, 100),
    CASE("madvise MADV_SOFT_OFFLINE", madvise, (u64)page, PAGE, 101),
    CASE("madvise MADV_MERGEABLE", madvise, (u64)page, PAGE, 12),
    CASE("madvise MADV_DOFORK", madvise, (u64)page, PAGE, 11),
    CASE("madvise MADV_COLLAPSE", madvise, (u64)page, PAGE, 25),
    CASE("madvise of 64 bits", madvise, (u64)page, PAGE, 1ull << 32 | 4),
    CASE("clone with CLONE_NEWUSER", clone, PV_CLONE_PROCESS | CLONE_NEWUSER),
    CASE("clone with CLONE_NEWPID", clone, PV_CLONE_PROCESS | CLONE_NEWPID),
    CASE("clone with CLONE_UNTRACED", clone, PV_CLONE_PROCESS | CLONE_UNTRACED),
    CASE("clone with CLONE_VM alone", clone, CLONE_VM | SIGCHLD),
    CASE("clone with CLONE_VFORK", clone, CLONE_VM | CLONE_VFORK | SIGCHLD),
    CASE("clone as fork", clone, SIGCHLD),
    CASE("clone with another signal", clone, (PV_CLONE_PROCESS & ~0xffull) | SIGKILL),
    CASE("clone without CLONE_PARENT", clone, PV_CLONE_PROCESS & ~(u64)CLONE_PARENT),
    CASE("clone with CLONE_PTRACE", clone, PV_CLONE_THREAD | CLONE_PTRACE),
    CASE("clone with CLONE_PIDFD", clone, PV_CLONE_PROCESS | CLONE_PIDFD, 0, (u64)&word),
    CASE("clone with 64 bits of flags", clone, 1ull << 32 | PV_CLONE_PROCESS),
    CASE("futex FUTEX_FD", futex, (u64)&word, 2, 1),
    CASE("futex FUTEX_REQUEUE", futex, (u64)&word, FUTEX_REQUEUE, 1, 1, (u64)page),
    CASE("futex FUTEX_CMP_REQUEUE", futex, (u64)&word, FUTEX_CMP_REQUEUE, 1, 1, (u64)page),
    CASE("futex FUTEX_WAKE_OP", futex, (u64)&word, FUTEX_WAKE_OP, 1, 1, (u64)page),
    CASE("futex FUTEX_LOCK_PI", futex, (u64)&word, FUTEX_LOCK_PI),
    CASE("futex FUTEX_TRYLOCK_PI", futex, (u64)&word, FUTEX_TRYLOCK_PI),
    CASE("futex FUTEX_WAIT_REQUEUE_PI", futex, (u64)&word, FUTEX_WAIT_REQUEUE_PI, 0, 0, (u64)page),
    CASE("futex of an unknown kind", futex, (u64)&word, 0x7f),
    CASE("arch_prctl ARCH_CET", arch_prctl, 0x5001),
    CASE("arch_prctl ARCH_GET_GS", arch_prctl, ARCH_GET_GS, (u64)page),
    CASE("arch_prctl ARCH_SET_CPUID", arch_prctl, 0x1012, 0),
    CASE("arch_prctl ARCH_REQ_XCOMP_PERM", arch_prctl, 0x1023, 18),
    CASE("arch_prctl ARCH_MAP_VDSO_64", arch_prctl, 0x2003, AT_HINT),
    CASE("arch_prctl of 64 bits", arch_prctl, 1ull << 32 | ARCH_SET_FS),
    CASE("pread64 of 0", pread64, 0, (u64)page, 16, 0),
    CASE("pread64 of the domain's memory", pread64, PV_FD_MEM, (u64)page, 16, 0),
    CASE("pwrite64 of 1", pwrite64, 1, (u64)page, 16, 0),
    CASE("pwrite64 of the domain's memory", pwrite64, PV_FD_MEM, (u64)page, 16, 0),
    CASE("pwrite64 of 64-bit descriptor 4", pwrite64, 1ull << 32 | PV_FD_MEM, (u64)page, 16,
         1ull << 40),
    CASE("pread64 of 64-bit descriptor 3", pread64, 1ull << 63 | 3, (u64)page, 16, 0),
    CASE("pwrite64 of a negative descriptor", pwrite64, ~0ull, (u64)page, 16, 0),
    CASE("fstat of 0", fstat, 0, (u64)page),
    CASE("fstat of the domain's memory", fstat, PV_FD_MEM, (u64)page),
    CASE("close of the domain's memory", close, PV_FD_MEM),
    CASE("close of the grant socket", close, PV_FD_GRANT),
    CASE("close of 64-bit descriptor 3", close, 1ull << 32 | PV_FD_GRANT),
    CASE("close of 0", close, 0),
    CASE("mmap of 64-bit descriptor 0", mmap, AT_HINT, PAGE, 3, MAP_SHARED | MAP_FIXED, 1ull << 32),
    CASE("recvmsg of 4", recvmsg, PV_FD_MEM, (u64)page, RECV),
    CASE("recvmsg of 5", recvmsg, 5, (u64)page, RECV),
    CASE("recvmsg that waits", recvmsg, PV_FD_GRANT, (u64)page, MSG_CMSG_CLOEXEC),
    CASE("recvmsg with MSG_PEEK", recvmsg, PV_FD_GRANT, (u64)page, RECV | MSG_PEEK),
    CASE("recvmsg with MSG_ERRQUEUE", recvmsg, PV_FD_GRANT, (u64)page, RECV | MSG_ERRQUEUE),
    CASE("tgkill of the monitor with SIGKILL", tgkill, 1, 1, SIGKILL),
    CASE("tgkill of the monitor with SIGSTOP", tgkill, 1, 1, SIGSTOP),
    CASE("tgkill of the driver domain with SIGKILL", tgkill, 2, 2, SIGKILL),
    CASE("tgkill of the driver domain with SIGTERM", tgkill, 2, 2, SIGTERM),
    CASE("tgkill with 64 bits of signal", tgkill, 2, 2, 1ull << 32 | SIGKILL),
    CASE("tgkill with signal 64", tgkill, 1, 1, 64),
};

/* What the filter lets through and the host then refuses or ignores. */
static struct { uint64_t z[32]; } hdr;
static const struct host_case harmless[] = {
    CASE("tgkill of the monitor with PV_SIG_KICK", tgkill, 1, 1, PV_SIG_KICK),
    CASE("tgkill of the driver domain with PV_SIG_KICK", tgkill, 2, 2, PV_SIG_KICK),
    CASE("tgkill of the whole namespace", tgkill, ~0ull, ~0ull, PV_SIG_KICK),
    CASE("mmap of page 0", mmap, 0, PAGE, 3, ANON | MAP_FIXED, ~0u),
    CASE("mmap beyond the address space", mmap, 0xfffffffffffff000ull, PAGE, 3, ANON | MAP_FIXED,
         ~0u),
    CASE("mmap wrapping around", mmap, PV_KERNEL_END, 0 - PV_KERNEL_END + PV_TEXT_BASE, 3,
         ANON | MAP_FIXED, ~0u),
    CASE("munmap wrapping around", munmap, PV_KERNEL_END, 0 - PV_KERNEL_END + PV_MEM_BASE),
    CASE("mprotect wrapping around", mprotect, PV_KERNEL_END, 0 - PV_KERNEL_END + PV_MEM_BASE, 7),
    CASE("mmap of the domain far beyond its end", mmap, AT_HINT, PAGE, 3, MAP_SHARED | MAP_FIXED,
         PV_FD_MEM, 1ull << 46),
    CASE("madvise of kernel text", madvise, PV_TEXT_BASE, PAGE, MADV_DONTNEED),
    CASE("madvise of kernel text, populated for writing", madvise, PV_TEXT_BASE, PAGE, 23),
    CASE("madvise MADV_REMOVE of kernel text", madvise, PV_TEXT_BASE, PAGE, MADV_REMOVE),
    CASE("recvmsg into kernel addresses of the host", recvmsg, PV_FD_GRANT, 0xffff888000000000ull,
         RECV),
    CASE("recvmsg with nothing to receive", recvmsg, PV_FD_GRANT, (u64)&hdr, RECV),
    CASE("arch_prctl ARCH_SET_FS to the host kernel", arch_prctl, ARCH_SET_FS,
         0xffff888000000000ull),
    CASE("close of a descriptor that is none", close, 0x7fffffff),
    CASE("pwrite64 beyond the table", pwrite64, 0x7fffffff, (u64)page, 16, 0),
    CASE("clock_gettime of the monitor's CPU time", clock_gettime, (u64)(~1ull << 3 | 2),
         (u64)page),
    CASE("sigaltstack in the host kernel", sigaltstack, 0xffff888000000000ull, 0),
    CASE("futex in the host kernel", futex, 0xffff888000000000ull, FUTEX_WAIT, 0),
    CASE("thread with its tid in the host kernel", clone, PV_CLONE_PROCESS, 0, 0,
         0xffff888000000000ull),
};

static int list(const struct host_case *c, size_t n)
{
    for (size_t i = 0; i < n; i++)
        printf("%s\n", c[i].name);
    return 0;
}

static int one(const struct host_case *c)
{
    memset(page, 'x', sizeof page);
    memset(page, 0, 256);
    mmap((void *)AT_HINT, PAGE, PROT_READ | PROT_WRITE, ANON | MAP_FIXED | MAP_POPULATE, -1, 0);
    raw(SYS_mmap, AT_HINT, PAGE, 3, ANON | MAP_FIXED | MAP_POPULATE, ~0u, 0);
    long r = raw(c->nr, c->arg[0], c->arg[1], c->arg[2], c->arg[3], c->arg[4], c->arg[5]);
    if (c->nr == SYS_clone && r == 0)
        raw(SYS_exit, 0, 0, 0, 0, 0, 0);
    say("RETURNED %ld", r);
    return 0;
}

/* Arguments with which the call would be felt: files made below `path`, `pid` killed. */
static int number(u64 nr, const char *path, u64 pid)
{
    static char *argv[] = { NULL, NULL };
    u64 p = (u64)path, rw = O_CREAT | O_RDWR;
    struct host_case c = { "", nr, { p, rw, 0666, 0, 0, 0 } };

    argv[0] = (char *)p;
    switch (nr & 0xffff) {
    case SYS_kill: case SYS_tkill: case SYS_pidfd_open:
        c = (struct host_case){ "", nr, { pid, SIGKILL } };
        break;
    case SYS_tgkill: case SYS_rt_tgsigqueueinfo:
        c = (struct host_case){ "", nr, { pid, pid, SIGKILL } };
        break;
    case SYS_ptrace:
        c = (struct host_case){ "", nr, { PTRACE_ATTACH, pid } };
        break;
    case SYS_socket: case SYS_socketpair:
        c = (struct host_case){ "", nr, { AF_INET, SOCK_STREAM, 0, (u64)page } };
        break;
    case SYS_execve:
        c = (struct host_case){ "", nr, { (u64)"/bin/true", (u64)argv, (u64)(argv + 1) } };
        break;
    case SYS_unshare: case SYS_setns:
        c = (struct host_case){ "", nr, { CLONE_NEWUSER, CLONE_NEWUSER } };
        break;
    case SYS_openat: case SYS_openat2: case SYS_mkdirat: case SYS_mknodat: case SYS_unlinkat:
    case SYS_open_tree: case SYS_fchmodat: case SYS_fchownat: case SYS_execveat:
        c = (struct host_case){ "", nr, { (u64)AT_FDCWD, p, rw, 0666 } };
        break;
    }
    return one(&c);
}

int main(int argc, char **argv)
{
    size_t i = argc > 2 ? strtoul(argv[2], NULL, 0) : 0;

    if (argc < 3)
        return 2;
    bool is_bad = strcmp(argv[1], "bad") == 0 || strcmp(argv[2], "bad") == 0;
    const struct host_case *t = is_bad ? bad : harmless;
    size_t n = is_bad ? sizeof bad / sizeof *bad : sizeof harmless / sizeof *harmless;
    if (strcmp(argv[1], "list") == 0)
        return list(t, n);
    find_gadget();
    if (strcmp(argv[1], "nr") == 0)
        return number(i, argv[3], strtoul(argv[4], NULL, 0));
    return i < n ? one(&t[i]) : 2;
}
