/* Mounts and device nodes as record tags. A bind mount is a share: a descriptor of the
 * host that the driver domain serves and the guest mounts by its number. */
#include "runtime/runtime.h"

#include <errno.h>
#include <linux/mount.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "abi/record.h"

/* Kinds of the guest's own; the record's name for each. */
static const struct { const char *type, *as; } kinds[] = {
    { "proc", "proc" }, { "sysfs", "sysfs" }, { "tmpfs", "tmpfs" },
    { "devtmpfs", "devtmpfs" }, { "devpts", "devpts" }, { "mqueue", "mqueue" },
    { "cgroup", "cgroup" }, { "cgroup2", "cgroup" },
};

/* A recursive attribute is an ordinary one here: nothing can be mounted below a mount
 * before the program runs. */
static uint64_t recursive_flags(uint64_t attr)
{
    static const struct { uint64_t attr, flag; } map[] = {
        { MOUNT_ATTR_RDONLY, MS_RDONLY }, { MOUNT_ATTR_NOSUID, MS_NOSUID },
        { MOUNT_ATTR_NODEV, MS_NODEV }, { MOUNT_ATTR_NOEXEC, MS_NOEXEC },
        { MOUNT_ATTR_NOATIME, MS_NOATIME }, { MOUNT_ATTR_STRICTATIME, MS_STRICTATIME },
        { MOUNT_ATTR_NODIRATIME, MS_NODIRATIME }, { MOUNT_ATTR_NOSYMFOLLOW, MS_NOSYMFOLLOW },
    };
    uint64_t flags = 0;

    for (size_t i = 0; i < sizeof(map) / sizeof(map[0]); i++) {
        if (attr & map[i].attr)
            flags |= map[i].flag;
    }
    return flags;
}

static void put_mount(struct buf *rec, const struct xenc_mount *m, const char *type,
                      const char *source, const char *dest, const char *data)
{
    size_t mark = buf_tlv_begin(rec, XT_MOUNT);

    buf_put(rec, m, sizeof(*m));
    buf_putz(rec, type);
    buf_putz(rec, source);
    buf_putz(rec, dest);
    buf_putz(rec, data);
    buf_tlv_end(rec, mark);
}

static int refuse_mount(const struct oci_mount *m, size_t i, struct err *e)
{
    if (m->idmap || m->uid_map.n || m->gid_map.n)
        return err_set(e, ENOTSUP, "mounts[%zu]: id-mapped mounts are not supported", i);
    if (m->propagation & MS_SHARED)
        return err_set(e, ENOTSUP, "mounts[%zu].options: shared propagation can't leave a "
                       "domain", i);
    if (m->tmpcopyup)
        return err_set(e, ENOTSUP, "mounts[%zu].options: tmpcopyup is not supported yet", i);
    if (m->flags & (MS_REMOUNT | MS_MOVE))
        return err_set(e, ENOTSUP, "mounts[%zu].options: remount is not supported", i);
    return 0;
}

static int plan_bind(const struct oci_mount *m, size_t i, uint64_t flags, struct rt_plan *p,
                     struct err *e)
{
    struct rt_bind *b = &p->binds[p->nbinds];
    struct xenc_mount x = { .flags = flags & ~(uint64_t)(MS_BIND | MS_REC),
                            .share = (uint32_t)p->nbinds };

    if (!m->source || !m->source[0])
        return err_set(e, EINVAL, "mounts[%zu].source: a bind mount needs one", i);
    if (m->data && m->data[0])
        return err_set(e, EINVAL, "mounts[%zu].options: \"%s\" has no meaning for a bind mount",
                       i, m->data);
    b->source = m->source;
    b->destination = m->destination;
    b->index = i;
    b->ro = (flags & MS_RDONLY) != 0;
    p->nbinds++;
    put_mount(&p->record, &x, "share", "share", m->destination, "");
    return 0;
}

static int plan_mount(const struct oci_mount *m, size_t i, struct rt_plan *p, struct err *e)
{
    uint64_t flags = (m->flags | recursive_flags(m->rec_set)) & ~recursive_flags(m->rec_clear);
    struct xenc_mount x = { .flags = flags & ~(uint64_t)MS_REC };
    int r = refuse_mount(m, i, e);

    if (r < 0)
        return r;
    if (m->flags & MS_BIND)
        return plan_bind(m, i, flags, p, e);
    for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
        if (strcmp(m->type, kinds[k].type) != 0)
            continue;
        put_mount(&p->record, &x, kinds[k].as, m->source ? m->source : m->type,
                  m->destination, m->data ? m->data : "");
        return 0;
    }
    return err_set(e, ENOTSUP, "mounts[%zu].type: \"%s\" can't be mounted in a domain", i,
                   m->type);
}

