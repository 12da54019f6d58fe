/* user.h, wait.h and small parts of core/ for unit tests: all weak, see unitplat.h. */
#include <limits.h>

#include "mm.h"
#include "proc.h"
#include "errand.h"
#include "ptrace.h"
#include "rseq.h"
#include "unitplat.h"
#include "user.h"
#include "vfs.h"

#define WEAK __attribute__((weak))

bool (*unit_user_ok)(u64 addr, size_t n, bool write);

static bool user_ok(u64 addr, size_t n, bool write)
{
    if (addr < PAGE_SIZE || addr >= 1ull << 47 || n > (1ull << 47) - addr)
        return n == 0;
    return !unit_user_ok || unit_user_ok(addr, n, write);
}

WEAK int copy_from_user(void *dst, uptr_t src, size_t n)
{
    if (!user_ok(src, n, false))
        return -EFAULT;
    memcpy(dst, (const void *)src, n);
    return 0;
}

WEAK int copy_to_user(uptr_t dst, const void *src, size_t n)
{
    if (!user_ok(dst, n, true))
        return -EFAULT;
    memcpy((void *)dst, src, n);
    return 0;
}

WEAK int clear_user(uptr_t dst, size_t n)
{
    if (!user_ok(dst, n, true))
        return -EFAULT;
    memset((void *)dst, 0, n);
    return 0;
}

WEAK ssize_t strncpy_from_user(char *dst, uptr_t src, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!user_ok(src + i, 1, false))
            return -EFAULT;
        dst[i] = *(const char *)(src + i);
        if (!dst[i])
            return (ssize_t)i;
    }
    return -ENAMETOOLONG;
}

WEAK int user_load32(uptr_t addr, u32 *val_r)
{
    if (!user_ok(addr, 4, false))
        return -EFAULT;
    *val_r = __atomic_load_n((u32 *)addr, __ATOMIC_SEQ_CST);
    return 0;
}

