/* Process numbers and pid namespaces (pid_namespaces(7)). core/pid.c, core/pidns.c.
 *
 * Inside the kernel a task, a process group and a session have one number, their id: it is
 * what the first namespace calls them, and stays taken while a task, a group or a session
 * uses it. Those of other namespaces have one more number a level. What a program says
 * goes through pid_id, what it is told through pid_nr; both are nothing in the first one. */
#ifndef PID_H
#define PID_H
#include "ns.h"
#include "wait.h"

struct task;
struct proc;

struct pid_ns {
    struct ns ns;
    struct pid_ns *parent;      /* counted; NULL: the first namespace, which has no object */
    u32 level;                  /* 1: a child of the first */
    struct proc *init;          /* procs_lock; NULL: not yet, or no more */
    bool ending;                /* init has ended: nothing can be started any more */
    u32 ntasks;                 /* threads and zombies, those of namespaces below too */
    u16 last;                   /* the number that was given last */
    u16 *ids;                   /* by number: the id, 0: free */
    struct waitq end_wq;        /* init waits here until it is alone */
};

/* -- ids -- */

/* A number for t in ns and each namespace above; want: those that it must be, ns's first,
 * n of them (fewer: the others are free to choose). Sets t->tid. 0, -EAGAIN, -EEXIST,
 * -EINVAL, -ENOMEM. */
int tid_alloc(struct task *t, struct pid_ns *ns, const int *want, u32 n);
void tid_free(int tid);
void tid_move(struct task *t, int tid);         /* t becomes what the number means */
/* A process group or a session begins, ends to use the id. */
void pid_hold(int id);
void pid_unhold(int id);
struct task *task_peek(int tid);                /* by id, not counted: for reports only */
struct task *task_by_id(int tid);               /* counted, or NULL */
struct proc *proc_by_id(int pid);

/* -- numbers -- */

/* What ns calls an id; 0: it is not in there, or nothing. */
int pid_nr_in(const struct pid_ns *ns, int id);
/* The reverse; 0: ns knows no such number. */
int pid_id_in(const struct pid_ns *ns, int nr);
/* Numbers of an id from level 1 down to its own: how many were stored, at most max. */
u32 pid_levels(int id, const struct pid_ns *from, int *nr_r, u32 max);

/* -- namespaces -- */

enum { PID_LEVELS_MAX = 32 };

/* A new one below parent; NULL: -ENOMEM, or -ENOSPC when too deep, in *err_r (else 0). */
struct pid_ns *pidns_new(struct pid_ns *parent, int *err_r);
void pidns_free(struct ns *n);                  /* ns_put's */
/* Is inner the same as, or below, outer? */
bool pidns_within(const struct pid_ns *inner, const struct pid_ns *outer);
static inline void pidns_get(struct pid_ns *p) { if (p) ns_get(&p->ns); }
static inline void pidns_put(struct pid_ns *p) { if (p) ns_put(&p->ns); }
/* The namespace that t's children are born in. */
struct pid_ns *pidns_for_children(const struct task *t);
/* Has the first process of ns, or of one above it, ended? */
bool pidns_ending(const struct pid_ns *ns);
/* p, with a number, becomes a process of its namespace; it is not any more. procs_lock held. */
void pidns_join(struct proc *p);
void pidns_leave(struct proc *p);
/* The current task is the last of init, a namespace's first process: kills all others in
 * there and waits until they are gone. No locks held. */
void pidns_end(struct proc *init);
#endif
