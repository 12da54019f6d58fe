/* /proc/cpuinfo, stat, uptime, loadavg. */
#include "procfs.h"
#include "cpuid.h"
#include "plat.h"
#include "time.h"

#define TICKS(ns) ((unsigned long long)((ns) / (NSEC_PER_SEC / 100)))

static void print_flags(struct seq *s)
{
    static const struct { u32 leaf, sub; u8 reg, bit; const char *name; } bits[] = {
#define F(leaf, sub, reg, bit, name) { leaf, sub, reg, bit, name },
#include "cpuflags.def"
#undef F
    };
    u32 r[4] = { 0 }, leaf = ~0u, sub = ~0u;

    for (u32 k = 0; k < ARRAY_SIZE(bits); k++) {
        if (bits[k].leaf != leaf || bits[k].sub != sub) {
            leaf = bits[k].leaf;
            sub = bits[k].sub;
            if (leaf <= cpuid_max(leaf))
                cpuid_read(leaf, sub, r);
            else
                memset(r, 0, sizeof r);
        }
        if (r[bits[k].reg] >> bits[k].bit & 1)
            seq_printf(s, " %s", bits[k].name);
    }
}

struct cpu { char vendor[13], model[49]; u32 family, mod, stepping, level, cache_kb; };

static void identify(struct cpu *c)
{
    u32 r[4];

    memset(c, 0, sizeof *c);
    cpuid_read(0, 0, r);
    c->level = r[0];
    memcpy(c->vendor, &r[1], 4);
    memcpy(c->vendor + 4, &r[3], 4);
    memcpy(c->vendor + 8, &r[2], 4);
    cpuid_read(1, 0, r);
    c->stepping = r[0] & 15;
    c->family = r[0] >> 8 & 15;
    c->mod = r[0] >> 4 & 15;
    if (c->family == 15 || c->family == 6)
        c->mod += (r[0] >> 16 & 15) << 4;
    if (c->family == 15)
        c->family += r[0] >> 20 & 0xff;
    for (u32 k = 0; k < 3 && cpuid_max(0x80000000) >= 0x80000004; k++) {
        cpuid_read(0x80000002 + k, 0, r);
        memcpy(c->model + 16 * k, r, 16);
    }
    if (cpuid_max(0x80000000) >= 0x80000006) {
        cpuid_read(0x80000006, 0, r);
        c->cache_kb = r[2] >> 16;
    }
}

int proc_cpuinfo(struct seq *s, struct proc_ctx *ctx)
{
    unsigned n = plat_ncpus();
    struct cpu c;
    u32 r[4] = { 0 };
    const char *model;

    identify(&c);
    for (model = c.model; *model == ' '; model++)
        ;
    if (c.level >= 0x16)
        cpuid_read(0x16, 0, r);         /* base frequency in MHz */
    for (unsigned k = 0; k < n; k++) {
        seq_printf(s, "processor\t: %u\nvendor_id\t: %s\ncpu family\t: %u\nmodel\t\t: %u\n"
                   "model name\t: %s\nstepping\t: %u\n", k, c.vendor, c.family, c.mod,
                   *model ? model : "unknown", c.stepping);
        if (r[0] & 0xffff)
            seq_printf(s, "cpu MHz\t\t: %u.000\n", r[0] & 0xffff);
        seq_printf(s, "cache size\t: %u KB\nphysical id\t: 0\nsiblings\t: %u\ncore id\t\t: %u\n"
                   "cpu cores\t: %u\napicid\t\t: %u\ninitial apicid\t: %u\nfpu\t\t: yes\n"
                   "fpu_exception\t: yes\ncpuid level\t: %u\nwp\t\t: yes\nflags\t\t:", c.cache_kb,
                   n, k, n, k, k, c.level);
        print_flags(s);
        seq_puts(s, "\nclflush size\t: 64\ncache_alignment\t: 64\npower management:\n\n");
    }
    return 0;
}

/* -- time -- */

struct totals { u64 user, sys, switches, made; u32 running, blocked; };

