/* virtio-fs: mounting, the table of inodes by node id, and telling the device which
 * nodes are no longer needed. */
#include "virtiofs.h"
#include <linux/stat.h>
#include "abi/fs.h"
#include "time.h"

static struct mutex mount_lock;
static struct virtiofs *the_fs;         /* of file system device 0 */

struct fuse_req *virtiofs_req(const struct inode *i, u32 opcode)
{
    return fuse_req_new(virtiofs_of(i)->conn, opcode, vnode_of(i)->nodeid);
}

u64 virtiofs_deadline(const struct virtiofs *fs, u32 seq, u64 sec, u32 nsec)
{
    /* News that came while the answer was on its way may have been about this. */
    if (sec == XENC_FS_UNTIL_NEWS && seq == virtiofs_news_seq(fs) && !(seq & 1))
        return D_UNTIL_NEWS;
    if (sec == XENC_FS_UNTIL_NEWS)
        return time_mono() + NSEC_PER_SEC;
    if (sec > 1000000000)
        return WAIT_FOREVER;
    return time_mono() + sec * NSEC_PER_SEC + min(nsec, (u32)999999999);
}

/* -- forgetting -- */

static void send_forgets(struct virtiofs *fs, const struct fuse_forget_one *list, u32 n)
{
    struct fuse_req *r = fuse_req_new(fs->conn, FUSE_BATCH_FORGET, 0);
    struct fuse_batch_forget_in *in;

    if (!r)
        return;         /* the device keeps the nodes: it costs memory there, no more */
    in = fuse_arg(r, sizeof *in);
    in->count = n;
    memcpy(fuse_arg(r, n * sizeof *list), list, n * sizeof *list);
    fuse_send_forget(r);
}

/* now: the file has no name left, so the host keeps its blocks only for us. */
static void forget(struct virtiofs *fs, u64 nodeid, u64 nlookup, bool now)
{
    struct fuse_forget_one batch[FORGET_BATCH];
    u32 n = 0;

    spin_lock(&fs->lock);
    fs->forget[fs->nforget++] = (struct fuse_forget_one){ nodeid, nlookup };
    if (now || fs->nforget == FORGET_BATCH) {
        n = fs->nforget;
        memcpy(batch, fs->forget, n * sizeof *batch);
        fs->nforget = 0;
    }
    spin_unlock(&fs->lock);
    if (n)
        send_forgets(fs, batch, n);
}

static void virtiofs_evict(struct inode *i)
{
    struct virtiofs *fs = virtiofs_of(i);
    struct vnode *v = vnode_of(i);

    if (!v)
        return;
    spin_lock(&fs->lock);
    list_del(&v->hash_link);
    spin_unlock(&fs->lock);
    if (i->nlink)
        vnode_await(v);        /* before the device forgets the node */
    vnode_grants_close(v);
    vnode_pages_free(v);
    virtiofs_names_drop(i);
    kfree(v->absent);
    if (v->nodeid != FUSE_ROOT_ID && v->nlookup)
        forget(fs, v->nodeid, v->nlookup, i->nlink == 0);
    kfree(v);
    i->priv = NULL;
}

/* -- the table -- */

static struct list *bucket(struct virtiofs *fs, u64 nodeid)
{
    return &fs->hash[(nodeid * 0x9e3779b97f4a7c15ull >> 48) % VFS_HASH];
}

struct inode *virtiofs_find(struct super *sb, u64 nodeid)
{
    struct virtiofs *fs = sb->priv;
    struct vnode *v;

    list_for_each(v, bucket(fs, nodeid), hash_link)
        if (v->nodeid == nodeid && v->inode->sb == sb && inode_tryget(v->inode))
            return v->inode;
    return NULL;
}

/* fs->lock held: with the answer's lookup count taken over. */
static struct inode *find_node(struct super *sb, u64 nodeid)
{
    struct inode *i = virtiofs_find(sb, nodeid);

    if (i)
        vnode_of(i)->nlookup++;
    return i;
}

