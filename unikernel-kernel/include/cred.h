/* Credentials: immutable once shared; change by copy (cred_dup, cred_commit). */
#ifndef CRED_H
#define CRED_H
#include "kernel.h"

struct cred {
    struct ref ref;
    u32 uid, euid, suid, fsuid, gid, egid, sgid, fsgid;
    u64 cap_bset, cap_eff, cap_inh, cap_perm, cap_amb;
    u32 securebits;
    u32 ngroups;
    u32 *groups;                /* sorted; owned */
};
struct task;
struct cred *cred_dup(const struct cred *c);            /* ref 1, or NULL */
void cred_get(const struct cred *c);
void cred_put(const struct cred *c);
/* Makes c (ref taken over) the current task's. */
void cred_commit(struct cred *c);
bool cred_in_group(const struct cred *c, u32 gid);      /* fsgid or supplementary */
static inline bool cred_capable(const struct cred *c, int cap)
{
    return c->cap_eff >> cap & 1;
}
/* Another task's, counted: t->cred may change at any time unless t is current(). */
struct cred *task_cred_get(struct task *t);
bool capable(int cap);                                  /* of the current task */
/* setuid family: capabilities follow the user ids (capabilities(7)). */
void cred_fix_setuid(const struct cred *old, struct cred *c);
void cred_fix_setfsuid(const struct cred *old, struct cred *c);
/* Sorts and takes over groups (kmalloc'ed or NULL). */
void cred_set_groups(struct cred *c, u32 *groups, u32 n);
/* A program whose file says that its capabilities are effective must get them all: false,
 * when it would not. The file's attribute security.capability; n 0: it has none. */
bool cred_may_exec(const struct cred *c, const void *fcaps, size_t n);
/* exec: what the new program's credentials are, given its file's owner, set-id bits and
 * file capabilities (security.capability value or NULL). May return c itself (ref up). */
struct cred *cred_for_exec(const struct cred *c, u32 mode, u32 uid, u32 gid,
                           const void *fcaps, size_t fcaps_len, bool nnp, bool *secure_r);
#endif
