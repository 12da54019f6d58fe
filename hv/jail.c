/* The monitor gives up what it needed to make the domain (docs/SECURITY.md). */
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "hv/domain.h"

#define JAIL_ID_BASE  0x6f000000u       /* users that no host gives to anybody */

static uid_t jail_id(const char *id)
{
    unsigned h = 2166136261u;

    for (; *id; id++)
        h = (h ^ (unsigned char)*id) * 16777619u;
    return JAIL_ID_BASE + (h & 0xffffff);
}

int hv_own_user(const struct hv_conf *c)
{
    uid_t id = jail_id(c->id);

    if (!c->privileged)
        return 0;
    if (setgroups(0, NULL) < 0 || setresgid(id, id, id) < 0)
        return -1;
    return setresuid(id, id, id);
}

/* Held by the guest's first process and the driver domain, as far as they need them. */
static void close_passed(const struct hv_domain *d)
{
    close(d->grant[0]);
    close(d->grant[1]);
    close(d->mem_fd);
    close(d->kernel_fd);
    close(d->conf->record_fd);
    close(d->conf->root_fd);
    for (unsigned i = 0; i < d->conf->nshares; i++)
        close(d->conf->share[i].fd);
}

int hv_jail_rights(struct hv_domain *d, struct err *e)
{
    struct __user_cap_header_struct h = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct none[2] = { 0 };
    const struct rlimit no = { 0, 0 };

    close_passed(d);
    setrlimit(RLIMIT_CORE, &no);
    if (hv_empty_root() < 0)
        return err_sys(e, errno, "the monitor's root directory");
    if (d->backend->threads && hv_own_user(d->conf) < 0)
        return err_sys(e, errno, "the monitor's user");
    if (syscall(SYS_capset, &h, none) < 0)
        return err_sys(e, errno, "the monitor's capabilities");
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return err_sys(e, errno, "no_new_privs");
    return 0;
}

int hv_empty_root(void)
{
    return chdir("/proc/self/fdinfo") < 0 ? -1 : chroot(".");
}

/* A sanitizer's runtime makes calls of its own. */
#ifdef XENC_SANITIZED
int hv_jail_calls(struct err *e)
{
    return 0;
}
#else
int hv_jail_calls(struct err *e)
{
    static struct sock_filter filter[] = {
#include "hv_filter.inc"
    };
    struct sock_fprog prog = { sizeof(filter) / sizeof(filter[0]), filter };

    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) != 0)
        return err_sys(e, errno, "the monitor's system call filter");
    return 0;
}
#endif
