// uses: hv/kvm/mmio.c
/* Any sequence of reads and writes of a device's registers, with the guest changing the
 * words behind them meanwhile. Six bytes a step: what, register, value. */
#include <string.h>

#include "hv/kvm/mmio.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct { uint64_t before; struct xenc_dev dev; uint64_t after; } g = {
        .before = 0x1122334455667788, .after = 0x8877665544332211 };
    struct mmio_dev m;

    g.dev.nvqs = 2;
    g.dev.host_features = 1ull << 32 | 7;
    mmio_init(&m, &g.dev);
    for (; size >= 6; data += 6, size -= 6) {
        uint64_t off = (uint64_t)(data[1] | (data[0] & 0x0f) << 8), v = 0;
        unsigned len = 1u << (data[0] >> 4 & 3);

        memcpy(&v, data + 2, 4);
        if (data[0] >> 7)
            mmio_write(&m, off, len, v | v << 32);
        else if (data[0] >> 6 & 1)
            ((uint8_t *)&g.dev)[data[1]] = data[2];
        else if (len < 8 && mmio_read(&m, off, len) >> 8 * len)
            __builtin_trap();   /* more bits than were asked for */
        if (g.before != 0x1122334455667788 || g.after != 0x8877665544332211)
            __builtin_trap();
    }
    return 0;
}
