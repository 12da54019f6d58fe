/* The file system device: virtio-fs (virtio 1.2, 5.11) speaking FUSE 7.31 or later as
 * <linux/fuse.h> defines it, over queue 0 (high priority: FORGET) and queue 1
 * (requests). A message's buffers are physically in domain memory.
 *
 * Shares: FUSE_ROOT_ID (1) is the container's root file system. Further shares (bind
 * mounts) are looked up as children of the reserved node XENC_FS_SHARES by the decimal
 * name of their number; a share may be a directory or a single file.
 *
 * Grants (PV only; offered by bit XENC_FS_F_GRANT of the device's features): the guest
 * asks for a host descriptor of an open file. The device sends one SOCK_SEQPACKET
 * message {struct xenc_grant_msg, SCM_RIGHTS fd} on the grant socket before it
 * completes the request with struct xenc_grant_out. The guest may map it (PROT_EXEC
 * and private always; shared as opened) and use pread64/pwrite64 on it; it is the
 * host's page cache, so it is coherent with every other reader of the file. */
#ifndef XENC_ABI_FS_H
#define XENC_ABI_FS_H

#include <stdint.h>

#define XENC_FS_SHARES   2ull           /* node id, answers LOOKUP only */
#define XENC_FS_F_GRANT  (1ull << 24)   /* device feature bit */

enum { XENC_FUSE_GRANT = 0x58470001 };  /* opcode; nodeid: a regular file */

struct xenc_grant_in  { uint32_t flags /* O_RDONLY, O_RDWR */, pad; };
struct xenc_grant_out { uint64_t cookie; uint64_t size; };
struct xenc_grant_msg { uint64_t cookie; };

_Static_assert(sizeof(struct xenc_grant_in) == 8, "abi");
_Static_assert(sizeof(struct xenc_grant_out) == 16, "abi");

#endif
