/* config.json -> what hv starts: the only place where the oci room's struct and hv's
 * meet. Each field ends up in the record, in hv_spec, in a host-side action of
 * launch.c and cgroup.c, in rt_plan_meaningless, or is refused by name. */
#include "runtime/runtime.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "abi/record.h"

static int pick_domain(const struct oci_spec *s, const struct rt_options *o,
                       struct hv_spec *hv, struct err *e)
{
    const char *v = oci_annotation(s, "xenc.domain");

    hv->kind = o->domain;
    if (!v || o->domain != HV_AUTO || strcmp(v, "auto") == 0)
        return 0;
    if (strcmp(v, "pv") == 0)
        hv->kind = HV_PV;
    else if (strcmp(v, "pvh") == 0)
        hv->kind = HV_PVH_KVM;
    else
        return err_set(e, EINVAL, "annotations[\"xenc.domain\"]: takes auto, pv or pvh, "
                       "not \"%s\"", v);
    return 0;
}

static int pick_strace(const struct oci_spec *s, const struct rt_options *o,
                       struct hv_spec *hv, struct err *e)
{
    const char *v = oci_annotation(s, "xenc.strace");

    hv->strace = o->strace;
    if (!v || strcmp(v, "false") == 0)
        return 0;
    if (strcmp(v, "true") != 0)
        return err_set(e, EINVAL, "annotations[\"xenc.strace\"]: takes true or false, "
                       "not \"%s\"", v);
    hv->strace = true;
    return 0;
}

/* How many CPUs a list like "0-2,5" names; 0 when it is not such a list (the kernel
 * gets it as written and judges). */
static unsigned count_cpus(const char *list)
{
    unsigned n = 0;

    while (list && *list) {
        char *end;
        unsigned long a = strtoul(list, &end, 10), b = a;
        if (end == list)
            return 0;
        if (*end == '-') {
            list = end + 1;
            b = strtoul(list, &end, 10);
            if (end == list || b < a || b > 65535)
                return 0;
        }
        n += (unsigned)(b - a) + 1;
        if (*end && *end != ',')
            return 0;
        list = *end ? end + 1 : end;
    }
    return n;
}

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

static int fill(const struct oci_spec *s, const struct rt_options *o,
                const struct rt_facts *f, struct rt_plan *p, struct err *e)
{
    const struct oci_resources *res = &s->linux_.resources;
    int r = rt_plan_refuse(s, f, e);

    if (r == 0)
        r = pick_domain(s, o, &p->hv, e);
    if (r == 0)
        r = pick_strace(s, o, &p->hv, e);
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
    p->hv.debug = o->debug;
    p->hv.terminal = s->process.terminal;
    p->hv.root = (struct hv_share){ .fd = -1, .ro = s->root_readonly };
    if (res->memory.limit.set && res->memory.limit.v > 0)
        p->hv.mem_bytes = (uint64_t)res->memory.limit.v;
    p->hv.ncpus = count_cpus(res->cpu.cpus);
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
    free(p->binds);
    memset(p, 0, sizeof(*p));
}
