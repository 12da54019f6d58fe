/* Address spaces of guest programs (mm/). The platform keeps page tables or host
 * mappings; mm/ knows what belongs where. */
#ifndef MM_H
#define MM_H
#include "lock.h"
#include "plat.h"

struct file;
struct inode;
struct task;

/* Where the bytes of a mapping are: filled in by file_ops.mmap. */
struct map_source {
    enum { SRC_ANON, SRC_PAGES, SRC_GRANT } kind;
    int grant;                          /* SRC_GRANT: a handle that stays open with the file */
    /* SRC_PAGES: the page of kernel memory that holds page `index` of the file, made if
     * need be (NULL: beyond the end -> SIGBUS, or no memory). Counted by the file. */
    void *(*page)(struct file *f, u64 index, bool write);
    /* SRC_PAGES, optional: held around page() until what it returned is mapped. */
    void (*lock)(struct file *f), (*unlock)(struct file *f);
    bool no_write;                      /* never to become writable: a sealed file */
    bool counted;                       /* the pages' entries are counted: plat_map.counted */
};

struct vma {
    struct rbnode node;
    u64 start, end;
    u32 prot, flags;                    /* PROT_*, MAP_* (SHARED/PRIVATE/GROWSDOWN/..) */
    struct file *file;                  /* counted, or NULL */
    u64 off;                            /* file offset of start */
    struct map_source src;
    const char *name;                   /* "[stack]", "[heap]" or NULL */
    bool patched;                       /* program text with patched sites (pv) */
    bool was_writable;                  /* may hold private copies */
};

/* Since boot: how often memory was at its limit, and what had to go for it (core/oom.c). */
extern struct oom_counts { u64 hits, kills; } oom_counts;
u64 mm_anon_bytes(void);        /* programs' anonymous memory, all address spaces */

struct mm {
    struct ref ref;
    struct mutex lock;
    struct rbtree vmas;
    struct rbtree runs;                 /* pv: what is mapped on the host, mm/run.c */
    u32 nvmas;
    u64 total, peak;                    /* bytes */
    u64 resident, resident_peak;        /* bytes of all runs */
    u64 charge;                         /* anonymous bytes brought in: mm/budget.c */
    u64 brk_start, brk, stack_top, stack_limit;
    u64 code_start, code_end, data_start, data_end;
    u64 arg_start, arg_end, env_start, env_end;
    u64 mmap_hint;
    u64 auxv[48]; u32 auxv_n;
    u64 barrier; u32 barriers;          /* membarrier(2): its page; what is registered */
    bool fork_advice;                   /* some mapping has it: mm_fork_child */
    bool any_locked, lock_future, lock_on_fault;        /* mlock.c */
    u32 traps;                          /* pv: system calls that came by trap */
    u32 units;                          /* pv: where the host has had mappings, plat/pv/as.c */
    const struct inode *prog;           /* the program, if it is always at the same place; a
                                         * name only: not to be followed */
    void *plat;
};

struct mm *mm_new(void);
/* fork: a copy of the bookkeeping, while the platform copies the pages. `mm` stays
 * locked from begin (when that succeeded) to end. */
struct mm *mm_clone_begin(struct mm *mm);
void mm_clone_end(struct mm *mm);
struct mm *mm_clone(struct mm *mm);             /* both */
/* What a forked child could change in the address space, if it ran in its parent's. */
#define MM_COPY_PIECES 24u
#define MM_COPY_MAX    (768ul << 10)
struct mm_piece { u64 start, end; };
struct mm_copy { u32 n; u64 bytes; struct mm_piece piece[MM_COPY_PIECES]; };
/* Lists it, mm->lock held. False: too much, or there is advice to follow at forks. */
bool mm_copy_plan(struct mm *mm, struct mm_copy *c);
/* In the address space itself: to buf (c->bytes long), false if not all can be read; and
 * from there, where the two differ. */
bool mm_copy_take(const struct mm_copy *c, char *buf);
void mm_copy_back(const struct mm_copy *c, const char *buf);
/* First thing in a forked child: what madvise said it should not inherit. */
void mm_fork_child(struct mm *mm);
static inline void mm_get(struct mm *mm) { ref_get(&mm->ref); }
void mm_put(struct mm *mm);
/* Before the current task, which has left mm, puts it for ever. */
void mm_exit(struct mm *mm);
/* Drops every mapping of the current address space (exec), but the constant ones of
 * `prog` when that is not NULL: the new program is the same file at the same place. */
void mm_clear(struct mm *mm, const struct inode *prog);
/* For a process that has ended, mm its alone: mm_clear with mm->prog, but all that is not
 * kept is still mapped on the host. */
void mm_retire(struct mm *mm);
/* The next range from *start_r on where nothing is present; the last one ends at ~0.
 * False: there is none. Takes no lock. */
bool mm_gap_next(const struct mm *mm, u64 *start_r, u64 *end_r);
/* Is this part of a program there already? (After mm_clear with prog.) */
bool mm_has_text(u64 start, u64 len, u32 prot, const struct inode *prog, u64 off);

