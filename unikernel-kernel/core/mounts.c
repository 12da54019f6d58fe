/* Makes the container's file tree from its record: mounts, device nodes, links, masked
 * and read-only paths, sysctls, names. In the order of the runtime-spec's life cycle:
 * what comes later may cover what was made before. */
#include <linux/fcntl.h>
#include <linux/limits.h>
#include <linux/mount.h>
#include <linux/stat.h>
#include "boot.h"
#include "sysctl.h"
#include "user.h"
#include "vfs.h"

u32 record_strings(const char *data, u32 len, const char **v, unsigned n)
{
    u32 at = 0;

    for (unsigned i = 0; i < n; i++) {
        size_t l = strnlen(data + at, len - at);

        if (l == len - at) return 0;
        v[i] = data + at;
        at += (u32)l + 1;
    }
    return at;
}

static void need(bool ok, const char *what)
{
    if (!ok) boot_fail(1, "container record: bad value of %s", what);
}

/* -- making names -- */

/* mkdir -p of all components, or of all but the last. */
static int make_dirs(const char *path, bool last_too)
{
    char buf[PATH_MAX];

    if (strlcpy(buf, path, sizeof buf) >= sizeof buf) return -ENAMETOOLONG;
    for (char *p = buf + 1; *p; p++) {
        int r;

        if (*p != '/') continue;
        *p = '\0';
        r = vfs_mkdir(AT_FDCWD, buf, 0755);
        if (r < 0 && r != -EEXIST) return r;
        *p = '/';
    }
    if (last_too) {
        int r = vfs_mkdir(AT_FDCWD, buf, 0755);
        if (r < 0 && r != -EEXIST) return r;
    }
    return 0;
}

static bool exists(const char *path)
{
    struct path p;

    if (path_lookup(AT_FDCWD, path, LOOKUP_FOLLOW, &p) < 0) return false;
    path_put(&p);
    return true;
}

static int make_file(const char *path)
{
    struct file *f;
    int r = vfs_open(AT_FDCWD, path, O_CREAT | O_WRONLY, 0644, &f);

    if (!r) file_put(f);
    return r;
}

/* -- mounts -- */

static int mount_at(const struct xenc_mount *m, const char *type, const char *source,
                    const char *dest, const char *data)
{
    char number[16];

    if (!strcmp(type, "share")) {
        snprintf(number, sizeof number, "%u", m->share);
        source = number;
    }
    if (!strcmp(type, "cgroup")) type = "cgroup2";
    return vfs_mount(type, source, dest, m->flags, data);
}

static void do_mount(const char *data, u32 len)
{
    const char *s[4];           /* type, source, destination, options */
    struct xenc_mount m;
    bool made = false;
    int r;

    need(len >= sizeof m && record_strings(data + sizeof m, len - sizeof m, s, 4), "mounts");
    memcpy(&m, data, sizeof m);
    need(s[2][0] == '/', "mounts.destination");
    if (!exists(s[2])) {
        r = make_dirs(s[2], true);
        if (r < 0) boot_fail(1, "mount destination %s: can't be made: error %d", s[2], -r);
        made = true;
    }
    r = mount_at(&m, s[0], s[1], s[2], s[3]);
    if (r == -ENOTDIR && made && !strcmp(s[0], "share")) {
        /* the share is a file: so must be the place */
        r = vfs_unlink(AT_FDCWD, s[2], true);
        if (!r) r = make_file(s[2]);
        if (!r) r = mount_at(&m, s[0], s[1], s[2], s[3]);
    }
    if (r < 0) boot_fail(1, "mounting %s on %s: error %d", s[0], s[2], -r);
}

static int mount_tag(u32 tag, const void *data, u32 len, void *arg)
{
    if (tag == XT_MOUNT) do_mount(data, len);
    return 0;
}

/* -- nodes and links -- */

static int own_node(const char *path, const struct xenc_devnode *d)
{
    struct iattr a = { .valid = ATTR_UID | ATTR_GID | ATTR_MODE, .mode = d->mode & 07777,
                       .uid = d->uid, .gid = d->gid };
    struct path p;
    int r = path_lookup(AT_FDCWD, path, 0, &p);

    if (r < 0) return r;
    r = vfs_setattr(&p, &a);
    path_put(&p);
    return r;
}

