/* Errors of host code: a function returns 0 (or a count) or a negative errno, and
 * fills the caller's `struct err` with one line for people. Failure allocates nothing.
 * Only main prints it. */
#ifndef XENC_BASE_ERR_H
#define XENC_BASE_ERR_H

#include <stdarg.h>

struct err {
    int code;           /* positive errno, 0: none */
    char text[1024];    /* one line without a full stop or newline */
};

/* Sets the error and returns -code. */
int err_set(struct err *e, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* As err_set, with ": " and strerror(code) added. */
int err_sys(struct err *e, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts "context: " in front of what is there; returns -e->code. Once a room. */
int err_add(struct err *e, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
