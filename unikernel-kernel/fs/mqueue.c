/* POSIX message queues: messages by priority, waiting, one notification at a time. */
#include <asm/poll.h>
#include <asm/siginfo.h>
#include <linux/capability.h>
#include <linux/resource.h>
#include "mqueue_i.h"
#include "proc.h"
#include "sysctl.h"

enum { HARD_MSG_MAX = 65536, HARD_SIZE_MAX = 16 << 20, NODE_COST = 48 };

struct message { struct list link; u32 prio; u64 len; void *text; };

struct mqueue {
    struct mutex lock;
    struct list messages;               /* highest priority first, then oldest */
    u64 max_messages, max_size, n, bytes;
    u32 receivers_waiting;
    struct waitq rd_wq, wr_wq;
    /* notification: owner 0: nobody has asked */
    struct proc *owner;                 /* counted */
    int signo;
    u64 value;
    u64 cost, *charged;                 /* of RLIMIT_MSGQUEUE; the user's sum */
};

/* Bytes that queues may hold by maker's user id; ids that agree in the low bits share. */
static u64 charged[64];

static struct mqueue *queue_of(const struct file *f) { return tinode_of(f->inode)->mq; }

/* -- making -- */

static int check_limits(const struct mq_attr *a)
{
    bool trusted = capable(CAP_SYS_RESOURCE);
    u64 most = trusted ? HARD_MSG_MAX : sysctl_get(SC_MQ_MSG_MAX);
    u64 largest = trusted ? HARD_SIZE_MAX : sysctl_get(SC_MQ_SIZE_MAX);

    if (a->mq_maxmsg <= 0 || a->mq_msgsize <= 0) return -EINVAL;
    return (u64)a->mq_maxmsg > most || (u64)a->mq_msgsize > largest ? -EINVAL : 0;
}

struct mqueue *mqueue_new(const struct mq_attr *a, int *err_r)
{
    struct mqueue *q;

    *err_r = check_limits(a);
    if (*err_r) return NULL;
    *err_r = -ENOMEM;
    q = kzalloc(sizeof *q);
    if (!q) return NULL;
    q->max_messages = (u64)a->mq_maxmsg;
    q->max_size = (u64)a->mq_msgsize;
    q->cost = q->max_messages * (q->max_size + NODE_COST + 8);
    q->charged = &charged[current()->cred->uid % ARRAY_SIZE(charged)];
    list_init(&q->messages);
    waitq_init(&q->rd_wq);
    waitq_init(&q->wr_wq);
    if (__atomic_add_fetch(q->charged, q->cost, __ATOMIC_RELAXED) <=
        rlimit(current()->proc, RLIMIT_MSGQUEUE))
        return q;
    *err_r = -EMFILE;
    mqueue_free(q);
    return NULL;
}

static void message_free(struct message *m)
{
    kfree(m->text);
    kfree(m);
}

static void forget_owner(struct mqueue *q)
{
    if (q->owner) proc_put(q->owner);
    q->owner = NULL;
}

void mqueue_free(struct mqueue *q)
{
    while (!list_empty(&q->messages)) {
        struct message *m = list_first(&q->messages, struct message, link);

        list_del(&m->link);
        message_free(m);
    }
    forget_owner(q);
    __atomic_sub_fetch(q->charged, q->cost, __ATOMIC_RELAXED);
    kfree(q);
}

/* -- sending -- */

static void enqueue(struct mqueue *q, struct message *m)
{
    struct message *k;

    list_for_each(k, &q->messages, link)
        if (k->prio < m->prio) break;
    list_add_tail(&k->link, &m->link);  /* before k, or at the end */
    q->n++;
    q->bytes += m->len;
}

/* A message came to the empty queue and nobody waits for one. */
static void notify(struct mqueue *q)
{
    const struct task *t = current();
    struct ksiginfo info = { .signo = q->signo, .code = SI_MESGQ, .pid = pid_nr(t->proc->pid),
                             .uid = t->cred->uid, .value = q->value };

    if (!q->owner) return;
    if (q->signo) signal_send_proc(q->owner, q->signo, &info);
    forget_owner(q);
}

/* Waits with the lock given up until cond_wq is woken: 0 or why not to wait on. */
static int wait_for(struct mqueue *q, struct file *f, struct waitq *wq, u64 deadline)
{
    struct waiter w;
    int r;

    if (f->flags & O_NONBLOCK) return -EAGAIN;
    if (!deadline) return -ETIMEDOUT;
    waiter_init(&w);
    waitq_add(wq, &w);
    mutex_unlock(&q->lock);
    r = task_sleep(deadline, true);
    mutex_lock(&q->lock);
    waitq_remove(wq, &w);
    return r;
}