WEAK int user_cmpxchg32(uptr_t addr, u32 old, u32 new, u32 *seen_r)
{
    if (!user_ok(addr, 4, true))
        return -EFAULT;
    __atomic_compare_exchange_n((u32 *)addr, &old, new, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    *seen_r = old;
    return 0;
}

/* -- uio -- */

WEAK void uio_advance(struct uio *u, size_t n)
{
    assert(n <= u->left);
    u->left -= n;
    while (n) {
        size_t k = min(n, u->iov->len);
        u->iov->base += k;
        u->iov->len -= k;
        n -= k;
        if (!u->iov->len && u->cnt) {
            u->iov++;
            u->cnt--;
        }
    }
}

/* dir 0: zeroes to the uio, 1: src to the uio, 2: uio to dst. */
static ssize_t uio_move(struct uio *u, void *p, size_t n, int dir)
{
    size_t done = 0;
    n = min(n, u->left);
    while (done < n) {
        size_t k = min(n - done, u->iov->len);
        void *there = (void *)u->iov->base;
        if (!u->kernel && !user_ok(u->iov->base, k, dir != 2))
            return done ? (ssize_t)done : -EFAULT;
        if (dir == 0)
            memset(there, 0, k);
        else if (dir == 1)
            memcpy(there, (char *)p + done, k);
        else
            memcpy((char *)p + done, there, k);
        uio_advance(u, k);
        if (!k && u->cnt) {
            u->iov++;
            u->cnt--;
        }
        done += k;
    }
    return (ssize_t)done;
}

WEAK ssize_t uio_write(struct uio *u, const void *src, size_t n)
{
    return uio_move(u, (void *)(uintptr_t)src, n, 1);
}
WEAK ssize_t uio_read(struct uio *u, void *dst, size_t n) { return uio_move(u, dst, n, 2); }
WEAK ssize_t uio_zero(struct uio *u, size_t n) { return uio_move(u, NULL, n, 0); }

/* -- waiting -- */

WEAK void waitq_init(struct waitq *q)
{
    q->lock.v = 0;
    list_init(&q->head);
}

static void waiter_wake(struct waiter *w, u32 events) { task_wake(w->task); }

WEAK void waiter_init(struct waiter *w)
{
    list_init(&w->link);
    w->task = current();
    w->fn = waiter_wake;
    w->exclusive = false;
}

WEAK void waitq_add(struct waitq *q, struct waiter *w)
{
    spin_lock(&q->lock);
    if (w->exclusive)
        list_add_tail(&q->head, &w->link);
    else
        list_add(&q->head, &w->link);
    spin_unlock(&q->lock);
}

WEAK void waitq_remove(struct waitq *q, struct waiter *w)
{
    spin_lock(&q->lock);
    list_del(&w->link);
    spin_unlock(&q->lock);
}

static void wake(struct waitq *q, u32 events, bool all)
{
    struct waiter *w, *tmp;
    spin_lock(&q->lock);
    list_for_each_safe(w, tmp, &q->head, link) {
        bool last = w->exclusive && !all;
        w->fn(w, events);
        if (last)
            break;
    }
    spin_unlock(&q->lock);
}

WEAK void waitq_wake(struct waitq *q, u32 events) { wake(q, events, false); }
WEAK void waitq_wake_all(struct waitq *q, u32 events) { wake(q, events, true); }

WEAK void task_wake(struct task *t) { plat_task_wake(t); }

WEAK int task_sleep(u64 deadline, bool intr)
{
    struct task *t = current();
    u32 wanted = WORK_SIGNAL | WORK_EXIT | WORK_STOP;
    bool woken;
    __atomic_store_n(&t->state, intr ? TASK_SLEEPING : TASK_DSLEEP, __ATOMIC_SEQ_CST);
    if (intr && __atomic_load_n(&t->work, __ATOMIC_SEQ_CST) & wanted) {
        t->state = TASK_RUNNING;
        return -ERESTARTSYS;
    }
    woken = plat_task_wait(t, deadline);
    __atomic_store_n(&t->state, TASK_RUNNING, __ATOMIC_SEQ_CST);
    if (intr && __atomic_load_n(&t->work, __ATOMIC_SEQ_CST) & wanted)
        return -ERESTARTSYS;
    return woken ? 0 : -ETIMEDOUT;
}

WEAK void kworker_poke(void);
WEAK void kworker_poke(void) {}

/* -- tasks, processes, credentials -- */

#define UNIT_TASKS 256
WEAK struct mutex procs_lock;
WEAK struct list procs_all = LIST_INIT(procs_all);
WEAK struct proc *init_proc;
static struct task *unit_tasks[UNIT_TASKS];     /* index: tid - 1 */

__attribute__((weak)) struct sighand *sighand_new(void);
__attribute__((weak)) void sighand_put(struct sighand *s);
__attribute__((weak)) void sigpending_flush(struct sigpending *p, ksigset_t which);
__attribute__((weak)) struct fdtable *fdtable_new(void);
__attribute__((weak)) void fdtable_put(struct fdtable *t);
__attribute__((weak)) void cred_put(const struct cred *c);
WEAK struct cred *cred_dup(const struct cred *c)
{
    struct cred *n = kmalloc(sizeof *n);
    if (!n)
        return NULL;
    *n = *c;
    n->groups = NULL;
    n->ngroups = 0;
    ref_init(&n->ref);
    return n;
}
WEAK void cred_get(const struct cred *c) { ref_get(&((struct cred *)(uintptr_t)c)->ref); }
WEAK void cred_put(const struct cred *c)
{
    struct cred *m = (struct cred *)(uintptr_t)c;
    if (ref_put(&m->ref)) {
        kfree(m->groups);
        kfree(m);
    }
}
WEAK void cred_commit(struct cred *c)
{
    cred_put(current()->cred);
    current()->cred = c;
}
WEAK bool cred_in_group(const struct cred *c, u32 gid)
{
    for (u32 i = 0; i < c->ngroups; i++)
        if (c->groups[i] == gid)
            return true;
    return c->fsgid == gid;
}
WEAK bool capable(int cap) { return cred_capable(current()->cred, cap); }

WEAK struct task *task_by_id(int tid)
{
    struct task *t = tid > 0 && tid <= UNIT_TASKS ? unit_tasks[tid - 1] : NULL;
    if (t)
        ref_get(&t->ref);
    return t;
}
WEAK struct task *task_find_get(int nr) { return task_by_id(nr); }
WEAK void task_put(struct task *t) { assert(!ref_put(&t->ref)); }
WEAK void proc_put(struct proc *p) { assert(!ref_put(&p->ref)); }
WEAK struct proc *proc_by_id(int pid)
{
    struct task *t = pid > 0 && pid <= UNIT_TASKS ? unit_tasks[pid - 1] : NULL;
    if (!t || t->proc->leader != t)
        return NULL;
    ref_get(&t->proc->ref);
    return t->proc;
}
WEAK struct proc *proc_find_get(int nr) { return proc_by_id(nr); }

/* Nobody asks anything of another. */
WEAK void errand_serve(void) {}
WEAK void errand_end(void) {}

WEAK void mm_file_cut(const struct inode *i, u64 from) {}
WEAK bool mm_file_written(const struct inode *i) { return false; }

WEAK void ptimer_look(void) {}
WEAK void rseq_resume(struct regs *r) {}
WEAK void rseq_interrupt(struct regs *r) {}

/* Nobody traces. */
WEAK int ptrace_signal(int sig, struct ksiginfo *info) { return sig; }
WEAK void ptrace_group_stop(void) {}
WEAK void ptrace_trap(void) {}
WEAK int ptrace_clone(struct task *child, u64 flags, int exit_signal) { return 0; }
WEAK void ptrace_cloned(int event, int tid) {}
WEAK void ptrace_not_cloned(struct task *child) {}
WEAK void ptrace_exit(int code) {}
WEAK void ptrace_task_gone(struct task *t) {}
WEAK void ptrace_tracer_gone(struct proc *p) {}
WEAK void ptrace_free(struct task *t) {}
WEAK bool ptrace_report(struct proc *p, struct wait_req *rq, bool *any_r) { return false; }

/* There is one pid namespace. */
WEAK int pid_nr_in(const struct pid_ns *ns, int id) { return id; }
WEAK int pid_id_in(const struct pid_ns *ns, int nr) { return nr; }
WEAK bool pidns_within(const struct pid_ns *inner, const struct pid_ns *outer) { return true; }
WEAK struct pid_ns *pidns_for_children(const struct task *t) { return NULL; }
WEAK struct pid_ns *pidns_new(struct pid_ns *parent, int *err_r)
{
    *err_r = -ENOMEM;
    return NULL;
}
WEAK void pidns_free(struct ns *n) { assert(!"no pid namespace was made"); }

WEAK struct cred *task_cred_get(struct task *t)
{
    cred_get(t->cred);
    return t->cred;
}
WEAK bool proc_notify_parent(struct proc *p, int code, int status) { return false; }
WEAK void proc_usage(struct proc *p, struct kusage *u)
{
    struct task *t;
    *u = (struct kusage){ .utime = p->dead_utime };
    list_for_each(t, &p->threads, proc_link)
        u->utime += plat_clock_cpu(t);
}
WEAK int mm_futex_key(u64 addr, bool shared, u64 key_r[2])
{
    key_r[0] = 0;
    key_r[1] = addr;
    return 0;
}
WEAK bool pgrp_orphaned(int pgid) { return false; }
WEAK void task_exit_group(int code) { panic("task_exit_group(%#x)", code); }
WEAK void task_exit(int code) { panic("task_exit(%#x)", code); }

static struct proc *unit_proc_new(struct task *leader)
{
    struct proc *p = kzalloc(sizeof *p);
    assert(p);
    ref_init(&p->ref);
    p->pid = p->pgid = leader->tid;
    p->leader = leader;
    list_init(&p->children);
    list_init(&p->sibling);
    list_init(&p->threads);
    list_init(&p->pending.queue);
    waitq_init(&p->child_wq);
    waitq_init(&p->exit_wq);
    p->exit_signal = 17;                /* SIGCHLD */
    for (unsigned i = 0; i < ARRAY_SIZE(p->rlim); i++)
        p->rlim[i].cur = p->rlim[i].max = ~0ull;
    mutex_lock(&procs_lock);
    list_add_tail(&procs_all, &p->all_link);
    if (!init_proc) {
        init_proc = p;
        p->is_init = true;
    }
    p->parent = current() ? current()->proc : p;
    if (p->parent != p)
        list_add_tail(&p->parent->children, &p->sibling);
    mutex_unlock(&procs_lock);
    return p;
}

struct task *unit_task_new(struct proc *p)
{
    static const struct cred root = { .cap_bset = ~0ull, .cap_eff = ~0ull, .cap_perm = ~0ull };
    struct task *t = plat_task_alloc();
    int tid = 0;
    while (tid < UNIT_TASKS && unit_tasks[tid])
        tid++;
    assert(t && tid < UNIT_TASKS);
    unit_tasks[tid] = t;
    t->tid = tid + 1;
    ref_init(&t->ref);
    t->regs = plat_task_regs(t);
    t->regs->nr = NO_SYSCALL;
    t->cred = cred_dup(&root);
    list_init(&t->pending.queue);
    list_init(&t->hash_link);
    waitq_init(&t->vfork_wq);
    t->altstack_flags = 2;              /* SS_DISABLE */
    strlcpy(t->comm, "unit", sizeof t->comm);
    if (p) {
        t->sighand = p->leader->sighand;
        if (t->sighand)
            ref_get(&t->sighand->ref);
    } else {
        p = unit_proc_new(t);
        t->sighand = sighand_new ? sighand_new() : NULL;
    }
    t->files = fdtable_new ? fdtable_new() : NULL;
    t->proc = p;
    mutex_lock(&procs_lock);
    list_add_tail(&p->threads, &t->proc_link);
    p->nthreads++;
    mutex_unlock(&procs_lock);
    return t;
}

struct task *unit_task_init(void)
{
    struct task *t = unit_task_new(NULL);
    unit_set_current(t);
    return t;
}

void unit_task_run(struct task *t, void (*fn)(void *), void *arg)
{
    assert(plat_task_start(t, PLAT_KTHREAD, PLAT_KEEP_TLS, fn, arg) == 0);
}

void unit_task_free(struct task *t)
{
    struct proc *p = t->proc;
    mutex_lock(&procs_lock);
    list_del(&t->proc_link);
    p->nthreads--;
    if (list_empty(&p->threads)) {
        list_del(&p->all_link);
        list_del(&p->sibling);
        if (init_proc == p)
            init_proc = NULL;
    }
    mutex_unlock(&procs_lock);
    if (sigpending_flush) {
        sigpending_flush(&t->pending, ~0ull);
        if (list_empty(&p->threads))
            sigpending_flush(&p->pending, ~0ull);
    }
    if (t->sighand && sighand_put)
        sighand_put(t->sighand);
    if (t->files && fdtable_put)
        fdtable_put(t->files);
    cred_put(t->cred);
    unit_tasks[t->tid - 1] = NULL;
    if (list_empty(&p->threads))
        kfree(p);
    if (unit_current() == t)
        unit_set_current(NULL);
    plat_task_free(t);
}
