/* Confinement of the driver domain (docs/SECURITY.md). */
#ifndef XENC_DEV_JAIL_H
#define XENC_DEV_JAIL_H

#include <stdbool.h>

#include "base/err.h"

struct jail_tree {
    int fd;                     /* in: a directory or file; out: the same, detached */
    bool ro;
};

/* First step: replaces each tree by a detached copy of its mounts, from which no ".."
 * leads out, without device nodes and, where asked, read-only; makes /proc/self/fd the
 * working directory, so that the name "7" is descriptor 7's file; makes tree 0 the root
 * directory. Where the host doesn't allow that, Landlock holds what it can. */
int jail_enter_trees(struct jail_tree *t, unsigned n, struct err *e);

/* Last step: limits, capabilities but those for files, the system call filter. */
int jail_lock(struct err *e);

/* In a worker (supervise.h): what only its supervisor may do is over. 0 or -errno. */
int jail_worker(void);

#endif
