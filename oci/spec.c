/* config.json as a whole: config.md. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "oci/json.h"

enum { CONFIG_MAX = 16 << 20 };

/* "1.0.2", "1.1.0-rc.1", "1.0.2-dev": fields only get added within a major version. */
static int read_version(struct jp *j, struct json_object *o)
{
    const char *v;

    TRY(jp_need(j, o, "ociVersion"));
    TRY(jp_str(j, o, "ociVersion", &j->spec->version));
    v = j->spec->version;
    if (strncmp(v, "1.", 2) || v[2] < '0' || v[2] > '9')
        return jp_err_key(j, "ociVersion", "version \"%s\" is not supported (1.x is)", v);
    return 0;
}

static int read_root(struct jp *j, struct json_object *o, void *out)
{
    struct oci_spec *s = out;

    TRY(jp_need(j, o, "path"));
    TRY(jp_str(j, o, "path", &s->root_path));
    if (!s->root_path[0])
        return jp_err_key(j, "path", "is empty");
    return jp_bool(j, o, "readonly", &s->root_readonly);
}

/* sethostname(2) and setdomainname(2) take up to 64 bytes. */
static int read_names(struct jp *j, struct json_object *o)
{
    struct oci_spec *s = j->spec;

    TRY(jp_str(j, o, "hostname", &s->hostname));
    TRY(jp_str(j, o, "domainname", &s->domainname));
    if (s->hostname && strlen(s->hostname) > 64)
        return jp_err_key(j, "hostname", "is longer than 64 bytes");
    if (s->domainname && strlen(s->domainname) > 64)
        return jp_err_key(j, "domainname", "is longer than 64 bytes");
    if (s->hostname && !s->hostname[0])
        s->hostname = NULL;
    if (s->domainname && !s->domainname[0])
        s->domainname = NULL;
    return 0;
}

static int read_spec(struct jp *j, struct json_object *o)
{
    static const char *const others[] = { "solaris", "windows", "zos", "freebsd" };
    struct oci_spec *s = j->spec;

    TRY(read_version(j, o));
    TRY(jp_need(j, o, "root"));
    TRY(jp_obj(j, o, "root", read_root, s, NULL));
    TRY(read_names(j, o));
    TRY(jp_obj(j, o, "process", oci_read_process, &s->process, NULL));
    TRY(jp_list(j, o, "mounts", oci_read_mount, sizeof(*s->mounts), &s->mounts,
                &s->nmounts));
    TRY(jp_obj(j, o, "hooks", oci_read_hooks, s->hooks, NULL));
    TRY(jp_map(j, o, "annotations", &s->annotations));
    TRY(jp_obj(j, o, "linux", oci_read_linux, &s->linux_, &s->linux_.present));
    TRY(jp_obj(j, o, "vm", oci_read_vm, &s->vm, NULL));
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        TRY(jp_other(j, o, others[i]));
    return 0;
}

static int read_process_alone(struct jp *j, struct json_object *o)
{
    return oci_read_process(j, o, &j->spec->process);
}

static int read_resources_alone(struct jp *j, struct json_object *o)
{
    return oci_read_resources(j, o, &j->spec->linux_.resources);
}

/* Shared by the three entries: `name` is the path's first word. */
static int parse(const char *text, size_t len, const char *name,
                 int (*fn)(struct jp *, struct json_object *), struct oci_spec **spec_r,
                 struct err *e)
{
    _cleanup_json_ struct json_object *o = NULL;
    struct jp j = { .e = e };
    int rc = json_parse(text, len, &o, e);

    if (rc < 0)
        return rc;
    j.spec = calloc(1, sizeof(*j.spec));
    if (!j.spec)
        return err_sys(e, ENOMEM, "parse configuration");
    j.mem = &j.spec->mem;
    if (name)
        jp_key(&j, name);
    rc = json_object_is_type(o, json_type_object) ? fn(&j, o)
                                                  : jp_err(&j, "must be an object");
    if (rc < 0) {
        oci_spec_free(j.spec);
        return rc;
    }
    *spec_r = j.spec;
    return 0;
}

int oci_spec_parse(const char *text, size_t len, struct oci_spec **spec_r, struct err *e)
{
    return parse(text, len, NULL, read_spec, spec_r, e);
}

int oci_process_parse(const char *text, size_t len, struct oci_spec **spec_r, struct err *e)
{
    return parse(text, len, "process", read_process_alone, spec_r, e);
}

int oci_resources_parse(const char *text, size_t len, struct oci_spec **spec_r,
                        struct err *e)
{
    return parse(text, len, "linux.resources", read_resources_alone, spec_r, e);
}

int oci_spec_load(int dirfd, const char *path, struct oci_spec **spec_r, struct err *e)
{
    _cleanup_free_ char *text = NULL;
    size_t len;
    int rc = read_file_at(dirfd, path, CONFIG_MAX, &text, &len, e);

    if (rc < 0)
        return rc;
    rc = oci_spec_parse(text, len, spec_r, e);
    return rc < 0 ? err_add(e, "%s", path) : 0;
}

void oci_spec_free(struct oci_spec *s)
{
    if (!s)
        return;
    /* The arena's head lies in the struct, the struct itself does not. */
    arena_dispose(&s->mem);
    free(s);
}

const char *oci_annotation(const struct oci_spec *s, const char *key)
{
    for (size_t i = 0; i < s->annotations.n; i++) {
        if (!strcmp(s->annotations.v[i].key, key))
            return s->annotations.v[i].value;
    }
    return NULL;
}
