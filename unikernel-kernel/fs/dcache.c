/* The name cache: every dentry that can be found by name hangs in a hash table, in its
 * parent's list of children and in one list by age, and the cache holds a reference. */
#include "fs.h"
#include "notify.h"

#define BOOT_BUCKETS 512
#define MAX_BUCKETS  (1u << 17)
#define MAX_NAMES    (1u << 19)

struct spinlock dcache_lock;
static struct list boot_table[BOOT_BUCKETS];
static struct list *table = boot_table;
static u32 nbuckets = BOOT_BUCKETS;
static u32 nhashed, limit;
static struct list lru;                 /* newest first; all hashed dentries */
struct objcache dentry_cache = OBJCACHE(sizeof(struct dentry), 128);

void dcache_init(void)
{
    u64 by_memory = kmem_total_bytes() / 32768;
    limit = by_memory > MAX_NAMES ? MAX_NAMES : (u32)max(by_memory, 2048ul);
    for (u32 k = 0; k < nbuckets; k++)
        list_init(&table[k]);
    list_init(&lru);
}

u32 d_hash_name(const struct dentry *parent, u32 name_hash)
{
    u64 p = (u64)parent;
    u32 h = name_hash ^ (u32)(p >> 6) ^ (u32)(p >> 20);
    return h ^ h >> 15;
}

static u32 hash_name(const char *name, size_t len)
{
    u32 h = D_HASH_INIT;
    while (len--)
        h = d_hash_step(h, (u8)*name++);
    return h;
}

struct dentry *d_find_locked(const struct dentry *parent, const char *name, size_t len,
                             u32 name_hash)
{
    struct dentry *d;
    u32 h = d_hash_name(parent, name_hash);
    list_for_each(d, &table[h & (nbuckets - 1)], hash_link)
        if (d->hash == h && d->parent == parent && d->len == len && !memcmp(d->name, name, len))
            return d;
    return NULL;
}

static void grow_table(void)
{
    u32 n = nbuckets * 2;
    struct list *t, *old = NULL;
    struct dentry *d;
    if (nbuckets >= MAX_BUCKETS || !(t = kpages(n * sizeof *t / PAGE_SIZE)))
        return;
    for (u32 k = 0; k < n; k++)
        list_init(&t[k]);
    spin_lock(&dcache_lock);
    if (n == nbuckets * 2) {
        list_for_each(d, &lru, lru_link) {
            list_del(&d->hash_link);
            list_add(&t[d->hash & (n - 1)], &d->hash_link);
        }
        old = table;
        table = t;
        nbuckets = n;
    }
    spin_unlock(&dcache_lock);
    if (!old)
        kpages_free(t, n * sizeof *t / PAGE_SIZE);
    else if (old != boot_table)
        kpages_free(old, n / 2 * sizeof *t / PAGE_SIZE);
}

static void hash_insert_locked(struct dentry *d)
{
    ref_get(&d->ref);
    list_add(&table[d->hash & (nbuckets - 1)], &d->hash_link);
    list_add(&lru, &d->lru_link);
    if (d->parent != d)
        list_add(&d->parent->children, &d->siblings);
    nhashed++;
}

/* The cache's reference is the caller's afterwards. */
static void unhash_locked(struct dentry *d)
{
    if (d->inode && !d->unlinked && d->parent->inode)
        d->parent->inode->names_lost = true;
    list_del(&d->hash_link);
    list_del(&d->lru_link);
    list_del(&d->siblings);
    nhashed--;
}

static struct dentry *d_new(struct super *sb, const char *name, size_t len)
{
    struct dentry *d = objcache_get(&dentry_cache);
    if (!d) {
        d_shrink(0);
        if (!(d = objcache_get(&dentry_cache)))
            return NULL;
    }
    memset(d, 0, offsetof(struct dentry, short_name));
    d->name = d->short_name;
    if (len >= sizeof d->short_name && !(d->name = kmalloc(len + 1))) {
        objcache_put(&dentry_cache, d);
        return NULL;
    }
    memcpy(d->name, name, len);
    d->name[len] = 0;
    d->len = (u16)len;
    ref_init(&d->ref);
    d->sb = sb;
    d->parent = d;
    list_init(&d->siblings);
    list_init(&d->children);
    list_init(&d->hash_link);
    list_init(&d->alias_link);
    list_init(&d->lru_link);
    return d;
}

