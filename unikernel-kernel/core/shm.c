/* System V shared memory (shmget(2), shmop(2), shmctl(2)). A segment is a nameless tmpfs
 * file; each attachment is an open file of its own over the same inode, whose references
 * are the mappings: their sum is the number of attachments that programs are shown. */
#include <asm/mman.h>
#include <linux/capability.h>
#include <linux/ipc.h>
#include <linux/mman.h>
#include "ipc_i.h"
#include "mm.h"
#include "seq.h"
#include "sysctl.h"
#include "task.h"
#include "vfs.h"

enum { SHM_F_RDONLY = 010000, SHM_F_RND = 020000, SHM_F_REMAP = 040000, SHM_F_EXEC = 0100000,
       SHM_F_HUGETLB = 04000, SHM_M_DEST = 01000, SHM_M_LOCKED = 02000 };

struct shm {
    struct ipc_obj obj;
    struct file *file;                  /* the segment's own: nobody maps it */
    struct list attached;               /* struct attach */
    u64 size;
    int cpid, lpid;
    s64 atime, dtime, ctime;
    char name[32];                      /* as /proc/PID/maps shows it */
};

struct attach { struct list link; struct shm *shm; struct file *file; };

static struct ipc_table segments;
static u64 pages_total;                 /* segments.lock */

static struct shm *shm_of(struct ipc_obj *o) { return container_of(o, struct shm, obj); }

static void shm_free(struct shm *s)
{
    ipc_drop(&segments, &s->obj);
    pages_total -= PAGE_UP(s->size) >> PAGE_SHIFT;
    file_put(s->file);
    kfree(s);
}

static u64 attachments(const struct shm *s)
{
    const struct attach *a;
    u64 n = 0;

    list_for_each(a, &s->attached, link) n += READ_ONCE(a->file->ref.n);
    return n;
}

/* -- attachments as files -- */

/* The last mapping of an attachment has gone; the program's mm->lock is held, so nothing
 * that holds our lock may wait for a program's memory. */
static void attach_release(struct file *f)
{
    struct attach *a = f->priv;
    struct shm *s = a->shm;

    mutex_lock(&segments.lock);
    list_del(&a->link);
    s->dtime = ipc_now();
    s->lpid = current()->proc->pid;
    if ((s->obj.mode & SHM_M_DEST) && list_empty(&s->attached)) shm_free(s);
    mutex_unlock(&segments.lock);
    kfree(a);
}

static int attach_mmap(struct file *f, struct map_source *src, u32 prot, bool shared)
{
    return f->inode->fops->mmap(f, src, prot, shared);
}

static const struct file_ops attach_fops = { .release = attach_release, .mmap = attach_mmap };

/* segments.lock held. */
static struct file *attach_new(struct shm *s, u32 flags)
{
    u32 mode = FMODE_READ | (flags & SHM_F_RDONLY ? 0 : FMODE_WRITE);
    struct attach *a = kzalloc(sizeof *a);
    struct file *f = a ? file_anon(s->name, &attach_fops, a, mode, 0) : NULL;

    if (!f) {
        kfree(a);
        return NULL;
    }
    f->inode = s->file->inode;
    inode_get(f->inode);
    a->shm = s;
    a->file = f;
    list_add_tail(&s->attached, &a->link);
    s->atime = ipc_now();
    s->lpid = current()->proc->pid;
    return f;
}

/* Where to map: 0, -EINVAL. */
static int place(u64 *addr, u32 flags, u32 *map_flags_r)
{
    *map_flags_r = MAP_SHARED;
    if (!*addr) return flags & SHM_F_REMAP ? -EINVAL : 0;
    if (*addr & ~PAGE_MASK) {
        if (!(flags & SHM_F_RND)) return -EINVAL;
        *addr &= PAGE_MASK;
        if (!*addr && (flags & SHM_F_REMAP)) return -EINVAL;
    }
    *map_flags_r |= flags & SHM_F_REMAP ? MAP_FIXED : MAP_FIXED_NOREPLACE;
    return 0;
}

