/* The platform's part of a task in a PV domain. It is the first member of struct task,
 * and %gs leads to it in the host thread that runs the task: entry.S knows the
 * offsets asserted below. Not to it but to PV_GS_OFF below, where nothing is mapped: a
 * program that uses %gs by mistake faults, and does not write into its kernel's task. */
#ifndef PLAT_PV_TASK_H
#define PLAT_PV_TASK_H

#define PV_GS_OFF    0x7fff0000     /* reaches with the largest displacement */
#define PLAT_GS_SELF "0x7fff0000"
#define PVT_SELF     0
#define PVT_KSTACK   8
#define PVT_RIP      16
#define PVT_SCRATCH  24
#define PVT_IN_VDSO  32
#define PVT_WORK     196     /* struct task's work, asserted in task.c */

#ifndef __ASSEMBLY__
#include "kernel.h"

struct pv_spin { u16 luck, skips; };    /* whether waiting awake has paid: pv_spin */
struct pv_late;
struct pv_spare;

struct plat_task {
    struct task *self;          /* %gs:PV_GS_OFF */
    u64 kstack_top;             /* the user's struct regs lies right below */
    u64 user_rip;               /* where the exit path jumps */
    u64 scratch;
    u64 in_vdso;                /* 1: kernel code is inside the host's vDSO */
    u32 host_tid;               /* host thread that runs this task; 0: none */
    u32 host_tgid;
    u32 token;                  /* futex: plat_task_wait sleeps here */
    u32 asleep;
    u64 fs_base;
    u64 altstack;               /* host signal stack, PV_ALTSTACK bytes */
    /* vfork: the context of the parent that lent its host thread */
    struct task *lender;
    u64 lender_sp;              /* saved stack pointer of a lender in plat_vfork_wait */
    void (*kfn)(void *);        /* kernel threads */
    void *karg;
    u32 set_tls;                /* fs_base must be loaded when it starts */
    struct pv_spin spin;
    u32 new_tid;                /* host_tid to be: a new process publishes it (task.c) */
    u16 late_fails, late_skips; /* late forks that did not pay; not to try (late.c) */
    u8 in_kick;                 /* its last trap was a kick: until it returns, no others */
    u8 tls_lent;                /* lender: a child has loaded another fs_base */
    u8 unsettled;               /* a forked child on its parent's thread */
    u8 threaded;                /* its host process has had other threads */
    u8 windows;                 /* process's first: its host process has large ones */
    u8 hold_wakes;              /* plat_wakes_hold */
    u32 *held_wake;
    struct list late_link;      /* while unsettled */
    u64 late_since;             /* time stamp counter */
    struct pv_late *late;       /* lender: its memory as it was */
    struct pv_spare *spare;     /* set aside for its exec; at its end: what it turns into */
    struct pv_spare *moved_to;  /* lender: where its borrower waits to go on */
    s64 cpu_base;               /* the host thread's CPU time that is not this task's */
};
_Static_assert(offsetof(struct plat_task, kstack_top) == PVT_KSTACK, "entry.S");
_Static_assert(offsetof(struct plat_task, user_rip) == PVT_RIP, "entry.S");
_Static_assert(offsetof(struct plat_task, scratch) == PVT_SCRATCH, "entry.S");
_Static_assert(offsetof(struct plat_task, in_vdso) == PVT_IN_VDSO, "entry.S");
#endif
#endif
