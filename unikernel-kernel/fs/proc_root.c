/* /proc: the container as a whole. */
#include "procfs.h"
#include "ipc.h"
#include "mm.h"
#include "plat.h"
#include "random.h"
#include "time.h"

int proc_empty(struct seq *s, struct proc_ctx *c) { return 0; }

/* Cores are never written (docs/CAVEATS.md): the name that Linux starts with. */
int proc_core_pattern(struct seq *s, struct proc_ctx *c)
{
    seq_puts(s, "core\n");
    return 0;
}

int proc_version(struct seq *s, struct proc_ctx *c)
{
    seq_printf(s, "%s version %s (xenc) (gcc " __VERSION__ ") %s\n", UTS_SYSNAME, UTS_RELEASE,
               UTS_VERSION);
    return 0;
}

int proc_boot_cmdline(struct seq *s, struct proc_ctx *c)
{
    seq_puts(s, "xenc\n");
    return 0;
}

int proc_cgroups(struct seq *s, struct proc_ctx *c)
{
    /* as cgroup2 has them: hierarchy 0 */
    seq_puts(s, "#subsys_name\thierarchy\tnum_cgroups\tenabled\n"
                "cpuset\t0\t1\t1\ncpu\t0\t1\t1\ncpuacct\t0\t1\t1\nmemory\t0\t1\t1\n"
                "pids\t0\t1\t1\n");
    return 0;
}

int proc_devices(struct seq *s, struct proc_ctx *c)
{
    seq_puts(s, "Character devices:\n  1 mem\n  5 /dev/tty\n  5 /dev/console\n  5 /dev/ptmx\n"
                "136 pts\n\nBlock devices:\n");
    return 0;
}

int proc_partitions(struct seq *s, struct proc_ctx *c)
{
    seq_puts(s, "major minor  #blocks  name\n\n");
    return 0;
}

