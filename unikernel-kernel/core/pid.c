/* The numbers of tasks, groups and sessions: what is taken, and what it means. */
#include "mm.h"
#include "proc.h"

enum { TID_MAX = 32768, TID_RESERVED = 300 };

/* The numbers that an id has in namespaces below the first one: nr[k] at level k + 1. */
struct pidnums { struct pid_ns *ns; int nr[]; };

/* What an id means. holds: process groups and sessions that carry it. nums: NULL in the
 * first namespace; they go when the id is free again. */
struct tid_slot { struct task *task; u32 holds; struct pidnums *nums; };
static struct tid_slot tid_slots[TID_MAX] SPARSE;
static struct spinlock tid_lock;
static int tid_last;
static u32 tid_count;

/* -- taking; tid_lock held -- */

static bool tid_is_free(int tid)
{
    return !tid_slots[tid].task && !tid_slots[tid].holds;
}

static int tid_pick(int want)
{
    if (want) return want < 0 || want >= TID_MAX ? -EINVAL : tid_is_free(want) ? want : -EEXIST;
    for (int n = 0; n < TID_MAX; n++) {
        if (++tid_last >= TID_MAX) tid_last = TID_RESERVED;
        if (tid_is_free(tid_last)) return tid_last;
    }
    return -EAGAIN;
}

static int nr_pick(struct pid_ns *ns, int want)
{
    int last = ns->last;

    if (ns->ending) return -ENOMEM;
    if (want && (want < 0 || want >= TID_MAX || (!ns->init && want != 1))) return -EINVAL;
    if (want) return ns->ids[want] ? -EEXIST : want;
    for (int n = 0; n < TID_MAX; n++) {
        if (++last >= TID_MAX) last = TID_RESERVED;
        if (!ns->ids[last]) return last;
    }
    return -EAGAIN;
}

static void nums_drop(struct pidnums *p, const struct pid_ns *below)
{
    for (struct pid_ns *n = p->ns; n; n = n->parent)
        if (!below || n->level > below->level) n->ids[p->nr[n->level - 1]] = 0;
}

/* Takes a number in each of p's namespaces. On an error none is taken. */
static int nums_take(struct pidnums *p, int id, const int *want, u32 n_want)
{
    u32 k = 0;

    for (struct pid_ns *n = p->ns; n; n = n->parent, k++) {
        int nr = nr_pick(n, k < n_want ? want[k] : 0);

        if (nr < 0) {
            nums_drop(p, n);
            return nr;
        }
        p->nr[n->level - 1] = nr;
        n->ids[nr] = (u16)id;
        if (k >= n_want) n->last = (u16)nr;
    }
    return 0;
}

static struct pidnums *nums_new(struct pid_ns *ns)
{
    struct pidnums *p = kmalloc(sizeof *p + ns->level * sizeof p->nr[0]);

    if (!p) return NULL;
    pidns_get(ns);
    p->ns = ns;
    return p;
}

static void nums_free(struct pidnums *p)
{
    if (!p) return;
    pidns_put(p->ns);
    kfree(p);
}

/* The numbers of a slot that nobody uses any more, for the caller to free. */
static struct pidnums *slot_leave(struct tid_slot *s)
{
    struct pidnums *p = s->nums;

    if (!p || s->task || s->holds) return NULL;
    nums_drop(p, NULL);
    s->nums = NULL;
    return p;
}

/* The last others of a namespace are gone: its first process waits for that. */
static void count_down(const struct pidnums *p)
{
    for (struct pid_ns *n = p ? p->ns : NULL; n; n = n->parent) {
        n->ntasks--;
        if (n->ending) waitq_wake_all(&n->end_wq, 0);
    }
}

