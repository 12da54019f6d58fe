/* Names of unix sockets: paths, which are inodes, and abstract names, which are bytes. */
#include <asm/fcntl.h>
#include <linux/fcntl.h>
#include <linux/stat.h>
#include "unixint.h"

static struct list names = LIST_INIT(names);    /* of bound sockets */
static struct spinlock names_lock;

void uaddr_put(struct uaddr *a)
{
    if (a && ref_put(&a->ref))
        kfree(a);
}

static struct uaddr *make_addr(const u8 *sun, u32 len)
{
    struct uaddr *a = kzalloc(sizeof *a);

    if (!a)
        return NULL;
    ref_init(&a->ref);
    a->len = len;
    memcpy(a->sun, sun, len);
    return a;
}

static bool is_path(const u8 *addr, u32 len) { return len > 2 && addr[2]; }

/* Abstract names; names_lock held. */
static struct usock *find_abstract(const u8 *addr, u32 len, int type)
{
    struct usock *u;

    list_for_each(u, &names, bound_link)
        if (!u->inode && u->addr->len == len && u->sock.type == type &&
            !memcmp(u->addr->sun, addr, len))
            return u;
    return NULL;
}

static struct usock *find_inode(const struct inode *i, int type, bool *other_type)
{
    struct usock *u;

    list_for_each(u, &names, bound_link)
        if (u->inode == i) {
            if (u->sock.type == type)
                return u;
            *other_type = true;
        }
    return NULL;
}

/* Enters u under its new address: true, or false when the name is taken. */
static bool enter(struct usock *u, struct uaddr *a, struct inode *i)
{
    spin_lock(&names_lock);
    bool ok = i || !find_abstract(a->sun, a->len, u->sock.type);
    if (ok) {
        u->inode = i;
        __atomic_store_n(&u->addr, a, __ATOMIC_RELEASE);
        list_add(&names, &u->bound_link);
    }
    spin_unlock(&names_lock);
    return ok;
}

static int bind_path(struct usock *u, struct uaddr *a)
{
    const char *name = (const char *)a->sun + 2;
    struct path p;
    int r = vfs_mknod(AT_FDCWD, name, S_IFSOCK | (0777 & ~current()->fs->umask), 0);

    if (r)
        return r == -EEXIST ? -EADDRINUSE : r;
    r = path_lookup(AT_FDCWD, name, 0, &p);
    if (r)
        return r;
    inode_get(p.dentry->inode);
    enter(u, a, p.dentry->inode);
    path_put(&p);
    return 0;
}

int unix_autobind(struct usock *u)
{
    static u32 last;
    u8 sun[8] = { AF_UNIX, 0, 0 };
    char digits[8];
    int r = -ENOMEM;

    mutex_lock(&u->bind_lock);
    for (u32 tries = u->addr ? 0 : 0x100000; tries; tries--) {
        snprintf(digits, sizeof digits, "%05x",
                 __atomic_add_fetch(&last, 1, __ATOMIC_RELAXED) & 0xfffff);
        memcpy(sun + 3, digits, 5);
        struct uaddr *a = make_addr(sun, 8);
        if (!a)
            break;
        if (enter(u, a, NULL))
            break;
        uaddr_put(a);
    }
    if (u->addr)
        r = 0;
    mutex_unlock(&u->bind_lock);
    return r;
}

int unix_bind(struct socket *s, const u8 *addr, u32 len)
{
    struct usock *u = unix_of(s);
    int r = 0;

    if (len < 2 || len > 2 + UNIX_PATH || addr[0] != AF_UNIX || addr[1])
        return -EINVAL;
    if (len == 2)
        return unix_autobind(u);
    struct uaddr *a = make_addr(addr, len);
    if (!a)
        return -ENOMEM;
    if (is_path(addr, len))             /* as it is reported: with its NUL */
        a->len = 2 + (u32)strlen((char *)a->sun + 2) + 1;
    mutex_lock(&u->bind_lock);
    if (u->addr)
        r = -EINVAL;
    else if (is_path(addr, len))
        r = bind_path(u, a);
    else if (!enter(u, a, NULL))
        r = -EADDRINUSE;
    mutex_unlock(&u->bind_lock);
    if (r)
        uaddr_put(a);
    return r;
}

void unix_unbind(struct usock *u)
{
    spin_lock(&names_lock);
    list_del(&u->bound_link);
    struct inode *i = u->inode;
    u->inode = NULL;
    spin_unlock(&names_lock);
    if (i)
        inode_put(i);
}

int unix_find(const u8 *addr, u32 len, int type, struct usock **u_r)
{
    char name[UNIX_PATH + 1] = "";
    bool other_type = false;
    struct path p;
    int r = 0;

    if (len <= 2 || len > 2 + UNIX_PATH || addr[0] != AF_UNIX || addr[1])
        return -EINVAL;
    bool named = is_path(addr, len);
    if (named) {
        memcpy(name, addr + 2, len - 2);
        r = path_lookup(AT_FDCWD, name, LOOKUP_FOLLOW, &p);
        if (r)
            return r;
        r = inode_permission(p.dentry->inode, MAY_WRITE);
        if (!r && !S_ISSOCK(p.dentry->inode->mode))
            r = -ECONNREFUSED;
    }
    if (!r) {
        spin_lock(&names_lock);
        struct usock *u = named ? find_inode(p.dentry->inode, type, &other_type)
                                : find_abstract(addr, len, type);
        if (u)
            unix_get(u);
        spin_unlock(&names_lock);
        *u_r = u;
        if (!u)
            r = other_type ? -EPROTOTYPE : -ECONNREFUSED;
    }
    if (named)
        path_put(&p);
    return r;
}
