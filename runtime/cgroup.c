/* The container's cgroup: cgroupfs driver, on version 1, version 2 and both mixed. The
 * monitor joins it before it makes the domain, so all that the domain uses is counted. */
#include "runtime/runtime.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/fd.h"
#include "base/log.h"
#include "runtime/cgroup.h"

/* What is asked for -------------------------------------------------------------------- */

static int check_path(const char *path, struct err *e)
{
    const char *colon = strchr(path, ':');

    if (colon && strchr(colon + 1, ':') && !strchr(path, '/'))
        return err_set(e, EINVAL, "linux.cgroupsPath: \"%s\" is meant for the systemd driver, "
                       "which is not supported: use cgroupfs", path);
    for (const char *p = path; p; p = strchr(p, '/')) {
        p += strspn(p, "/");
        size_t n = strcspn(p, "/");
        if (n == 2 && p[0] == '.' && p[1] == '.')
            return err_set(e, EINVAL, "linux.cgroupsPath: \"..\" is not allowed in it");
    }
    return 0;
}

/* One hierarchy -------------------------------------------------------------------------- */

/* Version 1: a new cpuset is empty and takes no process until it has CPUs and memory. */
static int inherit_cpuset(int parent, int child, const char *file, struct err *e)
{
    _cleanup_free_ char *have = NULL, *from = NULL;
    int r = read_file_at(child, file, 65536, &have, NULL, e);

    if (r < 0)
        return r;
    if (have[0] && have[0] != '\n')
        return 0;
    r = read_file_at(parent, file, 65536, &from, NULL, e);
    return r < 0 ? r : rt_cgroup_put(child, file, from, "linux.cgroupsPath", e);
}

/* Version 2: children get a controller only from a parent that hands it down. Whether it
 * worked shows when a limit is set. */
static void hand_down(int dir)
{
    _cleanup_free_ char *list = NULL;
    struct err e = { 0 };
    char *save = NULL;

    if (read_file_at(dir, "cgroup.controllers", 4096, &list, NULL, &e) < 0)
        return;
    for (char *c = strtok_r(list, " \n", &save); c; c = strtok_r(NULL, " \n", &save)) {
        char word[64];
        snprintf(word, sizeof(word), "+%s", c);
        rt_cgroup_put(dir, "cgroup.subtree_control", word, "linux.cgroupsPath", &e);
    }
}

static bool is_empty(int dir)
{
    _cleanup_free_ char *text = NULL;
    struct err e;

    return read_file_at(dir, "cgroup.procs", 1 << 20, &text, NULL, &e) == 0 && !text[0];
}

static int enter(const struct rt_hierarchy *h, int *dir, const char *name, bool *made_r,
                 struct err *e)
{
    bool made = mkdirat(*dir, name, 0755) == 0;
    _cleanup_close_ int sub = -1;
    int r = 0;

