// uses: unikernel-kernel/include/kernel.h
/* lib/string.c and lib/printf.c against the C library. They are included under other
 * names, so that the test itself runs on the library's. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tap.h"

static int (*const libc_vsnprintf)(char *, size_t, const char *, va_list) = vsnprintf;
static void *(*const libc_memset)(void *, int, size_t) = memset;
static void *(*const libc_memmove)(void *, const void *, size_t) = memmove;
static int (*const libc_memcmp)(const void *, const void *, size_t) = memcmp;

#define memcpy k_memcpy
#define memmove k_memmove
#define memset k_memset
#define memcmp k_memcmp
#define strlen k_strlen
#define strnlen k_strnlen
#define strcmp k_strcmp
#define strncmp k_strncmp
#define strchr k_strchr
#define strrchr k_strrchr
#define strstr k_strstr
#define strlcpy k_strlcpy
#define strtou64 k_strtou64
#define snprintf k_snprintf
#define vsnprintf k_vsnprintf
#include "../../unikernel-kernel/lib/string.c"
#include "../../unikernel-kernel/lib/printf.c"

static u8 a[4096], b[4096], c[4096];

static void fill(void)
{
    for (size_t i = 0; i < sizeof a; i++)
        a[i] = b[i] = (u8)rand();
}

static void test_moves(void)
{
    bool copies = true, moves = true, sets = true, cmps = true;

    for (int round = 0; round < 20000; round++) {
        size_t n = (size_t)rand() % (round & 1 ? 40 : 1200);
        size_t d = (size_t)rand() % 1024, s = (size_t)rand() % 1024;
        fill();
        memmove(a + d, a + s, n);
        libc_memmove(b + d, b + s, n);
        moves &= !libc_memcmp(a, b, sizeof a);
        libc_memset(c, 7, sizeof c);
        memcpy(c + d, a + s, n);
        copies &= !libc_memcmp(c + d, a + s, n) && c[d + n] == 7 && (!d || c[d - 1] == 7);
        memset(a + d, (int)n, n);
        libc_memset(b + d, (int)n, n);
        sets &= !libc_memcmp(a, b, sizeof a);
        if (n)
            b[d + (size_t)rand() % n] ^= 1;
        int want = libc_memcmp(a + d, b + d, n), got = memcmp(a + d, b + d, n);
        cmps &= (want < 0) == (got < 0) && (want > 0) == (got > 0);
    }
    tap_ok(copies, "memcpy copies and no more");
    tap_ok(moves, "memmove with every kind of overlap");
    tap_ok(sets, "memset");
    tap_ok(cmps, "memcmp's sign");
}

static void test_strings(void)
{
    char buf[8];
    char *end;

    tap_is(strlen("hello"), 5, "strlen");
    tap_is(strnlen("hello", 3), 3, "strnlen stops");
    tap_ok(!strcmp("a", "a") && strcmp("a", "b") < 0 && strcmp("\xff", "a") > 0, "strcmp");
    tap_ok(!strncmp("abc", "abd", 2) && strncmp("abc", "abd", 3) < 0, "strncmp");
    tap_ok(strchr("abc", 'c') && !strchr("abc", 'x') && strchr("abc", 0), "strchr");
    tap_is(strrchr("a/b/c", '/')[1], 'c', "strrchr");
    tap_ok(strstr("haystack", "st") && !strstr("haystack", "xx") && strstr("", ""), "strstr");
    tap_is(strlcpy(buf, "longer than eight", sizeof buf), 17, "strlcpy answers the length");
    tap_ok(!strcmp(buf, "longer "), "strlcpy cuts");
    tap_is(strtou64("0x1fz", &end, 0), 31, "hexadecimal");
    tap_is(*end, 'z', "where the number ended");
    tap_is(strtou64("017", NULL, 0), 15, "octal");
    tap_is(strtou64("18446744073709551615", NULL, 10) == ~0ull, 1, "the largest number");
    tap_is(strtou64("0xg", &end, 0), 0, "0 and no digits behind x");
    tap_is(*end, 'x', "only the 0 was taken");
}

__attribute__((format(printf, 1, 2))) static bool same(const char *fmt, ...)
{
    char x[256], y[256];
    va_list ap;

    va_start(ap, fmt);
    int r = vsnprintf(x, sizeof x, fmt, ap);
    va_end(ap);
    va_start(ap, fmt);
    int w = libc_vsnprintf(y, sizeof y, fmt, ap);
    va_end(ap);
    if (r == w && !strcmp(x, y))
        return true;
    printf("# '%s': got '%s' %d, want '%s' %d\n", fmt, x, r, y, w);
    return false;
}

static void test_printf(void)
{
    static const int nums[] = { 0, 1, -1, 42, -12345, 2147483647, -2147483647 - 1 };
    char small[4];
    bool ok = true;

    for (size_t i = 0; i < ARRAY_SIZE(nums); i++) {
        int n = nums[i];
        ok &= same("%d|%5d|%-5d|%05d|%+d|% d|%.3d|%8.3d|%-8.3d|", n, n, n, n, n, n, n, n, n);
        ok &= same("%x|%X|%#x|%#X|%08x|%#10x|%-#10x|%o|%#o|%u|%c", (unsigned)n, (unsigned)n,
                   (unsigned)n, (unsigned)n, (unsigned)n, (unsigned)n, (unsigned)n,
                   (unsigned)n, (unsigned)n, (unsigned)n, 'q');
        ok &= same("%hhd %hd %hhu %hu", (signed char)n, (short)n, (unsigned char)n,
                   (unsigned short)n);
        ok &= same("%ld %lu %lld %llu %zu %zd", (long)n, (long)n, (long long)n, (long long)n,
                   (size_t)n, (ssize_t)n);
    }
    tap_ok(ok, "integers as the C library prints them");
    tap_ok(same("%s|%10s|%-10s|%.2s|%*s|%-*s|%.*s|%%", "abc", "abc", "abc", "abc", 6, "abc",
                6, "abc", 1, "abc"), "strings");
    tap_ok(same("%p", (void *)0x1234), "pointers");
    tap_is(snprintf(small, sizeof small, "%s", "toolong"), 7, "the length that it wanted");
    tap_ok(!strcmp(small, "too"), "cut and terminated");
    tap_is(snprintf(NULL, 0, "%d", 12345), 5, "size 0");
}

int main(void)
{
    srand(1);
    test_moves();
    test_strings();
    test_printf();
    return tap_end();
}
