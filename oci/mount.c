/* config.md, "Mounts" and "Linux mount options". */
#include <errno.h>
#include <string.h>
#include <sys/mount.h>

#include "base/buf.h"
#include "oci/json.h"

/* What an option does. REC_ATTR bits are MOUNT_ATTR_*, the others MS_*. */
enum kind { SET, CLEAR, PROPAGATION, REC_ATTR, REC_ATTR_OFF, COPY_UP, IDMAP };

static const struct option { const char *name; enum kind kind; uint64_t bits; } options[] = {
    { "async", CLEAR, MS_SYNCHRONOUS },     { "sync", SET, MS_SYNCHRONOUS },
    { "atime", CLEAR, MS_NOATIME },         { "noatime", SET, MS_NOATIME },
    { "bind", SET, MS_BIND },               { "rbind", SET, MS_BIND | MS_REC },
    { "defaults", SET, 0 },                 { "remount", SET, MS_REMOUNT },
    { "dev", CLEAR, MS_NODEV },             { "nodev", SET, MS_NODEV },
    { "diratime", CLEAR, MS_NODIRATIME },   { "nodiratime", SET, MS_NODIRATIME },
    { "dirsync", SET, MS_DIRSYNC },
    { "exec", CLEAR, MS_NOEXEC },           { "noexec", SET, MS_NOEXEC },
    { "iversion", SET, MS_I_VERSION },      { "noiversion", CLEAR, MS_I_VERSION },
    { "lazytime", SET, MS_LAZYTIME },       { "nolazytime", CLEAR, MS_LAZYTIME },
    { "loud", CLEAR, MS_SILENT },           { "silent", SET, MS_SILENT },
    { "mand", SET, MS_MANDLOCK },           { "nomand", CLEAR, MS_MANDLOCK },
    { "relatime", SET, MS_RELATIME },       { "norelatime", CLEAR, MS_RELATIME },
    { "strictatime", SET, MS_STRICTATIME }, { "nostrictatime", CLEAR, MS_STRICTATIME },
    { "ro", SET, MS_RDONLY },               { "rw", CLEAR, MS_RDONLY },
    { "suid", CLEAR, MS_NOSUID },           { "nosuid", SET, MS_NOSUID },
    { "symfollow", CLEAR, MS_NOSYMFOLLOW }, { "nosymfollow", SET, MS_NOSYMFOLLOW },

    { "private", PROPAGATION, MS_PRIVATE },
    { "rprivate", PROPAGATION, MS_PRIVATE | MS_REC },
    { "shared", PROPAGATION, MS_SHARED },
    { "rshared", PROPAGATION, MS_SHARED | MS_REC },
    { "slave", PROPAGATION, MS_SLAVE },
    { "rslave", PROPAGATION, MS_SLAVE | MS_REC },
    { "unbindable", PROPAGATION, MS_UNBINDABLE },
    { "runbindable", PROPAGATION, MS_UNBINDABLE | MS_REC },

    { "rro", REC_ATTR, MOUNT_ATTR_RDONLY },     { "rrw", REC_ATTR_OFF, MOUNT_ATTR_RDONLY },
    { "rnosuid", REC_ATTR, MOUNT_ATTR_NOSUID }, { "rsuid", REC_ATTR_OFF, MOUNT_ATTR_NOSUID },
    { "rnodev", REC_ATTR, MOUNT_ATTR_NODEV },   { "rdev", REC_ATTR_OFF, MOUNT_ATTR_NODEV },
    { "rnoexec", REC_ATTR, MOUNT_ATTR_NOEXEC }, { "rexec", REC_ATTR_OFF, MOUNT_ATTR_NOEXEC },
    { "rnodiratime", REC_ATTR, MOUNT_ATTR_NODIRATIME },
    { "rdiratime", REC_ATTR_OFF, MOUNT_ATTR_NODIRATIME },
    { "rnosymfollow", REC_ATTR, MOUNT_ATTR_NOSYMFOLLOW },
    { "rsymfollow", REC_ATTR_OFF, MOUNT_ATTR_NOSYMFOLLOW },
    /* The access-time kinds are one field of the attributes: each clears it first. */
    { "rrelatime", REC_ATTR, MOUNT_ATTR_RELATIME },
    { "rnorelatime", REC_ATTR_OFF, MOUNT_ATTR__ATIME },
    { "rnoatime", REC_ATTR, MOUNT_ATTR_NOATIME },
    { "ratime", REC_ATTR_OFF, MOUNT_ATTR__ATIME },
    { "rstrictatime", REC_ATTR, MOUNT_ATTR_STRICTATIME },
    { "rnostrictatime", REC_ATTR_OFF, MOUNT_ATTR__ATIME },

    { "tmpcopyup", COPY_UP, 0 }, { "idmap", IDMAP, 0 }, { "ridmap", IDMAP, 0 },
};
enum { NOPTIONS = sizeof(options) / sizeof(options[0]) };

