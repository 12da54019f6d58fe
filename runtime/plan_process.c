/* The process (runtime-spec config.md, "Process") as record tags. */
#include "runtime/runtime.h"

#include <errno.h>
#include <string.h>

#include "abi/record.h"

static int plan_args(const struct oci_spec *s, const struct rt_options *o, struct buf *rec,
                     struct err *e)
{
    char **args = o->args ? o->args : s->process.args.v;

    if (!args || !args[0])
        return err_set(e, EINVAL, "process.args: missing");
    if (!args[0][0])
        return err_set(e, EINVAL, "process.args[0]: empty");
    for (; *args; args++)
        buf_put_tlv_str(rec, XT_ARG, *args);
    return 0;
}

/* As runc: a HOME that is not given comes from the image's passwd file. */
static void plan_env(const struct oci_spec *s, const struct rt_facts *f, struct buf *rec)
{
    bool home = false;

    for (size_t i = 0; i < s->process.env.n; i++) {
        buf_put_tlv_str(rec, XT_ENV, s->process.env.v[i]);
        home |= strncmp(s->process.env.v[i], "HOME=", 5) == 0;
    }
    if (!home && f->home) {
        size_t mark = buf_tlv_begin(rec, XT_ENV);
        buf_puts(rec, "HOME=");
        buf_putz(rec, f->home);
        buf_tlv_end(rec, mark);
    }
}

static void plan_user(const struct oci_user *u, struct buf *rec)
{
    buf_put_tlv_u32(rec, XT_UID, u->uid);
    buf_put_tlv_u32(rec, XT_GID, u->gid);
    if (u->ngroups)
        buf_put_tlv(rec, XT_GROUPS, u->groups, u->ngroups * sizeof(u->groups[0]));
    buf_put_tlv_u32(rec, XT_UMASK, u->umask.set ? (uint32_t)u->umask.v & 07777 : 0022);
}

static void plan_limits(const struct oci_process *p, struct buf *rec)
{
    for (size_t i = 0; i < p->nrlimits; i++) {
        struct xenc_rlimit l = { .resource = (uint32_t)p->rlimits[i].resource,
                                 .soft = p->rlimits[i].soft, .hard = p->rlimits[i].hard };
        buf_put_tlv(rec, XT_RLIMIT, &l, sizeof(l));
    }
    if (p->oom_score_adj.set)
        buf_put_tlv_u32(rec, XT_OOM_SCORE_ADJ, (uint32_t)(int32_t)p->oom_score_adj.v);
}

int rt_plan_process(const struct oci_spec *s, const struct rt_options *o,
                    const struct rt_facts *f, struct buf *rec, struct err *e)
{
    const struct oci_process *p = &s->process;
    uint32_t size[2] = { p->rows ? p->rows : f->rows, p->cols ? p->cols : f->cols };
    int r = plan_args(s, o, rec, e);

    if (r < 0)
        return r;
    plan_env(s, f, rec);
    buf_put_tlv_str(rec, XT_CWD, p->cwd);
    plan_user(&p->user, rec);
    /* Without process.capabilities a process has none, as under runc. */
    buf_put_tlv(rec, XT_CAPS, p->caps, sizeof(p->caps));
    plan_limits(p, rec);
    if (p->no_new_privs)
        buf_put_tlv_u32(rec, XT_NNP, 1);
    if (p->terminal)
        buf_put_tlv_u32(rec, XT_TERMINAL, 1);
    if (p->terminal && size[0] && size[1])
        buf_put_tlv(rec, XT_WINSIZE, size, sizeof(size));
    return rt_plan_seccomp(s, rec, e);
}
