#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>

#include "base/fd.h"
#include "oci/unpack.h"

static bool unprivileged(int code)
{
    return code == EPERM || code == EINVAL || code == EACCES;
}

/* As root of the host every owner can be set; else the caller's id has to do. */
static int set_owner(struct unpack *u, const struct target *t, int fd,
                     struct archive_entry *entry, struct err *e)
{
    la_int64_t uid = archive_entry_uid(entry), gid = archive_entry_gid(entry);
    int r;

    if (uid < 0 || gid < 0 || uid >= UINT32_MAX || gid >= UINT32_MAX)
        return err_set(e, EINVAL, "\"%s\" has an owner out of range", t->path);
    r = fd >= 0 ? fchown(fd, (uid_t)uid, (gid_t)gid)
                : fchownat(t->dir, t->name, (uid_t)uid, (gid_t)gid, AT_SYMLINK_NOFOLLOW);
    if (r == 0)
        return 0;
    if (!unprivileged(errno))
        return err_sys(e, errno, "owner of \"%s\"", t->path);
    unpack_warn(u, WARN_OWNER, "owners are not kept, the first is of \"%s\": not permitted "
                "to set them", t->path);
    return 0;
}

/* What belongs to the host's own labelling, integrity checking and overlays must not
 * come from an image. */
bool xattr_is_foreign(const char *name)
{
    static const char *const list[] = {
        "security.selinux", "security.ima", "security.evm", "system.nfs4_acl", NULL,
    };
    for (const char *const *p = list; *p; p++) {
        if (!strcmp(name, *p))
            return true;
    }
    return !strncmp(name, "trusted.overlay.", 16) || !strncmp(name, "user.overlay.", 13);
}

static int set_xattr(const struct target *t, int fd, const char *name, const void *value,
                     size_t size)
{
    char path[PATH_MAX];

    if (fd >= 0)
        return fsetxattr(fd, name, value, size, 0) < 0 ? -errno : 0;
    /* No call takes (folder, name) for links and nodes; the folder's magic link does. */
    snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", t->dir, t->name);
    return lsetxattr(path, name, value, size, 0) < 0 ? -errno : 0;
}

static int set_xattrs(struct unpack *u, const struct target *t, int fd,
                      struct archive_entry *entry, struct err *e)
{
    const char *name;
    const void *value;
    size_t size;

    archive_entry_xattr_reset(entry);
    while (archive_entry_xattr_next(entry, &name, &value, &size) == ARCHIVE_OK) {
        if (!name || xattr_is_foreign(name))
            continue;
        int rc = set_xattr(t, fd, name, value, size);
        if (rc == 0)
            continue;
        /* User attributes of links and devices can't exist; others need privilege or
         * a file system that has them. */
        if (rc != -EPERM && rc != -ENOTSUP && rc != -EACCES && rc != -ENOENT &&
            rc != -EINVAL)
            return err_sys(e, -rc, "attribute %s of \"%s\"", name, t->path);
        unpack_warn(u, WARN_XATTR, "some extended attributes are not kept, the first is %s "
                    "of \"%s\": %s", name, t->path, strerror(-rc));
    }
    return 0;
}

struct timespec meta_mtime(struct archive_entry *entry)
{
    struct timespec t = { .tv_sec = archive_entry_mtime(entry),
                          .tv_nsec = archive_entry_mtime_nsec(entry) };

    if (t.tv_nsec < 0 || t.tv_nsec > 999999999)
        t.tv_nsec = 0;
    return t;
}

int meta_apply(struct unpack *u, const struct target *t, int fd, struct archive_entry *entry,
               struct err *e)
{
    struct timespec times[2];
    mode_t perm = archive_entry_perm(entry), type = archive_entry_filetype(entry);
    int r = 0, rc = set_owner(u, t, fd, entry, e);

    if (rc < 0)
        return rc;
    /* A folder stays usable for us until all is in it; see folders_finish. */
    if (type == AE_IFDIR)
        r = fchmod(fd, perm | 0700);
    else if (fd >= 0)
        r = fchmod(fd, perm);
    else if (type != AE_IFLNK)
        r = fchmodat(t->dir, t->name, perm, 0);
    if (r < 0)
        return err_sys(e, errno, "mode of \"%s\"", t->path);
    rc = set_xattrs(u, t, fd, entry, e);
    if (rc < 0 || type == AE_IFDIR)
        return rc;
    times[0] = times[1] = meta_mtime(entry);
    r = fd >= 0 ? futimens(fd, times)
                : utimensat(t->dir, t->name, times, AT_SYMLINK_NOFOLLOW);
    return r < 0 ? err_sys(e, errno, "times of \"%s\"", t->path) : 0;
}
