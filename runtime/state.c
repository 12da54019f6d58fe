/* xenc state: runtime.md, "Query State". */
#include "runtime/runtime.h"

#include <errno.h>

int rt_cmd_state(struct rt *rt, struct rt_args *a, struct err *e)
{
    static const struct rt_flag flags[] = { { NULL, 0, NULL, NULL, NULL, NULL } };
    _cleanup_buf_ struct buf b = { 0 };
    struct rt_dir d = RT_DIR_NONE;
    struct rt_state s;
    const char *id;
    int r = rt_flags_verb(flags, a, e);

    if (r != 0)
        return r < 0 ? r : 0;
    r = rt_one_id(a, &id, e);
    if (r == 0)
        r = rt_dir_open(rt->root, id, false, &d, e);
    if (r < 0)
        return r;
    r = rt_state_read(&d, &s, e);
    rt_dir_close(&d);
    if (r < 0)
        return r;
    rt_state_json(&b, &s, rt_state_status(&s), true);
    rt_state_dispose(&s);
    if (!buf_cstr(&b))
        return err_set(e, ENOMEM, "out of memory");
    printf("%s\n", buf_cstr(&b));
    return 0;
}
