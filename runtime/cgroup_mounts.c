/* Which cgroup hierarchies the host has, from /proc/self/mountinfo and
 * /proc/self/cgroup (proc(5), cgroups(7)). */
#include "runtime/runtime.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "runtime/cgroup.h"

bool rt_cgroup_has(const char *list, const char *controller)
{
    size_t n = strlen(controller);

    for (const char *p = list; *p; p += strspn(p, ", \n")) {
        size_t len = strcspn(p, ", \n");
        if (len == n && memcmp(p, controller, n) == 0)
            return true;
        p += len;
    }
    return false;
}

/* Super block options of a version 1 mount: "rw,cpu,cpuacct", "rw,xattr,name=systemd". */
static const char *v1_controllers(const char *options)
{
    const char *p = strncmp(options, "rw,", 3) == 0 || strncmp(options, "ro,", 3) == 0
                        ? options + 3 : options;

    for (bool again = true; again; ) {
        again = false;
        static const char *const plain[] = { "xattr,", "noprefix,", "clone_children,",
                                             "cpuset_v2_mode,", "favordynmods," };
        for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
            size_t n = strlen(plain[i]);
            if (strncmp(p, plain[i], n) == 0) {
                p += n;
                again = true;
            }
        }
    }
    return p;
}

/* "ID:CONTROLLERS:PATH" of /proc/self/cgroup. Where the mount shows only a part of the
 * hierarchy, the path is relative to that part. */
static const char *find_own(const char *text, const struct rt_hierarchy *h, const char *root,
                            struct arena *mem)
{
    while (*text) {
        const char *end = strchrnul(text, '\n');
        const char *list = memchr(text, ':', (size_t)(end - text));
        const char *path = list ? memchr(list + 1, ':', (size_t)(end - list - 1)) : NULL;
        if (path) {
            size_t n = (size_t)(path - list - 1), rootlen = strlen(root);
            bool same = h->v2 ? n == 0 : n > 0 && strlen(h->controllers) == n &&
                                         memcmp(h->controllers, list + 1, n) == 0;
            path++;
            if (same && strcmp(root, "/") != 0 && strncmp(path, root, rootlen) == 0)
                path += rootlen;
            if (same)
                return arena_strndup(mem, path, (size_t)(end - path));
        }
        text = *end ? end + 1 : end;
    }
    return "/";
}

static bool seen(const struct rt_hierarchies *hs, const struct rt_hierarchy *h)
{
    for (size_t i = 0; i < hs->n; i++) {
        if (hs->v[i].v2 == h->v2 && (h->v2 || !strcmp(hs->v[i].controllers, h->controllers)))
            return true;
    }
    return false;
}

static char *v2_controllers(const char *mount, struct arena *mem)
{
    _cleanup_close_ int fd = open(mount, O_PATH | O_DIRECTORY | O_CLOEXEC);
    _cleanup_free_ char *text = NULL;
    struct err e;

    if (fd < 0 || read_file_at(fd, "cgroup.controllers", 4096, &text, NULL, &e) < 0)
        return arena_strdup(mem, "");
    return arena_strdup(mem, text);
}

/* A line: id parent dev root mountpoint options [tag]... - type source superoptions */
static int add_line(struct rt_hierarchies *hs, char *line, const char *own, struct err *e)
{
    char *dash = strstr(line, " - cgroup"), *f[5], *save = NULL, *type, *super;
    struct rt_hierarchy h = { 0 };

    if (!dash || hs->n == sizeof(hs->v) / sizeof(hs->v[0]))
        return 0;
    *dash = '\0';
    for (int i = 0; i < 5; i++) {
        f[i] = strtok_r(i ? NULL : line, " ", &save);
        if (!f[i])
            return 0;
    }
    type = strtok_r(dash + 3, " ", &save);
    super = strtok_r(NULL, " ", &save) ? strtok_r(NULL, " ", &save) : NULL;
    if (!type || !super)
        return 0;
    h.v2 = strcmp(type, "cgroup2") == 0;
    h.mount = arena_strdup(&hs->mem, f[4]);
    h.controllers = !h.mount ? NULL : h.v2 ? v2_controllers(h.mount, &hs->mem)
                                    : arena_strdup(&hs->mem, v1_controllers(super));
    if (!h.controllers)
        return err_set(e, ENOMEM, "out of memory");
    if (seen(hs, &h))
        return 0;
    const char *mine = find_own(own, &h, f[3], &hs->mem);
    h.own = mine ? arena_strdup(&hs->mem, mine) : NULL;
    if (!h.own)
        return err_set(e, ENOMEM, "out of memory");
    hs->v[hs->n++] = h;
    return 0;
}

int rt_hierarchies_read(struct rt_hierarchies *hs, struct err *e)
{
    _cleanup_free_ char *mounts = NULL, *own = NULL;
    char *save = NULL;
    int r;

    memset(hs, 0, sizeof(*hs));
    r = read_file_at(AT_FDCWD, "/proc/self/mountinfo", 16 << 20, &mounts, NULL, e);
    if (r == 0)
        r = read_file_at(AT_FDCWD, "/proc/self/cgroup", 1 << 20, &own, NULL, e);
    if (r < 0)
        return r;
    for (char *l = strtok_r(mounts, "\n", &save); l && r == 0; l = strtok_r(NULL, "\n", &save))
        r = add_line(hs, l, own, e);
    if (r < 0)
        rt_hierarchies_dispose(hs);
    return r;
}

void rt_hierarchies_dispose(struct rt_hierarchies *hs)
{
    arena_dispose(&hs->mem);
    hs->n = 0;
}
