/* tmpfs: files in the kernel's memory. */
#include "tmpfs.h"

int tmpfs_setattr(struct inode *i, const struct iattr *a)
{
    if (a->valid & ATTR_SIZE) {
        int r = S_ISREG(i->mode) ? tmpfs_set_size(i, a->size) : -EINVAL;
        if (r)
            return r;
    }
    inode_apply_attr(i, a);
    if ((a->valid & ATTR_KILL_PRIV) && i->has_fcaps) {
        tmpfs_removexattr(i, "security.capability");
        i->has_fcaps = false;
    }
    return 0;
}

static const struct inode_ops tmpfs_iops = { TMPFS_ATTR_OPS };

struct inode *tmpfs_inode(struct super *sb, const struct inode *dir, u32 mode, u64 rdev, int *err_r)
{
    struct tmpfs *fs = tmpfs_of(sb);
    struct tinode *t;
    struct inode *i;
    u64 n = __atomic_add_fetch(&fs->inodes, 1, __ATOMIC_RELAXED);
    *err_r = -ENOSPC;
    if (fs->max_inodes && n > fs->max_inodes)
        goto uncount;
    *err_r = -ENOMEM;
    t = kzalloc(sizeof *t);
    if (!t)
        goto uncount;
    i = inode_new(sb, mode);
    if (!i) {
        kfree(t);
        goto uncount;
    }
    i->priv = t;
    i->ino = __atomic_add_fetch(&fs->last_ino, 1, __ATOMIC_RELAXED);
    i->ops = &tmpfs_iops;
    if (dir)
        inode_init_owner(i, dir, mode);
    if (S_ISDIR(mode)) {
        i->nlink = 2;
        i->size = 2 * TDIRENT_SIZE;
        i->ops = &tmpfs_dir_iops;
        i->fops = &tmpfs_dir_fops;
        t->next_cookie = 2;
    } else if (S_ISREG(mode)) {
        i->fops = &tmpfs_file_fops;
        t->seals = F_SEAL_SEAL;
    } else if (!S_ISLNK(mode)) {
        inode_init_special(i, rdev);
    }
    *err_r = 0;
    return i;
uncount:
    __atomic_sub_fetch(&fs->inodes, 1, __ATOMIC_RELAXED);
    return NULL;
}

static void tmpfs_evict(struct inode *i)
{
    struct tmpfs *fs = tmpfs_of(i->sb);
    if (S_ISDIR(i->mode))
        tmpfs_dir_free(i);
    tmpfs_data_free(i);
    tmpfs_xattr_free(i);
    if (tinode_of(i)->mq)
        tmpfs_mq_evict(tinode_of(i));
    kfree(i->priv);
    __atomic_sub_fetch(&fs->inodes, 1, __ATOMIC_RELAXED);
}

static int tmpfs_statfs(struct super *sb, struct kstatfs *st)
{
    struct tmpfs *fs = tmpfs_of(sb);
    st->blocks = fs->max_pages;
    st->bfree = st->bavail = fs->max_pages > fs->pages ? fs->max_pages - fs->pages : 0;
    st->files = fs->max_inodes;
    st->ffree = fs->max_inodes > fs->inodes ? fs->max_inodes - fs->inodes : 0;
    return 0;
}

static void tmpfs_umount(struct super *sb) { kfree(sb->priv); }

static const struct super_ops tmpfs_sops = {
    .evict = tmpfs_evict, .statfs = tmpfs_statfs, .umount = tmpfs_umount,
};

/* -- mount options -- */

struct options { struct tmpfs *fs; u32 mode, uid, gid; };

/* A number with k, m, g or % (of memory); false: not one. */
static bool parse_size(const char *s, u64 *bytes_r)
{
    char *end;
    u64 v = strtou64(s, &end, 0);
    if (end == s)
        return false;
    switch (*end) {
    case 'k': case 'K': v <<= 10; end++; break;
    case 'm': case 'M': v <<= 20; end++; break;
    case 'g': case 'G': v <<= 30; end++; break;
    case '%': v = kmem_total_bytes() / 100 * v; end++; break;
    }
    *bytes_r = v;
    return !*end;
}

static int parse_option(struct options *o, const char *key, const char *val)
{
    static const char *const ignored[] = { "huge", "noswap", "rw", "ro", "nodev", "nosuid",
                                           "noexec", "relatime", "inode64", "inode32", "mpol", "" };
    u64 n;
    for (size_t k = 0; k < ARRAY_SIZE(ignored); k++)
        if (!strcmp(key, ignored[k]))
            return 0;
    if (!strcmp(key, "mode")) {
        char *end;
        o->mode = (u32)strtou64(val, &end, 8) & 07777;
        return end != val && !*end ? 0 : -EINVAL;
    }
    if (!parse_size(val, &n))
        return -EINVAL;
    if (!strcmp(key, "size"))
        o->fs->max_pages = PAGE_UP(n) >> PAGE_SHIFT;
    else if (!strcmp(key, "nr_blocks"))
        o->fs->max_pages = n;
    else if (!strcmp(key, "nr_inodes"))
        o->fs->max_inodes = n;
    else if (!strcmp(key, "uid"))
        o->uid = (u32)n;
    else if (!strcmp(key, "gid"))
        o->gid = (u32)n;
    else
        return -EINVAL;
    return 0;
}

static int parse_options(struct options *o, const char *data)
{
    char buf[64];
    while (data && *data) {
        const char *comma = strchr(data, ',');
        size_t n = comma ? (size_t)(comma - data) : strlen(data);
        char *eq;
        int r;
        if (n >= sizeof buf)
            return -EINVAL;
        memcpy(buf, data, n);
        buf[n] = 0;
        eq = strchr(buf, '=');
        if (eq)
            *eq = 0;
        r = parse_option(o, buf, eq ? eq + 1 : "");
        if (r)
            return r;
        data += n + (comma ? 1 : 0);
    }
    return 0;
}

struct super *tmpfs_super(const char *type, const char *data, int *err_r)
{
    const struct cred *c = current()->cred;
    struct tmpfs *fs = kzalloc(sizeof *fs);
    struct options o = { fs, 01777, c ? c->fsuid : 0, c ? c->fsgid : 0 };
    struct super *sb;
    struct inode *root;
    *err_r = -ENOMEM;
    if (!fs)
        return NULL;
    fs->max_pages = kmem_total_bytes() / 2 >> PAGE_SHIFT;
    fs->max_inodes = fs->max_pages;
    list_init(&fs->dying);
    *err_r = parse_options(&o, data);
    sb = *err_r ? NULL : super_new(type, &tmpfs_sops, fs);
    if (!sb) {
        kfree(fs);
        return NULL;
    }
    sb->magic = TMPFS_MAGIC;
    sb->keep_times = true;
    root = tmpfs_inode(sb, NULL, S_IFDIR | o.mode, 0, err_r);
    if (root) {
        root->uid = o.uid;
        root->gid = o.gid;
        sb->root = d_root(sb, root);
    }
    if (!sb->root) {
        super_put(sb);
        *err_r = -ENOMEM;
        return NULL;
    }
    *err_r = 0;
    return sb;
}

int tmpfs_mount(const char *source, u64 flags, const char *data, struct super **sb_r)
{
    int r;
    *sb_r = tmpfs_super("tmpfs", data, &r);
    return r;
}
