/* Child processes. */
#ifndef XENC_BASE_PROC_H
#define XENC_BASE_PROC_H

#include <sys/types.h>

#include "base/err.h"

struct proc_spec {
    const char *path;           /* the program's file */
    const char *const *argv;    /* NULL at the end */
    const char *const *envp;    /* NULL: the caller's */
    int cwd_fd;                 /* -1: the caller's */
    int stdio[3];               /* -1: the caller's own */
    const int *keep;            /* descriptors that stay open besides, at their number */
    size_t nkeep;
};

/* Starts the program with default signal dispositions and an empty signal mask; all
 * other descriptors are closed. A program that can't be executed is an error here, and
 * leaves no child. *pid_r is the child, to be waited for by the caller. */
int proc_spawn(const struct proc_spec *p, pid_t *pid_r, struct err *e);

/* Waits for the child; gives up after timeout_ms (-1: never) by killing it, which
 * answers -ETIMEDOUT. *status_r as waitpid's. */
int proc_wait(pid_t pid, int timeout_ms, int *status_r, struct err *e);

/* An exit status as a shell gives it: 0 to 255, 128+n for a signal. */
int proc_exit_code(int status);

#endif