static void set_ops(struct inode *i, u64 rdev)
{
    switch (i->mode & S_IFMT) {
    case S_IFDIR:
        i->ops = &virtiofs_dir_iops;
        i->fops = &virtiofs_dir_fops;
        break;
    case S_IFREG:
        i->ops = &virtiofs_file_iops;
        i->fops = &virtiofs_file_fops;
        break;
    case S_IFLNK:
        i->ops = &virtiofs_link_iops;
        break;
    default:
        i->ops = &virtiofs_link_iops;
        inode_init_special(i, rdev);
    }
}

static struct inode *new_node(struct super *sb, const struct fuse_entry_out *e, u64 until)
{
    struct inode *i = inode_new(sb, e->attr.mode);
    struct vnode *v = kzalloc(sizeof *v);

    if (!i || !v) {
        if (i)
            inode_put(i);
        kfree(v);
        return NULL;
    }
    v->inode = i;
    v->nodeid = e->nodeid;
    v->nlookup = 1;
    v->grant[0] = v->grant[1] = -1;
    list_init(&v->hash_link);
    list_init(&v->grant_link);
    i->priv = v;
    i->has_fcaps = S_ISREG(e->attr.mode) && e->attr.mode & 0111;
    virtiofs_set_attr(i, &e->attr, until);
    set_ops(i, e->attr.rdev);
    return i;
}

struct inode *virtiofs_iget(struct super *sb, const struct fuse_entry_out *e, u32 seq,
                            int *rc_r)
{
    struct virtiofs *fs = sb->priv;
    u64 until = virtiofs_deadline(fs, seq, e->attr_valid, e->attr_valid_nsec);
    struct inode *i, *fresh = NULL;

    spin_lock(&fs->lock);
    i = find_node(sb, e->nodeid);
    spin_unlock(&fs->lock);
    if (!i) {
        fresh = new_node(sb, e, until);
        if (!fresh) {
            forget(fs, e->nodeid, 1, false);
            *rc_r = -ENOMEM;
            return NULL;
        }
        spin_lock(&fs->lock);
        i = find_node(sb, e->nodeid);
        if (!i)
            list_add(bucket(fs, e->nodeid), &vnode_of(fresh)->hash_link);
        spin_unlock(&fs->lock);
        if (!i)
            return fresh;
        vnode_of(fresh)->nlookup = 0;   /* the answer's count went to the other */
        inode_put(fresh);
    }
    if ((i->mode ^ e->attr.mode) & S_IFMT) {    /* a node does not change its type */
        inode_put(i);
        *rc_r = -EIO;
        return NULL;
    }
    virtiofs_set_attr(i, &e->attr, until);
    return i;
}

/* -- mounting -- */

struct virtiofs *virtiofs_instance(void) { return READ_ONCE(the_fs); }

/* All that programs wrote; then the host's file system that sb is on. */
static int virtiofs_sync(struct super *sb, bool disk)
{
    struct fuse_conn *c = virtiofs_of(sb->root->inode)->conn;
    struct fuse_req *r;
    int rc;

    filecache_flush();
    if (fuse_conn_grants(c))
        fuse_await(c, FUSE_ALL_SENT);
    if (!disk)
        return 0;
    r = virtiofs_req(sb->root->inode, FUSE_SYNCFS);
    if (!r)
        return -ENOMEM;
    fuse_arg(r, sizeof(struct fuse_syncfs_in));
    rc = fuse_call(r, 0);
    fuse_req_free(r);
    return rc == -EROFS ? 0 : rc;
}

static int virtiofs_statfs(struct super *sb, struct kstatfs *st)
{
    struct fuse_req *r = virtiofs_req(sb->root->inode, FUSE_STATFS);
    const struct fuse_kstatfs *k;
    int rc;

    if (!r)
        return -ENOMEM;
    rc = fuse_call(r, sizeof(struct fuse_statfs_out));
    k = &((const struct fuse_statfs_out *)(const void *)r->out)->st;
    if (rc == 0)
        *st = (struct kstatfs){ .type = sb->magic, .bsize = k->bsize, .blocks = k->blocks,
                                .bfree = k->bfree, .bavail = k->bavail, .files = k->files,
                                .ffree = k->ffree, .namelen = k->namelen,
                                .frsize = k->frsize ? k->frsize : k->bsize };
    fuse_req_free(r);
    return rc;
}

