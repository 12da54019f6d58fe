/* The bundle on the host: its paths, its descriptors, and what plan must know of it. */
#include "runtime/runtime.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>

#include "base/fd.h"

enum { CONFIG_MAX_BYTES = 16 << 20, PASSWD_MAX_BYTES = 1 << 20 };

/* Absolute, without asking the file system more than the working directory's name. */
static char *absolute(const char *path, const char *base)
{
    char *out = NULL;

    while (path[0] == '.' && (path[1] == '/' || !path[1]))
        path += path[1] ? 1 + strspn(path + 1, "/") : 1;
    if (path[0] == '/')
        return strdup(path);
    if (asprintf(&out, "%s%s%s", base, path[0] ? "/" : "", path) < 0)
        return NULL;
    return out;
}

int rt_bundle_open(const char *dir, struct rt_bundle *b, struct err *e)
{
    _cleanup_free_ char *cwd = dir[0] == '/' ? NULL : getcwd(NULL, 0);
    _cleanup_free_ char *text = NULL;
    size_t len;
    int r;

    if (dir[0] != '/' && !cwd)
        return err_sys(e, errno, "working directory");
    b->path = absolute(dir, cwd ? cwd : "");
    if (!b->path)
        return err_set(e, ENOMEM, "out of memory");
    b->fd = open(b->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (b->fd < 0)
        return err_sys(e, errno, "bundle %s", b->path);
    r = read_file_at(b->fd, "config.json", CONFIG_MAX_BYTES, &text, &len, e);
    if (r < 0)
        return err_add(e, "bundle %s", b->path);
    r = oci_spec_parse(text, len, &b->spec, e);
    if (r < 0)
        return err_add(e, "config.json");
    b->text = ptr_steal(&text);
    b->text_len = len;
    if (!b->spec->root_path)
        return err_set(e, EINVAL, "config.json: root: missing");
    b->rootfs_path = absolute(b->spec->root_path, b->path);
    if (!b->rootfs_path)
        return err_set(e, ENOMEM, "out of memory");
    b->rootfs = open(b->rootfs_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (b->rootfs < 0)
        return err_sys(e, errno, "root.path: root file system %s", b->rootfs_path);
    if (geteuid() != 0 && faccessat(b->rootfs, ".", R_OK | X_OK, AT_EACCESS) < 0)
        return err_sys(e, errno, "root.path: root file system %s", b->rootfs_path);
    return 0;
}

void rt_bundle_close(struct rt_bundle *b)
{
    cleanup_close_fn(&b->fd);
    cleanup_close_fn(&b->rootfs);
    for (size_t i = 0; i < b->nshares; i++)
        cleanup_close_fn(&b->shares[i].fd);
    free(b->shares);
    free(b->path);
    free(b->rootfs_path);
    free(b->text);
    free(b->home);
    oci_spec_free(b->spec);
    *b = (struct rt_bundle)RT_BUNDLE_NONE;
}

/* passwd(5): name:password:uid:gid:gecos:home:shell */
static char *home_in(char *passwd, uint32_t uid)
{
    char *save = NULL;

    for (char *l = strtok_r(passwd, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
        char *f[7], *rest = l, *end;
        int n = 0;
        while (n < 7 && (f[n] = strsep(&rest, ":")))
            n++;
        if (n < 6 || !f[2][0] || strtoul(f[2], &end, 10) != uid || *end)
            continue;
        return f[5][0] == '/' ? strdup(f[5]) : NULL;
    }
    return NULL;
}

static bool has_home(const struct oci_spec *s)
{
    for (size_t i = 0; i < s->process.env.n; i++) {
        if (strncmp(s->process.env.v[i], "HOME=", 5) == 0)
            return true;
    }
    return false;
}

/* The image's own file: it is resolved inside the root and only believed for a name. */
static void find_home(struct rt_bundle *b)
{
    _cleanup_close_ int fd = open_in_root(b->rootfs, "etc/passwd", O_RDONLY | O_NONBLOCK, 0);
    _cleanup_free_ char *text = NULL;
    struct stat st;
    struct err e;

    if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
        read_fd(fd, PASSWD_MAX_BYTES, &text, NULL, &e) == 0)
        b->home = home_in(text, b->spec->process.user.uid);
    if (!b->home)
        b->home = strdup("/");
}

void rt_bundle_facts(struct rt_bundle *b, struct rt_facts *f)
{
    struct winsize ws;

    memset(f, 0, sizeof(*f));
    f->uid = geteuid();
    f->gid = getegid();
    f->privileged = f->uid == 0;
    f->ncpus = (unsigned)get_nprocs();
    if (b->spec->process.terminal && ioctl(STDIN_FILENO, TIOCGWINSZ, &ws) == 0) {
        f->rows = ws.ws_row;
        f->cols = ws.ws_col;
    }
    if (!has_home(b->spec))
        find_home(b);
    f->home = b->home;
}

/* Shares ------------------------------------------------------------------------------- */

static int open_share(struct rt_bundle *b, const struct rt_bind *m, struct hv_share *sh,
                      struct err *e)
{
    struct stat st;

    sh->ro = m->ro;
    sh->fd = openat(b->fd, m->source, O_PATH | O_CLOEXEC);
    if (sh->fd < 0 || fstat(sh->fd, &st) < 0)
        return err_sys(e, errno, "mounts[%zu].source: %s", m->index, m->source);
    if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode))
        return err_set(e, ENOTSUP, "mounts[%zu].source: %s is neither a directory nor a regular "
                       "file", m->index, m->source);
    return 0;
}

