/* config-linux.md, "Seccomp". */
#include <errno.h>
#include <linux/seccomp.h>
#include <string.h>

#include "oci/json.h"

static const struct { const char *name; uint32_t ret; } actions[] = {
    { "SCMP_ACT_KILL", SECCOMP_RET_KILL_THREAD },
    { "SCMP_ACT_KILL_THREAD", SECCOMP_RET_KILL_THREAD },
    { "SCMP_ACT_KILL_PROCESS", SECCOMP_RET_KILL_PROCESS },
    { "SCMP_ACT_TRAP", SECCOMP_RET_TRAP },
    { "SCMP_ACT_ERRNO", SECCOMP_RET_ERRNO },
    { "SCMP_ACT_TRACE", SECCOMP_RET_TRACE },
    { "SCMP_ACT_ALLOW", SECCOMP_RET_ALLOW },
    { "SCMP_ACT_LOG", SECCOMP_RET_LOG },
    { "SCMP_ACT_NOTIFY", SECCOMP_RET_USER_NOTIF },
};

static const struct { const char *name; uint32_t op; } ops[] = {
    { "SCMP_CMP_NE", OCI_OP_NE }, { "SCMP_CMP_LT", OCI_OP_LT }, { "SCMP_CMP_LE", OCI_OP_LE },
    { "SCMP_CMP_EQ", OCI_OP_EQ }, { "SCMP_CMP_GE", OCI_OP_GE }, { "SCMP_CMP_GT", OCI_OP_GT },
    { "SCMP_CMP_MASKED_EQ", OCI_OP_MASKED_EQ },
};

static const struct { const char *name; uint32_t bit; } flags[] = {
    { "SECCOMP_FILTER_FLAG_TSYNC", SECCOMP_FILTER_FLAG_TSYNC },
    { "SECCOMP_FILTER_FLAG_LOG", SECCOMP_FILTER_FLAG_LOG },
    { "SECCOMP_FILTER_FLAG_SPEC_ALLOW", SECCOMP_FILTER_FLAG_SPEC_ALLOW },
    { "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", 1u << 5 },
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* An action with its errno: `errno_key` is meant for ERRNO and TRACE only and is EPERM
 * when absent. */
static int read_action(struct jp *j, struct json_object *o, const char *key,
                       const char *errno_key, uint32_t *out)
{
    struct oci_u64 code = { .v = EPERM };
    char *name = NULL;
    size_t i;

    TRY(jp_need(j, o, key));
    TRY(jp_str(j, o, key, &name));
    for (i = 0; i < COUNT(actions) && strcmp(name, actions[i].name); i++)
        ;
    if (i == COUNT(actions))
        return jp_err_key(j, key, "unknown action \"%s\"", name);
    TRY(jp_u64(j, o, errno_key, &code));
    if (code.v > SECCOMP_RET_DATA)
        return jp_err_key(j, errno_key, "is not an error number");
    *out = actions[i].ret;
    if (*out == SECCOMP_RET_ERRNO || *out == SECCOMP_RET_TRACE)
        *out |= (uint32_t)code.v;
    else if (code.set && code.v)
        return jp_err_key(j, errno_key, "makes no sense with %s", name);
    return 0;
}

static int read_arg(struct jp *j, struct json_object *o, void *out)
{
    struct oci_sec_arg *a = out;
    struct oci_u64 value = { 0 }, two = { 0 };
    int64_t index = 0;
    char *op = NULL;

    if (!json_object_is_type(o, json_type_object))
        return jp_err(j, "must be an object");
    TRY(jp_need(j, o, "index"));
    TRY(jp_int(j, o, "index", 0, 5, &index));
    TRY(jp_need(j, o, "value"));
    TRY(jp_u64(j, o, "value", &value));
    TRY(jp_u64(j, o, "valueTwo", &two));
    TRY(jp_need(j, o, "op"));
    TRY(jp_str(j, o, "op", &op));
    for (size_t i = 0; i < COUNT(ops); i++) {
        if (!strcmp(op, ops[i].name))
            a->op = ops[i].op;
    }
    if (!a->op)
        return jp_err_key(j, "op", "unknown operator \"%s\"", op);
    a->index = (uint32_t)index;
    a->value = value.v;
    a->value_two = two.v;
    return 0;
}

static int read_rule(struct jp *j, struct json_object *o, void *out)
{
    struct oci_sec_rule *r = out;

    if (!json_object_is_type(o, json_type_object))
        return jp_err(j, "must be an object");
    TRY(jp_strv(j, o, "names", &r->names));
    if (r->names.n == 0)
        return jp_err_key(j, "names", "names no system call");
    TRY(read_action(j, o, "action", "errnoRet", &r->action));
    return jp_list(j, o, "args", read_arg, sizeof(*r->args), &r->args, &r->nargs);
}

static int read_flags(struct jp *j, struct json_object *o, struct oci_seccomp *s)
{
    struct oci_strv names = { 0 };

    TRY(jp_strv(j, o, "flags", &names));
    for (size_t i = 0; i < names.n; i++) {
        size_t k = 0;
        while (k < COUNT(flags) && strcmp(names.v[i], flags[k].name))
            k++;
        if (k == COUNT(flags))
            return jp_err_key(j, "flags", "unknown flag \"%s\"", names.v[i]);
        s->flags |= flags[k].bit;
    }
    return 0;
}

int oci_read_seccomp(struct jp *j, struct json_object *o, void *out)
{
    struct oci_seccomp *s = out;

    s->present = true;
    TRY(read_action(j, o, "defaultAction", "defaultErrnoRet", &s->default_action));
    TRY(jp_strv(j, o, "architectures", &s->archs));
    for (size_t i = 0; i < s->archs.n; i++) {
        if (strncmp(s->archs.v[i], "SCMP_ARCH_", 10))
            return jp_err_key(j, "architectures", "unknown one \"%s\"", s->archs.v[i]);
    }
    TRY(read_flags(j, o, s));
    TRY(jp_str(j, o, "listenerPath", &s->listener_path));
    TRY(jp_str(j, o, "listenerMetadata", &s->listener_metadata));
    return jp_list(j, o, "syscalls", read_rule, sizeof(*s->rules), &s->rules, &s->nrules);
}
