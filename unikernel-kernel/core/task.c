/* Tables of tasks and processes and their counted references; numbers are pid.c's. */
#include "mm.h"
#include "proc.h"
#include "ptrace.h"
#include "vfs.h"

struct mutex procs_lock;
struct list procs_all = LIST_INIT(procs_all);
struct proc *init_proc;

struct task *kthreads[KTHREADS_MAX];

static struct spinlock dead_lock;
static struct list dead_tasks = LIST_INIT(dead_tasks);

struct proc kthread_proc = {
    .threads = LIST_INIT(kthread_proc.threads), .children = LIST_INIT(kthread_proc.children),
    .tracees = LIST_INIT(kthread_proc.tracees), .ended = LIST_INIT(kthread_proc.ended),
    .sibling = LIST_INIT(kthread_proc.sibling), .all_link = LIST_INIT(kthread_proc.all_link),
    .child_wq = { .head = LIST_INIT(kthread_proc.child_wq.head) },
    .exit_wq = { .head = LIST_INIT(kthread_proc.exit_wq.head) }, .ref = { 1 },
};
/* -- life -- */

void task_init(struct task *t)
{
    list_init(&t->proc_link);
    list_init(&t->hash_link);
    list_init(&t->errands);
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
    list_init(&p->tracees);
    list_init(&p->ended);
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
    ptrace_free(t);
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
    pidns_put(p->pidns);
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
