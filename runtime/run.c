/* xenc run: create, start, wait, delete; with --detach the first two. */
#include "runtime/runtime.h"

#include <errno.h>

#include "base/log.h"

static int wait_and_delete(struct rt *rt, struct rt_launch *l, struct err *e)
{
    struct err late = { 0 };
    int status = 1, r = rt_attach(l->state.pid, &l->dir, &l->console, &status, e);

    if (r < 0)
        return r;
    l->state.pid = 0;
    r = rt_dir_relock(rt->root, l->id, &l->dir, &late);
    if (r == 0 && l->keep)
        r = rt_state_write(&l->dir, &l->state, &late);
    else if (r == 0)
        r = rt_destroy(rt, &l->dir, &l->state, &late);
    /* The program's status is what the caller asked for; what was left is only said. */
    if (r < 0 && r != -ENOENT)
        log_warn("%s", late.text);
    return status;
}

int rt_cmd_run(struct rt *rt, struct rt_args *a, struct err *e)
{
    struct rt_launch l = RT_LAUNCH_NONE;
    int r = rt_launch_flags(&l, a, e);

    if (r != 0)
        return r < 0 ? r : 0;
    r = rt_launch(rt, &l, e);
    if (r == 0 && !l.detach)
        r = wait_and_delete(rt, &l, e);
    rt_launch_dispose(&l);
    return r;
}
