#include "hv/dev/jail.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/mount.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "hv/dev/log.h"

#ifndef AT_RECURSIVE
#define AT_RECURSIVE 0x8000
#endif

static int clone_tree(int dirfd, const char *path, unsigned flags)
{
    return (int)syscall(SYS_open_tree, dirfd, path,
                        OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | flags);
}

/* Replaces descriptor t->fd, keeping its number. */
static int detach_tree(struct jail_tree *t)
{
    struct mount_attr attr = { .attr_set = MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID };
    int fd = clone_tree(t->fd, "", AT_EMPTY_PATH | AT_RECURSIVE);

    if (fd < 0)
        return -errno;
    if (t->ro)
        attr.attr_set |= MOUNT_ATTR_RDONLY;
    /* A second wall: the server checks the same. Linux before 5.12 hasn't got it. */
    syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof(attr));
    if (dup3(fd, t->fd, O_CLOEXEC) < 0)
        return -errno;
    close(fd);
    return 0;
}

/* Tree 0 as the root directory: an absolute path then finds the container's own file. */
static int change_root(int root)
{
    return fchdir(root) < 0 || chroot(".") < 0 ? -errno : 0;
}

static int landlock_add(int rules, int fd, uint64_t access)
{
    struct landlock_path_beneath_attr a = { .parent_fd = fd, .allowed_access = access };
    const uint64_t for_files = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE;
    struct stat st;

    if (fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISDIR(st.st_mode))
        a.allowed_access &= for_files;
    return (int)syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &a, 0);
}

/* For processes that may not make mounts: opening and changing names is confined to the
 * trees. Version 2 is the first that lets a rename cross directories. */
static void landlock_trees(const struct jail_tree *t, unsigned n, int procfd)
{
    const uint64_t refer = 1ull << 13, reading = LANDLOCK_ACCESS_FS_READ_FILE |
                                                 LANDLOCK_ACCESS_FS_READ_DIR;
    struct landlock_ruleset_attr attr = { .handled_access_fs = (refer << 1) - 1 };
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    int rules;

    if (abi < 2)
        return;
    rules = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
    if (rules < 0)
        return;
    for (unsigned i = 0; i < n; i++)
        landlock_add(rules, t[i].fd, t[i].ro ? reading : attr.handled_access_fs);
    landlock_add(rules, procfd, reading);
    if (syscall(SYS_landlock_restrict_self, rules, 0) < 0)
        dlog("landlock: error %d", errno);
    close(rules);
}

int jail_enter_trees(struct jail_tree *t, unsigned n, struct err *e)
{
    bool detached = true;
    int procfd = clone_tree(AT_FDCWD, "/proc/self/fd", 0);

    if (procfd < 0) {
        detached = false;
        procfd = open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (procfd < 0)
            return err_sys(e, errno, "/proc/self/fd");
    }
    for (unsigned i = 0; i < n; i++)
        detached = detach_tree(&t[i]) == 0 && detached;
    if (detached)
        detached = change_root(t[0].fd) == 0;
    if (fchdir(procfd) < 0)
        return err_sys(e, errno, "/proc/self/fd");
    /* Landlock wants no new privileges to come. */
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return err_sys(e, errno, "no_new_privs");
    if (!detached)
        landlock_trees(t, n, procfd);
    close(procfd);
    return 0;
}

static int drop_capabilities(struct err *e)
{
    const uint32_t keep = 1u << CAP_CHOWN | 1u << CAP_DAC_OVERRIDE | 1u << CAP_FOWNER |
                          1u << CAP_FSETID | 1u << CAP_MKNOD | 1u << CAP_SETFCAP;
    struct __user_cap_header_struct h = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct d[2];

    if (syscall(SYS_capget, &h, d) < 0)
        return err_sys(e, errno, "reading capabilities");
    d[0].permitted &= keep;
    d[0].effective = d[0].permitted;
    d[0].inheritable = 0;
    d[1].permitted = d[1].effective = d[1].inheritable = 0;
    if (syscall(SYS_capset, &h, d) < 0)
        return err_sys(e, errno, "dropping capabilities");
    return 0;
}

/* Under a sanitizer the filter stays off: its runtime makes calls of its own. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
static int install_filter(struct err *e)
{
    return 0;
}

static int forbid_supervising(void)
{
    return 0;
}
#else
static struct sock_filter filter[] = {
#include "dev_filter.inc"
};

static int install_filter(struct err *e)
{
    struct sock_fprog prog = { sizeof(filter) / sizeof(filter[0]), filter };

    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) < 0)
        return err_sys(e, errno, "system call filter");
    return 0;
}

/* On top of that one, which has looked at the architecture: no processes (threads only),
 * no waiting for them, no change of what the process is. */
static int forbid_supervising(void)
{
    enum { KILL = 7, ALLOW = 8 };
#define TO(target, here) ((target) - (here) - 1)
    static struct sock_filter deny[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_wait4, TO(KILL, 1), 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_prctl, TO(KILL, 2), 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_seccomp, TO(KILL, 3), 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, TO(ALLOW, 4)),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CLONE_THREAD, TO(ALLOW, 6), 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
#undef TO
    struct sock_fprog prog = { sizeof(deny) / sizeof(deny[0]), deny };

    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) < 0 ? -errno : 0;
}
#endif

/* Supervisor and workers have one descriptor table, and a table that is shared waits 10 to
 * 20 ms in the host's kernel each time that it grows: it grows now, while it is not. */
static void make_room(int descriptors)
{
    int last = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, descriptors - 1);

    if (last >= 0)
        close(last);
}

int jail_lock(struct err *e)
{
    const struct rlimit none = { 0, 0 };
    struct rlimit files;
    int rc;

    /* A descriptor a file that the guest knows: as many as we may have. */
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    make_room(4096);
    setrlimit(RLIMIT_CORE, &none);
    rc = drop_capabilities(e);
    if (rc < 0)
        return rc;
    /* Dumpable, so that its workers may reach files by its /proc/PID/fd: that is what the
     * working directory is. It parses nothing and knows nothing. */
    prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
    return install_filter(e);
}

int jail_worker(void)
{
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    return forbid_supervising();
}
