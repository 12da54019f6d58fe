#include "dev_guest.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/futex.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "hv/dev/run.h"

enum { Q_BASE = 0x10000, Q_SIZE = 0x1000, BUF_BASE = 0x80000 };

static void die(const char *what)
{
    printf("Bail out! %s: %s\n", what, strerror(errno));
    exit(1);
}

static uint64_t q_at(unsigned d, unsigned q)
{
    return Q_BASE + (uint64_t)(d * XENC_MAX_VQS + q) * Q_SIZE;
}

struct vring_desc *guest_desc(struct guest *g, unsigned d, unsigned q)
{
    return (void *)(g->mem + q_at(d, q));
}

uint16_t *guest_avail(struct guest *g, unsigned d, unsigned q)
{
    return (void *)(g->mem + q_at(d, q) + 0x400);
}

uint16_t *guest_used(struct guest *g, unsigned d, unsigned q)
{
    return (void *)(g->mem + q_at(d, q) + 0x800);
}

uint64_t guest_buf(void)
{
    return BUF_BASE;
}

void guest_init(struct guest *g, const struct guest_host *h)
{
    struct dev_layout l = { .tty = h->tty, .grants = true, .rows = 5, .cols = 6,
                            .balloon = h->balloon };

    memset(g, 0, sizeof(*g));
    g->memfd = memfd_create("guest", MFD_CLOEXEC);
    if (g->memfd < 0 || ftruncate(g->memfd, G_MEM) < 0)
        die("memfd");
    g->mem = mmap(NULL, G_MEM, PROT_READ | PROT_WRITE, MAP_SHARED, g->memfd, 0);
    if (g->mem == MAP_FAILED)
        die("mmap");
    g->boot = (void *)g->mem;
    g->boot->magic = XENC_BOOT_MAGIC;
    g->boot->version = XENC_BOOT_VERSION;
    g->boot->mem_size = G_MEM;
    l.nconsoles = h->con[1][1] >= 0 ? 2 : h->con[0][1] >= 0 ? 1 : 0;
    dev_describe(g->boot, &l);
    for (unsigned d = 0; d < g->boot->ndevs; d++) {
        for (unsigned q = 0; q < g->boot->dev[d].nvqs; q++)
            guest_queue(g, d, q);
        guest_driver_ok(g, d);
    }
}

void guest_queue(struct guest *g, unsigned d, unsigned q)
{
    struct xenc_vq *v = &g->boot->dev[d].vq[q];

    memset(g->mem + q_at(d, q), 0, Q_SIZE);
    v->desc = q_at(d, q);
    v->avail = v->desc + 0x400;
    v->used = v->desc + 0x800;
    v->num = G_NUM;
    v->ready = 1;
    g->seen[d][q] = 0;
}

void guest_driver_ok(struct guest *g, unsigned d)
{
    g->boot->dev[d].guest_features = g->boot->dev[d].host_features;
    __atomic_store_n(&g->boot->dev[d].status,
                     VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER |
                     VIRTIO_CONFIG_S_FEATURES_OK | VIRTIO_CONFIG_S_DRIVER_OK,
                     __ATOMIC_SEQ_CST);
}

/* Opens without close-on-exec, so that the descriptor reaches xenc-dev. */
static int give(const char *path)
{
    int fd = open(path, O_PATH);

    if (fd < 0)
        die(path);
    return fd;
}

/* The child has what it is given and nothing else, as from the monitor. */
static void close_others(const struct guest_host *h, int memfd, int grant, int log)
{
    for (int fd = 3; fd < 100; fd++) {
        bool keep = fd == memfd || fd == grant || fd == log;

        for (int i = 0; i < 2; i++)
            keep |= h->con[i][0] == fd || h->con[i][1] == fd;
        if (!keep)
            close(fd);
    }
}

static void run_child(const struct guest_host *h, int memfd, int grant, int log)
{
    char a[8][64], name[] = "xenc-dev";
    char *argv[12] = { name };
    unsigned n = 0;

    fcntl(memfd, F_SETFD, 0);
    close_others(h, memfd, grant, log);
    snprintf(a[n++], 64, "--mem=%d", memfd);
    snprintf(a[n++], 64, "--grant=%d", grant);
    snprintf(a[n++], 64, "--log=%d", log);
    snprintf(a[n++], 64, "--root=%d%s", give(h->root), h->root_ro ? ":ro" : "");
    for (int i = 0; i < 2; i++) {
        if (h->share[i])
            snprintf(a[n++], 64, "--share=%d:%d%s", i, give(h->share[i]),
                     h->share_ro[i] ? ":ro" : "");
    }
    for (int i = 0; i < 2; i++) {
        if (h->con[i][1] >= 0)
            snprintf(a[n++], 64, "--console=%d,%d%s", h->con[i][0], h->con[i][1],
                     h->tty && i == 0 ? ",tty" : "");
    }
    for (unsigned i = 0; i < n; i++)
        argv[i + 1] = a[i];
    if (h->nobody && (setgroups(0, NULL) < 0 || setgid(65534) < 0 || setuid(65534) < 0))
        _exit(1);
    if (!h->exec)
        _exit(dev_run(argv));
    execv(getenv("XENC_DEV") ? getenv("XENC_DEV") : "build/xenc-dev", argv);
    _exit(127);
}

