/* System V semaphores (semget(2), semop(2), semctl(2)): sets, their making and control;
 * sem_op.c has the operations. */
#include <linux/sem.h>
#include "ipc_i.h"
#include "sem_i.h"
#include "seq.h"
#include "sysctl.h"
#include "task.h"

struct ipc_table sem_sets;

static struct ipc_obj *sem_make(const struct ipc_want *w, int *err_r)
{
    struct sem_set *s;

    *err_r = -EINVAL;
    if (!w->size) return NULL;
    *err_r = -ENOMEM;
    s = kzalloc(sizeof *s + w->size * sizeof s->sem[0]);
    if (!s) return NULL;
    list_init(&s->waiting);
    list_init(&s->undos);
    s->n = (u32)w->size;
    s->ctime = ipc_now();
    return &s->obj;
}

static int sem_fits(const struct ipc_obj *o, const struct ipc_want *w)
{
    return ((const struct sem_set *)o)->n < w->size ? -EINVAL : 0;
}

int sem_get(u32 key, int n, u32 flags)
{
    const struct ipc_want w = { .key = key, .flags = flags, .size = (u64)n, .make = sem_make,
                                .fits = sem_fits, .max_objects = SEM_SET_MAX };
    int r;

    if (n < 0 || n > SEM_SET_MAX) return -EINVAL;
    mutex_lock(&sem_sets.lock);
    r = ipc_get(&sem_sets, &w);
    mutex_unlock(&sem_sets.lock);
    return r;
}

/* -- control -- */

int sem_stat(const struct ipc_ref *ref, struct semid64_ds *ds)
{
    struct ipc_obj *o;
    int r;

    memset(ds, 0, sizeof *ds);
    mutex_lock(&sem_sets.lock);
    o = ipc_find_ref(&sem_sets, ref, &r);
    if (o) {
        ipc_fill_perm(o, &ds->sem_perm);
        ds->sem_otime = sem_set_of(o)->otime;
        ds->sem_ctime = sem_set_of(o)->ctime;
        ds->sem_nsems = sem_set_of(o)->n;
        r = o->id;
    }
    mutex_unlock(&sem_sets.lock);
    return r;
}

int sem_set(int id, const struct ipc64_perm *perm)
{
    struct ipc_obj *o;
    int r;

    mutex_lock(&sem_sets.lock);
    o = ipc_find_own(&sem_sets, id, &r);
    if (o) {
        ipc_set_perm(o, perm);
        sem_set_of(o)->ctime = ipc_now();
    }
    mutex_unlock(&sem_sets.lock);
    return r;
}

static void drop(struct ipc_obj *o)
{
    ipc_drop(&sem_sets, o);
    sem_end(sem_set_of(o));
    kfree(sem_set_of(o));
}

void sem_ns_end(u32 ns)
{
    struct ipc_obj *o;

    mutex_lock(&sem_sets.lock);
    while ((o = ipc_first_of(&sem_sets, ns))) drop(o);
    mutex_unlock(&sem_sets.lock);
}

int sem_remove(int id)
{
    struct ipc_obj *o;
    int r;

    mutex_lock(&sem_sets.lock);
    o = ipc_find_own(&sem_sets, id, &r);
    if (o) drop(o);
    mutex_unlock(&sem_sets.lock);
    return r;
}

/* Waiters are counted at the semaphore that holds them up. */
static int waiters(const struct sem_set *s, u32 k, bool for_zero)
{
    const struct sem_wait *w;
    int n = 0;

    list_for_each(w, &s->waiting, link)
        if (w->held_by == k && w->for_zero == for_zero) n++;
    return n;
}