int rt_bundle_shares(struct rt_bundle *b, const struct rt_plan *p, struct err *e)
{
    if (!p->nbinds)
        return 0;
    b->shares = calloc(p->nbinds, sizeof(*b->shares));
    if (!b->shares)
        return err_set(e, ENOMEM, "out of memory");
    for (size_t i = 0; i < p->nbinds; i++) {
        b->shares[b->nshares].fd = -1;
        int r = open_share(b, &p->binds[i], &b->shares[b->nshares++], e);
        if (r < 0)
            return r;
    }
    return 0;
}

/* Is the i-th mount's place inside what an earlier mount covers? */
static bool covered(const struct oci_spec *s, size_t i)
{
    const char *dest = s->mounts[i].destination;

    for (size_t k = 0; k < i; k++) {
        size_t n = strlen(s->mounts[k].destination);
        if (n > 1 && strncmp(dest, s->mounts[k].destination, n) == 0 && dest[n] == '/')
            return true;
    }
    return strncmp(dest, "/dev/", 5) == 0;
}

static void make_file(int rootfs, const char *path)
{
    _cleanup_free_ char *dir = strdup(path);
    _cleanup_close_ int parent = -1, fd = -1;
    char *slash = dir ? strrchr(dir, '/') : NULL;

    if (!slash)
        return;
    *slash = '\0';
    parent = mkdirs_in_root(rootfs, dir[0] ? dir : "/", 0755);
    if (parent >= 0)
        fd = open_child(parent, slash + 1, O_WRONLY | O_CREAT | O_EXCL, 0644);
}

/* A read-only root is served read-only, so the guest can't make what it mounts on. What
 * fails here the guest will report with the mount. */
void rt_bundle_mountpoints(struct rt_bundle *b, const struct rt_plan *p)
{
    const struct oci_spec *s = b->spec;
    size_t bind = 0;

    if (!s->root_readonly)
        return;
    close(mkdirs_in_root(b->rootfs, "/dev", 0755));
    for (size_t i = 0; i < s->nmounts; i++) {
        bool is_bind = bind < p->nbinds && p->binds[bind].index == i;
        struct stat st = { .st_mode = S_IFDIR };
        if (is_bind)
            fstat(b->shares[bind++].fd, &st);
        if (covered(s, i))
            continue;
        if (S_ISDIR(st.st_mode)) {
            int fd = mkdirs_in_root(b->rootfs, s->mounts[i].destination, 0755);
            if (fd >= 0)
                close(fd);
        } else {
            make_file(b->rootfs, s->mounts[i].destination);
        }
    }
}