void guest_start(struct guest *g, const struct guest_host *h)
{
    int grant[2], log[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, grant) < 0 || pipe(log) < 0)
        die("socketpair");
    g->grant = grant[0];
    g->log = log[0];
    fcntl(g->grant, F_SETFD, FD_CLOEXEC);
    fcntl(g->log, F_SETFD, FD_CLOEXEC);
    g->pid = fork();
    if (g->pid < 0)
        die("fork");
    if (g->pid == 0)
        run_child(h, g->memfd, grant[1], log[1]);
    close(grant[1]);
    close(log[1]);
}

void guest_stop(struct guest *g)
{
    int status;

    if (g->pid) {
        kill(g->pid, SIGKILL);
        waitpid(g->pid, &status, 0);
        close(g->grant);
        close(g->log);
    }
    munmap(g->mem, G_MEM);
    close(g->memfd);
}

void guest_ring(struct guest *g, unsigned d)
{
    struct xenc_dev *r = &g->boot->dev[d];

    __atomic_fetch_add(&r->doorbell, 1, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&r->doorbell_waiting, __ATOMIC_SEQ_CST))
        syscall(SYS_futex, &r->doorbell, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}

void guest_offer(struct guest *g, unsigned d, unsigned q, unsigned slot,
                 uint64_t in, uint32_t in_len, uint64_t out, uint32_t out_len)
{
    struct vring_desc *t = guest_desc(g, d, q);
    uint16_t *avail = guest_avail(g, d, q), head = (uint16_t)(2 * slot);

    t[head] = (struct vring_desc){ in, in_len, out_len ? VRING_DESC_F_NEXT : 0,
                                   (uint16_t)(head + 1) };
    t[head + 1] = (struct vring_desc){ out, out_len, VRING_DESC_F_WRITE, 0 };
    if (!in_len)
        head++;
    avail[2 + avail[1] % G_NUM] = head;
    __atomic_store_n(&avail[1], (uint16_t)(avail[1] + 1), __ATOMIC_SEQ_CST);
    guest_ring(g, d);
}

int64_t guest_used_wait(struct guest *g, unsigned d, unsigned q, int ms)
{
    struct timespec step = { 0, 1000000 };
    struct xenc_dev *r = &g->boot->dev[d];
    uint16_t *used = guest_used(g, d, q);
    struct vring_used_elem e;

    for (int i = 0; i <= ms; i++) {
        uint32_t seq = __atomic_load_n(&r->done_seq, __ATOMIC_SEQ_CST);

        if (__atomic_load_n(&used[1], __ATOMIC_ACQUIRE) != g->seen[d][q]) {
            memcpy(&e, &used[2 + 4 * (g->seen[d][q]++ % G_NUM)], sizeof(e));
            return e.len;
        }
        __atomic_fetch_add(&r->done_waiting, 1, __ATOMIC_SEQ_CST);
        syscall(SYS_futex, &r->done_seq, FUTEX_WAIT, seq, &step, NULL, 0);
        __atomic_fetch_sub(&r->done_waiting, 1, __ATOMIC_SEQ_CST);
        if (i % 100 == 99 && g->pid && waitpid(g->pid, NULL, WNOHANG) == g->pid)
            die("xenc-dev has ended");
    }
    return -1;
}

int guest_fuse(struct guest *g, uint32_t op, uint64_t node, const struct part *parts,
               unsigned nparts, void *out, size_t room, size_t *outlen_r)
{
    struct fuse_in_header h = { .len = sizeof(h), .opcode = op, .unique = ++g->unique,
                                .nodeid = node, .uid = g->uid, .gid = g->gid };
    uint64_t in = BUF_BASE, reply = BUF_BASE + G_BUF + 65536;
    struct fuse_out_header oh;
    int64_t len;

    for (unsigned i = 0; i < nparts; i++) {
        if (parts[i].n)
            memcpy(g->mem + in + h.len, parts[i].p, parts[i].n);
        h.len += (uint32_t)parts[i].n;
    }
    memcpy(g->mem + in, &h, sizeof(h));
    guest_offer(g, DEV_FS, 1, 0, in, h.len, reply, (uint32_t)(sizeof(oh) + room));
    len = guest_used_wait(g, DEV_FS, 1, 5000);
    if (len < (int64_t)sizeof(oh))
        return -ETIMEDOUT;
    memcpy(&oh, g->mem + reply, sizeof(oh));
    if (oh.unique != g->unique || oh.len != len)
        return -EBADMSG;
    if (outlen_r)
        *outlen_r = oh.len - sizeof(oh);
    if (out)
        memcpy(out, g->mem + reply + sizeof(oh), oh.len - sizeof(oh));
    return oh.error;
}

int guest_receive(struct guest *g, uint64_t *cookie)
{
    union { struct cmsghdr h; char room[CMSG_SPACE(sizeof(int))]; } c;
    struct iovec v = { cookie, sizeof(*cookie) };
    struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = &c,
                        .msg_controllen = sizeof(c) };
    int fd = -1;

    if (recvmsg(g->grant, &m, MSG_DONTWAIT) == 8 && m.msg_controllen >= sizeof(c.h))
        memcpy(&fd, CMSG_DATA(&c.h), sizeof(fd));
    return fd;
}
