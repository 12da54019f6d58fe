/* xenc start: lets the program of a created container run. */
#include "runtime/runtime.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static int start(const struct rt_dir *d, struct rt_state *s, struct err *e)
{
    struct oci_spec *spec = NULL;
    int r;

    switch (rt_state_status(s)) {
    case RT_CREATED:
        break;
    case RT_STOPPED:
        return err_set(e, EINVAL, "cannot start a container that has stopped");
    default:
        return err_set(e, EINVAL, "cannot start an already running container");
    }
    if (faccessat(d->fd, "config.json", F_OK, 0) == 0) {
        r = oci_spec_load(d->fd, "config.json", &spec, e);
        if (r < 0)
            return r;
    }
    /* Said before it is true: a program that ends at once must not look as if it had
     * never been started. */
    s->started = true;
    r = rt_state_write(d, s, e);
    if (r == 0)
        r = rt_dir_ctl(d, HV_CMD_START, 0, 0, e);
    if (r == 0 && spec)
        rt_hooks_run_all(spec, OCI_HOOK_POSTSTART, s, RT_RUNNING);
    oci_spec_free(spec);
    return r;
}

int rt_cmd_start(struct rt *rt, struct rt_args *a, struct err *e)
{
    return rt_on_container(rt, a, start, e);
}
