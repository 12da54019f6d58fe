/* From a fork of the monitor to the guest's first process: descriptors, user, limits,
 * the kernel's mappings, and the jump. The kernel then drops what is left of the
 * monitor's memory and installs the filter before anything of the guest runs. */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef __GLIBC__
#include <sys/rseq.h>
#endif

#include "base/fd.h"
#include "hv/pv/pv.h"

struct pv_kernel *pv_kernel_of(struct hv_domain *d)
{
    static struct pv_kernel k;          /* one domain a process */
    return &k;
}

static int fix_descriptors(struct hv_domain *d)
{
    /* Out of the way first: what goes to 3 and 4 may lie there now. */
    int grant = fcntl(d->grant[0], F_DUPFD, 64), mem = fcntl(d->mem_fd, F_DUPFD, 64);
    int kernel = fcntl(d->kernel_fd, F_DUPFD, 64);

    if (grant < 0 || mem < 0 || kernel < 0)
        return -1;
    for (int i = 0; i < 3; i++)
        if (dup2(mem, i) < 0)
            return -1;
    if (dup2(grant, PV_FD_GRANT) < 0 || dup2(mem, PV_FD_MEM) < 0 ||
        dup2(kernel, PV_FD_FIRST) < 0)
        return -1;
    d->kernel_fd = PV_FD_FIRST;
    return (int)syscall(SYS_close_range, PV_FD_FIRST + 1, ~0u, 0);
}

/* Nothing of the host to name, should a call ever get through: no mounts that matter, no
 * interfaces, no host name. A host kernel built without a kind has nothing to hide. */
static int leave_namespaces(void)
{
    static const int kinds[] = { CLONE_NEWNS, CLONE_NEWNET, CLONE_NEWUTS };

    for (unsigned i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (unshare(kinds[i]) < 0 && errno != EINVAL)
            return -1;
    return 0;
}

static int drop_rights(const struct hv_conf *c)
{
    struct __user_cap_header_struct h = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct none[2] = { 0 };
    struct rlimit files = { PV_FD_MAX, PV_FD_MAX }, core = { 0, 0 }, tasks;

    if (setrlimit(RLIMIT_NOFILE, &files) < 0 && getrlimit(RLIMIT_NOFILE, &files) < 0)
        return -1;
    fd_make_room(PV_FD_GRANT, 2048);    /* all processes of the domain have one table */
    setrlimit(RLIMIT_CORE, &core);
    if (getrlimit(RLIMIT_NPROC, &tasks) == 0 && tasks.rlim_max > PV_TASKS_MAX)
        setrlimit(RLIMIT_NPROC, &(struct rlimit){ PV_TASKS_MAX, PV_TASKS_MAX });
    if (leave_namespaces() < 0 || hv_empty_root() < 0)
        return -1;
    if (hv_own_user(c) < 0)
        return -1;
    /* The bounding set may stay: it speaks of execve, which the filter has not got. */
    if (syscall(SYS_capset, &h, none) < 0)
        return -1;
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

/* Text and constants. A page of each is made private to the domain by writing what it
 * already holds: the host then copies the page table entries at a fork, and a new guest
 * process does not fault its way through the kernel. Where a policy forbids to run
 * text that was once writable, the mapping is left plain. */
static int map_text(int fd, const Elf64_Phdr *p)
{
    int prot = PROT_READ | (p->p_flags & PF_X ? PROT_EXEC : 0);
    int flags = MAP_PRIVATE | MAP_POPULATE;
    volatile char *last = (volatile char *)(p->p_vaddr + p->p_filesz - 1);

    if (mmap((void *)p->p_vaddr, p->p_filesz, PROT_READ, flags | MAP_FIXED_NOREPLACE, fd,
             (off_t)p->p_offset) == MAP_FAILED)
        return -1;
    if (mprotect((void *)p->p_vaddr, p->p_filesz, PROT_READ | PROT_WRITE) == 0) {
        *last = *last;
        if (mprotect((void *)p->p_vaddr, p->p_filesz, prot) == 0)
            return 0;
    }
    return mmap((void *)p->p_vaddr, p->p_filesz, prot, flags | MAP_FIXED, fd,
                (off_t)p->p_offset) == MAP_FAILED ? -1 : 0;
}

static int map_kernel(struct hv_domain *d)
{
    const struct pv_kernel *k = pv_kernel_of(d);

    for (unsigned i = 0; i < k->eh.e_phnum; i++) {
        const Elf64_Phdr *p = &k->ph[i];
        if (p->p_type != PT_LOAD || (p->p_flags & PF_W))
            continue;
        if (map_text(d->kernel_fd, p) < 0)
            return -1;
    }
    void *m = mmap((void *)PV_MEM_BASE, d->conf->mem_bytes, PROT_READ | PROT_WRITE,
                   MAP_SHARED | MAP_FIXED_NOREPLACE | MAP_NORESERVE, PV_FD_MEM, 0);
    if (m == MAP_FAILED)
        return -1;
    close(d->kernel_fd);
    return 0;
}

static void leave_libc(void)
{
#ifdef __GLIBC__
    /* The host would go on writing to our thread area, which is about to vanish. */
    syscall(SYS_rseq, (char *)__builtin_thread_pointer() + __rseq_offset, 32,
            RSEQ_FLAG_UNREGISTER, RSEQ_SIG);
#endif
    syscall(SYS_set_robust_list, NULL, 24);
}

static void enter(struct hv_domain *d)
{
    sigset_t none;

    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (fix_descriptors(d) < 0 || drop_rights(d->conf) < 0 || map_kernel(d) < 0)
        _exit(126);
    leave_libc();
    __asm__ volatile("jmp *%0" : : "r"(d->entry));
    __builtin_unreachable();
}

int pv_start(struct hv_domain *d, struct err *e)
{
    pid_t first = fork();

    if (first == 0)
        enter(d);
    if (first < 0)
        return err_sys(e, errno, "cannot start the first process");
    d->over_fd = (int)syscall(SYS_pidfd_open, first, 0);
    return d->over_fd < 0 ? err_sys(e, errno, "pidfd_open") : 0;
}
