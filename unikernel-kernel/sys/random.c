/* getrandom(2). */
#include "random.h"
#include <linux/random.h>
#include "sys.h"
#include "user.h"

long sys_getrandom(const u64 *a)
{
    struct iov v;
    struct uio u;

    /* Both pools are one and always ready, so the flags change nothing. */
    if (a[2] & ~(u64)(GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE))
        return -EINVAL;
    if ((a[2] & (GRND_RANDOM | GRND_INSECURE)) == (GRND_RANDOM | GRND_INSECURE))
        return -EINVAL;
    uio_init_user(&u, &v, a[0], min(a[1], (u64)0x7ffff000));
    return random_to(&u);
}
