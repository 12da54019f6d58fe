/* Which kind of domain, how large, which kernel: from flags, annotations, config.json's
 * vm section, limits, and what the host offers. */
#include "runtime/runtime.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CPUS_MAX 16u            /* of a pvh domain */
#define DEFAULT_PERIOD_US 100000u

static const char *const known[] = {
#define RT_ANNOTATION(key, values, what) key,
#include "runtime/annotations.def"
#undef RT_ANNOTATION
};

/* A misspelt annotation of ours would silently do nothing. */
static int check_annotations(const struct oci_spec *s, struct err *e)
{
    for (size_t i = 0; i < s->annotations.n; i++) {
        const char *key = s->annotations.v[i].key;
        size_t k = 0;

        if (strncmp(key, "xenc.", 5) != 0)
            continue;
        while (k < sizeof(known) / sizeof(known[0]) && strcmp(key, known[k]) != 0)
            k++;
        if (k == sizeof(known) / sizeof(known[0]))
            return err_set(e, EINVAL, "annotations[\"%s\"]: unknown (xenc features lists them)",
                           key);
    }
    return 0;
}

int rt_domain_kind(const char *name, enum hv_kind *kind_r)
{
    if (strcmp(name, "auto") == 0)
        *kind_r = HV_AUTO;
    else if (strcmp(name, "pv") == 0)
        *kind_r = HV_PV;
    else if (strcmp(name, "pvh") == 0)
        *kind_r = HV_PVH_KVM;
    else
        return -EINVAL;
    return 0;
}

static int wanted_kind(const struct oci_spec *s, const struct rt_options *o,
                       enum hv_kind *kind_r, struct err *e)
{
    const char *v = oci_annotation(s, "xenc.domain");

    *kind_r = o->domain;
    if (v && rt_domain_kind(v, kind_r) < 0)
        return err_set(e, EINVAL, "annotations[\"xenc.domain\"]: takes auto, pv or pvh, "
                       "not \"%s\"", v);
    if (o->domain != HV_AUTO)           /* a flag counts more */
        *kind_r = o->domain;
    return 0;
}

