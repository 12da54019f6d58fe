/* POSIX timers (timer_create(2)). A timer owns the one signal that it can have pending;
 * expiries meanwhile are its overrun. */
#include <asm/siginfo.h>
#include <linux/time.h>
#include "proc.h"
#include "sigq.h"
#include "timerset.h"

struct ptimer {
    struct ktimer kt;
    struct proc *proc;
    struct task *thread;        /* SIGEV_THREAD_ID: counted */
    struct sigq *sig;           /* NULL: SIGEV_NONE */
    int clock, overrun;         /* overrun: of the signal delivered last */
    bool cpu;                   /* the clock is the CPU time of the process, or */
    struct task *clock_of;      /* of this thread: counted */
    u64 interval, when;         /* when: of its clock, or monotonic; 0: not armed */
};

/* When the CPU time can have reached `when` at the earliest, but for the coarse tick. */
static u64 cpu_look(const struct ptimer *t, u64 used)
{
    u64 left = t->when > used ? t->when - used : 0;

    return time_mono() + max(CPU_TICK, left / max(t->proc->nthreads, 1u));
}

static u64 cpu_used(const struct ptimer *t)
{
    return t->clock_of ? plat_clock_cpu(t->clock_of) : proc_cpu_time(t->proc);
}

/* A thread's time only it can tell, and while it sleeps, that stands still. */
static void ask_thread(struct ptimer *t)
{
    u32 state = READ_ONCE(t->clock_of->state);

    if (state >= TASK_ZOMBIE) return;
    if (state == TASK_RUNNING) {
        __atomic_or_fetch(&t->clock_of->work, WORK_CLOCK, __ATOMIC_SEQ_CST);
        plat_task_kick(t->clock_of);
    }
    ktimer_set(&t->kt, time_mono() + CPU_TICK);
}

/* s->lock held. */
static void look(struct ptimer *t, u64 used)
{
    u32 missed = 0;

    if (!t->when || used < t->when) return;
    t->when = t->interval ? timer_advance(t->when, t->interval, used, &missed) : 0;
    if (!t->when) ktimer_cancel(&t->kt);
    if (t->sig) signal_send_timer(t->proc, t->thread, t->sig, missed);
}

void ptimer_look(void)
{
    struct task *self = current();
    struct ktimer_set *s = self->proc->ptimers;
    u64 used = plat_clock_cpu(self);

    __atomic_and_fetch(&self->work, ~(u32)WORK_CLOCK, __ATOMIC_SEQ_CST);
    if (!s) return;
    mutex_lock(&s->lock);
    for (unsigned i = 0; i < ARRAY_SIZE(s->timer); i++)
        if (s->timer[i] && s->timer[i]->clock_of == self) look(s->timer[i], used);
    mutex_unlock(&s->lock);
}

static void fired(struct ktimer *kt)
{
    struct ptimer *t = container_of(kt, struct ptimer, kt);
    u64 used = t->cpu && !t->clock_of ? proc_cpu_time(t->proc) : 0;
    u32 missed = 0;

    if (t->clock_of) {
        ask_thread(t);
        return;
    }
    if (t->cpu && used < t->when) {
        ktimer_set(kt, cpu_look(t, used));
        return;
    }
    if (t->interval) {
        t->when = t->cpu ? timer_advance(t->when, t->interval, used, &missed)
                         : timer_advance(kt->when, t->interval, time_mono(), &missed);
        ktimer_set(kt, t->cpu ? cpu_look(t, used) : t->when);
    } else {
        t->when = 0;
    }
    if (t->sig) signal_send_timer(t->proc, t->thread, t->sig, missed);
}

static struct ptimer *find(struct ktimer_set *s, int id)
{
    return s && id >= 0 && id < (int)ARRAY_SIZE(s->timer) ? s->timer[id] : NULL;
}

static int set_target(struct ptimer *t, const struct ptimer_event *ev)
{
    if (ev->notify & ~(SIGEV_NONE | SIGEV_THREAD_ID | SIGEV_THREAD)) return -EINVAL;
    if (ev->notify == SIGEV_NONE) return 0;
    if (ev->signo < 1 || ev->signo > 64) return -EINVAL;
    if (ev->notify & SIGEV_THREAD_ID) {
        t->thread = task_find_get(ev->tid);
        if (!t->thread || t->thread->proc != current()->proc) return -EINVAL;
    }
    t->sig = sigq_new(current(), false);
    if (!t->sig) return -EAGAIN;
    t->sig->kept = true;
    t->sig->overrun_r = &t->overrun;
    t->sig->info = (struct ksiginfo){ .signo = ev->signo, .code = SI_TIMER, .value = ev->value };
    return 0;
}

