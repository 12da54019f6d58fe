/* Memory and string functions. The compiler may call memcpy, memset and friends for
 * code of its own making, so this file must not have its loops turned into calls to
 * themselves. No vector registers: the guest program owns them. */
#pragma GCC optimize("no-tree-loop-distribute-patterns")
#include "kernel.h"
#undef memcpy
#undef memmove
#undef memset
#undef memcmp
#undef strlen

/* From here on the string instructions beat a loop of 8-byte moves. Of these the ones for
 * 8 bytes: as quick as those for bytes on CPUs, and eight times as quick in emulators. */
#define REP_MIN 256

typedef u64 u64_any __attribute__((aligned(1), may_alias));
typedef u32 u32_any __attribute__((aligned(1), may_alias));
typedef u16 u16_any __attribute__((aligned(1), may_alias));

#define LD(type, p) (*(const type *)(p))
#define ST(type, p, v) (*(type *)(p) = (v))

/* Two possibly overlapping moves from both ends cover any n < 16. All loads stand
 * before the stores, so that this also serves memmove. */
static inline void copy_small(u8 *d, const u8 *s, size_t n)
{
    if (n >= 8) {
        u64 a = LD(u64_any, s), b = LD(u64_any, s + n - 8);
        ST(u64_any, d, a);
        ST(u64_any, d + n - 8, b);
    } else if (n >= 4) {
        u32 a = LD(u32_any, s), b = LD(u32_any, s + n - 4);
        ST(u32_any, d, a);
        ST(u32_any, d + n - 4, b);
    } else if (n >= 2) {
        u16 a = LD(u16_any, s), b = LD(u16_any, s + n - 2);
        ST(u16_any, d, a);
        ST(u16_any, d + n - 2, b);
    } else if (n) {
        *d = *s;
    }
}

void *memcpy(void *dst, const void *src, size_t n)
{
    u8 *d = dst;
    const u8 *s = src;

    if (n < 16) {
        copy_small(d, s, n);
        return dst;
    }
    u64 last = LD(u64_any, s + n - 8);
    u8 *end = d + n - 8;
    if (n >= REP_MIN) {
        n /= 8;
        __asm__ volatile("rep movsq" : "+D"(d), "+S"(s), "+c"(n) : : "memory");
        ST(u64_any, end, last);
        return dst;
    }
    for (; d < end; d += 8, s += 8)
        ST(u64_any, d, LD(u64_any, s));
    ST(u64_any, end, last);
    return dst;
}

void *memmove(void *dst, const void *src, size_t n)
{
    u8 *d = dst;
    const u8 *s = src;

    if (n < 16) {
        copy_small(d, s, n);
        return dst;
    }
    if ((u64)d - (u64)s >= n && (u64)s - (u64)d >= n)
        return memcpy(dst, src, n);
    if (d < s) {
        for (; n >= 8; n -= 8, d += 8, s += 8)
            ST(u64_any, d, LD(u64_any, s));
        copy_small(d, s, n);
    } else {
        for (; n >= 8; n -= 8)
            ST(u64_any, d + n - 8, LD(u64_any, s + n - 8));
        copy_small(d, s, n);
    }
    return dst;
}

void *memset(void *dst, int c, size_t n)
{
    u8 *d = dst;
    u64 v = (u8)c * 0x0101010101010101ull;

    if (n >= REP_MIN) {
        u8 *end = d + n - 8;
        n /= 8;
        __asm__ volatile("rep stosq" : "+D"(d), "+c"(n) : "a"(v) : "memory");
        ST(u64_any, end, v);
    } else if (n >= 8) {
        u8 *end = d + n - 8;
        for (; d < end; d += 8)
            ST(u64_any, d, v);
        ST(u64_any, end, v);
    } else if (n >= 4) {
        ST(u32_any, d, (u32)v);
        ST(u32_any, d + n - 4, (u32)v);
    } else {
        while (n--)
            *d++ = (u8)c;
    }
    return dst;
}

int memcmp(const void *a, const void *b, size_t n)
{
    const u8 *x = a, *y = b;

    for (; n >= 8 && LD(u64_any, x) == LD(u64_any, y); n -= 8)
        x += 8, y += 8;
    for (; n; n--, x++, y++)
        if (*x != *y)
            return *x - *y;
    return 0;
}

size_t strlen(const char *s)
{
    const char *p = s;

    while (*p)
        p++;
    return (size_t)(p - s);
}

size_t strnlen(const char *s, size_t n)
{
    size_t i = 0;

    while (i < n && s[i])
        i++;
    return i;
}

int strcmp(const char *a, const char *b)
{
    while (*a && *a == *b)
        a++, b++;
    return (u8)*a - (u8)*b;
}

int strncmp(const char *a, const char *b, size_t n)
{
    for (; n; n--, a++, b++)
        if (*a != *b || !*a)
            return (u8)*a - (u8)*b;
    return 0;
}

/* C's signature takes the const away; this is the one place that does it. */
static char *unconst(const char *s)
{
    return (char *)(u64)s;
}

char *strchr(const char *s, int c)
{
    for (;; s++) {
        if (*s == (char)c)
            return unconst(s);
        if (!*s)
            return NULL;
    }
}

char *strrchr(const char *s, int c)
{
    const char *last = NULL;

    for (;; s++) {
        if (*s == (char)c)
            last = s;
        if (!*s)
            return unconst(last);
    }
}

char *strstr(const char *s, const char *sub)
{
    size_t n = strlen(sub);

    for (;; s++) {
        if (!strncmp(s, sub, n))
            return unconst(s);
        if (!*s)
            return NULL;
    }
}

size_t strlcpy(char *d, const char *s, size_t n)
{
    size_t len = strlen(s);

    if (n) {
        size_t k = len < n ? len : n - 1;
        memcpy(d, s, k);
        d[k] = 0;
    }
    return len;
}

static int digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'Z')
        return c - 'A' + 10;
    return 99;
}

u64 strtou64(const char *s, char **end_r, int base)
{
    u64 v = 0;

    if ((base == 0 || base == 16) && s[0] == '0' && (s[1] | 32) == 'x' &&
        digit_value(s[2]) < 16) {
        s += 2;
        base = 16;
    } else if (base == 0) {
        base = s[0] == '0' ? 8 : 10;
    }
    for (int d; (d = digit_value(*s)) < base; s++)
        v = v * (u64)base + (u64)d;
    if (end_r)
        *end_r = unconst(s);
    return v;
}