struct dentry *d_alloc(struct dentry *parent, const char *name, size_t len)
{
    struct dentry *d;
    if (READ_ONCE(nhashed) > limit)
        d_shrink(limit - limit / 8);
    if (READ_ONCE(nhashed) > nbuckets * 2)
        grow_table();
    d = d_new(parent->sb, name, len);
    if (!d)
        return NULL;
    d->hash = d_hash_name(parent, hash_name(name, len));
    dentry_get(parent);
    d->parent = parent;
    return d;
}

static void set_inode_locked(struct dentry *d, struct inode *i)
{
    d->inode = i;
    if (i)
        list_add(&i->dentries, &d->alias_link);
}

struct dentry *d_alloc_nameless(struct super *sb, const char *name, struct inode *i)
{
    struct dentry *d = d_new(sb, name, strlen(name));
    if (!d)
        return NULL;
    d->unlinked = true;
    spin_lock(&dcache_lock);
    set_inode_locked(d, i);
    spin_unlock(&dcache_lock);
    return d;
}

struct dentry *d_root(struct super *sb, struct inode *i)
{
    struct dentry *d = d_new(sb, "", 0);
    if (!d) {
        inode_put(i);
        return NULL;
    }
    spin_lock(&dcache_lock);
    set_inode_locked(d, i);
    spin_unlock(&dcache_lock);
    return d;
}

void d_add(struct dentry *d, struct inode *i)
{
    spin_lock(&dcache_lock);
    assert(!d->inode);
    set_inode_locked(d, i);
    if (!d_hashed(d) && !d->unlinked && d->parent != d && (i || !d->sb->nocache))
        hash_insert_locked(d);
    spin_unlock(&dcache_lock);
}

struct dentry *d_lookup_or_new(struct dentry *parent, const char *name, size_t len)
{
    struct dentry *d;
    spin_lock(&dcache_lock);
    d = d_find_locked(parent, name, len, hash_name(name, len));
    if (d)
        dentry_get(d);
    spin_unlock(&dcache_lock);
    return d ? d : d_alloc(parent, name, len);
}

void d_drop(struct dentry *d)
{
    bool was;
    spin_lock(&dcache_lock);
    was = d_hashed(d);
    if (was)
        unhash_locked(d);
    spin_unlock(&dcache_lock);
    if (was)
        dentry_put(d);
}

void d_unlinked(struct dentry *d)
{
    d->unlinked = true;
    d_drop(d);
}

/* Frees d, which nobody can reach any more: its parent, whose reference is due. */
static struct dentry *d_free(struct dentry *d)
{
    struct dentry *parent = d->parent == d ? NULL : d->parent;
    if (d->inode) {
        spin_lock(&dcache_lock);
        list_del(&d->alias_link);
        spin_unlock(&dcache_lock);
        if (d->unlinked && !d->inode->nlink)
            notify_gone(d->inode);
        inode_put(d->inode);
    }
    if (d->name != d->short_name)
        kfree(d->name);
    objcache_put(&dentry_cache, d);
    return parent;
}

/* A dentry of a file system whose names are kept only while used: true if it is to be
 * freed. */
static bool put_nocache(struct dentry *d)
{
    u32 n;
    spin_lock(&dcache_lock);
    n = __atomic_sub_fetch(&d->ref.n, 1, __ATOMIC_ACQ_REL);
    if (n == 1 && d_hashed(d) && !d->mounted && list_empty(&d->children)) {
        unhash_locked(d);
        n = __atomic_sub_fetch(&d->ref.n, 1, __ATOMIC_ACQ_REL);
    }
    spin_unlock(&dcache_lock);
    return n == 0;
}

void dentry_put(struct dentry *d)
{
    while (d) {
        if (unlikely(d->sb->nocache) ? !put_nocache(d) : !ref_put(&d->ref))
            return;
        d = d_free(d);
    }
}

/* Puts the cache's references of the dentries collected in list (by lru_link). */
static void put_victims(struct list *victims)
{
    while (!list_empty(victims)) {
        struct dentry *d = list_first(victims, struct dentry, lru_link);
        list_del(&d->lru_link);
        dentry_put(d);
    }
}

