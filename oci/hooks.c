/* config.md, "POSIX-platform Hooks". */
#include <limits.h>

#include "oci/json.h"

static int read_hook(struct jp *j, struct json_object *o, void *out)
{
    struct oci_hook *h = out;
    int64_t timeout = 0;

    if (!json_object_is_type(o, json_type_object))
        return jp_err(j, "must be an object");
    TRY(jp_need(j, o, "path"));
    TRY(jp_abs(j, o, "path", &h->path));
    TRY(jp_strv(j, o, "args", &h->args));
    TRY(jp_strv(j, o, "env", &h->env));
    TRY(jp_int(j, o, "timeout", 1, INT_MAX, &timeout));
    h->timeout_s = (int)timeout;
    return 0;
}

int oci_read_hooks(struct jp *j, struct json_object *o, void *out)
{
    struct oci_hooks *hooks = out;

    for (int k = 0; k < OCI_HOOK_KINDS; k++)
        TRY(jp_list(j, o, oci_hook_name((enum oci_hook_kind)k), read_hook,
                    sizeof(*hooks[k].v), &hooks[k].v, &hooks[k].n));
    return 0;
}
