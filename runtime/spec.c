/* xenc spec: a config.json to start from. */
#include "runtime/runtime.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"

/* Puts `add` behind the first `at`, which is part of our own text. */
static int insert_behind(char **text, const char *at, const char *add)
{
    char *p = strstr(*text, at), *out = NULL;

    if (!p)
        return -EINVAL;
    p += strlen(at);
    if (asprintf(&out, "%.*s%s%s", (int)(p - *text), *text, add, p) < 0)
        return -ENOMEM;
    free(*text);
    *text = out;
    return 0;
}

/* Without root one user of the host is root inside, and is all users. */
static int make_rootless(char **text)
{
    char add[512];
    char *gid = strstr(*text, "\"gid=5\"");
    int r;

    snprintf(add, sizeof(add),
             "\n\t\t\"uidMappings\": [\n\t\t\t{ \"containerID\": 0, \"hostID\": %u, \"size\": 1 }"
             "\n\t\t],\n\t\t\"gidMappings\": [\n\t\t\t{ \"containerID\": 0, \"hostID\": %u, "
             "\"size\": 1 }\n\t\t],", (unsigned)geteuid(), (unsigned)getegid());
    if (gid)
        memcpy(gid, "\"gid=0\"", 7);
    r = insert_behind(text, "\"linux\": {", add);
    if (r == 0)
        r = insert_behind(text, "\"namespaces\": [",
                          "\n\t\t\t{\n\t\t\t\t\"type\": \"user\"\n\t\t\t},");
    return r;
}

static int write_new(const char *dir, const char *text, struct err *e)
{
    _cleanup_close_ int at = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    _cleanup_close_ int fd = -1;
    int r;

    if (at < 0)
        return err_sys(e, errno, "bundle %s", dir);
    fd = openat(at, "config.json", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0 && errno == EEXIST)
        return err_set(e, EEXIST, "File config.json exists. Remove it first");
    if (fd < 0)
        return err_sys(e, errno, "make config.json in %s", dir);
    r = write_all(fd, text, strlen(text));
    if (r < 0)
        unlinkat(at, "config.json", 0);
    return r < 0 ? err_sys(e, -r, "write config.json") : 0;
}

int rt_cmd_spec(struct rt *rt, struct rt_args *a, struct err *e)
{
    const char *bundle = ".";
    bool rootless = false;
    const struct rt_flag flags[] = {
        { "bundle", 'b', NULL, &bundle, "DIR", "where to write it (default: working directory)" },
        { "rootless", 0, &rootless, NULL, NULL, "for a caller who is not root" },
        { NULL, 0, NULL, NULL, NULL, NULL },
    };
    _cleanup_free_ char *text = NULL;
    int r = rt_flags_verb(flags, a, e);

    if (r != 0)
        return r < 0 ? r : 0;
    if (a->argc)
        return err_set(e, EINVAL, "spec takes no arguments, got \"%s\"", a->argv[0]);
    text = oci_spec_default();
    if (!text)
        return err_set(e, ENOMEM, "out of memory");
    r = rootless ? make_rootless(&text) : 0;
    if (r < 0)
        return err_sys(e, -r, "make a rootless config.json");
    return write_new(bundle, text, e);
}