/* mmap(2) and friends on the current address space: address/0 or -errno. */
s64 mm_mmap(u64 addr, u64 len, u32 prot, u32 flags, struct file *f, u64 off);
int mm_munmap(u64 addr, u64 len);
/* Unmaps what is left of the mapping that once began at addr with the start of a file of
 * these operations: 0 and the file, counted, or -EINVAL: there is none. */
struct file_ops;
int mm_unmap_file(u64 addr, const struct file_ops *ops, struct file **file_r);
int mm_mprotect(u64 addr, u64 len, u32 prot);
s64 mm_mremap(u64 old, u64 old_len, u64 new_len, u32 flags, u64 new_addr);
/* remap_file_pages(2): other pages of the file that is mapped there, by a new mapping. */
int mm_remap_pages(u64 addr, u64 len, u64 page, u32 flags);
/* What is mapped at addr: 0, or -EFAULT: nothing. */
int mm_prot_at(u64 addr, u32 *prot_r, u32 *flags_r);
int mm_madvise(u64 addr, u64 len, int advice);
int mm_msync(u64 addr, u64 len, int flags);
/* mlock2(2) and its kin: 0, -EINVAL, -ENOMEM, -EPERM. */
int mm_mlock(u64 addr, u64 len, bool on_fault);
int mm_munlock(u64 addr, u64 len);
int mm_mlockall(bool now, bool future, bool on_fault);
void mm_munlockall(void);
u64 mm_locked_bytes(struct mm *mm);
int mm_mincore(u64 addr, u64 len, uptr_t vec);
u64 mm_brk(u64 addr);
/* A fault at addr: 0: retry; -EFAULT: SIGSEGV MAPERR; -EACCES: SEGV_ACCERR; -ENXIO: SIGBUS;
 * -EINTR: the process is being killed. */
int mm_fault(u64 addr, bool write, bool exec);
/* Mappings of a file, in all processes (mm/filemap.c); no mm->lock may be held. Out of
 * them go pages from index `from` on, private copies too; the marks of stores go to the
 * pages (plat_page_dirty). */
void mm_file_zap(const struct inode *i, u64 from);
/* Is it mapped shared anywhere, by an open file that could be written to? */
bool mm_file_may_store(const struct inode *i);
void mm_file_sweep(const struct inode *i);
/* Of tmpfs, whose pages are not counted: the file ends before page `from` now, and whoever
 * touches a mapping beyond gets SIGBUS. No locks; waits for other processes (errand.h). */
void mm_file_cut(const struct inode *i, u64 from);
/* Is there a shared mapping through which the file could be changed? */
bool mm_file_written(const struct inode *i);
/* Takes pages of files out of all mappings where they have not been used since the last
 * call; what can't be had without waiting is left alone. */
void mm_file_age(void);

/* mm/reclaim.c: makes memory free: pages got. May write files back, so with no locks held
 * that this needs: mm->lock or the files' own. */
u64 mm_reclaim(u64 pages);
/* For those who fill caches: waits a little while memory is short. No locks held. */
void mm_leave_room(void);
void reclaim_poke(void);                /* memory is getting short. Any context. */
void reclaim_expect_dirt(void);         /* files are mapped for writing */
int reclaim_start(void);

/* core/oom.c: kills the process that has the most and waits for that: 0: try again; -EINTR:
 * it is the current one; -ENOMEM: no help. With no spinlock held and no mm->lock. */
int oom_relieve(void);
/* Makes user pages present so that the host may use them directly. 0 or -EFAULT. */
int mm_populate_user(u64 addr, u64 len, bool write);
/* Lets go of program text and other read-only file pages; they come back by themselves. */
void mm_trim(struct mm *mm);
/* A free range for len bytes where mmap would place it; 0: none. Not reserved. */
u64 mm_find_gap(struct mm *mm, u64 len);
/* Names the mapping at addr ("[stack]"); name is kept as is. */
#define MM_HUGE (2ul << 20)             /* a huge page of the host or the CPU */
void mm_name(struct mm *mm, u64 addr, const char *name);
/* For /proc/PID/maps: calls fn for each mapping in order, under the lock. */
void mm_for_each(struct mm *mm, void (*fn)(const struct vma *v, void *arg), void *arg);
/* Bytes that have been brought in: all; the most there ever were; in a range, mm->lock held. */
static inline u64 mm_resident(const struct mm *mm) { return READ_ONCE(mm->resident); }
static inline u64 mm_resident_peak(const struct mm *mm) { return READ_ONCE(mm->resident_peak); }
u64 mm_resident_in(struct mm *mm, u64 start, u64 end);

/* What a futex at addr is known by: (address space, address), or, if shared is set and
 * the mapping is shared, (file, offset). 0 or -EFAULT. */
int mm_futex_key(u64 addr, bool shared, u64 key_r[2]);

/* execve(2) (core/exec.c). Strings are kernel copies made by the caller. On success the
 * task's regs are the new program's; errors leave the old program as it was. */
struct exec_args {
    char *strings;              /* argv then envp strings, each with its NUL */
    size_t len;
    u32 argc, envc;
};
int exec_program(int dfd, const char *name, u32 at_flags, const struct exec_args *a);
#endif