static void do_device(const char *data, u32 len)
{
    struct xenc_devnode d;
    const char *path;
    u64 rdev;
    int r;

    need(len > sizeof d && record_strings(data + sizeof d, len - sizeof d, &path, 1), "devices");
    memcpy(&d, data, sizeof d);
    need(path[0] == '/', "devices.path");
    /* Linux's encoding of device numbers, as in struct stat */
    rdev = (u64)(d.minor & 0xff) | (u64)(d.major & 0xfff) << 8 | (u64)(d.minor & ~0xffu) << 12 |
           (u64)(d.major & ~0xfffu) << 32;
    r = make_dirs(path, false);
    if (!r) r = vfs_mknod(AT_FDCWD, path, d.mode, rdev);
    if (r == -EEXIST) {
        r = vfs_unlink(AT_FDCWD, path, false);
        if (!r) r = vfs_mknod(AT_FDCWD, path, d.mode, rdev);
    }
    if (!r) r = own_node(path, &d);
    if (r < 0) boot_fail(1, "device node %s: error %d", path, -r);
}

static void do_symlink(const char *data, u32 len)
{
    const char *s[2];           /* target, path */
    int r;

    need(record_strings(data, len, s, 2) && s[1][0] == '/', "symlink");
    r = make_dirs(s[1], false);
    if (!r) r = vfs_symlink(s[0], AT_FDCWD, s[1]);
    if (r < 0 && r != -EEXIST) boot_fail(1, "link %s: error %d", s[1], -r);
}

static int node_tag(u32 tag, const void *data, u32 len, void *arg)
{
    if (tag == XT_DEVICE) do_device(data, len);
    if (tag == XT_SYMLINK) do_symlink(data, len);
    return 0;
}

/* -- names and sysctls -- */

static void set_name(char *field, const char *data, u32 len, const char *what)
{
    const char *s;

    need(record_strings(data, len, &s, 1), what);
    if (strlen(s) > 64) boot_fail(1, "%s: longer than 64 bytes", what);
    strlcpy(field, s, 65);
}

static void do_sysctl(const char *data, u32 len)
{
    const char *s[2];           /* key, value */
    int r;

    need(record_strings(data, len, s, 2), "sysctl");
    r = sysctl_set(s[0], s[1]);
    if (r < 0) boot_fail(1, "sysctl %s: can't be set: error %d", s[0], -r);
}

static int name_tag(u32 tag, const void *data, u32 len, void *arg)
{
    if (tag == XT_HOSTNAME) set_name(first_uts.nodename, data, len, "hostname");
    if (tag == XT_DOMAINNAME) set_name(first_uts.domainname, data, len, "domainname");
    if (tag == XT_SYSCTL) do_sysctl(data, len);
    return 0;
}

/* -- hiding and protecting; paths that are not there need neither -- */

static int lookup_existing(const char *path, struct path *p)
{
    int r = path_lookup(AT_FDCWD, path, LOOKUP_FOLLOW, p);

    if (r == -ENOENT || r == -ENOTDIR) return 0;
    if (r < 0) boot_fail(1, "%s: error %d", path, -r);
    return 1;
}

static void mask(const char *path)
{
    struct path p;
    bool dir;
    int r;

    if (!lookup_existing(path, &p)) return;
    dir = S_ISDIR(p.dentry->inode->mode);
    path_put(&p);
    if (dir) r = vfs_mount("tmpfs", "tmpfs", path, MS_RDONLY, "size=0k");
    else r = vfs_bind("/dev/null", path, false);
    if (r < 0) boot_fail(1, "masking %s: error %d", path, -r);
}

static void protect(const char *path)
{
    struct path p;
    u64 flags;
    int r;

    if (!lookup_existing(path, &p)) return;
    flags = p.mnt->flags;
    path_put(&p);
    r = vfs_bind(path, path, true);
    if (!r) r = vfs_remount(path, flags | MS_RDONLY);
    if (r < 0) boot_fail(1, "making %s read-only: error %d", path, -r);
}

static int path_tag(u32 tag, const void *data, u32 len, void *arg)
{
    const char *s;

    if (tag != XT_MASKED && tag != XT_READONLY) return 0;
    need(record_strings(data, len, &s, 1) && s[0] == '/', "maskedPaths or readonlyPaths");
    if (tag == XT_MASKED) mask(s);
    else protect(s);
    return 0;
}

static int root_tag(u32 tag, const void *data, u32 len, void *arg)
{
    u32 on = 0;

    if (tag != XT_ROOT_RO) return 0;
    need(len == sizeof on, "root.readonly");
    memcpy(&on, data, sizeof on);
    if (on) vfs_remount("/", current()->fs->root.mnt->flags | MS_RDONLY);
    return 0;
}

void container_files(const void *rec, size_t len)
{
    static int (*const passes[])(u32, const void *, u32, void *) = {
        mount_tag, node_tag, name_tag, path_tag, root_tag,
    };

    for (unsigned i = 0; i < ARRAY_SIZE(passes); i++)
        if (record_walk(rec, len, passes[i], NULL) < 0)
            boot_fail(1, "container record: broken");
}
