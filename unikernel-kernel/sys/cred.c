/* User and group ids, capabilities. The rules are those of credentials(7) and
 * capabilities(7); each call makes a changed copy and commits it. */
#include <linux/capability.h>
#include <linux/securebits.h>
#include "proc.h"
#include "sys.h"
#include "user.h"

#define CAP_ALL ((1ull << (CAP_LAST_CAP + 1)) - 1)
#define NO_ID (~0u)
enum { GROUPS_MAX = 65536 };

long sys_getuid(const u64 *a) { return current()->cred->uid; }
long sys_geteuid(const u64 *a) { return current()->cred->euid; }
long sys_getgid(const u64 *a) { return current()->cred->gid; }
long sys_getegid(const u64 *a) { return current()->cred->egid; }

static int put_ids(const u64 *a, u32 r, u32 e, u32 s)
{
    if (put_user(r, a[0]) < 0 || put_user(e, a[1]) < 0 || put_user(s, a[2]) < 0) return -EFAULT;
    return 0;
}

long sys_getresuid(const u64 *a)
{
    const struct cred *c = current()->cred;

    return put_ids(a, c->uid, c->euid, c->suid);
}

long sys_getresgid(const u64 *a)
{
    const struct cred *c = current()->cred;

    return put_ids(a, c->gid, c->egid, c->sgid);
}

/* Real, effective, saved, as wanted; NO_ID leaves one as it is. set_saved: setreuid's. */
static long set_uids(u32 r, u32 e, u32 s)
{
    const struct cred *old = current()->cred;
    struct cred *c = cred_dup(old);

    if (!c) return -ENOMEM;
    if (r != NO_ID) c->uid = r;
    if (e != NO_ID) c->euid = e;
    if (s != NO_ID) c->suid = s;
    c->fsuid = c->euid;
    cred_fix_setuid(old, c);
    cred_commit(c);
    return 0;
}

static long set_gids(u32 r, u32 e, u32 s)
{
    struct cred *c = cred_dup(current()->cred);

    if (!c) return -ENOMEM;
    if (r != NO_ID) c->gid = r;
    if (e != NO_ID) c->egid = e;
    if (s != NO_ID) c->sgid = s;
    c->fsgid = c->egid;
    cred_commit(c);
    return 0;
}

static bool one_of(u32 id, u32 x, u32 y, u32 z)
{
    return id == NO_ID || id == x || id == y || id == z;
}

long sys_setuid(const u64 *a)
{
    const struct cred *c = current()->cred;
    u32 id = (u32)a[0];

    if (id == NO_ID) return -EINVAL;
    if (capable(CAP_SETUID)) return set_uids(id, id, id);
    if (id != c->uid && id != c->suid) return -EPERM;
    return set_uids(NO_ID, id, NO_ID);
}

long sys_setgid(const u64 *a)
{
    const struct cred *c = current()->cred;
    u32 id = (u32)a[0];

    if (id == NO_ID) return -EINVAL;
    if (capable(CAP_SETGID)) return set_gids(id, id, id);
    if (id != c->gid && id != c->sgid) return -EPERM;
    return set_gids(NO_ID, id, NO_ID);
}

long sys_setreuid(const u64 *a)
{
    const struct cred *c = current()->cred;
    u32 r = (u32)a[0], e = (u32)a[1], s = NO_ID;

    if (!capable(CAP_SETUID) &&
        (!one_of(r, c->uid, c->euid, c->euid) || !one_of(e, c->uid, c->euid, c->suid)))
        return -EPERM;
    if (r != NO_ID || (e != NO_ID && e != c->uid)) s = e != NO_ID ? e : c->euid;
    return set_uids(r, e, s);
}

long sys_setregid(const u64 *a)
{
    const struct cred *c = current()->cred;
    u32 r = (u32)a[0], e = (u32)a[1], s = NO_ID;

    if (!capable(CAP_SETGID) &&
        (!one_of(r, c->gid, c->egid, c->egid) || !one_of(e, c->gid, c->egid, c->sgid)))
        return -EPERM;
    if (r != NO_ID || (e != NO_ID && e != c->gid)) s = e != NO_ID ? e : c->egid;
    return set_gids(r, e, s);
}

long sys_setresuid(const u64 *a)
{
    const struct cred *c = current()->cred;

    if (!capable(CAP_SETUID))
        for (int i = 0; i < 3; i++)
            if (!one_of((u32)a[i], c->uid, c->euid, c->suid)) return -EPERM;
    return set_uids((u32)a[0], (u32)a[1], (u32)a[2]);
}

long sys_setresgid(const u64 *a)
{
    const struct cred *c = current()->cred;

    if (!capable(CAP_SETGID))
        for (int i = 0; i < 3; i++)
            if (!one_of((u32)a[i], c->gid, c->egid, c->sgid)) return -EPERM;
    return set_gids((u32)a[0], (u32)a[1], (u32)a[2]);
}

