/* The container's control group as programs read it (cgroup2): its limits, what it uses.
 * One directory of texts; limits are set from outside, and there are no groups below. */
#include <linux/magic.h>
#include <linux/stat.h>

#include "cgroup.h"
#include "fs.h"
#include "mm.h"
#include "plat.h"
#include "proc.h"
#include "seq.h"

struct xenc_limits container_limits;

static void number_or_max(struct seq *s, u64 v)
{
    if (v)
        seq_printf(s, "%llu\n", (unsigned long long)v);
    else
        seq_puts(s, "max\n");
}

static u64 kernel_bytes(void)
{
    u64 used = kmem_total_bytes() - kmem_free_bytes();

    return plat_anon_in_heap() ? used - min(used, mm_anon_bytes()) : used;
}

static u64 memory_used(void) { return kernel_bytes() + mm_anon_bytes(); }

static void memory_max(struct seq *s) { number_or_max(s, container_limits.memory); }
static void memory_current(struct seq *s)
{
    seq_printf(s, "%llu\n", (unsigned long long)memory_used());
}

static void pids_max(struct seq *s) { number_or_max(s, container_limits.pids); }
static void pids_peak(struct seq *s) { seq_printf(s, "%u\n", READ_ONCE(tasks_peak)); }
static void pids_events(struct seq *s) { seq_printf(s, "max %u\n", READ_ONCE(tasks_refused)); }
static void pids_current(struct seq *s) { seq_printf(s, "%d\n", task_count()); }
static void zero(struct seq *s) { seq_puts(s, "0\n"); }
static void max_text(struct seq *s) { seq_puts(s, "max\n"); }
static void nothing(struct seq *s) { seq_puts(s, "\n"); }
static void controllers(struct seq *s) { seq_puts(s, "cpuset cpu memory pids\n"); }
static void type(struct seq *s) { seq_puts(s, "domain\n"); }
static void events(struct seq *s) { seq_puts(s, "populated 1\nfrozen 0\n"); }
static void group_stat(struct seq *s) { seq_puts(s, "nr_descendants 0\nnr_dying_descendants 0\n"); }

static void memory_events(struct seq *s)
{
    unsigned long long hits = READ_ONCE(oom_counts.hits), kills = READ_ONCE(oom_counts.kills);

    seq_printf(s, "low 0\nhigh 0\nmax %llu\noom %llu\noom_kill %llu\noom_group_kill 0\n", hits,
               hits, kills);
}

/* On pv the host keeps file pages for many containers at once: they are nobody's here. */
static void memory_stat(struct seq *s)
{
    unsigned long long anon = mm_anon_bytes(), file = filecache_bytes(), kernel = kernel_bytes();
    unsigned long long stacks = (unsigned long long)task_count() * 16384;

    kernel -= min(kernel, file);
    seq_printf(s, "anon %llu\nfile %llu\nkernel %llu\nkernel_stack %llu\nslab %llu\n", anon, file,
               kernel, stacks, kernel - min(kernel, stacks));
    seq_puts(s, "sock 0\nshmem 0\nfile_mapped 0\nfile_dirty 0\nfile_writeback 0\n");
    seq_printf(s, "inactive_anon 0\nactive_anon %llu\ninactive_file 0\nactive_file %llu\n"
               "unevictable 0\n", anon, file);
}

static void cpu_max(struct seq *s)
{
    u64 period = container_limits.cpu_period_us ? container_limits.cpu_period_us : 100000;

    if (container_limits.cpu_quota_us)
        seq_printf(s, "%llu %llu\n", (unsigned long long)container_limits.cpu_quota_us,
                   (unsigned long long)period);
    else
        seq_printf(s, "max %llu\n", (unsigned long long)period);
}

/* Shares 2 to 262144 are weights 1 to 10000. */
static void cpu_weight(struct seq *s)
{
    u64 shares = container_limits.cpu_shares;

    seq_printf(s, "%llu\n", shares < 2 ? 100ull : 1 + (shares - 2) * 9999ull / 262142);
}

static void cpu_stat(struct seq *s)
{
    u64 us = 0;
    struct proc *p;

    mutex_lock(&procs_lock);
    list_for_each(p, &procs_all, all_link) {
        struct kusage u;
        proc_usage(p, &u);
        us += (u.utime + u.stime + p->cutime + p->cstime) / 1000;
    }
    mutex_unlock(&procs_lock);
    seq_printf(s, "usage_usec %llu\nuser_usec %llu\nsystem_usec 0\nnr_periods 0\nnr_throttled 0\n"
               "throttled_usec 0\n", (unsigned long long)us, (unsigned long long)us);
}