int mq_send(struct file *f, void *text, u64 n, u32 prio, u64 deadline)
{
    struct mqueue *q = queue_of(f);
    struct message *m = n > q->max_size ? NULL : kmalloc(sizeof *m);
    int r = 0;

    if (!m) {
        kfree(text);
        return n > q->max_size ? -EMSGSIZE : -ENOMEM;
    }
    *m = (struct message){ .prio = prio, .len = n, .text = text };
    mutex_lock(&q->lock);
    while (!r && q->n >= q->max_messages) r = wait_for(q, f, &q->wr_wq, deadline);
    if (q->n < q->max_messages) {       /* even if a signal or the time came as well */
        r = 0;
        enqueue(q, m);
        if (q->n == 1 && !q->receivers_waiting) notify(q);
        f->inode->atime = f->inode->mtime = f->inode->ctime = time_real();
    }
    mutex_unlock(&q->lock);
    if (r < 0) message_free(m);
    else waitq_wake_all(&q->rd_wq, POLLIN | POLLRDNORM);
    return r;
}

/* -- receiving -- */

ssize_t mq_receive(struct file *f, u64 max, u64 deadline, u32 *prio_r, void **text_r)
{
    struct mqueue *q = queue_of(f);
    struct message *m;
    ssize_t r = 0;

    if (max < q->max_size) return -EMSGSIZE;
    mutex_lock(&q->lock);
    q->receivers_waiting++;
    while (!r && !q->n) r = wait_for(q, f, &q->rd_wq, deadline);
    q->receivers_waiting--;
    if (q->n) {
        m = list_first(&q->messages, struct message, link);
        list_del(&m->link);
        q->n--;
        q->bytes -= m->len;
        *prio_r = m->prio;
        *text_r = m->text;
        r = (ssize_t)m->len;
        kfree(m);
        f->inode->atime = f->inode->ctime = time_real();
    }
    mutex_unlock(&q->lock);
    if (r >= 0) waitq_wake_all(&q->wr_wq, POLLOUT | POLLWRNORM);
    return r;
}

/* -- the rest -- */

int mq_notify(struct file *f, int signo, u64 value)
{
    struct mqueue *q = queue_of(f);
    struct proc *p = current()->proc;
    int r = 0;

    mutex_lock(&q->lock);
    if (q->owner) {
        r = -EBUSY;
    } else {
        ref_get(&p->ref);
        q->owner = p;
        q->signo = signo;
        q->value = value;
    }
    mutex_unlock(&q->lock);
    return r;
}

void mq_notify_none(struct file *f)
{
    struct mqueue *q = queue_of(f);

    mutex_lock(&q->lock);
    if (q->owner == current()->proc) forget_owner(q);
    mutex_unlock(&q->lock);
}

void mq_attr_get(struct file *f, struct mq_attr *a)
{
    struct mqueue *q = queue_of(f);

    memset(a, 0, sizeof *a);
    mutex_lock(&q->lock);
    a->mq_flags = f->flags & O_NONBLOCK;
    a->mq_maxmsg = (long)q->max_messages;
    a->mq_msgsize = (long)q->max_size;
    a->mq_curmsgs = (long)q->n;
    mutex_unlock(&q->lock);
}

bool file_is_mq(const struct file *f) { return f->ops == &mqueue_fops; }

/* A descriptor is closed: the process hears of no messages any more. */
static int mqueue_flush(struct file *f)
{
    mq_notify_none(f);
    return 0;
}

static ssize_t mqueue_read(struct file *f, struct uio *u, loff_t *pos)
{
    struct mqueue *q = queue_of(f);
    char line[80];
    size_t n;

    mutex_lock(&q->lock);
    n = (size_t)snprintf(line, sizeof line,
                         "QSIZE:%-10llu NOTIFY:%-5d SIGNO:%-5d NOTIFY_PID:%-6d\n",
                         (unsigned long long)q->bytes, q->owner && !q->signo ? SIGEV_NONE : 0,
                         q->owner ? q->signo : 0, q->owner ? pid_nr(q->owner->pid) : 0);
    mutex_unlock(&q->lock);
    if (*pos < 0 || (size_t)*pos >= n) return 0;
    ssize_t r = uio_write(u, line + *pos, min(n - (size_t)*pos, u->left));
    if (r > 0) *pos += r;
    return r;
}

static u32 mqueue_poll(struct file *f, struct polltable *pt)
{
    struct mqueue *q = queue_of(f);
    u64 n;

    poll_wait(pt, f, &q->rd_wq);
    poll_wait(pt, f, &q->wr_wq);
    n = READ_ONCE(q->n);
    return (n ? POLLIN | POLLRDNORM : 0) | (n < q->max_messages ? POLLOUT | POLLWRNORM : 0);
}

const struct file_ops mqueue_fops = {
    .flush = mqueue_flush, .read = mqueue_read, .poll = mqueue_poll,
};
