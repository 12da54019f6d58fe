// uses: hv/dev/queue.c hv/dev/bell.c hv/dev/log.c
/* Domain memory as a hostile guest leaves it, under the device side of virtqueues. The
 * input is a stream of (place, bytes) written between the device's steps. */
#include <linux/virtio_config.h>
#include <string.h>
#include <sys/mman.h>

#include "hv/dev/queue.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MEM = 64 * 1024, RINGS = 0x1000, STEP = 40 };

static uint8_t *guest;
static struct chain c;

/* A device that works, so that the input's changes reach beyond the set-up. */
static void set_up(struct dev *d, const struct dev_mem *m)
{
    memset(guest, 0, MEM);
    dev_init(d, m, 0, 2, "fuzz");
    for (unsigned q = 0; q < 2; q++)
        d->regs->vq[q] = (struct xenc_vq){ RINGS + q * 0x1000, RINGS + q * 0x1000 + 0x400,
                                           RINGS + q * 0x1000 + 0x800, 16, 1 };
    d->regs->status = VIRTIO_CONFIG_S_DRIVER_OK;
}

/* Writes up to 32 bytes: to the device's registers, a ring, or anywhere. */
static void scribble(struct dev *d, const uint8_t *data, size_t size)
{
    size_t n = data[1] % 32 + 1, at;

    if (size < 4 + n)
        return;
    switch (data[0] % 4) {
    case 0: at = (size_t)((uint8_t *)d->regs - guest) + data[2] % 192; break;
    case 1: at = RINGS + (data[2] & 1) * 0x1000 + data[3]; break;
    case 2: at = RINGS + (data[2] & 1) * 0x1000 + 0x400 + data[3] % 48; break;
    default: at = (size_t)(data[2] << 8 | data[3]) % (MEM - 32); break;
    }
    memcpy(guest + at, data + 4, n);
}

static void touch(const struct chain *ch)
{
    static uint8_t buf[MEM];

    iov_read(ch->iov, ch->nread, buf, sizeof(buf));
    iov_write(ch->iov + ch->nread, ch->nwrite, buf, sizeof(buf) / 16);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct dev_mem m;
    struct dev d;

    if (!guest) {
        /* The last page's end is the mapping's: an overrun faults. */
        guest = mmap(NULL, MEM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        m = (struct dev_mem){ guest, MEM };
    }
    set_up(&d, &m);
    for (; size >= STEP; data += STEP, size -= STEP) {
        unsigned q = data[0] >> 7;
        uint16_t *idx = (uint16_t *)(void *)(guest + RINGS + q * 0x1000 + 0x402);

        *idx += data[1] >> 6;
        scribble(&d, data, size);
        if (dev_avail(&d, q) && dev_pop(&d, q, &c)) {
            touch(&c);
            dev_push(&d, q, &c, data[2]);
            dev_notify(&d, q);
        }
        if (d.keep->broken && data[3] & 1)
            set_up(&d, &m);
    }
    return 0;
}
