/* epoll. Every watched file is an item in the epoll's tree, keyed by file and number, and
 * has waiters in the file's queues; a wake puts the item on the ready list. epoll_wait
 * takes items from the list and asks their files again: level-triggered ones go back to
 * the list's end.
 *
 * Locks, in order: teardown (files and epolls that end, nesting), epoll->lock (tree,
 * items' events), then a queue's lock, then epoll->ready_lock. An epoll does not count
 * the files it watches: file_put tells it by epoll_file_gone. */
#include <asm/fcntl.h>
#include <asm/poll.h>
#include <linux/eventpoll.h>
#include "kpoll.h"
#include "task.h"

#define MAX_NESTS 4
#define KEEP_BITS (EPOLLWAKEUP | EPOLLONESHOT | EPOLLET | EPOLLEXCLUSIVE)

struct item;
struct item_wait {              /* an item in one of its file's queues */
    struct waiter w;
    struct waitq *q;
    struct item *it;
    struct item_wait *next;
};

struct item {
    struct rbnode node;
    struct epoll *ep;
    struct file *f;             /* not counted */
    int fd;
    u32 events;                 /* 0 but for KEEP_BITS: disabled after ONESHOT */
    u64 data;
    struct list ready_link;     /* ready_lock; linked when `ready` */
    bool ready;
    struct list file_link;      /* f->epitems; f->ep_lock */
    struct item_wait first, *waits;
    bool no_memory;
};

struct epoll {
    struct mutex lock;
    struct rbtree items;
    struct spinlock ready_lock;
    struct list ready;
    struct waitq wq;            /* epoll_wait sleeps here */
    struct waitq poll_wq;       /* those who poll the epoll itself */
    struct file *file;
};

static struct mutex teardown;
static const struct file_ops epoll_fops;

bool file_is_epoll(const struct file *f)
{
    return f->ops == &epoll_fops;
}

static void mark_ready(struct item *it)
{
    struct epoll *ep = it->ep;

    spin_lock(&ep->ready_lock);
    if (!it->ready) {
        it->ready = true;
        list_add_tail(&ep->ready, &it->ready_link);
    }
    spin_unlock(&ep->ready_lock);
}

static void wake_epoll(struct epoll *ep)
{
    waitq_wake(&ep->wq, POLLIN | POLLRDNORM);
    waitq_wake(&ep->poll_wq, POLLIN | POLLRDNORM);
}

/* The file's queue was woken; its lock is held. */
static void item_woken(struct waiter *w, u32 events)
{
    struct item *it = container_of(w, struct item_wait, w)->it;
    u32 wanted = READ_ONCE(it->events);

    if (!(wanted & ~KEEP_BITS) || (events && !(events & wanted)))
        return;
    mark_ready(it);
    wake_epoll(it->ep);
}

/* -- items -- */

struct attach { struct polltable pt; struct item *it; };

static void attach_queue(struct polltable *pt, struct file *f, struct waitq *q)
{
    struct item *it = container_of(pt, struct attach, pt)->it;
    struct item_wait *w = it->first.q ? kzalloc(sizeof *w) : &it->first;

    if (!w) {
        it->no_memory = true;
        return;
    }
    waiter_init(&w->w);
    w->w.fn = item_woken;
    w->w.exclusive = it->events & EPOLLEXCLUSIVE;
    w->q = q;
    w->it = it;
    w->next = it->waits;
    it->waits = w;
    waitq_add(q, &w->w);
}

static s64 item_order(const struct item *it, const struct file *f, int fd)
{
    if (it->f != f)
        return it->f < f ? 1 : -1;
    return (s64)fd - it->fd;
}

static struct item *find_item(struct epoll *ep, const struct file *f, int fd)
{
    struct rbnode *n = ep->items.root;

    while (n) {
        struct item *it = container_of(n, struct item, node);
        s64 c = item_order(it, f, fd);
        if (!c)
            return it;
        n = c < 0 ? n->left : n->right;
    }
    return NULL;
}

static void insert_item(struct epoll *ep, struct item *it)
{
    struct rbnode **link = &ep->items.root, *parent = NULL;

    while (*link) {
        parent = *link;
        struct item *other = container_of(parent, struct item, node);
        link = item_order(other, it->f, it->fd) < 0 ? &parent->left : &parent->right;
    }
    rb_insert(&ep->items, &it->node, parent, link);
}

/* ep->lock held. */
static void remove_item(struct epoll *ep, struct item *it)
{
    while (it->waits) {
        struct item_wait *w = it->waits;
        waitq_remove(w->q, &w->w);
        it->waits = w->next;
        if (w != &it->first)
            kfree(w);
    }
    spin_lock(&it->f->ep_lock);
    list_del(&it->file_link);
    spin_unlock(&it->f->ep_lock);
    spin_lock(&ep->ready_lock);
    if (it->ready)
        list_del(&it->ready_link);
    spin_unlock(&ep->ready_lock);
    rb_erase(&ep->items, &it->node);
    kfree(it);
}

