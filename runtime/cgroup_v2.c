/* linux.resources as the files of version 2 cgroups. */
#include "runtime/runtime.h"

#include <errno.h>
#include <string.h>

#include "runtime/cgroup.h"

static int lacking(const char *field, struct err *e)
{
    return err_set(e, ENOTSUP, "%s: cgroup version 2 has nothing like it", field);
}

/* Version 2 writes "max" for what config.json calls -1. */
static int put_max(int d, const char *file, struct oci_i64 v, const char *field, struct err *e)
{
    if (v.set && v.v < 0)
        return rt_cgroup_put(d, file, "max", field, e);
    return rt_cgroup_put_i64(d, file, v, field, e);
}

/* config.json counts memory and swap together, version 2 swap alone. */
static int put_swap(int d, const struct oci_resources *r, struct err *e)
{
    struct oci_i64 v = r->memory.swap, limit = r->memory.limit;

    if (!rt_cgroup_on(v) || v.v < 0)
        return put_max(d, "memory.swap.max", v, RT_RES "memory.swap", e);
    if (!rt_cgroup_on(limit) || limit.v < 0 || v.v < limit.v)
        return err_set(e, EINVAL, RT_RES "memory.swap: needs a memory.limit that is not greater");
    if (v.v == limit.v)
        return rt_cgroup_put(d, "memory.swap.max", "0", RT_RES "memory.swap", e);
    v.v -= limit.v;
    return rt_cgroup_put_i64(d, "memory.swap.max", v, RT_RES "memory.swap", e);
}

static int v2_memory(int d, const struct oci_resources *r, struct err *e)
{
    int rc;

    if (rt_cgroup_on(r->memory.kernel_tcp))
        return lacking(RT_RES "memory.kernelTCP", e);
    if (r->memory.swappiness.set)
        return lacking(RT_RES "memory.swappiness", e);
    if (r->memory.disable_oom_killer)
        return lacking(RT_RES "memory.disableOOMKiller", e);
    rc = put_max(d, "memory.max", r->memory.limit, RT_RES "memory.limit", e);
    if (rc == 0)
        rc = put_max(d, "memory.low", r->memory.reservation, RT_RES "memory.reservation", e);
    return rc < 0 ? rc : put_swap(d, r, e);
}

static int put_quota(int d, const struct oci_resources *r, struct err *e)
{
    char text[64];
    unsigned long long period = rt_cgroup_on(r->cpu.period) ? r->cpu.period.v : 100000;

    if (!rt_cgroup_on(r->cpu.quota) && !rt_cgroup_on(r->cpu.period))
        return 0;
    if (!rt_cgroup_on(r->cpu.quota) || r->cpu.quota.v < 0)
        snprintf(text, sizeof(text), "max %llu", period);
    else
        snprintf(text, sizeof(text), "%lld %llu", (long long)r->cpu.quota.v, period);
    return rt_cgroup_put(d, "cpu.max", text, RT_RES "cpu.quota", e);
}

static int v2_cpu(int d, const struct oci_resources *r, struct err *e)
{
    struct oci_u64 weight = r->cpu.shares;
    int rc;

    if (rt_cgroup_on(r->cpu.rt_period) || rt_cgroup_on(r->cpu.rt_runtime))
        return lacking(RT_RES "cpu.realtimeRuntime", e);
    /* Shares of 2 to 262144 onto weights of 1 to 10000. */
    if (rt_cgroup_on(weight)) {
        uint64_t s = weight.v < 2 ? 2 : weight.v > 262144 ? 262144 : weight.v;
        weight.v = 1 + (s - 2) * 9999 / 262142;
    }
    rc = rt_cgroup_put_u64(d, "cpu.weight", weight, RT_RES "cpu.shares", e);
    if (rc == 0)
        rc = rt_cgroup_put_i64(d, "cpu.idle", r->cpu.idle, RT_RES "cpu.idle", e);
    if (rc == 0)
        rc = put_quota(d, r, e);
    if (rc == 0)
        rc = rt_cgroup_put_u64(d, "cpu.max.burst", r->cpu.burst, RT_RES "cpu.burst", e);
    return rc;
}

static int v2_cpuset(int d, const struct oci_resources *r, struct err *e)
{
    int rc = rt_cgroup_put_text(d, "cpuset.cpus", r->cpu.cpus, RT_RES "cpu.cpus", e);

    return rc < 0 ? rc : rt_cgroup_put_text(d, "cpuset.mems", r->cpu.mems, RT_RES "cpu.mems", e);
}

static int v2_io(int d, const struct oci_resources *r, struct err *e)
{
    struct oci_u64 weight = r->blkio.weight;
    int rc;

    if (rt_cgroup_on(r->blkio.leaf_weight) || r->blkio.ndevs)
        return lacking(RT_RES "blockIO.leafWeight, weightDevice", e);
    /* Weights of 10 to 1000 onto 1 to 10000. */
    if (rt_cgroup_on(weight))
        weight.v = weight.v <= 10 ? 1 : 1 + (weight.v - 10) * 9999 / 990;
    rc = rt_cgroup_put_u64(d, "io.weight", weight, RT_RES "blockIO.weight", e);
    if (rc == 0)
        rc = rt_cgroup_throttles(d, "io.max", &r->blkio.read_bps, "rbps=",
                                 RT_RES "blockIO.throttleReadBpsDevice", e);
    if (rc == 0)
        rc = rt_cgroup_throttles(d, "io.max", &r->blkio.write_bps, "wbps=",
                                 RT_RES "blockIO.throttleWriteBpsDevice", e);
    if (rc == 0)
        rc = rt_cgroup_throttles(d, "io.max", &r->blkio.read_iops, "riops=",
                                 RT_RES "blockIO.throttleReadIOPSDevice", e);
    if (rc == 0)
        rc = rt_cgroup_throttles(d, "io.max", &r->blkio.write_iops, "wiops=",
                                 RT_RES "blockIO.throttleWriteIOPSDevice", e);
    return rc;
}

static int v2_hugetlb(int d, const struct oci_resources *r, struct err *e)
{
    return rt_cgroup_hugepages(d, r, "max", e);
}

static int v2_unified(int d, const struct oci_resources *r, struct err *e)
{
    for (size_t i = 0; i < r->unified.n; i++) {
        const struct oci_pair *p = &r->unified.v[i];
        if (strchr(p->key, '/') || !strchr(p->key, '.'))
            return err_set(e, EINVAL, RT_RES "unified[\"%s\"]: not a cgroup file", p->key);
        int rc = rt_cgroup_put(d, p->key, p->value, RT_RES "unified", e);
        if (rc < 0)
            return rc;
    }
    return 0;
}

int rt_cgroup_limits_v2(int dirfd, const char *controllers, const struct oci_resources *r,
                        struct err *e)
{
    static const struct {
        const char *name;
        int (*set)(int dirfd, const struct oci_resources *r, struct err *e);
    } setters[] = {
        { "memory", v2_memory }, { "cpu", v2_cpu }, { "cpuset", v2_cpuset },
        { "pids", rt_cgroup_pids }, { "io", v2_io }, { "hugetlb", v2_hugetlb },
    };

    for (size_t i = 0; i < sizeof(setters) / sizeof(setters[0]); i++) {
        int rc = rt_cgroup_has(controllers, setters[i].name) ? setters[i].set(dirfd, r, e) : 0;
        if (rc < 0)
            return rc;
    }
    return v2_unified(dirfd, r, e);
}
