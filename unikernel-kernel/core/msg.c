/* System V message queues (msgget(2), msgop(2), msgctl(2)). */
#include <linux/capability.h>
#include <linux/ipc.h>
#include "ipc_i.h"
#include "seq.h"
#include "sysctl.h"
#include "task.h"

enum { F_NOERROR = 010000, F_EXCEPT = 020000, F_COPY = 040000 };

struct msg { struct list link; s64 type; u64 len; void *text; };

struct msgq {
    struct ipc_obj obj;
    struct ref ref;                     /* the table's and waiters' */
    bool gone;
    struct list msgs;
    u64 bytes, n, max_bytes;
    int lspid, lrpid;
    s64 stime, rtime, ctime;
    struct waitq senders, receivers;
};

static struct ipc_table queues;

static struct msgq *msgq_of(struct ipc_obj *o) { return container_of(o, struct msgq, obj); }

static void msg_free(struct msg *m)
{
    kfree(m->text);
    kfree(m);
}

static void msgq_put(struct msgq *q)
{
    if (ref_put(&q->ref)) kfree(q);
}

static struct ipc_obj *msg_make(const struct ipc_want *w, int *err_r)
{
    struct msgq *q = kzalloc(sizeof *q);

    *err_r = -ENOMEM;
    if (!q) return NULL;
    ref_init(&q->ref);
    list_init(&q->msgs);
    waitq_init(&q->senders);
    waitq_init(&q->receivers);
    q->max_bytes = sysctl_get(SC_MSGMNB);
    q->ctime = ipc_now();
    return &q->obj;
}

int msg_get(u32 key, u32 flags)
{
    const struct ipc_want w = { .key = key, .flags = flags, .make = msg_make,
                                .max_objects = (u32)sysctl_get(SC_MSGMNI) };
    int r;

    mutex_lock(&queues.lock);
    r = ipc_get(&queues, &w);
    mutex_unlock(&queues.lock);
    return r;
}

/* -- sending and receiving: the lock is held, but while waiting -- */

/* Sleeps until something has happened to q: 0, -EIDRM, -ERESTARTNOHAND. */
static int wait_change(struct msgq *q)
{
    int r;

    mutex_unlock(&queues.lock);
    r = task_sleep(WAIT_FOREVER, true);
    mutex_lock(&queues.lock);
    if (q->gone) return -EIDRM;
    return r < 0 ? -ERESTARTNOHAND : 0;
}

static bool has_room(const struct msgq *q, u64 n)
{
    return q->bytes + n <= q->max_bytes && q->n + 1 <= q->max_bytes;
}

static int wait_room(struct msgq *q, u64 n, u32 flags)
{
    struct waiter w;
    int r = 0;

    if (has_room(q, n)) return 0;
    if (flags & IPC_NOWAIT) return -EAGAIN;
    ref_get(&q->ref);
    waiter_init(&w);
    waitq_add(&q->senders, &w);
    while (!r && !has_room(q, n)) r = wait_change(q);
    waitq_remove(&q->senders, &w);
    msgq_put(q);
    return r;
}

int msg_send(int id, s64 type, void *text, u64 n, u32 flags)
{
    struct msg *m = kmalloc(sizeof *m);
    struct ipc_obj *o;
    int r = -ENOMEM;

    if (!m) {
        kfree(text);
        return r;
    }
    *m = (struct msg){ .type = type, .len = n, .text = text };
    mutex_lock(&queues.lock);
    o = ipc_find(&queues, id, 0222, &r);
    if (o) r = wait_room(msgq_of(o), n, flags);
    if (!r) {
        struct msgq *q = msgq_of(o);

        list_add_tail(&q->msgs, &m->link);
        q->bytes += n;
        q->n++;
        q->lspid = current()->proc->pid;
        q->stime = ipc_now();
        waitq_wake_all(&q->receivers, 0);
    }
    mutex_unlock(&queues.lock);
    if (r < 0) msg_free(m);
    return r;
}

/* The message that msgrcv with this type means; NULL: none now. */
static struct msg *choose(const struct msgq *q, s64 type, u32 flags)
{
    struct msg *m, *best = NULL;
    s64 place = 0;

    list_for_each(m, &q->msgs, link) {
        if (flags & F_COPY) {
            if (place++ == type) return m;
        } else if (type < 0) {
            u64 most = type == INT64_MIN ? INT64_MAX : (u64)-type;

            if ((u64)m->type <= most && (!best || m->type < best->type)) best = m;
        } else if (!type || (flags & F_EXCEPT ? m->type != type : m->type == type)) {
            return m;
        }
    }
    return best;
}

static int wait_msg(struct msgq *q, s64 type, u32 flags, struct msg **m_r)
{
    struct waiter w;
    int r = 0;

    *m_r = choose(q, type, flags);
    if (*m_r) return 0;
    if (flags & IPC_NOWAIT) return -ENOMSG;
    ref_get(&q->ref);
    waiter_init(&w);
    waitq_add(&q->receivers, &w);
    while (!r && !(*m_r = choose(q, type, flags))) r = wait_change(q);
    waitq_remove(&q->receivers, &w);
    msgq_put(q);
    return r;
}

