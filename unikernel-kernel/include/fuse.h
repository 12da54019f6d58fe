/* FUSE requests over a virtio-fs device (drivers/virtio_fs.c): many tasks may have one
 * in flight at once; each waits for its own. Messages are linux/fuse.h's.
 *
 *     struct fuse_req *r = fuse_req_new(c, FUSE_MKDIR, nodeid);
 *     struct fuse_mkdir_in *in = fuse_arg(r, sizeof *in);
 *     fuse_arg_str(r, name, len);
 *     rc = fuse_call(r, sizeof(struct fuse_entry_out));
 *     ... r->out ...
 *     fuse_req_free(r);                                                              */
#ifndef FUSE_H
#define FUSE_H
#include <linux/fuse.h>
#include "lock.h"

struct fuse_conn;

enum { FUSE_OUT_MAX = 256, FUSE_IN_MAX = 3072, FUSE_DATA_MAX = 128 * 1024 };

struct fuse_req {
    struct list link;           /* in the connection's cache of free requests */
    struct fuse_conn *conn;
    u32 done;                   /* the device has answered (or never will) */
    u32 used_len;               /* bytes the device says it wrote */
    bool async;                 /* nobody waits: freed when the device is done */
    bool lost;                  /* a broken device may still write into it: never reused */
    u32 in_len;                 /* of arguments so far */
    /* Bulk data beside the arguments, kernel heap memory of the caller's: what follows
     * the arguments (device reads), what follows the reply's fixed part (it writes). */
    void *send; u32 send_len;
    void *recv; u32 recv_len;
    u32 recv_got;               /* bytes of recv that were filled */
    struct fuse_out_header oh __attribute__((aligned(16)));
    u8 out[FUSE_OUT_MAX];       /* the reply's arguments */
    struct fuse_in_header ih __attribute__((aligned(16)));
    u8 in[FUSE_IN_MAX];
};
_Static_assert(sizeof(struct fuse_req) <= 4096, "one page");

/* The connection of the domain's file system device `nth`, made at the first call:
 * FUSE_INIT is done. NULL: none, or it is broken. */
struct fuse_conn *fuse_conn_get(unsigned nth);
bool fuse_conn_grants(const struct fuse_conn *c);       /* XENC_FUSE_GRANT is served */
u32 fuse_conn_max_data(const struct fuse_conn *c);      /* bytes one READ/WRITE may move */

/* A request as the current task's user; NULL: out of memory. */
struct fuse_req *fuse_req_new(struct fuse_conn *c, u32 opcode, u64 nodeid);
void fuse_req_free(struct fuse_req *r);
void *fuse_arg(struct fuse_req *r, size_t n);           /* zeroed; asserts that it fits */
/* A name with its NUL; the caller has checked it against NAME_MAX or PATH_MAX/2. */
void fuse_arg_str(struct fuse_req *r, const char *s, size_t len);
/* Sends and waits, not interruptibly: 0 with exactly out_size reply bytes in r->out (and
 * r->recv_got bytes in recv), or the device's -errno; -EIO when it is broken. */
int fuse_call(struct fuse_req *r, u32 out_size);
/* Sends and forgets; takes the request over. The device's answer, of at most out_size
 * bytes, is not looked at. Returns a ticket for fuse_await. */
u64 fuse_send_async(struct fuse_req *r, u32 out_size);
/* Waits until that request has been answered, or all there were. For devices that serve in
 * order: those with grants. */
#define FUSE_ALL_SENT (~0ull)
void fuse_await(struct fuse_conn *c, u64 ticket);
/* FORGET goes by its own queue and has no answer; takes the request over. */
void fuse_send_forget(struct fuse_req *r);
#endif
