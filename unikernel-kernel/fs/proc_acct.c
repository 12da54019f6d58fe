/* /proc/PID: what a process has done, and what it is at. Counts are struct counts'. */
#include "procfs.h"
#include "mm.h"
#include "time.h"

/* Of one thread, or of a process with all its threads; with the children that it has
 * waited for, if asked. */
static struct counts counts_of(struct proc_ctx *c, bool children)
{
    struct kusage u = { 0 };

    if (c->thread) {
        counts_add(&u.counts, &c->task->counts);
        return u.counts;
    }
    mutex_lock(&procs_lock);
    proc_usage(c->task->proc, &u);
    if (children)
        counts_add(&u.counts, &c->task->proc->child_counts);
    mutex_unlock(&procs_lock);
    return u.counts;
}

/* What storage has seen is the host's knowledge: it keeps the pages. */
int proc_io(struct seq *s, struct proc_ctx *c)
{
    struct counts n;

    if (!proc_may_inspect(c->task))
        return -EACCES;
    n = counts_of(c, true);
    seq_printf(s, "rchar: %llu\nwchar: %llu\nsyscr: %llu\nsyscw: %llu\n",
               (unsigned long long)n.rchar, (unsigned long long)n.wchar,
               (unsigned long long)n.syscr, (unsigned long long)n.syscw);
    seq_puts(s, "read_bytes: 0\nwrite_bytes: 0\ncancelled_write_bytes: 0\n");
    return 0;
}

static u64 cpu_ns(struct task *t)
{
    return t->state == TASK_ZOMBIE ? t->utime + t->stime : plat_clock_cpu(t);
}

/* Time on a CPU, time waiting for one, turns; of the leader alone, as on Linux. The second
 * is not measured. */
int proc_schedstat(struct seq *s, struct proc_ctx *c)
{
    const struct counts *n = &c->task->counts;

    seq_printf(s, "%llu 0 %llu\n", (unsigned long long)cpu_ns(c->task),
               (unsigned long long)(n->nvcsw + n->nivcsw + 1));
    return 0;
}

static void sched_ms(struct seq *s, const char *name, u64 ns)
{
    seq_printf(s, "%-45s:%14llu.%06llu\n", name, (unsigned long long)(ns / 1000000),
               (unsigned long long)(ns % 1000000));
}

static void sched_number(struct seq *s, const char *name, u64 v)
{
    seq_printf(s, "%-45s:%21llu\n", name, (unsigned long long)v);
}

int proc_sched(struct seq *s, struct proc_ctx *c)
{
    struct task *t = c->task;
    const struct counts *n = &t->counts;

    seq_printf(s, "%s (%d, #threads: %u)\n", t->comm, t->tid, t->proc->nthreads);
    for (int k = 0; k < 67; k++)
        seq_puts(s, "-");
    seq_puts(s, "\n");
    sched_ms(s, "se.exec_start", time_mono() - time_boot());
    sched_ms(s, "se.sum_exec_runtime", cpu_ns(t));
    sched_number(s, "nr_switches", n->nvcsw + n->nivcsw);
    sched_number(s, "nr_voluntary_switches", n->nvcsw);
    sched_number(s, "nr_involuntary_switches", n->nivcsw);
    sched_number(s, "policy", (u64)t->policy);
    sched_number(s, "prio", (u64)(t->rt_prio ? 99 - t->rt_prio : 120 + t->nice));
    return 0;
}

/* The call that it sleeps in: number, arguments, stack and instruction pointer. */
int proc_syscall(struct seq *s, struct proc_ctx *c)
{
    struct task *t = c->task;
    const struct regs *r = t->regs;

    if (!proc_may_inspect(t))
        return -EPERM;
    if (!r || t->state == TASK_ZOMBIE || (t->state == TASK_RUNNING && t != current())) {
        seq_puts(s, "running\n");
        return 0;
    }
    if (r->nr == NO_SYSCALL) {
        seq_puts(s, "-1");
    } else {
        seq_printf(s, "%llu", (unsigned long long)r->nr);
        for (u32 k = 0; k < ARRAY_SIZE(r->arg); k++)
            seq_printf(s, " 0x%llx", (unsigned long long)r->arg[k]);
    }
    seq_printf(s, " 0x%llx 0x%llx\n", (unsigned long long)r->rsp, (unsigned long long)r->rip);
    return 0;
}