/* A /dev of its own: the nodes below must not be made in the image. */
static bool has_dev(const struct oci_spec *s, bool *bind_r)
{
    bool found = false;

    for (size_t i = 0; i < s->nmounts; i++) {
        if (strcmp(s->mounts[i].destination, "/dev") == 0) {
            found = true;
            *bind_r = (s->mounts[i].flags & MS_BIND) != 0;
        }
    }
    return found;
}

int rt_plan_mounts(const struct oci_spec *s, struct rt_plan *p, struct err *e)
{
    struct xenc_mount dev = { .flags = MS_NOSUID | MS_STRICTATIME };
    bool bind = false;

    p->binds = calloc(s->nmounts + 1, sizeof(*p->binds));
    if (!p->binds)
        return err_set(e, ENOMEM, "out of memory");
    if (!has_dev(s, &bind))
        put_mount(&p->record, &dev, "tmpfs", "tmpfs", "/dev", "mode=755,size=65536k");
    for (size_t i = 0; i < s->nmounts; i++) {
        int r = plan_mount(&s->mounts[i], i, p, e);
        if (r < 0)
            return r;
    }
    return 0;
}

/* Device nodes ------------------------------------------------------------------------ */

static void put_device(struct buf *rec, const char *path, uint32_t mode, uint32_t uid,
                       uint32_t gid, uint32_t major, uint32_t minor)
{
    struct xenc_devnode d = { .mode = mode, .uid = uid, .gid = gid, .major = major,
                              .minor = minor };
    size_t mark = buf_tlv_begin(rec, XT_DEVICE);

    buf_put(rec, &d, sizeof(d));
    buf_putz(rec, path);
    buf_tlv_end(rec, mark);
}

static void put_symlink(struct buf *rec, const char *target, const char *path)
{
    size_t mark = buf_tlv_begin(rec, XT_SYMLINK);

    buf_putz(rec, target);
    buf_putz(rec, path);
    buf_tlv_end(rec, mark);
}

static bool given(const struct oci_spec *s, const char *path)
{
    for (size_t i = 0; i < s->linux_.ndevices; i++) {
        if (strcmp(s->linux_.devices[i].path, path) == 0)
            return true;
    }
    return false;
}

static void plan_default_devices(const struct oci_spec *s, struct buf *rec)
{
    static const struct { const char *path; uint32_t major, minor; } nodes[] = {
        { "/dev/null", 1, 3 }, { "/dev/zero", 1, 5 }, { "/dev/full", 1, 7 },
        { "/dev/random", 1, 8 }, { "/dev/urandom", 1, 9 }, { "/dev/tty", 5, 0 },
    };
    static const char *const links[][2] = {
        { "/proc/self/fd", "/dev/fd" }, { "/proc/self/fd/0", "/dev/stdin" },
        { "/proc/self/fd/1", "/dev/stdout" }, { "/proc/self/fd/2", "/dev/stderr" },
        { "pts/ptmx", "/dev/ptmx" },
    };

    for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++) {
        if (!given(s, nodes[i].path))
            put_device(rec, nodes[i].path, S_IFCHR | 0666, 0, 0, nodes[i].major, nodes[i].minor);
    }
    if (s->process.terminal && !given(s, "/dev/console"))
        put_device(rec, "/dev/console", S_IFCHR | 0620, s->process.user.uid, 5, 5, 1);
    for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
        if (!given(s, links[i][1]))
            put_symlink(rec, links[i][0], links[i][1]);
    }
}

int rt_plan_devices(const struct oci_spec *s, struct buf *rec, struct err *e)
{
    bool bind = false;

    /* As runc: a /dev of the host is complete. */
    has_dev(s, &bind);
    if (!bind)
        plan_default_devices(s, rec);
    for (size_t i = 0; i < s->linux_.ndevices; i++) {
        const struct oci_device *d = &s->linux_.devices[i];
        uint32_t type = d->type == 'b' ? S_IFBLK : d->type == 'p' ? S_IFIFO : S_IFCHR;
        if (d->major > UINT32_MAX || d->minor > UINT32_MAX || d->major < 0 || d->minor < 0)
            return err_set(e, EINVAL, "linux.devices[%zu]: major or minor number", i);
        put_device(rec, d->path, type | (d->mode.set ? (uint32_t)d->mode.v & 07777 : 0666),
                   d->uid.set ? (uint32_t)d->uid.v : 0, d->gid.set ? (uint32_t)d->gid.v : 0,
                   (uint32_t)d->major, (uint32_t)d->minor);
    }
    return 0;
}
