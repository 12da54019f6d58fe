/* What cgroup.c, cgroup_mounts.c and cgroup_limits.c share. */
#ifndef XENC_RUNTIME_CGROUP_H
#define XENC_RUNTIME_CGROUP_H

#include <stdbool.h>
#include <stddef.h>

#include "oci/oci.h"

struct rt_hierarchy {
    char *mount;                /* where it is mounted */
    char *own;                  /* our own cgroup in it, relative to the mount */
    char *controllers;          /* version 1: "cpu,cpuacct"; version 2: what its root has */
    bool v2;
};
struct rt_hierarchies { struct rt_hierarchy v[32]; size_t n; struct arena mem; };

/* cgroup_mounts.c: the hierarchies of this host. */
int rt_hierarchies_read(struct rt_hierarchies *hs, struct err *e);
void rt_hierarchies_dispose(struct rt_hierarchies *hs);
bool rt_cgroup_has(const char *list, const char *controller);

/* cgroup_v1.c, cgroup_v2.c: the files of one directory; `controllers`: the hierarchy's. */
int rt_cgroup_limits_v1(int dirfd, const char *controllers, const struct oci_resources *r,
                        struct err *e);
int rt_cgroup_limits_v2(int dirfd, const char *controllers, const struct oci_resources *r,
                        struct err *e);

/* cgroup_limits.c: what both need. */
#define RT_RES "linux.resources."

/* Engines write 0 for "no limit of this kind", except where 0 is a value. */
#define rt_cgroup_on(number) ((number).set && (number).v != 0)

/* Writes a value; an error names the field of config.json. The typed ones do nothing
 * when the value is not given. */
int rt_cgroup_put(int dirfd, const char *file, const char *value, const char *field,
                  struct err *e);
int rt_cgroup_put_i64(int dirfd, const char *file, struct oci_i64 v, const char *field,
                      struct err *e);
int rt_cgroup_put_u64(int dirfd, const char *file, struct oci_u64 v, const char *field,
                      struct err *e);
int rt_cgroup_put_text(int dirfd, const char *file, const char *v, const char *field,
                       struct err *e);
int rt_cgroup_pids(int dirfd, const struct oci_resources *r, struct err *e);
int rt_cgroup_hugepages(int dirfd, const struct oci_resources *r, const char *suffix,
                        struct err *e);
int rt_cgroup_throttles(int dirfd, const char *file, const struct oci_throttles *t,
                        const char *key, const char *field, struct err *e);

/* Is any limit asked for? */
bool rt_cgroup_wanted(const struct oci_resources *r);
/* Refuses limits that no hierarchy of this host carries. */
int rt_cgroup_check_carried(const struct rt_hierarchies *hs, const struct oci_resources *r,
                            struct err *e);

#endif