s64 shm_attach(int id, u64 addr, u32 flags)
{
    u32 prot = PROT_READ | (flags & SHM_F_RDONLY ? 0 : PROT_WRITE) |
               (flags & SHM_F_EXEC ? PROT_EXEC : 0);
    u32 mode = 0444 | (flags & SHM_F_RDONLY ? 0 : 0222) | (flags & SHM_F_EXEC ? 0111 : 0);
    struct file *f = NULL;
    struct ipc_obj *o;
    u64 size = 0;
    u32 how;
    s64 r;
    int e;

    e = place(&addr, flags, &how);
    if (e < 0) return e;
    mutex_lock(&segments.lock);
    o = ipc_find(&segments, id, mode, &e);
    if (o) {
        f = attach_new(shm_of(o), flags);
        size = shm_of(o)->size;
    }
    mutex_unlock(&segments.lock);
    if (!o) return e;
    if (!f) return -ENOMEM;
    r = mm_mmap(addr, size, prot, how, f, 0);
    file_put(f);
    return r == -EEXIST ? -EINVAL : r;
}

int shm_detach(u64 addr)
{
    struct file *f;
    struct attach *a;
    int r;

    if (addr & ~PAGE_MASK) return -EINVAL;
    r = mm_unmap_file(addr, &attach_fops, &f);
    if (r < 0) return r;
    a = f->priv;
    mutex_lock(&segments.lock);
    a->shm->dtime = ipc_now();
    a->shm->lpid = current()->proc->pid;
    mutex_unlock(&segments.lock);
    file_put(f);
    return 0;
}

/* -- making -- */

static struct ipc_obj *shm_make(const struct ipc_want *w, int *err_r)
{
    u64 pages = PAGE_UP(w->size) >> PAGE_SHIFT;
    struct shm *s;

    *err_r = -EINVAL;
    if (!w->size || w->size > sysctl_get(SC_SHMMAX)) return NULL;
    *err_r = -ENOSPC;
    if (pages > sysctl_get(SC_SHMALL) - min(pages_total, sysctl_get(SC_SHMALL))) return NULL;
    *err_r = -ENOMEM;
    if (w->flags & SHM_F_HUGETLB) return NULL;          /* there are none */
    s = kzalloc(sizeof *s);
    if (!s) return NULL;
    snprintf(s->name, sizeof s->name, "/SYSV%08x (deleted)", w->key);
    s->file = tmpfs_anon_file("SYSV", w->size, false);
    if (!s->file) {
        kfree(s);
        return NULL;
    }
    list_init(&s->attached);
    s->size = w->size;
    s->cpid = current()->proc->pid;
    s->ctime = ipc_now();
    pages_total += pages;
    return &s->obj;
}

static int shm_fits(const struct ipc_obj *o, const struct ipc_want *w)
{
    return ((const struct shm *)o)->size < w->size ? -EINVAL : 0;
}

int shm_get(u32 key, u64 size, u32 flags)
{
    const struct ipc_want w = { .key = key, .flags = flags, .size = size, .make = shm_make,
                                .fits = shm_fits, .max_objects = (u32)sysctl_get(SC_SHMMNI) };
    int r;

    mutex_lock(&segments.lock);
    r = ipc_get(&segments, &w);
    if (r >= 0) shm_of(segments.place[(u32)r % IPC_PLACES])->file->inode->ino = (u64)r;
    mutex_unlock(&segments.lock);
    return r;
}

/* -- control -- */