static int add_item(struct epoll *ep, int fd, struct file *f, u32 events, u64 data)
{
    struct item *it = kzalloc(sizeof *it);

    if (!it)
        return -ENOMEM;
    it->ep = ep;
    it->f = f;
    it->fd = fd;
    it->events = events;
    it->data = data;
    insert_item(ep, it);
    spin_lock(&f->ep_lock);
    list_add_tail(&f->epitems, &it->file_link);
    spin_unlock(&f->ep_lock);
    struct attach a = { .pt.add = attach_queue, .it = it };
    u32 mask = file_poll(f, &a.pt);
    if (it->no_memory) {
        remove_item(ep, it);
        return -ENOMEM;
    }
    if (mask & events) {
        mark_ready(it);
        wake_epoll(ep);
    }
    return 0;
}

static void modify_item(struct epoll *ep, struct item *it, u32 events, u64 data)
{
    it->data = data;
    WRITE_ONCE(it->events, events);
    /* a wake from now on sees the new events; what came before is seen here */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (file_poll(it->f, NULL) & events) {
        mark_ready(it);
        wake_epoll(ep);
    }
}

/* -- nesting: epolls watching epolls must neither make a ring nor a tower -- */

/* Levels of epolls below ep, or -ELOOP when `target` is among them or there are too many.
 * teardown held. */
static int depth_below(struct epoll *ep, const struct epoll *target, int level)
{
    int deepest = 0;

    if (ep == target || level > MAX_NESTS)
        return -ELOOP;
    mutex_lock(&ep->lock);
    for (struct rbnode *n = rb_first(&ep->items); n && deepest >= 0; n = rb_next(n)) {
        struct file *f = container_of(n, struct item, node)->f;
        if (!file_is_epoll(f))
            continue;
        int d = depth_below(f->priv, target, level + 1);
        deepest = d < 0 ? d : max(deepest, d + 1);
    }
    mutex_unlock(&ep->lock);
    return deepest;
}

/* Levels of epolls that watch f; teardown keeps them there. */
static int depth_above(struct file *f, int level)
{
    struct item *it;
    int highest = 0;

    if (level > MAX_NESTS)
        return level;
    spin_lock(&f->ep_lock);
    list_for_each(it, &f->epitems, file_link)
        highest = max(highest, 1 + depth_above(it->ep->file, level + 1));
    spin_unlock(&f->ep_lock);
    return highest;
}

static int add_checked(struct epoll *ep, int fd, struct file *f, u32 events, u64 data)
{
    bool nested = file_is_epoll(f);
    int r = 0;

    if (nested) {
        mutex_lock(&teardown);
        r = depth_below(f->priv, ep, 0);
        if (r >= 0)
            r = r + 1 + depth_above(ep->file, 0) > MAX_NESTS ? -ELOOP : 0;
    }
    if (!r) {
        mutex_lock(&ep->lock);
        r = find_item(ep, f, fd) ? -EEXIST : add_item(ep, fd, f, events, data);
        mutex_unlock(&ep->lock);
    }
    if (nested)
        mutex_unlock(&teardown);
    return r;
}

int epoll_ctl(struct file *epf, int op, int fd, struct file *f, u32 events, u64 data)
{
    const u32 exclusive_ok = EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLWAKEUP | EPOLLET |
                             EPOLLEXCLUSIVE;
    int r = 0;

    if (!f->ops->poll)
        return -EPERM;
    if (!file_is_epoll(epf) || epf == f)
        return -EINVAL;
    if (op != EPOLL_CTL_DEL && (events & EPOLLEXCLUSIVE) &&
        (op == EPOLL_CTL_MOD || file_is_epoll(f) || (events & ~exclusive_ok)))
        return -EINVAL;
    struct epoll *ep = epf->priv;
    events |= EPOLLERR | EPOLLHUP;
    if (op == EPOLL_CTL_ADD)
        return add_checked(ep, fd, f, events, data);
    mutex_lock(&ep->lock);
    struct item *it = find_item(ep, f, fd);
    if (!it)
        r = op == EPOLL_CTL_DEL || op == EPOLL_CTL_MOD ? -ENOENT : -EINVAL;
    else if (op == EPOLL_CTL_DEL)
        remove_item(ep, it);
    else if (op != EPOLL_CTL_MOD || (it->events & EPOLLEXCLUSIVE))
        r = -EINVAL;
    else
        modify_item(ep, it, events, data);
    mutex_unlock(&ep->lock);
    return r;
}

/* -- waiting -- */

static struct item *pop_ready(struct epoll *ep)
{
    struct item *it = NULL;

    spin_lock(&ep->ready_lock);
    if (!list_empty(&ep->ready)) {
        it = list_first(&ep->ready, struct item, ready_link);
        list_del(&it->ready_link);
        it->ready = false;
    }
    spin_unlock(&ep->ready_lock);
    return it;
}

