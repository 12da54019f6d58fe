/* Inside mm/: the tree of mappings and the tree of runs. */
#ifndef MM_VMA_H
#define MM_VMA_H

#include "mm.h"

/* Our own bits in vma.flags, beside MAP_*: what becomes of it in a forked child; and no
 * huge pages are wanted. */
#define VMA_DONTFORK   (1u << 30)
#define VMA_WIPEONFORK (1u << 29)
#define VMA_SMALL      (1u << 28)

#define MM_MAX_VMAS 60000u      /* below the host's vm.max_map_count */

/* vma.c: all with mm->lock held. */
struct vma *vma_find(struct mm *mm, u64 addr);          /* first with end > addr, or NULL */
struct vma *vma_next(const struct vma *v);
struct vma *vma_prev(const struct vma *v);
struct vma *vma_new(struct mm *mm, u64 start, u64 end); /* linked; not merged; NULL: no memory */
/* All that v says of its bytes, for n, which begins `skip` bytes further on in them. */
void vma_inherit(struct vma *n, const struct vma *v, u64 skip);
void vma_free(struct mm *mm, struct vma *v);            /* unlinked and freed */
/* Cuts the mapping that crosses addr in two. 0 or -ENOMEM. */
int vma_split(struct mm *mm, u64 addr);
/* Joins v with its neighbours where nothing tells them apart. */
void vma_merge(struct mm *mm, struct vma *v);
/* A free range of len bytes below `top`, as high as possible; 0: none. */
u64 vma_gap(struct mm *mm, u64 len, u64 top);
bool vma_range_free(struct mm *mm, u64 addr, u64 len);

/* run.c: what is present in the host's (pv) address space. Runs never overlap or touch. */
struct run { struct rbnode node; u64 start, end; };
struct run *run_find(const struct mm *mm, u64 addr);          /* first with end > addr, or NULL */
struct run *run_prev_of(struct mm *mm, u64 addr);       /* last with start < addr, or NULL */
int run_add(struct mm *mm, u64 start, u64 end);
/* Forgets [start, end): true if any part of it was there. */
bool run_remove(struct mm *mm, u64 start, u64 end);
void run_clear(struct mm *mm);
int run_copy(struct mm *to, const struct mm *from);

/* present.c: brings pages of v in. [start, end) lies in v and holds no run. */
int present_map(struct mm *mm, struct vma *v, u64 start, u64 end, bool write);
/* Everything of v in [start, end) that is not present yet. */
int present_range(struct mm *mm, struct vma *v, u64 start, u64 end, bool write);

/* budget.c: anonymous memory about to be brought in: 0 or -EDQUOT; and let go of, before
 * the mappings in the range are. mm->lock held. */
int budget_charge(struct mm *mm, u64 len);
int budget_room(u64 len);                       /* the same, and nothing is counted */
void budget_return(struct mm *mm, u64 len);     /* it was not brought in after all */
void budget_uncharge(struct mm *mm, u64 start, u64 end);
void budget_clear(struct mm *mm);

/* mlock.c: may so many more bytes be locked? 0, -EPERM: none at all, -EAGAIN. mm->lock held. */
int lock_room(struct mm *mm, u64 more);

/* map.c: takes [start, end) out, mappings and host's. */
int unmap_range(struct mm *mm, u64 start, u64 end);

/* tmpfs: an unnamed file for shared anonymous memory. */
int shmem_file_new(const char *name, u64 size, struct file **file_r);

#endif
