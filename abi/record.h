/* The container record: what the guest kernel must know of config.json, as a flat
 * stream of tagged values. runtime/plan.c writes it, core/record.c reads it. The host
 * made it from foreign input, so the guest checks every length all the same.
 *
 *   struct xenc_tlv { tag, len } followed by len bytes, padded to 8.
 *
 * Integers are u32/u64 little-endian as noted; strings carry their NUL and len counts
 * it. Order matters only where noted. Unknown tags are an error (E in the report). */
#ifndef XENC_ABI_RECORD_H
#define XENC_ABI_RECORD_H

#include <stdint.h>

struct xenc_tlv { uint32_t tag, len; };
_Static_assert(sizeof(struct xenc_tlv) == 8, "abi");

enum xenc_tag {
    /* the process (runtime-spec config.md, "Process") */
    XT_ARG = 1,         /* string, one a tag, in order */
    XT_ENV,             /* string "K=V", one a tag, in order */
    XT_CWD,             /* string */
    XT_UID, XT_GID,     /* u32 */
    XT_GROUPS,          /* u32[] supplementary groups */
    XT_UMASK,           /* u32 */
    XT_CAPS,            /* u64[5]: bounding, effective, inheritable, permitted, ambient */
    XT_RLIMIT,          /* struct xenc_rlimit, one a tag */
    XT_NNP,             /* u32: 1: no_new_privs */
    XT_TERMINAL,        /* u32: 1: fd 0-2 are the tty on console device 0 */
    XT_WINSIZE,         /* u32[2]: rows, columns */
    XT_OOM_SCORE_ADJ,   /* s32 */
    XT_SECCOMP,         /* struct sock_filter[] for the process */
    /* the container */
    XT_HOSTNAME, XT_DOMAINNAME,         /* string */
    XT_ROOT_RO,         /* u32: 1: root file system read-only at the end */
    XT_MOUNT,           /* struct xenc_mount then four strings, in order */
    XT_MASKED, XT_READONLY,             /* string path, one a tag */
    XT_SYSCTL,          /* two strings: key, value */
    XT_DEVICE,          /* struct xenc_devnode then its path string */
    XT_SYMLINK,         /* two strings: target, path (/dev/fd and friends) */
    XT_LIMITS,          /* struct xenc_limits: what cgroup files tell programs */
};

/* 0: no limit. The host enforces them; shares is OCI's, 0: the usual. */
struct xenc_limits { uint64_t memory, cpu_quota_us, cpu_period_us, cpu_shares, pids; };

struct xenc_rlimit { uint32_t resource, pad; uint64_t soft, hard; }; /* RLIMIT_* */

/* XT_MOUNT: followed by strings: type, source, destination, data options.
 * type is one of proc sysfs tmpfs devtmpfs devpts mqueue cgroup or "share": a
 * directory or file of the host served by fs device 0 under its share number. */
struct xenc_mount {
    uint64_t flags;     /* MS_* */
    uint32_t share;     /* for "share": root node number as given to the driver domain */
    uint32_t pad;
};

struct xenc_devnode { uint32_t mode /* S_IFCHR|.. */, uid, gid, major, minor, pad; };

_Static_assert(sizeof(struct xenc_limits) == 40, "abi");
_Static_assert(sizeof(struct xenc_rlimit) == 24, "abi");
_Static_assert(sizeof(struct xenc_mount) == 16, "abi");
_Static_assert(sizeof(struct xenc_devnode) == 24, "abi");

#endif
