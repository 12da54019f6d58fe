/* Access to guest programs' memory: they share our address space, so it is a copy that
 * may fault. */
#include "pv.h"
#include "user.h"

size_t pv_uclear(void *dst, size_t n);
long pv_ustrcpy(char *dst, const char *src, size_t n);
int pv_ucmpxchg(u32 *p, u32 old, u32 new, u32 *seen);
int pv_uload(const u32 *p, u32 *val);
int pv_udiffers(const void *user, const void *p, size_t n);

u64 plat_user_min(void) { return PV_USER_MIN; }
u64 plat_user_top(void) { return PV_USER_TOP; }
u64 plat_kernel_end(void) { return PV_KERNEL_END; }
u64 plat_user_max(void) { return PV_USER_MAX; }
u64 plat_vdso(void) { return BOOT->vdso; }

static bool user_range(uptr_t a, size_t n)
{
    if (n >= PV_USER_MAX || a >= PV_USER_MAX || a + n > PV_USER_MAX)
        return false;
    return a >= PV_KERNEL_END || a + n <= PV_KERNEL_START;
}

/* The vDSO lies above: programs pass its name and notes on, as they find them there. */
static bool readable_range(uptr_t a, size_t n)
{
    u64 in = a - BOOT->vdso;

    return user_range(a, n) || (in < pv_vdso_size && n <= pv_vdso_size - in);
}

int copy_from_user(void *dst, uptr_t src, size_t n)
{
    if (unlikely(!readable_range(src, n)) || pv_ucopy(dst, (const void *)src, n))
        return -EFAULT;
    return 0;
}

int copy_to_user(uptr_t dst, const void *src, size_t n)
{
    if (unlikely(!user_range(dst, n)) || pv_ucopy((void *)dst, src, n))
        return -EFAULT;
    return 0;
}

int clear_user(uptr_t dst, size_t n)
{
    if (unlikely(!user_range(dst, n)) || pv_uclear((void *)dst, n))
        return -EFAULT;
    return 0;
}

ssize_t strncpy_from_user(char *dst, uptr_t src, size_t n)
{
    if (unlikely(!readable_range(src, 1)))
        return -EFAULT;
    /* A string may end before the kernel region even if n bytes would reach it. */
    size_t room = src < PV_KERNEL_START ? PV_KERNEL_START - src
                  : src < PV_USER_MAX ? PV_USER_MAX - src : BOOT->vdso + pv_vdso_size - src;
    long r = pv_ustrcpy(dst, (const char *)src, n < room ? n : room);
    if (r < 0 || (size_t)r == room)
        return -EFAULT;
    return (size_t)r == n ? -ENAMETOOLONG : r;
}

int user_cmpxchg32(uptr_t addr, u32 old, u32 new, u32 *seen_r)
{
    if (!user_range(addr, 4) || pv_ucmpxchg((u32 *)addr, old, new, seen_r))
        return -EFAULT;
    return 0;
}

int user_load32(uptr_t addr, u32 *val_r)
{
    if (!user_range(addr, 4) || pv_uload((const u32 *)addr, val_r))
        return -EFAULT;
    return 0;
}

bool user_differs(uptr_t addr, const void *p, size_t n)
{
    return user_range(addr, n) && pv_udiffers((const void *)addr, p, n);
}
