/* The platform's part of a task in a PVH domain, the first member of struct task, and
 * the offsets that entry.S knows. %gs points to the CPU's struct cpu in the kernel. */
#ifndef PLAT_PVH_TASK_H
#define PLAT_PVH_TASK_H

#define CPU_TASK     0          /* struct cpu (pvh.h) */
#define CPU_KSTACK   8
#define CPU_USP      16
#define CPU_SELF     24
#define PVHT_WORK    204        /* struct task's work, asserted in task.c */

#ifndef __ASSEMBLY__
#include "kernel.h"

#define PLAT_GS_SELF "0"        /* struct cpu's first word */

struct plat_task {
    u64 kstack_top;             /* the user's struct regs lies right below */
    u64 sp;                     /* saved stack pointer while it does not run */
    struct list ready;          /* in a CPU's queue: real-time and kernel tasks, ... */
    struct rbnode run;          /* ... all others */
    u64 vr;                     /* virtual time: CPU time by weight, relative to the queue's */
    u32 weight;                 /* as it was queued; prio: 0 for the fair policies */
    u16 prio;
    u16 fp_cpu;                 /* whose registers may be this task's (fp.c) */
    u32 state;                  /* enum pvh_state */
    u32 live;                   /* its stack is, or will be, in use */
    u32 token;                  /* plat_task_wait */
    u32 waiting;                /* 1: in plat_task_wait: a token wakes it */
    struct rbnode timer;        /* in the CPU's tree of deadlines, when timed */
    u64 wake_at;
    u16 timed, cpu;             /* cpu: where it runs, ran last, is queued, has its deadline */
    u32 slot;                   /* of the kernel stack; 0: the first task's */
    u64 fs_base;
    void *fpu;                  /* a page: XSAVE image while no CPU has it loaded */
    u64 ran, since;             /* CPU time, ns; running since */
    struct task *lender;        /* vfork: the parent that waits for us */
    void (*kfn)(void *);        /* kernel threads */
    void *karg;
};
#endif
#endif
