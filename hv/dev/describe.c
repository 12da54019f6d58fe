/* The host's half of the device table. Part of the monitor, not of xenc-dev. */
#include "hv/dev/dev.h"

#include <linux/virtio_balloon.h>
#include <linux/virtio_config.h>
#include <linux/virtio_console.h>
#include <linux/virtio_fs.h>
#include <linux/virtio_ids.h>
#include <string.h>

#include "abi/console.h"
#include "abi/fs.h"

static struct xenc_dev *describe(struct xenc_boot *boot, unsigned i, uint32_t type,
                                 uint32_t nvqs, uint64_t features)
{
    struct xenc_dev *d = &boot->dev[i];

    memset(d, 0, sizeof(*d));
    d->type = type;
    d->nvqs = nvqs;
    d->host_features = (1ull << VIRTIO_F_VERSION_1) | features;
    return d;
}

void dev_describe(struct xenc_boot *boot, const struct dev_layout *l)
{
    struct virtio_fs_config fs = { .tag = "xenc", .num_request_queues = 1 };
    unsigned ncons = l->nconsoles < 2 ? l->nconsoles : 2;
    struct xenc_dev *d;

    d = describe(boot, DEV_FS, VIRTIO_ID_FS, 2, l->grants ? XENC_FS_F_GRANT : 0);
    memcpy(d->config, &fs, sizeof(fs));
    describe(boot, DEV_RNG, VIRTIO_ID_RNG, 1, 0);
    for (unsigned i = 0; i < ncons; i++) {
        bool tty = l->tty && i == 0;
        struct xenc_console_config con = { .max_nr_ports = 1 };

        if (tty) {
            con.cols = l->cols;
            con.rows = l->rows;
            con.flags = XENC_CON_TTY;
        }
        d = describe(boot, DEV_CONSOLE0 + i, VIRTIO_ID_CONSOLE, 2,
                     tty ? 1ull << VIRTIO_CONSOLE_F_SIZE : 0);
        memcpy(d->config, &con, sizeof(con));
    }
    boot->ndevs = DEV_CONSOLE0 + ncons;
    if (l->balloon) {
        describe(boot, DEV_BALLOON, VIRTIO_ID_BALLOON, 3, 1ull << VIRTIO_BALLOON_F_REPORTING);
        boot->ndevs = DEV_BALLOON + 1;
    }
}

_Static_assert(sizeof(struct virtio_fs_config) <= sizeof(((struct xenc_dev *)0)->config),
               "abi");
