/* poll and select: ask every file; if none is ready, sleep on all their queues and ask
 * again. */
#include <asm/poll.h>
#include "kpoll.h"
#include "task.h"

u32 file_poll(struct file *f, struct polltable *pt)
{
    if (!f->ops->poll)
        return POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM;
    return f->ops->poll(f, pt);
}

/* -- the queues that one call sleeps on -- */

struct entry {
    struct waiter w;
    struct waitq *q;
    struct file *f;             /* counted: keeps the queue there */
    u32 events;
};
#define INLINE_ENTRIES 6
struct block { struct block *next; struct entry e[30]; };

struct poller {
    struct polltable pt;
    u32 events;                 /* of the file being asked */
    u32 n;
    bool no_memory;
    struct block *more;         /* newest first; the newest may be partly used */
    struct entry e[INLINE_ENTRIES];
};

static void wake_if_wanted(struct waiter *w, u32 events)
{
    const struct entry *e = container_of(w, struct entry, w);

    if (!events || (events & e->events))
        task_wake(w->task);
}

static struct entry *new_entry(struct poller *p)
{
    if (p->n < INLINE_ENTRIES)
        return &p->e[p->n++];
    u32 i = (p->n - INLINE_ENTRIES) % ARRAY_SIZE(p->more->e);
    if (i == 0) {
        struct block *b = kmalloc(sizeof *b);
        if (!b)
            return NULL;
        b->next = p->more;
        p->more = b;
    }
    p->n++;
    return &p->more->e[i];
}

static void add_entry(struct polltable *pt, struct file *f, struct waitq *q)
{
    struct poller *p = container_of(pt, struct poller, pt);
    struct entry *e = new_entry(p);

    if (!e) {
        p->no_memory = true;
        return;
    }
    waiter_init(&e->w);
    e->w.fn = wake_if_wanted;
    e->q = q;
    e->f = f;
    e->events = p->events;
    file_get(f);
    waitq_add(q, &e->w);
}

static void drop_entry(struct entry *e)
{
    waitq_remove(e->q, &e->w);
    file_put(e->f);
}

static void poller_end(struct poller *p)
{
    while (p->n > INLINE_ENTRIES) {
        struct block *b = p->more;
        u32 i = (p->n - INLINE_ENTRIES - 1) % ARRAY_SIZE(b->e);
        drop_entry(&b->e[i]);
        p->n--;
        if (i == 0) {
            p->more = b->next;
            kfree(b);
        }
    }
    while (p->n)
        drop_entry(&p->e[--p->n]);
}

/* Asks until something is ready. scan returns how many are; it is given a table to put
 * itself in the queues with, the first time. */
static long poller_run(long (*scan)(struct poller *p, void *arg, bool enqueue), void *arg,
                       u64 deadline)
{
    struct poller p = { .pt.add = add_entry };
    bool first = deadline != 0;
    int r = 0;
    long n;

    for (;;) {
        n = scan(&p, arg, first);
        if (!n && !p.no_memory && signal_pending(current()))
            n = -ERESTARTNOHAND;        /* before the time's end, as Linux has it */
        if (n || r == -ETIMEDOUT || deadline == 0)
            break;
        if (p.no_memory) {
            n = -ENOMEM;
            break;
        }
        if (r) {
            n = -ERESTARTNOHAND;
            break;
        }
        first = false;
        r = task_sleep(deadline, true);
    }
    poller_end(&p);
    return n;
}

/* What fd offers of `wanted`, or -EBADF. */
static int ask(struct poller *p, int fd, u32 wanted, bool enqueue)
{
    struct file *f = fd_get(fd);

    if (!f)
        return -EBADF;
    p->events = wanted | POLLERR | POLLHUP;
    u32 mask = file_poll(f, enqueue ? &p->pt : NULL) & p->events;
    file_put(f);
    return (int)mask;
}

/* -- poll -- */

struct poll_args { struct pollfd *fds; u32 n; };

static long scan_poll(struct poller *p, void *arg, bool enqueue)
{
    struct poll_args *a = arg;
    long ready = 0;

    for (u32 i = 0; i < a->n; i++) {
        struct pollfd *pf = &a->fds[i];
        pf->revents = 0;
        if (pf->fd < 0)
            continue;
        int mask = ask(p, pf->fd, (u16)pf->events, enqueue && !ready);
        pf->revents = mask < 0 ? POLLNVAL : (short)mask;
        ready += pf->revents != 0;
    }
    return ready;
}

long poll_fds(struct pollfd *fds, u32 n, u64 deadline)
{
    struct poll_args a = { fds, n };

    return poller_run(scan_poll, &a, deadline);
}

/* -- select -- */

struct select_args { u32 n; u64 *const *in, *const *out; };

static const u32 select_masks[3] = {
    POLLRDNORM | POLLRDBAND | POLLIN | POLLHUP | POLLERR,
    POLLWRBAND | POLLWRNORM | POLLOUT | POLLERR,
    POLLPRI,
};

static long select_one(struct poller *p, struct select_args *a, u32 fd, bool enqueue)
{
    u32 word = fd / 64, wanted = 0;
    u64 bit = 1ull << fd % 64;
    long ready = 0;

    for (int k = 0; k < 3; k++)
        if (a->in[k] && (a->in[k][word] & bit))
            wanted |= select_masks[k];
    int mask = ask(p, (int)fd, wanted, enqueue);
    if (mask < 0)
        return mask;
    for (int k = 0; k < 3; k++)
        if (a->in[k] && (a->in[k][word] & bit) && ((u32)mask & select_masks[k])) {
            a->out[k][word] |= bit;
            ready++;
        }
    return ready;
}

static long scan_select(struct poller *p, void *arg, bool enqueue)
{
    struct select_args *a = arg;
    u32 words = (a->n + 63) / 64;
    long ready = 0;

    for (int k = 0; k < 3; k++)
        if (a->in[k])
            memset(a->out[k], 0, words * 8);
    for (u32 w = 0; w < words; w++) {
        u64 set = 0;
        for (int k = 0; k < 3; k++)
            set |= a->in[k] ? a->in[k][w] : 0;
        for (; set; set &= set - 1) {
            u32 fd = w * 64 + (u32)__builtin_ctzll(set);
            if (fd >= a->n)
                break;
            long r = select_one(p, a, fd, enqueue && !ready);
            if (r < 0)
                return r;
            ready += r;
        }
    }
    return ready;
}

long select_fds(u32 n, u64 *const in[3], u64 *const out[3], u64 deadline)
{
    struct select_args a = { n, in, out };

    return poller_run(scan_select, &a, deadline);
}
