/* What one task does for another: see errand.h. */
#include <linux/mman.h>
#include "errand.h"
#include "mm.h"
#include "proc.h"
#include "user.h"

#define PATIENCE (2 * NSEC_PER_SEC)

enum state { WAITING, TAKEN, DONE, REFUSED };

struct errand {                 /* on the stack of who asks */
    struct list link;
    struct task *asker;
    void (*fn)(void *arg);
    void *arg;
    u32 state;
};

static struct spinlock errands_lock;    /* all tasks' lists, and states but DONE */

static void finish(struct errand *e, enum state s)
{
    struct task *asker = e->asker;

    ref_get(&asker->ref);
    __atomic_store_n(&e->state, s, __ATOMIC_RELEASE);   /* e may be gone now */
    task_wake(asker);
    task_put(asker);
}

static struct errand *take(struct task *t, enum state s)
{
    struct errand *e = NULL;

    spin_lock(&errands_lock);
    if (!list_empty(&t->errands)) {
        e = list_first(&t->errands, struct errand, link);
        list_del(&e->link);
        e->state = s == REFUSED ? TAKEN : s;
    } else {
        __atomic_and_fetch(&t->work, ~(u32)WORK_ERRAND, __ATOMIC_SEQ_CST);
        if (s == REFUSED) t->no_errands = true;
    }
    spin_unlock(&errands_lock);
    return e;
}

void errand_serve(void)
{
    struct errand *e;

    while ((e = take(current(), TAKEN)) != NULL) {
        e->fn(e->arg);
        finish(e, DONE);
    }
}

void errand_end(void)
{
    struct errand *e;

    while ((e = take(current(), REFUSED)) != NULL) finish(e, REFUSED);
}

static bool give(struct task *t, struct errand *e)
{
    bool ok;

    spin_lock(&errands_lock);
    ok = !t->no_errands && t->mm;
    if (ok) {
        list_add_tail(&t->errands, &e->link);
        __atomic_or_fetch(&t->work, WORK_ERRAND, __ATOMIC_SEQ_CST);
    }
    spin_unlock(&errands_lock);
    if (!ok) return false;
    task_wake(t);
    if (READ_ONCE(t->state) == TASK_RUNNING) plat_task_kick(t);
    return true;
}

/* True: nobody has begun with it, and nobody will. */
static bool withdraw(struct errand *e)
{
    bool waiting;

    spin_lock(&errands_lock);
    waiting = e->state == WAITING;
    if (waiting) list_del(&e->link);
    spin_unlock(&errands_lock);
    return waiting;
}

int errand_run(struct task *t, void (*fn)(void *arg), void *arg)
{
    struct errand e = { .asker = current(), .fn = fn, .arg = arg };
    u64 deadline = time_mono() + PATIENCE;
    u32 s;

    if (t == current()) {
        fn(arg);
        return 0;
    }
    if (!give(t, &e)) return -ESRCH;
    while ((s = __atomic_load_n(&e.state, __ATOMIC_ACQUIRE)) < DONE) {
        if (READ_ONCE(current()->work) & WORK_ERRAND) errand_serve();   /* two for each other */
        else if (task_sleep(deadline, false) == -ETIMEDOUT) {
            if (withdraw(&e)) return -EAGAIN;
            deadline = WAIT_FOREVER;
        }
    }
    return s == DONE ? 0 : -ESRCH;
}

/* -- memory -- */

static int copy_part(const struct errand_copy *c, size_t n)
{
    u64 at = c->addr + c->done;

    return c->write ? copy_to_user(at, c->buf + c->done, n)
                    : copy_from_user(c->buf + c->done, at, n);
}

/* Memory that the program itself may not use so: it may for a moment, and a private mapping
 * gets a copy of the page. */
static int copy_forced(const struct errand_copy *c, size_t n)
{
    u64 at = c->addr + c->done, page = PAGE_DOWN(at);
    u32 prot, flags;
    int r = mm_prot_at(at, &prot, &flags);

    if (r < 0 || (c->write && (flags & MAP_SHARED))) return -EFAULT;
    r = mm_mprotect(page, PAGE_SIZE, prot | PROT_READ | (c->write ? PROT_WRITE : 0));
    if (r < 0) return r;
    r = copy_part(c, n);
    mm_mprotect(page, PAGE_SIZE, prot);
    return r;
}

static void copy(void *arg)
{
    struct errand_copy *c = arg;

    while (c->done < c->n) {
        u64 at = c->addr + c->done;
        size_t n = min(c->n - c->done, (size_t)(PAGE_SIZE - (at & (PAGE_SIZE - 1))));
        int r = copy_part(c, n);

        if (r < 0 && c->force) r = copy_forced(c, n);
        if (r < 0) return;
        c->done += n;
    }
}

int errand_copy(struct task *t, struct errand_copy *c)
{
    c->done = 0;
    return errand_run(t, copy, c);
}

ssize_t errand_move(struct task *t, struct uio *u, struct errand_copy *c)
{
    int r;

    c->n = min(c->n, u->left);
    if (c->write) {
        ssize_t got = uio_read(u, c->buf, c->n);

        if (got < 0) return got;
        c->n = (size_t)got;
    }
    r = errand_copy(t, c);
    if (r < 0) return r;
    return c->write ? (ssize_t)c->done : uio_write(u, c->buf, c->done);
}
