/* config-linux.md but for resources and seccomp. */
#include <string.h>

#include "oci/json.h"

static int need_object(struct jp *j, struct json_object *o)
{
    return json_object_is_type(o, json_type_object) ? 0 : jp_err(j, "must be an object");
}

static int ns_by_name(const char *name)
{
    for (int t = 0; t < OCI_NS_TYPES; t++) {
        if (!strcmp(name, oci_ns_name((enum oci_ns_type)t)))
            return t;
    }
    return -1;
}

/* The list becomes a table by type: the struct is found through the spec. */
static int read_ns(struct jp *j, struct json_object *o, void *out)
{
    struct oci_linux *l = &j->spec->linux_;
    char *type = NULL;
    int t;

    TRY(need_object(j, o));
    TRY(jp_need(j, o, "type"));
    TRY(jp_str(j, o, "type", &type));
    t = ns_by_name(type);
    if (t < 0)
        return jp_err_key(j, "type", "unknown namespace \"%s\"", type);
    if (l->ns[t].present)
        return jp_err_key(j, "type", "namespace \"%s\" is given twice", type);
    l->ns[t].present = true;
    TRY(jp_str(j, o, "path", &l->ns[t].path));
    if (l->ns[t].path && !l->ns[t].path[0])     /* engines write "" for a new one */
        l->ns[t].path = NULL;
    if (l->ns[t].path && l->ns[t].path[0] != '/')
        return jp_err_key(j, "path", "must be an absolute path, not \"%s\"", l->ns[t].path);
    *(char *)out = 0;
    return 0;
}

int oci_read_idmap(struct jp *j, struct json_object *o, void *out)
{
    struct oci_idmap *m = out;

    TRY(need_object(j, o));
    TRY(jp_u32(j, o, "containerID", &m->container_id));
    TRY(jp_u32(j, o, "hostID", &m->host_id));
    TRY(jp_need(j, o, "size"));
    TRY(jp_u32(j, o, "size", &m->size));
    if (m->size == 0)
        return jp_err_key(j, "size", "must not be 0");
    if (m->container_id > UINT32_MAX - m->size || m->host_id > UINT32_MAX - m->size)
        return jp_err_key(j, "size", "goes past the last id");
    return 0;
}

static int read_device(struct jp *j, struct json_object *o, void *out)
{
    struct oci_device *d = out;
    char *type = NULL;

    TRY(need_object(j, o));
    TRY(jp_need(j, o, "path"));
    TRY(jp_abs(j, o, "path", &d->path));
    TRY(jp_need(j, o, "type"));
    TRY(jp_str(j, o, "type", &type));
    if (strlen(type) != 1 || !strchr("cbup", type[0]))
        return jp_err_key(j, "type", "must be c, b, u or p, not \"%s\"", type);
    d->type = type[0] == 'u' ? 'c' : type[0];
    if (d->type != 'p') {
        TRY(jp_need(j, o, "major"));
        TRY(jp_need(j, o, "minor"));
        TRY(jp_int(j, o, "major", 0, (1 << 12) - 1, &d->major));
        TRY(jp_int(j, o, "minor", 0, (1 << 20) - 1, &d->minor));
    }
    TRY(jp_u64(j, o, "fileMode", &d->mode));
    d->mode.v &= 07777;         /* engines send the file type's bits too */
    TRY(jp_u64(j, o, "uid", &d->uid));
    TRY(jp_u64(j, o, "gid", &d->gid));
    if (d->uid.v >= UINT32_MAX)
        return jp_err_key(j, "uid", "is not a user id");
    if (d->gid.v >= UINT32_MAX)
        return jp_err_key(j, "gid", "is not a group id");
    return 0;
}

static int read_path(struct jp *j, struct json_object *v, void *out)
{
    char *s;

    TRY(jv_str(j, v, &s));
    if (s[0] != '/')
        return jp_err(j, "must be an absolute path, not \"%s\"", s);
    *(char **)out = s;
    return 0;
}

/* Keys become file names below /proc/sys, with dots for slashes. */
static int check_sysctl(struct jp *j, const struct oci_linux *l)
{
    size_t mark = jp_key(j, "sysctl");

    for (size_t i = 0; i < l->sysctl.n; i++) {
        const char *k = l->sysctl.v[i].key;
        if (k[0] == '/' || k[0] == '.' || strstr(k, "..") || strstr(k, "//"))
            return jp_err_key(j, k, "is no name of a sysctl");
    }
    jp_pop(j, mark);
    return 0;
}

static int read_paths(struct jp *j, struct json_object *o, struct oci_linux *l)
{
    char *propagation = NULL;

    TRY(jp_list(j, o, "maskedPaths", read_path, sizeof(char *), &l->masked_paths.v,
                &l->masked_paths.n));
    TRY(jp_list(j, o, "readonlyPaths", read_path, sizeof(char *), &l->readonly_paths.v,
                &l->readonly_paths.n));
    TRY(jp_str(j, o, "cgroupsPath", &l->cgroups_path));
    TRY(jp_str(j, o, "mountLabel", &l->mount_label));
    TRY(jp_str(j, o, "rootfsPropagation", &propagation));
    if (propagation && propagation[0]) {
        l->rootfs_propagation = oci_propagation(propagation);
        if (!l->rootfs_propagation)
            return jp_err_key(j, "rootfsPropagation", "unknown kind \"%s\"", propagation);
    }
    return 0;
}

int oci_read_linux(struct jp *j, struct json_object *o, void *out)
{
    static const char *const others[] = {
        "intelRdt", "personality", "timeOffsets", "netDevices", "memoryPolicy",
    };
    struct oci_linux *l = out;
    char *marks;
    size_t n;

    TRY(jp_list(j, o, "namespaces", read_ns, 1, &marks, &n));
    TRY(jp_list(j, o, "uidMappings", oci_read_idmap, sizeof(*l->uid_map.v), &l->uid_map.v,
                &l->uid_map.n));
    TRY(jp_list(j, o, "gidMappings", oci_read_idmap, sizeof(*l->gid_map.v), &l->gid_map.v,
                &l->gid_map.n));
    TRY(jp_list(j, o, "devices", read_device, sizeof(*l->devices), &l->devices,
                &l->ndevices));
    TRY(jp_obj(j, o, "resources", oci_read_resources, &l->resources, NULL));
    TRY(jp_obj(j, o, "seccomp", oci_read_seccomp, &l->seccomp, NULL));
    if (l->seccomp.present)
        TRY(jp_text(j, o, "seccomp", &l->seccomp.json));
    TRY(jp_map(j, o, "sysctl", &l->sysctl));
    TRY(check_sysctl(j, l));
    TRY(read_paths(j, o, l));
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        TRY(jp_other(j, o, others[i]));
    return 0;
}