int sem_ask(int id, u32 k, int cmd)
{
    struct ipc_obj *o;
    int r;

    mutex_lock(&sem_sets.lock);
    o = ipc_find(&sem_sets, id, 0444, &r);
    if (o) {
        const struct sem_set *s = sem_set_of(o);

        if (k >= s->n) r = -EINVAL;
        else if (cmd == GETVAL) r = s->sem[k].value;
        else if (cmd == GETPID) r = pid_nr(s->sem[k].pid);
        else r = waiters(s, k, cmd == GETZCNT);
    }
    mutex_unlock(&sem_sets.lock);
    return r;
}

/* What processes would undo of this semaphore is forgotten: it has a new value. */
static void assign(struct sem_set *s, u32 k, u16 value)
{
    struct sem_undo *u;

    list_for_each(u, &s->undos, set_link) u->adjust[k] = 0;
    s->sem[k].value = value;
    s->sem[k].pid = current()->proc->pid;
}

int sem_setval(int id, u32 k, int value)
{
    struct ipc_obj *o;
    int r;

    if (value < 0 || value > SEM_VALUE_MAX) return -ERANGE;
    mutex_lock(&sem_sets.lock);
    o = ipc_find(&sem_sets, id, 0222, &r);
    if (o && k >= sem_set_of(o)->n) {
        r = -EINVAL;
    } else if (o) {
        assign(sem_set_of(o), k, (u16)value);
        sem_set_of(o)->ctime = ipc_now();
        sem_run_waiting(sem_set_of(o));
    }
    mutex_unlock(&sem_sets.lock);
    return r;
}

int sem_count(int id)
{
    struct ipc_obj *o;
    int r;

    mutex_lock(&sem_sets.lock);
    o = ipc_find(&sem_sets, id, 0, &r);
    if (o) r = (int)sem_set_of(o)->n;
    mutex_unlock(&sem_sets.lock);
    return r;
}

int sem_getall(int id, u16 *v, u32 count)
{
    struct ipc_obj *o;
    int r;

    mutex_lock(&sem_sets.lock);
    o = ipc_find(&sem_sets, id, 0444, &r);
    if (o && sem_set_of(o)->n != count) r = -EIDRM;
    for (u32 k = 0; !r && k < count; k++) v[k] = sem_set_of(o)->sem[k].value;
    mutex_unlock(&sem_sets.lock);
    return r;
}

int sem_setall(int id, const u16 *v, u32 count)
{
    struct ipc_obj *o;
    int r;

    for (u32 k = 0; k < count; k++)
        if (v[k] > SEM_VALUE_MAX) return -ERANGE;
    mutex_lock(&sem_sets.lock);
    o = ipc_find(&sem_sets, id, 0222, &r);
    if (o && sem_set_of(o)->n != count) r = -EIDRM;
    for (u32 k = 0; !r && k < count; k++) assign(sem_set_of(o), k, v[k]);
    if (!r) {
        sem_set_of(o)->ctime = ipc_now();
        sem_run_waiting(sem_set_of(o));
    }
    mutex_unlock(&sem_sets.lock);
    return r;
}

void sem_usage(struct ipc_usage *u)
{
    mutex_lock(&sem_sets.lock);
    u->last_place = ipc_last_place(&sem_sets);
    u->objects = (int)sem_sets.used;
    u->amount = u->bytes = 0;
    for (struct ipc_obj *o = NULL; (o = ipc_next(&sem_sets, o));) u->amount += sem_set_of(o)->n;
    mutex_unlock(&sem_sets.lock);
}

void sem_text(struct seq *q)
{
    mutex_lock(&sem_sets.lock);
    for (struct ipc_obj *o = NULL; (o = ipc_next(&sem_sets, o));) {
        const struct sem_set *s = sem_set_of(o);

        seq_printf(q, "%10d %10d  %4o %10u %5u %5u %5u %5u %10lld %10lld\n", (int)o->key, o->id,
                   o->mode, s->n, o->uid, o->gid, o->cuid, o->cgid, (long long)s->otime,
                   (long long)s->ctime);
    }
    mutex_unlock(&sem_sets.lock);
}
