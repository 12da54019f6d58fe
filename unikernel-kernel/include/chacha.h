#ifndef CHACHA_H
#define CHACHA_H
#include "kernel.h"

/* One 64-byte block of key stream (RFC 8439's, with a 64-bit counter and nonce). */
void chacha20_block(const u32 key[8], u64 counter, const u32 nonce[2], u32 out[16]);
#endif
