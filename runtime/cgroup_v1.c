/* linux.resources as the files of version 1 cgroups. */
#include "runtime/runtime.h"

#include <fcntl.h>
#include <unistd.h>

#include "runtime/cgroup.h"

static int v1_memory(int d, const struct oci_resources *r, struct err *e)
{
    int rc = rt_cgroup_put_i64(d, "memory.limit_in_bytes", r->memory.limit,
                               RT_RES "memory.limit", e);

    if (rc == 0)
        rc = rt_cgroup_put_i64(d, "memory.memsw.limit_in_bytes", r->memory.swap,
                               RT_RES "memory.swap", e);
    if (rc == 0)
        rc = rt_cgroup_put_i64(d, "memory.soft_limit_in_bytes", r->memory.reservation,
                     RT_RES "memory.reservation", e);
    if (rc == 0)
        rc = rt_cgroup_put_i64(d, "memory.kmem.tcp.limit_in_bytes", r->memory.kernel_tcp,
                     RT_RES "memory.kernelTCP", e);
    if (rc == 0 && r->memory.swappiness.set) {
        char text[32];
        snprintf(text, sizeof(text), "%llu", (unsigned long long)r->memory.swappiness.v);
        rc = rt_cgroup_put(d, "memory.swappiness", text, RT_RES "memory.swappiness", e);
    }
    if (rc == 0 && r->memory.disable_oom_killer)
        rc = rt_cgroup_put(d, "memory.oom_control", "1", RT_RES "memory.disableOOMKiller", e);
    return rc;
}

static int v1_cpu(int d, const struct oci_resources *r, struct err *e)
{
    int rc = rt_cgroup_put_u64(d, "cpu.shares", r->cpu.shares, RT_RES "cpu.shares", e);

    if (rc == 0)
        rc = rt_cgroup_put_u64(d, "cpu.cfs_period_us", r->cpu.period, RT_RES "cpu.period", e);
    if (rc == 0)
        rc = rt_cgroup_put_i64(d, "cpu.cfs_quota_us", r->cpu.quota, RT_RES "cpu.quota", e);
    if (rc == 0)
        rc = rt_cgroup_put_u64(d, "cpu.cfs_burst_us", r->cpu.burst, RT_RES "cpu.burst", e);
    if (rc == 0)
        rc = rt_cgroup_put_u64(d, "cpu.rt_period_us", r->cpu.rt_period,
                               RT_RES "cpu.realtimePeriod", e);
    if (rc == 0)
        rc = rt_cgroup_put_i64(d, "cpu.rt_runtime_us", r->cpu.rt_runtime,
                               RT_RES "cpu.realtimeRuntime", e);
    if (rc == 0)
        rc = rt_cgroup_put_i64(d, "cpu.idle", r->cpu.idle, RT_RES "cpu.idle", e);
    return rc;
}

static int v1_cpuset(int d, const struct oci_resources *r, struct err *e)
{
    int rc = rt_cgroup_put_text(d, "cpuset.cpus", r->cpu.cpus, RT_RES "cpu.cpus", e);

    return rc < 0 ? rc : rt_cgroup_put_text(d, "cpuset.mems", r->cpu.mems, RT_RES "cpu.mems", e);
}

static int v1_blkio_devices(int d, const struct oci_resources *r, struct err *e)
{
    for (size_t i = 0; i < r->blkio.ndevs; i++) {
        const struct oci_weight_dev *w = &r->blkio.devs[i];
        char line[80];
        if (!w->weight.set)
            continue;
        snprintf(line, sizeof(line), "%lld:%lld %llu", (long long)w->major,
                 (long long)w->minor, (unsigned long long)w->weight.v);
        int rc = rt_cgroup_put(d, "blkio.weight_device", line, RT_RES "blockIO.weightDevice", e);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int v1_blkio(int d, const struct oci_resources *r, struct err *e)
{
    int rc = rt_cgroup_put_u64(d, faccessat(d, "blkio.weight", F_OK, 0) == 0 ? "blkio.weight"
                                                                : "blkio.bfq.weight",
                     r->blkio.weight, RT_RES "blockIO.weight", e);

    if (rc == 0)
        rc = rt_cgroup_put_u64(d, "blkio.leaf_weight", r->blkio.leaf_weight,
                               RT_RES "blockIO.leafWeight", e);
    if (rc == 0)
        rc = v1_blkio_devices(d, r, e);
    if (rc == 0)
        rc = rt_cgroup_throttles(d, "blkio.throttle.read_bps_device", &r->blkio.read_bps, "",
                           RT_RES "blockIO.throttleReadBpsDevice", e);
    if (rc == 0)
        rc = rt_cgroup_throttles(d, "blkio.throttle.write_bps_device", &r->blkio.write_bps, "",
                           RT_RES "blockIO.throttleWriteBpsDevice", e);
    if (rc == 0)
        rc = rt_cgroup_throttles(d, "blkio.throttle.read_iops_device", &r->blkio.read_iops, "",
                           RT_RES "blockIO.throttleReadIOPSDevice", e);
    if (rc == 0)
        rc = rt_cgroup_throttles(d, "blkio.throttle.write_iops_device", &r->blkio.write_iops, "",
                           RT_RES "blockIO.throttleWriteIOPSDevice", e);
    return rc;
}

static int v1_net_cls(int d, const struct oci_resources *r, struct err *e)
{
    return rt_cgroup_put_u64(d, "net_cls.classid", r->net_class_id, RT_RES "network.classID", e);
}

static int v1_net_prio(int d, const struct oci_resources *r, struct err *e)
{
    for (size_t i = 0; i < r->nnet_prio; i++) {
        char line[96];
        snprintf(line, sizeof(line), "%.60s %u", r->net_prio[i].name, r->net_prio[i].priority);
        int rc = rt_cgroup_put(d, "net_prio.ifpriomap", line, RT_RES "network.priorities", e);
        if (rc < 0)
            return rc;
    }
    return 0;
}

int rt_cgroup_limits_v1(int dirfd, const char *controllers, const struct oci_resources *r,
                        struct err *e)
{
    static const struct {
        const char *name;
        int (*set)(int dirfd, const struct oci_resources *r, struct err *e);
    } setters[] = {
        { "memory", v1_memory }, { "cpu", v1_cpu }, { "cpuset", v1_cpuset },
        { "pids", rt_cgroup_pids }, { "blkio", v1_blkio }, { "net_cls", v1_net_cls },
        { "net_prio", v1_net_prio },
    };

    for (size_t i = 0; i < sizeof(setters) / sizeof(setters[0]); i++) {
        int rc = rt_cgroup_has(controllers, setters[i].name) ? setters[i].set(dirfd, r, e) : 0;
        if (rc < 0)
            return rc;
    }
    if (rt_cgroup_has(controllers, "hugetlb"))
        return rt_cgroup_hugepages(dirfd, r, "limit_in_bytes", e);
    return 0;
}