int proc_swaps(struct seq *s, struct proc_ctx *c)
{
    seq_puts(s, "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
    return 0;
}

/* Those of devices are the platform's own, and nothing is put off to a "soft" one (arg 1):
 * no line but the head. */
int proc_interrupts(struct seq *s, struct proc_ctx *c)
{
    seq_puts(s, c->arg ? "            " : "    ");
    for (unsigned k = 0; k < plat_ncpus(); k++)
        seq_printf(s, "       CPU%-4u", k);
    seq_puts(s, "\n");
    return 0;
}

int proc_sysvipc(struct seq *s, struct proc_ctx *c)
{
    static const char *const heads[] = {
        "       key      msqid perms      cbytes       qnum lspid lrpid   uid   gid  cuid  cgid"
        "      stime      rtime      ctime\n",
        "       key      semid perms      nsems   uid   gid  cuid  cgid      otime      ctime\n",
        "       key      shmid perms                  size  cpid  lpid nattch   uid   gid  cuid"
        "  cgid      atime      dtime      ctime                   rss                  swap\n",
    };

    seq_puts(s, heads[c->arg]);
    ipc_text((enum ipc_kind)c->arg, s);
    return 0;
}

/* -- memory -- */

/* Programs' memory that has been brought in. */
static u64 programs_bytes(void)
{
    u64 sum = 0;
    int pid = 0;

    for (;;) {
        struct proc *p, *best = NULL;
        struct task *t;
        struct mm *mm;

        mutex_lock(&procs_lock);
        list_for_each(p, &procs_all, all_link)
            if (p->pid > pid && (!best || p->pid < best->pid))
                best = p;
        pid = best ? best->pid : 0;
        mutex_unlock(&procs_lock);
        if (!pid)
            return sum;
        t = task_by_id(pid);
        mm = t ? task_mm_get(t) : NULL;
        if (mm) {
            sum += mm_resident(mm);
            mm_put(mm);
        }
        if (t)
            task_put(t);
    }
}

static void line(struct seq *s, const char *name, u64 bytes)
{
    char label[24];

    snprintf(label, sizeof label, "%s:", name);
    seq_printf(s, "%-15s %8llu kB\n", label, (unsigned long long)bytes >> 10);
}

int proc_meminfo(struct seq *s, struct proc_ctx *c)
{
    u64 total = kmem_total_bytes(), kfree_bytes = kmem_free_bytes(), used = programs_bytes();
    /* Programs' memory is the host's, but counts against the same limit. */
    u64 avail = plat_anon_in_heap() ? kfree_bytes : kfree_bytes > used ? kfree_bytes - used : 0;
    u64 cached = filecache_bytes();

    line(s, "MemTotal", total);
    line(s, "MemFree", avail);
    line(s, "MemAvailable", min(avail + cached, total));
    line(s, "Buffers", 0);
    line(s, "Cached", cached);
    line(s, "SwapCached", 0);
    line(s, "Active", used);
    line(s, "Inactive", 0);
    line(s, "Active(anon)", used);
    line(s, "Inactive(anon)", 0);
    line(s, "Active(file)", cached);
    line(s, "Inactive(file)", 0);
    line(s, "Unevictable", 0);
    line(s, "Mlocked", 0);
    line(s, "SwapTotal", 0);
    line(s, "SwapFree", 0);
    line(s, "Dirty", 0);
    line(s, "Writeback", 0);
    line(s, "AnonPages", used);
    line(s, "Mapped", 0);
    line(s, "Shmem", 0);
    line(s, "KReclaimable", 0);
    line(s, "Slab", total - kfree_bytes);
    line(s, "SReclaimable", 0);
    line(s, "SUnreclaim", total - kfree_bytes);
    line(s, "KernelStack", (u64)task_count() * 16384);
    line(s, "PageTables", 0);
    line(s, "CommitLimit", total);
    line(s, "Committed_AS", used);
    line(s, "VmallocTotal", 0);
    line(s, "VmallocUsed", 0);
    line(s, "VmallocChunk", 0);
    seq_puts(s, "HugePages_Total:       0\nHugePages_Free:        0\nHugePages_Rsvd:        0\n"
                "HugePages_Surp:        0\nHugepagesize:       2048 kB\n");
    return 0;
}

int proc_vmstat(struct seq *s, struct proc_ctx *c)
{
    u64 faults;
    struct proc *p;
    struct task *t;

    mutex_lock(&procs_lock);
    faults = faults_gone;
    list_for_each(p, &procs_all, all_link)
        list_for_each(t, &p->threads, proc_link)
            faults += t->state == TASK_ZOMBIE ? 0 : t->minflt;
    mutex_unlock(&procs_lock);
    seq_printf(s, "nr_free_pages %llu\nnr_anon_pages %llu\npgpgin 0\npgpgout 0\npswpin 0\n"
               "pswpout 0\npgfault %llu\npgmajfault 0\noom_kill %llu\n",
               (unsigned long long)(kmem_free_bytes() / PAGE_SIZE),
               (unsigned long long)(mm_anon_bytes() / PAGE_SIZE), (unsigned long long)faults,
               (unsigned long long)READ_ONCE(oom_counts.kills));
    return 0;
}

/* -- uuid -- */

static void uuid_text(struct seq *s, u8 b[16])
{
    b[6] = (u8)((b[6] & 0x0f) | 0x40);  /* RFC 4122: random */
    b[8] = (u8)((b[8] & 0x3f) | 0x80);
    for (int k = 0; k < 16; k++)
        seq_printf(s, k == 4 || k == 6 || k == 8 || k == 10 ? "-%02x" : "%02x", b[k]);
    seq_puts(s, "\n");
}

/* arg 0: a new one each time; 1: this boot's. */
int proc_uuid(struct seq *s, struct proc_ctx *c)
{
    static struct spinlock lock;
    static u8 boot[16];
    static bool made;
    u8 fresh[16];

    random_bytes(fresh, sizeof fresh);
    spin_lock(&lock);
    if (!made)
        memcpy(boot, fresh, sizeof boot);
    made = true;
    if (c->arg)
        memcpy(fresh, boot, sizeof fresh);
    spin_unlock(&lock);
    uuid_text(s, fresh);
    return 0;
}
