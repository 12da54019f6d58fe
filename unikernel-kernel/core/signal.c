/* Signals at rest: handlers, queues, masks (signal(7)). Sending is signal_send.c,
 * delivery signal_deliver.c. */
#include "proc.h"
#include "sigq.h"

/* Queued signals by receiver's user id. Ids that agree in the low bits share a count,
 * so that it needs no memory. */
static u32 queued[64];

void sigpending_init(struct sigpending *p)
{
    p->set = 0;
    list_init(&p->queue);
}

struct sigq *sigq_new(struct task *t, bool exempt)
{
    struct cred *cred = task_cred_get(t);
    u32 *n = &queued[cred->uid % ARRAY_SIZE(queued)];
    u64 limit = rlimit(t->proc, 11 /* RLIMIT_SIGPENDING */);
    struct sigq *q;

    cred_put(cred);
    if (__atomic_add_fetch(n, 1, __ATOMIC_RELAXED) > limit && !exempt) q = NULL;
    else q = kzalloc(sizeof *q);
    if (!q) {
        __atomic_sub_fetch(n, 1, __ATOMIC_RELAXED);
        return NULL;
    }
    list_init(&q->link);
    q->charged = n;
    return q;
}

void sigq_free(struct sigq *q)
{
    if (q->charged) __atomic_sub_fetch(q->charged, 1, __ATOMIC_RELAXED);
    kfree(q);
}

static void sigq_unlink(struct sigq *q)
{
    list_del(&q->link);
    if (!q->kept) sigq_free(q);
}

void sigpending_flush(struct sigpending *p, ksigset_t which)
{
    struct sigq *q, *tmp;

    if (!(p->set & which)) return;
    p->set &= ~which;
    list_for_each_safe(q, tmp, &p->queue, link)
        if (which & SIGMASK(q->info.signo)) sigq_unlink(q);
}

/* -- handlers -- */

struct sighand *sighand_new(void)
{
    struct sighand *s = kzalloc(sizeof *s);

    if (!s) return NULL;
    ref_init(&s->ref);
    waitq_init(&s->signalfd_wq);
    return s;
}

struct sighand *sighand_copy(struct sighand *s)
{
    struct sighand *n = sighand_new();

    if (!n) return NULL;
    spin_lock(&s->lock);
    memcpy(n->action, s->action, sizeof n->action);
    spin_unlock(&s->lock);
    return n;
}

void sighand_put(struct sighand *s)
{
    if (ref_put(&s->ref)) kfree(s);
}

void sighand_exec_reset(struct sighand *s)
{
    spin_lock(&s->lock);
    for (unsigned i = 0; i < ARRAY_SIZE(s->action); i++) {
        struct ksigaction *a = &s->action[i];
        u64 handler = a->handler == HANDLER_IGN ? HANDLER_IGN : HANDLER_DFL;

        memset(a, 0, sizeof *a);
        a->handler = handler;
    }
    spin_unlock(&s->lock);
}

/* -- what is pending -- */

static ksigset_t deliverable(const struct task *t)
{
    return (READ_ONCE(t->pending.set) | READ_ONCE(t->proc->pending.set)) & ~t->blocked;
}

bool signal_pending(const struct task *t)
{
    u32 work = __atomic_load_n(&t->work, __ATOMIC_ACQUIRE);

    if (likely(!work)) return false;
    if (work & (WORK_EXIT | WORK_STOP | WORK_TRAP)) return true;
    return (work & WORK_SIGNAL) && deliverable(t);
}

void signal_recalc(struct task *t)
{
    if (deliverable(t)) __atomic_or_fetch(&t->work, WORK_SIGNAL, __ATOMIC_SEQ_CST);
    else __atomic_and_fetch(&t->work, ~(u32)WORK_SIGNAL, __ATOMIC_SEQ_CST);
}

/* No lock: only the task itself writes its mask. A sender that read the old mask has set
 * WORK_SIGNAL, and signal_deliver then hands a signal that is blocked now to another
 * thread. The fence pairs with the sender's order of queue, then mask. */
void signal_set_blocked(ksigset_t set)
{
    struct task *t = current();
    ksigset_t old = t->blocked;

    set &= ~SIGS_HARD;
    WRITE_ONCE(t->blocked, set);
    if (!(old & ~set)) return;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (deliverable(t)) __atomic_or_fetch(&t->work, WORK_SIGNAL, __ATOMIC_SEQ_CST);
}

void signal_set_temp_mask(ksigset_t set)
{
    struct task *t = current();

    t->saved_blocked = t->blocked;
    t->has_saved_blocked = true;
    signal_set_blocked(set);
}

void signal_restore_temp_mask(void)
{
    struct task *t = current();

    if (!t->has_saved_blocked) return;
    t->has_saved_blocked = false;
    signal_set_blocked(t->saved_blocked);
}

/* -- taking -- */

static void take_from(struct sigpending *p, int sig, struct ksiginfo *info_r)
{
    struct sigq *q, *found = NULL;
    bool more = false;

    list_for_each(q, &p->queue, link) {
        if (q->info.signo != sig) continue;
        if (found) {
            more = true;
            break;
        }
        found = q;
    }
    if (!more) p->set &= ~SIGMASK(sig);
    if (!found) {               /* there was no room for its particulars */
        memset(info_r, 0, sizeof *info_r);
        info_r->signo = sig;
        return;
    }
    *info_r = found->info;
    if (found->overrun_r) {
        *found->overrun_r = found->info.overrun;
        found->info.overrun = 0;
    }
    sigq_unlink(found);
}

static int pick(ksigset_t set)
{
    if (set & SIGMASK(SIGKILL)) return SIGKILL;
    if (set & SIGS_SYNC) set &= SIGS_SYNC;
    return __builtin_ctzll(set) + 1;
}

int signal_take(struct task *t, ksigset_t which, struct ksiginfo *info_r)
{
    struct sigpending *p = &t->pending;
    ksigset_t own = p->set & which, shared = t->proc->pending.set & which;
    int sig;

    if (!(own | shared)) return 0;
    if (!own || (shared & SIGMASK(SIGKILL))) {
        p = &t->proc->pending;
        own = shared;
    }
    sig = pick(own);
    take_from(p, sig, info_r);
    return sig;
}

int signal_dequeue(struct task *t, ksigset_t which, struct ksiginfo *info_r)
{
    int sig;

    if (!((READ_ONCE(t->pending.set) | READ_ONCE(t->proc->pending.set)) & which)) return 0;
    spin_lock(&t->sighand->lock);
    sig = signal_take(t, which, info_r);
    if (sig) signal_recalc(t);
    spin_unlock(&t->sighand->lock);
    return sig;
}
