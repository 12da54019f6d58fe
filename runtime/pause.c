/* xenc pause and resume: stops all of a container, and lets it go on. */
#include "runtime/runtime.h"

#include <errno.h>

static int set_paused(const struct rt_dir *d, struct rt_state *s, bool on, struct err *e)
{
    enum rt_status now = rt_state_status(s);

    if (on && now != RT_RUNNING)
        return err_set(e, EINVAL, "cannot pause a container that is %s", rt_status_name(now));
    if (!on && now != RT_PAUSED)
        return err_set(e, EINVAL, "cannot resume a container that is %s", rt_status_name(now));
    int r = rt_dir_ctl(d, on ? HV_CMD_PAUSE : HV_CMD_RESUME, 0, 0, e);
    if (r < 0)
        return r;
    s->paused = on;
    return rt_state_write(d, s, e);
}

static int do_pause(const struct rt_dir *d, struct rt_state *s, struct err *e)
{
    return set_paused(d, s, true, e);
}

static int do_resume(const struct rt_dir *d, struct rt_state *s, struct err *e)
{
    return set_paused(d, s, false, e);
}

int rt_cmd_pause(struct rt *rt, struct rt_args *a, struct err *e)
{
    return rt_on_container(rt, a, do_pause, e);
}

int rt_cmd_resume(struct rt *rt, struct rt_args *a, struct err *e)
{
    return rt_on_container(rt, a, do_resume, e);
}
