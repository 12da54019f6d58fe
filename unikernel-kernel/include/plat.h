/* The platform: all that differs between pv and pvh domains. */
#ifndef PLAT_H
#define PLAT_H
#include "kernel.h"

struct task;
struct regs;
struct mm;

#if defined(XENC_PLAT_PV)
#include "../plat/pv/plat_task.h"
#elif defined(XENC_PLAT_PVH)
#include "../plat/pvh/plat_task.h"
#else
#include "plat_task_unit.h"     /* tests/unit's platform, on the include path there */
#endif

/* -- boot and end -- */
struct xenc_boot *plat_boot(void);              /* the boot area */
u64 plat_gpa(const void *kernel_address);       /* kernel heap address -> gpa_t */
void *plat_kva(u64 gpa);
void plat_heap_range(u64 *start_r, u64 *end_r); /* addresses the kernel heap may use */
u64 plat_heap_seam(void);       /* an address there that no block may reach across; 0: none */
void plat_heap_release(void *p, size_t len);    /* pages' memory back to the host */
bool plat_anon_in_heap(void);                   /* programs' memory is counted there */
u64 plat_reclaim(void);                         /* frees what it has kept: pages */
void plat_log(const char *s, size_t n);         /* early and panic messages */
void plat_halt(int wait_status) __attribute__((noreturn));     /* the domain's end */
/* The file tree to start from, a cpio archive (core/initrd.c); NULL: none was given. */
const void *plat_initrd(size_t *len_r);
void plat_panic(const char *report) __attribute__((noreturn));
void plat_state(u32 xenc_state);                /* tell the host */
void plat_await_start(void);                    /* until the host says `started` */
unsigned plat_ncpus(void);
void plat_entropy(void *buf, size_t n);         /* seed quality: RDRAND, RDSEED or AT_RANDOM */

/* -- clock -- */
u64 plat_clock_mono(void);
u64 plat_clock_real(void);
u64 plat_clock_cpu(const struct task *t);       /* CPU time used by the task, ns */
u64 plat_clock_sys(const struct task *t, u64 total);    /* what of it was system time, roughly */

/* -- tasks -- */
enum plat_start { PLAT_THREAD, PLAT_PROCESS, PLAT_VFORK, PLAT_KTHREAD };
/* Memory for a task with its kernel stack; zeroed; NULL when there is none. */
struct task *plat_task_alloc(void);
void plat_task_free(struct task *t);
/* Where the child's user registers live before it first runs. */
struct regs *plat_task_regs(struct task *t);
/* Starts the child: it returns to user mode with *plat_task_regs(child) (KTHREAD: runs
 * fn(arg)). PROCESS: in a copy of the current address space, which child->mm describes.
 * 0 or -EAGAIN/-ENOMEM. PLAT_LENT (PROCESS only): it will run in the caller's place first:
 * plat_vfork_wait. tls: user FS base for the child, or keep (PLAT_KEEP_TLS). */
int plat_task_start(struct task *child, enum plat_start how, u64 tls,
                    void (*fn)(void *), void *arg);
#define PLAT_KEEP_TLS (~0ull)
#define PLAT_LENT 1
/* After PLAT_VFORK or PLAT_LENT: lends the caller's execution to the child until that
 * ends, or has a context of its own (plat_exec_detach, plat_settle). */
void plat_vfork_wait(struct task *child);
/* A forked child that still runs in its parent's place (PLAT_LENT) gets a context and an
 * address space of its own: before it changes that, sleeps, or forks. 0; or -EAGAIN:
 * the host refuses, and the caller has been sent SIGKILL. */
int plat_settle(void);
bool plat_unsettled(void);              /* is the caller such a child? */
/* Has children that run in their parents' places for too long settle (WORK_SETTLE): to
 * be called at the returned time again. now, result: monotonic. */
u64 plat_settle_watch(u64 now);
/* exec: is an address space at hand for the caller to go on in? Then the next
 * plat_exec_detach leads there, unless it is given back. The result describes it, the
 * caller's; NULL: there is none. It may hold constant parts of a program, of `prog` (may be
 * NULL) if possible: mm_clear, once there. */
struct inode;
struct mm *plat_exec_reserve(struct task *t, const struct inode *prog);
void plat_exec_unreserve(struct task *t, struct mm *mm);
/* The caller ends, and has left mm, which nobody else has: true if the platform takes it,
 * to keep the program's constant parts for the next exec. */
bool plat_as_keep(struct mm *mm);
/* Puts what is kept of `prog` (NULL: of all programs), as somebody wants to write to the file
 * or to unmount. True if there was any. May sleep. */
bool plat_kept_drop(const struct inode *prog);
/* Child's side at exec: moves the child into a host context and empty address space of
 * its own, if it shares its parent's. 0 or -errno (then still shared). */
int plat_exec_detach(struct task *t);
/* The first task's way into its program: registers at plat_task_regs(current()). */
void plat_enter_user(struct regs *r) __attribute__((noreturn));
void plat_task_exit(void) __attribute__((noreturn));
/* Sleeps until woken or the deadline: false at the deadline. Consumes one token. */
bool plat_task_wait(struct task *self, u64 deadline);
void plat_task_wake(struct task *t);
/* For wakes under a lock that the woken will want: between the two, the caller's first
 * sleeping task is told only at the release. */
