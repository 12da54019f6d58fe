/* Sets of namespaces: making, sharing, joining. */
#include <linux/capability.h>
#include <linux/sched.h>
#include "ipc.h"
#include "ns.h"
#include "proc.h"
#include "vfs.h"

enum { FIRST_INO = 0xf0000100 };        /* past those that Linux gives the first ones */

#define OWN_NAMESPACES (CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID)
#define ALL_NAMESPACES (OWN_NAMESPACES | CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWCGROUP | \
                        CLONE_NEWTIME)

struct uts first_uts = { .ns = { { 1 }, NS_UTS, 0xeffffffe }, .nodename = "xenc",
                         .domainname = "(none)" };
static struct ns first[NS_KINDS] = {
    [NS_CGROUP] = { { 1 }, NS_CGROUP, 0xeffffffb }, [NS_IPC] = { { 1 }, NS_IPC, 0xefffffff },
    [NS_NET] = { { 1 }, NS_NET, 0xf0000001 }, [NS_PID] = { { 1 }, NS_PID, 0xeffffffc },
    [NS_TIME] = { { 1 }, NS_TIME, 0xeffffffa }, [NS_USER] = { { 1 }, NS_USER, 0xeffffffd },
};

static const struct { const char *name; u64 flag; } kinds[NS_KINDS] = {
    [NS_CGROUP] = { "cgroup", CLONE_NEWCGROUP }, [NS_IPC] = { "ipc", CLONE_NEWIPC },
    [NS_MNT] = { "mnt", CLONE_NEWNS }, [NS_NET] = { "net", CLONE_NEWNET },
    [NS_PID] = { "pid", CLONE_NEWPID }, [NS_TIME] = { "time", CLONE_NEWTIME },
    [NS_USER] = { "user", CLONE_NEWUSER }, [NS_UTS] = { "uts", CLONE_NEWUTS },
};

const char *ns_name(enum ns_kind k) { return kinds[k].name; }
u64 ns_clone_flag(enum ns_kind k) { return kinds[k].flag; }

u32 ns_new_ino(void)
{
    static u32 last = FIRST_INO;

    return __atomic_add_fetch(&last, 1, __ATOMIC_RELAXED);
}

void ns_put(struct ns *n)
{
    if (!n || !ref_put(&n->ref)) return;
    if (n->kind == NS_MNT) {
        mntns_free(n);
        return;
    }
    if (n->kind == NS_PID) {
        pidns_free(n);
        return;
    }
    if (n->kind == NS_IPC) ipc_ns_end(n->ino);
    kfree(n);                   /* first in struct uts */
}

static struct ns *pid_ns_of(struct pid_ns *p) { return p ? &p->ns : &first[NS_PID]; }

/* -- sets -- */

struct uts *current_uts(void)
{
    const struct nsset *s = current()->ns;

    return s ? s->uts : &first_uts;
}

u32 current_ipc_ns(void)
{
    const struct nsset *s = current()->ns;

    return s ? s->ipc->ino : first[NS_IPC].ino;
}

struct nsset *nsset_get(struct nsset *s)
{
    if (s) ref_get(&s->ref);
    return s;
}

void nsset_put(struct nsset *s)
{
    if (!s || !ref_put(&s->ref)) return;
    if (s->uts) ns_put(&s->uts->ns);
    ns_put(s->ipc);
    pidns_put(s->pid);
    kfree(s);
}

static struct uts *uts_copy(struct uts *o)
{
    struct uts *u = kzalloc(sizeof *u);

    if (!u) return NULL;
    u->ns = (struct ns){ { 1 }, NS_UTS, ns_new_ino() };
    spin_lock(&o->lock);
    memcpy(u->nodename, o->nodename, sizeof u->nodename);
    memcpy(u->domainname, o->domainname, sizeof u->domainname);
    spin_unlock(&o->lock);
    return u;
}

static struct ns *ipc_new(void)
{
    struct ns *n = kzalloc(sizeof *n);

    if (n) *n = (struct ns){ { 1 }, NS_IPC, ns_new_ino() };
    return n;
}

int nsset_new(struct nsset *of, u64 flags, struct nsset **s_r)
{
    struct nsset *s = kzalloc(sizeof *s);
    struct uts *uts = of ? of->uts : &first_uts;
    struct ns *ipc = of ? of->ipc : &first[NS_IPC];
    int r = 0;

    if (!s) return -ENOMEM;
    ref_init(&s->ref);
    s->pid = of ? of->pid : NULL;
    if (flags & CLONE_NEWPID) s->pid = pidns_new(s->pid, &r);
    else pidns_get(s->pid);
    if (flags & CLONE_NEWUTS) {
        s->uts = uts_copy(uts);
    } else {
        ns_get(&uts->ns);
        s->uts = uts;
    }
    if (flags & CLONE_NEWIPC) {
        s->ipc = ipc_new();
    } else {
        ns_get(ipc);
        s->ipc = ipc;
    }
    if (!s->uts || !s->ipc) r = -ENOMEM;
    if (r) nsset_put(s);
    else *s_r = s;
    return r;
}


