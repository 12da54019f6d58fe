/* config-linux.md, "Control groups". */
#include <string.h>

#include "oci/json.h"

static int need_object(struct jp *j, struct json_object *o)
{
    return json_object_is_type(o, json_type_object) ? 0 : jp_err(j, "must be an object");
}

static int read_memory(struct jp *j, struct json_object *o, void *out)
{
    struct oci_resources *r = out;

    TRY(jp_i64(j, o, "limit", &r->memory.limit));
    TRY(jp_i64(j, o, "reservation", &r->memory.reservation));
    TRY(jp_i64(j, o, "swap", &r->memory.swap));
    TRY(jp_i64(j, o, "kernel", &r->memory.kernel));
    TRY(jp_i64(j, o, "kernelTCP", &r->memory.kernel_tcp));
    TRY(jp_u64(j, o, "swappiness", &r->memory.swappiness));
    TRY(jp_bool(j, o, "disableOOMKiller", &r->memory.disable_oom_killer));
    TRY(jp_bool(j, o, "useHierarchy", &r->memory.use_hierarchy));
    TRY(jp_bool(j, o, "checkBeforeUpdate", &r->memory.check_before_update));
    if (r->memory.limit.v < -1)
        return jp_err_key(j, "limit", "must be -1 (none) or a number of bytes");
    return 0;
}

static int read_cpu(struct jp *j, struct json_object *o, void *out)
{
    struct oci_resources *r = out;

    TRY(jp_u64(j, o, "shares", &r->cpu.shares));
    TRY(jp_i64(j, o, "quota", &r->cpu.quota));
    TRY(jp_u64(j, o, "burst", &r->cpu.burst));
    TRY(jp_u64(j, o, "period", &r->cpu.period));
    TRY(jp_i64(j, o, "realtimeRuntime", &r->cpu.rt_runtime));
    TRY(jp_u64(j, o, "realtimePeriod", &r->cpu.rt_period));
    TRY(jp_i64(j, o, "idle", &r->cpu.idle));
    TRY(jp_str(j, o, "cpus", &r->cpu.cpus));
    return jp_str(j, o, "mems", &r->cpu.mems);
}

static int read_pids(struct jp *j, struct json_object *o, void *out)
{
    return jp_i64(j, o, "limit", &((struct oci_resources *)out)->pids_limit);
}

static int read_throttle(struct jp *j, struct json_object *o, void *out)
{
    struct oci_throttle *t = out;
    struct oci_u64 rate = { 0 };

    TRY(need_object(j, o));
    TRY(jp_int(j, o, "major", 0, UINT32_MAX, &t->major));
    TRY(jp_int(j, o, "minor", 0, UINT32_MAX, &t->minor));
    TRY(jp_u64(j, o, "rate", &rate));
    t->rate = rate.v;
    return 0;
}

static int read_weight_dev(struct jp *j, struct json_object *o, void *out)
{
    struct oci_weight_dev *d = out;

    TRY(need_object(j, o));
    TRY(jp_int(j, o, "major", 0, UINT32_MAX, &d->major));
    TRY(jp_int(j, o, "minor", 0, UINT32_MAX, &d->minor));
    TRY(jp_u64(j, o, "weight", &d->weight));
    return jp_u64(j, o, "leafWeight", &d->leaf_weight);
}

static int read_throttles(struct jp *j, struct json_object *o, const char *key,
                          struct oci_throttles *t)
{
    return jp_list(j, o, key, read_throttle, sizeof(*t->v), &t->v, &t->n);
}

static int read_blkio(struct jp *j, struct json_object *o, void *out)
{
    struct oci_resources *r = out;

    TRY(jp_u64(j, o, "weight", &r->blkio.weight));
    TRY(jp_u64(j, o, "leafWeight", &r->blkio.leaf_weight));
    TRY(jp_list(j, o, "weightDevice", read_weight_dev, sizeof(*r->blkio.devs),
                &r->blkio.devs, &r->blkio.ndevs));
    TRY(read_throttles(j, o, "throttleReadBpsDevice", &r->blkio.read_bps));
    TRY(read_throttles(j, o, "throttleWriteBpsDevice", &r->blkio.write_bps));
    TRY(read_throttles(j, o, "throttleReadIOPSDevice", &r->blkio.read_iops));
    return read_throttles(j, o, "throttleWriteIOPSDevice", &r->blkio.write_iops);
}

