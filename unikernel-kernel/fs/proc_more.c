/* /proc/PID: the smaller files. */
#include "procfs.h"
#include <asm/resource.h>
#include <linux/capability.h>
#include "mm.h"
#include "time.h"

/* -- names -- */

int proc_comm(struct seq *s, struct proc_ctx *c)
{
    seq_printf(s, "%s\n", c->task->comm);
    return 0;
}

int proc_set_comm(struct proc_ctx *c, const char *text, size_t n)
{
    if (c->task->proc != current()->proc)
        return -EINVAL;
    while (n && text[n - 1] == '\n')
        n--;
    n = min(n, sizeof c->task->comm - 1);
    memcpy(c->task->comm, text, n);
    c->task->comm[n] = 0;
    return 0;
}

/* The part of the program's memory that holds its arguments, if it is ours to read:
 * a program may have rewritten it (setproctitle). */
static bool own_text(struct seq *s, bool env)
{
    const struct mm *mm = current()->mm;
    u64 start = env ? mm->env_start : mm->arg_start, end = env ? mm->env_end : mm->arg_end;
    size_t n = end > start ? (size_t)min(end - start, 128ul << 10) : 0;
    char *buf = n ? kmalloc(n) : NULL;
    bool ok = buf && copy_from_user(buf, start, n) == 0;

    if (ok)
        seq_put(s, buf, n);
    kfree(buf);
    return ok;
}

/* arg 0: cmdline, 1: environ. Of others: as exec saw them. */
int proc_texts(struct seq *s, struct proc_ctx *c)
{
    struct proc *p = c->task->proc;
    size_t n, len = 4096;
    char *buf;

    if (c->arg && !proc_may_inspect(c->task))
        return -EACCES;
    if (!READ_ONCE(c->task->mm) || (p == current()->proc && own_text(s, c->arg)))
        return 0;
    for (;;) {
        buf = kmalloc(len);
        if (!buf)
            return -ENOMEM;
        n = proc_text_copy(p, c->arg, buf, len);
        if (n <= len)
            break;
        kfree(buf);
        len = n;
    }
    seq_put(s, buf, n);
    kfree(buf);
    return 0;
}

int proc_auxv(struct seq *s, struct proc_ctx *c)
{
    struct mm *mm;

    if (!proc_may_inspect(c->task))
        return -EACCES;
    mm = task_mm_get(c->task);
    if (!mm)
        return 0;
    seq_put(s, mm->auxv, min(mm->auxv_n, (u32)ARRAY_SIZE(mm->auxv)) * sizeof mm->auxv[0]);
    mm_put(mm);
    return 0;
}

/* -- limits and accounts -- */

static void limit_value(struct seq *s, u64 v)
{
    if (v == RLIM_INFINITY)
        seq_printf(s, "%-20s ", "unlimited");
    else
        seq_printf(s, "%-20llu ", (unsigned long long)v);
}

int proc_limits(struct seq *s, struct proc_ctx *c)
{
    static const struct { const char *name, *unit; } names[] = {
        [RLIMIT_CPU] = { "Max cpu time", "seconds" },
        [RLIMIT_FSIZE] = { "Max file size", "bytes" },
        [RLIMIT_DATA] = { "Max data size", "bytes" },
        [RLIMIT_STACK] = { "Max stack size", "bytes" },
        [RLIMIT_CORE] = { "Max core file size", "bytes" },
        [RLIMIT_RSS] = { "Max resident set", "bytes" },
        [RLIMIT_NPROC] = { "Max processes", "processes" },
        [RLIMIT_NOFILE] = { "Max open files", "files" },
        [RLIMIT_MEMLOCK] = { "Max locked memory", "bytes" },
        [RLIMIT_AS] = { "Max address space", "bytes" },
        [RLIMIT_LOCKS] = { "Max file locks", "locks" },
        [RLIMIT_SIGPENDING] = { "Max pending signals", "signals" },
        [RLIMIT_MSGQUEUE] = { "Max msgqueue size", "bytes" },
        [RLIMIT_NICE] = { "Max nice priority", NULL },
        [RLIMIT_RTPRIO] = { "Max realtime priority", NULL },
        [RLIMIT_RTTIME] = { "Max realtime timeout", "us" },
    };
    const struct proc *p = c->task->proc;

    seq_printf(s, "%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit", "Hard Limit", "Units");
    for (u32 k = 0; k < ARRAY_SIZE(names); k++) {
        seq_printf(s, "%-25s ", names[k].name);
        limit_value(s, READ_ONCE(p->rlim[k].cur));
        limit_value(s, READ_ONCE(p->rlim[k].max));
        if (names[k].unit)
            seq_printf(s, "%-10s", names[k].unit);
        seq_puts(s, "\n");
    }
    return 0;
}

int proc_oom_score_adj(struct seq *s, struct proc_ctx *c)
{
    seq_printf(s, "%d\n", c->task->proc->oom_score_adj);
    return 0;
}

/* The old scale: -17 (never) to 15. */
int proc_oom_adj(struct seq *s, struct proc_ctx *c)
{
    int adj = c->task->proc->oom_score_adj;

    seq_printf(s, "%d\n", adj == 1000 ? 15 : adj * 17 / 1000);
    return 0;
}

int proc_timerslack(struct seq *s, struct proc_ctx *c)
{
    seq_printf(s, "%u\n", c->task->timer_slack);
    return 0;
}

/* Linux's usual choice; core files are never written. */
int proc_coredump_filter(struct seq *s, struct proc_ctx *c)
{
    seq_puts(s, "00000033\n");
    return 0;
}

int proc_set_oom_score_adj(struct proc_ctx *c, const char *text, size_t n)
{
    bool neg = *text == '-';
    char *end;
    u64 v = strtou64(text + neg, &end, 10);
    int adj = neg ? -(int)min(v, 100000ul) : (int)min(v, 100000ul);

    while (*end == '\n' || *end == ' ')
        end++;
    if (end == text + neg || *end || adj < -1000 || adj > 1000)
        return -EINVAL;
    if (adj < c->task->proc->oom_score_adj && !capable(CAP_SYS_RESOURCE))
        return -EACCES;
    c->task->proc->oom_score_adj = adj;
    return 0;
}

/* Share of the container's memory in thousandths, and the adjustment. */
int proc_oom_score(struct seq *s, struct proc_ctx *c)
{
    struct mm *mm = task_mm_get(c->task);
    s64 score = c->task->proc->oom_score_adj;

    if (mm) {
        score += (s64)(mm_resident(mm) * 1000 / max(kmem_total_bytes(), 1ul));
        mm_put(mm);
    }
    seq_printf(s, "%lld\n", (long long)(score < 0 ? 0 : score > 2000 ? 2000 : score));
    return 0;
}

/* -- identity -- */

int proc_id_map(struct seq *s, struct proc_ctx *c)
{
    seq_puts(s, "         0          0 4294967295\n");
    return 0;
}

int proc_setgroups(struct seq *s, struct proc_ctx *c)
{
    seq_puts(s, "allow\n");
    return 0;
}

int proc_loginuid(struct seq *s, struct proc_ctx *c)
{
    seq_puts(s, "4294967295");
    return 0;
}

int proc_cgroup(struct seq *s, struct proc_ctx *c)
{
    seq_puts(s, "0::/\n");
    return 0;
}

int proc_personality(struct seq *s, struct proc_ctx *c)
{
    seq_printf(s, "%08x\n", c->task->personality);
    return 0;
}

int proc_wchan(struct seq *s, struct proc_ctx *c)
{
    seq_puts(s, "0");
    return 0;
}