const char *const *oci_mount_option_names(void)
{
    static const char *names[NOPTIONS + 1];

    for (size_t i = 0; i < NOPTIONS; i++)
        names[i] = options[i].name;
    return names;
}

uint64_t oci_propagation(const char *name)
{
    for (size_t i = 0; i < NOPTIONS; i++) {
        if (options[i].kind == PROPAGATION && !strcmp(name, options[i].name))
            return options[i].bits;
    }
    return 0;
}

static const struct option *find(const char *name)
{
    for (size_t i = 0; i < NOPTIONS; i++) {
        if (!strcmp(name, options[i].name))
            return &options[i];
    }
    return NULL;
}

/* Later options win over earlier ones. */
static void apply(struct oci_mount *m, const struct option *o)
{
    uint64_t bits = o->bits;

    switch (o->kind) {
    case SET:
        m->flags |= bits;
        m->cleared &= ~bits;
        break;
    case CLEAR:
        m->cleared |= bits;
        m->flags &= ~bits;
        break;
    case PROPAGATION:
        m->propagation = bits;
        break;
    case REC_ATTR:
        if (!(bits & ~(uint64_t)MOUNT_ATTR__ATIME)) {
            m->rec_set &= ~(uint64_t)MOUNT_ATTR__ATIME;
            m->rec_clear |= MOUNT_ATTR__ATIME;
        } else {
            m->rec_clear &= ~bits;
        }
        m->rec_set |= bits;
        break;
    case REC_ATTR_OFF:
        m->rec_clear |= bits;
        m->rec_set &= ~bits;
        break;
    case COPY_UP:
        m->tmpcopyup = true;
        break;
    case IDMAP:
        m->idmap = true;
        break;
    }
}

static int read_options(struct jp *j, struct oci_mount *m)
{
    _cleanup_buf_ struct buf data = { 0 };

    for (size_t i = 0; i < m->options.n; i++) {
        const char *name = m->options.v[i];
        const struct option *o = find(name);
        if (o)
            apply(m, o);
        else
            buf_printf(&data, "%s%s", data.len ? "," : "", name);
    }
    const char *text = buf_cstr(&data);
    m->data = text ? arena_strdup(j->mem, text) : NULL;
    return m->data ? 0 : jp_nomem(j);
}

int oci_read_mount(struct jp *j, struct json_object *o, void *out)
{
    struct oci_mount *m = out;

    if (!json_object_is_type(o, json_type_object))
        return jp_err(j, "must be an object");
    TRY(jp_need(j, o, "destination"));
    TRY(jp_abs(j, o, "destination", &m->destination));
    TRY(jp_str(j, o, "type", &m->type));
    TRY(jp_str(j, o, "source", &m->source));
    TRY(jp_strv(j, o, "options", &m->options));
    TRY(read_options(j, m));
    TRY(jp_list(j, o, "uidMappings", oci_read_idmap, sizeof(*m->uid_map.v), &m->uid_map.v,
                &m->uid_map.n));
    TRY(jp_list(j, o, "gidMappings", oci_read_idmap, sizeof(*m->gid_map.v), &m->gid_map.v,
                &m->gid_map.n));

    if (m->type && !strcmp(m->type, "bind"))
        m->flags |= MS_BIND;
    if (m->flags & MS_BIND)
        m->type = arena_strdup(j->mem, "bind");
    if (!m->type || !m->type[0])
        return jp_err_key(j, "type", "is missing, and no option says bind");
    if ((m->flags & MS_BIND) && (!m->source || !m->source[0]))
        return jp_err_key(j, "source", "is missing: a bind mount needs one");
    return 0;
}