void d_shrink(u32 keep)
{
    struct list victims = LIST_INIT(victims);
    spin_lock(&dcache_lock);
    for (u32 left = nhashed * 2; left && nhashed > keep; left--) {
        struct dentry *d = container_of(lru.prev, struct dentry, lru_link);
        if (READ_ONCE(d->ref.n) > 1 || !list_empty(&d->children) || (d->hot && keep)) {
            d->hot = false;
            list_del(&d->lru_link);
            list_add(&lru, &d->lru_link);
            continue;
        }
        unhash_locked(d);
        list_add(&victims, &d->lru_link);
    }
    spin_unlock(&dcache_lock);
    put_victims(&victims);
}

void d_drop_super(struct super *sb)
{
    struct list victims = LIST_INIT(victims);
    struct dentry *d, *tmp;
    spin_lock(&dcache_lock);
    list_for_each_safe(d, tmp, &lru, lru_link) {
        if (d->sb != sb)
            continue;
        unhash_locked(d);
        list_add(&victims, &d->lru_link);
    }
    spin_unlock(&dcache_lock);
    put_victims(&victims);
}

void d_drop_children(struct dentry *dir)
{
    struct list victims = LIST_INIT(victims);
    struct dentry *d, *tmp;
    spin_lock(&dcache_lock);
    list_for_each_safe(d, tmp, &dir->children, siblings) {
        unhash_locked(d);
        list_add(&victims, &d->lru_link);
    }
    spin_unlock(&dcache_lock);
    put_victims(&victims);
}

void d_expire_news(struct super *sb)
{
    struct dentry *d;
    spin_lock(&dcache_lock);
    list_for_each(d, &lru, lru_link)
        if (d->sb == sb && d->valid_until == D_UNTIL_NEWS)
            d->valid_until = 0;
    spin_unlock(&dcache_lock);
}

static void swap_names(struct dentry *a, struct dentry *b)
{
    bool a_short = a->name == a->short_name, b_short = b->name == b->short_name;
    char *an = a->name, *bn = b->name;
    char buf[sizeof a->short_name];
    u16 len = a->len;
    memcpy(buf, a->short_name, sizeof buf);
    memcpy(a->short_name, b->short_name, sizeof buf);
    memcpy(b->short_name, buf, sizeof buf);
    a->name = b_short ? a->short_name : bn;
    b->name = a_short ? b->short_name : an;
    a->len = b->len;
    b->len = len;
}

/* o takes n's name. n may keep a wrong one when it is replaced: only messages show it. */
static void take_name(struct dentry *o, struct dentry *n)
{
    if (o->name == o->short_name && n->name == n->short_name) {
        memcpy(o->short_name, n->short_name, sizeof o->short_name);
        o->len = n->len;
    } else {
        swap_names(o, n);
    }
}

void d_move(struct dentry *o, struct dentry *n, bool exchange)
{
    struct dentry *op = o->parent, *np = n->parent;
    u32 oh = o->hash, nh = n->hash;
    bool o_was, n_was;
    spin_lock(&dcache_lock);
    if ((o_was = d_hashed(o)))
        unhash_locked(o);
    if ((n_was = d_hashed(n)))
        unhash_locked(n);
    o->hash = nh;
    o->parent = np;
    if (exchange) {
        swap_names(o, n);
        n->hash = oh;
        n->parent = op;
        hash_insert_locked(n);
    } else {
        take_name(o, n);
        dentry_get(np);
        n->unlinked = true;
    }
    hash_insert_locked(o);
    spin_unlock(&dcache_lock);
    if (!exchange)
        dentry_put(op);
    if (o_was)
        dentry_put(o);
    if (n_was)
        dentry_put(n);
}

bool d_is_below_locked(const struct dentry *d, const struct dentry *a)
{
    while (d != a && d->parent != d)
        d = d->parent;
    return d == a;
}

bool d_is_ancestor(const struct dentry *a, const struct dentry *d)
{
    bool yes;
    spin_lock(&dcache_lock);
    yes = d_is_below_locked(d, a);
    spin_unlock(&dcache_lock);
    return yes;
}

void vfs_shrink(void)
{
    d_shrink(0);
    objcache_drain(&dentry_cache);
    objcache_drain(&inode_cache);
    objcache_drain(&file_cache);
    objcache_drain(&name_cache);
}
