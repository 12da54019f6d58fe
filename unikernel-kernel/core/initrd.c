/* The initial file tree of a domain that is booted with one: a cpio archive in the
 * "newc" format of cpio(5), as Linux takes it. From whoever starts the domain, but
 * checked all the same: a broken one ends the boot. */
#include <linux/fcntl.h>
#include <linux/limits.h>
#include <linux/stat.h>
#include "boot.h"
#include "vfs.h"

enum { HEADER = 110, F_INO = 0, F_MODE = 1, F_UID = 2, F_GID = 3, F_NLINK = 4, F_SIZE = 6,
       F_MAJOR = 7, F_MINOR = 8, F_RMAJOR = 9, F_RMINOR = 10, F_NAMESIZE = 11, FIELDS = 13 };

struct entry { u32 f[FIELDS]; const char *name; const u8 *data; };

/* A file with several names: the archive repeats its number and has its bytes once. */
struct linked { struct linked *next; u32 ino, major, minor; char path[]; };

static bool hex8(const u8 *p, u32 *v_r)
{
    u32 v = 0;

    for (int i = 0; i < 8; i++) {
        u32 c = p[i], d = c - '0' < 10 ? c - '0' : (c | 32) - 'a' < 6 ? (c | 32) - 'a' + 10 : 99;
        if (d > 15) return false;
        v = v << 4 | d;
    }
    *v_r = v;
    return true;
}

/* The entry at *at, which moves behind it: false: broken. */
static bool next_entry(const u8 *base, size_t len, size_t *at, struct entry *e)
{
    const u8 *h = base + *at;

    if (len - *at < HEADER || memcmp(h, "07070", 5) || (h[5] != '1' && h[5] != '2')) return false;
    for (int i = 0; i < FIELDS; i++)
        if (!hex8(h + 6 + 8 * i, &e->f[i])) return false;
    size_t name = e->f[F_NAMESIZE], data = (*at + HEADER + name + 3) & ~3ul;
    if (!name || name > PATH_MAX || data > len || e->f[F_SIZE] > len - data ||
        base[*at + HEADER + name - 1])
        return false;
    e->name = (const char *)h + HEADER;
    e->data = base + data;
    *at = min((data + e->f[F_SIZE] + 3) & ~3ul, len);
    return true;
}

static int make_file(const char *path, const struct entry *e)
{
    struct file *f;
    int r = vfs_open(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, e->f[F_MODE] & 07777, &f);

    if (r < 0) return r;
    for (u32 at = 0; at < e->f[F_SIZE] && r >= 0; at += (u32)r) {
        ssize_t n = vfs_kwrite(f, e->data + at, e->f[F_SIZE] - at, at);

        r = n == 0 ? -EIO : (int)n;
    }
    file_put(f);
    return r < 0 ? r : 0;
}

static int make_link(const char *path, const struct entry *e)
{
    char target[PATH_MAX];

    if (e->f[F_SIZE] >= sizeof target) return -ENAMETOOLONG;
    memcpy(target, e->data, e->f[F_SIZE]);
    target[e->f[F_SIZE]] = '\0';
    return vfs_symlink(target, AT_FDCWD, path);
}

/* The first name makes the file; any of them may bring its bytes. */
static int make_linked(const char *path, const struct entry *e, struct linked **all)
{
    struct linked *l = *all;
    size_t len = strlen(path) + 1;

    while (l && (l->ino != e->f[F_INO] || l->major != e->f[F_MAJOR] || l->minor != e->f[F_MINOR]))
        l = l->next;
    if (l) {
        int r = e->f[F_SIZE] ? make_file(l->path, e) : 0;

        return r < 0 ? r : vfs_link(AT_FDCWD, l->path, AT_FDCWD, path, 0);
    }
    l = kmalloc(sizeof *l + len);
    if (!l) return -ENOMEM;
    *l = (struct linked){ *all, e->f[F_INO], e->f[F_MAJOR], e->f[F_MINOR] };
    memcpy(l->path, path, len);
    *all = l;
    return make_file(path, e);
}

static int make_entry(const struct entry *e, struct linked **all)
{
    u32 mode = e->f[F_MODE], perm = mode & 07777;
    const char *name = e->name;
    char path[PATH_MAX + 1];
    int r;

    while (*name == '/' || (name[0] == '.' && (name[1] == '/' || !name[1]))) name++;
    if (!*name) return 0;
    snprintf(path, sizeof path, "/%s", name);
    if (S_ISDIR(mode)) r = vfs_mkdir(AT_FDCWD, path, perm);
    else if (S_ISREG(mode) && e->f[F_NLINK] > 1) r = make_linked(path, e, all);
    else if (S_ISREG(mode)) r = make_file(path, e);
    else if (S_ISLNK(mode)) return make_link(path, e);
    else r = vfs_mknod(AT_FDCWD, path, mode, (u64)(e->f[F_RMINOR] & 0xff) |
                       (u64)e->f[F_RMAJOR] << 8 | (u64)(e->f[F_RMINOR] & ~0xffu) << 12);
    if (r < 0 && !(r == -EEXIST && S_ISDIR(mode))) return r;
    return vfs_set_owner(path, e->f[F_UID], e->f[F_GID], perm);
}

/* Several archives may follow one another, with zeros between them. */
void initrd_unpack(const void *data, size_t len)
{
    const u8 *base = data;
    struct linked *all = NULL, *next;
    size_t at = 0;

    while (at < len) {
        struct entry e;
        int r;

        if (!base[at]) {
            at++;
            continue;
        }
        if (!next_entry(base, len, &at, &e))
            boot_fail(1, "initial file tree: not a cpio archive (newc), or a broken one");
        if (!strcmp(e.name, "TRAILER!!!")) continue;
        r = make_entry(&e, &all);
        if (r < 0) boot_fail(1, "initial file tree: %s: error %d", e.name, -r);
    }
    for (; all; all = next) {
        next = all->next;
        kfree(all);
    }
}
