/* Path arguments: short ones stay on the stack. */
#ifndef FSNAME_H
#define FSNAME_H
#include "sys.h"
#include "vfs.h"

struct uname { char *s; char small[192]; };

static inline int uname_get(struct uname *u, uptr_t user)
{
    ssize_t n = strncpy_from_user(u->small, user, sizeof u->small);
    u->s = u->small;
    if (likely(n >= 0))
        return 0;
    if (n != -ENAMETOOLONG)
        return (int)n;
    return name_get(user, &u->s);
}

static inline void uname_put(struct uname *u)
{
    if (u->s != u->small)
        name_put(u->s);
}

/* A path argument looked up: what most calls begin with. */
static inline int user_path(int dfd, uptr_t name, u32 lookup, struct path *p_r)
{
    struct uname u;
    int r = uname_get(&u, name);
    if (r)
        return r;
    r = path_lookup(dfd, u.s, lookup, p_r);
    uname_put(&u);
    return r;
}

/* Permission bits of a new file after the umask. */
u32 fs_umasked(u64 mode);
#define MAX_RW 0x7ffff000ul
#endif
