/* Hashing for name and futex tables: FNV-1a, then mixed so that the low bits serve as
 * a table index. Not for hostile input that must not collide. */
#include "kernel.h"

u32 hash_bytes(const void *p, size_t n, u32 seed)
{
    const u8 *s = p;
    u32 h = 2166136261u ^ seed;

    while (n--)
        h = (h ^ *s++) * 16777619u;
    h ^= h >> 16;
    h *= 0x7feb352du;
    return h ^ h >> 15;
}
