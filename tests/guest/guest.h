/* Programs that run natively first and then in a domain: what they print must agree.
 * Print facts, not numbers that depend on the machine; check(cond, "what") is enough for
 * most. */
#ifndef GUEST_H
#define GUEST_H
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int guest_failed, guest_n;

__attribute__((unused)) static int check(int ok, const char *what)
{
    printf("%s %d - %s\n", ok ? "ok" : "not ok", ++guest_n, what);
    if (!ok) guest_failed++;
    fflush(stdout);
    return ok;
}

__attribute__((unused)) static int guest_end(void)
{
    printf("1..%d\n", guest_n);
    return guest_failed != 0;
}
#endif
