/* poll, ppoll, select, pselect6: arguments. */
#include <asm/poll.h>
#include <linux/limits.h>
#include <linux/resource.h>
#include "kpoll.h"
#include "sys.h"
#include "task.h"
#include "timeout.h"

#define INLINE_FDS 16

/* Sets the mask for the time of the call; set 0: none. */
static int temp_mask(uptr_t set, u64 size)
{
    ksigset_t mask;

    if (!set)
        return 0;
    if (size != sizeof mask)
        return -EINVAL;
    if (get_user(mask, set))
        return -EFAULT;
    signal_set_temp_mask(mask);
    return 0;
}

/* A call that a signal ended keeps the mask until its handler has been set up. */
static long unmask(uptr_t set, long r)
{
    if (set && r != -ERESTARTNOHAND)
        signal_restore_temp_mask();
    return r;
}

static long do_poll(uptr_t user, u64 n, u64 deadline)
{
    struct pollfd few[INLINE_FDS], *fds = few;
    long r = -EFAULT;

    if (n > current()->proc->rlim[RLIMIT_NOFILE].cur)
        return -EINVAL;
    if (n > INLINE_FDS && !(fds = kmalloc(n * sizeof *fds)))
        return -ENOMEM;
    if (!copy_from_user(fds, user, n * sizeof *fds)) {
        r = poll_fds(fds, (u32)n, deadline);
        for (u64 i = 0; i < n && r >= 0; i++)
            if (put_user(fds[i].revents, user + i * sizeof *fds + offsetof(struct pollfd, revents)))
                r = -EFAULT;
    }
    if (fds != few)
        kfree(fds);
    return r;
}

long sys_poll(const u64 *a)
{
    return do_poll(a[0], (u32)a[1], deadline_from_ms((int)a[2]));
}

static void write_left(uptr_t addr, u64 deadline)
{
    u64 left = time_left(deadline);
    struct __kernel_timespec ts = { .tv_sec = (s64)(left / NSEC_PER_SEC),
                                    .tv_nsec = (s64)(left % NSEC_PER_SEC) };

    if (addr && deadline != WAIT_FOREVER)
        (void)put_user(ts, addr);       /* the result stands, as on Linux */
}

long sys_ppoll(const u64 *a)
{
    u64 deadline;
    int r = deadline_from_timespec(a[2], &deadline);

    if (!r)
        r = temp_mask(a[3], a[4]);
    if (r)
        return r;
    long n = unmask(a[3], do_poll(a[0], (u32)a[1], deadline));
    write_left(a[2], deadline);
    return n;
}

/* -- select -- */

static long do_select(int n, const uptr_t user[3], u64 deadline)
{
    u64 few[6 * 4], *buf = few, *in[3] = { NULL }, *out[3] = { NULL };
    long r = 0;

    if (n < 0)
        return -EINVAL;
    n = min(n, (int)current()->files->size);    /* no descriptor is higher */
    size_t words = ((size_t)n + 63) / 64;
    if (words > 4 && !(buf = kmalloc(6 * words * 8)))
        return -ENOMEM;
    for (size_t k = 0; k < 3 && !r; k++) {
        if (!user[k])
            continue;
        in[k] = buf + k * words;
        out[k] = buf + (3 + k) * words;
        r = copy_from_user(in[k], user[k], words * 8);
    }
    if (!r)
        r = select_fds((u32)n, in, out, deadline);
    for (int k = 0; k < 3 && r >= 0; k++)
        if (user[k] && copy_to_user(user[k], out[k], words * 8))
            r = -EFAULT;
    if (buf != few)
        kfree(buf);
    return r;
}

long sys_select(const u64 *a)
{
    struct __kernel_old_timeval tv;
    u64 deadline = WAIT_FOREVER;
    const uptr_t sets[3] = { a[1], a[2], a[3] };

    if (a[4]) {
        if (get_user(tv, a[4]))
            return -EFAULT;
        if (tv.tv_usec < 0)
            return -EINVAL;
        int r = deadline_from_parts(tv.tv_sec + tv.tv_usec / 1000000,
                                    tv.tv_usec % 1000000 * 1000, &deadline);
        if (r)
            return r;
    }
    long n = do_select((int)a[0], sets, deadline);
    if (a[4] && deadline != WAIT_FOREVER) {
        u64 left = time_left(deadline);
        tv.tv_sec = (s64)(left / NSEC_PER_SEC);
        tv.tv_usec = (s64)(left % NSEC_PER_SEC / 1000);
        (void)put_user(tv, a[4]);
    }
    return n;
}

long sys_pselect6(const u64 *a)
{
    struct { u64 set, size; } mask = { 0, 0 };
    const uptr_t sets[3] = { a[1], a[2], a[3] };
    u64 deadline;
    int r = deadline_from_timespec(a[4], &deadline);

    if (r)
        return r;
    if (a[5] && get_user(mask, a[5]))
        return -EFAULT;
    r = temp_mask(mask.set, mask.size);
    if (r)
        return r;
    long n = unmask(mask.set, do_select((int)a[0], sets, deadline));
    write_left(a[4], deadline);
    return n;
}
