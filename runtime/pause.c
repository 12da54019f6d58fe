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

static int pause_or_resume(struct rt *rt, struct rt_args *a, bool on, struct err *e)
{
    static const struct rt_flag flags[] = { { NULL, 0, NULL, NULL, NULL, NULL } };
    struct rt_dir d = RT_DIR_NONE;
    struct rt_state s;
    const char *id;
    int r = rt_flags_verb(flags, a, e);

    if (r != 0)
        return r < 0 ? r : 0;
    r = rt_one_id(a, &id, e);
    if (r == 0)
        r = rt_dir_open(rt->root, id, true, &d, e);
    if (r < 0)
        return r;
    r = rt_state_read(&d, &s, e);
    if (r == 0) {
        r = set_paused(&d, &s, on, e);
        rt_state_dispose(&s);
    }
    rt_dir_close(&d);
    return r;
}

int rt_cmd_pause(struct rt *rt, struct rt_args *a, struct err *e)
{
    return pause_or_resume(rt, a, true, e);
}

int rt_cmd_resume(struct rt *rt, struct rt_args *a, struct err *e)
{
    return pause_or_resume(rt, a, false, e);
}
