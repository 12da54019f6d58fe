/* xenc create: a domain whose program waits for xenc start. */
#include "runtime/runtime.h"

int rt_cmd_create(struct rt *rt, struct rt_args *a, struct err *e)
{
    struct rt_launch l = RT_LAUNCH_NONE;
    int r;

    l.create = true;
    r = rt_launch_flags(&l, a, e);
    if (r == 0)
        r = rt_launch(rt, &l, e);
    rt_launch_dispose(&l);
    return r < 0 ? r : 0;
}
