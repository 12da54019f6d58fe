/* virtio-fs: what others have changed (abi/fs.h, "News"). The device watches the
 * directories whose names it has told; instead of asking about each name once a second,
 * we ask once a second for changes. */
#include "virtiofs.h"
#include <linux/limits.h>
#include "abi/fs.h"
#include "fs.h"
#include "time.h"

enum { NEWS_BYTES = 16 * 1024 };

static u32 hash_of(const char *name, size_t len)
{
    u32 h = D_HASH_INIT;

    while (len--)
        h = d_hash_step(h, (u8)*name++);
    return h;
}

/* The directory's name is to be asked for again, and the file's attributes. */
static void expire_name(struct inode *dir, const char *name, size_t len)
{
    struct dentry *p, *d;

    spin_lock(&dcache_lock);
    list_for_each(p, &dir->dentries, alias_link) {
        d = d_find_locked(p, name, len, hash_of(name, len));
        if (!d)
            continue;
        d->valid_until = 0;
        if (d->inode && d->inode->sb == dir->sb)
            virtiofs_stale(d->inode);
    }
    spin_unlock(&dcache_lock);
}

static void expire(struct super *sb, u64 nodeid, const char *name, size_t len)
{
    struct virtiofs *fs = sb->priv;
    struct inode *dir;

    spin_lock(&fs->lock);
    dir = virtiofs_find(sb, nodeid);
    spin_unlock(&fs->lock);
    if (!dir)
        return;
    virtiofs_stale(dir);
    vnode_of(dir)->whole = 0;
    if (len) {
        virtiofs_names_drop(dir);
        expire_name(dir, name, len);
    }
    inode_put(dir);
}

/* Nothing is known to hold any more. */
static void expire_all(struct super *sb)
{
    struct virtiofs *fs = sb->priv;
    struct vnode *v;

    spin_lock(&fs->lock);
    fs->names_gen++;
    for (unsigned k = 0; k < VFS_HASH; k++)
        list_for_each(v, &fs->hash[k], hash_link)
            if (v->rest_until == D_UNTIL_NEWS)
                v->attr_until = v->rest_until = 0;
    spin_unlock(&fs->lock);
    d_expire_news(sb);
}

/* The answer's list, checked: false when it is not what the protocol says. */
static bool take_list(struct super *sb, const u8 *p, u32 len, u32 count)
{
    struct xenc_news e;

    for (; count; count--) {
        if (len < sizeof e)
            return false;
        memcpy(&e, p, sizeof e);
        if (e.namelen > NAME_MAX || XENC_NEWS_SIZE(e.namelen) > len)
            return false;
        expire(sb, e.nodeid, (const char *)p + sizeof e, e.namelen);
        p += XENC_NEWS_SIZE(e.namelen);
        len -= (u32)XENC_NEWS_SIZE(e.namelen);
    }
    return true;
}

/* One question: XENC_NEWS_* of its answer, or -errno. */
static int ask(struct super *sb)
{
    u8 *buf = ((struct virtiofs *)sb->priv)->news_buf;
    struct fuse_req *r = virtiofs_req(sb->root->inode, XENC_FUSE_NEWS);
    struct xenc_news_out o;
    int rc;

    if (!r)
        return -ENOMEM;
    r->recv = buf;
    r->recv_len = NEWS_BYTES;
    rc = fuse_call(r, sizeof o);
    memcpy(&o, r->out, sizeof o);
    if (rc == 0 && o.flags & XENC_NEWS_ALL)
        expire_all(sb);
    else if (rc == 0 && !take_list(sb, buf, r->recv_got, o.count))
        rc = -EIO;
    fuse_req_free(r);
    return rc < 0 ? rc : (int)(o.flags & (XENC_NEWS_ALL | XENC_NEWS_MORE));
}

/* fs->news_lock held. */
static bool refresh(struct super *sb)
{
    struct virtiofs *fs = sb->priv;
    u64 now = time_mono();
    int rc;

    if (!fs->news_buf && !(fs->news_buf = kpages(NEWS_BYTES / PAGE_SIZE)))
        return false;
    __atomic_add_fetch(&fs->news_seq, 1, __ATOMIC_SEQ_CST);
    do
        rc = ask(sb);
    while (rc > 0 && rc & XENC_NEWS_MORE);
    if (rc < 0)                 /* it can't, or is broken: names are asked for one by one */
        expire_all(sb);
    if (rc == -ENOSYS || rc == -EIO)
        fs->no_news = true;
    __atomic_add_fetch(&fs->news_seq, 1, __ATOMIC_SEQ_CST);
    if (rc >= 0)
        WRITE_ONCE(sb->news_until, now + NSEC_PER_SEC);
    return rc >= 0;
}

bool virtiofs_news(struct super *sb)
{
    struct virtiofs *fs = sb->priv;
    bool ok = true;

    if (READ_ONCE(fs->no_news) || sb != fs->news_sb)
        return false;
    if (time_mono() < READ_ONCE(sb->news_until))
        return true;
    mutex_lock(&fs->news_lock);
    if (time_mono() >= sb->news_until)
        ok = refresh(sb);
    mutex_unlock(&fs->news_lock);
    return ok;
}