struct ns *task_ns_get(struct task *t, enum ns_kind k)
{
    struct nsset *s;
    struct fsctx *fs;
    struct ns *n;

    if (k == NS_MNT) {
        fs = task_fs_get(t);
        n = fs ? fsctx_mntns_get(fs) : NULL;
        fsctx_put(fs);
        return n;
    }
    if (k == NS_PID) {
        n = pid_ns_of(t->proc->pidns);
        ns_get(n);
        return n;
    }
    s = task_nsset_get(t);
    if (k == NS_PID_FOR_CHILDREN) {
        struct pid_ns *p = s ? s->pid : NULL;

        n = p && !READ_ONCE(p->init) ? NULL : pid_ns_of(p);
        if (n) ns_get(n);
        nsset_put(s);
        return n;
    }
    n = k == NS_UTS ? s ? &s->uts->ns : &first_uts.ns : k == NS_IPC && s ? s->ipc : &first[k];
    ns_get(n);
    nsset_put(s);
    return n;
}

struct ns *ns_first(enum ns_kind k)
{
    ns_get(&first[k]);
    return &first[k];
}

int ns_pid_parent(struct ns *n, struct ns **up_r)
{
    struct pid_ns *up, *own = current()->proc->pidns;

    if (n == &first[NS_PID]) return -EPERM;
    up = container_of(n, struct pid_ns, ns)->parent;
    if (!pidns_within(up, own)) return -EPERM;
    *up_r = pid_ns_of(up);
    ns_get(*up_r);
    return 0;
}

/* -- unshare and setns -- */

int ns_check_flags(u64 flags)
{
    if (!(flags & ALL_NAMESPACES)) return 0;
    if (!capable(CAP_SYS_ADMIN) || (flags & CLONE_NEWUSER)) return -EPERM;
    return (flags & ALL_NAMESPACES & ~(u64)OWN_NAMESPACES) ? -EINVAL : 0;
}

int ns_unshare(u64 flags)
{
    struct nsset *s;
    int r = ns_check_flags(flags);

    if (!r && (flags & CLONE_NEWPID) && pidns_for_children(current()) != current()->proc->pidns)
        r = -EINVAL;
    if (!r && (flags & CLONE_NEWNS)) r = fsctx_unshare_mounts(current()->fs);
    if (r || !(flags & (CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID))) return r;
    r = nsset_new(current()->ns, flags, &s);
    if (!r) nsset_put(task_obj_swap(&current()->ns, s));
    return r;
}

static int enter_set(struct ns *n)
{
    struct nsset *s;
    struct ns *old;
    int r = nsset_new(current()->ns, 0, &s);

    if (r < 0) return r;
    if (n != &first[NS_PID]) ns_get(n);
    if (n->kind == NS_UTS) {
        old = &s->uts->ns;
        s->uts = container_of(n, struct uts, ns);
    } else if (n->kind == NS_IPC) {
        old = s->ipc;
        s->ipc = n;
    } else {
        old = s->pid ? &s->pid->ns : NULL;      /* the first one is not counted */
        s->pid = n == &first[NS_PID] ? NULL : container_of(n, struct pid_ns, ns);
    }
    ns_put(old);
    nsset_put(task_obj_swap(&current()->ns, s));
    return 0;
}

/* Children may be born deeper inside, never further out. */
static bool pid_enterable(struct ns *n)
{
    const struct pid_ns *own = current()->proc->pidns;

    if (n == &first[NS_PID]) return !own;
    return pidns_within(container_of(n, struct pid_ns, ns), own);
}

int ns_enter(struct ns *n)
{
    if (n->kind == NS_USER) return -EINVAL;     /* its own */
    if (!capable(CAP_SYS_ADMIN)) return -EPERM;
    if (n->kind == NS_MNT) return capable(CAP_SYS_CHROOT) ? fsctx_enter(current()->fs, n) : -EPERM;
    if (n->kind == NS_PID && !pid_enterable(n)) return -EINVAL;
    if (!(kinds[n->kind].flag & OWN_NAMESPACES)) return 0;      /* there is one */
    return enter_set(n);
}

int ns_enter_task(struct task *t, u64 flags)
{
    int r = 0;

    if (!flags || (flags & ~(u64)ALL_NAMESPACES)) return -EINVAL;
    for (enum ns_kind k = 0; k < NS_KINDS && !r; k++) {
        struct ns *n;

        if (!(flags & kinds[k].flag)) continue;
        n = task_ns_get(t, k);
        r = n ? ns_enter(n) : -ESRCH;
        ns_put(n);
    }
    return r;
}
