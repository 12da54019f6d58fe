/* The end of a container. */
#include "runtime/runtime.h"

#include <errno.h>
#include <fcntl.h>

#include "base/fd.h"
#include "base/log.h"

/* Keeps the first failure. */
static void note(int *rc, int r, struct err *e, const struct err *one)
{
    if (r < 0 && *rc == 0) {
        *rc = r;
        *e = *one;
    }
}

int rt_destroy(struct rt *rt, const struct rt_dir *d, const struct rt_state *s, struct err *e)
{
    struct oci_spec *spec = NULL;
    struct err one = { 0 };
    int rc = 0, r = rt_state_kill(s, &one);

    /* A monitor that can't be killed still uses all of this. */
    if (r < 0) {
        *e = one;
        return r;
    }
    if (faccessat(d->fd, "config.json", F_OK, 0) == 0)
        note(&rc, oci_spec_load(d->fd, "config.json", &spec, &one), e, &one);
    if (s->cgroups[0])
        note(&rc, rt_cgroup_remove(s->cgroups, &one), e, &one);
    note(&rc, rt_dir_remove(rt->root, s->id, d, &one), e, &one);
    if (spec)
        rt_hooks_run_all(spec, OCI_HOOK_POSTSTOP, s, RT_STOPPED);
    oci_spec_free(spec);
    if (s->temp_bundle[0]) {
        r = remove_tree_at(AT_FDCWD, s->temp_bundle);
        if (r < 0)
            note(&rc, err_sys(&one, -r, "remove %s", s->temp_bundle), e, &one);
    }
    return rc;
}
