/* linux.seccomp for the guest kernel. */
#include "runtime/runtime.h"

#include <errno.h>

int rt_plan_seccomp(const struct oci_spec *s, struct buf *rec, struct err *e)
{
    if (s->linux_.seccomp.present)
        return err_set(e, ENOTSUP, "linux.seccomp: not supported yet");
    return 0;
}
