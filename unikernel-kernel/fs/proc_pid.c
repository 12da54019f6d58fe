/* /proc/PID: one process in text. */
#include "procfs.h"
#include "ptrace.h"
#include <asm/resource.h>
#include <linux/mman.h>
#include "mm.h"
#include "time.h"
#include "tty.h"

#define TICKS(ns) ((unsigned long long)((ns) / (NSEC_PER_SEC / 100)))

/* What is asked for often, gathered once under the process lock. */
struct snapshot {
    int pid, tid, ppid, pgid, sid, tty, tpgid, tracer;
    u32 nthreads;
    struct kusage use;
    u64 cutime, cstime, cminflt, vsize, rss, rss_peak, peak;
    char state;
};

static char state_of(struct task *t)
{
    struct proc *p = t->proc;

    if (p->zombie || t->state == TASK_ZOMBIE)
        return 'Z';
    if (t->state == TASK_TRACED)
        return 't';
    if (p->stopped || t->state == TASK_STOPPED)
        return 'T';
    switch (READ_ONCE(t->state)) {
    case TASK_SLEEPING: return 'S';
    case TASK_DSLEEP: return 'D';
    case TASK_DEAD: return 'X';
    default: return 'R';
    }
}

static void thread_usage(struct task *t, struct kusage *u)
{
    *u = (struct kusage){ .minflt = t->minflt, .counts = t->counts };
    task_times(t, &u->utime, &u->stime);
}

static void take(struct proc_ctx *c, struct snapshot *s)
{
    struct task *t = c->task;
    struct proc *p = t->proc;
    struct mm *mm;

    memset(s, 0, sizeof *s);
    mutex_lock(&procs_lock);
    s->pid = pid_nr_in(c->ns, p->pid);
    s->tid = pid_nr_in(c->ns, t->tid);
    s->ppid = p->parent ? pid_nr_in(c->ns, p->parent->pid) : 0;
    s->pgid = pid_nr_in(c->ns, p->pgid);
    if (task_traced(t))
        s->tracer = pid_nr_in(c->ns, t->ptrace->tracer->pid);
    if (p->session) {
        s->sid = pid_nr_in(c->ns, p->session->sid);
        s->tty = (int)session_tty_dev(p->session);
        s->tpgid = pid_nr_in(c->ns, session_tty_pgrp(p->session));
    }
    s->nthreads = p->nthreads;
    if (c->thread)
        thread_usage(t, &s->use);
    else
        proc_usage(p, &s->use);
    s->cutime = p->cutime;
    s->cstime = p->cstime;
    s->cminflt = p->cminflt;
    s->state = state_of(t);
    mutex_unlock(&procs_lock);
    mm = task_mm_get(t);
    if (mm) {
        s->vsize = mm->total;
        s->peak = mm->peak;
        s->rss = mm_resident(mm);
        s->rss_peak = mm_resident_peak(mm);
        mm_put(mm);
    }
}

static void signal_sets(struct task *t, u64 *pending, u64 *shared, u64 *ignored, u64 *caught)
{
    struct sighand *h = t->sighand;

    *ignored = *caught = 0;
    spin_lock(&h->lock);
    *pending = t->pending.set;
    *shared = t->proc->pending.set;
    for (int k = 0; k < 64; k++) {
        u64 handler = h->action[k].handler;

        if (handler == 1)
            *ignored |= 1ull << k;
        else if (handler)
            *caught |= 1ull << k;
    }
    spin_unlock(&h->lock);
}

int proc_pid_stat(struct seq *s, struct proc_ctx *c)
{
    struct task *t = c->task;
    u64 start = c->thread ? t->start_time : t->proc->start_time;
    u64 pend, shpend, ign, caught;
    struct snapshot p;
    struct mm *mm = proc_may_inspect(t) ? task_mm_get(t) : NULL;

    take(c, &p);
    signal_sets(t, &pend, &shpend, &ign, &caught);
    seq_printf(s, "%d (%s) %c %d %d %d %d %d 0 %llu %llu 0 0 ", c->thread ? p.tid : p.pid,
               t->comm, p.state, p.ppid, p.pgid, p.sid, p.tty, p.tty ? p.tpgid : -1,
               (unsigned long long)p.use.minflt, (unsigned long long)p.cminflt);
    seq_printf(s, "%llu %llu %llu %llu %d %d %u 0 %llu %llu %llu %llu ", TICKS(p.use.utime),
               TICKS(p.use.stime), TICKS(p.cutime), TICKS(p.cstime),
               t->rt_prio ? -1 - t->rt_prio : 20 + t->nice, t->nice, p.nthreads,
               TICKS(start - min(start, time_boot())), (unsigned long long)p.vsize,
               (unsigned long long)(p.rss / PAGE_SIZE),
               (unsigned long long)READ_ONCE(t->proc->rlim[RLIMIT_RSS].cur));
    seq_printf(s, "%llu %llu %llu 0 0 ", (unsigned long long)(mm ? mm->code_start : 1),
               (unsigned long long)(mm ? mm->code_end : 1),
               (unsigned long long)(mm ? mm->stack_top : 0));
    seq_printf(s, "%llu %llu %llu %llu 0 0 0 %d 0 %d %d 0 0 0 ", (unsigned long long)pend,
               (unsigned long long)t->blocked, (unsigned long long)ign,
               (unsigned long long)caught, t->proc->exit_signal, t->rt_prio, t->policy);
    seq_printf(s, "%llu %llu %llu %llu %llu %llu %llu %d\n",
               (unsigned long long)(mm ? mm->data_start : 0),
               (unsigned long long)(mm ? mm->data_end : 0),
               (unsigned long long)(mm ? mm->brk_start : 0),
               (unsigned long long)(mm ? mm->arg_start : 0),
               (unsigned long long)(mm ? mm->arg_end : 0),
               (unsigned long long)(mm ? mm->env_start : 0),
               (unsigned long long)(mm ? mm->env_end : 0), p.state == 'Z' ? t->exit_code : 0);
    if (mm)
        mm_put(mm);
    return 0;
}

