/* System V semaphores: operations, waiting for them, and undoing (semop(2)). All of a
 * call's operations happen or none. */
#include <linux/sem.h>
#include "proc.h"
#include "sem_i.h"

/* One operation: 0, SEM_WAITING: not now, -ERANGE. */
static int apply(struct sem_set *s, const struct sembuf *op, struct sem_undo *undo)
{
    struct sem *sem = &s->sem[op->sem_num];
    int value = sem->value + op->sem_op;

    if (!op->sem_op) return sem->value ? SEM_WAITING : 0;
    if (value < 0) return SEM_WAITING;
    if (value > SEM_VALUE_MAX) return -ERANGE;
    if (op->sem_flg & SEM_UNDO) {
        int adjust = undo->adjust[op->sem_num] - op->sem_op;

        if (adjust < -SEM_VALUE_MAX - 1 || adjust > SEM_VALUE_MAX) return -ERANGE;
        undo->adjust[op->sem_num] = (int16_t)adjust;
    }
    sem->value = (u16)value;
    return 0;
}

static void revert(struct sem_set *s, const struct sembuf *op, struct sem_undo *undo)
{
    s->sem[op->sem_num].value = (u16)(s->sem[op->sem_num].value - op->sem_op);
    if (op->sem_op && (op->sem_flg & SEM_UNDO))
        undo->adjust[op->sem_num] = (int16_t)(undo->adjust[op->sem_num] + op->sem_op);
}

/* All of them: 0, SEM_WAITING, -EAGAIN or -ERANGE. */
static int try_all(struct sem_set *s, struct sem_wait *w)
{
    u32 k = 0;
    int r = 0;

    while (k < w->nops && !(r = apply(s, &w->ops[k], w->undo))) k++;
    if (!r) {
        for (k = 0; k < w->nops; k++) s->sem[w->ops[k].sem_num].pid = w->pid;
        s->otime = ipc_now();
        return 0;
    }
    if (r == SEM_WAITING) {
        w->held_by = w->ops[k].sem_num;
        w->for_zero = !w->ops[k].sem_op;
        if (w->ops[k].sem_flg & IPC_NOWAIT) r = -EAGAIN;
    }
    while (k-- > 0) revert(s, &w->ops[k], w->undo);
    return r;
}

static void finish(struct sem_wait *w, int result)
{
    struct task *t = w->task;

    list_del(&w->link);
    /* The last that is done with w, which goes when its task sees the result. The task
     * itself stays: it needs the lock that we hold to leave its call. */
    __atomic_store_n(&w->result, result, __ATOMIC_RELEASE);
    task_wake(t);
}

void sem_run_waiting(struct sem_set *s)
{
    struct sem_wait *w, *tmp;
    bool again = true;

    while (again) {
        again = false;
        list_for_each_safe(w, tmp, &s->waiting, link) {
            int r = try_all(s, w);

            if (r == SEM_WAITING) continue;
            finish(w, r);
            again = r == 0;
            if (again) break;           /* from the first on: values have changed */
        }
    }
}

void sem_end(struct sem_set *s)
{
    while (!list_empty(&s->waiting))
        finish(list_first(&s->waiting, struct sem_wait, link), -EIDRM);
    while (!list_empty(&s->undos)) {
        struct sem_undo *u = list_first(&s->undos, struct sem_undo, set_link);

        list_del(&u->set_link);
        list_del(&u->proc_link);
        kfree(u);
    }
}

/* The current process' record for s, made if need be; NULL: no memory. */
static struct sem_undo *undo_of(struct sem_set *s)
{
    struct proc *p = current()->proc;
    struct sem_undo *u;

    list_for_each(u, &p->sem_undos, proc_link)
        if (u->set == s) return u;
    u = kzalloc(sizeof *u + s->n * sizeof u->adjust[0]);
    if (!u) return NULL;
    u->set = s;
    list_add(&p->sem_undos, &u->proc_link);
    list_add(&s->undos, &u->set_link);
    return u;
}

static int check_ops(const struct sem_set *s, const struct sembuf *ops, u32 n, bool *undo_r)
{
    *undo_r = false;
    for (u32 k = 0; k < n; k++) {
        if (ops[k].sem_num >= s->n) return -EFBIG;
        if ((ops[k].sem_flg & SEM_UNDO) && ops[k].sem_op) *undo_r = true;
    }
    return 0;
}

static u32 rights(const struct sembuf *ops, u32 n)
{
    for (u32 k = 0; k < n; k++)
        if (ops[k].sem_op) return 0222;
    return 0444;
}

/* The lock is held before and after. A wake by anything else leaves the result as it is. */
static int wait_turn(struct sem_set *s, struct sem_wait *w, u64 deadline)
{
    int r = 0;

    list_add_tail(&s->waiting, &w->link);
    mutex_unlock(&sem_sets.lock);
    while (r == 0 && __atomic_load_n(&w->result, __ATOMIC_ACQUIRE) == SEM_WAITING)
        r = task_sleep(deadline, true);
    mutex_lock(&sem_sets.lock);
    if (w->result != SEM_WAITING) return w->result;
    list_del(&w->link);
    return r == -ETIMEDOUT ? -EAGAIN : -EINTR;
}

int sem_op(int id, const struct sembuf *ops, u32 n, u64 deadline)
{
    struct sem_wait w = { .task = current(), .ops = ops, .nops = n, .result = SEM_WAITING,
                          .pid = current()->proc->pid };
    struct ipc_obj *o;
    bool undo = false;
    int r;

    mutex_lock(&sem_sets.lock);
    o = ipc_find(&sem_sets, id, 0, &r);
    if (o) r = check_ops(sem_set_of(o), ops, n, &undo);
    if (!r) ipc_find(&sem_sets, id, rights(ops, n), &r);
    if (!r && undo && !(w.undo = undo_of(sem_set_of(o)))) r = -ENOMEM;
    if (!r) {
        r = try_all(sem_set_of(o), &w);
        if (r == 0) sem_run_waiting(sem_set_of(o));
        else if (r == SEM_WAITING) r = wait_turn(sem_set_of(o), &w, deadline);
    }
    mutex_unlock(&sem_sets.lock);
    return r;
}

void sem_exit(struct proc *p)
{
    if (list_empty(&p->sem_undos)) return;
    mutex_lock(&sem_sets.lock);
    while (!list_empty(&p->sem_undos)) {
        struct sem_undo *u = list_first(&p->sem_undos, struct sem_undo, proc_link);
        struct sem_set *s = u->set;

        for (u32 k = 0; k < s->n; k++) {
            int value = s->sem[k].value + u->adjust[k];

            if (!u->adjust[k]) continue;
            s->sem[k].value = (u16)max(0, min(value, SEM_VALUE_MAX));
            s->sem[k].pid = p->pid;
        }
        list_del(&u->proc_link);
        list_del(&u->set_link);
        kfree(u);
        s->otime = ipc_now();
        sem_run_waiting(s);
    }
    mutex_unlock(&sem_sets.lock);
}
