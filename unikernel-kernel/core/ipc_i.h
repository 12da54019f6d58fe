/* Between the files of System V IPC: the table of one kind of object. */
#ifndef IPC_I_H
#define IPC_I_H
#include "ipc.h"
#include "lock.h"
#include "time.h"

enum { IPC_PLACES = 32768 };

struct ipc_obj {                        /* first in every object */
    int id;
    u32 key, uid, gid, cuid, cgid, mode;        /* mode: 0777, and marks like SHM_DEST */
    u32 ns;                             /* number of its namespace; the others don't see it */
};

struct ipc_table {
    struct mutex lock;                  /* the table and every object in it */
    struct ipc_obj **place;
    u32 size, used, next;               /* places there are, taken, and to try first */
    u32 seq;
};

/* What shmget(2) and its like ask for. */
struct ipc_want {
    u32 key, flags, max_objects;
    /* Makes one, not in the table yet: NULL with *err_r. */
    struct ipc_obj *(*make)(const struct ipc_want *w, int *err_r);
    int (*fits)(const struct ipc_obj *o, const struct ipc_want *w);     /* may be NULL */
    u64 size;                           /* bytes, semaphores */
};

/* All of these: t->lock held, by the caller. */
int ipc_get(struct ipc_table *t, const struct ipc_want *w);             /* identifier */
/* The object with this identifier, if the current task has the rights in `mode` (04, 02,
 * 01 in any of the three groups; 0: not asked): NULL with *err_r. */
struct ipc_obj *ipc_find(struct ipc_table *t, int id, u32 mode, int *err_r);
struct ipc_obj *ipc_find_ref(struct ipc_table *t, const struct ipc_ref *ref, int *err_r);
/* The same for IPC_SET and IPC_RMID: owner, maker or CAP_SYS_ADMIN. */
struct ipc_obj *ipc_find_own(struct ipc_table *t, int id, int *err_r);
void ipc_set_perm(struct ipc_obj *o, const struct ipc64_perm *perm);
void ipc_fill_perm(const struct ipc_obj *o, struct ipc64_perm *perm_r);
void ipc_drop(struct ipc_table *t, struct ipc_obj *o);  /* out of the table */
int ipc_last_place(const struct ipc_table *t);
/* Each object in order: after `o`, or the first; NULL: no more. */
struct ipc_obj *ipc_next(const struct ipc_table *t, const struct ipc_obj *o);

struct ipc_obj *ipc_first_of(const struct ipc_table *t, u32 ns);        /* any of a namespace's */

/* A namespace has ended: so do its objects. */
void shm_ns_end(u32 ns);
void sem_ns_end(u32 ns);
void msg_ns_end(u32 ns);

/* Their lines of /proc/sysvipc; the lock is taken inside. */
void shm_text(struct seq *s);
void sem_text(struct seq *s);
void msg_text(struct seq *s);

/* Seconds, as the objects keep them. */
static inline s64 ipc_now(void) { return (s64)(time_real() / NSEC_PER_SEC); }
#endif
