/* /proc/sys: numbers with bounds (sysctl.def), and the container's names. */
#include "procfs.h"
#include <linux/capability.h>
#include "fs.h"
#include "ipc.h"
#include "sysctl.h"

#define SYSCTL(id, path, mode, initial, low, high) \
    [id] = { path, (mode) & 0200, 1, low, high, { initial, 0 } },
#define SYSCTL_PAIR(id, path, mode, a, b, low, high) \
    [id] = { path, (mode) & 0200, 2, low, high, { a, b } },
static struct sysctl {
    const char *path;
    bool writable;
    u8 n;                       /* numbers in it */
    u64 low, high, v[2];
} table[] = {
#include "sysctl.def"
};

u64 sysctl_get(enum sysctl_id id) { return READ_ONCE(table[id].v[0]); }

void sysctl_get_pair(enum sysctl_id id, u64 v_r[2])
{
    v_r[0] = READ_ONCE(table[id].v[0]);
    v_r[1] = READ_ONCE(table[id].v[1]);
}

int proc_sysctl(struct seq *s, struct proc_ctx *c)
{
    const struct sysctl *t = &table[c->arg];

    seq_printf(s, "%llu", (unsigned long long)t->v[0]);
    if (t->n == 2)
        seq_printf(s, "\t%llu", (unsigned long long)t->v[1]);
    seq_puts(s, "\n");
    return 0;
}

static const char *skip_blank(const char *p)
{
    while (*p == ' ' || *p == '\t' || *p == '\n')
        p++;
    return p;
}

static int store_numbers(struct sysctl *t, const char *text)
{
    u64 v[2] = { 0 };
    char *end;

    for (u8 k = 0; k < t->n; k++) {
        text = skip_blank(text);
        if (*text < '0' || *text > '9')
            return -EINVAL;
        v[k] = strtou64(text, &end, 0);
        if (end == text || v[k] < t->low || v[k] > t->high)
            return -EINVAL;
        text = end;
    }
    if (*skip_blank(text))
        return -EINVAL;
    for (u8 k = 0; k < t->n; k++)
        WRITE_ONCE(t->v[k], v[k]);
    return 0;
}

int proc_set_sysctl(struct proc_ctx *c, const char *text, size_t n)
{
    if (!table[c->arg].writable)
        return -EPERM;
    return store_numbers(&table[c->arg], text);
}

/* -- names: arg 0 host, 1 domain, then what uname says and none can set -- */

int proc_uts(struct seq *s, struct proc_ctx *c)
{
    static const char *const fixed[] = { UTS_SYSNAME, UTS_RELEASE, UTS_VERSION };
    struct uts *uts = current_uts();
    char name[65];

    if (c->arg >= 2) {
        seq_printf(s, "%s\n", fixed[c->arg - 2]);
        return 0;
    }
    spin_lock(&uts->lock);
    memcpy(name, c->arg ? uts->domainname : uts->nodename, sizeof name);
    spin_unlock(&uts->lock);
    seq_printf(s, "%s\n", name);
    return 0;
}

static int set_name(bool domain, const char *text, size_t n)
{
    struct uts *uts = current_uts();
    char *field = domain ? uts->domainname : uts->nodename;

    while (n && (text[n - 1] == '\n' || !text[n - 1]))
        n--;
    if (n > 64)
        return -EINVAL;
    spin_lock(&uts->lock);
    memset(field, 0, sizeof uts->nodename);
    memcpy(field, text, n);
    spin_unlock(&uts->lock);
    return 0;
}

int proc_set_uts(struct proc_ctx *c, const char *text, size_t n)
{
    return capable(CAP_SYS_ADMIN) ? set_name(c->arg, text, n) : -EPERM;
}

/* -- what is counted or fixed, of more than two numbers -- */

/* arg 0: open files, free ones, limit; 1: inodes in memory; 2: names in memory */
int proc_fs_objects(struct seq *s, struct proc_ctx *c)
{
    if (c->arg == 0)
        seq_printf(s, "%u\t0\t%llu\n", READ_ONCE(file_cache.live),
                   (unsigned long long)sysctl_get(SC_FILE_MAX));
    else if (c->arg == 1)
        seq_printf(s, "%u\t0\n", READ_ONCE(inode_cache.live));
    else
        seq_printf(s, "%u\t0\t45\t0\t0\t0\n", READ_ONCE(dentry_cache.live));
    return 0;
}

/* Semaphores in a set, in all sets, operations in a call, sets. */
int proc_sem_limits(struct seq *s, struct proc_ctx *c)
{
    seq_printf(s, "%d\t%d\t%d\t%d\n", SEM_SET_MAX, SEM_SET_MAX * SEM_SET_MAX, SEM_OPS_MAX,
               SEM_SET_MAX);
    return 0;
}

/* -- from the container record -- */

/* "net.core.somaxconn" names "net/core/somaxconn"; a slash in the key is a slash. */
static bool same_key(const char *key, const char *path)
{
    bool slashes = strchr(key, '/') != NULL;

    for (; *key && *path; key++, path++)
        if (*key != *path && !(*path == '/' && *key == '.' && !slashes))
            return false;
    return !*key && !*path;
}

int sysctl_set(const char *key, const char *value)
{
    if (same_key(key, "kernel/hostname") || same_key(key, "kernel/domainname"))
        return set_name(same_key(key, "kernel/domainname"), value, strlen(value));
    for (u32 k = 0; k < ARRAY_SIZE(table); k++)
        if (same_key(key, table[k].path))
            return table[k].writable ? store_numbers(&table[k], value) : -EPERM;
    return -ENOENT;
}