/* Reports up to max events; lock held. */
static long report(struct epoll *ep, uptr_t events, u32 max)
{
    struct item *again[32];             /* level-triggered ones go back afterwards */
    u32 nagain = 0, n = 0;
    long r = 0;

    max = min(max, (u32)ARRAY_SIZE(again));
    while (n < max) {
        struct item *it = pop_ready(ep);
        if (!it)
            break;
        u32 mask = file_poll(it->f, NULL) & it->events;
        if (!mask)
            continue;
        struct epoll_event ev = { .events = mask, .data = it->data };
        if (copy_to_user(events + n * sizeof ev, &ev, sizeof ev)) {
            again[nagain++] = it;
            r = -EFAULT;
            break;
        }
        n++;
        if (it->events & EPOLLONESHOT)
            WRITE_ONCE(it->events, it->events & KEEP_BITS);
        else if (!(it->events & EPOLLET))
            again[nagain++] = it;
    }
    for (u32 i = 0; i < nagain; i++)
        mark_ready(again[i]);
    return n ? n : r;
}

static bool nothing_ready(struct epoll *ep)
{
    return READ_ONCE(ep->ready.next) == &ep->ready;
}

static int sleep_for_events(struct epoll *ep, u64 deadline)
{
    struct waiter w;
    int r = 0;

    waiter_init(&w);
    w.exclusive = true;
    waitq_add(&ep->wq, &w);
    while (nothing_ready(ep) && !r)
        r = task_sleep(deadline, true);
    waitq_remove(&ep->wq, &w);
    if (r && !nothing_ready(ep))
        waitq_wake(&ep->wq, 0);         /* the wake was for this task alone */
    return r;
}

long epoll_wait(struct file *epf, uptr_t events, u32 max, u64 deadline)
{
    struct epoll *ep = epf->priv;
    int r = 0;

    for (;;) {
        long n = 0;
        if (!nothing_ready(ep)) {
            mutex_lock(&ep->lock);
            n = report(ep, events, max);
            mutex_unlock(&ep->lock);
        }
        if (n) {
            if (!nothing_ready(ep))
                waitq_wake(&ep->wq, 0); /* others may share the work */
            return n;
        }
        if (deadline == 0 || r == -ETIMEDOUT)
            return 0;
        if (r)
            return -EINTR;
        r = sleep_for_events(ep, deadline);
    }
}

/* -- the epoll as a file -- */

static u32 epoll_poll(struct file *f, struct polltable *pt)
{
    struct epoll *ep = f->priv;
    struct item *it;
    u32 mask = 0;

    poll_wait(pt, f, &ep->poll_wq);
    if (nothing_ready(ep))
        return 0;
    mutex_lock(&ep->lock);
    while (!mask && (it = pop_ready(ep)))
        if (file_poll(it->f, NULL) & it->events) {
            mark_ready(it);
            mask = POLLIN | POLLRDNORM;
        }
    mutex_unlock(&ep->lock);
    return mask;
}

static void epoll_release(struct file *f)
{
    struct epoll *ep = f->priv;

    mutex_lock(&teardown);
    mutex_lock(&ep->lock);
    while (ep->items.root)
        remove_item(ep, container_of(ep->items.root, struct item, node));
    mutex_unlock(&ep->lock);
    mutex_unlock(&teardown);
    kfree(ep);
}

void epoll_file_gone(struct file *f)
{
    if (list_empty(&f->epitems))
        return;
    mutex_lock(&teardown);
    for (;;) {
        /* EPOLL_CTL_DEL may run beside: look again under the epoll's own lock */
        spin_lock(&f->ep_lock);
        struct epoll *ep = list_empty(&f->epitems) ? NULL :
                           list_first(&f->epitems, struct item, file_link)->ep;
        spin_unlock(&f->ep_lock);
        if (!ep)
            break;
        mutex_lock(&ep->lock);
        spin_lock(&f->ep_lock);
        struct item *it = list_empty(&f->epitems) ? NULL :
                          list_first(&f->epitems, struct item, file_link);
        spin_unlock(&f->ep_lock);
        if (it && it->ep == ep)
            remove_item(ep, it);
        mutex_unlock(&ep->lock);
    }
    mutex_unlock(&teardown);
}

static const struct file_ops epoll_fops = { .release = epoll_release, .poll = epoll_poll };

struct file *epoll_new(void)
{
    struct epoll *ep = kzalloc(sizeof *ep);

    if (!ep)
        return NULL;
    list_init(&ep->ready);
    waitq_init(&ep->wq);
    waitq_init(&ep->poll_wq);
    struct file *f = file_anon("anon_inode:[eventpoll]", &epoll_fops, ep, FMODE_READ |
                               FMODE_WRITE | FMODE_STREAM, O_RDWR);
    if (!f) {
        kfree(ep);
        return NULL;
    }
    ep->file = f;
    return f;
}
