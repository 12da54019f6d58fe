/* Writes nonsense where the guest kernel and the host's side meet. usage: scribble MODE SEED
 *   kernel   stores all over the kernel's data while it works
 *   boot     stores all over the boot area and the log
 *   rings    descriptors, indices, device registers, with the doorbell after each
 *   raw      whole rings of random bytes
 *   fuse     well-formed chains with bogus FUSE messages; a reply that shows a file
 *            outside the container's tree is reported as ESCAPED */
#include "hostile.h"

#include <linux/fuse.h>
#include <limits.h>
#include <linux/virtio_ring.h>

#define ROUNDS 3000

static u64 seed;

static uint64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* A report that needs no guest kernel: the monitor prints it when the first process ends. */
static void report(const char *text)
{
    strncpy(BOOT->panic, text, sizeof BOOT->panic - 1);
    BOOT->state = XENC_ST_PANIC;
    raw(SYS_exit_group, 1, 0, 0, 0, 0, 0);
}

static void ring_bell(struct xenc_dev *d)
{
    __atomic_add_fetch(&d->doorbell, 1, __ATOMIC_SEQ_CST);
    raw(SYS_futex, (u64)&d->doorbell, 1 /* WAKE */, INT_MAX, 0, 0, 0);
}

static void smear(u64 from, u64 len, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        u64 at = from + rnd(&seed) % len;
        if (rnd(&seed) & 1)
            *(volatile uint8_t *)at = (uint8_t)rnd(&seed);
        else
            *(volatile u64 *)(at & ~7ull) = rnd(&seed) >> (rnd(&seed) & 63);
    }
}

static void kernel(void)
{
    u64 end = now_ms() + 300;

    while (now_ms() < end) {
        smear(PV_MEM_BASE + PV_DATA_OFF, KERNEL_SPAN, 8);
        getppid();
        close(open("/bin/busybox", O_RDONLY));
    }
}

static void boot(void)
{
    u64 end = now_ms() + 300;

    while (now_ms() < end) {
        smear(PV_MEM_BASE, 8192, 16);
        raw(SYS_futex, (u64)&BOOT->irq_seq, 1, INT_MAX, 0, 0, 0);
        raw(SYS_futex, (u64)&BOOT->ctl_seq, 1, INT_MAX, 0, 0, 0);
        raw(SYS_futex, (u64)&BOOT->state, 1, INT_MAX, 0, 0, 0);
        for (unsigned i = 0; i < 4; i++)
            ring_bell(&BOOT->dev[i]);
    }
}

static void *mem(gpa_t at, u64 len)
{
    if (at > BOOT->mem_size || len > BOOT->mem_size - at)
        at = 0x100000;
    return (void *)(PV_MEM_BASE + at);
}

/* Addresses that are wrong by little are the better ones. */
static u64 bad_gpa(void)
{
    u64 size = BOOT->mem_size;
    const u64 at[] = { 0, size, size - 1, size + 1, ~0ull, ~0ull - 4095, rnd(&seed),
                       rnd(&seed) % size, 1ull << 63, size - 4096, 1 };

    return at[rnd(&seed) % (sizeof at / sizeof *at)];
}

static void mangle(struct xenc_dev *d, unsigned q)
{
    struct xenc_vq *v = &d->vq[q];
    unsigned num = v->num && v->num <= 1024 ? v->num : 64;
    struct vring_desc *desc = mem(v->desc, num * sizeof *desc);
    uint16_t *avail = mem(v->avail, 6 + 2 * num);

    for (unsigned i = 0; i < 4; i++)
        desc[rnd(&seed) % num] = (struct vring_desc){
            bad_gpa(), (uint32_t)(rnd(&seed) >> (rnd(&seed) & 63)), rnd(&seed) & 7,
            (uint16_t)(rnd(&seed) % (num + 2)) };
    avail[2 + rnd(&seed) % num] = (uint16_t)rnd(&seed);
    avail[1] = (uint16_t)(avail[1] + (rnd(&seed) % 8 ? 1 : rnd(&seed)));
}