static ssize_t take(struct msgq *q, struct msg *m, u64 max, s64 *type_r, void **text_r)
{
    ssize_t n = (ssize_t)min(m->len, max);

    list_del(&m->link);
    q->bytes -= m->len;
    q->n--;
    q->lrpid = current()->proc->pid;
    q->rtime = ipc_now();
    waitq_wake_all(&q->senders, 0);
    *type_r = m->type;
    *text_r = m->text;
    kfree(m);
    return n;
}

static ssize_t copy(const struct msg *m, u64 max, s64 *type_r, void **text_r)
{
    *text_r = kmalloc(max(m->len, 1ull));
    if (!*text_r) return -ENOMEM;
    memcpy(*text_r, m->text, m->len);
    *type_r = m->type;
    return (ssize_t)min(m->len, max);
}

ssize_t msg_receive(int id, u64 max, s64 type, u32 flags, s64 *type_r, void **text_r)
{
    struct ipc_obj *o;
    struct msg *m = NULL;
    ssize_t n;
    int r;

    if ((flags & F_COPY) && ((flags & F_EXCEPT) || !(flags & IPC_NOWAIT))) return -EINVAL;
    mutex_lock(&queues.lock);
    o = ipc_find(&queues, id, 0444, &r);
    if (o) r = wait_msg(msgq_of(o), type, flags, &m);
    n = r;
    if (!r && m->len > max && !(flags & F_NOERROR)) n = -E2BIG;
    else if (!r && (flags & F_COPY)) n = copy(m, max, type_r, text_r);
    else if (!r) n = take(msgq_of(o), m, max, type_r, text_r);
    mutex_unlock(&queues.lock);
    return n;
}

/* -- control -- */

int msg_stat(const struct ipc_ref *ref, struct msqid64_ds *ds)
{
    struct ipc_obj *o;
    int r;

    memset(ds, 0, sizeof *ds);
    mutex_lock(&queues.lock);
    o = ipc_find_ref(&queues, ref, &r);
    if (o) {
        const struct msgq *q = msgq_of(o);

        ipc_fill_perm(o, &ds->msg_perm);
        ds->msg_stime = q->stime;
        ds->msg_rtime = q->rtime;
        ds->msg_ctime = q->ctime;
        ds->msg_cbytes = q->bytes;
        ds->msg_qnum = q->n;
        ds->msg_qbytes = q->max_bytes;
        ds->msg_lspid = pid_nr(q->lspid);
        ds->msg_lrpid = pid_nr(q->lrpid);
        r = o->id;
    }
    mutex_unlock(&queues.lock);
    return r;
}

int msg_set(int id, const struct ipc64_perm *perm, u64 max_bytes)
{
    struct ipc_obj *o;
    int r;

    mutex_lock(&queues.lock);
    o = ipc_find_own(&queues, id, &r);
    if (o && max_bytes > sysctl_get(SC_MSGMNB) && !capable(CAP_SYS_RESOURCE)) r = -EPERM;
    if (!r) {
        ipc_set_perm(o, perm);
        msgq_of(o)->max_bytes = max_bytes;
        msgq_of(o)->ctime = ipc_now();
        waitq_wake_all(&msgq_of(o)->senders, 0);
        waitq_wake_all(&msgq_of(o)->receivers, 0);
    }
    mutex_unlock(&queues.lock);
    return r;
}

static void drop(struct ipc_obj *o)
{
    struct msgq *q = msgq_of(o);

    ipc_drop(&queues, o);
    q->gone = true;
    while (!list_empty(&q->msgs)) {
        struct msg *m = list_first(&q->msgs, struct msg, link);

        list_del(&m->link);
        msg_free(m);
    }
    waitq_wake_all(&q->senders, 0);
    waitq_wake_all(&q->receivers, 0);
    msgq_put(q);
}

void msg_ns_end(u32 ns)
{
    struct ipc_obj *o;

    mutex_lock(&queues.lock);
    while ((o = ipc_first_of(&queues, ns))) drop(o);
    mutex_unlock(&queues.lock);
}

int msg_remove(int id)
{
    struct ipc_obj *o;
    int r;

    mutex_lock(&queues.lock);
    o = ipc_find_own(&queues, id, &r);
    if (o) drop(o);
    mutex_unlock(&queues.lock);
    return r;
}

void msg_usage(struct ipc_usage *u)
{
    mutex_lock(&queues.lock);
    u->last_place = ipc_last_place(&queues);
    u->objects = (int)queues.used;
    u->amount = u->bytes = 0;
    for (struct ipc_obj *o = NULL; (o = ipc_next(&queues, o));) {
        u->amount += msgq_of(o)->n;
        u->bytes += msgq_of(o)->bytes;
    }
    mutex_unlock(&queues.lock);
}

void msg_text(struct seq *s)
{
    mutex_lock(&queues.lock);
    for (struct ipc_obj *o = NULL; (o = ipc_next(&queues, o));) {
        const struct msgq *q = msgq_of(o);

        seq_printf(s, "%10d %10d  %4o  %10llu %10llu %5d %5d %5u %5u %5u %5u ", (int)o->key, o->id,
                   o->mode, (unsigned long long)q->bytes, (unsigned long long)q->n,
                   pid_nr(q->lspid), pid_nr(q->lrpid), o->uid, o->gid, o->cuid, o->cgid);
        seq_printf(s, "%10lld %10lld %10lld\n", (long long)q->stime, (long long)q->rtime,
                   (long long)q->ctime);
    }
    mutex_unlock(&queues.lock);
}
