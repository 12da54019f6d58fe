#include "hv/dev/queue.h"

#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_ring.h>
#include <string.h>

#include "hv/dev/log.h"
#include "hv/dev/keep.h"

/* Guest memory is read through these, once per value, so that a check and the use of
 * what was checked can't see different values. */
#define LOAD(p)     __atomic_load_n((p), __ATOMIC_RELAXED)
#define LOAD_ACQ(p) __atomic_load_n((p), __ATOMIC_ACQUIRE)

static uint16_t *avail_idx(const struct vq *q) { return (uint16_t *)(void *)(q->avail + 2); }
static uint16_t *used_idx(const struct vq *q) { return (uint16_t *)(void *)(q->used + 2); }

void dev_init(struct dev *d, const struct dev_mem *mem, unsigned index, unsigned nvqs,
              const char *name)
{
    memset(d, 0, sizeof(*d));
    d->mem = mem;
    d->boot = (struct xenc_boot *)(void *)mem->base;
    d->regs = &d->boot->dev[index];
    d->index = index;
    d->nvqs = nvqs;
    d->name = name;
    d->irq_fd = -1;
    dev_keep(d, &d->own);
}

void dev_keep(struct dev *d, struct dev_keep *k)
{
    d->keep = k;
    for (unsigned i = 0; i < XENC_MAX_VQS; i++)
        d->vq[i].keep = &k->vq[i];
}

/* The status bit tells the guest; the log line tells people. */
static void dev_break(struct dev *d, unsigned q, const char *why)
{
    if (__atomic_exchange_n(&d->keep->broken, 1, __ATOMIC_SEQ_CST))
        return;
    __atomic_fetch_or(&d->regs->status, VIRTIO_CONFIG_S_NEEDS_RESET, __ATOMIC_SEQ_CST);
    dlog("%s: device broken by its driver: queue %u: %s", d->name, q, why);
    dev_config_changed(d);
}

/* Makes the last completion visible. Again does no harm. */
static void vq_publish(struct vq *q)
{
    const struct vq_keep *k = q->keep;
    unsigned i = (unsigned)(k->done - 1);
    struct vring_used_elem e = { .id = k->last[i & 1].head, .len = k->last[i & 1].len };

    memcpy(q->used + 4 + 8u * (i & (q->num - 1u)), &e, sizeof(e));
    __atomic_store_n(used_idx(q), (uint16_t)k->done, __ATOMIC_RELEASE);
}

/* Address of [gpa, gpa+len) here, or NULL when any of it is outside. */
static uint8_t *at(const struct dev_mem *m, uint64_t gpa, uint64_t len)
{
    if (gpa > m->size || len > m->size - gpa)
        return NULL;
    return m->base + gpa;
}

/* Chains are completed in order, so a number says it all. Of a queue that nobody of us
 * has served before it is the used ring's. */
static void vq_find_place(struct vq *q, const struct xenc_vq *at, uint32_t which)
{
    struct vq_keep *k = q->keep;

    if (k->which == which && k->desc == at->desc && k->avail == at->avail &&
        k->used == at->used && k->num == at->num) {
        if (k->done > k->from)
            vq_publish(q);
    } else {
        k->which = 0;
        KEEP_ORDER();
        k->desc = at->desc;
        k->avail = at->avail;
        k->used = at->used;
        k->num = at->num;
        k->from = k->done = LOAD(used_idx(q));
        KEEP_ORDER();
        k->which = which;
    }
    q->next_avail = (uint16_t)k->done;
}

static bool vq_setup(struct dev *d, unsigned i, uint32_t which)
{
    const struct xenc_vq *r = &d->regs->vq[i];
    uint64_t desc = LOAD(&r->desc), avail = LOAD(&r->avail), used = LOAD(&r->used);
    uint32_t num = LOAD(&r->num);
    struct vq *q = &d->vq[i];

    if (num == 0 || num > VQ_MAX_NUM || (num & (num - 1))) {
        dev_break(d, i, "bad queue size");
        return false;
    }
    q->desc = at(d->mem, desc, 16ull * num);
    q->avail = at(d->mem, avail, 6 + 2ull * num);
    q->used = at(d->mem, used, 6 + 8ull * num);
    if (!q->desc || !q->avail || !q->used || desc % 16 || avail % 2 || used % 4) {
        dev_break(d, i, "queue outside memory or misaligned");
        return false;
    }
    q->num = (uint16_t)num;
    vq_find_place(q, &(struct xenc_vq){ desc, avail, used, num, 0 }, which);
    q->ready = true;
    return true;
}

