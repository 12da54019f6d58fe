/* Prepared program text (pv): what mm/ asks of plat/pv/patch.c. */
#ifndef PATCH_H
#define PATCH_H
#include "mm.h"

struct exec_image;

/* Address space kept free behind an image for its stubs. */
#define PV_PATCH_ROOM (64ul << 10)

/* Looks at the text that v maps (private, executable, not writable, of a host file):
 * an image for the inode to keep, possibly one that says there is nothing to do; NULL
 * without memory. */
struct exec_image *pv_patch_prepare(const struct vma *v);
void exec_image_free(struct exec_image *im);
bool pv_patch_any(const struct exec_image *im, u64 off, u64 len);
/* Do its patched pages replace all of the text, in one piece? */
bool pv_patch_covers(const struct exec_image *im, u64 off, u64 len);
u64 pv_patch_stubs(const struct exec_image *im, u64 text, u64 *len_r);
/* Lays the patched pages over v's and maps the stubs. */
int pv_patch_apply(struct mm *mm, const struct vma *v, const struct exec_image *im);
u64 pv_patch_rip(const struct exec_image *im, u64 text, u64 rip);

/* mm/patch.c. For a mapping of which nothing is present (lock held): true if it was the
 * text of a file whose prepared pages are all of it, and they are in place. */
bool mm_patch_whole(struct mm *mm, struct vma *v);
/* A mapping of program text was made (lock held): uses what its file has. */
void mm_patch_mapped(struct mm *mm, struct vma *v);
/* The task has trapped often: prepares the text around its program counter. */
void mm_patch_hot(struct regs *r);
#endif