static int read_dev_rule(struct jp *j, struct json_object *o, void *out)
{
    struct oci_dev_rule *d = out;
    char *type = NULL;

    TRY(need_object(j, o));
    TRY(jp_need(j, o, "allow"));
    TRY(jp_bool(j, o, "allow", &d->allow));
    TRY(jp_str(j, o, "type", &type));
    d->type = 'a';
    if (type && type[0]) {
        if (strlen(type) != 1 || !strchr("acb", type[0]))
            return jp_err_key(j, "type", "must be a, c or b, not \"%s\"", type);
        d->type = type[0];
    }
    TRY(jp_i64(j, o, "major", &d->major));
    TRY(jp_i64(j, o, "minor", &d->minor));
    TRY(jp_str(j, o, "access", &d->access));
    if (d->access && d->access[strspn(d->access, "rwm")])
        return jp_err_key(j, "access", "must consist of r, w and m, not \"%s\"", d->access);
    return 0;
}

static int read_hugepage(struct jp *j, struct json_object *o, void *out)
{
    __typeof__(((struct oci_resources *)0)->hugepages) h = out;
    struct oci_u64 limit = { 0 };

    TRY(need_object(j, o));
    TRY(jp_need(j, o, "pageSize"));
    TRY(jp_str(j, o, "pageSize", &h->page_size));
    /* It becomes part of a file's name in the cgroup. */
    if (!h->page_size[0] || h->page_size[strspn(h->page_size, "0123456789KMGB")])
        return jp_err_key(j, "pageSize", "must be like \"2MB\", not \"%s\"", h->page_size);
    TRY(jp_u64(j, o, "limit", &limit));
    h->limit = limit.v;
    return 0;
}

static int read_net_prio(struct jp *j, struct json_object *o, void *out)
{
    __typeof__(((struct oci_resources *)0)->net_prio) p = out;

    TRY(need_object(j, o));
    TRY(jp_need(j, o, "name"));
    TRY(jp_str(j, o, "name", &p->name));
    return jp_u32(j, o, "priority", &p->priority);
}

static int read_network(struct jp *j, struct json_object *o, void *out)
{
    struct oci_resources *r = out;

    TRY(jp_u64(j, o, "classID", &r->net_class_id));
    if (r->net_class_id.v > UINT32_MAX)
        return jp_err_key(j, "classID", "is too large");
    return jp_list(j, o, "priorities", read_net_prio, sizeof(*r->net_prio), &r->net_prio,
                   &r->nnet_prio);
}

static int read_rdma(struct jp *j, struct json_object *o, void *out)
{
    struct oci_resources *r = out;
    size_t i = 0;

    r->rdma = arena_array(j->mem, (size_t)json_object_object_length(o),
                          sizeof(*r->rdma));
    if (!r->rdma)
        return jp_nomem(j);
    json_object_object_foreach(o, name, v) {
        size_t mark = jp_key(j, name);
        TRY(need_object(j, v));
        r->rdma[i].device = arena_strdup(j->mem, name);
        if (!r->rdma[i].device)
            return jp_nomem(j);
        TRY(jp_u64(j, v, "hcaHandles", &r->rdma[i].handles));
        TRY(jp_u64(j, v, "hcaObjects", &r->rdma[i].objects));
        r->nrdma = ++i;
        jp_pop(j, mark);
    }
    return 0;
}

/* Keys are file names in the cgroup's folder. */
static int check_unified(struct jp *j, const struct oci_resources *r)
{
    size_t mark = jp_key(j, "unified");

    for (size_t i = 0; i < r->unified.n; i++) {
        const char *k = r->unified.v[i].key;
        if (strchr(k, '/') || k[0] == '.')
            return jp_err_key(j, k, "is no name of a cgroup file");
    }
    jp_pop(j, mark);
    return 0;
}

int oci_read_resources(struct jp *j, struct json_object *o, void *out)
{
    struct oci_resources *r = out;
    const char *text = json_object_to_json_string_ext(
        o, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);

    r->present = true;
    r->json = text ? arena_strdup(j->mem, text) : NULL;
    if (!r->json)
        return jp_nomem(j);
    TRY(jp_obj(j, o, "memory", read_memory, r, NULL));
    TRY(jp_obj(j, o, "cpu", read_cpu, r, NULL));
    TRY(jp_obj(j, o, "pids", read_pids, r, NULL));
    TRY(jp_obj(j, o, "blockIO", read_blkio, r, NULL));
    TRY(jp_list(j, o, "devices", read_dev_rule, sizeof(*r->devices), &r->devices,
                &r->ndevices));
    TRY(jp_list(j, o, "hugepageLimits", read_hugepage, sizeof(*r->hugepages), &r->hugepages,
                &r->nhugepages));
    TRY(jp_obj(j, o, "network", read_network, r, NULL));
    TRY(jp_obj(j, o, "rdma", read_rdma, r, NULL));
    TRY(jp_map(j, o, "unified", &r->unified));
    return check_unified(j, r);
}