int shm_stat(const struct ipc_ref *ref, struct shmid64_ds *ds)
{
    struct ipc_obj *o;
    int r;

    memset(ds, 0, sizeof *ds);
    mutex_lock(&segments.lock);
    o = ipc_find_ref(&segments, ref, &r);
    if (o) {
        const struct shm *s = shm_of(o);

        ipc_fill_perm(o, &ds->shm_perm);
        ds->shm_segsz = s->size;
        ds->shm_atime = s->atime;
        ds->shm_dtime = s->dtime;
        ds->shm_ctime = s->ctime;
        ds->shm_cpid = pid_nr(s->cpid);
        ds->shm_lpid = pid_nr(s->lpid);
        ds->shm_nattch = attachments(s);
        r = o->id;
    }
    mutex_unlock(&segments.lock);
    return r;
}

int shm_set(int id, const struct ipc64_perm *perm)
{
    struct ipc_obj *o;
    int r;

    mutex_lock(&segments.lock);
    o = ipc_find_own(&segments, id, &r);
    if (o) {
        ipc_set_perm(o, perm);
        shm_of(o)->ctime = ipc_now();
    }
    mutex_unlock(&segments.lock);
    return r;
}

void shm_ns_end(u32 ns)
{
    struct ipc_obj *o;

    mutex_lock(&segments.lock);
    while ((o = ipc_first_of(&segments, ns))) {
        o->mode |= SHM_M_DEST;
        o->ns = 0;              /* nobody's: the last detach frees it */
        if (list_empty(&shm_of(o)->attached)) shm_free(shm_of(o));
    }
    mutex_unlock(&segments.lock);
}

/* Who has it attached keeps it; it can't be found by its key any more. */
int shm_remove(int id)
{
    struct ipc_obj *o;
    int r;

    mutex_lock(&segments.lock);
    o = ipc_find_own(&segments, id, &r);
    if (o && list_empty(&shm_of(o)->attached)) {
        shm_free(shm_of(o));
    } else if (o) {
        o->mode |= SHM_M_DEST;
        o->key = IPC_PRIVATE;
    }
    mutex_unlock(&segments.lock);
    return r;
}

int shm_lock(int id, bool lock)
{
    const struct task *t = current();
    struct ipc_obj *o;
    int r;

    mutex_lock(&segments.lock);
    o = ipc_find(&segments, id, 0, &r);
    if (o && !capable(CAP_IPC_LOCK)) {
        if (t->cred->euid != o->uid && t->cred->euid != o->cuid) r = -EPERM;
        else if (lock && !t->proc->rlim[8 /* RLIMIT_MEMLOCK */].cur) r = -EPERM;
    }
    if (!r && lock) o->mode |= SHM_M_LOCKED;
    else if (!r) o->mode &= ~(u32)SHM_M_LOCKED;
    mutex_unlock(&segments.lock);
    return r;
}

void shm_usage(struct ipc_usage *u)
{
    mutex_lock(&segments.lock);
    u->last_place = ipc_last_place(&segments);
    u->objects = (int)segments.used;
    u->amount = pages_total;
    u->bytes = 0;
    for (struct ipc_obj *o = NULL; (o = ipc_next(&segments, o));)
        u->bytes += shm_of(o)->file->inode->blocks * 512;
    mutex_unlock(&segments.lock);
}

void shm_text(struct seq *q)
{
    mutex_lock(&segments.lock);
    for (struct ipc_obj *o = NULL; (o = ipc_next(&segments, o));) {
        const struct shm *s = shm_of(o);

        seq_printf(q, "%10d %10d  %4o %21llu %5d %5d  %5llu %5u %5u %5u %5u ", (int)o->key, o->id,
                   o->mode, (unsigned long long)s->size, pid_nr(s->cpid), pid_nr(s->lpid),
                   (unsigned long long)attachments(s), o->uid, o->gid, o->cuid, o->cgid);
        seq_printf(q, "%10lld %10lld %10lld %21llu %21llu\n", (long long)s->atime,
                   (long long)s->dtime, (long long)s->ctime,
                   (unsigned long long)s->file->inode->blocks * 512, 0ull);
    }
    mutex_unlock(&segments.lock);
}
