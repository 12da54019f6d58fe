/* What the files of the PV platform share. */
#ifndef PLAT_PV_PV_H
#define PLAT_PV_PV_H

#include "abi/boot.h"
#include "abi/pv.h"
#include "fpframe.h"
#include "task.h"

/* A task's memory: one block, aligned to its size.
 *   0          host signal stack (one trap frame with the FPU state, faults in the kernel)
 *   ALTSTACK   kernel stack, growing down to it
 *   end        struct task: the stack's first page and the task share a page */
#define PV_TASK_BLOCK  0x8000ul
#define PV_ALTSTACK    0x3800ul
#define PV_TASK_SPACE  0x800ul
_Static_assert(sizeof(struct task) <= PV_TASK_SPACE, "plat_task_alloc's block");

#define BOOT ((struct xenc_boot *)PV_MEM_BASE)

/* entry.S */
extern char pv_exit_fast[], pv_exit_check[], pv_exit_end[], pv_trap_check[], pv_trap_end[];
extern char pv_text_end[];      /* kernel.ld: end of text and constants */
extern char pv_host_handler[], pv_restorer[];
extern char pv_syscall_fast[], pv_fast_on_stack[];
extern u64 pv_vdso_size;        /* boot.c; 0: there is none */
void pv_return_user(struct regs *r) __attribute__((noreturn));
long pv_clone_process(u64 flags, void *child_sp, u32 *tid, struct task *child);
long pv_clone_thread(u64 flags, void *child_sp, u32 *tid, u64 tls, struct task *child);
/* Saves the caller's context into *sp_r and continues on `stack` with fn(arg). Comes
 * back when pv_switch_to(that context) is called. */
void pv_switch_call(u64 *sp_r, void *stack, void (*fn)(void *), void *arg);
void pv_switch_to(u64 sp) __attribute__((noreturn));
/* The same by way of a host signal frame, whose rip is pv_switch_landing. */
void pv_switch_frame(const void *ucontext) __attribute__((noreturn));
extern char pv_switch_landing[];
/* Forks the host process; the child goes on in the caller's stack (returns 0); the
 * parent leaves it at once for the context `lender_sp`, by `frame` if that is not NULL.
 * Returns only errors besides. */
long pv_clone_leave(u64 flags, u32 *tid, u64 lender_sp, const void *frame);
void pv_exit_thread(u32 *host_tid) __attribute__((noreturn));
/* Leaves the caller's context in *sp_r, and its host thread to lender_sp (by `frame`, see
 * pv_switch_frame). Returns in the host thread that calls pv_switch_to(*sp_r). */
void pv_move(u64 *sp_r, u64 lender_sp, const void *frame);
/* *host_tid = 0, then fn(arg) on that stack: the caller's is not touched again. */
void pv_end_on(u32 *host_tid, void *stack, void (*fn)(void *), void *arg)
    __attribute__((noreturn));

/* The host thread now runs t: %gs and the signal stack (armed or switched off). */
void pv_become(struct task *t, bool arm);
/* %gs to t: a program may have loaded something else into it. */
void pv_own_gs(struct task *t);
u64 pv_gs_base(void);
void pv_trap_init(void);
bool pv_in_kernel(u64 rip);
/* t, which runs on its lender's host thread, goes on in a host process of its own, a
 * copy of the lender's; the lender goes on where it lent. 0 or -errno (nothing done). */
long pv_leave_lender(struct task *t);

/* For a task that leaves its lender's host thread: a host signal frame that leads there,
 * when that is needed, or NULL. */
const void *pv_leaving_frame(const struct task *t);
extern u32 pv_first_tgid;       /* the host process that the monitor watches */

/* Where a host process has had mappings since it was empty, in units of 32 GiB (mm->units):
 * what is above the kernel is one. Emptying it looks nowhere else. */
#define PV_UNIT_SHIFT 35
#define PV_UNITS      (PV_KERNEL_END >> PV_UNIT_SHIFT)
#define PV_UNIT(u)    (1u << min((u64)(u), (u64)PV_UNITS))
_Static_assert((1ull << PV_UNIT_SHIFT) < PV_LEN_MAX, "one call empties a unit");
size_t pv_ucopy(void *dst, const void *src, size_t n);     /* entry.S: bytes NOT copied */
void pv_units_add(struct mm *mm, u64 va, u64 len);

/* lock.c. Looking before sleeping: a sleep and its wake cost the host some 15 us when a CPU
 * goes idle in between, so it pays to look for about as long, where that has lately been of
 * use. A little longer than one wake, or of two tasks that talk to each other neither would
 * ever find the other awake. */
/* True when *word has become something else than `seen`. */
bool pv_spin(struct pv_spin *s, const u32 *word, u32 seen);

/* spare.c. Makes the host process of t, which ends, a spare: returns when it can't. */
struct pv_spare;
void pv_spare_from(struct task *t);
/* One is set aside, the best for that program, or NULL; what its address space has; and
 * put back, with what plat_exec_reserve gave. */
struct pv_spare *pv_spare_take(const struct inode *prog);
struct mm *pv_spare_space(struct pv_spare *s);
void pv_spare_return(struct pv_spare *s, struct mm *mm);
/* t goes on in s, the lender where it lent: that must call pv_spare_go first thing. */
void pv_spare_move(struct task *t, struct pv_spare *s);
void pv_spare_go(struct task *lender);
/* All that are idle end, as the host's processes have run out. True if any did. */
bool pv_spares_drop(void);
/* Ends those that have been idle for long, as plat_settle_watch: when to be called again. */
u64 pv_spares_watch(u64 now);

/* late.c. A child of the current task may run in its place, its memory copied: false:
 * it may not. The child is started as for vfork. */
bool pv_late_start(struct task *child);
void pv_late_refused(void);                     /* the host had no process for us */
void pv_late_restore(struct task *self);        /* lender, when it runs again */
void pv_late_end(struct task *t);               /* child, when it has left the lender */

/* window.c. The descriptor is about to be closed; a read of it took long. */
void pv_window_close(int h);
void pv_window_cold(int h);
/* Unmaps all windows of the calling process, if there are large ones. */
void pv_windows_drop(struct task *self);

/* From entry.S. */
struct regs *pv_signal_entry(int sig, void *info, void *uc);
void pv_user_trap(struct regs *r, void *info, int sig);
void pv_trap_work(struct regs *r);

void pv_clock_init(void);
u64 pv_thread_clock(void);      /* CPU time of the host thread, ns */
void pv_fp_init(void);
/* FPU registers <- what the program had when it trapped (r->host), for a child that
 * does not return through the host's frame. */
void pv_fp_load_from_frame(struct regs *r);
void pv_fp_save(u8 area[FP_XSAVE_MAX]);            /* 64-aligned */
void pv_fp_load(const u8 area[FP_XSAVE_MAX]);

#endif
