/* The platform's part of a task when kernel sources run inside a unit test: a task is
 * a pthread, its user registers a field. */
#ifndef PLAT_UNIT_TASK_H
#define PLAT_UNIT_TASK_H
#include "kernel.h"
#include "regs.h"

struct plat_task {
    u32 token;                  /* futex: plat_task_wait sleeps here */
    u32 kicks;                  /* how often plat_task_kick was called */
    u64 cpu_ns;                 /* what plat_clock_cpu answers; 0: the real figure */
    u64 fs_base;
    struct regs user;
    void (*fn)(void *);
    void *arg;
    void *thread;               /* pthread_t */
    bool started;
};
#endif
