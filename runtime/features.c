/* xenc features: runtime-spec features.md. */
#include "runtime/runtime.h"

#include <errno.h>

static void put_item(struct buf *b, const char *indent, bool first, const char *s)
{
    buf_printf(b, "%s\n%s  ", first ? "" : ",", indent);
    rt_json_str(b, s);
}

static void put_list(struct buf *b, const char *indent, const char *key,
                     const char *const *v, size_t n)
{
    buf_printf(b, "%s\"%s\": [", indent, key);
    for (size_t i = 0; i < n; i++)
        put_item(b, indent, i == 0, v[i]);
    buf_printf(b, "\n%s]", indent);
}

static void put_hooks(struct buf *b)
{
    bool first = true;

    buf_puts(b, "  \"hooks\": [");
    for (int i = 0; i < OCI_HOOK_KINDS; i++) {
        if (i == OCI_HOOK_START_CONTAINER)
            continue;
        put_item(b, "  ", first, oci_hook_name((enum oci_hook_kind)i));
        first = false;
    }
    buf_puts(b, "\n  ],\n");
}

static void put_linux(struct buf *b)
{
    const char *names[OCI_NS_TYPES];
    size_t n = 0;

    buf_puts(b, "  \"linux\": {\n");
    for (int i = 0; i < OCI_NS_TYPES; i++)
        names[n++] = oci_ns_name((enum oci_ns_type)i);
    put_list(b, "    ", "namespaces", names, n);
    buf_puts(b, ",\n");
    buf_puts(b, "    \"capabilities\": [");
    for (int i = 0; oci_cap_name(i); i++)
        buf_printf(b, "%s\n      \"CAP_%s\"", i ? "," : "", oci_cap_name(i));
    buf_puts(b, "\n    ],\n"
                "    \"cgroup\": { \"v1\": true, \"v2\": true, \"systemd\": false, "
                "\"systemdUser\": false, \"rdma\": false },\n"
                "    \"seccomp\": { \"enabled\": true, \"archs\": [\"SCMP_ARCH_X86_64\"],\n"
                "      \"actions\": [\"SCMP_ACT_ALLOW\", \"SCMP_ACT_ERRNO\", \"SCMP_ACT_KILL\", "
                "\"SCMP_ACT_KILL_PROCESS\", \"SCMP_ACT_KILL_THREAD\", \"SCMP_ACT_LOG\", "
                "\"SCMP_ACT_TRACE\", \"SCMP_ACT_TRAP\"],\n"
                "      \"operators\": [\"SCMP_CMP_EQ\", \"SCMP_CMP_GE\", \"SCMP_CMP_GT\", "
                "\"SCMP_CMP_LE\", \"SCMP_CMP_LT\", \"SCMP_CMP_MASKED_EQ\", \"SCMP_CMP_NE\"] },\n"
                "    \"apparmor\": { \"enabled\": false },\n"
                "    \"selinux\": { \"enabled\": false },\n"
                "    \"intelRdt\": { \"enabled\": false },\n"
                "    \"mountExtensions\": { \"idmap\": { \"enabled\": false } }\n  },\n");
}

/* Kinds that this build has; which of them the host offers is another question. */
static void put_domains(struct buf *b)
{
    static const enum hv_kind kinds[] = { HV_PV, HV_PVH_KVM };
    bool first = true;

    buf_puts(b, "    \"xenc.domains\": \"");
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (!hv_built(kinds[i]))
            continue;
        buf_printf(b, "%s%s", first ? "" : ", ", hv_kind_name(kinds[i]));
        first = false;
    }
    buf_puts(b, "\",\n");
}

static void put_annotations(struct buf *b)
{
    _cleanup_buf_ struct buf list = { 0 };

    for (size_t i = 0; rt_plan_meaningless[i]; i++)
        buf_printf(&list, "%s%s", i ? "; " : "", rt_plan_meaningless[i]);
    buf_puts(b, "  \"annotations\": {\n    \"xenc.version\": \"" RT_VERSION "\",\n"
#define RT_ANNOTATION(key, values, what) \
                "    \"" key "\": \"" values ": " what "\",\n"
#include "runtime/annotations.def"
#undef RT_ANNOTATION
                );
    put_domains(b);
    buf_puts(b, "    \"xenc.fieldsWithoutMeaning\": ");
    rt_json_str(b, buf_cstr(&list) ? buf_cstr(&list) : "");
    buf_puts(b, "\n  }\n}");
}

int rt_cmd_features(struct rt *rt, struct rt_args *a, struct err *e)
{
    static const struct rt_flag flags[] = { { NULL, 0, NULL, NULL, NULL, NULL } };
    const char *const *options = oci_mount_option_names();
    _cleanup_buf_ struct buf b = { 0 };
    size_t n = 0;
    int r = rt_flags_verb(flags, a, e);

    if (r != 0)
        return r < 0 ? r : 0;
    if (a->argc)
        return err_set(e, EINVAL, "features takes no arguments, got \"%s\"", a->argv[0]);
    while (options[n])
        n++;
    buf_puts(&b, "{\n  \"ociVersionMin\": \"" RT_SPEC_MIN "\",\n  \"ociVersionMax\": \""
                 RT_SPEC_VERSION "\",\n");
    put_hooks(&b);
    put_list(&b, "  ", "mountOptions", options, n);
    buf_puts(&b, ",\n");
    put_linux(&b);
    put_annotations(&b);
    if (!buf_cstr(&b))
        return err_set(e, ENOMEM, "out of memory");
    printf("%s\n", buf_cstr(&b));
    return 0;
}