static void rings(void)
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct xenc_dev *d = &BOOT->dev[rnd(&seed) % 4];
        switch (rnd(&seed) % 40) {
        case 0: d->status = (uint32_t)rnd(&seed); break;
        case 1: d->guest_features = rnd(&seed); break;
        case 2: d->vq[rnd(&seed) % XENC_MAX_VQS].num = (uint32_t)(rnd(&seed) >> (rnd(&seed) & 63)); break;
        case 3: d->vq[rnd(&seed) % XENC_MAX_VQS].desc = bad_gpa(); break;
        case 4: d->vq[rnd(&seed) % XENC_MAX_VQS].used = bad_gpa(); break;
        case 5: d->doorbell_waiting = (uint32_t)rnd(&seed); break;
        case 6: d->config[rnd(&seed) % sizeof d->config] = (uint8_t)rnd(&seed); break;
        case 7: d->status = 0; d->vq[0].ready = d->vq[1].ready = 0; break;
        default: mangle(d, (unsigned)rnd(&seed) % 2);
        }
        ring_bell(d);
    }
}

static void raw_rings(void)
{
    for (unsigned i = 0; i < ROUNDS / 10; i++) {
        struct xenc_dev *d = &BOOT->dev[i % 4];
        for (unsigned q = 0; q < 2; q++) {
            unsigned num = d->vq[q].num <= 1024 ? d->vq[q].num : 64;
            smear((u64)mem(d->vq[q].desc, 16 * num + 16), 16 * num + 16, 64);
            smear((u64)mem(d->vq[q].avail, 2 * num + 16), 2 * num + 16, 64);
        }
        ring_bell(d);
    }
}

static const char *const names[] = { "..", ".", "../secret", "/etc/passwd", "/", "", "bin/../..",
                                     "proc", "0", "busybox", "a/b", "\xff\xff", "secret" };

/* The body of a request: a name, random bytes, or both. */
static uint32_t body(uint8_t *p, uint32_t room)
{
    uint32_t n = (uint32_t)(rnd(&seed) % room);

    for (uint32_t i = 0; i < n; i++)
        p[i] = rnd(&seed) & 1 ? (uint8_t)rnd(&seed) : 0;
    if (rnd(&seed) % 4) {
        const char *s = names[rnd(&seed) % (sizeof names / sizeof *names)];
        uint32_t off = rnd(&seed) & 1 ? 0 : (uint32_t)(rnd(&seed) % 5) * 8;
        strcpy((char *)p + off, s);
        n = off + (uint32_t)strlen(s) + (rnd(&seed) % 8 != 0);
    }
    return n;
}

struct queue { struct xenc_dev *d; struct vring_desc *desc; uint16_t *avail, *used; unsigned num; };

/* The guest kernel loses the device: its own requests would come in between. */
static struct queue own_queue(uint8_t *at)
{
    enum { NUM = 64 };
    struct queue q = { &BOOT->dev[0], (void *)at, (void *)(at + 4096), (void *)(at + 8192), NUM };
    gpa_t gpa = (u64)at - PV_MEM_BASE;

    q.d->status = 0;
    ring_bell(q.d);
    usleep(2000);
    memset(at, 0, 3 * 4096);
    for (unsigned i = 0; i < 2; i++)
        q.d->vq[i] = (struct xenc_vq){ gpa + i * 16384, gpa + 4096 + i * 16384,
                                       gpa + 8192 + i * 16384, NUM, 1 };
    q.desc = (void *)(at + 16384);
    q.avail = (void *)(at + 16384 + 4096);
    q.used = (void *)(at + 16384 + 8192);
    memset(q.desc, 0, 3 * 4096);
    q.d->status = 15;
    return q;
}

