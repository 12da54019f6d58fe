/* Between sem.c (sets and control) and sem_op.c (operations). */
#ifndef SEM_I_H
#define SEM_I_H
#include "ipc_i.h"

struct task;
struct sembuf;

struct sem { u16 value; int pid; };     /* pid: who changed it last */

struct sem_set {
    struct ipc_obj obj;
    struct list waiting;                /* struct sem_wait, first come first */
    struct list undos;                  /* struct sem_undo of processes */
    s64 otime, ctime;
    u32 n;
    struct sem sem[];
};

/* A task that waits for its operations to become possible; on its stack. Whoever makes
 * them so carries them out for it: `result` is then no longer SEM_WAITING. */
enum { SEM_WAITING = 1 };
struct sem_wait {
    struct list link;
    struct task *task;
    const struct sembuf *ops;
    u32 nops, held_by;                  /* held_by: the semaphore that is not as wanted */
    bool for_zero;
    struct sem_undo *undo;
    int pid, result;
};

/* What the end of a process adds to the semaphores of a set. */
struct sem_undo {
    struct list proc_link, set_link;
    struct sem_set *set;
    int16_t adjust[];
};

/* Guarded by the table's lock: all of the above. */
extern struct ipc_table sem_sets;
static inline struct sem_set *sem_set_of(struct ipc_obj *o)
{
    return container_of(o, struct sem_set, obj);
}
/* Values have changed: carries out what has become possible. */
void sem_run_waiting(struct sem_set *s);
/* The set goes away: waiters get EIDRM, nobody undoes anything. */
void sem_end(struct sem_set *s);
#endif
