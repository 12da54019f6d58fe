/* Tables of tasks and processes, their numbers and their counted references. */
#include "mm.h"
#include "proc.h"
#include "vfs.h"

enum { TID_MAX = 32768, TID_RESERVED = 300, KTHREAD_TID = 0x40000000 };

struct mutex procs_lock;
struct list procs_all = LIST_INIT(procs_all);
struct proc *init_proc;

/* What a number means. holds: process groups and sessions that carry it. */
struct tid_slot { struct task *task; u32 holds; };
static struct tid_slot tid_slots[TID_MAX];
static struct spinlock tid_lock;
static int tid_last;
static u32 tid_count;

static struct spinlock dead_lock;
static struct list dead_tasks = LIST_INIT(dead_tasks);

struct proc kthread_proc = {
    .threads = LIST_INIT(kthread_proc.threads), .children = LIST_INIT(kthread_proc.children),
    .sibling = LIST_INIT(kthread_proc.sibling), .all_link = LIST_INIT(kthread_proc.all_link),
    .child_wq = { .head = LIST_INIT(kthread_proc.child_wq.head) },
    .exit_wq = { .head = LIST_INIT(kthread_proc.exit_wq.head) }, .ref = { 1 },
};
static struct task *kthreads[8];

/* -- numbers -- */

static bool tid_is_free(int tid)
{
    return !tid_slots[tid].task && !tid_slots[tid].holds;
}

static int tid_pick(void)
{
    for (int n = 0; n < TID_MAX; n++) {
        if (++tid_last >= TID_MAX) tid_last = TID_RESERVED;
        if (tid_is_free(tid_last)) return tid_last;
    }
    return -EAGAIN;
}

int tid_alloc(struct task *t, int want)
{
    int tid = -EINVAL;

    spin_lock(&tid_lock);
    if (!want) tid = tid_pick();
    else if (want > 0 && want < TID_MAX) tid = tid_is_free(want) ? want : -EEXIST;
    if (tid > 0) {
        tid_slots[tid].task = t;
        tid_count++;
        t->tid = tid;
        if (tid > tid_last && want == 1) tid_last = tid;
    }
    spin_unlock(&tid_lock);
    return tid;
}

void tid_free(int tid)
{
    spin_lock(&tid_lock);
    tid_slots[tid].task = NULL;
    tid_count--;
    spin_unlock(&tid_lock);
}

void tid_move(struct task *t, int tid)
{
    spin_lock(&tid_lock);
    tid_slots[t->tid].task = NULL;
    tid_count--;
    tid_slots[tid].task = t;
    t->tid = tid;
    spin_unlock(&tid_lock);
}

void pid_hold(int pid)
{
    spin_lock(&tid_lock);
    tid_slots[pid].holds++;
    spin_unlock(&tid_lock);
}

void pid_unhold(int pid)
{
    spin_lock(&tid_lock);
    assert(tid_slots[pid].holds > 0);
    tid_slots[pid].holds--;
    spin_unlock(&tid_lock);
}

struct task *task_peek(int tid)
{
    if (tid > 0 && tid < TID_MAX) return READ_ONCE(tid_slots[tid].task);
    if (tid >= KTHREAD_TID && tid < KTHREAD_TID + (int)ARRAY_SIZE(kthreads))
        return READ_ONCE(kthreads[tid - KTHREAD_TID]);
    return NULL;
}

int task_count(void) { return (int)READ_ONCE(tid_count); }

struct task *task_find_get(int tid)
{
    struct task *t;

    if (tid <= 0 || tid >= TID_MAX) return NULL;
    spin_lock(&tid_lock);
    t = tid_slots[tid].task;
    if (t) ref_get(&t->ref);
    spin_unlock(&tid_lock);
    return t;
}

struct proc *proc_find_get(int pid)
{
    struct task *t = task_find_get(pid);
    struct proc *p;

    if (!t) return NULL;
    p = t->proc;
    ref_get(&p->ref);
    task_put(t);
    return p;
}

/* -- life -- */