static void destroy(struct ptimer *t)
{
    ktimer_cancel(&t->kt);
    if (t->sig) signal_drop_timer(t->sig);
    if (t->thread) task_put(t->thread);
    if (t->clock_of) task_put(t->clock_of);
    kfree(t);
}

int ptimer_create(int clock, const struct ptimer_event *ev)
{
    const struct ptimer_event plain = { .signo = SIGALRM };
    struct ktimer_set *s = timer_set_get(current()->proc);
    struct ptimer *t = kzalloc(sizeof *t);
    u64 now;
    int id = 0, r;

    if (!s || !t) {
        kfree(t);
        return -EAGAIN;
    }
    ktimer_init(&t->kt, fired);
    t->proc = current()->proc;
    t->clock = clock;
    t->clock_of = clock_thread(clock);
    t->cpu = t->clock_of || clock_is_own_cpu(clock);
    r = t->cpu ? 0 : clock < 0 ? -EINVAL : clock_deadline(clock, 0, &now);
    if (!r) r = set_target(t, ev ? ev : &plain);
    mutex_lock(&s->lock);
    while (!r && id < (int)ARRAY_SIZE(s->timer) && s->timer[id]) id++;
    if (!r && id == (int)ARRAY_SIZE(s->timer)) r = -EAGAIN;
    if (!r) {
        s->timer[id] = t;
        if (t->sig) t->sig->info.timerid = id;
        if (!ev) t->sig->info.value = (u64)id;
    }
    mutex_unlock(&s->lock);
    if (r < 0) {
        destroy(t);
        return r;
    }
    return id;
}

static void remaining(const struct ptimer *t, struct itimer *it_r)
{
    u64 now = t->cpu ? cpu_used(t) : time_mono(), when = READ_ONCE(t->when);

    it_r->interval = t->interval;
    it_r->value = !when ? 0 : when > now ? when - now : t->sig ? 1 : 0;
}

int ptimer_set(int id, bool absolute, const struct itimer *it, struct itimer *old_r)
{
    struct ktimer_set *s = current()->proc->ptimers;
    struct ptimer *t;
    u64 when = 0;

    if (!s) return -EINVAL;
    mutex_lock(&s->lock);
    t = find(s, id);
    if (!t) {
        mutex_unlock(&s->lock);
        return -EINVAL;
    }
    ktimer_cancel(&t->kt);
    if (old_r) remaining(t, old_r);
    if (it->value && t->cpu) when = it->value + (absolute ? 0 : cpu_used(t));
    else if (it->value && absolute) clock_deadline(t->clock, it->value, &when);
    else if (it->value) when = time_mono() + it->value;
    if (it->value && !when) when = 1;
    t->interval = it->interval;
    t->overrun = 0;
    t->when = when;
    /* without a signal nobody needs to be told */
    if (when && t->sig) ktimer_set(&t->kt, t->cpu ? time_mono() + min(CPU_TICK, it->value) : when);
    mutex_unlock(&s->lock);
    return 0;
}

int ptimer_get(int id, struct itimer *it_r)
{
    struct ktimer_set *s = current()->proc->ptimers;
    struct ptimer *t;

    if (!s) return -EINVAL;
    mutex_lock(&s->lock);
    t = find(s, id);
    if (t) remaining(t, it_r);
    mutex_unlock(&s->lock);
    return t ? 0 : -EINVAL;
}

int ptimer_overrun(int id)
{
    struct ktimer_set *s = current()->proc->ptimers;
    struct ptimer *t;
    int n;

    if (!s) return -EINVAL;
    mutex_lock(&s->lock);
    t = find(s, id);
    n = t ? READ_ONCE(t->overrun) : -EINVAL;
    mutex_unlock(&s->lock);
    return n;
}

int ptimer_delete(int id)
{
    struct ktimer_set *s = current()->proc->ptimers;
    struct ptimer *t;

    if (!s) return -EINVAL;
    mutex_lock(&s->lock);
    t = find(s, id);
    if (t) s->timer[id] = NULL;
    mutex_unlock(&s->lock);
    if (!t) return -EINVAL;
    destroy(t);
    return 0;
}

void ptimer_delete_all(struct ktimer_set *s)
{
    for (unsigned i = 0; i < ARRAY_SIZE(s->timer); i++) {
        if (!s->timer[i]) continue;
        destroy(s->timer[i]);
        s->timer[i] = NULL;
    }
}
