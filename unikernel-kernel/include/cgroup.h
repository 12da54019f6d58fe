/* What the container is limited to from outside, as its programs are told (fs/cgroupfs.c). */
#ifndef CGROUP_H
#define CGROUP_H
#include "abi/record.h"

extern struct xenc_limits container_limits;     /* from the record; zeros: no limit */
#endif
