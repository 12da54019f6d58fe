/* virtio-fs: grants. For the data of a regular file the device hands over a descriptor
 * of the host's file, so that reading it costs no message and mapping it no copy. One
 * read-only and one read-write per inode are kept while they last; of inodes that
 * nobody has open, the least recently used lose theirs when there are too many. */
#include "virtiofs.h"
#include <linux/fcntl.h>
#include "abi/fs.h"
#include "time.h"
#include "plat.h"

void vnode_opened(struct vnode *v)
{
    u32 n = __atomic_add_fetch(&v->opens, 1, __ATOMIC_ACQUIRE);

    v->grant_recent = true;
    if ((n & ~VNODE_CLOSING) == 1 && v->attr_until == D_UNTIL_NEWS)
        v->open_since = time_mono();
    while (unlikely(n & VNODE_CLOSING)) {       /* a few host calls long */
        plat_yield();
        n = __atomic_load_n(&v->opens, __ATOMIC_ACQUIRE);
    }
}

bool vnode_pin(struct vnode *v)
{
    u32 n = READ_ONCE(v->opens);

    while (n && !(n & VNODE_CLOSING))
        if (__atomic_compare_exchange_n(&v->opens, &n, n + 1, false, __ATOMIC_ACQUIRE,
                                        __ATOMIC_RELAXED))
            return true;
    return false;
}

bool vnode_closed(struct vnode *v)
{
    return __atomic_sub_fetch(&v->opens, 1, __ATOMIC_RELEASE) == 0;
}

static void close_both(struct virtiofs *fs, struct vnode *v)
{
    for (int k = 0; k < 2; k++) {
        s32 g = __atomic_exchange_n(&v->grant[k], -1, __ATOMIC_ACQ_REL);

        if (g >= 0)
            plat_grant_close(g);
    }
    spin_lock(&fs->lock);
    if (!list_empty(&v->grant_link)) {
        list_del(&v->grant_link);
        fs->ngrants--;
    }
    spin_unlock(&fs->lock);
    vnode_fh_release(v);
}

void vnode_grants_close(struct vnode *v)
{
    close_both(virtiofs_of(v->inode), v);
}

/* Marks a vnode nobody has open and none maps as closing; false: in use. */
static bool start_closing(struct vnode *v)
{
    u32 none = 0;

    return !v->inode->image &&
           __atomic_compare_exchange_n(&v->opens, &none, VNODE_CLOSING, false,
                                       __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

/* Whoever outside runs what was made here gets ETXTBSY as long as we could write to it. */
void vnode_idle(struct vnode *v)
{
    bool share = !v->inode->sb->no_host_locks;

    if (share && READ_ONCE(v->grant[1]) >= 0 && start_closing(v)) {
        close_both(virtiofs_of(v->inode), v);
        __atomic_and_fetch(&v->opens, ~VNODE_CLOSING, __ATOMIC_RELEASE);
    } else {
        vnode_fh_release(v);
    }
}

/* The next vnode of the list that was not used of late, its inode counted; those that
 * were go to the end once. NULL: none. */
static struct vnode *next_candidate(struct virtiofs *fs)
{
    struct vnode *found = NULL;

    spin_lock(&fs->lock);
    for (u32 n = 2 * fs->ngrants; n && !found && !list_empty(&fs->grants); n--) {
        struct vnode *v = list_first(&fs->grants, struct vnode, grant_link);

        list_del(&v->grant_link);
        list_add_tail(&fs->grants, &v->grant_link);
        if (v->grant_recent)
            v->grant_recent = false;
        else if (inode_tryget(v->inode))
            found = v;
    }
    spin_unlock(&fs->lock);
    return found;
}

/* Closes the grants of n inodes, or of as many as can be. */
static u32 shrink(struct virtiofs *fs, u32 n)
{
    u32 done = 0, tries = 2 * READ_ONCE(fs->ngrants);
    struct vnode *v;

    mutex_lock(&fs->grant_lock);
    while (done < n && tries-- && (v = next_candidate(fs))) {
        struct inode *i = v->inode;

        if (start_closing(v)) {
            close_both(fs, v);
            __atomic_and_fetch(&v->opens, ~VNODE_CLOSING, __ATOMIC_RELEASE);
            done++;
        }
        inode_put(i);
    }
    mutex_unlock(&fs->grant_lock);
    return done;
}

static int ask_grant(struct vnode *v, bool write)
{
    struct fuse_req *r = virtiofs_req(v->inode, XENC_FUSE_GRANT);
    struct xenc_grant_in *in;
    const struct xenc_grant_out *o;
    int rc;

    if (!r)
        return -ENOMEM;
    in = fuse_arg(r, sizeof *in);
    in->flags = write ? O_RDWR : O_RDONLY;
    rc = fuse_call(r, sizeof *o);
    o = (const void *)r->out;
    if (rc == 0)
        rc = plat_grant_take(o->cookie);
    fuse_req_free(r);
    return rc;
}

static void remember(struct virtiofs *fs, struct vnode *v)
{
    spin_lock(&fs->lock);
    if (list_empty(&v->grant_link)) {
        list_add_tail(&fs->grants, &v->grant_link);
        fs->ngrants++;
    }
    spin_unlock(&fs->lock);
}

static void make_room(struct virtiofs *fs)
{
    if (READ_ONCE(fs->ngrants) >= GRANT_LIMIT)
        shrink(fs, GRANT_LIMIT / 16);
}

void vnode_grant_given(struct vnode *v, bool write, s32 grant)
{
    s32 none = -1;

    make_room(virtiofs_of(v->inode));
    if (__atomic_compare_exchange_n(&v->grant[write], &none, grant, false, __ATOMIC_RELEASE,
                                    __ATOMIC_RELAXED))
        remember(virtiofs_of(v->inode), v);
    else
        plat_grant_close(grant);
}

int vnode_grant_slow(struct vnode *v, bool write)
{
    struct virtiofs *fs = virtiofs_of(v->inode);
    int g;

    if (!fuse_conn_grants(fs->conn) || READ_ONCE(v->grant_refused[write]))
        return -EOPNOTSUPP;
    make_room(fs);
    mutex_lock(&v->lock);
    g = v->grant[write];
    if (g < 0)
        g = ask_grant(v, write);
    if ((g == -EMFILE || g == -ENFILE) && shrink(fs, GRANT_LIMIT / 16))
        g = ask_grant(v, write);
    if (g >= 0)
        WRITE_ONCE(v->grant[write], g);
    else if (g == -EOPNOTSUPP || g == -ENOSYS || g == -EACCES || g == -EPERM || g == -EROFS)
        v->grant_refused[write] = true;
    mutex_unlock(&v->lock);
    if (g >= 0)
        remember(fs, v);
    return g >= 0 ? g : -EOPNOTSUPP;
}