/* One request, one reply: their lengths are also given wrong at times. */
static bool transact(struct queue *q, uint8_t *rq, uint32_t len, uint8_t *rp, uint32_t room)
{
    uint16_t seen = __atomic_load_n(&q->used[1], __ATOMIC_SEQ_CST);

    memset(rp, 0, room);
    q->desc[0] = (struct vring_desc){ (u64)rq - PV_MEM_BASE, len, VRING_DESC_F_NEXT, 1 };
    q->desc[1] = (struct vring_desc){ (u64)rp - PV_MEM_BASE, room, VRING_DESC_F_WRITE, 0 };
    q->avail[2 + q->avail[1] % q->num] = 0;
    __atomic_add_fetch(&q->avail[1], 1, __ATOMIC_SEQ_CST);
    ring_bell(q->d);
    for (u64 end = now_ms() + 50; now_ms() < end; raw(SYS_sched_yield, 0, 0, 0, 0, 0, 0))
        for (int i = 0; i < 1000; i++)
            if (__atomic_load_n(&q->used[1], __ATOMIC_SEQ_CST) != seen)
                return true;
    return false;
}

static bool leads_out(const struct fuse_in_header *h, const char *name)
{
    return h->opcode == FUSE_LOOKUP && h->nodeid == FUSE_ROOT_ID &&
           (strchr(name, '/') || strcmp(name, "..") == 0);
}

static void fuse(void)
{
    static const unsigned ops[] = { 1, 3, 4, 5, 6, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 20, 21,
                                    22, 23, 24, 25, 26, 27, 28, 29, 30, 35, 43, 44, 45, 46, 47, 52,
                                    0x58470001, 2, 42 };
    uint8_t *rq = (uint8_t *)(PV_MEM_BASE + BOOT->mem_size - (1 << 20)), *rp = rq + 65536;
    struct queue q = own_queue(rq - 65536);
    unsigned answered = 0;
    char text[64];

    for (unsigned i = 0; i < ROUNDS && !(q.d->status & 0x40 /* NEEDS_RESET */); i++) {
        struct fuse_in_header *h = (void *)rq;
        uint32_t n = body(rq + sizeof *h, 512);
        *h = (struct fuse_in_header){ .len = (uint32_t)sizeof *h + n, .unique = i,
            .opcode = i & 1 ? ops[rnd(&seed) % (sizeof ops / sizeof *ops)] : FUSE_LOOKUP,
            .nodeid = rnd(&seed) % 4 ? 1 + rnd(&seed) % 3 : rnd(&seed) >> (rnd(&seed) & 63) };
        if (rnd(&seed) % 16 == 0)
            h->len = (uint32_t)rnd(&seed);
        if (h->opcode == FUSE_WRITE || h->opcode == FUSE_INIT || h->opcode == FUSE_DESTROY)
            h->nodeid = rnd(&seed);     /* the container's own files may stay */
        answered += transact(&q, rq, (uint32_t)sizeof *h + n, rp, 4096);
        const struct fuse_out_header *o = (void *)rp;
        if (leads_out(h, (char *)(h + 1)) && h->len == sizeof *h + n && o->unique == i &&
            o->len > sizeof *o && o->error == 0) {
            snprintf(text, sizeof text, "ESCAPED by name %.20s", (char *)(h + 1));
            report(text);
        }
    }
    snprintf(text, sizeof text, "fuse: %s answered", answered > ROUNDS / 10 ? "many" : "few");
    report(text);
}

int main(int argc, char **argv)
{
    static const struct { const char *name; void (*fn)(void); } modes[] = {
        { "kernel", kernel }, { "boot", boot }, { "rings", rings }, { "raw", raw_rings },
        { "fuse", fuse },
    };

    if (argc < 3)
        return 2;
    seed = strtoul(argv[2], NULL, 0) * 0x9e3779b97f4a7c15ull + 1;
    find_gadget();
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
        if (strcmp(argv[1], modes[i].name) == 0)
            modes[i].fn();
    /* It may or may not still work: that is the guest's own affair. */
    return 3;
}
