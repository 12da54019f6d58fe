/* Interval timers: setitimer(2), alarm(2); and the set of timers of a process. */
#include <asm/signal.h>
#include <asm/resource.h>
#include <linux/time.h>
#include "proc.h"
#include "timerset.h"

/* The most often a timer fires, whatever its interval: more are counted as missed. */
#define PERIOD_MIN 100000ull
u64 timer_advance(u64 when, u64 interval, u64 now, u32 *missed_r)
{
    u64 n = now > when ? (now - when) / interval : 0, next = when + (n + 1) * interval;

    if (next < now + PERIOD_MIN) {
        u64 more = (now + PERIOD_MIN - next + interval - 1) / interval;

        n += more;
        next += more * interval;
    }
    *missed_r = (u32)min(n, 0x7ffffffeull);
    return next;
}

/* -- ITIMER_REAL -- */

static void real_fired(struct ktimer *t)
{
    struct proc *p = container_of(t, struct proc, real_timer);
    u32 missed;

    if (p->real_interval)
        ktimer_set(t, timer_advance(t->when, p->real_interval, time_mono(), &missed));
    signal_send_proc(p, SIGALRM, NULL);
}

static void real_get(struct proc *p, struct itimer *it_r)
{
    u64 now = time_mono();

    it_r->interval = p->real_interval;
    /* an armed timer never reads as 0, even when it is just due */
    it_r->value = !p->real_timer.armed ? 0 : p->real_timer.when > now ? p->real_timer.when - now
                                                                     : 1000;
}

static void real_set(struct proc *p, const struct itimer *it)
{
    if (p->real_timer.fn) ktimer_cancel(&p->real_timer);
    else ktimer_init(&p->real_timer, real_fired);
    p->real_interval = it->interval;
    if (it->value) ktimer_set(&p->real_timer, time_mono() + it->value);
}

/* -- ITIMER_VIRTUAL, ITIMER_PROF: by a coarse tick -- */

static bool cpu_due(struct cpu_timer *c, u64 used)
{
    u32 missed;

    if (!c->at || used < c->at) return false;
    c->at = c->interval ? timer_advance(c->at, c->interval, used, &missed) : 0;
    return true;
}

/* RLIMIT_CPU: SIGXCPU at the soft limit and each second from there, SIGKILL at the hard one. */
static int limit_due(struct ktimer_set *s, u64 used)
{
    if (!s->limit_at || used < s->limit_at) return 0;
    s->limit_at = (used / NSEC_PER_SEC + 1) * NSEC_PER_SEC;
    return used / NSEC_PER_SEC >= READ_ONCE(s->proc->rlim[RLIMIT_CPU].max) ? SIGKILL : SIGXCPU;
}

/* When to look again; a limit alone can't be reached before all threads ran so long. */
static u64 next_tick(const struct ktimer_set *s, u64 used)
{
    if (s->virt.at || s->prof.at || s->limit_at <= used) return CPU_TICK;
    return max(CPU_TICK, (s->limit_at - used) / max(s->proc->nthreads, 1u));
}

static void cpu_tick(struct ktimer *t)
{
    struct ktimer_set *s = container_of(t, struct ktimer_set, tick);
    u64 used = proc_cpu_time(s->proc);
    bool virt, prof;
    int limit;

    spin_lock(&s->cpu_lock);
    virt = cpu_due(&s->virt, used);
    prof = cpu_due(&s->prof, used);
    limit = limit_due(s, used);
    if (s->virt.at || s->prof.at || s->limit_at)
        ktimer_set(t, time_mono() + next_tick(s, used));
    spin_unlock(&s->cpu_lock);
    if (limit) signal_send_proc(s->proc, limit, NULL);
    if (virt) signal_send_proc(s->proc, SIGVTALRM, NULL);
    if (prof) signal_send_proc(s->proc, SIGPROF, NULL);
}

struct ktimer_set *timer_set_get(struct proc *p)
{
    struct ktimer_set *s = __atomic_load_n(&p->ptimers, __ATOMIC_ACQUIRE), *none = NULL;

    if (s) return s;
    s = kzalloc(sizeof *s);
    if (!s) return NULL;
    s->proc = p;
    ktimer_init(&s->tick, cpu_tick);
    if (__atomic_compare_exchange_n(&p->ptimers, &none, s, false, __ATOMIC_ACQ_REL,
                                    __ATOMIC_ACQUIRE))
        return s;
    kfree(s);           /* another thread was quicker */
    return none;
}

static void cpu_get(const struct cpu_timer *c, u64 used, struct itimer *it_r)
{
    it_r->interval = c->interval;
    it_r->value = !c->at ? 0 : c->at > used ? c->at - used : 1000;
}

/* -- both -- */

int itimer_get(struct proc *p, int which, struct itimer *it_r)
{
    struct ktimer_set *s = READ_ONCE(p->ptimers);
    u64 used;

    *it_r = (struct itimer){ 0, 0 };
    if (which == ITIMER_REAL) {
        real_get(p, it_r);
        return 0;
    }
    if (which != ITIMER_VIRTUAL && which != ITIMER_PROF) return -EINVAL;
    if (!s) return 0;
    used = proc_cpu_time(p);
    spin_lock(&s->cpu_lock);
    cpu_get(which == ITIMER_PROF ? &s->prof : &s->virt, used, it_r);
    spin_unlock(&s->cpu_lock);
    return 0;
}

int itimer_set(struct proc *p, int which, const struct itimer *it, struct itimer *old_r)
{
    struct ktimer_set *s = timer_set_get(p);
    struct itimer old;
    struct cpu_timer *c;
    u64 used;
    int r;

    if (!s) return -ENOMEM;
    mutex_lock(&s->lock);
    r = itimer_get(p, which, &old);
    if (!r && old_r) *old_r = old;
    if (!r && which == ITIMER_REAL) {
        real_set(p, it);
    } else if (!r) {
        used = proc_cpu_time(p);
        spin_lock(&s->cpu_lock);
        c = which == ITIMER_PROF ? &s->prof : &s->virt;
        c->at = it->value ? used + it->value : 0;
        c->interval = it->interval;
        if (c->at) ktimer_set(&s->tick, time_mono() + min(CPU_TICK, it->value));
        spin_unlock(&s->cpu_lock);
    }
    mutex_unlock(&s->lock);
    return r;
}

void timers_cpu_limit(struct proc *p)
{
    u64 cur = p->rlim[RLIMIT_CPU].cur;
    bool any = cur < ~0ull / NSEC_PER_SEC;
    struct ktimer_set *s = p->zombie ? NULL : any ? timer_set_get(p) : READ_ONCE(p->ptimers);

    if (!s) return;                     /* no memory: then no limit */
    spin_lock(&s->cpu_lock);
    s->limit_at = any ? max(cur, 1ull) * NSEC_PER_SEC : 0;
    if (any) ktimer_set(&s->tick, time_mono() + CPU_TICK);
    spin_unlock(&s->cpu_lock);
}

void timers_exec(struct proc *p)
{
    if (p->ptimers) ptimer_delete_all(p->ptimers);
}

void timers_exit(struct proc *p)
{
    struct ktimer_set *s = p->ptimers;

    if (p->real_timer.fn) ktimer_cancel(&p->real_timer);
    if (!s) return;
    ktimer_cancel(&s->tick);
    ptimer_delete_all(s);
    p->ptimers = NULL;
    kfree(s);
}
