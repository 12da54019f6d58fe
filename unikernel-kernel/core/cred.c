/* Credentials: user and group ids, capabilities (capabilities(7), credentials(7)). */
#include <linux/capability.h>
#include <linux/securebits.h>
#include <linux/stat.h>
#include "cred.h"
#include "proc.h"

#define CAP_ALL ((1ull << (CAP_LAST_CAP + 1)) - 1)
#define CAP_BIT(c) (1ull << (c))
/* Those that follow the file system user id. */
#define CAP_FS_SET (CAP_BIT(CAP_CHOWN) | CAP_BIT(CAP_MKNOD) | CAP_BIT(CAP_DAC_OVERRIDE) | \
                    CAP_BIT(CAP_DAC_READ_SEARCH) | CAP_BIT(CAP_FOWNER) | CAP_BIT(CAP_FSETID) | \
                    CAP_BIT(CAP_LINUX_IMMUTABLE) | CAP_BIT(CAP_MAC_OVERRIDE))

/* Guards the pointers task->cred against readers from other tasks. */
static struct spinlock cred_lock;

struct cred *cred_dup(const struct cred *c)
{
    struct cred *n = kmalloc(sizeof *n);

    if (!n) return NULL;
    *n = *c;
    ref_init(&n->ref);
    if (c->ngroups) {
        n->groups = kmalloc(c->ngroups * sizeof *n->groups);
        if (!n->groups) {
            kfree(n);
            return NULL;
        }
        memcpy(n->groups, c->groups, c->ngroups * sizeof *n->groups);
    }
    return n;
}

void cred_get(const struct cred *c)
{
    ref_get(&((struct cred *)(uintptr_t)c)->ref);
}

void cred_put(const struct cred *c)
{
    struct cred *m = (struct cred *)(uintptr_t)c;

    if (!ref_put(&m->ref)) return;
    kfree(m->groups);
    kfree(m);
}

void cred_commit(struct cred *c)
{
    struct task *t = current();
    struct cred *old = t->cred;

    if (old && (old->euid != c->euid || old->egid != c->egid || old->fsuid != c->fsuid ||
                old->fsgid != c->fsgid || (c->cap_perm & ~old->cap_perm))) {
        t->dumpable = false;
        t->pdeath_sig = 0;
    }
    spin_lock(&cred_lock);
    t->cred = c;
    spin_unlock(&cred_lock);
    if (old) cred_put(old);
}

struct cred *task_cred_get(struct task *t)
{
    struct cred *c;

    spin_lock(&cred_lock);
    c = t->cred;
    cred_get(c);
    spin_unlock(&cred_lock);
    return c;
}

bool cred_in_group(const struct cred *c, u32 gid)
{
    u32 lo = 0, hi = c->ngroups;

    if (c->fsgid == gid) return true;
    while (lo < hi) {
        u32 mid = (lo + hi) / 2;

        if (c->groups[mid] == gid) return true;
        if (c->groups[mid] < gid) lo = mid + 1;
        else hi = mid;
    }
    return false;
}

void cred_set_groups(struct cred *c, u32 *groups, u32 n)
{
    for (u32 gap = n / 2; gap > 0; gap /= 2) {          /* Shell's sort */
        for (u32 i = gap; i < n; i++) {
            u32 g = groups[i], j = i;

            for (; j >= gap && groups[j - gap] > g; j -= gap) groups[j] = groups[j - gap];
            groups[j] = g;
        }
    }
    kfree(c->groups);
    c->groups = groups;
    c->ngroups = n;
}

bool capable(int cap)
{
    return cred_capable(current()->cred, cap);
}

void cred_fix_setuid(const struct cred *old, struct cred *c)
{
    bool had_root = !old->uid || !old->euid || !old->suid;
    bool has_root = !c->uid || !c->euid || !c->suid;

    if (c->securebits & SECBIT_NO_SETUID_FIXUP) return;
    if (had_root && !has_root) {
        if (!(c->securebits & SECBIT_KEEP_CAPS)) c->cap_perm = c->cap_eff = 0;
        c->cap_amb = 0;
    }
    if (!old->euid && c->euid) c->cap_eff = 0;
    if (old->euid && !c->euid) c->cap_eff = c->cap_perm;
}

void cred_fix_setfsuid(const struct cred *old, struct cred *c)
{
    if (c->securebits & SECBIT_NO_SETUID_FIXUP) return;
    if (!old->fsuid && c->fsuid) c->cap_eff &= ~CAP_FS_SET;
    if (old->fsuid && !c->fsuid) c->cap_eff |= c->cap_perm & CAP_FS_SET;
}