void task_init(struct task *t)
{
    list_init(&t->proc_link);
    list_init(&t->hash_link);
    ref_init(&t->ref);
    sigpending_init(&t->pending);
    waitq_init(&t->vfork_wq);
    t->dumpable = true;
    t->timer_slack = 50000;
    t->altstack_flags = 2;      /* SS_DISABLE */
}

struct task *task_new(void)
{
    struct task *t;

    task_reap_dead();
    t = plat_task_alloc();
    if (t) task_init(t);
    return t;
}

struct proc *proc_new(void)
{
    struct proc *p = kzalloc(sizeof *p);

    if (!p) return NULL;
    ref_init(&p->ref);
    list_init(&p->children);
    list_init(&p->sibling);
    list_init(&p->all_link);
    list_init(&p->threads);
    list_init(&p->sem_undos);
    sigpending_init(&p->pending);
    waitq_init(&p->child_wq);
    waitq_init(&p->exit_wq);
    return p;
}

static void task_free(struct task *t)
{
    if (t->sighand) {
        spin_lock(&t->sighand->lock);
        sigpending_flush(&t->pending, ~0ull);
        spin_unlock(&t->sighand->lock);
        sighand_put(t->sighand);
    }
    if (t->cred) cred_put(t->cred);
    seccomp_put(t->seccomp);
    kfree(t->poll_scratch);
    if (t->proc) proc_put(t->proc);
    plat_task_free(t);
}

void task_put(struct task *t)
{
    if (!ref_put(&t->ref)) return;
    if (t != current() && !plat_task_alive(t)) {
        task_free(t);
        return;
    }
    /* It still runs the last instructions of its exit, on its kernel stack. */
    spin_lock(&dead_lock);
    list_add_tail(&dead_tasks, &t->hash_link);
    spin_unlock(&dead_lock);
}

void tasks_check_alive(void)
{
    struct proc *p;
    struct task *t;

    mutex_lock(&procs_lock);
    list_for_each(p, &procs_all, all_link) {
        list_for_each(t, &p->threads, proc_link)
            if (plat_task_killed(t))
                panic("process %d (%s) was killed by the host", p->pid, t->comm);
    }
    mutex_unlock(&procs_lock);
}

void task_reap_dead(void)
{
    struct list ready = LIST_INIT(ready);
    struct task *t, *tmp;

    if (list_empty(&dead_tasks)) return;
    spin_lock(&dead_lock);
    list_for_each_safe(t, tmp, &dead_tasks, hash_link) {
        if (t == current() || plat_task_alive(t)) continue;
        list_del(&t->hash_link);
        list_add_tail(&ready, &t->hash_link);
    }
    spin_unlock(&dead_lock);
    list_for_each_safe(t, tmp, &ready, hash_link) {
        list_del(&t->hash_link);
        task_free(t);
    }
}

void proc_put(struct proc *p)
{
    if (p == &kthread_proc || !ref_put(&p->ref)) return;
    if (p->exe) file_put(p->exe);
    kfree(p->cmdline);
    kfree(p->environ);
    kfree(p);
}

struct task *kthread_start(const char *name, void (*fn)(void *arg), void *arg)
{
    struct task *t = task_new();
    unsigned slot = 0;

    if (!t) return NULL;
    while (slot < ARRAY_SIZE(kthreads) && kthreads[slot]) slot++;
    assert(slot < ARRAY_SIZE(kthreads));
    kthreads[slot] = t;
    t->tid = KTHREAD_TID + (int)slot;
    t->proc = &kthread_proc;
    t->cred = current()->cred;
    cred_get(t->cred);
    t->sighand = current()->sighand;
    ref_get(&t->sighand->ref);
    t->fs = current()->fs;
    if (t->fs) ref_get(&t->fs->ref);
    t->regs = plat_task_regs(t);
    t->regs->nr = NO_SYSCALL;
    t->blocked = ~0ull;
    strlcpy(t->comm, name, sizeof t->comm);
    if (plat_task_start(t, PLAT_KTHREAD, PLAT_KEEP_TLS, fn, arg) < 0) {
        kthreads[slot] = NULL;
        task_put(t);
        return NULL;
    }
    return t;
}
