/* config.json -> what hv starts: the only place where the oci room's struct and hv's
 * meet. Each field ends up in the record, in hv_spec, in a host-side action of
 * launch.c and cgroup.c, in rt_plan_meaningless, or is refused by name. */
#include "runtime/runtime.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "abi/record.h"

static int plan_names(const struct oci_spec *s, struct buf *rec)
{
    if (s->hostname)
        buf_put_tlv_str(rec, XT_HOSTNAME, s->hostname);
    if (s->domainname)
        buf_put_tlv_str(rec, XT_DOMAINNAME, s->domainname);
    for (size_t i = 0; i < s->linux_.sysctl.n; i++) {
        size_t mark = buf_tlv_begin(rec, XT_SYSCTL);
        buf_putz(rec, s->linux_.sysctl.v[i].key);
        buf_putz(rec, s->linux_.sysctl.v[i].value);
        buf_tlv_end(rec, mark);
    }
    return 0;
}

static void plan_paths(const struct oci_spec *s, struct buf *rec)
{
    for (size_t i = 0; i < s->linux_.masked_paths.n; i++)
        buf_put_tlv_str(rec, XT_MASKED, s->linux_.masked_paths.v[i]);
    for (size_t i = 0; i < s->linux_.readonly_paths.n; i++)
        buf_put_tlv_str(rec, XT_READONLY, s->linux_.readonly_paths.v[i]);
    if (s->root_readonly)
        buf_put_tlv_u32(rec, XT_ROOT_RO, 1);
}

static void plan_limits(const struct oci_spec *s, struct buf *rec)
{
    const struct oci_resources *r = &s->linux_.resources;
    struct xenc_limits l = {
        .memory = r->memory.limit.set && r->memory.limit.v > 0 ? (uint64_t)r->memory.limit.v : 0,
        .cpu_quota_us = r->cpu.quota.set && r->cpu.quota.v > 0 ? (uint64_t)r->cpu.quota.v : 0,
        .cpu_period_us = r->cpu.period.set ? r->cpu.period.v : 0,
        .cpu_shares = r->cpu.shares.set ? r->cpu.shares.v : 0,
        .pids = r->pids_limit.set && r->pids_limit.v > 0 ? (uint64_t)r->pids_limit.v : 0,
    };

    buf_put_tlv(rec, XT_LIMITS, &l, sizeof(l));
}

static int fill(const struct oci_spec *s, const struct rt_options *o,
                const struct rt_facts *f, struct rt_plan *p, struct err *e)
{
    int r = rt_plan_refuse(s, f, e);

    if (r == 0)
        r = rt_plan_domain(s, o, f, p, e);
    if (r == 0)
        r = rt_plan_process(s, o, f, &p->record, e);
    if (r == 0)
        r = plan_names(s, &p->record);
    if (r == 0)
        r = rt_plan_mounts(s, p, e);
    if (r == 0)
        r = rt_plan_devices(s, &p->record, e);
    if (r < 0)
        return r;
    plan_paths(s, &p->record);
    plan_limits(s, &p->record);
    p->hv.debug = o->debug;
    p->hv.terminal = s->process.terminal;
    p->hv.root = (struct hv_share){ .fd = -1, .ro = s->root_readonly };
    return 0;
}

int rt_plan_make(const struct oci_spec *s, const struct rt_options *o,
                 const struct rt_facts *f, struct rt_plan *p, struct err *e)
{
    int r;

    memset(p, 0, sizeof(*p));
    p->hv.log_fd = p->hv.ctl_fd = -1;
    r = fill(s, o, f, p, e);
    if (r == 0 && p->record.failed)
        r = err_set(e, ENOMEM, "out of memory");
    if (r < 0) {
        rt_plan_dispose(p);
        return r;
    }
    p->hv.record = p->record.data;
    p->hv.record_len = p->record.len;
    return 0;
}

void rt_plan_dispose(struct rt_plan *p)
{
    buf_dispose(&p->record);
    buf_dispose(&p->cmdline);
    free(p->binds);
    memset(p, 0, sizeof(*p));
}
