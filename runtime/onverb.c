/* The frame of verbs that change one container. */
#include "runtime/runtime.h"

int rt_on_container(struct rt *rt, struct rt_args *a, rt_container_fn fn, struct err *e)
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
        r = fn(&d, &s, e);
        rt_state_dispose(&s);
    }
    rt_dir_close(&d);
    return r;
}
