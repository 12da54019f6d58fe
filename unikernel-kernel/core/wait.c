/* Waiting for children: the logic under wait4(2) and waitid(2). */
#include <linux/signal.h>
#include <linux/wait.h>
#include "proc.h"
#include "ptrace.h"

/* The platform knows the total well and the system's share of it roughly; neither part may
 * ever become less. */
void task_times(struct task *t, u64 *user_r, u64 *sys_r)
{
    u64 total = t->state == TASK_ZOMBIE ? 0 : plat_clock_cpu(t);

    if (total > t->utime + t->stime) {
        u64 sys = max(plat_clock_sys(t, total), t->stime);

        t->stime = sys = min(sys, total - t->utime);
        t->utime = total - sys;
    }
    *user_r = t->utime;
    *sys_r = t->stime;
}

void proc_usage(struct proc *p, struct kusage *u)
{
    struct task *t;
    u64 user, sys;

    u->utime = p->dead_utime;
    u->stime = p->dead_stime;
    u->minflt = p->dead_minflt;
    u->maxrss = p->maxrss;
    u->counts = p->dead_counts;
    list_for_each(t, &p->threads, proc_link) {
        if (t->state == TASK_ZOMBIE) continue;
        task_times(t, &user, &sys);
        u->utime += user;
        u->stime += sys;
        u->minflt += t->minflt;
        counts_add(&u->counts, &t->counts);
    }
}

static bool eligible(const struct proc *c, const struct wait_req *rq)
{
    bool clone_child = c->exit_signal != SIGCHLD;

    if (rq->type == P_PID && c->pid != rq->id) return false;
    if (rq->type == P_PGID && c->pgid != rq->id) return false;
    if (rq->options & __WALL) return true;
    return clone_child == !!(rq->options & __WCLONE);
}

static void fill(struct proc *c, struct wait_req *rq, int code, int status, int wstatus)
{
    struct cred *cred = task_cred_get(c->leader);

    rq->pid = pid_nr(c->pid);
    rq->uid = cred->uid;
    rq->code = code;
    rq->status = status;
    rq->wstatus = wstatus;
    cred_put(cred);
    proc_usage(c, &rq->usage);
    rq->usage.utime += c->cutime;
    rq->usage.stime += c->cstime;
    rq->usage.minflt += c->cminflt;
    counts_add(&rq->usage.counts, &c->child_counts);
    rq->usage.maxrss = max(rq->usage.maxrss, c->cmaxrss);
}

static void take_zombie(struct proc *p, struct proc *c, struct wait_req *rq)
{
    int ws = c->group_code, sig = ws & 0x7f;

    fill(c, rq, !sig ? CLD_EXITED : (ws & 0x80) ? CLD_DUMPED : CLD_KILLED,
         sig ? sig : (ws >> 8) & 0xff, ws);
    if (rq->options & WNOWAIT) return;
    p->cutime += rq->usage.utime;
    p->cstime += rq->usage.stime;
    p->cminflt += rq->usage.minflt;
    counts_add(&p->child_counts, &rq->usage.counts);
    p->cmaxrss = max(p->cmaxrss, rq->usage.maxrss);
    proc_release(c);
}

/* True: c has something to tell that was asked for. */
static bool report(struct proc *p, struct proc *c, struct wait_req *rq)
{
    bool keep = rq->options & WNOWAIT;

    if (c->zombie) {
        if (!(rq->options & WEXITED)) return false;
        take_zombie(p, c, rq);
        return true;
    }
    if ((rq->options & WSTOPPED) && c->stopped && !c->stop_reported) {
        fill(c, rq, CLD_STOPPED, c->stop_sig, c->stop_sig << 8 | 0x7f);
        if (!keep) c->stop_reported = true;
        return true;
    }
    if ((rq->options & WCONTINUED) && c->continued) {
        fill(c, rq, CLD_CONTINUED, SIGCONT, 0xffff);
        if (!keep) c->continued = false;
        return true;
    }
    return false;
}

static int scan(struct proc *p, struct wait_req *rq)
{
    struct proc *c, *tmp;
    bool any = false;
    int r = 0;

    mutex_lock(&procs_lock);
    list_for_each_safe(c, tmp, &p->children, sibling) {
        if (!eligible(c, rq)) continue;
        /* of a zombie that is not asked for there will be no news */
        any |= !c->zombie || (rq->options & WEXITED);
        if (report(p, c, rq)) {
            r = 1;
            break;
        }
    }
    if (!r && ptrace_report(p, rq, &any)) r = 1;
    mutex_unlock(&procs_lock);
    return r ? r : any ? 0 : -ECHILD;
}

int proc_wait(struct wait_req *rq)
{
    struct proc *p = current()->proc;
    struct waiter w;
    int r = scan(p, rq);

    if (r || (rq->options & WNOHANG)) return r;
    waiter_init(&w);
    waitq_add(&p->child_wq, &w);
    for (;;) {
        r = scan(p, rq);
        if (r) break;
        r = task_sleep(WAIT_FOREVER, true);
        if (r < 0) break;
    }
    waitq_remove(&p->child_wq, &w);
    return r;
}
