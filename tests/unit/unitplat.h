/* Kernel sources as part of an ordinary program: what a unit test may use besides the
 * kernel's own headers. Everything in unitplat*.c is a weak symbol, so that a test that
 * names the real source of a function in its `// uses:` line gets the real one.
 *
 *   user memory   is the program's own memory; uptr_t is a pointer
 *   tasks         are pthreads
 *   kmalloc       is malloc, under AddressSanitizer
 *
 * Don't include glibc headers that clash with Linux's UAPI ones (signal.h, time.h,
 * sys/ *.h) in a test. */
#ifndef UNITPLAT_H
#define UNITPLAT_H
#include "task.h"
#include "tap.h"

/* Makes a current task for this thread: process `pid` with root's credentials, all
 * capabilities, unlimited rlimits; sighand, files and fs when their sources are linked.
 * The first one becomes init_proc. */
struct task *unit_task_init(void);
/* A further task: its own process, or a thread of p when that is not NULL. It is not
 * running until unit_task_run gives it a thread. */
struct task *unit_task_new(struct proc *p);
void unit_task_run(struct task *t, void (*fn)(void *), void *arg);
void unit_task_join(struct task *t);
/* Frees a task that was joined (or never ran), and its process with the last thread. */
void unit_task_free(struct task *t);
/* Makes this thread run as t: for tests of code that looks at current(). */
void unit_set_current(struct task *t);

/* May n bytes of user memory at addr be used? NULL: all above page 0 of the lower half. */
extern bool (*unit_user_ok)(u64 addr, size_t n, bool write);

/* A clock of the test's own. Until unit_clock_set is called it is the host's. */
void unit_clock_set(u64 mono_ns);
void unit_clock_advance(u64 ns);

/* Fail the nth kmalloc/kpages from now on (1: the next), once; 0: never. */
extern u32 unit_fail_alloc;
/* Blocks given out by kmalloc and kpages and not freed. */
extern long unit_blocks;
extern int unit_log_level;      /* printk shows levels up to this; 4 */

void unit_sleep_ns(u64 ns);
#endif