static void virtiofs_umount(struct super *sb)
{
    struct virtiofs *fs = sb->priv;

    if (fs->news_sb == sb)
        fs->news_sb = NULL;
}

static const struct super_ops virtiofs_super_ops = {
    .umount = virtiofs_umount,
    .evict = virtiofs_evict,
    .statfs = virtiofs_statfs,
    .sync = virtiofs_sync,
};

static struct virtiofs *fs_get(void)
{
    struct virtiofs *fs;

    mutex_lock(&mount_lock);
    fs = the_fs;
    if (!fs && fuse_conn_get(0) && (fs = kzalloc(sizeof *fs))) {
        fs->conn = fuse_conn_get(0);
        for (unsigned i = 0; i < VFS_HASH; i++)
            list_init(&fs->hash[i]);
        list_init(&fs->grants);
        list_init(&fs->cached);
        the_fs = fs;
    }
    mutex_unlock(&mount_lock);
    return fs;
}

/* The root's attributes as a lookup's answer. */
static int ask_root(struct virtiofs *fs, const char *share, struct fuse_entry_out *e)
{
    struct fuse_req *r = share ? fuse_req_new(fs->conn, FUSE_LOOKUP, XENC_FS_SHARES)
                               : fuse_req_new(fs->conn, FUSE_GETATTR, FUSE_ROOT_ID);
    const struct fuse_attr_out *a;
    int rc;

    if (!r)
        return -ENOMEM;
    if (share) {
        fuse_arg_str(r, share, strlen(share));
        rc = fuse_call(r, sizeof *e);
        memcpy(e, r->out, sizeof *e);
    } else {
        fuse_arg(r, sizeof(struct fuse_getattr_in));
        rc = fuse_call(r, sizeof *a);
        a = (const void *)r->out;
        *e = (struct fuse_entry_out){ .nodeid = FUSE_ROOT_ID, .attr_valid = a->attr_valid,
                                      .attr_valid_nsec = a->attr_valid_nsec, .attr = a->attr };
    }
    fuse_req_free(r);
    return rc == 0 && !e->nodeid ? -ENOENT : rc;
}

static int mount_node(const char *share, struct super **sb_r)
{
    struct virtiofs *fs = fs_get();
    struct fuse_entry_out e;
    struct super *sb;
    struct inode *root;
    int rc;

    if (!fs)
        return -ENODEV;
    rc = ask_root(fs, share, &e);
    if (rc < 0)
        return rc;
    sb = super_new("virtiofs", &virtiofs_super_ops, fs);
    if (!sb)
        return -ENOMEM;
    sb->magic = 0x65735546;             /* FUSE_SUPER_MAGIC */
    /* Not "rootfs": df and others take that for Linux's initial memory file system. */
    snprintf(sb->source, sizeof sb->source, share ? "share%s" : "root", share);
    sb->no_host_locks = !share;         /* the root is this container's alone */
    root = virtiofs_iget(sb, &e, virtiofs_news_seq(fs), &rc);
    if (root)
        sb->root = d_root(sb, root);
    if (!root || !sb->root)
        return root ? -ENOMEM : rc;
    if (!share && !fs->news_sb)
        fs->news_sb = sb;
    *sb_r = sb;
    return 0;
}

int virtiofs_mount(const char *source, u64 flags, const char *data, struct super **sb_r)
{
    return mount_node(NULL, sb_r);
}

int virtiofs_mount_share(const char *source, u64 flags, const char *data, struct super **sb_r)
{
    char *end;

    if (!source || !*source || strlen(source) > 9)
        return -EINVAL;
    strtou64(source, &end, 10);
    return *end ? -EINVAL : mount_node(source, sb_r);
}