    if (!made && errno != EEXIST)
        return err_sys(e, errno, "make cgroup %s in %s", name, h->mount);
    sub = openat(*dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (sub < 0)
        return err_sys(e, errno, "open cgroup %s in %s", name, h->mount);
    if (!h->v2 && rt_cgroup_has(h->controllers, "cpuset")) {
        r = inherit_cpuset(*dir, sub, "cpuset.cpus", e);
        if (r == 0)
            r = inherit_cpuset(*dir, sub, "cpuset.mems", e);
    }
    if (r < 0) {
        if (made)
            unlinkat(*dir, name, AT_REMOVEDIR);
        return r;
    }
    close(*dir);
    *dir = fd_steal(&sub);
    *made_r = made;
    return 0;
}

/* Makes path below the hierarchy: the directory's descriptor. *ours_r: it holds nobody
 * else's processes, so it may be emptied and removed in the end. */
static int make_dirs(const struct rt_hierarchy *h, const char *path, bool *ours_r,
                     struct err *e)
{
    _cleanup_close_ int dir = open(h->mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    _cleanup_free_ char *copy = strdup(path);
    char *save = NULL;
    bool made = false;

    if (dir < 0 || !copy)
        return err_sys(e, dir < 0 ? errno : ENOMEM, "cgroup %s", h->mount);
    for (char *n = strtok_r(copy, "/", &save); n; n = strtok_r(NULL, "/", &save)) {
        if (h->v2)
            hand_down(dir);
        int r = enter(h, &dir, n, &made, e);
        if (r < 0)
            return r;
    }
    *ours_r = made || (strspn(path, "/") != strlen(path) && is_empty(dir));
    return fd_steal(&dir);
}

static int set_up(const struct rt_hierarchy *h, const char *path,
                  const struct oci_resources *res, struct rt_cgroup *cg, struct err *e)
{
    _cleanup_close_ int dir = -1;
    bool ours = false;
    int r, fd;

    dir = make_dirs(h, path, &ours, e);
    if (dir < 0)
        return dir;
    if (ours)
        buf_printf(&cg->dirs, "%s/%s\n", h->mount, path);
    r = h->v2 ? rt_cgroup_limits_v2(dir, h->controllers, res, e)
              : rt_cgroup_limits_v1(dir, h->controllers, res, e);
    if (r < 0)
        return r;
    fd = openat(dir, "cgroup.procs", O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return err_sys(e, errno, "open cgroup.procs in %s/%s", h->mount, path);
    cg->procs[cg->n++] = fd;
    return 0;
}

/* The whole ------------------------------------------------------------------------------ */

static int path_in(const struct rt_hierarchy *h, const char *wanted, const char *id,
                   char **path_r)
{
    if (!wanted)
        return asprintf(path_r, "%s", id);
    if (wanted[0] == '/')
        return asprintf(path_r, "%s", wanted + strspn(wanted, "/"));
    return asprintf(path_r, "%s/%s", h->own + strspn(h->own, "/"), wanted);
}

static int make_all(const struct rt_hierarchies *hs, const struct oci_spec *s, const char *id,
                    bool must, struct rt_cgroup *cg, struct err *e)
{
    for (size_t i = 0; i < hs->n && cg->n < RT_CGROUP_MAX; i++) {
        _cleanup_free_ char *path = NULL;
        int r;
        if (path_in(&hs->v[i], s->linux_.cgroups_path, id, &path) < 0) {
            path = NULL;
            return err_set(e, ENOMEM, "out of memory");
        }
        r = set_up(&hs->v[i], path, &s->linux_.resources, cg, e);
        if (r < 0 && (must || (r != -EACCES && r != -EPERM && r != -EROFS)))
            return r;
        if (r < 0)
            log_debug("%s", e->text);
    }
    return cg->dirs.failed ? err_set(e, ENOMEM, "out of memory") : 0;
}

int rt_cgroup_make(const struct oci_spec *s, const char *id, bool privileged,
                   struct rt_cgroup *cg, struct err *e)
{
    const struct oci_resources *res = &s->linux_.resources;
    bool limits = rt_cgroup_wanted(res);
    struct rt_hierarchies hs;
    int r;

    if (!s->linux_.cgroups_path && !limits)
        return 0;
    if (s->linux_.cgroups_path) {
        r = check_path(s->linux_.cgroups_path, e);
        if (r < 0)
            return r;
    }
    r = rt_hierarchies_read(&hs, e);
    if (r < 0)
        return r;
    r = make_all(&hs, s, id, privileged || limits, cg, e);
    if (r == 0 && limits)
        r = rt_cgroup_check_carried(&hs, res, e);
    rt_hierarchies_dispose(&hs);
    if (r < 0) {
        struct err ignored;
        const char *dirs = buf_cstr(&cg->dirs);
        if (dirs)
            rt_cgroup_remove(dirs, &ignored);
        rt_cgroup_dispose(cg);
    }
    return r;
}

void rt_cgroup_dispose_fds(struct rt_cgroup *cg)
{
    for (size_t i = 0; i < cg->n; i++)
        close(cg->procs[i]);
    cg->n = 0;
}

void rt_cgroup_dispose(struct rt_cgroup *cg)
{
    rt_cgroup_dispose_fds(cg);
    buf_dispose(&cg->dirs);
}

/* Removal --------------------------------------------------------------------------------- */

enum { REMOVE_TRIES = 200, REMOVE_PAUSE_NS = 10000000 };

static void kill_inside(const char *dir)
{
    _cleanup_close_ int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    _cleanup_free_ char *text = NULL;
    char *save = NULL;
    struct err e;

    if (fd < 0 || read_file_at(fd, "cgroup.procs", 1 << 20, &text, NULL, &e) < 0)
        return;
    for (char *p = strtok_r(text, "\n", &save); p; p = strtok_r(NULL, "\n", &save)) {
        pid_t pid = (pid_t)strtol(p, NULL, 10);
        if (pid > 1 && pid != getpid())
            kill(pid, SIGKILL);
    }
}

static int remove_one(const char *dir, struct err *e)
{
    const struct timespec pause = { .tv_nsec = REMOVE_PAUSE_NS };

    for (int i = 0; i < REMOVE_TRIES; i++) {
        if (rmdir(dir) == 0 || errno == ENOENT)
            return 0;
        if (errno != EBUSY)
            break;
        kill_inside(dir);
        nanosleep(&pause, NULL);
    }
    return err_sys(e, errno, "remove cgroup %s", dir);
}

int rt_cgroup_remove(const char *dirs, struct err *e)
{
    _cleanup_free_ char *copy = strdup(dirs);
    char *save = NULL;
    int rc = 0;

    if (!copy)
        return err_set(e, ENOMEM, "out of memory");
    for (char *d = strtok_r(copy, "\n", &save); d; d = strtok_r(NULL, "\n", &save)) {
        int r = remove_one(d, e);
        if (r < 0)
            rc = r;
    }
    return rc;
}
