/* linux.seccomp: the guest kernel runs the filter, so that it sees the guest's calls. */
#include "runtime/runtime.h"

#include "abi/record.h"
#include "runtime/seccomp.h"

int rt_plan_seccomp(const struct oci_spec *s, struct buf *rec, struct err *e)
{
    _cleanup_buf_ struct buf program = { 0 };
    int r;

    if (!s->linux_.seccomp.present)
        return 0;
    r = rt_seccomp_compile(&s->linux_.seccomp, &program, e);
    if (r == 0)
        buf_put_tlv(rec, XT_SECCOMP, program.data, program.len);
    return r;
}
