/* linux.resources as the files of a cgroup directory (cgroup-v1 and cgroup-v2 in the
 * kernel's documentation; conversions as the runtime-spec asks for). */
#include "runtime/runtime.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "runtime/cgroup.h"

int rt_cgroup_put(int dirfd, const char *file, const char *value, const char *field,
                  struct err *e)
{
    _cleanup_close_ int fd = openat(dirfd, file, O_WRONLY | O_CLOEXEC);
    int r = fd < 0 ? -errno : write_all(fd, value, strlen(value));

    if (r == -ENOENT)
        return err_set(e, ENOTSUP, "%s: this host's cgroups have no %s", field, file);
    return r < 0 ? err_sys(e, -r, "%s: write %.40s to %s", field, value, file) : 0;
}

int rt_cgroup_put_i64(int dirfd, const char *file, struct oci_i64 v, const char *field,
                   struct err *e)
{
    char text[32];

    if (!rt_cgroup_on(v))
        return 0;
    snprintf(text, sizeof(text), "%lld", (long long)v.v);
    return rt_cgroup_put(dirfd, file, text, field, e);
}

int rt_cgroup_put_u64(int dirfd, const char *file, struct oci_u64 v, const char *field,
                   struct err *e)
{
    char text[32];

    if (!rt_cgroup_on(v))
        return 0;
    snprintf(text, sizeof(text), "%llu", (unsigned long long)v.v);
    return rt_cgroup_put(dirfd, file, text, field, e);
}

int rt_cgroup_put_text(int dirfd, const char *file, const char *v, const char *field,
                    struct err *e)
{
    return v ? rt_cgroup_put(dirfd, file, v, field, e) : 0;
}

/* The monitor and the driver domain live in the cgroup too: the container gets what it
 * was promised for itself. */
enum { OWN_TASKS = 8 };

int rt_cgroup_pids(int dirfd, const struct oci_resources *r, struct err *e)
{
    struct oci_i64 v = r->pids_limit;

    if (!rt_cgroup_on(v))
        return 0;
    if (v.v < 0)
        return rt_cgroup_put(dirfd, "pids.max", "max", RT_RES "pids.limit", e);
    v.v += OWN_TASKS;
    return rt_cgroup_put_i64(dirfd, "pids.max", v, RT_RES "pids.limit", e);
}

int rt_cgroup_hugepages(int dirfd, const struct oci_resources *r, const char *suffix,
                         struct err *e)
{
    for (size_t i = 0; i < r->nhugepages; i++) {
        char file[96];
        char text[32];
        snprintf(text, sizeof(text), "%llu", (unsigned long long)r->hugepages[i].limit);
        snprintf(file, sizeof(file), "hugetlb.%.40s.%s", r->hugepages[i].page_size, suffix);
        int rc = rt_cgroup_put(dirfd, file, text, RT_RES "hugepageLimits", e);
        if (rc < 0)
            return rc;
    }
    return 0;
}

int rt_cgroup_throttles(int dirfd, const char *file, const struct oci_throttles *t,
                         const char *key, const char *field, struct err *e)
{
    for (size_t i = 0; i < t->n; i++) {
        char line[96];
        snprintf(line, sizeof(line), "%lld:%lld %s%llu", (long long)t->v[i].major,
                 (long long)t->v[i].minor, key, (unsigned long long)t->v[i].rate);
        int rc = rt_cgroup_put(dirfd, file, line, field, e);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static bool asks_memory(const struct oci_resources *r)
{
    return rt_cgroup_on(r->memory.limit) || rt_cgroup_on(r->memory.swap) ||
           rt_cgroup_on(r->memory.reservation) || rt_cgroup_on(r->memory.kernel_tcp) ||
           r->memory.swappiness.set || r->memory.disable_oom_killer;
}

static bool asks_cpu(const struct oci_resources *r)
{
    return rt_cgroup_on(r->cpu.shares) || rt_cgroup_on(r->cpu.period) ||
           rt_cgroup_on(r->cpu.quota) || rt_cgroup_on(r->cpu.burst) ||
           rt_cgroup_on(r->cpu.rt_period) || rt_cgroup_on(r->cpu.rt_runtime) ||
           rt_cgroup_on(r->cpu.idle);
}

static bool asks_blkio(const struct oci_resources *r)
{
    return rt_cgroup_on(r->blkio.weight) || rt_cgroup_on(r->blkio.leaf_weight) ||
           r->blkio.ndevs || r->blkio.read_bps.n || r->blkio.write_bps.n ||
           r->blkio.read_iops.n || r->blkio.write_iops.n;
}

static bool asks_cpuset(const struct oci_resources *r) { return r->cpu.cpus || r->cpu.mems; }
static bool asks_pids(const struct oci_resources *r) { return rt_cgroup_on(r->pids_limit); }
static bool asks_hugetlb(const struct oci_resources *r) { return r->nhugepages > 0; }
static bool asks_net_cls(const struct oci_resources *r) { return rt_cgroup_on(r->net_class_id); }
static bool asks_net_prio(const struct oci_resources *r) { return r->nnet_prio > 0; }

/* A controller's names in both versions and whether config.json asks for it. */
static const struct {
    const char *v1, *v2, *field;
    bool (*asks)(const struct oci_resources *r);
} controllers[] = {
    { "memory", "memory", RT_RES "memory", asks_memory },
    { "cpu", "cpu", RT_RES "cpu", asks_cpu },
    { "cpuset", "cpuset", RT_RES "cpu.cpus", asks_cpuset },
    { "pids", "pids", RT_RES "pids", asks_pids },
    { "blkio", "io", RT_RES "blockIO", asks_blkio },
    { "hugetlb", "hugetlb", RT_RES "hugepageLimits", asks_hugetlb },
    { "net_cls", "", RT_RES "network.classID", asks_net_cls },
    { "net_prio", "", RT_RES "network.priorities", asks_net_prio },
};
enum { NCONTROLLERS = sizeof(controllers) / sizeof(controllers[0]) };

bool rt_cgroup_wanted(const struct oci_resources *r)
{
    for (size_t i = 0; i < NCONTROLLERS; i++) {
        if (controllers[i].asks(r))
            return true;
    }
    return r->unified.n > 0;
}

int rt_cgroup_check_carried(const struct rt_hierarchies *hs, const struct oci_resources *r,
                            struct err *e)
{
    bool v2 = false;

    for (size_t i = 0; i < NCONTROLLERS; i++) {
        bool carried = !controllers[i].asks(r);
        for (size_t k = 0; k < hs->n && !carried; k++)
            carried = rt_cgroup_has(hs->v[k].controllers,
                                    hs->v[k].v2 ? controllers[i].v2 : controllers[i].v1);
        if (!carried)
            return err_set(e, ENOTSUP, "%s: this host has no such cgroup controller",
                           controllers[i].field);
    }
    for (size_t k = 0; k < hs->n; k++)
        v2 |= hs->v[k].v2;
    if (r->unified.n && !v2)
        return err_set(e, ENOTSUP, RT_RES "unified: this host has no cgroup version 2");
    return 0;
}
