/* System V IPC: what shared memory, semaphores and message queues have in common: keys,
 * identifiers and who may do what (svipc(7)). */
#include <linux/capability.h>
#include <linux/ipc.h>
#include "ipc_i.h"
#include "ns.h"
#include "seq.h"
#include "task.h"

enum { ID_SHIFT = 15, SEQ_MAX = 0xffff, FIRST_SIZE = 16 };

static bool is_owner(const struct ipc_obj *o)
{
    u32 euid = current()->cred->euid;

    return euid == o->uid || euid == o->cuid;
}

static bool in_group(const struct cred *c, u32 gid)
{
    return c->egid == gid || cred_in_group(c, gid);
}

static int check_mode(const struct ipc_obj *o, u32 mode)
{
    u32 asked = (mode >> 6 | mode >> 3 | mode) & 7, granted = o->mode;
    const struct cred *c = current()->cred;

    if (is_owner(o)) granted >>= 6;
    else if (in_group(c, o->gid) || in_group(c, o->cgid)) granted >>= 3;
    return (asked & ~granted) && !capable(CAP_IPC_OWNER) ? -EACCES : 0;
}

/* -- the table -- */

static bool grow(struct ipc_table *t)
{
    u32 size = t->size ? t->size * 2 : FIRST_SIZE;
    struct ipc_obj **place;

    if (size > IPC_PLACES) return false;
    place = krealloc(t->place, t->size * sizeof *place, size * sizeof *place);
    if (!place) return false;
    memset(place + t->size, 0, (size - t->size) * sizeof *place);
    t->place = place;
    t->size = size;
    return true;
}

/* Places are used in turn, as long as it costs no new memory. */
static int add(struct ipc_table *t, struct ipc_obj *o)
{
    u32 k = t->next;

    if (t->used == t->size && !grow(t)) return -ENOSPC;
    while (k < t->size && t->place[k]) k++;
    for (u32 i = 0; k >= t->size && i < t->size; i++)
        if (!t->place[i]) k = i;
    if (k < t->next) t->seq = (t->seq + 1) % SEQ_MAX;
    t->next = k + 1;
    t->place[k] = o;
    t->used++;
    o->id = (int)(t->seq << ID_SHIFT | k);
    return o->id;
}

static struct ipc_obj *find_key(const struct ipc_table *t, u32 key)
{
    for (u32 k = 0; k < t->size; k++)
        if (t->place[k] && t->place[k]->key == key && t->place[k]->ns == current_ipc_ns())
            return t->place[k];
    return NULL;
}

static int make(struct ipc_table *t, const struct ipc_want *w)
{
    const struct cred *c = current()->cred;
    struct ipc_obj *o;
    int r;

    if (t->used >= w->max_objects) return -ENOSPC;
    /* Before it is made: from here on nothing fails. */
    if (t->used == t->size && !grow(t)) return -ENOSPC;
    o = w->make(w, &r);
    if (!o) return r;
    o->key = w->key;
    o->uid = o->cuid = c->euid;
    o->gid = o->cgid = c->egid;
    o->mode = w->flags & 0777;
    o->ns = current_ipc_ns();
    return add(t, o);
}

int ipc_get(struct ipc_table *t, const struct ipc_want *w)
{
    struct ipc_obj *o = w->key == IPC_PRIVATE ? NULL : find_key(t, w->key);
    int r;

    if (!o) return w->key == IPC_PRIVATE || (w->flags & IPC_CREAT) ? make(t, w) : -ENOENT;
    if ((w->flags & IPC_CREAT) && (w->flags & IPC_EXCL)) return -EEXIST;
    r = w->fits ? w->fits(o, w) : 0;
    if (!r) r = check_mode(o, w->flags);
    return r < 0 ? r : o->id;
}

static struct ipc_obj *at_place(const struct ipc_table *t, u32 k)
{
    struct ipc_obj *o = k < t->size ? t->place[k] : NULL;

    return o && o->ns == current_ipc_ns() ? o : NULL;
}

struct ipc_obj *ipc_find(struct ipc_table *t, int id, u32 mode, int *err_r)
{
    struct ipc_obj *o = id < 0 ? NULL : at_place(t, (u32)id % IPC_PLACES);

    *err_r = !o || o->id != id ? -EINVAL : mode ? check_mode(o, mode) : 0;
    return *err_r < 0 ? NULL : o;
}

struct ipc_obj *ipc_find_ref(struct ipc_table *t, const struct ipc_ref *ref, int *err_r)
{
    u32 mode = ref->any ? 0 : 0444;
    struct ipc_obj *o;

    if (!ref->by_place) return ipc_find(t, ref->id, mode, err_r);
    o = ref->id < 0 ? NULL : at_place(t, (u32)ref->id);
    *err_r = !o ? -EINVAL : mode ? check_mode(o, mode) : 0;
    return *err_r < 0 ? NULL : o;
}

struct ipc_obj *ipc_find_own(struct ipc_table *t, int id, int *err_r)
{
    struct ipc_obj *o = ipc_find(t, id, 0, err_r);

    if (!o || is_owner(o) || capable(CAP_SYS_ADMIN)) return o;
    *err_r = -EPERM;
    return NULL;
}

void ipc_set_perm(struct ipc_obj *o, const struct ipc64_perm *perm)
{
    o->uid = perm->uid;
    o->gid = perm->gid;
    o->mode = (o->mode & ~0777u) | (perm->mode & 0777);
}

void ipc_fill_perm(const struct ipc_obj *o, struct ipc64_perm *p)
{
    memset(p, 0, sizeof *p);
    p->key = (__kernel_key_t)o->key;
    p->uid = o->uid;
    p->gid = o->gid;
    p->cuid = o->cuid;
    p->cgid = o->cgid;
    p->mode = (__kernel_mode_t)o->mode;
    p->seq = (unsigned short)(o->id >> ID_SHIFT);
}

void ipc_drop(struct ipc_table *t, struct ipc_obj *o)
{
    t->place[(u32)o->id % IPC_PLACES] = NULL;
    t->used--;
}

int ipc_last_place(const struct ipc_table *t)
{
    for (u32 k = t->size; k > 0; k--)
        if (at_place(t, k - 1)) return (int)k - 1;
    return 0;
}

struct ipc_obj *ipc_next(const struct ipc_table *t, const struct ipc_obj *o)
{
    for (u32 k = o ? (u32)o->id % IPC_PLACES + 1 : 0; k < t->size; k++)
        if (at_place(t, k)) return t->place[k];
    return NULL;
}

struct ipc_obj *ipc_first_of(const struct ipc_table *t, u32 ns)
{
    for (u32 k = 0; k < t->size; k++)
        if (t->place[k] && t->place[k]->ns == ns) return t->place[k];
    return NULL;
}

void ipc_ns_end(u32 ns)
{
    shm_ns_end(ns);
    sem_ns_end(ns);
    msg_ns_end(ns);
}

void ipc_text(enum ipc_kind kind, struct seq *s)
{
    switch (kind) {
    case IPC_KIND_MSG: msg_text(s); break;
    case IPC_KIND_SEM: sem_text(s); break;
    case IPC_KIND_SHM: shm_text(s); break;
    }
}
