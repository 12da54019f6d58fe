/* xenc delete: what a container holds is taken away; --force kills it first and is
 * content with whatever a crash has left. */
#include "runtime/runtime.h"

#include <errno.h>
#include <signal.h>

/* No state file: xenc was killed between claiming the id and storing what it started.
 * The control socket is then all that leads to the domain. */
static int delete_broken(struct rt *rt, const struct rt_dir *d, const char *id, bool force,
                         struct err *e)
{
    struct err ignored;

    if (!force)
        return err_add(e, "container %s is damaged (delete --force removes it)", id);
    rt_dir_ctl(d, HV_CMD_KILL, SIGKILL, 1, &ignored);
    return rt_dir_remove(rt->root, id, d, e);
}

static int delete_one(struct rt *rt, const struct rt_dir *d, const char *id, bool force,
                      struct err *e)
{
    struct rt_state s;
    enum rt_status st;
    int r = rt_state_read(d, &s, e);

    if (r < 0)
        return delete_broken(rt, d, id, force, e);
    st = rt_state_status(&s);
    s.id = id;
    /* As runc: a created container has run nothing yet and may go. */
    if (st == RT_STOPPED || st == RT_CREATED || force)
        r = rt_destroy(rt, d, &s, e);
    else
        r = err_set(e, EBUSY, "cannot delete container %s that is not stopped: %s", id,
                    rt_status_name(st));
    rt_state_dispose(&s);
    return r;
}

int rt_cmd_delete(struct rt *rt, struct rt_args *a, struct err *e)
{
    struct rt_dir d = RT_DIR_NONE;
    bool force = false;
    const struct rt_flag flags[] = {
        { "force", 'f', &force, NULL, NULL, "kill it if it runs; no error if there is none" },
        { NULL, 0, NULL, NULL, NULL, NULL },
    };
    const char *id;
    int r = rt_flags_verb(flags, a, e);

    if (r != 0)
        return r < 0 ? r : 0;
    r = rt_one_id(a, &id, e);
    if (r < 0)
        return r;
    r = rt_dir_open(rt->root, id, true, &d, e);
    if (r == -ENOENT && force)
        return 0;
    if (r == 0)
        r = delete_one(rt, &d, id, force, e);
    rt_dir_close(&d);
    return r;
}
