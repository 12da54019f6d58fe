/* Pid namespaces: making one, and its end with its first process. */
#include <asm/siginfo.h>
#include <linux/wait.h>
#include "mm.h"
#include "proc.h"
#include "sigq.h"

enum { NUMBERS = 32768 };

struct pid_ns *pidns_new(struct pid_ns *parent, int *err_r)
{
    u32 level = parent ? parent->level + 1 : 1;
    struct pid_ns *n;

    *err_r = -ENOSPC;
    if (level > PID_LEVELS_MAX) return NULL;
    *err_r = -ENOMEM;
    n = kzalloc(sizeof *n);
    if (!n) return NULL;
    n->ids = kzalloc(NUMBERS * sizeof n->ids[0]);
    if (!n->ids) {
        kfree(n);
        return NULL;
    }
    n->ns = (struct ns){ { 1 }, NS_PID, ns_new_ino() };
    pidns_get(parent);
    n->parent = parent;
    n->level = level;
    waitq_init(&n->end_wq);
    *err_r = 0;
    return n;
}

void pidns_free(struct ns *ns)
{
    struct pid_ns *n = container_of(ns, struct pid_ns, ns);

    pidns_put(n->parent);
    kfree(n->ids);
    kfree(n);
}

bool pidns_within(const struct pid_ns *inner, const struct pid_ns *outer)
{
    if (!outer) return true;
    while (inner && inner->level > outer->level) inner = inner->parent;
    return inner == outer;
}

struct pid_ns *pidns_for_children(const struct task *t)
{
    return t->ns ? t->ns->pid : NULL;
}

bool pidns_ending(const struct pid_ns *ns)
{
    for (; ns; ns = ns->parent)
        if (READ_ONCE(ns->ending)) return true;
    return false;
}

void pidns_join(struct proc *p)
{
    if (!p->pidns || pid_nr_in(p->pidns, p->pid) != 1) return;
    p->is_init = true;
    p->pidns->init = p;
}

void pidns_leave(struct proc *p)
{
    if (!p->pidns || p->pidns->init != p) return;
    p->pidns->init = NULL;
    p->pidns->ending = true;
}

/* procs_lock held. */
static void kill_others(const struct pid_ns *ns, const struct proc *init)
{
    struct proc *p;

    list_for_each(p, &procs_all, all_link)
        if (p != init && pidns_within(p->pidns, ns)) proc_kill(p, SIGKILL);
}

/* Zombies among init's children: with SIGCHLD ignored those that die from now on leave none. */
static void reap(struct proc *init)
{
    struct proc *c, *tmp;

    list_for_each_safe(c, tmp, &init->children, sibling)
        if (c->zombie) proc_release(c);
}

void pidns_end(struct proc *init)
{
    struct pid_ns *ns = init->pidns;
    struct task *t = current();
    u32 own = t == init->leader ? 1 : 2;        /* a dead leader keeps its number */
    struct waiter gone, died;   /* of any; a child, whose parent must reap it */

    waiter_init(&gone);
    waiter_init(&died);
    waitq_add(&ns->end_wq, &gone);
    waitq_add(&init->child_wq, &died);
    mutex_lock(&procs_lock);
    spin_lock(&t->sighand->lock);
    t->sighand->action[SIGCHLD - 1].handler = HANDLER_IGN;
    spin_unlock(&t->sighand->lock);
    WRITE_ONCE(ns->ending, true);
    kill_others(ns, init);
    for (;;) {
        reap(init);
        if (READ_ONCE(ns->ntasks) <= own) break;
        mutex_unlock(&procs_lock);
        task_sleep(WAIT_FOREVER, false);
        mutex_lock(&procs_lock);
    }
    mutex_unlock(&procs_lock);
    waitq_remove(&init->child_wq, &died);
    waitq_remove(&ns->end_wq, &gone);
}
