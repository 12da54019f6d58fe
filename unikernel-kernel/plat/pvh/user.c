/* Access to programs' memory: a copy that may fault, with SMAP lifted (entry.S). */
#include "pvh.h"
#include "user.h"

size_t pvh_ucopy(void *dst, const void *src, size_t n);
size_t pvh_uclear(void *dst, size_t n);
long pvh_ustrcpy(char *dst, const char *src, size_t n);
int pvh_ucmpxchg(u32 *p, u32 old, u32 new, u32 *seen);
int pvh_uload(const u32 *p, u32 *val);

static bool user_range(uptr_t a, size_t n)
{
    return n <= PVH_USER_MAX && a <= PVH_USER_MAX - n;
}

int copy_from_user(void *dst, uptr_t src, size_t n)
{
    if (unlikely(!user_range(src, n)) || pvh_ucopy(dst, (const void *)src, n))
        return -EFAULT;
    return 0;
}

int copy_to_user(uptr_t dst, const void *src, size_t n)
{
    if (unlikely(!user_range(dst, n)) || pvh_ucopy((void *)dst, src, n))
        return -EFAULT;
    return 0;
}

int clear_user(uptr_t dst, size_t n)
{
    if (unlikely(!user_range(dst, n)) || pvh_uclear((void *)dst, n))
        return -EFAULT;
    return 0;
}

ssize_t strncpy_from_user(char *dst, uptr_t src, size_t n)
{
    if (unlikely(!user_range(src, 1)))
        return -EFAULT;
    /* A string may end before the last address even if n bytes would not. */
    size_t room = PVH_USER_MAX - src;
    long r = pvh_ustrcpy(dst, (const char *)src, n < room ? n : room);
    if (r < 0 || (size_t)r == room)
        return -EFAULT;
    return (size_t)r == n ? -ENAMETOOLONG : r;
}

int user_cmpxchg32(uptr_t addr, u32 old, u32 new, u32 *seen_r)
{
    if (!user_range(addr, 4) || pvh_ucmpxchg((u32 *)addr, old, new, seen_r))
        return -EFAULT;
    return 0;
}

int user_load32(uptr_t addr, u32 *val_r)
{
    if (!user_range(addr, 4) || pvh_uload((const u32 *)addr, val_r))
        return -EFAULT;
    return 0;
}

bool user_differs(uptr_t addr, const void *p, size_t n)
{
    u8 buf[128];

    for (size_t at = 0; at < n; at += sizeof buf) {
        size_t m = min(n - at, sizeof buf);
        if (copy_from_user(buf, addr + at, m))
            return false;
        if (memcmp(buf, (const u8 *)p + at, m))
            return true;
    }
    return false;
}