/* The strongest wall that the host offers, unless told. */
static int pick_kind(const struct oci_spec *s, const struct rt_options *o,
                     const struct rt_facts *f, struct rt_plan *p, struct err *e)
{
    enum hv_kind want;
    int r = wanted_kind(s, o, &want, e);

    if (r < 0)
        return r;
    if (want == HV_PV && p->hv.kernel)
        return err_set(e, EINVAL, "%s: another kernel needs a pvh domain, and pv was asked for",
                       s->vm.kernel ? "vm.kernel" : "annotations[\"xenc.kernel\"]");
    if (want == HV_AUTO && f->no_kvm && !p->hv.kernel) {
        p->hv.kind = HV_PV;
        snprintf(p->why, sizeof(p->why), "pv: no pvh domains on this host (%s)", f->no_kvm);
        return 0;
    }
    p->hv.kind = want == HV_PV ? HV_PV : HV_PVH_KVM;
    if (p->hv.kind == HV_PVH_KVM && f->no_kvm)
        return err_set(e, ENODEV, "a pvh domain is needed, but this host offers none: %s",
                       f->no_kvm);
    snprintf(p->why, sizeof(p->why), want == HV_AUTO ? "pvh: the host has KVM" :
             "%s: asked for", hv_kind_name(want));
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

/* The annotation's path, which counts more than the vm section's. */
static int pick_path(const struct oci_spec *s, const char *key, const char *vm,
                     const char **path_r, struct err *e)
{
    const char *v = oci_annotation(s, key);

    if (v && v[0] != '/')
        return err_set(e, EINVAL, "annotations[\"%s\"]: must be an absolute path, not \"%s\"",
                       key, v);
    *path_r = v ? v : vm;
    return 0;
}

static int pick_kernel(const struct oci_spec *s, struct rt_plan *p, struct err *e)
{
    const char *line = oci_annotation(s, "xenc.cmdline");
    int r = pick_path(s, "xenc.kernel", s->vm.kernel, &p->hv.kernel, e);

    if (r == 0)
        r = pick_path(s, "xenc.initrd", s->vm.initrd, &p->hv.initrd, e);
    if (r < 0)
        return r;
    if (!p->hv.kernel && (p->hv.initrd || line))
        return err_set(e, EINVAL, "annotations[\"%s\"]: needs xenc.kernel, as our own kernel "
                       "takes none", p->hv.initrd ? "xenc.initrd" : "xenc.cmdline");
    if (!line && s->vm.parameters.n) {
        for (size_t i = 0; i < s->vm.parameters.n; i++)
            buf_printf(&p->cmdline, "%s%s", i ? " " : "", s->vm.parameters.v[i]);
        line = buf_cstr(&p->cmdline);
        if (!line)
            return err_set(e, ENOMEM, "out of memory");
    }
    p->hv.cmdline = line;
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

static unsigned least(unsigned a, unsigned b)
{
    return a && (!b || a < b) ? a : b;
}

/* A quota of 1.5 CPUs needs two to be used up. A pv domain's processes are the host's to
 * schedule: there the quota holds with as many CPUs as there are. */
static unsigned quota_cpus(const struct oci_resources *res)
{
    uint64_t period = res->cpu.period.set && res->cpu.period.v ? res->cpu.period.v
                                                               : DEFAULT_PERIOD_US;

    if (!res->cpu.quota.set || res->cpu.quota.v <= 0)
        return 0;
    uint64_t n = ((uint64_t)res->cpu.quota.v + period - 1) / period;
    return n < CPUS_MAX ? (unsigned)n : CPUS_MAX;
}

static int pick_cpus(const struct oci_spec *s, const struct rt_facts *f, struct rt_plan *p,
                     struct err *e)
{
    const struct oci_resources *res = &s->linux_.resources;
    const char *v = oci_annotation(s, "xenc.vcpus");
    unsigned n = count_cpus(res->cpu.cpus);

    if (v) {
        char *end;
        unsigned long asked = strtoul(v, &end, 10);
        if (v[0] < '0' || v[0] > '9' || *end || asked < 1 || asked > CPUS_MAX)
            return err_set(e, EINVAL, "annotations[\"xenc.vcpus\"]: takes 1 to %u, not \"%s\"",
                           CPUS_MAX, v);
        n = least(n, (unsigned)asked);
    } else if (s->vm.vcpus.set) {
        if (s->vm.vcpus.v < 1 || s->vm.vcpus.v > CPUS_MAX)
            return err_set(e, EINVAL, "vm.hwConfig.vcpus: must be 1 to %u", CPUS_MAX);
        n = least(n, (unsigned)s->vm.vcpus.v);
    }
    if (p->hv.kind == HV_PVH_KVM)
        n = least(least(least(n, quota_cpus(res)), f->ncpus), CPUS_MAX);
    p->hv.ncpus = n;
    return 0;
}

/* "64M" -> bytes; false: no such thing. */
static bool parse_size(const char *s, uint64_t *bytes_r)
{
    static const char units[] = "KMG";
    char *end;
    const char *unit;
    unsigned shift = 0;

    errno = 0;
    uint64_t n = strtoull(s, &end, 10);
    if (s[0] < '0' || s[0] > '9' || errno)
        return false;
    if (*end) {
        unit = strchr(units, *end >= 'a' ? *end - 'a' + 'A' : *end);
        if (!unit || end[1])
            return false;
        shift = 10 * (unsigned)(unit - units + 1);
    }
    *bytes_r = n << shift;
    return n && n <= UINT64_MAX >> shift;
}

/* What the host's side of a pvh domain is charged to the same limit: processes, KVM's own
 * structures and a CPU's, and about 7 KiB for each MiB of guest memory in use (both levels of
 * page tables, the memfd's index). Measured, and a half more. */
static uint64_t host_side(uint64_t limit, unsigned ncpus)
{
    return (1280u << 10) + ncpus * (64u << 10) + limit / 96;
}

/* Memory that was asked for by name is taken at its word. */
static int pick_memory(const struct oci_spec *s, struct rt_plan *p, struct err *e)
{
    const struct oci_i64 *limit = &s->linux_.resources.memory.limit;
    const char *v = oci_annotation(s, "xenc.memory");
    uint64_t most = limit->set && limit->v > 0 ? (uint64_t)limit->v : 0, bytes = 0;

    if (v && !parse_size(v, &bytes))
        return err_set(e, EINVAL, "annotations[\"xenc.memory\"]: takes a number of bytes, or one "
                       "with K, M or G, not \"%s\"", v);
    if (!v && s->vm.memory.set)
        bytes = s->vm.memory.v;
    if (bytes && most && bytes > most)
        return err_set(e, EINVAL, "%s: more than linux.resources.memory.limit",
                       v ? "annotations[\"xenc.memory\"]" : "vm.hwConfig.memory");
    if (!bytes && most && p->hv.kind == HV_PVH_KVM) {
        uint64_t ours = host_side(most, p->hv.ncpus);
        if (most <= ours)
            return err_set(e, EINVAL, "linux.resources.memory.limit: a pvh domain needs more: the "
                           "host's side of it takes %llu KiB", (unsigned long long)ours >> 10);
        bytes = most - ours;
    }
    p->hv.mem_bytes = bytes ? bytes : most;
    return 0;
}

int rt_plan_domain(const struct oci_spec *s, const struct rt_options *o,
                   const struct rt_facts *f, struct rt_plan *p, struct err *e)
{
    int r = check_annotations(s, e);

    if (r == 0)
        r = pick_kernel(s, p, e);
    if (r == 0)
        r = pick_kind(s, o, f, p, e);
    if (r == 0)
        r = pick_strace(s, o, &p->hv, e);
    if (r == 0)
        r = pick_cpus(s, f, p, e);
    return r < 0 ? r : pick_memory(s, p, e);
}