struct sizes {
    struct mm *mm;              /* NULL: what is present is not asked */
    u64 data, stack, exe, lib;
    u64 anon, file;             /* present */
};

static void add_size(const struct vma *v, void *arg)
{
    struct sizes *z = arg;
    u64 len = v->end - v->start;

    if (z->mm)
        *(v->src.kind == SRC_ANON ? &z->anon : &z->file) += mm_resident_in(z->mm, v->start, v->end);
    if (v->name && !strcmp(v->name, "[stack]"))
        z->stack += len;
    else if (v->prot & PROT_EXEC)
        z->exe += len;
    else if (v->prot & PROT_WRITE && !(v->flags & MAP_SHARED))
        z->data += len;
}

static void status_memory(struct seq *s, struct task *t, const struct snapshot *p)
{
    struct sizes z = { 0 };
    struct mm *mm = task_mm_get(t);
    u64 exe;

    if (!mm)
        return;
    z.mm = mm;
    mm_for_each(mm, add_size, &z);
    exe = min(z.exe, PAGE_UP(mm->code_end) - PAGE_DOWN(mm->code_start));
    seq_printf(s, "VmPeak:\t%8llu kB\nVmSize:\t%8llu kB\nVmLck:\t%8llu kB\nVmPin:\t       0 kB\n",
               (unsigned long long)max(p->peak, p->vsize) >> 10, (unsigned long long)p->vsize >> 10,
               (unsigned long long)mm_locked_bytes(mm) >> 10);
    seq_printf(s, "VmHWM:\t%8llu kB\nVmRSS:\t%8llu kB\n", (unsigned long long)p->rss_peak >> 10,
               (unsigned long long)p->rss >> 10);
    seq_printf(s, "RssAnon:\t%8llu kB\nRssFile:\t%8llu kB\nRssShmem:\t       0 kB\n",
               (unsigned long long)z.anon >> 10, (unsigned long long)z.file >> 10);
    seq_printf(s, "VmData:\t%8llu kB\nVmStk:\t%8llu kB\nVmExe:\t%8llu kB\nVmLib:\t%8llu kB\n",
               (unsigned long long)z.data >> 10, (unsigned long long)z.stack >> 10,
               (unsigned long long)exe >> 10, (unsigned long long)(z.exe - exe) >> 10);
    seq_puts(s, "VmPTE:\t       0 kB\nVmSwap:\t       0 kB\n");
    mm_put(mm);
}

static void status_creds(struct seq *s, const struct cred *c)
{
    seq_printf(s, "Uid:\t%u\t%u\t%u\t%u\nGid:\t%u\t%u\t%u\t%u\n", c->uid, c->euid, c->suid,
               c->fsuid, c->gid, c->egid, c->sgid, c->fsgid);
}

static u32 open_table_size(struct task *t)
{
    struct fdtable *f = task_files_get(t);
    u32 n = f ? f->size : 0;

    if (f)
        fdtable_put(f);
    return n;
}

static void status_signals(struct seq *s, struct task *t)
{
    u64 pend, shpend, ign, caught;

    signal_sets(t, &pend, &shpend, &ign, &caught);
    seq_printf(s, "SigQ:\t0/%llu\n",
               (unsigned long long)READ_ONCE(t->proc->rlim[RLIMIT_SIGPENDING].cur));
    seq_printf(s, "SigPnd:\t%016llx\nShdPnd:\t%016llx\nSigBlk:\t%016llx\nSigIgn:\t%016llx\n"
               "SigCgt:\t%016llx\n", (unsigned long long)pend, (unsigned long long)shpend,
               (unsigned long long)t->blocked, (unsigned long long)ign,
               (unsigned long long)caught);
}