/* -- exec -- */

struct file_caps { bool present, effective; u64 permitted, inheritable; };

/* The value of security.capability: revisions 1 to 3. One bound to another user
 * namespace's root (revision 3) does not count here. */
static void parse_file_caps(const void *v, size_t len, struct file_caps *fc)
{
    struct vfs_ns_cap_data d;
    u32 rev, words = 2;

    memset(&d, 0, sizeof d);
    if (!v || len < XATTR_CAPS_SZ_1 || len > sizeof d) return;
    memcpy(&d, v, len);
    rev = d.magic_etc & VFS_CAP_REVISION_MASK;
    if (rev == VFS_CAP_REVISION_1 && len == XATTR_CAPS_SZ_1) words = 1;
    else if (rev == VFS_CAP_REVISION_3 && len == XATTR_CAPS_SZ_3) {
        if (d.rootid != 0) return;
    } else if (rev != VFS_CAP_REVISION_2 || len != XATTR_CAPS_SZ_2) {
        return;
    }
    fc->present = true;
    fc->effective = d.magic_etc & VFS_CAP_FLAGS_EFFECTIVE;
    for (u32 i = 0; i < words; i++) {
        fc->permitted |= (u64)d.data[i].permitted << (32 * i);
        fc->inheritable |= (u64)d.data[i].inheritable << (32 * i);
    }
    fc->permitted &= CAP_ALL;
    fc->inheritable &= CAP_ALL;
}

static bool cred_same(const struct cred *a, const struct cred *b)
{
    return a->euid == b->euid && a->suid == b->suid && a->fsuid == b->fsuid &&
           a->egid == b->egid && a->sgid == b->sgid && a->fsgid == b->fsgid &&
           a->cap_eff == b->cap_eff && a->cap_perm == b->cap_perm &&
           a->cap_amb == b->cap_amb && a->securebits == b->securebits;
}

/* capabilities(7), "Transformation of capabilities during execve()". */
static void exec_caps(struct cred *n, const struct cred *c, const struct file_caps *fc,
                      bool nnp, bool *secure_r)
{
    bool effective = fc->present && fc->effective, setid;
    bool root_ids = !(n->securebits & SECBIT_NOROOT) && !(fc->present && n->uid && !n->euid);

    n->cap_perm = fc->present ? (n->cap_bset & fc->permitted) | (n->cap_inh & fc->inheritable) : 0;
    if (root_ids && (!n->uid || !n->euid)) {
        n->cap_perm = n->cap_bset | n->cap_inh;
        if (!n->euid) effective = true;
    }
    setid = n->euid != n->uid || n->egid != n->gid;
    if (nnp && (setid || (n->cap_perm & ~c->cap_perm))) {
        n->euid = n->uid;
        n->egid = n->gid;
        n->cap_perm &= c->cap_perm;
    }
    n->suid = n->fsuid = n->euid;
    n->sgid = n->fsgid = n->egid;
    if (fc->present || setid) n->cap_amb = 0;
    n->cap_perm |= n->cap_amb;
    n->cap_eff = effective ? n->cap_perm : n->cap_amb;
    n->securebits &= ~(u32)SECBIT_KEEP_CAPS;
    *secure_r = setid || (n->uid && (effective || (n->cap_perm & ~n->cap_amb)));
}

bool cred_may_exec(const struct cred *c, const void *fcaps, size_t n)
{
    struct file_caps fc = { 0 };

    parse_file_caps(n ? fcaps : NULL, n, &fc);
    return !fc.effective || !(fc.permitted & ~(c->cap_bset | (c->cap_inh & fc.inheritable)));
}

struct cred *cred_for_exec(const struct cred *c, u32 mode, u32 uid, u32 gid,
                           const void *fcaps, size_t fcaps_len, bool nnp, bool *secure_r)
{
    struct file_caps fc = { 0 };
    struct cred *n = cred_dup(c);

    if (!n) return NULL;
    if (!nnp) {
        if (mode & S_ISUID) n->euid = uid;
        if ((mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP)) n->egid = gid;
    }
    parse_file_caps(fcaps, fcaps_len, &fc);
    exec_caps(n, c, &fc, nnp, secure_r);
    if (!cred_same(n, c)) return n;
    cred_put(n);
    cred_get(c);
    return (struct cred *)(uintptr_t)c;
}