static void sum_up(struct totals *z)
{
    struct kusage u;
    struct proc *p;
    struct task *t;

    memset(z, 0, sizeof *z);
    mutex_lock(&procs_lock);
    z->made = tasks_made + 1;           /* the first one was not */
    z->switches = switches_gone;
    list_for_each(p, &procs_all, all_link) {
        proc_usage(p, &u);
        z->user += u.utime + p->cutime;
        z->sys += u.stime + p->cstime;
        list_for_each(t, &p->threads, proc_link) {
            u32 state = READ_ONCE(t->state);

            if (state == TASK_ZOMBIE)
                continue;
            z->switches += t->counts.nvcsw + t->counts.nivcsw;
            z->running += state == TASK_RUNNING;
            z->blocked += state == TASK_DSLEEP;
        }
    }
    mutex_unlock(&procs_lock);
}

static void cpu_line(struct seq *s, const char *name, u64 user, u64 sys, u64 idle)
{
    seq_printf(s, "%s %llu 0 %llu %llu 0 0 0 0 0 0\n", name, TICKS(user), TICKS(sys),
               TICKS(idle));
}

int proc_stat(struct seq *s, struct proc_ctx *c)
{
    u64 up = time_mono() - time_boot(), n = plat_ncpus(), all = up * n, idle;
    struct totals z;
    char name[12];

    sum_up(&z);
    idle = all > z.user + z.sys ? all - z.user - z.sys : 0;
    cpu_line(s, "cpu ", z.user, z.sys, idle);
    for (u64 k = 0; k < n; k++) {       /* which CPU it was is the host's knowledge */
        snprintf(name, sizeof name, "cpu%u", (unsigned)k);
        cpu_line(s, name, z.user / n, z.sys / n, idle / n);
    }
    seq_printf(s, "intr 0\nctxt %llu\nbtime %llu\nprocesses %llu\nprocs_running %u\n"
               "procs_blocked %u\nsoftirq 0\n", (unsigned long long)z.switches,
               (unsigned long long)((time_real() - up) / NSEC_PER_SEC),
               (unsigned long long)z.made, z.running, z.blocked);
    return 0;
}

int proc_uptime(struct seq *s, struct proc_ctx *c)
{
    u64 up = time_mono() - time_boot(), idle;
    struct totals z;

    sum_up(&z);
    idle = up * plat_ncpus();
    idle = idle > z.user + z.sys ? idle - z.user - z.sys : 0;
    up /= NSEC_PER_SEC / 100;
    idle /= NSEC_PER_SEC / 100;
    seq_printf(s, "%llu.%02llu %llu.%02llu\n", (unsigned long long)up / 100,
               (unsigned long long)up % 100, (unsigned long long)idle / 100,
               (unsigned long long)idle % 100);
    return 0;
}

/* -- load: decays as Linux's does, but is looked at only when somebody asks -- */

enum { LOAD_ONE = 2048 };       /* 1.0 */

static u64 decayed(u64 load, u64 active, u64 factor, u64 periods)
{
    for (; periods && load != active; periods--)
        load = (load * factor + active * (LOAD_ONE - factor)) / LOAD_ONE;
    return load;
}

static void load_now(u64 running, u64 load_r[3])
{
    /* 2048 * exp(-5 s / 1, 5, 15 min) */
    static const u64 factor[3] = { 1884, 2014, 2037 };
    static struct spinlock lock;
    static u64 load[3], last;
    u64 now = time_mono(), periods;

    spin_lock(&lock);
    if (!last)
        last = time_boot();
    periods = (now - min(last, now)) / (5 * NSEC_PER_SEC);
    last += periods * 5 * NSEC_PER_SEC;
    for (int k = 0; k < 3; k++)
        load[k] = decayed(load[k], running * LOAD_ONE, factor[k], min(periods, 2000ul));
    memcpy(load_r, load, sizeof load);
    spin_unlock(&lock);
}

int proc_loadavg(struct seq *s, struct proc_ctx *c)
{
    struct totals z;
    u64 load[3];
    int last = 0;
    struct proc *p;

    sum_up(&z);
    load_now(z.running + z.blocked - (z.running > 0), load);    /* not who asks */
    for (int k = 0; k < 3; k++) {
        u64 v = load[k] * 100 / LOAD_ONE;

        seq_printf(s, "%llu.%02llu ", (unsigned long long)v / 100, (unsigned long long)v % 100);
    }
    mutex_lock(&procs_lock);
    if (!list_empty(&procs_all)) {
        p = list_entry(procs_all.prev, struct proc, all_link);
        last = pid_nr_in(c->ns, p->pid);
    }
    mutex_unlock(&procs_lock);
    seq_printf(s, "%u/%d %d\n", z.running, task_count(), last);
    return 0;
}