int tid_alloc(struct task *t, struct pid_ns *ns, const int *want, u32 n)
{
    struct pidnums *nums = NULL;
    u32 level = ns ? ns->level : 0;
    int tid;

    if (n > level + 1) return -EINVAL;
    if (ns && !(nums = nums_new(ns))) return -ENOMEM;
    spin_lock(&tid_lock);
    tid = tid_pick(n > level ? want[level] : 0);
    int r = tid > 0 && nums ? nums_take(nums, tid, want, min(n, level)) : tid;
    if (r >= 0) {
        tid_slots[tid].task = t;
        tid_slots[tid].nums = nums;
        tid_count++;
        t->tid = tid;
        if (tid == 1) tid_last = tid;
        for (; ns; ns = ns->parent) ns->ntasks++;
    }
    spin_unlock(&tid_lock);
    if (r >= 0) return 0;
    nums_free(nums);
    return r;
}

void tid_free(int tid)
{
    struct pidnums *gone;

    spin_lock(&tid_lock);
    tid_slots[tid].task = NULL;
    tid_count--;
    count_down(tid_slots[tid].nums);
    gone = slot_leave(&tid_slots[tid]);
    spin_unlock(&tid_lock);
    nums_free(gone);
}

void tid_move(struct task *t, int tid)
{
    struct pidnums *gone;

    spin_lock(&tid_lock);
    tid_slots[t->tid].task = NULL;
    tid_count--;
    count_down(tid_slots[t->tid].nums);
    gone = slot_leave(&tid_slots[t->tid]);
    tid_slots[tid].task = t;
    t->tid = tid;
    spin_unlock(&tid_lock);
    nums_free(gone);
}

void pid_hold(int pid)
{
    spin_lock(&tid_lock);
    tid_slots[pid].holds++;
    spin_unlock(&tid_lock);
}

void pid_unhold(int pid)
{
    struct pidnums *gone;

    spin_lock(&tid_lock);
    assert(tid_slots[pid].holds > 0);
    tid_slots[pid].holds--;
    gone = slot_leave(&tid_slots[pid]);
    spin_unlock(&tid_lock);
    nums_free(gone);
}

/* -- looking up -- */

struct task *task_peek(int tid)
{
    if (tid > 0 && tid < TID_MAX) return READ_ONCE(tid_slots[tid].task);
    if (tid >= KTHREAD_TID && tid < KTHREAD_TID + KTHREADS_MAX)
        return READ_ONCE(kthreads[tid - KTHREAD_TID]);
    return NULL;
}

struct task *task_find_get(int nr) { return task_by_id(pid_id(nr)); }
struct proc *proc_find_get(int nr) { return proc_by_id(pid_id(nr)); }

int task_count(void) { return (int)READ_ONCE(tid_count); }

struct task *task_by_id(int tid)
{
    struct task *t;

    if (tid <= 0 || tid >= TID_MAX) return NULL;
    spin_lock(&tid_lock);
    t = tid_slots[tid].task;
    if (t) ref_get(&t->ref);
    spin_unlock(&tid_lock);
    return t;
}

struct proc *proc_by_id(int pid)
{
    struct task *t = task_by_id(pid);
    struct proc *p;

    if (!t) return NULL;
    p = t->proc;
    ref_get(&p->ref);
    task_put(t);
    return p;
}

int pid_nr_in(const struct pid_ns *ns, int id)
{
    const struct pidnums *p;
    int nr = 0;

    if (!ns) return id;
    if (id <= 0 || id >= TID_MAX) return 0;
    spin_lock(&tid_lock);
    p = tid_slots[id].nums;
    if (p && pidns_within(p->ns, ns)) nr = p->nr[ns->level - 1];
    spin_unlock(&tid_lock);
    return nr;
}

int pid_id_in(const struct pid_ns *ns, int nr)
{
    if (!ns) return nr;
    return nr > 0 && nr < TID_MAX ? READ_ONCE(ns->ids[nr]) : 0;
}

u32 pid_levels(int id, const struct pid_ns *from, int *nr_r, u32 max)
{
    const struct pidnums *p;
    u32 n = 0;

    if (!from && max) nr_r[n++] = id;
    if (id <= 0 || id >= TID_MAX) return n;
    spin_lock(&tid_lock);
    p = tid_slots[id].nums;
    if (p && pidns_within(p->ns, from))
        for (u32 k = from ? from->level : 1; k <= p->ns->level && n < max; k++)
            nr_r[n++] = p->nr[k - 1];
    spin_unlock(&tid_lock);
    return n;
}
