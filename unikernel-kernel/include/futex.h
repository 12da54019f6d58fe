/* Futexes (core/futex.c). */
#ifndef FUTEX_H
#define FUTEX_H
#include "kernel.h"

struct task;

/* Wakes up to n waiters of the word at addr in the current address space; how many.
 * shared: as by a call without FUTEX_PRIVATE_FLAG. */
int futex_wake(uptr_t addr, bool shared, u32 n);
/* End of the current task, or exec, while its address space is still there: walks its
 * robust list and serves clear_tid. */
void futex_task_exit(struct task *t);
/* Goes on with a wait that a signal without handler interrupted. */
long futex_restart(struct task *t);
#endif
