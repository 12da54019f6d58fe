/* Test Anything Protocol in a few lines: tap_ok(condition, "name …"), tap_end(). */
#ifndef TAP_H
#define TAP_H
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

static int tap_run, tap_failed;

__attribute__((format(printf, 4, 5), unused))
static bool tap_ok_(bool ok, const char *file, int line, const char *fmt, ...)
{
    va_list ap;
    printf("%s %d - ", ok ? "ok" : "not ok", ++tap_run);
    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
    printf("\n");
    if (!ok) {
        tap_failed++;
        printf("# failed at %s:%d\n", file, line);
    }
    fflush(stdout);
    return ok;
}
#define tap_ok(c, ...) tap_ok_((c), __FILE__, __LINE__, __VA_ARGS__)

/* Two integers must agree; both are shown when they don't. */
#define tap_is(got, want, ...) ({ \
    long long got_ = (long long)(got), want_ = (long long)(want); \
    bool ok_ = tap_ok(got_ == want_, __VA_ARGS__); \
    if (!ok_) printf("# got %lld, wanted %lld\n", got_, want_); \
    ok_; })

#define tap_skip(why, ...) \
    (printf("ok %d - ", ++tap_run), printf(__VA_ARGS__), printf(" # SKIP %s\n", (why)))

__attribute__((unused)) static int tap_end(void)
{
    printf("1..%d\n", tap_run);
    return tap_failed != 0;
}
#endif
