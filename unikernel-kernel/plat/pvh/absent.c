/* What a PVH domain has no use for: descriptors of the host's files, and prepared
 * program text; late forks and spare processes. */
#include "patch.h"
#include "pvh.h"

bool plat_has_grants(void) { return false; }
int plat_grant_take(u64 cookie) { return -EOPNOTSUPP; }
void plat_grant_close(int h) { }
ssize_t plat_grant_pread(int h, void *buf, size_t n, u64 off) { return -EOPNOTSUPP; }
ssize_t plat_grant_pwrite(int h, const void *buf, size_t n, u64 off) { return -EOPNOTSUPP; }
int plat_grant_stat(int h, struct plat_stat *st) { return -EOPNOTSUPP; }
ssize_t plat_grant_copy(int h, u64 off, size_t n, u64 size, uptr_t dst) { return -EOPNOTSUPP; }

struct exec_image *pv_patch_prepare(const struct vma *v) { return NULL; }
void exec_image_free(struct exec_image *im) { }
bool pv_patch_any(const struct exec_image *im, u64 off, u64 len) { return false; }
bool pv_patch_covers(const struct exec_image *im, u64 off, u64 len) { return false; }
u64 pv_patch_stubs(const struct exec_image *im, u64 text, u64 *len_r) { *len_r = 0; return 0; }
int pv_patch_apply(struct mm *mm, const struct vma *v, const struct exec_image *im)
{
    return -ENOSYS;
}
u64 pv_patch_rip(const struct exec_image *im, u64 text, u64 rip) { return rip; }

/* A fork copies page tables here, at little cost: no child runs in its parent's place. */
int plat_settle(void) { return 0; }
bool plat_unsettled(void) { return false; }
void plat_wakes_hold(void) { }
void plat_wakes_release(void) { }
struct mm *plat_exec_reserve(struct task *t, const struct inode *prog) { return NULL; }
void plat_exec_unreserve(struct task *t, struct mm *mm) { }
int plat_as_huge(struct mm *mm, u64 va, u64 keep, u32 prot, u64 room) { return -EOPNOTSUPP; }
bool plat_as_keep(struct mm *mm) { return false; }
bool plat_kept_drop(const struct inode *prog) { return false; }
u64 plat_settle_watch(u64 now) { return WAIT_FOREVER; }