static struct vq *vq_get(struct dev *d, unsigned i)
{
    uint32_t status = LOAD_ACQ(&d->regs->status);
    struct vq *q = &d->vq[i];

    if (!(status & VIRTIO_CONFIG_S_DRIVER_OK)) {
        q->ready = false;
        q->keep->which = 0;
        if (status == 0)
            __atomic_store_n(&d->keep->broken, 0, __ATOMIC_SEQ_CST);
        return NULL;
    }
    if (__atomic_load_n(&d->keep->broken, __ATOMIC_RELAXED))
        return NULL;
    uint32_t which = LOAD_ACQ(&d->regs->vq[i].ready);
    if (which != q->which)
        q->ready = false;       /* reset and set up again while we looked elsewhere */
    q->which = which;
    if (!q->ready && (!which || !vq_setup(d, i, which)))
        return NULL;
    return q;
}

bool dev_avail(struct dev *d, unsigned i)
{
    struct vq *q = vq_get(d, i);

    return q && LOAD_ACQ(avail_idx(q)) != q->next_avail;
}

static const char *chain_add(struct chain *c, uint8_t *p, uint32_t len, bool write)
{
    unsigned n = c->nread + c->nwrite;
    struct iovec *last = n ? &c->iov[n - 1] : NULL;
    bool same = last && (write ? c->nwrite : c->nread) > 0;

    if (!write && c->nwrite)
        return "readable buffer behind a writable one";
    *(write ? &c->write_len : &c->read_len) += len;
    if (len == 0)
        return NULL;
    if (same && (uint8_t *)last->iov_base + last->iov_len == p) {
        last->iov_len += len;
        return NULL;
    }
    if (n == CHAIN_MAX)
        return "chain of too many parts";
    c->iov[n] = (struct iovec){ p, len };
    *(write ? &c->nwrite : &c->nread) += 1;
    return NULL;
}

/* Collects the chain that starts at c->head. Returns NULL or what is wrong with it. */
static const char *chain_walk(const struct dev_mem *m, const struct vq *q, struct chain *c)
{
    uint16_t i = c->head;

    for (unsigned steps = 0; steps < q->num; steps++) {
        struct vring_desc d;
        const char *bad;
        uint8_t *p;

        if (i >= q->num)
            return "descriptor number out of range";
        memcpy(&d, q->desc + 16u * i, sizeof(d));
        __asm__ volatile("" ::: "memory");      /* the copy is what counts from here */
        if (d.flags & ~(VRING_DESC_F_NEXT | VRING_DESC_F_WRITE))
            return "descriptor flags not offered";
        p = at(m, d.addr, d.len);
        if (!p)
            return "buffer outside memory";
        bad = chain_add(c, p, d.len, d.flags & VRING_DESC_F_WRITE);
        if (bad)
            return bad;
        if (!(d.flags & VRING_DESC_F_NEXT))
            return NULL;
        i = d.next;
    }
    return "loop of descriptors";
}

bool dev_pop(struct dev *d, unsigned i, struct chain *c)
{
    struct vq *q = vq_get(d, i);
    uint16_t idx, slot;
    const char *bad;

    if (!q)
        return false;
    idx = LOAD_ACQ(avail_idx(q));
    if (idx == q->next_avail)
        return false;
    if ((uint16_t)(idx - q->next_avail) > q->num) {
        dev_break(d, i, "available index jumped");
        return false;
    }
    slot = q->next_avail & (q->num - 1);
    c->head = LOAD((uint16_t *)(void *)(q->avail + 4 + 2u * slot));
    c->nread = c->nwrite = 0;
    c->read_len = c->write_len = 0;
    bad = chain_walk(d->mem, q, c);
    if (bad) {
        dev_break(d, i, bad);
        return false;
    }
    q->next_avail++;
    return true;
}

