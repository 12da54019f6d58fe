/* config.json for an unpacked image: image-spec conversion.md. Starts from the default
 * configuration; the capabilities are those that engines give by default, as images
 * are made to run with them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/fd.h"
#include "oci/image.h"
#include "oci/json.h"

#define DEFAULT_PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define ANNOTATION "org.opencontainers.image."

static const char *const image_caps[] = {
    "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FSETID", "CAP_FOWNER", "CAP_MKNOD", "CAP_NET_RAW",
    "CAP_SETGID", "CAP_SETUID", "CAP_SETFCAP", "CAP_SETPCAP", "CAP_NET_BIND_SERVICE",
    "CAP_SYS_CHROOT", "CAP_KILL", "CAP_AUDIT_WRITE", NULL,
};

/* json-c answers NULL only without memory; adding NULL would write null, and the check
 * of the finished text below would name it. */
static void add_str(struct json_object *array, const char *s)
{
    json_object_array_add(array, json_object_new_string(s));
}

static void set(struct json_object *o, const char *key, struct json_object *v)
{
    json_object_object_add(o, key, v);
}

static bool has_env(const struct oci_strv *env, const char *name)
{
    size_t n = strlen(name);

    for (size_t i = 0; i < env->n; i++) {
        if (!strncmp(env->v[i], name, n) && env->v[i][n] == '=')
            return true;
    }
    return false;
}

static struct json_object *make_env(const struct image *im, const char *home, bool terminal)
{
    struct json_object *a = json_object_new_array();
    _cleanup_buf_ struct buf b = { 0 };

    if (!has_env(&im->env, "PATH"))
        add_str(a, DEFAULT_PATH);
    for (size_t i = 0; i < im->env.n; i++)
        add_str(a, im->env.v[i]);
    if (terminal && !has_env(&im->env, "TERM"))
        add_str(a, "TERM=xterm");
    if (!has_env(&im->env, "HOME")) {
        buf_printf(&b, "HOME=%s", home ? home : "/");
        if (buf_cstr(&b))
            add_str(a, buf_cstr(&b));
    }
    return a;
}

static struct json_object *make_args(const struct image *im)
{
    struct json_object *a = json_object_new_array();

    for (size_t i = 0; i < im->entrypoint.n; i++)
        add_str(a, im->entrypoint.v[i]);
    for (size_t i = 0; i < im->cmd.n; i++)
        add_str(a, im->cmd.v[i]);
    if (json_object_array_length(a) == 0)
        add_str(a, "sh");
    return a;
}

static struct json_object *make_caps(void)
{
    static const char *const sets[] = { "bounding", "effective", "permitted" };
    struct json_object *o = json_object_new_object();

    for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
        struct json_object *a = json_object_new_array();
        for (const char *const *c = image_caps; *c; c++)
            add_str(a, *c);
        set(o, sets[i], a);
    }
    return o;
}

static struct json_object *make_user(const struct image_user *u)
{
    struct json_object *o = json_object_new_object();

    set(o, "uid", json_object_new_int64(u->uid));
    set(o, "gid", json_object_new_int64(u->gid));
    if (u->ngroups) {
        struct json_object *a = json_object_new_array();
        for (size_t i = 0; i < u->ngroups; i++)
            json_object_array_add(a, json_object_new_int64(u->groups[i]));
        set(o, "additionalGids", a);
    }
    return o;
}

static void annotate(struct json_object *o, const char *key, const char *value)
{
    char name[128];

    snprintf(name, sizeof(name), ANNOTATION "%s", key);
    if (value && value[0])
        set(o, name, json_object_new_string(value));
}

/* Labels come last: they win over what is made up from other fields. */
static struct json_object *make_annotations(const struct image *im)
{
    struct json_object *o = json_object_new_object();
    _cleanup_buf_ struct buf ports = { 0 };

    for (size_t i = 0; i < im->ports.n; i++)
        buf_printf(&ports, "%s%s", i ? "," : "", im->ports.v[i]);
    annotate(o, "os", im->os);
    annotate(o, "architecture", im->arch);
    annotate(o, "author", im->author);
    annotate(o, "created", im->created);
    annotate(o, "stopSignal", im->stop_signal);
    annotate(o, "exposedPorts", buf_cstr(&ports));
    for (size_t i = 0; i < im->labels.n; i++)
        set(o, im->labels.v[i].key, json_object_new_string(im->labels.v[i].value));
    return o;
}

/* The working directory and the volumes have to exist; what an image lacks is made. */
static int make_folders(const struct image *im, int rootfd, char cwd[static 4096],
                        struct err *e)
{
    char path[4096];
    int rc = layer_name(im->workdir ? im->workdir : "/", path, e);

    if (rc < 0)
        return err_add(e, "WorkingDir");
    for (size_t i = 0; i <= im->volumes.n; i++) {
        if (i && (rc = layer_name(im->volumes.v[i - 1], path, e)) < 0)
            return err_add(e, "Volumes");
        _cleanup_close_ int fd = mkdirs_in_root(rootfd, path, 0755);
        if (fd < 0)
            return err_sys(e, -fd, "%s \"/%s\"", i ? "volume" : "working directory", path);
        if (i == 0)
            snprintf(cwd, 4096, "/%.4000s", path);
    }
    return 0;
}

static int fill(struct json_object *o, const struct image *im, int rootfd, bool terminal,
                struct err *e)
{
    struct json_object *process = jp_get(o, "process");
    struct image_user user = { 0 };
    struct arena mem = { 0 };
    char cwd[4096];
    int rc = make_folders(im, rootfd, cwd, e);

    if (rc == 0)
        rc = image_user_find(rootfd, im->user, &mem, &user, e);
    if (rc == 0) {
        set(process, "terminal", json_object_new_boolean(terminal));
        set(process, "user", make_user(&user));
        set(process, "args", make_args(im));
        set(process, "env", make_env(im, user.home, terminal));
        set(process, "cwd", json_object_new_string(cwd));
        set(process, "capabilities", make_caps());
        set(process, "noNewPrivileges", json_object_new_boolean(false));
        set(jp_get(o, "root"), "readonly", json_object_new_boolean(false));
        set(o, "annotations", make_annotations(im));
    }
    arena_dispose(&mem);
    return rc;
}

int bundle_config(const struct image *im, int rootfd, bool terminal, char **text_r,
                  struct err *e)
{
    _cleanup_json_ struct json_object *o = oci_default_json();
    struct oci_spec *spec = NULL;
    const char *text;
    int rc;

    if (!o)
        return err_sys(e, ENOMEM, "config.json");
    rc = fill(o, im, rootfd, terminal, e);
    if (rc < 0)
        return rc;
    text = json_object_to_json_string_ext(
        o, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_PRETTY_TAB |
               JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE);
    *text_r = text ? strdup(text) : NULL;
    if (!*text_r)
        return err_sys(e, ENOMEM, "config.json");
    /* What the image said may be nothing one can run: tell now rather than later. */
    rc = oci_spec_parse(text, strlen(text), &spec, e);
    oci_spec_free(spec);
    if (rc < 0) {
        free(*text_r);
        *text_r = NULL;
        return err_add(e, "config.json made from the image");
    }
    return 0;
}
