/* What a domain can't carry out is refused by the field's name; what has no meaning in
 * one is in the table at the end, which `xenc features` shows. */
#include "runtime/runtime.h"

#include <errno.h>
#include <string.h>
#include <sys/mount.h>

static int refuse_namespaces(const struct oci_spec *s, struct err *e)
{
    for (int i = 0; i < OCI_NS_TYPES; i++) {
        if (s->linux_.ns[i].path)
            return err_set(e, ENOTSUP, "linux.namespaces: joining a %s namespace (%s) is not "
                           "supported yet", oci_ns_name((enum oci_ns_type)i),
                           s->linux_.ns[i].path);
    }
    return 0;
}

/* Without root the domain's files belong to the caller, who is root inside: the mapping
 * that rootless configurations ask for. Others would need the driver domain's help. */
static bool mapping_fits(const struct oci_idmaps *m, uint32_t own)
{
    return m->n == 0 || (m->n == 1 && m->v[0].container_id == 0 && m->v[0].host_id == own &&
                         m->v[0].size == 1);
}

static int refuse_mappings(const struct oci_spec *s, const struct rt_facts *f, struct err *e)
{
    const struct oci_idmaps *u = &s->linux_.uid_map, *g = &s->linux_.gid_map;

    if ((f->privileged && u->n) || !mapping_fits(u, f->uid))
        return err_set(e, ENOTSUP, "linux.uidMappings: not supported yet, but for the caller "
                       "as root when the caller is not root");
    if ((f->privileged && g->n) || !mapping_fits(g, f->gid))
        return err_set(e, ENOTSUP, "linux.gidMappings: not supported yet, but for the caller "
                       "as root when the caller is not root");
    return 0;
}

static int refuse_others(const struct oci_spec *s, struct err *e)
{
    if (s->nothers)
        return err_set(e, ENOTSUP, "%s: not supported", s->others[0].path);
    if (s->hooks[OCI_HOOK_START_CONTAINER].n)
        return err_set(e, ENOTSUP, "hooks.startContainer: not supported yet (it would run "
                       "inside the domain)");
    if (s->linux_.resources.nrdma)
        return err_set(e, ENOTSUP, "linux.resources.rdma: a domain has no RDMA devices");
    if (s->linux_.rootfs_propagation & MS_SHARED)
        return err_set(e, ENOTSUP, "linux.rootfsPropagation: shared propagation can't leave a "
                       "domain");
    return 0;
}

int rt_plan_refuse(const struct oci_spec *s, const struct rt_facts *f, struct err *e)
{
    int r;

    if (!s->process.present)
        return err_set(e, EINVAL, "process: missing");
    if (!s->root_path)
        return err_set(e, EINVAL, "root: missing");
    r = refuse_namespaces(s, e);
    if (r == 0)
        r = refuse_mappings(s, f, e);
    return r < 0 ? r : refuse_others(s, e);
}

const char *const rt_plan_meaningless[] = {
    "linux.namespaces (without path): a domain always has all of its own",
    "linux.resources.devices: a domain has no devices of the host to allow or deny",
    "linux.rootfsPropagation, mounts[].options private, slave, unbindable: mounts of a "
    "domain never meet the host's",
    "mounts[].options bind against rbind: mounts of the host below a shared directory are "
    "always seen",
    "process.apparmorProfile, process.selinuxLabel, linux.mountLabel: the guest kernel has "
    "no such security module; the domain is the wall",
    "linux.seccomp.architectures, linux.seccomp.flags: programs of a domain are 64-bit and the "
    "flags concern the host's kernel",
    "linux.resources.memory.kernel, linux.resources.memory.useHierarchy: obsolete in Linux",
    NULL,
};
