#include "base/err.h"

#include <stdio.h>
#include <string.h>

/* Keeps the text one line: foreign names in it may hold newlines or escapes. */
static void one_line(char *s)
{
    for (; *s; s++) {
        if ((unsigned char)*s < 0x20 || *s == 0x7f)
            *s = '?';
    }
}

int err_set(struct err *e, int code, const char *fmt, ...)
{
    va_list ap;

    e->code = code;
    va_start(ap, fmt);
    vsnprintf(e->text, sizeof(e->text), fmt, ap);
    va_end(ap);
    one_line(e->text);
    return -code;
}

int err_sys(struct err *e, int code, const char *fmt, ...)
{
    va_list ap;
    size_t n;

    e->code = code;
    va_start(ap, fmt);
    vsnprintf(e->text, sizeof(e->text), fmt, ap);
    va_end(ap);
    n = strlen(e->text);
    snprintf(e->text + n, sizeof(e->text) - n, ": %s", strerror(code));
    one_line(e->text);
    return -code;
}

int err_add(struct err *e, const char *fmt, ...)
{
    char ctx[sizeof(e->text)];
    va_list ap;
    size_t n, old;

    va_start(ap, fmt);
    vsnprintf(ctx, sizeof(ctx) - 2, fmt, ap);
    va_end(ap);
    strcat(ctx, ": ");
    one_line(ctx);

    /* The old text's end is what gets lost when both don't fit. */
    n = strlen(ctx);
    old = strlen(e->text);
    if (n > sizeof(e->text) - 1)
        n = sizeof(e->text) - 1;
    if (old > sizeof(e->text) - 1 - n)
        old = sizeof(e->text) - 1 - n;
    memmove(e->text + n, e->text, old);
    memcpy(e->text, ctx, n);
    e->text[n + old] = 0;
    return -e->code;
}