/* Both return the id from before, whatever happened. */
long sys_setfsuid(const u64 *a)
{
    const struct cred *old = current()->cred;
    u32 id = (u32)a[0], before = old->fsuid;
    struct cred *c;

    if (id == NO_ID || id == before) return before;
    if (!capable(CAP_SETUID) && id != old->uid && id != old->euid && id != old->suid)
        return before;
    c = cred_dup(old);
    if (!c) return before;
    c->fsuid = id;
    cred_fix_setfsuid(old, c);
    cred_commit(c);
    return before;
}

long sys_setfsgid(const u64 *a)
{
    const struct cred *old = current()->cred;
    u32 id = (u32)a[0], before = old->fsgid;
    struct cred *c;

    if (id == NO_ID || id == before) return before;
    if (!capable(CAP_SETGID) && id != old->gid && id != old->egid && id != old->sgid)
        return before;
    c = cred_dup(old);
    if (!c) return before;
    c->fsgid = id;
    cred_commit(c);
    return before;
}

long sys_getgroups(const u64 *a)
{
    const struct cred *c = current()->cred;
    int size = (int)a[0];

    if (size < 0) return -EINVAL;
    if (!size) return c->ngroups;
    if ((u32)size < c->ngroups) return -EINVAL;
    if (copy_to_user(a[1], c->groups, c->ngroups * sizeof *c->groups) < 0) return -EFAULT;
    return c->ngroups;
}

long sys_setgroups(const u64 *a)
{
    u32 n = (u32)a[0], *groups = NULL;
    struct cred *c;

    if (!capable(CAP_SETGID)) return -EPERM;
    if (n > GROUPS_MAX) return -EINVAL;
    if (n) {
        groups = kmalloc(n * sizeof *groups);
        if (!groups) return -ENOMEM;
        if (copy_from_user(groups, a[1], n * sizeof *groups) < 0) {
            kfree(groups);
            return -EFAULT;
        }
    }
    c = cred_dup(current()->cred);
    if (!c) {
        kfree(groups);
        return -ENOMEM;
    }
    cred_set_groups(c, groups, n);
    cred_commit(c);
    return 0;
}

/* -- capabilities -- */

/* Words a side of the user's structure has, 0: unknown version (the kernel's is put). */
static int cap_words(uptr_t hdr, struct __user_cap_header_struct *h)
{
    if (copy_from_user(h, hdr, sizeof *h) < 0) return -EFAULT;
    switch (h->version) {
    case _LINUX_CAPABILITY_VERSION_1: return 1;
    case _LINUX_CAPABILITY_VERSION_2: case _LINUX_CAPABILITY_VERSION_3: return 2;
    }
    if (put_user((u32)_LINUX_CAPABILITY_VERSION_3, hdr) < 0) return -EFAULT;
    return 0;
}

long sys_capget(const u64 *a)
{
    struct __user_cap_header_struct h;
    struct __user_cap_data_struct d[2];
    int words = cap_words(a[0], &h);
    struct task *t;
    struct cred *c;

    if (words < 0) return words;
    if (!words) return a[1] ? -EINVAL : 0;
    if (h.pid < 0) return -EINVAL;
    if (!a[1]) return 0;
    t = h.pid ? task_find_get(h.pid) : task_by_id(current()->tid);
    if (!t) return -ESRCH;
    c = task_cred_get(t);
    task_put(t);
    for (int i = 0; i < 2; i++) {
        d[i].effective = (u32)(c->cap_eff >> (32 * i));
        d[i].permitted = (u32)(c->cap_perm >> (32 * i));
        d[i].inheritable = (u32)(c->cap_inh >> (32 * i));
    }
    cred_put(c);
    return copy_to_user(a[1], d, (size_t)words * sizeof d[0]);
}

static int capset_rules(const struct cred *old, const struct cred *n)
{
    if (!cred_capable(old, CAP_SETPCAP) && (n->cap_inh & ~(old->cap_inh | old->cap_perm)))
        return -EPERM;
    if (n->cap_inh & ~(old->cap_inh | old->cap_bset)) return -EPERM;
    if (n->cap_perm & ~old->cap_perm) return -EPERM;
    if (n->cap_eff & ~n->cap_perm) return -EPERM;
    return 0;
}

long sys_capset(const u64 *a)
{
    struct __user_cap_header_struct h;
    struct __user_cap_data_struct d[2] = { { 0 } };
    int words = cap_words(a[0], &h), r;
    struct cred *c;

    if (words < 0) return words;
    if (!words) return -EINVAL;
    if (h.pid && pid_id(h.pid) != current()->tid) return -EPERM;
    if (copy_from_user(d, a[1], (size_t)words * sizeof d[0]) < 0) return -EFAULT;
    c = cred_dup(current()->cred);
    if (!c) return -ENOMEM;
    c->cap_eff = ((u64)d[1].effective << 32 | d[0].effective) & CAP_ALL;
    c->cap_perm = ((u64)d[1].permitted << 32 | d[0].permitted) & CAP_ALL;
    c->cap_inh = ((u64)d[1].inheritable << 32 | d[0].inheritable) & CAP_ALL;
    r = capset_rules(current()->cred, c);
    if (r < 0) {
        cred_put(c);
        return r;
    }
    c->cap_amb &= c->cap_perm & c->cap_inh;
    cred_commit(c);
    return 0;
}
