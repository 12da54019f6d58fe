/* config.md, "Process". */
#include <string.h>

#include "oci/json.h"

/* The id (u32)-1 means "no change" to the kernel: never a real one. */
static const int64_t id_max = UINT32_MAX - 1;

static int read_gid(struct jp *j, struct json_object *v, void *out)
{
    uint64_t n;

    TRY(jv_u64(j, v, &n));
    if (n > (uint64_t)id_max)
        return jp_err(j, "is not a group id");
    *(uint32_t *)out = (uint32_t)n;
    return 0;
}

static int read_user(struct jp *j, struct json_object *o, void *out)
{
    struct oci_user *u = out;
    int64_t uid = 0, gid = 0;

    TRY(jp_int(j, o, "uid", 0, id_max, &uid));
    TRY(jp_int(j, o, "gid", 0, id_max, &gid));
    u->uid = (uint32_t)uid;
    u->gid = (uint32_t)gid;
    TRY(jp_u64(j, o, "umask", &u->umask));
    if (u->umask.v > 0777)
        return jp_err_key(j, "umask", "must be from 0 to 511 (0777)");
    TRY(jp_list(j, o, "additionalGids", read_gid, sizeof(uint32_t), &u->groups,
                &u->ngroups));
    return jp_other(j, o, "username");
}

static int read_size(struct jp *j, struct json_object *o, void *out)
{
    struct oci_process *p = out;
    int64_t rows = 0, cols = 0;

    TRY(jp_int(j, o, "height", 0, UINT16_MAX, &rows));
    TRY(jp_int(j, o, "width", 0, UINT16_MAX, &cols));
    p->rows = (uint32_t)rows;
    p->cols = (uint32_t)cols;
    return 0;
}

static int read_env(struct jp *j, struct json_object *v, void *out)
{
    char *s, *eq;

    TRY(jv_str(j, v, &s));
    eq = strchr(s, '=');
    if (!eq || eq == s)
        return jp_err(j, "must be NAME=value, not \"%s\"", s);
    *(char **)out = s;
    return 0;
}

static int read_rlimit(struct jp *j, struct json_object *o, void *out)
{
    struct oci_rlimit *r = out;
    struct oci_u64 soft = { 0 }, hard = { 0 };
    char *type = NULL;

    if (!json_object_is_type(o, json_type_object))
        return jp_err(j, "must be an object");
    TRY(jp_need(j, o, "type"));
    TRY(jp_str(j, o, "type", &type));
    r->resource = oci_rlimit_number(type);
    if (r->resource < 0)
        return jp_err_key(j, "type", "unknown resource \"%s\"", type);
    TRY(jp_u64(j, o, "soft", &soft));
    TRY(jp_u64(j, o, "hard", &hard));
    if (soft.v > hard.v)
        return jp_err_key(j, "soft", "is above the hard limit");
    r->soft = soft.v;
    r->hard = hard.v;
    return 0;
}

static int check_rlimits(struct jp *j, const struct oci_process *p)
{
    for (size_t i = 0; i < p->nrlimits; i++) {
        for (size_t k = 0; k < i; k++) {
            if (p->rlimits[i].resource != p->rlimits[k].resource)
                continue;
            jp_key(j, "rlimits");
            jp_index(j, i);
            return jp_err_key(j, "type", "is given twice");
        }
    }
    return 0;
}

/* A name the kernel does not have is no error: the specification wants a warning. */
static int read_caps(struct jp *j, struct json_object *o, const char *key, uint64_t *mask)
{
    struct oci_strv names = { 0 };

    TRY(jp_strv(j, o, key, &names));
    for (size_t i = 0; i < names.n; i++) {
        int cap = oci_cap_number(names.v[i]);
        size_t mark;
        if (cap >= 0) {
            *mask |= 1ull << cap;
            continue;
        }
        mark = jp_key(j, key);
        jp_index(j, i);
        TRY(jp_warn(j, "unknown capability \"%s\" is ignored", names.v[i]));
        jp_pop(j, mark);
    }
    return 0;
}

static int read_cap_sets(struct jp *j, struct json_object *o, void *out)
{
    uint64_t *caps = out;

    TRY(read_caps(j, o, "bounding", &caps[OCI_CAP_BOUNDING]));
    TRY(read_caps(j, o, "effective", &caps[OCI_CAP_EFFECTIVE]));
    TRY(read_caps(j, o, "inheritable", &caps[OCI_CAP_INHERITABLE]));
    TRY(read_caps(j, o, "permitted", &caps[OCI_CAP_PERMITTED]));
    return read_caps(j, o, "ambient", &caps[OCI_CAP_AMBIENT]);
}

static int read_program(struct jp *j, struct json_object *o, struct oci_process *p)
{
    TRY(jp_strv(j, o, "args", &p->args));
    if (p->args.n == 0)
        return jp_err_key(j, "args", "names no program to run");
    if (!p->args.v[0][0]) {
        jp_key(j, "args");
        return jp_err(j, "names an empty program");
    }
    TRY(jp_list(j, o, "env", read_env, sizeof(char *), &p->env.v, &p->env.n));
    TRY(jp_need(j, o, "cwd"));
    return jp_abs(j, o, "cwd", &p->cwd);
}

int oci_read_process(struct jp *j, struct json_object *o, void *out)
{
    static const char *const others[] = {
        "commandLine", "scheduler", "ioPriority", "execCPUAffinity",
    };
    struct oci_process *p = out;

    p->present = true;
    TRY(jp_bool(j, o, "terminal", &p->terminal));
    TRY(jp_obj(j, o, "consoleSize", read_size, p, NULL));
    TRY(jp_obj(j, o, "user", read_user, &p->user, NULL));
    TRY(read_program(j, o, p));
    TRY(jp_obj(j, o, "capabilities", read_cap_sets, p->caps, &p->has_caps));
    TRY(jp_list(j, o, "rlimits", read_rlimit, sizeof(*p->rlimits), &p->rlimits,
                &p->nrlimits));
    TRY(check_rlimits(j, p));
    TRY(jp_bool(j, o, "noNewPrivileges", &p->no_new_privs));
    TRY(jp_str(j, o, "apparmorProfile", &p->apparmor_profile));
    TRY(jp_str(j, o, "selinuxLabel", &p->selinux_label));
    TRY(jp_i64(j, o, "oomScoreAdj", &p->oom_score_adj));
    if (p->oom_score_adj.v < -1000 || p->oom_score_adj.v > 1000)
        return jp_err_key(j, "oomScoreAdj", "must be from -1000 to 1000");
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        TRY(jp_other(j, o, others[i]));
    return 0;
}
