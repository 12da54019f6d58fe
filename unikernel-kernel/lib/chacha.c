/* The ChaCha20 block function (RFC 8439, 2.3). */
#include "chacha.h"

static inline u32 rotl(u32 v, int n) { return v << n | v >> (32 - n); }

static inline void quarter(u32 *x, int a, int b, int c, int d)
{
    x[a] += x[b]; x[d] = rotl(x[d] ^ x[a], 16);
    x[c] += x[d]; x[b] = rotl(x[b] ^ x[c], 12);
    x[a] += x[b]; x[d] = rotl(x[d] ^ x[a], 8);
    x[c] += x[d]; x[b] = rotl(x[b] ^ x[c], 7);
}

void chacha20_block(const u32 key[8], u64 counter, const u32 nonce[2], u32 out[16])
{
    u32 in[16] = { 0x61707865, 0x3320646e, 0x79622d32, 0x6b206574 };

    memcpy(in + 4, key, 32);
    in[12] = (u32)counter;
    in[13] = (u32)(counter >> 32);
    in[14] = nonce[0];
    in[15] = nonce[1];
    memcpy(out, in, sizeof in);
    for (int round = 0; round < 10; round++) {
        quarter(out, 0, 4, 8, 12);
        quarter(out, 1, 5, 9, 13);
        quarter(out, 2, 6, 10, 14);
        quarter(out, 3, 7, 11, 15);
        quarter(out, 0, 5, 10, 15);
        quarter(out, 1, 6, 11, 12);
        quarter(out, 2, 7, 8, 13);
        quarter(out, 3, 4, 9, 14);
    }
    for (int i = 0; i < 16; i++)
        out[i] += in[i];
}
