/* System V IPC (svipc(7)): shared memory, semaphores, message queues. core/ipc.c has what
 * the three have in common, core/shm.c, sem.c and msg.c the objects; sys/ipc.c decodes.
 *
 * Identifiers are those of Linux: the place in the table, and above bit 15 a count that
 * tells a new object from an old one at the same place. Unless said otherwise functions
 * return 0 or a negative errno as the manual page of the call lists it. */
#ifndef IPC_H
#define IPC_H
#include "kernel.h"

#include <asm/msgbuf.h>
#include <asm/sembuf.h>
#include <asm/shmbuf.h>

struct proc;
struct seq;

enum ipc_kind { IPC_KIND_MSG, IPC_KIND_SEM, IPC_KIND_SHM };

/* How an object is named to the functions that look at it: by identifier, or (SHM_STAT
 * and its like) by place; any: without asking for permission to read. */
struct ipc_ref { int id; bool by_place, any; };
/* What is in use of a kind: for IPC_INFO and SHM_INFO, SEM_INFO, MSG_INFO. */
struct ipc_usage { int last_place, objects; u64 amount, bytes; };

/* The objects of a namespace (its number, ns.h) end with it. */
void ipc_ns_end(u32 ns);
/* Text of /proc/sysvipc. */
void ipc_text(enum ipc_kind kind, struct seq *s);

/* -- shared memory: a nameless tmpfs file each -- */
int shm_get(u32 key, u64 size, u32 flags);              /* identifier */
s64 shm_attach(int id, u64 addr, u32 flags);            /* address */
int shm_detach(u64 addr);
int shm_stat(const struct ipc_ref *ref, struct shmid64_ds *ds_r);       /* identifier */
int shm_set(int id, const struct ipc64_perm *perm);
int shm_remove(int id);
int shm_lock(int id, bool lock);
void shm_usage(struct ipc_usage *u_r);

/* -- semaphores -- */
enum { SEM_SET_MAX = 32000, SEM_OPS_MAX = 500, SEM_VALUE_MAX = 32767 };
struct sembuf;
int sem_get(u32 key, int n, u32 flags);                 /* identifier */
/* deadline: monotonic ns. ops is the caller's. */
int sem_op(int id, const struct sembuf *ops, u32 n, u64 deadline);
int sem_stat(const struct ipc_ref *ref, struct semid64_ds *ds_r);       /* identifier */
int sem_set(int id, const struct ipc64_perm *perm);
int sem_remove(int id);
/* GETVAL, GETPID, GETNCNT, GETZCNT of semaphore k: the value. */
int sem_ask(int id, u32 k, int cmd);
int sem_setval(int id, u32 k, int value);
int sem_count(int id);                                  /* how many there are */
/* All values, count of them, which must be what sem_count said: else -EIDRM. */
int sem_getall(int id, u16 *v_r, u32 count);
int sem_setall(int id, const u16 *v, u32 count);
void sem_usage(struct ipc_usage *u_r);
/* The last thread of p leaves: what it did with SEM_UNDO is undone. */
void sem_exit(struct proc *p);

/* -- message queues -- */
int msg_get(u32 key, u32 flags);                        /* identifier */
/* text: kmalloc'ed, taken over whatever comes of it. */
int msg_send(int id, s64 type, void *text, u64 n, u32 flags);
/* The text of the message: kmalloc'ed, for the caller. Its length. */
ssize_t msg_receive(int id, u64 max, s64 type, u32 flags, s64 *type_r, void **text_r);
int msg_stat(const struct ipc_ref *ref, struct msqid64_ds *ds_r);       /* identifier */
int msg_set(int id, const struct ipc64_perm *perm, u64 qbytes);
int msg_remove(int id);
void msg_usage(struct ipc_usage *u_r);
#endif