void dev_done(struct dev *d, unsigned i, const struct chain *c, uint32_t len)
{
    struct vq_keep *k = d->vq[i].keep;

    k->last[k->done & 1].head = c->head;
    k->last[k->done & 1].len = len;
    KEEP_ORDER();
    k->done++;
    KEEP_ORDER();
}

void dev_publish(struct dev *d, unsigned i)
{
    if (d->vq[i].ready)         /* not reset meanwhile */
        vq_publish(&d->vq[i]);
}

void dev_push(struct dev *d, unsigned i, const struct chain *c, uint32_t len)
{
    dev_done(d, i, c, len);
    dev_publish(d, i);
}

void dev_resume(struct dev *d)
{
    for (unsigned i = 0; i < d->nvqs; i++) {
        if (d->keep->vq[i].which && vq_get(d, i))
            dev_notify(d, i);
    }
    dev_config_changed(d);
}

static void dev_irq(struct dev *d)
{
    struct xenc_boot *b = d->boot;

    __atomic_fetch_or(&b->irq_pending, 1u << d->index, __ATOMIC_SEQ_CST);
    __atomic_fetch_add(&b->irq_seq, 1, __ATOMIC_SEQ_CST);
    if (d->irq_fd >= 0 || __atomic_load_n(&b->irq_waiting, __ATOMIC_SEQ_CST))
        dev_wake(d, &b->irq_seq);
}

void dev_notify(struct dev *d, unsigned i)
{
    struct xenc_dev *r = d->regs;
    uint16_t flags = 0;

    /* Sequentially consistent: the used index must be visible before the flags and
     * waiter counts are looked at, or a waiter that just went to sleep is missed. */
    if (r->type == VIRTIO_ID_FS)
        d->boot->answered_on = this_cpu();
    __atomic_fetch_add(&r->done_seq, 1, __ATOMIC_SEQ_CST);
    bool waited = __atomic_load_n(&r->done_waiting, __ATOMIC_SEQ_CST);
    if (d->vq[i].ready)
        flags = __atomic_load_n((uint16_t *)(void *)d->vq[i].avail, __ATOMIC_SEQ_CST);
    bool irq = d->vq[i].ready && !(flags & VRING_AVAIL_F_NO_INTERRUPT);
    /* By interrupt one is enough for both. */
    if (waited && (d->irq_fd < 0 || !irq))
        dev_wake(d, &r->done_seq);
    if (irq)
        dev_irq(d);
}

void dev_config_changed(struct dev *d)
{
    __atomic_fetch_add(&d->regs->config_gen, 1, __ATOMIC_SEQ_CST);
    dev_irq(d);
}

size_t iov_read(const struct iovec *iov, unsigned n, void *buf, size_t len)
{
    size_t done = 0;

    for (unsigned i = 0; i < n && done < len; i++) {
        size_t part = iov[i].iov_len < len - done ? iov[i].iov_len : len - done;

        memcpy((char *)buf + done, iov[i].iov_base, part);
        done += part;
    }
    return done;
}

size_t iov_write(const struct iovec *iov, unsigned n, const void *buf, size_t len)
{
    size_t done = 0;

    for (unsigned i = 0; i < n && done < len; i++) {
        size_t part = iov[i].iov_len < len - done ? iov[i].iov_len : len - done;

        memcpy(iov[i].iov_base, (const char *)buf + done, part);
        done += part;
    }
    return done;
}

unsigned iov_slice(struct iovec *iov, unsigned n, size_t skip, size_t keep)
{
    unsigned out = 0;

    for (unsigned i = 0; i < n && keep; i++) {
        struct iovec v = iov[i];

        if (skip >= v.iov_len) {
            skip -= v.iov_len;
            continue;
        }
        v.iov_base = (char *)v.iov_base + skip;
        v.iov_len -= skip;
        skip = 0;
        if (v.iov_len > keep)
            v.iov_len = keep;
        keep -= v.iov_len;
        iov[out++] = v;
    }
    return out;
}

_Static_assert(sizeof(struct vring_desc) == 16, "virtio 2.7.5");
_Static_assert(sizeof(struct vring_used_elem) == 8, "virtio 2.7.8");
