/* /proc/PID/maps, smaps and smaps_rollup. */
#include "procfs.h"
#include <linux/mman.h>
#include <linux/limits.h>
#include "mm.h"

struct maps {
    struct seq *s;
    struct mm *mm;
    char *name;                 /* PATH_MAX */
    bool details;
    u64 size, rss, locked;              /* of all */
    u64 first, last;
};

static void map_line(struct maps *m, const struct vma *v)
{
    struct seq *s = m->s;
    size_t from = s->len;
    u64 dev = 0, ino = 0;
    const char *name = v->name;

    if (v->file && v->file->inode) {
        dev = v->file->inode->sb->dev;
        ino = v->file->inode->ino;
        name = v->file->path.mnt ? path_name(&v->file->path, m->name, PATH_MAX)
                                 : v->file->anon_name;
    }
    seq_printf(s, "%08llx-%08llx %c%c%c%c %08llx %02x:%02x %llu ", (unsigned long long)v->start,
               (unsigned long long)v->end, v->prot & PROT_READ ? 'r' : '-',
               v->prot & PROT_WRITE ? 'w' : '-', v->prot & PROT_EXEC ? 'x' : '-',
               v->flags & MAP_SHARED ? 's' : 'p', (unsigned long long)(v->file ? v->off : 0),
               DEV_MAJOR(dev), DEV_MINOR(dev), (unsigned long long)ino);
    if (name) {
        while (s->len - from < 73 && !s->failed)
            seq_puts(s, " ");
        for (; *name; name++) {
            if (*name == '\n')
                seq_puts(s, "\\012");
            else
                seq_put(s, name, 1);
        }
    }
    seq_puts(s, "\n");
}

static void sizes(struct seq *s, u64 size, u64 rss, u64 locked, bool anon, bool dirty)
{
    unsigned long long k = rss >> 10;

    if (size)
        seq_printf(s, "Size:           %8llu kB\nKernelPageSize:        4 kB\n"
                   "MMUPageSize:           4 kB\n", (unsigned long long)size >> 10);
    seq_printf(s, "Rss:            %8llu kB\nPss:            %8llu kB\n"
               "Shared_Clean:          0 kB\nShared_Dirty:          0 kB\n", k, k);
    seq_printf(s, "Private_Clean:  %8llu kB\nPrivate_Dirty:  %8llu kB\n"
               "Referenced:     %8llu kB\nAnonymous:      %8llu kB\n", dirty ? 0 : k,
               dirty ? k : 0, k, anon ? k : 0);
    seq_puts(s, "LazyFree:              0 kB\nAnonHugePages:         0 kB\n"
                "ShmemPmdMapped:        0 kB\nFilePmdMapped:         0 kB\n"
                "Shared_Hugetlb:        0 kB\nPrivate_Hugetlb:       0 kB\n"
                "Swap:                  0 kB\nSwapPss:               0 kB\n");
    seq_printf(s, "Locked:         %8llu kB\n", (unsigned long long)locked >> 10);
}

/* What it allows, in Linux's letters: now, and what mprotect may make of it. */
static void flag_letters(struct seq *s, const struct vma *v)
{
    seq_printf(s, "VmFlags:%s%s%s%s mr mw me%s%s\n", v->prot & PROT_READ ? " rd" : "",
               v->prot & PROT_WRITE ? " wr" : "", v->prot & PROT_EXEC ? " ex" : "",
               v->flags & MAP_SHARED ? " sh" : "", v->flags & MAP_GROWSDOWN ? " gd" : "",
               v->flags & MAP_LOCKED ? " lo" : "");
}

static void one_map(const struct vma *v, void *arg)
{
    struct maps *m = arg;
    u64 rss = m->details ? mm_resident_in(m->mm, v->start, v->end) : 0;

    if (m->first == ~0ull)
        m->first = v->start;
    m->last = v->end;
    m->size += v->end - v->start;
    m->rss += rss;
    m->locked += v->flags & MAP_LOCKED ? rss : 0;
    if (!m->s)
        return;
    map_line(m, v);
    if (m->details) {
        sizes(m->s, v->end - v->start, rss, v->flags & MAP_LOCKED ? rss : 0,
              v->src.kind == SRC_ANON, v->prot & PROT_WRITE);
        flag_letters(m->s, v);
    }
}

/* Calls fn for each mapping of c's task, with m filled in. */
static int each_map(struct proc_ctx *c, struct maps *m,
                    void (*fn)(const struct vma *v, void *maps))
{
    if (!proc_may_inspect(c->task))
        return -EACCES;
    m->mm = task_mm_get(c->task);
    if (!m->mm)
        return 0;
    m->name = kmalloc(PATH_MAX);
    if (m->name)
        mm_for_each(m->mm, fn, m);
    mm_put(m->mm);
    if (!m->name)
        return -ENOMEM;
    kfree(m->name);
    return 0;
}

static int show_maps(struct seq *s, struct proc_ctx *c, bool details, bool rollup)
{
    struct maps m = { .s = rollup ? NULL : s, .details = details, .first = ~0ull };
    int r = each_map(c, &m, one_map);

    if (r == 0 && rollup && m.mm) {
        seq_printf(s, "%08llx-%08llx ---p 00000000 00:00 0 %*s[rollup]\n",
                   (unsigned long long)(m.last ? m.first : 0), (unsigned long long)m.last, 24, "");
        sizes(s, 0, m.rss, m.locked, true, true);
    }
    return r;
}

int proc_maps(struct seq *s, struct proc_ctx *c) { return show_maps(s, c, false, false); }
int proc_smaps(struct seq *s, struct proc_ctx *c) { return show_maps(s, c, true, c->arg); }

/* One node has it all. */
static void numa_line(const struct vma *v, void *arg)
{
    struct maps *m = arg;
    unsigned long long n = mm_resident_in(m->mm, v->start, v->end) / PAGE_SIZE;
    bool anon = v->src.kind == SRC_ANON;

    seq_printf(m->s, "%llx default", (unsigned long long)v->start);
    if (v->file && v->file->path.mnt)
        seq_printf(m->s, " file=%s", path_name(&v->file->path, m->name, PATH_MAX));
    else if (v->name && (!strcmp(v->name, "[stack]") || !strcmp(v->name, "[heap]")))
        seq_puts(m->s, v->name[1] == 's' ? " stack" : " heap");
    if (n && anon)
        seq_printf(m->s, " anon=%llu dirty=%llu", n, n);
    else if (n)
        seq_printf(m->s, " mapped=%llu", n);
    if (n)
        seq_printf(m->s, " N0=%llu kernelpagesize_kB=4", n);
    seq_puts(m->s, "\n");
}

int proc_numa_maps(struct seq *s, struct proc_ctx *c)
{
    struct maps m = { .s = s };

    return each_map(c, &m, numa_line);
}
