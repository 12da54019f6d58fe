/* Settings below /proc/sys (fs/sysctl.def). */
#ifndef SYSCTL_H
#define SYSCTL_H
#include "kernel.h"

#define SYSCTL(id, path, mode, initial, low, high) id,
#define SYSCTL_PAIR(id, path, mode, a, b, low, high) id,
enum sysctl_id {
#include "../fs/sysctl.def"
    SC_COUNT
};
#undef SYSCTL
#undef SYSCTL_PAIR

u64 sysctl_get(enum sysctl_id id);              /* of a pair: the first */
void sysctl_get_pair(enum sysctl_id id, u64 v_r[2]);
/* By name, "net.core.somaxconn" or with slashes (the container record's XT_SYSCTL):
 * 0, -ENOENT unknown, -EPERM not to be set here, -EINVAL not a fitting value. */
int sysctl_set(const char *key, const char *value);
#endif