static const char *state_name(char c)
{
    switch (c) {
    case 'S': return "S (sleeping)";
    case 'D': return "D (disk sleep)";
    case 'T': return "T (stopped)";
    case 't': return "t (tracing stop)";
    case 'Z': return "Z (zombie)";
    case 'X': return "X (dead)";
    default: return "R (running)";
    }
}

static void cpu_list(struct seq *s, u64 mask)
{
    unsigned n = plat_ncpus();
    u64 all = n >= 64 ? ~0ull : (1ull << n) - 1;

    mask = mask & all ? mask & all : all;
    seq_printf(s, "Cpus_allowed:\t%llx\nCpus_allowed_list:\t", (unsigned long long)mask);
    for (unsigned k = 0, first = 1; k < 64; k++) {
        unsigned end = k;

        if (!(mask >> k & 1))
            continue;
        while (end + 1 < 64 && mask >> (end + 1) & 1)
            end++;
        seq_printf(s, first ? "%u" : ",%u", k);
        if (end > k)
            seq_printf(s, "-%u", end);
        first = 0;
        k = end;
    }
    seq_puts(s, "\n");
}

static void levels(struct seq *s, const char *name, const struct pid_ns *from, int id)
{
    int nr[PID_LEVELS_MAX + 1];
    u32 n = pid_levels(id, from, nr, ARRAY_SIZE(nr));

    seq_puts(s, name);
    for (u32 k = 0; k < n; k++)
        seq_printf(s, "\t%d", nr[k]);
}

/* Its numbers in all namespaces that the reader may know. */
static void status_numbers(struct seq *s, struct proc_ctx *c)
{
    const struct proc *p = c->task->proc;
    int pgid, sid;

    mutex_lock(&procs_lock);
    pgid = p->pgid;
    sid = p->session ? p->session->sid : 0;
    mutex_unlock(&procs_lock);
    levels(s, "\nNStgid:", c->ns, p->pid);
    levels(s, "\nNSpid:", c->ns, c->task->tid);
    levels(s, "\nNSpgid:", c->ns, pgid);
    levels(s, "\nNSsid:", c->ns, sid);
    seq_puts(s, "\n");
}

int proc_status(struct seq *s, struct proc_ctx *ctx)
{
    struct task *t = ctx->task;
    struct cred *c = task_cred_get(t);
    struct snapshot p;
    struct fsctx *fs = task_fs_get(t);

    take(ctx, &p);
    seq_printf(s, "Name:\t%s\n", t->comm);
    if (fs) {
        seq_printf(s, "Umask:\t%04o\n", fs->umask);
        fsctx_put(fs);
    }
    seq_printf(s, "State:\t%s\nTgid:\t%d\nNgid:\t0\nPid:\t%d\nPPid:\t%d\nTracerPid:\t%d\n",
               state_name(p.state), p.pid, p.tid, p.ppid, p.tracer);
    status_creds(s, c);
    seq_printf(s, "FDSize:\t%u\nGroups:\t", open_table_size(t));
    for (u32 k = 0; k < c->ngroups; k++)
        seq_printf(s, "%u ", c->groups[k]);
    status_numbers(s, ctx);
    status_memory(s, t, &p);
    seq_printf(s, "CoreDumping:\t0\nTHP_enabled:\t1\nThreads:\t%u\n", p.nthreads);
    status_signals(s, t);
    seq_printf(s, "CapInh:\t%016llx\nCapPrm:\t%016llx\nCapEff:\t%016llx\nCapBnd:\t%016llx\n"
               "CapAmb:\t%016llx\n", (unsigned long long)c->cap_inh,
               (unsigned long long)c->cap_perm, (unsigned long long)c->cap_eff,
               (unsigned long long)c->cap_bset, (unsigned long long)c->cap_amb);
    seq_printf(s, "NoNewPrivs:\t%d\nSeccomp:\t%d\nSpeculation_Store_Bypass:\tunknown\n",
               t->no_new_privs, seccomp_mode(t));
    cpu_list(s, t->cpu_affinity);
    seq_puts(s, "Mems_allowed:\t1\nMems_allowed_list:\t0\n");
    seq_printf(s, "voluntary_ctxt_switches:\t%llu\nnonvoluntary_ctxt_switches:\t%llu\n",
               (unsigned long long)t->counts.nvcsw, (unsigned long long)t->counts.nivcsw);
    cred_put(c);
    return 0;
}

int proc_statm(struct seq *s, struct proc_ctx *c)
{
    struct sizes z = { 0 };
    struct mm *mm = task_mm_get(c->task);

    if (!mm) {
        seq_puts(s, "0 0 0 0 0 0 0\n");
        return 0;
    }
    mm_for_each(mm, add_size, &z);
    seq_printf(s, "%llu %llu 0 %llu 0 %llu 0\n", (unsigned long long)(mm->total / PAGE_SIZE),
               (unsigned long long)(mm_resident(mm) / PAGE_SIZE),
               (unsigned long long)(z.exe / PAGE_SIZE),
               (unsigned long long)((z.data + z.stack) / PAGE_SIZE));
    mm_put(mm);
    return 0;
}