static void cpus(struct seq *s)
{
    unsigned n = plat_ncpus();

    seq_printf(s, n > 1 ? "0-%u\n" : "%u\n", n - 1);
}

static void procs(struct seq *s)
{
    struct proc *p;

    mutex_lock(&procs_lock);
    list_for_each(p, &procs_all, all_link)
        seq_printf(s, "%d\n", pid_nr(p->pid));
    mutex_unlock(&procs_lock);
}

static const struct entry { const char *name; void (*show)(struct seq *s); } entries[] = {
    { "cgroup.controllers", controllers }, { "cgroup.events", events },
    { "cgroup.max.depth", max_text }, { "cgroup.max.descendants", max_text },
    { "cgroup.procs", procs }, { "cgroup.stat", group_stat },
    { "cgroup.subtree_control", nothing }, { "cgroup.type", type },
    { "cpu.max", cpu_max }, { "cpu.stat", cpu_stat }, { "cpu.weight", cpu_weight },
    { "cpuset.cpus", nothing }, { "cpuset.cpus.effective", cpus },
    { "cpuset.mems", nothing }, { "cpuset.mems.effective", zero },
    { "memory.current", memory_current }, { "memory.events", memory_events },
    { "memory.high", max_text }, { "memory.low", zero }, { "memory.max", memory_max },
    { "memory.min", zero }, { "memory.oom.group", zero }, { "memory.stat", memory_stat },
    { "memory.swap.current", zero }, { "memory.swap.max", zero },
    { "pids.current", pids_current }, { "pids.events", pids_events },
    { "pids.max", pids_max }, { "pids.peak", pids_peak },
};

/* -- the file system -- */

enum { ROOT_INO = 1 };
static struct inode *cg_inode(struct super *sb, const struct entry *e);

static int cg_lookup(struct inode *dir, struct dentry *d)
{
    struct inode *i = NULL;

    for (u32 k = 0; k < ARRAY_SIZE(entries); k++)
        if (!strcmp(entries[k].name, d->name) && !(i = cg_inode(dir->sb, &entries[k])))
            return -ENOMEM;
    d->valid_until = WAIT_FOREVER;
    d_add(d, i);
    return 0;
}

static int cg_readdir(struct file *f, struct dirent_ctx *c)
{
    if (f->pos < 2 && !readdir_dots(f, c))
        return 0;
    for (u64 at = max((u64)f->pos, 2ul); at - 2 < ARRAY_SIZE(entries); at++) {
        const char *name = entries[at - 2].name;
        if (!c->emit(c, name, strlen(name), at, at + 1, mode_dtype(S_IFREG)))
            break;
    }
    return 0;
}

static ssize_t cg_read(struct file *f, struct uio *u, loff_t *pos)
{
    const struct entry *e = f->inode->priv;
    struct seq s = { 0 };
    ssize_t r;

    e->show(&s);
    r = s.failed ? -ENOMEM : seq_read(&s, u, pos);
    seq_dispose(&s);
    return r;
}

static int cg_setattr(struct inode *i, const struct iattr *a) { return -EPERM; }

static const struct inode_ops cg_dir_iops = { .lookup = cg_lookup, .setattr = cg_setattr };
static const struct inode_ops cg_file_iops = { .setattr = cg_setattr };
static const struct file_ops cg_dir_fops = { .readdir = cg_readdir };
static const struct file_ops cg_file_fops = { .read = cg_read };
static const struct super_ops cg_super_ops = { .evict = NULL };

/* e NULL: the directory. */
static struct inode *cg_inode(struct super *sb, const struct entry *e)
{
    struct inode *i = inode_new(sb, e ? S_IFREG | 0444 : S_IFDIR | 0555);

    if (!i)
        return NULL;
    i->uid = i->gid = 0;
    i->ino = e ? (u64)(e - entries) + 2 : ROOT_INO;
    i->nlink = e ? 1 : 2;
    i->priv = (void *)(u64)e;
    i->ops = e ? &cg_file_iops : &cg_dir_iops;
    i->fops = e ? &cg_file_fops : &cg_dir_fops;
    return i;
}

int cgroup2_mount(const char *source, u64 flags, const char *data, struct super **sb_r)
{
    struct super *sb = super_new("cgroup2", &cg_super_ops, NULL);
    struct inode *i = sb ? cg_inode(sb, NULL) : NULL;

    if (!sb)
        return -ENOMEM;
    sb->magic = CGROUP2_SUPER_MAGIC;
    strlcpy(sb->source, source && *source ? source : "cgroup", sizeof sb->source);
    sb->root = i ? d_root(sb, i) : NULL;
    if (!sb->root)
        return -ENOMEM;
    *sb_r = sb;
    return 0;
}
