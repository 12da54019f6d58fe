/* Locks of a share by the device: FUSE_SETLK and FUSE_GETLK, see abi/fs.h. */
#include <linux/fcntl.h>

#include "abi/fs.h"
#include "locks.h"
#include "virtiofs.h"

static void fill(struct fuse_lk_in *in, const struct host_lock *l)
{
    in->lk.start = (u64)l->start;
    in->lk.end = (u64)l->end;
    in->lk.type = (u32)l->type;
    in->lk_flags = (l->flock ? FUSE_LK_FLOCK : 0) | (l->last ? XENC_LK_LAST : 0);
}

/* pid 0: it is none of this domain's. */
static void found(struct flock *fl, const struct fuse_file_lock *k)
{
    fl->l_type = (short)k->type;
    if (k->type == F_UNLCK)
        return;
    fl->l_whence = 0;
    fl->l_start = (s64)k->start;
    fl->l_len = k->end >= INT64_MAX ? 0 : (s64)(k->end - k->start) + 1;
    fl->l_pid = 0;
}

int virtiofs_host_lock(struct inode *i, const struct host_lock *l)
{
    struct fuse_req *r = virtiofs_req(i, l->get ? FUSE_GETLK : FUSE_SETLK);
    int rc;

    if (!r)
        return -ENOLCK;
    fill(fuse_arg(r, sizeof(struct fuse_lk_in)), l);
    rc = fuse_call(r, l->get ? sizeof(struct fuse_lk_out) : 0);
    if (!rc && l->get)
        found(l->found, &((const struct fuse_lk_out *)(const void *)r->out)->lk);
    fuse_req_free(r);
    return rc;
}