void plat_wakes_hold(void);
void plat_wakes_release(void);
/* Makes a task that runs user code enter task_return_work soon. */
void plat_task_kick(struct task *t);
void plat_set_tls(u64 fsbase);
u64 plat_get_tls(void);
void plat_yield(void);
/* Its nice value, policy or affinity has been changed. */
void plat_sched_changed(struct task *t);
/* Are tasks moved and preempted by us, who set WORK_RSEQ then (rseq.h)? */
bool plat_tells_moves(void);
unsigned plat_cpu(void);                        /* the caller's, as far as we know */
/* Is the host context of this task still there? (A host may kill it.) */
bool plat_task_alive(const struct task *t);
/* It had one and lost it without having ended. */
bool plat_task_killed(const struct task *t);

/* -- locks -- */
void plat_lock_wait(u32 *v, u32 seen);          /* while *v == seen; may return early */
void plat_lock_wake(u32 *v);                    /* one waiter */

/* -- user floating point state, Linux's signal frame format (XSAVE area with
 *    FP_XSTATE_MAGIC1 in sw_reserved and MAGIC2 at the end) -- */
size_t plat_fp_size(void);                      /* bytes, both magics included */
int plat_fp_to_user(uptr_t dst);                /* 64-aligned; 0 or -EFAULT */
int plat_fp_from_user(uptr_t src);              /* 0: init state */
/* The same as registers (ptrace(2): NT_X86_XSTATE; XCR0 at 464) in kernel memory, at most
 * PLAT_FP_MAX bytes: how many. Written: all of them, or the first 512; 0 or -EINVAL. */
#define PLAT_FP_MAX 4096u
size_t plat_fp_read(void *dst);
int plat_fp_write(const void *src, size_t n);

/* -- address spaces: host side of mm/ (locks held there) -- */
enum plat_src { PLAT_ANON, PLAT_PAGES, PLAT_GRANT };
struct plat_map {
    u64 va, len;
    u32 prot;                   /* PROT_* */
    enum plat_src src;
    bool shared, populate;
    void *pages;                /* PLAT_PAGES: kernel memory, contiguous */
    bool counted;               /* PLAT_PAGES: entries are users of their pages, see below */
    int grant; u64 off;         /* PLAT_GRANT */
};
void plat_as_dispose(struct mm *mm);      /* frees mm->plat, if the platform set it */
int plat_as_map(struct mm *mm, const struct plat_map *m);
int plat_as_unmap(struct mm *mm, u64 va, u64 len);
int plat_as_protect(struct mm *mm, u64 va, u64 len, u32 prot);
int plat_as_move(struct mm *mm, u64 from, u64 old_len, u64 to, u64 new_len);
int plat_as_populate(struct mm *mm, u64 va, u64 len, bool write);
/* Makes the 2 MiB from va on one huge page of private anonymous memory, where `keep` bytes at
 * the start are present and keep their contents; room: as much that is free, for use meanwhile.
 * 0; or -errno and nothing was done. */
int plat_as_huge(struct mm *mm, u64 va, u64 keep, u32 prot, u64 room);
int plat_as_discard(struct mm *mm, u64 va, u64 len);    /* MADV_DONTNEED */
int plat_as_advise(struct mm *mm, u64 va, u64 len, int advice);
/* Programs live in [min, top) and, by their own wish only, in [kernel_end, max). */
u64 plat_user_min(void), plat_user_top(void), plat_kernel_end(void), plat_user_max(void);
u64 plat_vdso(void);                    /* AT_SYSINFO_EHDR of programs, or 0 */

/* -- pages of files, mapped by entries that are counted (pvh). Where the platform does
 * not count, a page has a user for ever, and none of this does anything. -- */
bool plat_counts_pages(void);
u32 plat_page_users(const void *page);          /* entries, and those that hold it */
void plat_page_hold(void *page);
void plat_page_drop(void *page);
/* Has it been stored to through a mapping that has gone or was swept? take: forgotten. */
bool plat_page_dirty(void *page, bool take);
void plat_as_sweep(struct mm *mm, u64 va, u64 len);     /* marks of stores to the pages */
void plat_as_age(struct mm *mm, u64 va, u64 len);       /* out with what was not used */
bool plat_as_has(struct mm *mm, u64 va);                /* is there an entry? */

/* -- grants: open files of the host (pv). Handles are >= 0. -- */
bool plat_has_grants(void);
int plat_grant_take(u64 cookie);                        /* handle or -errno */
void plat_grant_close(int handle);
/* Kernel or user buffer (user pages must be present: plat_as_populate first). */
ssize_t plat_grant_pread(int handle, void *buf, size_t n, u64 off);
ssize_t plat_grant_pwrite(int handle, const void *buf, size_t n, u64 off);
struct plat_stat { u64 size, blocks; struct { u64 sec; u32 nsec; } atime, mtime, ctime; };
/* The file's size in bytes, blocks of 512 and times as of now: 0 or -errno. */
int plat_grant_stat(int handle, struct plat_stat *st);
/* Copies from the file through a mapping of it in the kernel's window: quick for small
 * reads that repeat. -EOPNOTSUPP: use pread. size: the file's size as known. */
ssize_t plat_grant_copy(int handle, u64 off, size_t n, u64 size, uptr_t user_dst);
#endif
