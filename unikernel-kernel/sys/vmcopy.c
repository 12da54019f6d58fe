/* System calls: other processes' memory (process_vm_readv(2)), and what processes have in
 * common (kcmp(2)). */
#include <linux/kcmp.h>
#include <linux/uio.h>
#include "errand.h"
#include "mm.h"
#include "proc.h"
#include "sys.h"
#include "user.h"
#include "vfs.h"

enum { PIECE = 65536 };

/* The caller's iovec array, in memory of its own for the caller to free. */
static int take_vector(struct uio *u, uptr_t user, u64 cnt)
{
    u64 total = 0;

    *u = (struct uio){ .cnt = (u32)cnt };
    if (cnt > UIO_MAXIOV) return -EINVAL;
    u->iov = kmalloc(max(cnt, 1ul) * sizeof *u->iov);
    if (!u->iov) return -ENOMEM;
    if (copy_from_user(u->iov, user, cnt * sizeof *u->iov) < 0) return -EFAULT;
    for (u64 k = 0; k < cnt; k++) {
        if ((s64)u->iov[k].len < 0 || (s64)(total + u->iov[k].len) < 0) return -EINVAL;
        total += u->iov[k].len;
    }
    u->left = total;
    return 0;
}

/* A thread of p that lives, counted; NULL: none. procs_lock held. */
static struct task *living(struct proc *p)
{
    struct task *t;

    list_for_each(t, &p->threads, proc_link) {
        if (READ_ONCE(t->state) >= TASK_ZOMBIE || !READ_ONCE(t->mm)) continue;
        ref_get(&t->ref);
        return t;
    }
    return NULL;
}

static int target(int pid, struct task **t_r)
{
    struct proc *p = proc_find_get(pid);
    int r = -ESRCH;

    if (!p) return -ESRCH;
    mutex_lock(&procs_lock);
    if (p->session && !p->zombie) r = proc_inspectable(p) ? 0 : -EPERM;
    if (!r && !(*t_r = living(p))) r = -ESRCH;
    mutex_unlock(&procs_lock);
    proc_put(p);
    return r;
}

static long transfer(struct task *t, struct uio *local, struct uio *remote, bool write)
{
    char *buf = kmalloc(PIECE);
    long done = 0, r = 0;

    if (!buf) return -ENOMEM;
    for (u32 k = 0; k < remote->cnt && local->left; k++) {
        struct iov *v = &remote->iov[k];

        while (v->len && local->left) {
            size_t n = min(min(v->len, local->left), (size_t)PIECE);

            struct errand_copy c = { .addr = v->base, .buf = buf, .n = n, .write = write };
            r = errand_move(t, local, &c);
            if (!r) r = -EFAULT;
            if (r < 0) break;
            done += r;
            v->base += (u64)r;
            v->len -= (size_t)r;
            if ((size_t)r < n) break;
        }
        if (v->len && local->left) break;
    }
    kfree(buf);
    return done ? done : r;
}

static long process_vm(const u64 *a, bool write)
{
    struct uio local, remote = { 0 };
    struct task *t = NULL;
    long r;

    if (a[5]) return -EINVAL;
    r = take_vector(&local, a[1], a[2]);
    if (!r) r = take_vector(&remote, a[3], a[4]);
    if (!r && local.left && remote.left) {
        r = target((int)a[0], &t);
        if (!r) r = transfer(t, &(struct uio){ local.iov, local.cnt, false, local.left }, &remote,
                             write);
    }
    if (t) task_put(t);
    kfree(local.iov);
    kfree(remote.iov);
    return r;
}

long sys_process_vm_readv(const u64 *a) { return process_vm(a, false); }
long sys_process_vm_writev(const u64 *a) { return process_vm(a, true); }

/* -- kcmp -- */

static struct file *file_of(struct task *t, u64 fd)
{
    struct fdtable *ft = task_files_get(t);
    struct file *f = NULL;
    u32 found;

    if (!ft) return NULL;
    found = fdtable_next(ft, (u32)fd, &f);
    fdtable_put(ft);
    if (f && (found != (u32)fd || fd > 0xffffffff)) {
        file_put(f);
        return NULL;
    }
    return f;
}

static int compare_files(struct task *a, struct task *b, const u64 *idx, const void **p)
{
    struct file *f = file_of(a, idx[0]), *g = file_of(b, idx[1]);
    int r = f && g ? 0 : -EBADF;

    p[0] = f;
    p[1] = g;
    if (f) file_put(f);         /* only its address is used */
    if (g) file_put(g);
    return r;
}

static int compared(struct task *a, struct task *b, u64 type, const u64 *idx, const void **p)
{
    switch (type) {
    case KCMP_FILE: return compare_files(a, b, idx, p);
    case KCMP_VM: p[0] = a->mm, p[1] = b->mm; return 0;
    case KCMP_FILES: p[0] = a->files, p[1] = b->files; return 0;
    case KCMP_FS: p[0] = a->fs, p[1] = b->fs; return 0;
    case KCMP_SIGHAND: p[0] = a->sighand, p[1] = b->sighand; return 0;
    case KCMP_IO: case KCMP_SYSVSEM: p[0] = p[1] = NULL; return 0;
    default: return type == KCMP_EPOLL_TFD ? -EOPNOTSUPP : -EINVAL;
    }
}

/* Addresses order as they are, multiplied by an odd number that nobody knows. */
static long order(const void *const *p)
{
    u64 a = (u64)p[0] * 0x9e3779b97f4a7c15ull, b = (u64)p[1] * 0x9e3779b97f4a7c15ull;

    return a < b ? 1 : a > b ? 2 : 0;
}

long sys_kcmp(const u64 *a)
{
    struct task *t = NULL, *u = NULL;
    const void *p[2];
    long r = target((int)a[0], &t);

    if (!r) r = target((int)a[1], &u);
    if (!r) r = compared(t, u, a[2], a + 3, p);
    if (!r) r = order(p);
    if (t) task_put(t);
    if (u) task_put(u);
    return r;
}
