/* xenc kill: a signal to the container's first process, or with --all to every one. */
#include "runtime/runtime.h"

#include <errno.h>
#include <signal.h>

static int send_signal(const struct rt_dir *d, const struct rt_state *s, int sig, bool all,
                       struct err *e)
{
    int r;

    /* As runc: --all is how engines make sure of an end that has come already. */
    if (rt_state_status(s) == RT_STOPPED && all)
        return 0;
    if (rt_state_status(s) == RT_STOPPED)
        return err_set(e, ESRCH, "container not running");
    r = rt_dir_ctl(d, HV_CMD_KILL, (uint32_t)sig, all, e);
    /* A domain that does not listen any more must still die of SIGKILL. */
    if (r < 0 && sig == SIGKILL)
        r = rt_state_signal_monitor(s, SIGKILL, e);
    return r;
}

int rt_cmd_kill(struct rt *rt, struct rt_args *a, struct err *e)
{
    struct rt_dir d = RT_DIR_NONE;
    struct rt_state s;
    bool all = false;
    const struct rt_flag flags[] = {
        { "all", 'a', &all, NULL, NULL, "to all processes of the container" },
        { NULL, 0, NULL, NULL, NULL, NULL },
    };
    int r = rt_flags_verb(flags, a, e), sig = SIGTERM;

    if (r != 0)
        return r < 0 ? r : 0;
    if (a->argc < 1 || a->argc > 2)
        return err_set(e, EINVAL, "kill needs a container id and at most one signal");
    if (a->argc == 2)
        sig = oci_signal_number(a->argv[1]);
    if (sig < 0 || sig > 64)
        return err_set(e, EINVAL, "unknown signal \"%s\"", a->argv[1]);
    r = rt_id_check(a->argv[0], e);
    if (r == 0)
        r = rt_dir_open(rt->root, a->argv[0], false, &d, e);
    if (r < 0)
        return r;
    r = rt_state_read(&d, &s, e);
    if (r == 0) {
        r = send_signal(&d, &s, sig, all, e);
        rt_state_dispose(&s);
    }
    rt_dir_close(&d);
    return r;
}
