/* Namespaces (namespaces(7)): mounts, host names, System V IPC and process numbers (pid.h)
 * can be had apart; of the other kinds a domain is one each. core/ns.c, fs/mount_ns.c,
 * fs/nsfs.c.
 *
 * What a task has beside its file system context is a set that is never changed once a
 * second task may see it: unshare and setns make a new one. */
#ifndef NS_H
#define NS_H
#include "kernel.h"
#include "lock.h"

struct task;
struct path;
struct file;
struct pid_ns;

enum ns_kind { NS_CGROUP, NS_IPC, NS_MNT, NS_NET, NS_PID, NS_TIME, NS_USER, NS_UTS, NS_KINDS,
               NS_PID_FOR_CHILDREN };   /* only of task_ns_get */

struct ns { struct ref ref; enum ns_kind kind; u32 ino; };
struct uts { struct ns ns; struct spinlock lock; char nodename[65], domainname[65]; };

/* pid: of children; NULL: the first one. */
struct nsset { struct ref ref; struct uts *uts; struct ns *ipc; struct pid_ns *pid; };

extern struct uts first_uts;

/* The names that the current task sees. */
struct uts *current_uts(void);
/* Number of the current task's IPC namespace. */
u32 current_ipc_ns(void);

/* A new number for a namespace. */
u32 ns_new_ino(void);
static inline void ns_get(struct ns *n) { ref_get(&n->ref); }
void ns_put(struct ns *n);
/* The first namespace of a kind that has no others, counted. */
struct ns *ns_first(enum ns_kind k);
/* Of a pid namespace, counted; -EPERM: it is out of the current task's sight. */
int ns_pid_parent(struct ns *n, struct ns **up_r);
const char *ns_name(enum ns_kind k);            /* "mnt" */
u64 ns_clone_flag(enum ns_kind k);              /* CLONE_NEWNS */
/* t's namespace of a kind, counted; NULL: t has ended, or it is one for children that has
 * none yet. */
struct ns *task_ns_get(struct task *t, enum ns_kind k);

/* For fork: what t's child is given. */
struct nsset *nsset_get(struct nsset *s);
void nsset_put(struct nsset *s);
/* A set like `of` (NULL: the first one) with new members for CLONE_NEWUTS, CLONE_NEWIPC,
 * CLONE_NEWPID in flags: 0, -ENOMEM, -ENOSPC (pid namespaces too deep). */
int nsset_new(struct nsset *of, u64 flags, struct nsset **s_r);
/* unshare(2) of all namespaces in flags, for the current task. -EPERM, -EINVAL, -ENOMEM. */
int ns_check_flags(u64 flags);
int ns_unshare(u64 flags);
/* setns(2): the current task joins n, or those of t that flags name. */
int ns_enter(struct ns *n);
int ns_enter_task(struct task *t, u64 flags);

/* fs/nsfs.c: a namespace as a file. Takes the reference over. */
int ns_path(struct ns *n, struct path *p_r);
struct ns *ns_of_file(const struct file *f);    /* borrowed; NULL: it is none */
#endif
